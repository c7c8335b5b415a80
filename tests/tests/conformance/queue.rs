//! p-queue against `machine::job_queue`.

use highwater_models::SimSpan;
use highwater_models::SimTime;
use highwater_models::machine::job_queue::{JobOutput, JobPlace, JobQueue, JobQueueConfig, Submit, WindowKind};

use crate::replay::{Part, check, differences, inputs_at_ends};
use crate::trace::{Line, Recording, Trace};

fn config(trace: &Trace, window: WindowKind) -> JobQueueConfig {
    JobQueueConfig {
        concurrency: match trace.count("concurrency") {
            0 => u32::MAX,
            limit => limit as u32,
        },
        interval: match trace.span("interval") {
            SimSpan::ZERO => None,
            length => Some((length, trace.count("cap") as u32)),
        },
        window,
        waiters: u32::MAX,
        timeout: SimSpan::FOREVER,
        priorities: vec![0, 10],
    }
}

/// The queue and those who run in it. A job that is given up on frees its slot, whatever it does then: that is for the
/// driver to know, here as in a run.
struct Queue {
    machine: JobQueue<usize>,
    /// How long a job may run.
    timeout: SimSpan,
    /// Jobs with a time limit that run, and its end; in the order of their starts.
    running: Vec<(SimTime, usize)>,
    places: Vec<Option<JobPlace>>,
    now: SimTime,
    decided: Vec<String>,
}

impl Queue {
    fn new(trace: &Trace, config: JobQueueConfig) -> Self {
        Self {
            machine: JobQueue::new(config),
            timeout: trace.span_or_forever("timeout"),
            running: Vec::new(),
            places: Vec::new(),
            now: SimTime::ZERO,
            decided: Vec::new(),
        }
    }

    fn started(&mut self, job: usize) {
        self.decided.push(format!("start {job}"));
        if self.timeout != SimSpan::FOREVER {
            self.running.push((self.now + self.timeout, job));
        }
    }

    fn finish(&mut self) {
        // After a difference the trace may end what we never started.
        if self.machine.running() > 0 {
            self.machine.finish(self.now);
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll() {
            match output {
                JobOutput::Start { ticket, .. } => self.started(ticket),
                JobOutput::TimedOut { .. } => unreachable!("nobody's wait ends in the package"),
            }
        }
    }
}

impl Part for Queue {
    fn input(&mut self, input: &Line) {
        self.now = input.at;
        let job = input.number(1);
        match input.word(0) {
            "add" => {
                let priority = input.word(2).parse().expect("a priority");
                let place = match self.machine.submit(self.now, job, priority) {
                    Submit::Waiting(place) => Some(place),
                    Submit::Started => {
                        self.started(job);
                        None
                    }
                    Submit::Full => unreachable!("there is no limit"),
                };
                self.places.push(place);
            }
            "end" => {
                self.running.retain(|&(_, running)| running != job);
                self.finish();
            }
            "abort" => {
                if let Some(place) = self.places[job] {
                    self.machine.cancel(place);
                }
            }
            other => panic!("{other:?} is no input of a queue"),
        }
        self.drain();
    }

    fn next_deadline(&self) -> SimTime {
        let given_up = self.running.first().map_or(SimTime::NEVER, |&(at, _)| at);
        self.machine.next_deadline().min(given_up)
    }

    fn advance(&mut self, now: SimTime) {
        self.now = now;
        self.machine.advance(now);
        self.drain();
        while let Some(&(at, job)) = self.running.first()
            && at <= now
        {
            self.running.remove(0);
            self.decided.push(format!("timeout {job}"));
            self.finish();
            self.drain();
        }
    }

    /// Whoever waits for a job hears of its time-out some microtasks before or after its slot is given away.
    fn rank(line: &Line) -> u64 {
        u64::from(line.word(0) == "start")
    }

    fn decided(&mut self) -> Vec<String> {
        std::mem::take(&mut self.decided)
    }
}

/// 9.0.1 keeps an aborted job in its line until the job's turn comes; ours takes it out at once, as later versions do. So
/// a trace is compared up to its first abort. And how many traces that cuts.
pub fn before_9_0_aborts() -> (Recording, usize) {
    Recording::read("p-queue-9.0.1").cut(|trace| {
        let abort = trace.inputs.iter().find(|input| input.word(0) == "abort")?;
        Some(abort.at)
    })
}

/// The window of the version that a recording is of.
fn window_of(name: &str) -> WindowKind {
    match name {
        "p-queue-9.0.1" => WindowKind::PQueue90,
        "p-queue-9.3.5" => WindowKind::PQueue93,
        "p-queue-10.0.0" => WindowKind::PQueue10,
        _ => WindowKind::Sliding,
    }
}

/// Inputs at the end of a window or of a job's time.
pub fn at_ends(recording: &Recording) -> usize {
    let window = window_of(&recording.name);
    inputs_at_ends(recording, |trace| Queue::new(trace, config(trace, window)))
}

fn check_recording(recording: &Recording) {
    let window = window_of(&recording.name);
    check(recording, |trace| Queue::new(trace, config(trace, window)));
}

// Lost if broken: the queue of the plan in the version that it had on the day it was written.
#[test]
fn p_queue_9_0_1_decides_as_ours_does() {
    check_recording(&before_9_0_aborts().0);
}

// Lost if broken: the queue that the default of a file stands for.
#[test]
fn p_queue_9_3_5_decides_as_ours_does() {
    check_recording(&Recording::read("p-queue-9.3.5"));
}

// Lost if broken: the newest version, whose windows keep the cap where those of 9.3 do not.
#[test]
fn p_queue_10_0_0_decides_as_ours_does() {
    check_recording(&Recording::read("p-queue-10.0.0"));
}

// Lost if broken: the sliding window is what the package does in its strict mode.
#[test]
fn p_queue_9_3_5_in_strict_mode_decides_as_ours_does() {
    check_recording(&Recording::read("p-queue-9.3.5-strict"));
}

// Lost if broken: a trace that any queue would pass shows nothing.
#[test]
fn a_queue_that_is_a_little_wrong_is_found_out() {
    let recording = Recording::read("p-queue-9.3.5");
    let found = |change: &dyn Fn(&mut JobQueueConfig)| {
        differences(&recording, |trace| {
            let mut config = config(trace, WindowKind::PQueue93);
            change(&mut config);
            Queue::new(trace, config)
        })
        .len()
    };
    assert_eq!(found(&|_| {}), 0);
    for window in [WindowKind::PQueue90, WindowKind::Grid, WindowKind::Sliding] {
        let wrong = found(&|config| config.window = window);
        assert!(wrong > 50, "{window:?} differs in {wrong} traces only");
    }
    let one_more = found(&|config| config.interval = config.interval.map(|(length, cap)| (length, cap + 1)));
    assert!(
        one_more > 50,
        "one start more in a window differs in {one_more} traces only"
    );
    let one_slot_more = found(&|config| config.concurrency = config.concurrency.saturating_add(1));
    assert!(
        one_slot_more > 50,
        "one slot more differs in {one_slot_more} traces only"
    );
    let longer = found(&|config| {
        config.interval = config
            .interval
            .map(|(length, cap)| (SimSpan::from_nanos(length.nanos() + 1_000_000), cap));
    });
    assert!(longer > 50, "a window longer by 1 ms differs in {longer} traces only");
}
