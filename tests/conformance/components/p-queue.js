// p-queue: which job starts when, under limits on how many run and on how many start in a window.

import { Chance } from '../chance.js';
import { Clock, settle } from '../clock.js';
import { Trace, version, write } from '../trace.js';

async function record({ PQueue, chance, strict, aborts: mayAbort }) {
  const clock = new Clock().install();
  // On a coarse grid of times many things fall on the very ends of windows.
  const grid = chance.pick([1, 5, 10]);
  const on = (least, most) => chance.whole(Math.ceil(least / grid), Math.ceil(most / grid)) * grid;
  const interval = on(20, 120);
  const settings = {
    concurrency: chance.pick([0, 1, 2, chance.whole(2, 8)]),
    // Some traces have no windows at all.
    interval: strict || chance.happens(0.9) ? interval : 0,
    cap: chance.whole(1, 6),
    // Never on the grid: which of two timers of one instant runs first would depend on which was set first.
    timeout: chance.happens(0.3) && grid > 1 ? on(10, 60) + grid / 2 - (grid / 2 % 1) : 0,
  };
  const trace = new Trace(clock, { grid, strict, ...settings });
  trace.until = 3000;
  const queue = new PQueue({
    concurrency: settings.concurrency || Infinity,
    ...(settings.interval ? { interval: settings.interval, intervalCap: settings.cap } : {}),
    ...(strict ? { strict } : {}),
    ...(settings.timeout ? { timeout: settings.timeout } : {}),
  });

  const state = [];
  const aborts = [];
  const spans = [];
  function add(priority) {
    const job = state.push('waiting') - 1;
    spans[job] = on(grid, 150);
    aborts[job] = new AbortController();
    trace.input('add', job, priority);
    const run = () => {
      state[job] = 'running';
      trace.decide('start', job);
      return new Promise((resolve, reject) => {
        clock.after(spans[job], () => {
          // A job that was given up on runs on, and nobody hears of its end.
          if (state[job] === 'running') {
            state[job] = 'over';
            trace.input('end', job);
          }
          if (chance.happens(0.2)) reject(new Error('failed'));
          else resolve();
        });
      });
    };
    queue.add(run, { priority, signal: aborts[job].signal }).catch((problem) => {
      if (problem.name === 'TimeoutError') {
        trace.decide('timeout', job);
        state[job] = 'over';
      }
    });
  }

  let at = 0;
  for (let count = chance.whole(12, 32); count > 0; ) {
    const burst = chance.happens(0.4) ? chance.whole(2, 9) : 1;
    for (let one = 0; one < burst; one += 1) clock.at(at, () => add(chance.pick([0, 0, 10, 5])));
    count -= burst;
    if (chance.happens(0.25) && mayAbort) {
      clock.at(at + on(0, 40), () => {
        const which = chance.pick(['waiting', 'waiting', 'running']);
        const jobs = state.flatMap((state, job) => (state === which ? [job] : []));
        if (jobs.length === 0) return;
        const job = chance.pick(jobs);
        // One that runs is no longer waited for: to the queue that is its end.
        trace.input(which === 'running' ? 'end' : 'abort', job);
        state[job] = 'over';
        aborts[job].abort();
      });
    }
    at += chance.pick([on(grid, 10), on(grid, 40), interval, on(interval / 2, interval * 2)]);
  }
  await settle();
  await clock.runTo(trace.until);
  clock.uninstall();
  return trace;
}

/** Records a version of the queue, in its default mode or in the strict one. Some traces have jobs that are aborted. */
export async function pQueue({ queue, strict = false, seed, count, abortsEvery = 2 }) {
  const { default: PQueue } = await import(queue);
  const traces = [];
  for (let number = 0; number < count; number += 1) {
    traces.push(await record({ PQueue, chance: new Chance(seed, number), strict, aborts: number % abortsEvery === 1 }));
  }
  const name = `p-queue-${version(queue)}${strict ? '-strict' : ''}`;
  write(name, { component: 'p-queue', packages: { 'p-queue': version(queue) }, seed }, traces);
}
