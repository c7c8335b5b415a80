// ioredis against a stub server on a stream that never leaves the process: when it connects again, what happens to the
// commands of that time. The draws of the waits are recorded.

import { Duplex } from 'node:stream';
import { createRequire } from 'node:module';

import { Chance, draw } from '../chance.js';
import { Clock, settle } from '../clock.js';
import { Trace, version, write } from '../trace.js';

const require = createRequire(import.meta.url);

/** A connection to the stub server. It reads commands as RESP sends them and hands them to `host`. */
class Line extends Duplex {
  connecting = true;
  #host;
  #heard = '';
  #idle;

  constructor(host) {
    super();
    this.#host = host;
  }

  setNoDelay() {}
  setKeepAlive() {}
  setTimeout(span, run) {
    clearTimeout(this.#idle);
    if (span > 0) this.#idle = setTimeout(run, span);
  }

  accept() {
    this.connecting = false;
    this.emit('connect');
  }
  refuse() {
    this.destroy(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }));
  }
  reply(text) {
    if (!this.destroyed) this.push(text);
  }

  _read() {}
  _write(chunk, _encoding, written) {
    this.#heard += chunk.toString();
    for (;;) {
      const lines = this.#heard.split('\r\n');
      if (lines.length < 2) break;
      const size = 1 + 2 * Number(lines[0].slice(1));
      if (lines.length <= size) break;
      this.#heard = lines.slice(size).join('\r\n');
      const words = lines.slice(1, size).filter((_line, place) => place % 2 === 1);
      this.#host.command(this, words);
    }
    written();
  }
  _final(ended) {
    ended();
    process.nextTick(() => this.destroy());
  }
  _destroy(problem, ended) {
    // Whoever destroys it without a reason while it connects has waited long enough.
    if (this.connecting && !problem) this.#host.gaveUp();
    clearTimeout(this.#idle);
    ended(problem);
  }
}

/** Kinds of traces: how the server behaves while it is away. */
const KINDS = ['short', 'refuses', 'hangs', 'mixed', 'accepts'];

async function record({ Redis, AbstractConnector, chance, kind }) {
  const clock = new Clock().install();
  const random = Math.random;
  const trace = new Trace(clock, { kind });
  trace.until = kind === 'short' ? 20_000 : 120_000;

  let isUp = true;
  let away = 'refuses';
  let line;
  const host = {
    gaveUp() {
      trace.decide('give-up');
    },
    connect(made) {
      line = made;
      trace.decide('try');
      const span = chance.whole(0, 3);
      if (isUp) {
        clock.after(span, () => {
          if (made.destroyed) return;
          if (!isUp) return refuse(made);
          trace.input('there');
          made.accept();
        });
        return;
      }
      if (away === 'hangs' || (away === 'mixed' && chance.happens(0.3))) {
        trace.input('hangs');
      } else if (away === 'accepts' && chance.happens(0.3)) {
        // Let in, and shown the door before it is ready.
        clock.after(span, () => {
          if (made.destroyed) return;
          made.isUseless = true;
          made.accept();
          clock.after(chance.whole(0, 5), () => close(made, 'shut'));
        });
      } else {
        clock.after(span, () => refuse(made));
      }
    },
    command(made, words) {
      const name = words[0].toLowerCase();
      if (made.isUseless) return;
      if (name === 'get') {
        const asked = Number(words[1]);
        trace.decide('send', asked);
        waiting.push(asked);
        clock.after(spans[asked], () => {
          if (made.destroyed) return;
          // Answers come in the order of the commands.
          answered.add(asked);
          while (waiting.length > 0 && answered.has(waiting[0])) {
            trace.input('answer', waiting.shift());
            made.reply('$1\r\nx\r\n');
          }
        });
      } else if (name === 'hello') {
        made.reply('%1\r\n$5\r\nproto\r\n:3\r\n');
      } else if (name === 'info') {
        made.reply('$11\r\nloading:0\r\n\r\n');
      } else {
        made.reply('+OK\r\n');
      }
    },
  };
  function refuse(made) {
    if (made.destroyed) return;
    trace.input('refused');
    made.refuse();
  }
  function close(made, how) {
    if (made.destroyed) return;
    trace.input(how);
    waiting.length = 0;
    made.destroy();
  }

  class Connector extends AbstractConnector {
    connect() {
      const made = new Line(host);
      host.connect(made);
      this.stream = made;
      return Promise.resolve(made);
    }
  }
  // The draw of each wait, beside the formula that uses it.
  const standard = Redis.defaultOptions?.retryStrategy ?? new Redis({ lazyConnect: true }).options.retryStrategy;
  const waiting = [];
  const answered = new Set();
  const spans = [];
  const client = new Redis({
    Connector,
    // Version 5 reads its own version from a file for it, which takes time that nobody controls.
    disableClientInfo: true,
    retryStrategy: (times) => {
      const drawn = draw(chance);
      Math.random = () => drawn;
      const wait = standard(times);
      Math.random = random;
      trace.input('draw', drawn);
      return wait;
    },
  });
  client.on('error', () => {});
  await settle();
  await clock.runTo(10);
  // The first connection is no part of the trace: it begins connected.
  trace.inputs.length = 0;
  trace.decisions.length = 0;

  function ask() {
    const asked = spans.push(chance.whole(0, 30)) - 1;
    trace.input('get', asked);
    client.get(String(asked)).catch((problem) => trace.decide('reject', asked, problem.name));
  }
  for (let at = 20, left = chance.whole(1, 3); left > 0 && at < trace.until; left -= 1) {
    // Up for a while, with commands.
    for (let count = chance.whole(1, 8); count > 0; count -= 1) {
      clock.at(at, ask);
      at += chance.pick([0, 1, chance.whole(1, 60)]);
    }
    // Away for a while, with fewer.
    clock.at(at, () => {
      isUp = false;
      away = kind === 'short' ? 'refuses' : kind;
      if (line && !line.connecting) close(line, 'closed');
    });
    const span = kind === 'short' ? chance.whole(1, 3000) : chance.pick([chance.whole(100, 9000), chance.whole(9000, 90_000)]);
    for (let count = chance.whole(1, 6); count > 0; count -= 1) clock.at(at + chance.whole(0, span), ask);
    at += span;
    clock.at(at, () => {
      isUp = true;
    });
    at += chance.whole(0, 6000);
  }
  await clock.runTo(trace.until);
  const [inputs, decisions] = [trace.inputs, trace.decisions];
  [trace.inputs, trace.decisions] = [[], []];
  client.disconnect();
  await settle();
  [trace.inputs, trace.decisions] = [inputs, decisions];
  clock.uninstall();
  Math.random = random;
  return trace;
}

/** Records a version of the client. */
export async function ioredis({ client, seed, count }) {
  const { default: Redis } = await import(client);
  const { AbstractConnector } = require(client);
  const traces = [];
  for (let number = 0; number < count; number += 1) {
    const chance = new Chance(seed, number);
    traces.push(await record({ Redis, AbstractConnector, chance, kind: KINDS[number % KINDS.length] }));
  }
  write(`ioredis-${version(client)}`, { component: 'ioredis', packages: { ioredis: version(client) }, seed }, traces);
}
