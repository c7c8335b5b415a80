// A file of traces: a line of JSON about the whole, then one line for each trace.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What goes in and what comes out of a component in one trace, each as "time what ...". */
export class Trace {
  inputs = [];
  decisions = [];

  constructor(clock, settings) {
    this.clock = clock;
    this.settings = settings;
  }
  input(...words) {
    this.inputs.push([this.clock.now, ...words].join(' '));
  }
  decide(...words) {
    this.decisions.push([this.clock.now, ...words].join(' '));
  }
}

/** The installed version of a package, under the name it has in package.json. */
export function version(name) {
  return JSON.parse(readFileSync(here(`node_modules/${name}/package.json`), 'utf8')).version;
}

/** Writes a file of traces: beside its place first, then renamed. */
export function write(name, header, traces) {
  const lines = [{ ...header, node: process.version, traces: traces.length }];
  for (const [number, trace] of traces.entries()) {
    lines.push({ trace: number, settings: trace.settings, until: trace.until, inputs: trace.inputs, decisions: trace.decisions });
  }
  const path = here(`traces/${name}.jsonl`);
  writeFileSync(`${path}.tmp`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  renameSync(`${path}.tmp`, path);
}
