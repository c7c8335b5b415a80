//! ioredis against `machine::reconnect`.

use highwater_models::machine::reconnect::{Reconnect, ReconnectKind, ReconnectOutput};
use highwater_models::{SimSpan, SimTime};

use crate::replay::{Part, check, differences, inputs_at_ends};
use crate::trace::{Line, Recording, Trace};

/// How long an attempt lasts when nobody answers.
const CONNECT_TIMEOUT: SimSpan = SimSpan::from_secs(10);

/// A client, its commands that were sent and are not answered, and its attempt under way.
struct Link {
    machine: Reconnect<usize>,
    unanswered: Vec<usize>,
    trying: bool,
    /// When the attempt under way is given up; never if the server will say something.
    hangs_until: SimTime,
    decided: Vec<String>,
}

impl Link {
    fn new(kind: ReconnectKind) -> Self {
        Self {
            machine: Reconnect::new(kind),
            unanswered: Vec::new(),
            trying: false,
            hangs_until: SimTime::NEVER,
            decided: Vec::new(),
        }
    }
}

impl Part for Link {
    fn input(&mut self, input: &Line) {
        match input.word(0) {
            "get" => self.machine.submit(input.number(1)),
            "answer" => {
                let answered = input.number(1);
                self.unanswered.retain(|&command| command != answered);
            }
            "there" => {
                self.trying = false;
                self.machine.connected();
            }
            "hangs" => self.hangs_until = input.at + CONNECT_TIMEOUT,
            // Their close is told with the draw of the wait that follows.
            "closed" | "refused" | "shut" => {}
            "draw" => {
                self.trying = false;
                self.machine.closed(input.at, input.word(1).parse().expect("a draw"));
                // What was unanswered is sent again: it waits first in line.
                for command in self.unanswered.drain(..) {
                    self.machine.submit(command);
                }
            }
            other => panic!("{other:?} is no input of a client"),
        }
    }

    fn next_deadline(&self) -> SimTime {
        if self.trying {
            self.hangs_until
        } else {
            self.machine.next_deadline()
        }
    }

    fn advance(&mut self, _: SimTime) {
        if self.trying {
            self.hangs_until = SimTime::NEVER;
            self.decided.push("give-up".to_owned());
        } else {
            self.trying = true;
            self.decided.push("try".to_owned());
        }
    }

    /// The package gives up those that were unanswered last; ours in the order in which they were handed in.
    fn rank(line: &Line) -> u64 {
        if line.word(0) == "reject" {
            1 + line.number(1) as u64
        } else {
            0
        }
    }

    fn decided(&mut self) -> Vec<String> {
        while let Some(output) = self.machine.poll() {
            match output {
                ReconnectOutput::Run(command) => {
                    self.unanswered.push(command);
                    self.decided.push(format!("send {command}"));
                }
                ReconnectOutput::Reject(command) => {
                    self.decided.push(format!("reject {command} MaxRetriesPerRequestError"));
                }
            }
        }
        std::mem::take(&mut self.decided)
    }
}

/// The package gives up no command that was unanswered when the connection closed once a server has taken a connection
/// and shut it again before it was ready: it has put them aside. Ours gives up all. So a trace is compared up to there. And
/// how many traces that cuts.
pub fn before_useless_connections(name: &str) -> (Recording, usize) {
    Recording::read(name).cut(|trace| {
        let ends = trace.inputs.iter().filter(|input| input.word(0) == "shut");
        ends.map(|shut| shut.at).find(|&shut| is_any_put_aside(trace, shut))
    })
}

/// Whether a command that had been sent waits to be sent again.
fn is_any_put_aside(trace: &Trace, now: SimTime) -> bool {
    let last = |lines: &[Line], word: &str, command: usize| {
        let mut lines = lines.iter().filter(|line| line.at <= now && line.word(0) == word);
        lines.rfind(|line| line.number(1) == command).map(|line| line.at)
    };
    let gets = trace.inputs.iter().filter(|input| input.word(0) == "get");
    gets.map(|get| get.number(1)).any(|command| {
        last(&trace.decisions, "send", command).is_some()
            && last(&trace.decisions, "reject", command).is_none()
            && last(&trace.inputs, "answer", command).is_none()
    })
}

/// Inputs at the instant of an attempt or of its end.
pub fn at_ends(recording: &Recording) -> usize {
    let kind = if recording.name == "ioredis-5.8.2" {
        ReconnectKind::Ioredis5
    } else {
        ReconnectKind::Ioredis6
    };
    inputs_at_ends(recording, |_| Link::new(kind))
}

fn check_kind(name: &str, kind: ReconnectKind) {
    let (recording, _) = before_useless_connections(name);
    check(&recording, |_| Link::new(kind));
}

// Lost if broken: what requests meet when the plan's cache is away, on the day it was written.
#[test]
fn ioredis_5_8_2_decides_as_ours_does() {
    check_kind("ioredis-5.8.2", ReconnectKind::Ioredis5);
}

// Lost if broken: the same, today.
#[test]
fn ioredis_6_0_0_decides_as_ours_does() {
    check_kind("ioredis-6.0.0", ReconnectKind::Ioredis6);
}

// Lost if broken: a trace that any client would pass shows nothing.
#[test]
fn a_client_that_is_a_little_wrong_is_found_out() {
    let recording = Recording::read("ioredis-6.0.0");
    for kind in [ReconnectKind::Ioredis5, ReconnectKind::FailsAtOnce] {
        let found = differences(&recording, |_| Link::new(kind)).len();
        assert!(found > 150, "{kind:?} differs in {found} traces only");
    }
}
