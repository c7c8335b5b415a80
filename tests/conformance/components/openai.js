// OpenAI's SDK against a fetch that answers, fails, or hangs as told: which attempts are made and when, and what comes of
// a call. The draws of the backoff are recorded.

import { Chance, draw } from '../chance.js';
import { Clock, EPOCH, settle } from '../clock.js';
import { Trace, version, write } from '../trace.js';

/** Statuses of refusals, those that are seen most more often. */
const STATUSES = [429, 429, 429, 500, 503, 502, 408, 409, 400, 401, 403, 404, 422];

/** What a refusal says about when to come back: [in words, headers]. */
function retryAfter(chance, now) {
  const header = (name, value) => [`${name}=${value}`, { [name]: String(value) }];
  switch (chance.whole(0, 9)) {
    case 0:
      return header('retry-after', chance.pick([0, 1, 2, 20, 59, 60, 61, 3600]));
    case 1:
      return header('retry-after', chance.whole(1, 30));
    case 2:
      return header('retry-after-ms', chance.pick([0, 1, chance.whole(1, 5000), 59_999, 60_000, 60_001]));
    case 3: {
      // A date, in whole seconds: from a second ago to half a minute ahead.
      const at = Math.floor(now / 1000 + chance.whole(-1, 30)) * 1000;
      return [`retry-after-date=${at}`, { 'retry-after': new Date(EPOCH + at).toUTCString() }];
    }
    case 4:
      // Both: the one in milliseconds comes first.
      return ['retry-after-ms=1500,retry-after=7', { 'retry-after-ms': '1500', 'retry-after': '7' }];
    default:
      return ['none', {}];
  }
}

const answer = (id) => JSON.stringify({ id: `c${id}`, object: 'chat.completion', choices: [] });
const token = new TextEncoder().encode('data: {"choices":[{"delta":{"content":"x"}}]}\n\n');
const done = new TextEncoder().encode('data: [DONE]\n\n');

async function record({ OpenAI, chance }) {
  const clock = new Clock().install();
  const random = Math.random;
  const settings = {
    retries: chance.pick([0, 1, 2, 2, 2, 3, 6]),
    timeout: chance.pick([2000, 10_000, 600_000]),
  };
  const trace = new Trace(clock, settings);
  // Long enough for every attempt of a call to hang, and for a minute's wait after each.
  const room = (settings.retries + 1) * (settings.timeout + 70_000);
  trace.until = 7 * room;

  /** What an attempt meets: all of it is drawn, and noted, as the attempt begins. */
  function serve(call, signal) {
    const after = (span, what) =>
      new Promise((resolve, reject) => {
        const event = clock.after(span, () => !signal.aborted && what(resolve, reject));
        signal.addEventListener('abort', () => {
          event.run = () => {};
          reject(new DOMException('This operation was aborted', 'AbortError'));
        });
      });
    const span = chance.pick([chance.whole(1, 100), chance.whole(100, 1900), chance.whole(500, 6000), settings.timeout]);
    call.draw = draw(chance);
    const kind = chance.uniform();
    if (kind < 0.4) {
      // Answered: at once, or headers first and the body later.
      const body = chance.pick([0, chance.whole(1, 500), chance.whole(500, 4000)]);
      trace.input('answers', call.number, span, body, call.draw);
      return after(span, (resolve) => {
        const source = {
          start(controller) {
            const end = () => {
              try {
                controller.enqueue(call.stream ? done : new TextEncoder().encode(answer(call.number)));
                controller.close();
              } catch {
                // Nobody reads it any more.
              }
            };
            if (call.stream) controller.enqueue(token);
            if (body === 0) end();
            else clock.after(body, end);
          },
        };
        const type = call.stream ? 'text/event-stream' : 'application/json';
        resolve(new Response(new ReadableStream(source), { headers: { 'content-type': type } }));
      });
    }
    if (kind < 0.8) {
      const status = chance.pick(STATUSES);
      const told = chance.happens(0.1) ? chance.pick(['true', 'false']) : 'nothing';
      const [words, headers] = retryAfter(chance, clock.now + span);
      if (told !== 'nothing') headers['x-should-retry'] = told;
      trace.input('refuses', call.number, span, status, words, told, call.draw);
      const given = { status, headers: { ...headers, 'content-type': 'application/json' } };
      return after(span, (resolve) => resolve(new Response('{"error":{"message":"no"}}', given)));
    }
    if (kind < 0.92) {
      trace.input('breaks', call.number, span, call.draw);
      return after(span, (_resolve, reject) => reject(new TypeError('fetch failed', { cause: new Error('ECONNRESET') })));
    }
    trace.input('hangs', call.number, call.draw);
    return after(trace.until, () => {});
  }

  const calls = new Map();
  const client = new OpenAI({
    apiKey: 'k',
    maxRetries: settings.retries,
    timeout: settings.timeout,
    fetch: (_url, { headers, signal }) => {
      const call = calls.get(Number(new Headers(headers).get('x-call')));
      trace.decide('attempt', call.number);
      return serve(call, signal);
    },
  });
  // The one draw that counts: the jitter of a computed wait.
  const computed = client.calculateDefaultRetryTimeoutMillis.bind(client);
  client.calculateDefaultRetryTimeoutMillis = (...given) => {
    Math.random = () => calls.get(count - 1).draw;
    const wait = computed(...given);
    Math.random = random;
    return wait;
  };

  let count = 0;
  async function ask() {
    const call = { number: count++, stream: chance.happens(0.4) };
    calls.set(call.number, call);
    trace.input('call', call.number, call.stream ? 'stream' : 'whole');
    try {
      const options = { headers: { 'x-call': String(call.number) } };
      const given = { model: 'm', messages: [], stream: call.stream };
      const answered = await client.chat.completions.create(given, options);
      trace.decide('answered', call.number);
      if (call.stream) {
        for await (const _part of answered);
        trace.decide('streamed', call.number);
      }
    } catch (problem) {
      const why = problem.status ?? (/timed out/i.test(problem.message) ? 'timeout' : 'connection');
      trace.decide('failed', call.number, why);
    }
  }
  // One call after another, so that a draw belongs to the call that is under way.
  for (let at = 0, left = chance.whole(3, 6); left > 0; left -= 1) {
    clock.at(at, ask);
    at += room;
  }
  await settle();
  await clock.runTo(trace.until);
  clock.uninstall();
  Math.random = random;
  return trace;
}

/** Records a version of the SDK. */
export async function openai({ sdk, seed, count }) {
  const { default: OpenAI } = await import(sdk);
  const traces = [];
  for (let number = 0; number < count; number += 1) {
    traces.push(await record({ OpenAI, chance: new Chance(seed, number) }));
  }
  write(`openai-${version(sdk)}`, { component: 'openai', packages: { openai: version(sdk) }, seed }, traces);
}
