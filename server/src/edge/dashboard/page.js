
"use strict";
const KEPT = 600;
const byId = (id) => document.getElementById(id);
const make = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
let about = { services: [], databases: [], scale: 1 };
let past = [];
let reasons = [];

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const number = (value) => value >= 100 ? whole.format(value) : value >= 10 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(2).replace(/\.?0+$/, "");
const span = (seconds) => seconds === null || seconds === undefined ? "–" : seconds < 1 ? Math.round(seconds * 1000) + " ms" : seconds < 60 ? number(seconds) + " s" : number(seconds / 60) + " min";
const share = (value) => { if (value === 0) return "0 %"; const percent = value * 100; return (percent > 0 && percent < 1 ? percent.toFixed(2) : percent < 10 ? percent.toFixed(1) : percent.toFixed(0)) + " %"; };
const clock = (seconds) => { const s = Math.floor(seconds); const two = (n) => String(n).padStart(2, "0"); return Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60); };

// A second is too short to read from: ten of them are looked at together.
const recent = () => {
  const last = past.slice(-10);
  const sum = (key) => last.reduce((total, one) => total + one[key], 0);
  const known = (key) => last.map((one) => one[key]).filter((value) => value !== null);
  const middle = (values) => values.length ? values.sort((a, b) => a - b)[Math.floor(values.length / 2)] : null;
  const answered = sum("answered"), failed = sum("failed"), count = Math.max(1, last.length);
  return { answered: answered / count, failed: failed / count, share: answered + failed > 0 ? failed / (answered + failed) : 0, p50: middle(known("p50")), p95: middle(known("p95")) };
};

const sentence = (now) => {
  const total = now.answered + now.failed;
  if (total < 0.05) return "Nobody is asking for anything right now.";
  if (now.share < 0.0005) return "Everybody is being answered: " + number(now.answered) + " requests a second.";
  const counts = new Map();
  for (const one of reasons.flat()) counts.set(one.words, (counts.get(one.words) || 0) + one.count);
  const [words] = [...counts].sort((a, b) => b[1] - a[1])[0] || [];
  const why = words ? " Most often: " + words + "." : "";
  return share(now.share) + " of " + number(total) + " requests a second fail." + why;
};

const tile = (value, words) => { const box = make("div", undefined, "tile"); box.append(make("b", value), make("span", words)); return box; };

const tiles = (now, look) => {
  const all = look.readings.all;
  const boxes = [
    tile(number(now.answered), "requests answered a second"),
    tile(share(now.share), "of requests fail"),
    tile(span(now.p50), "half are answered within"),
    tile(span(now.p95), "one in twenty takes longer than"),
  ];
  if (all["users.online"] !== undefined) boxes.push(tile(whole.format(all["users.online"]), "people here now"));
  for (const service of about.services) {
    const count = all[service.name + ".instances"];
    if (count !== undefined) boxes.push(tile(whole.format(count), (count === 1 ? "instance of " : "instances of ") + service.name));
  }
  byId("tiles").replaceChildren(...boxes);
};

const SVG = "http://www.w3.org/2000/svg";
const svg = (name, attributes, text) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};
const nice = (top) => { if (!(top > 0)) return 1; const unit = 10 ** Math.floor(Math.log10(top)); return [1, 2, 2.5, 5, 10].map((step) => step * unit).find((value) => value >= top); };

const chart = (title, lines, write) => {
  const figure = make("figure", undefined, "chart card");
  const caption = make("figcaption");
  if (lines.length === 1) caption.append(make("span", title, "key"));
  else { caption.append(make("span", title)); for (const [at, line] of lines.entries()) caption.append(make("span", line.name, at ? "key second" : "key")); }
  const width = 420, height = 150, left = 46, right = 8, top = 8, bottom = 20;
  const values = lines.flatMap((line) => past.map((one) => one[line.key]).filter((value) => value !== null));
  const most = nice(values.reduce((a, b) => Math.max(a, b), 0));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  const shown = past.length <= 120 ? 120 : past.length <= 300 ? 300 : KEPT;
  const x = (index) => left + (width - left - right) * (shown - past.length + index) / (shown - 1);
  const y = (value) => height - bottom - (height - top - bottom) * value / most;
  for (const part of [0, 0.5, 1]) {
    picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(most * part), y2: y(most * part) }));
    picture.append(svg("text", { x: left - 6, y: y(most * part) + 4, "text-anchor": "end" }, write(most * part)));
  }
  for (const [part, anchor] of [[1, "start"], [0.5, "middle"], [0, "end"]])
    picture.append(svg("text", { x: left + (width - left - right) * (1 - part), y: height - 5, "text-anchor": anchor }, part ? "−" + number(part * shown / 60) + " min" : "now"));
  for (const [at, line] of lines.entries()) {
    let piece = [];
    const close = () => { if (piece.length) picture.append(svg("polyline", { class: at ? "second" : "", points: piece.join(" ") })); piece = []; };
    past.forEach((one, index) => { if (one[line.key] === null) close(); else piece.push(x(index).toFixed(1) + "," + y(one[line.key]).toFixed(1)); });
    close();
  }
  figure.append(caption, picture);
  return figure;
};

const charts = () => byId("charts").replaceChildren(
  chart("requests a second", [{ key: "answered", name: "answered" }, { key: "failed", name: "failed" }], number),
  chart("time to the answer", [{ key: "p50", name: "half within" }, { key: "p95", name: "19 of 20 within" }], span),
  chart("requests in hand", [{ key: "in_hand", name: "in hand" }], number),
);

const bar = (name, value, figure, bounded = true) => {
  const row = make("div", undefined, "bar"), track = make("div", undefined, "track"), fill = make("div", undefined, bounded && value >= 0.85 ? "fill high" : "fill");
  fill.style.width = Math.min(100, Math.max(0, value * 100)) + "%";
  track.append(fill);
  row.append(make("span", name), track, make("span", figure, "figure"));
  return row;
};

const instances = (look) => {
  const cards = [];
  // What has no bound is drawn beside the fullest of all.
  const fullest = (service) => Math.max(20, ...Object.values(look.readings.instances).map((one) => one[service.name + ".in_hand"] || 0));
  for (const [id, readings] of Object.entries(look.readings.instances)) {
    const service = about.services.find((one) => Object.keys(readings).some((key) => key.startsWith(one.name + ".")));
    if (!service) continue;
    const read = (key) => readings[service.name + "." + key];
    const card = make("div", undefined, "card"), head = make("h3", service.name + " " + id);
    const ready = read("ready");
    head.append(make("small", ready === undefined ? service.plan || "" : ready ? "ready" : "not ready"));
    card.append(head);
    if (read("cpu") !== undefined) card.append(bar("processor", read("cpu"), share(read("cpu"))));
    if (read("memory") !== undefined) card.append(bar("memory", read("memory"), share(read("memory"))));
    if (read("in_hand") !== undefined) card.append(bar("in hand", read("in_hand") / fullest(service), whole.format(read("in_hand")), false));
    for (const pool of service.pools) if (readings[pool + ".utilization"] !== undefined) card.append(bar(pool, readings[pool + ".utilization"], share(readings[pool + ".utilization"])));
    for (const queue of service.queues) if (readings[queue + ".waiting"] !== undefined) card.append(bar(queue, readings[queue + ".utilization"] || 0, whole.format(readings[queue + ".waiting"]) + " wait"));
    cards.push(card);
  }
  byId("instances").replaceChildren(...(cards.length ? cards : [make("p", "none")]));
};

const lines = (look) => {
  const all = look.readings.all, rows = [];
  const row = (name, used, busy, waiting) => {
    const line = make("tr"), cell = make("td"), track = make("div", undefined, "track"), fill = make("div", undefined, used >= 0.85 ? "fill high" : "fill");
    fill.style.width = Math.min(100, (used || 0) * 100) + "%"; track.append(fill); cell.append(track);
    const scope = make("th", name); scope.scope = "row";
    line.append(scope, cell, make("td", busy, "number"), make("td", waiting, "number"));
    rows.push(line);
  };
  for (const service of about.services) {
    if (all[service.name + ".cpu"] !== undefined) row(service.name + ": processors", all[service.name + ".cpu"], share(all[service.name + ".cpu"]), number(all[service.name + ".waiting"] || 0));
    for (const name of [...service.pools, ...service.queues]) {
      if (all[name + ".utilization"] === undefined) continue;
      row(name, all[name + ".utilization"], number(all[name + ".busy"]), number(all[name + ".waiting"]));
    }
  }
  for (const { name, connections } of about.databases) {
    if (all[name + ".connections"] !== undefined) row(name + ": connections", all[name + ".connections"] / Math.max(1, connections), number(all[name + ".connections"]) + " of " + whole.format(connections), "–");
    if (all[name + ".cpu"] !== undefined) row(name + ": processors", all[name + ".cpu"], share(all[name + ".cpu"]), "–");
  }
  byId("lines").tBodies[0].replaceChildren(...rows);
};

const list = (id, items, none) => byId(id).replaceChildren(...(items.length ? items : [make("li", none)]));
const entry = (at, text, kind) => { const item = make("li", undefined, kind); item.append(make("time", clock(at)), document.createTextNode(text)); return item; };

const show = (look) => {
  // The first look is the last of the past that came before it.
  const last = past[past.length - 1];
  if (!last || last.at < look.figures.at) past.push(look.figures);
  if (past.length > KEPT) past.shift();
  reasons.push(look.causes);
  if (reasons.length > 10) reasons.shift();
  const now = recent();
  byId("clock").textContent = "running for " + clock(look.figures.at) + (about.scale === 1 ? "" : ", " + about.scale + " times as fast as the clock") + " · " + whole.format(look.figures.connections) + (look.figures.connections === 1 ? " connection" : " connections");
  byId("sentence").textContent = sentence(now);
  tiles(now, look); charts(); instances(look); lines(look);
  list("alerts", (look.alerts || []).map((alert) => entry(alert.at || 0, (alert.fires ? "firing: " : "") + alert.text, alert.fires ? "fires" : "")), look.alerts === null ? "No rules are watched." : "All quiet.");
  list("log", look.log.map((line) => entry(line.at, line.text)), "Nothing yet.");
};

const source = new EventSource("/dashboard/events");
source.addEventListener("hello", (message) => {
  about = JSON.parse(message.data);
  past = about.past;
  byId("title").textContent = about.title;
  document.title = about.title + ": live";
});
source.addEventListener("look", (message) => show(JSON.parse(message.data)));
source.onerror = () => { byId("clock").textContent = "no connection to the server; trying again"; };
