//! The limiters' rules as Redis runs them: one script a hit, so that nothing comes between looking and counting.
//!
//! Owns: the scripts and what is handed to them. The machine in `highwater_models` is the reference: a test holds each script
//! to it, hit by hit.
//! Never: connections.
//!
//! All lengths are microseconds of the wall's clock, and the time is the one of the Redis server, so that any number of
//! processes share a count. The fixed window is the script of the npm package rate-limit-redis (6.x), which counts in whole
//! milliseconds. Keys expire once they are as good as new, a second later, so that no decision hangs on the moment.

use highwater_models::machine::limiter::{LimiterRule, SlidingCounts, WindowOpens};
use redis::Script;

/// Every script gives: whether the hit passes (1 or 0), after how many microseconds one would, and the server's time. `into`
/// is how long ago the last whole multiple of a length was, by the system's clock.
const HEAD: &str = "
local clock = redis.call('TIME')
local seconds, micros = tonumber(clock[1]), tonumber(clock[2])
local now = seconds * 1000000 + micros
local function into(length, phase) return (now % length + phase) % length end
";

/// KEYS: the count. ARGV: limit, length, whether windows open with the clock, the clock's phase.
const FIXED_WINDOW: &str = "
local limit, per, by_clock, phase = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local left = redis.call('PTTL', KEYS[1])
local hits
if left <= 0 then
    left = per
    if by_clock then left = per - into(per, phase) end
    left = math.max(1, math.floor(left / 1000 + 0.5))
    redis.call('SET', KEYS[1], 1, 'PX', left)
    hits = 1
else
    hits = redis.call('INCR', KEYS[1])
end
if hits <= limit then return { 1, 0, now } end
return { 0, left * 1000, now }
";

/// KEYS: the log. ARGV: limit, length, whether refused hits count.
const SLIDING_WINDOW: &str = "
local limit, per, all = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local function oldest() return tonumber(redis.call('LINDEX', KEYS[1], 0) or '') end
local first = oldest()
while first and first + per <= now do
    redis.call('LPOP', KEYS[1])
    first = oldest()
end
local length = redis.call('LLEN', KEYS[1])
local passes = length < limit
if passes or all then
    if length >= limit then redis.call('LTRIM', KEYS[1], length - limit + 1, -1) end
    redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
    redis.call('PEXPIRE', KEYS[1], math.ceil(per / 1000) + 1000)
end
if passes then return { 1, 0, now } end
return { 0, math.ceil(oldest() + per - now), now }
";

/// KEYS: when the bucket will be full, as seconds and microseconds. ARGV: time between two tokens, size, tick (0 for none), the
/// clock's phase.
const TOKEN_BUCKET: &str = "
local every, burst, tick, phase = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full = redis.call('HMGET', KEYS[1], 's', 'u')
local ahead = -math.huge
if full[1] then ahead = (tonumber(full[1]) - seconds) * 1000000 + (tonumber(full[2]) - micros) end
local free, since = ahead - every * (burst - 1), 0
if tick > 0 then
    since = into(tick, phase)
    free = math.ceil((free + since) / tick) * tick - since
end
if free > 0 then return { 0, math.min(math.ceil(free), 1e15), now } end
ahead = math.max(ahead, -since) + every
local at = micros + ahead
local whole = math.floor(at / 1000000)
redis.call('HSET', KEYS[1], 's', string.format('%.0f', seconds + whole), 'u', string.format('%.17g', at - whole * 1000000))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.min(math.ceil((ahead + tick) / 1000) + 1000, 1e14)))
return { 1, 0, now }
";

/// The longest time between two tokens, and the answer to a wait without an end: 31 years.
const NEVER: f64 = 1e15;

/// The scripts, with their sums, by which the server knows them.
pub(super) struct Scripts {
    fixed_window: Script,
    sliding_window: Script,
    token_bucket: Script,
}

/// A script, and what is handed to it for a hit.
pub(super) struct Hit<'a> {
    /// The script.
    pub script: &'a Script,
    /// The kind of what is kept under the key; another kind has another key.
    pub kind: &'static str,
    /// Its arguments.
    pub arguments: [String; 4],
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |body| Script::new(&format!("{HEAD}{body}"));
        Self {
            fixed_window: script(FIXED_WINDOW),
            sliding_window: script(SLIDING_WINDOW),
            token_bucket: script(TOKEN_BUCKET),
        }
    }

    /// A hit under a rule, where `scale` seconds of the system pass in one of the wall's and the system's clock, in the wall's
    /// microseconds, is `offset` ahead of the server's; none where no hit ever passes.
    pub(super) fn hit(&self, rule: &LimiterRule, scale: f64, offset: i64) -> Option<Hit<'_>> {
        let micros = |nanos: u64| (nanos as f64 / 1e3 / scale).clamp(1.0, NEVER);
        let phase = |length: f64| (offset as f64).rem_euclid(length).to_string();
        let flag = |on: bool| u8::from(on).to_string();
        match *rule {
            LimiterRule::FixedWindow { limit: 0, .. }
            | LimiterRule::SlidingWindow { limit: 0, .. }
            | LimiterRule::TokenBucket { burst: 0, .. } => None,
            LimiterRule::FixedWindow { limit, per, opens } => {
                let per = micros(per.nanos());
                let by_clock = flag(opens == WindowOpens::Clock);
                Some(Hit {
                    script: &self.fixed_window,
                    kind: "window",
                    arguments: [limit.to_string(), per.to_string(), by_clock, phase(per)],
                })
            }
            LimiterRule::SlidingWindow { limit, per, counts } => {
                let all = flag(counts == SlidingCounts::All);
                Some(Hit {
                    script: &self.sliding_window,
                    kind: "log",
                    arguments: [limit.to_string(), micros(per.nanos()).to_string(), all, String::new()],
                })
            }
            LimiterRule::TokenBucket { rate, burst, tick } => {
                let every = 1e6 / rate / scale;
                // A rate of nothing, or none at all.
                let every = if every > 0.0 { every.min(NEVER) } else { NEVER };
                let tick = tick.filter(|tick| tick.nanos() > 0).map(|tick| micros(tick.nanos()));
                let (tick, phase) =
                    tick.map_or(("0".to_owned(), "0".to_owned()), |tick| (tick.to_string(), phase(tick)));
                Some(Hit {
                    script: &self.token_bucket,
                    kind: "bucket",
                    arguments: [every.to_string(), burst.to_string(), tick, phase],
                })
            }
        }
    }
}

/// A wait of so many of the wall's microseconds; none for one without an end.
pub(super) fn wait(micros: i64) -> Option<f64> {
    let micros = micros.max(0) as f64;
    (micros < NEVER / 1e3).then_some(micros)
}
