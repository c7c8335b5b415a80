// Records all traces, or those of the files whose names begin with a word of the command line.

import { expressRateLimit } from './components/express-rate-limit.js';
import { ioredis } from './components/ioredis.js';
import { openai } from './components/openai.js';
import { pQueue } from './components/p-queue.js';
import { pgPool } from './components/pg-pool.js';

const RECORDINGS = {
  'pg-pool-3.10.1': () => pgPool({ pool: 'pg-pool-3.10.1', pg: 'pg-8.16.3', seed: 1, count: 240 }),
  'pg-pool-3.14.0': () => pgPool({ pool: 'pg-pool-3.14.0', pg: 'pg-8.23.1', seed: 2, count: 240 }),
  'p-queue-9.0.1': () => pQueue({ queue: 'p-queue-9.0.1', seed: 3, count: 240, abortsEvery: 6 }),
  'p-queue-9.3.5': () => pQueue({ queue: 'p-queue-9.3.5', seed: 4, count: 240 }),
  'p-queue-9.3.5-strict': () => pQueue({ queue: 'p-queue-9.3.5', strict: true, seed: 5, count: 240 }),
  'p-queue-10.0.0': () => pQueue({ queue: 'p-queue-10.0.0', seed: 6, count: 240 }),
  'express-rate-limit-8.2.1': () => expressRateLimit({ limiter: 'express-rate-limit-8.2.1', seed: 7, count: 220 }),
  'express-rate-limit-8.7.5': () => expressRateLimit({ limiter: 'express-rate-limit-8.7.5', seed: 8, count: 220 }),
  'rate-limit-redis-4.3.1': () =>
    expressRateLimit({ limiter: 'express-rate-limit-8.2.1', store: 'rate-limit-redis-4.3.1', seed: 9, count: 220 }),
  'rate-limit-redis-6.0.1': () =>
    expressRateLimit({ limiter: 'express-rate-limit-8.7.5', store: 'rate-limit-redis-6.0.1', seed: 10, count: 220 }),
  'openai-6.10.0': () => openai({ sdk: 'openai-6.10.0', seed: 11, count: 220 }),
  'openai-7.57.0': () => openai({ sdk: 'openai-7.57.0', seed: 12, count: 220 }),
  'ioredis-5.8.2': () => ioredis({ client: 'ioredis-5.8.2', seed: 13, count: 250 }),
  'ioredis-6.0.0': () => ioredis({ client: 'ioredis-6.0.0', seed: 14, count: 250 }),
};

const asked = process.argv.slice(2);
for (const [name, record] of Object.entries(RECORDINGS)) {
  if (asked.length > 0 && !asked.some((part) => name.startsWith(part))) continue;
  await record();
  console.log(`recorded traces/${name}.jsonl`);
}
