// A PostgreSQL server on the other end of a stream that never leaves the process. It speaks as much of the wire protocol
// as the client needs: start-up, simple queries, errors, goodbye.

import { Duplex } from 'node:stream';

const text = (value) => Buffer.from(`${value}\0`);

function message(type, ...parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type, 0);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const error = (severity, code, words) =>
  message('E', ...['S' + severity, 'V' + severity, 'C' + code, 'M' + words].map(text), Buffer.from([0]));
const number = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const READY = message('Z', Buffer.from('I'));

/**
 * One connection's stream, handed to the client in place of a socket. `host` is told: `attempt(wire)` when the client
 * connects, `query(wire, text)`, `closed(wire)` when the client has said goodbye or let go.
 */
export class Wire extends Duplex {
  #host;
  #heard = Buffer.alloc(0);
  #started = false;
  #cut = false;

  constructor(host) {
    super();
    this.#host = host;
  }

  // What a socket has besides.
  setNoDelay() {}
  setKeepAlive() {}
  ref() {}
  unref() {}

  connect() {
    this.#host.attempt(this);
    process.nextTick(() => this.destroyed || this.emit('connect'));
  }

  /** The server lets the client in. */
  welcome() {
    this.push(Buffer.concat([message('R', number(0)), message('K', number(1), number(2)), READY]));
  }

  /** The server has no connection left. */
  turnAway() {
    this.#cut = true;
    this.push(error('FATAL', '53300', 'sorry, too many clients already'));
    this.push(null);
    process.nextTick(() => this.destroy());
  }

  /** Nobody listens at the port. */
  refuse() {
    this.#cut = true;
    this.destroy(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }));
  }

  /** The server cuts the connection. */
  cut() {
    this.#cut = true;
    this.destroy();
  }

  /** The answer to a query. */
  answer(fails) {
    this.push(fails ? error('ERROR', '23505', 'duplicate key') : message('C', text('SELECT 0')));
    this.push(READY);
  }

  _read() {}

  _write(chunk, _encoding, done) {
    this.#heard = Buffer.concat([this.#heard, chunk]);
    for (;;) {
      const head = this.#started ? 1 : 0;
      if (this.#heard.length < head + 4) break;
      const length = this.#heard.readInt32BE(head) + head;
      if (this.#heard.length < length) break;
      const type = this.#started ? String.fromCharCode(this.#heard[0]) : 'start-up';
      const body = this.#heard.subarray(head + 4, length);
      this.#heard = this.#heard.subarray(length);
      this.#started = true;
      if (type === 'Q') this.#host.query(this, body.subarray(0, -1).toString());
      else if (type === 'X') process.nextTick(() => this.destroy());
    }
    done();
  }

  _final(done) {
    done();
    process.nextTick(() => this.destroy());
  }

  _destroy(problem, done) {
    if (!this.#cut) this.#host.closed(this);
    done(problem);
  }
}
