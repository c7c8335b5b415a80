// Records all traces, or those of the components named on the command line.

import { pgPool } from './components/pg-pool.js';

const RECORDINGS = {
  'pg-pool-3.10.1': () => pgPool({ pool: 'pg-pool-3.10.1', pg: 'pg-8.16.3', seed: 1, count: 240 }),
  'pg-pool-3.14.0': () => pgPool({ pool: 'pg-pool-3.14.0', pg: 'pg-8.23.1', seed: 2, count: 240 }),
};

const asked = process.argv.slice(2);
for (const [name, record] of Object.entries(RECORDINGS)) {
  if (asked.length > 0 && !asked.some((part) => name.startsWith(part))) continue;
  await record();
  console.log(`recorded traces/${name}.jsonl`);
}
