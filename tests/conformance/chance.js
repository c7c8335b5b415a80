// Chance that is the same on every machine: one generator per trace, begun from a seed and the trace's number.

/** A generator of numbers in [0, 1), with 32 bits each. */
export class Chance {
  #state;

  constructor(seed, trace = 0) {
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(trace + 1, 0x85ebca6b)) >>> 0;
    for (let turn = 0; turn < 4; turn += 1) this.uniform();
  }

  /** A draw from [0, 1): a counter whose bits are mixed, so that every trace has a sequence of its own. */
  uniform() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least, most) {
    return least + Math.floor(this.uniform() * (most - least + 1));
  }

  /** Whether something of this probability happens. */
  happens(probability) {
    return this.uniform() < probability;
  }

  /** One of several. */
  pick(choices) {
    return choices[this.whole(0, choices.length - 1)];
  }
}

/** A draw from [0, 1) that is short in writing: six digits. */
export function draw(chance) {
  return chance.whole(0, 999_999) / 1e6;
}
