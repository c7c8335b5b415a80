// pg-pool with pg's own client, against a stub server: who is lent a connection, who waits, who gives up.

import { Chance } from '../chance.js';
import { Clock, settle } from '../clock.js';
import { Wire } from '../stubs/postgres.js';
import { Trace, version, write } from '../trace.js';

const WHY = [
  [/timeout exceeded when trying to connect/, 'pool-timeout'],
  [/due to connection timeout/, 'connect-timeout'],
  [/too many clients/, 'too-many'],
  [/ECONNREFUSED/, 'refused'],
  [/after calling end/, 'ended'],
  [/terminated unexpectedly/, 'cut'],
];
const why = (problem) => WHY.find(([words]) => words.test(problem.message))?.[1] ?? `unknown: ${problem.message}`;

/** Kinds of traces, each with the settings that make something happen often. */
const KINDS = {
  // Nothing but waiting and lending.
  calm: () => ({}),
  // The server lets in so many and turns others away.
  full: (chance) => ({ slots: chance.whole(1, 3), fails: 0.1 }),
  // Attempts are slow, hang or are refused.
  slow: (_chance, whole) => ({ connect: [20, 160], hangs: 0.15, refuses: 0.15, timeout: whole(60, 140) }),
  // Idle connections are reaped, used up and grow old.
  ageing: (chance, whole) => ({
    idle: whole(15, 120),
    uses: chance.pick([0, 2, 3, 5]),
    life: chance.pick([0, 150, 400]),
    fails: 0.1,
  }),
  // The server cuts connections.
  cuts: () => ({ cuts: 0.25, fails: 0.1 }),
  // The pool is ended while all goes on.
  ends: () => ({ ends: true, hangs: 0.05 }),
};

async function record({ Pool, Client, chance, kind }) {
  const clock = new Clock().install();
  // On a coarse grid of times many things fall on the very ends of waits and of idleness.
  const grid = chance.pick([1, 5, 10]);
  const whole = (least, most) => chance.whole(Math.ceil(least / grid), Math.ceil(most / grid)) * grid;
  const max = chance.whole(1, 6);
  const settings = {
    max,
    min: chance.happens(0.4) ? chance.whole(1, max) : 0,
    idle: whole(30, 400),
    timeout: chance.pick([0, whole(10, 60), whole(40, 200)]),
    uses: 0,
    life: 0,
    ...KINDS[kind](chance, whole),
  };
  const { slots = Infinity, hangs = 0, refuses = 0, fails = 0.05, cuts = 0, connect = [2, 25], ends = false, ...pool } = settings;
  const trace = new Trace(clock, { kind, grid, ...pool });
  trace.until = 2000;

  const wires = [];
  const lent = new Map();
  const running = new Map();
  const isOpen = (wire) => !wire.destroyed;
  const host = {
    attempt(wire) {
      wire.number = wires.push(wire) - 1;
      trace.decide('open', wire.number);
      if (chance.happens(hangs)) return;
      clock.after(whole(...connect), () => {
        if (!isOpen(wire)) return;
        if (chance.happens(refuses)) {
          trace.input('failed', wire.number, 'refused');
          wire.refuse();
        } else if (wires.filter((other) => isOpen(other) && other.isIn).length >= slots) {
          trace.input('failed', wire.number, 'too-many');
          wire.turnAway();
        } else {
          trace.input('opened', wire.number);
          wire.isIn = true;
          wire.openedAt = clock.now;
          wire.welcome();
        }
      });
    },
    query(wire, words) {
      const asked = Number(words);
      lend(asked, wire);
      const span = spans[asked];
      running.set(wire, asked);
      clock.after(span, () => {
        if (running.get(wire) !== asked) return;
        running.delete(wire);
        const failed = chance.happens(fails);
        trace.input('back', wire.number, failed ? 'failed' : 'ok');
        wire.answer(failed);
      });
    },
    closed(wire) {
      trace.decide('close', wire.number);
    },
  };
  function lend(asked, wire) {
    trace.decide('lend', asked, wire.number, wire.openedAt === clock.now ? 'fresh' : 'used');
    wire.openedAt = undefined;
  }

  const real = new Pool({
    Client,
    stream: () => new Wire(host),
    user: 'u',
    database: 'd',
    password: 'p',
    max: settings.max,
    min: settings.min,
    idleTimeoutMillis: settings.idle,
    connectionTimeoutMillis: settings.timeout,
    maxUses: settings.uses || Infinity,
    maxLifetimeSeconds: settings.life / 1000,
  });
  real.on('error', () => {});
  // A connection that was opened for somebody who has gone is back before anybody else has it.
  real.on('release', (_problem, client) => {
    client.connection.stream.openedAt = undefined;
  });

  const spans = [];
  function ask() {
    const asked = spans.push(whole(1, 60)) - 1;
    trace.input('ask', asked);
    const refused = (problem) => trace.decide('refuse', asked, why(problem));
    if (chance.happens(0.5)) {
      // A statement: the pool takes the connection back when the answer is there.
      let answered = false;
      real.query(String(asked)).catch((problem) => {
        if (!answered && !/duplicate key/.test(problem.message) && !isCut.has(asked)) refused(problem);
        answered = true;
      });
    } else {
      // A transaction: the caller gives it back.
      real.connect((problem, client, release) => {
        if (problem) {
          refused(problem);
          return;
        }
        const wire = client.connection.stream;
        client.on('error', () => {});
        lend(asked, wire);
        clock.after(spans[asked], () => {
          const failed = chance.happens(fails);
          trace.input('back', wire.number, failed ? 'failed' : 'ok');
          client.removeAllListeners('error');
          client.on('error', () => {});
          release(failed ? new Error('failed') : undefined);
        });
      });
    }
  }
  const isCut = new Set();
  function cut(wire) {
    trace.input('cut', wire.number);
    const asked = running.get(wire);
    if (asked !== undefined) {
      running.delete(wire);
      isCut.add(asked);
      trace.input('back', wire.number, 'failed');
    }
    wire.cut();
  }

  // Arrivals: bursts, single ones, and pauses long enough for idleness to end.
  let at = 0;
  for (let count = chance.whole(8, 24); count > 0; ) {
    const burst = chance.happens(0.3) ? chance.whole(2, 6) : 1;
    for (let one = 0; one < burst; one += 1) clock.at(at, ask);
    count -= burst;
    at += chance.pick([whole(1, 8), whole(5, 40), whole(50, 250), settings.timeout, settings.idle]);
    if (chance.happens(cuts)) {
      clock.at(at, () => {
        const open = wires.filter(isOpen);
        if (open.length > 0) cut(chance.pick(open));
      });
    }
  }
  if (ends) {
    clock.at(whole(50, at), () => {
      trace.input('end');
      real.end().catch(() => {});
    });
  }
  await settle();
  await clock.runTo(trace.until);
  clock.uninstall();
  return trace;
}

/** Records the pool in one version, with the client it came with. */
export async function pgPool({ pool, pg, seed, count }) {
  const { default: Pool } = await import(pool);
  const { default: client } = await import(pg);
  const kinds = Object.keys(KINDS);
  const traces = [];
  for (let number = 0; number < count; number += 1) {
    const chance = new Chance(seed, number);
    traces.push(await record({ Pool, Client: client.Client, chance, kind: kinds[number % kinds.length] }));
  }
  write(`pg-pool-${version(pool)}`, { component: 'pg-pool', packages: { 'pg-pool': version(pool), pg: version(pg) }, seed }, traces);
}
