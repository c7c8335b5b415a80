//! OpenAI's SDK against `machine::retry`.

use highwater_models::machine::retry::{JitterKind, RetryPolicy};
use highwater_models::{SimSpan, SimTime};

use crate::replay::{Part, check, differences, inputs_at_ends};
use crate::trace::{Line, Recording, Trace};

/// The shortest timer of Node.
const SHORTEST: SimSpan = SimSpan::from_millis(1);

/// What differs between the versions of the SDK and is no matter of our machine: the rest of the driver.
#[derive(Copy, Clone)]
struct Sdk {
    /// Whether the time limit of an attempt covers the body of an answer that is not streamed; else it ends with the
    /// headers.
    times_body: bool,
    /// Whether "come back at once" and "in exactly a minute" are obeyed.
    obeys_ends: bool,
}

const SDK_6: Sdk = Sdk {
    times_body: false,
    obeys_ends: false,
};
const SDK_7: Sdk = Sdk {
    times_body: true,
    obeys_ends: true,
};

/// What comes of an attempt.
#[derive(Clone, Debug)]
enum Outcome {
    /// The headers of a streamed answer, and when its body ends.
    Streams(SimTime),
    /// The whole answer.
    Answered,
    /// The end of a streamed answer.
    Streamed,
    /// It failed: why in words, whether to ask again, and what was told about when.
    Failed(String, bool, Option<SimSpan>),
    /// The wait before the next attempt is over.
    Again,
}

/// A call under way: attempts, and waits between them.
struct Calls {
    sdk: Sdk,
    policy: RetryPolicy,
    timeout: SimSpan,
    call: usize,
    streams: bool,
    retries: u32,
    draw: f64,
    next: Option<(SimTime, Outcome)>,
    decided: Vec<String>,
}

impl Calls {
    fn new(trace: &Trace, sdk: Sdk, policy: RetryPolicy) -> Self {
        Self {
            sdk,
            policy: RetryPolicy {
                max: trace.count("retries") as u32,
                ..policy
            },
            timeout: trace.span("timeout"),
            call: 0,
            streams: false,
            retries: 0,
            draw: 0.0,
            next: None,
            decided: Vec::new(),
        }
    }

    /// What an attempt that begins now meets.
    fn attempt(&self, input: &Line) -> (SimTime, Outcome) {
        let now = input.at;
        let millis = |place: usize| SimSpan::from_millis(input.number(place) as u64);
        let timed_out = (now + self.timeout, Outcome::Failed("timeout".to_owned(), true, None));
        if input.word(0) == "hangs" || millis(2) >= self.timeout {
            return timed_out;
        }
        let at = now + millis(2);
        match input.word(0) {
            "answers" if self.streams => (at, Outcome::Streams(at + millis(3))),
            "answers" => {
                let at = at + millis(3);
                if self.sdk.times_body && at >= timed_out.0 {
                    return timed_out;
                }
                (at, Outcome::Answered)
            }
            "refuses" => {
                let status = input.number(3);
                let again = match input.word(5) {
                    "true" => true,
                    "false" => false,
                    _ => matches!(status, 408 | 409 | 429) || status >= 500,
                };
                let told = self.told(at, input.word(4));
                (at, Outcome::Failed(status.to_string(), again, told))
            }
            "breaks" => (at, Outcome::Failed("connection".to_owned(), true, None)),
            other => panic!("{other:?} is no outcome of an attempt"),
        }
    }

    /// What a refusal says about when to come back.
    fn told(&self, now: SimTime, words: &str) -> Option<SimSpan> {
        let (name, value) = words.split(',').next()?.split_once('=')?;
        let value: i64 = value.parse().expect("a whole number");
        let millis = match name {
            "retry-after-ms" => value,
            "retry-after" => value * 1000,
            "retry-after-date" => value - (now.nanos() / 1_000_000) as i64,
            other => panic!("{other:?} is no header"),
        };
        let told = SimSpan::from_millis(u64::try_from(millis).ok()?);
        let is_end = told == SimSpan::ZERO || told == self.policy.retry_after_max;
        (self.sdk.obeys_ends || !is_end).then_some(told)
    }

    fn begin(&mut self) {
        self.decided.push(format!("attempt {}", self.call));
    }
}

impl Part for Calls {
    fn input(&mut self, input: &Line) {
        if input.word(0) == "call" {
            self.call = input.number(1);
            self.streams = input.word(2) == "stream";
            self.retries = 0;
            self.begin();
        } else {
            let last = input.words.len() - 1;
            self.draw = input.word(last).parse().expect("a draw");
            self.next = Some(self.attempt(input));
        }
    }

    fn next_deadline(&self) -> SimTime {
        self.next.as_ref().map_or(SimTime::NEVER, |&(at, _)| at)
    }

    fn advance(&mut self, now: SimTime) {
        let call = self.call;
        match self.next.take().expect("something is due").1 {
            Outcome::Streams(end) => {
                self.decided.push(format!("answered {call}"));
                self.next = Some((end, Outcome::Streamed));
            }
            Outcome::Answered => self.decided.push(format!("answered {call}")),
            Outcome::Streamed => self.decided.push(format!("streamed {call}")),
            Outcome::Failed(why, again, told) => {
                let wait = again.then(|| self.policy.next(self.retries, told, self.draw)).flatten();
                match wait {
                    Some(wait) => {
                        self.retries += 1;
                        // Node's timers know whole milliseconds only.
                        let wait = SimSpan::from_millis(wait.nanos() / 1_000_000).max(SHORTEST);
                        self.next = Some((now + wait, Outcome::Again));
                    }
                    None => self.decided.push(format!("failed {call} {why}")),
                }
            }
            Outcome::Again => self.begin(),
        }
    }

    /// Whether the server speaks at the very end of the time that the attempt has.
    fn is_at_an_end(&self, input: &Line) -> bool {
        matches!(input.word(0), "answers" | "refuses" | "breaks")
            && SimSpan::from_millis(input.number(2) as u64) == self.timeout
    }

    fn decided(&mut self) -> Vec<String> {
        std::mem::take(&mut self.decided)
    }
}

/// Attempts to which the server speaks at the very end of their time.
pub fn at_ends(recording: &Recording) -> usize {
    let sdk = if recording.name == "openai-6.10.0" {
        SDK_6
    } else {
        SDK_7
    };
    inputs_at_ends(recording, |trace| Calls::new(trace, sdk, RetryPolicy::openai_sdk()))
}

// Lost if broken: the retries of the SDK that the plan had on the day it was written.
#[test]
fn openai_6_10_0_decides_as_ours_does() {
    let recording = Recording::read("openai-6.10.0");
    check(&recording, |trace| Calls::new(trace, SDK_6, RetryPolicy::openai_sdk()));
}

// Lost if broken: the retries of today's SDK.
#[test]
fn openai_7_57_0_decides_as_ours_does() {
    let recording = Recording::read("openai-7.57.0");
    check(&recording, |trace| Calls::new(trace, SDK_7, RetryPolicy::openai_sdk()));
}

// Lost if broken: a trace that any policy would pass shows nothing.
#[test]
fn a_policy_that_is_a_little_wrong_is_found_out() {
    let recording = Recording::read("openai-7.57.0");
    let found = |policy: RetryPolicy| differences(&recording, |trace| Calls::new(trace, SDK_7, policy)).len();
    let right = RetryPolicy::openai_sdk();
    let wrong = [
        (
            "full jitter",
            RetryPolicy {
                jitter: JitterKind::Full,
                ..right
            },
            50,
        ),
        ("waits that grow by half", RetryPolicy { factor: 1.5, ..right }, 50),
        (
            "a shorter cap",
            RetryPolicy {
                cap: SimSpan::from_secs(4),
                ..right
            },
            3,
        ),
        (
            "a deaf client",
            RetryPolicy {
                honour_retry_after: false,
                ..right
            },
            50,
        ),
        (
            "a client that waits for longer than a minute",
            RetryPolicy {
                retry_after_max: SimSpan::from_secs(61),
                ..right
            },
            3,
        ),
    ];
    for (name, policy, least) in wrong {
        let found = found(policy);
        assert!(found >= least, "{name} differs in {found} traces only");
    }
    let one_more = differences(&recording, |trace| {
        let mut calls = Calls::new(trace, SDK_7, right);
        calls.policy.max += 1;
        calls
    });
    assert!(
        one_more.len() > 50,
        "one retry more differs in {} traces only",
        one_more.len()
    );
}
