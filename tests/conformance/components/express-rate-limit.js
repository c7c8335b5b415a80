// express-rate-limit: several limiters one after another, in memory or with rate-limit-redis in a store that several
// processes share.

import { Chance } from '../chance.js';
import { Clock, settle } from '../clock.js';
import { Redis } from '../stubs/redis.js';
import { Trace, version, write } from '../trace.js';

/** What the middleware reads of a request. */
const request = (ip, user) => ({ ip, user, headers: {}, app: { get: () => false }, socket: {} });

/** What it writes to a response. */
class Response {
  headersSent = false;
  headers = {};
  statusCode = 200;
  setHeader(name, value) {
    this.headers[name.toLowerCase()] = String(value);
  }
  append(name, value) {
    this.setHeader(name, value);
  }
  once() {}
  status(code) {
    this.statusCode = code;
    return this;
  }
  send() {
    this.onSent();
  }
}

async function record({ rateLimit, MemoryStore, RedisStore, chance }) {
  const clock = new Clock().install();
  const grid = chance.pick([1, 100, 500]);
  const on = (least, most) => chance.whole(Math.ceil(least / grid), Math.ceil(most / grid)) * grid;
  // As in the plan: one for all addresses, tighter ones by user (else by address).
  const limiters = Array.from({ length: chance.whole(1, 3) }, (_, place) => ({
    by: place === 0 ? 'ip' : 'user',
    limit: chance.happens(0.04) ? 0 : chance.pick([chance.whole(1, 3), chance.whole(2, 6), chance.whole(4, 12)]),
    window: on(500, place === 0 ? 9000 : 4000),
  }));
  const processes = RedisStore ? chance.whole(1, 3) : 1;
  const trace = new Trace(clock, { grid, limiters });
  trace.until = 60_000;

  const server = RedisStore && new Redis(clock);
  const start = () =>
    limiters.map(({ by, limit, window }, place) => {
      const store = RedisStore
        ? new RedisStore({ prefix: `rl:${place}:`, sendCommand: async (...words) => server.call(words) })
        : new MemoryStore();
      const middleware = rateLimit({
        windowMs: window,
        limit,
        store,
        standardHeaders: true,
        legacyHeaders: false,
        validate: false,
        keyGenerator: (req) => (by === 'user' && req.user ? `user-${req.user}` : req.ip),
      });
      return { middleware, store };
    });
  const running = [];
  for (let one = 0; one < processes; one += 1) running.push(start());

  let asked = 0;
  async function hit(ip, user) {
    const own = asked++;
    trace.input('hit', own, ip, user);
    const response = new Response();
    const req = request(ip, user);
    for (const [place, { middleware }] of chance.pick(running).entries()) {
      const passed = await new Promise((resolve, reject) => {
        response.onSent = () => resolve(false);
        middleware(req, response, (problem) => (problem ? reject(problem) : resolve(true))).catch?.(reject);
      });
      if (!passed) {
        // A limit of 0 has no time at which it would let anything through, whatever the headers say.
        const wait = limiters[place].limit === 0 ? 'never' : req.rateLimit.resetTime - new Date();
        trace.decide('refuse', own, place, wait, ...(wait === 'never' ? [] : [response.headers['retry-after']]));
        return;
      }
    }
    trace.decide('admit', own);
  }

  let at = chance.whole(0, 30) * grid;
  for (let count = chance.whole(25, 55); count > 0; ) {
    const burst = chance.happens(0.3) ? chance.whole(2, 7) : 1;
    const [ip, user] = [chance.pick(['a', 'b', 'c']), chance.pick([0, 0, 1, 2])];
    for (let one = 0; one < burst; one += 1) clock.at(at, () => hit(ip, user));
    count -= burst;
    if (chance.happens(0.03)) {
      clock.at(at, () => {
        if (server) {
          // The server starts again: counts and scripts are lost.
          trace.input('forget');
          server.restart();
        } else if (chance.happens(0.5)) {
          trace.input('forget');
          running[0] = start();
        } else {
          const place = chance.whole(0, limiters.length - 1);
          trace.input('reset', place);
          running[0][place].store.resetAll();
        }
      });
    }
    at += chance.pick([0, on(grid, 200), on(200, 1500), limiters[0].window, chance.pick(limiters).window - grid]);
  }
  await settle();
  await clock.runTo(trace.until);
  for (const process of running) for (const { store } of process) store.shutdown?.();
  clock.uninstall();
  return trace;
}

/** Records a version of the limiter, with its own store or with a version of the store for Redis. */
export async function expressRateLimit({ limiter, store, seed, count }) {
  const { rateLimit, MemoryStore } = await import(limiter);
  const RedisStore = store && (await import(store)).RedisStore;
  const traces = [];
  for (let number = 0; number < count; number += 1) {
    traces.push(await record({ rateLimit, MemoryStore, RedisStore, chance: new Chance(seed, number) }));
  }
  const packages = { 'express-rate-limit': version(limiter) };
  if (store) packages['rate-limit-redis'] = version(store);
  const component = store ? 'rate-limit-redis' : 'express-rate-limit';
  write(`${component}-${packages[component]}`, { component, packages, seed }, traces);
}
