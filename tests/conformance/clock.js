// Time under control. The packages' timers and clocks are replaced; what happens between two instants takes no time.
//
// The rules for timers are Node's: a delay is cut to whole milliseconds, one below 1 (or too large, or no number) becomes
// 1, and timers that are due at the same instant run in the order in which they were set. Microtasks, process.nextTick
// and setImmediate are left alone: after each step the real loop runs until nothing is left to do at that instant.

/** The clock starts here, so that a package that takes time 0 for "never" is not misled. */
export const EPOCH = 1_700_000_000_000;

const real = { setImmediate, Date };
/** Turns of the real loop after each step. A stub's stream needs two or three; the rest is margin. */
const TURNS = 6;

class Timer {
  constructor(clock, run, delay, repeats) {
    const wanted = +delay;
    this.clock = clock;
    this.run = run;
    this.delay = wanted >= 1 && wanted <= 2 ** 31 - 1 ? Math.trunc(wanted) : 1;
    this.repeats = repeats;
    this.set();
  }
  set() {
    this.at = this.clock.now + this.delay;
    this.order = this.clock.order++;
    this.clock.timers.add(this);
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  hasRef() {
    return true;
  }
  refresh() {
    return this.set();
  }
  close() {
    this.clock.timers.delete(this);
  }
  [Symbol.toPrimitive]() {
    return this.order;
  }
}

/** Virtual time: the packages' timers, and the recorder's own events, which come after timers of the same instant. */
export class Clock {
  now = 0;
  order = 1;
  timers = new Set();
  #events = [];
  #saved;

  /** Replaces the globals; `uninstall` brings them back. */
  install() {
    const clock = this;
    this.#saved = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'].map((name) => [name, globalThis[name]]);
    const performanceNow = performance.now;
    this.#saved.push(['performance.now', performanceNow]);
    const stop = (timer) => timer instanceof Timer && timer.close();
    globalThis.setTimeout = (run, delay, ...given) => new Timer(clock, () => run(...given), delay, false);
    globalThis.setInterval = (run, delay, ...given) => new Timer(clock, () => run(...given), delay, true);
    globalThis.clearTimeout = stop;
    globalThis.clearInterval = stop;
    globalThis.Date = class extends real.Date {
      constructor(...given) {
        super(...(given.length > 0 ? given : [EPOCH + clock.now]));
      }
      static now() {
        return EPOCH + clock.now;
      }
    };
    performance.now = () => clock.now;
    return this;
  }

  uninstall() {
    for (const [name, value] of this.#saved) {
      if (name === 'performance.now') performance.now = value;
      else globalThis[name] = value;
    }
  }

  /** Plans an event of the recorder. */
  at(time, run) {
    const event = { at: Math.max(time, this.now), order: this.order++, run };
    let place = this.#events.length;
    while (place > 0 && this.#events[place - 1].at > event.at) place -= 1;
    this.#events.splice(place, 0, event);
    return event;
  }

  /** Plans an event `span` from now. */
  after(span, run) {
    return this.at(this.now + span, run);
  }

  /** Runs everything up to `end`, step by step. */
  async runTo(end) {
    for (;;) {
      const timer = this.#nextTimer();
      const event = this.#events[0];
      const at = Math.min(timer?.at ?? Infinity, event?.at ?? Infinity);
      if (at > end) break;
      this.now = at;
      if (timer && timer.at <= at) {
        this.timers.delete(timer);
        if (timer.repeats) timer.set();
        timer.run();
      } else {
        this.#events.shift();
        event.run();
      }
      await settle();
    }
    this.now = end;
  }

  #nextTimer() {
    let next;
    for (const timer of this.timers) {
      if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

/** Lets the real loop run until the instant is over. */
export async function settle(turns = TURNS) {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => real.setImmediate(resolve));
}
