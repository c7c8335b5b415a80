//! Replaying a trace: our machine is given what the package was given, and has to decide the same at the same times.
//!
//! Owns: the order of inputs and deadlines, and the comparison.
//! Order: what is due at an instant is carried out before what comes in at it, as the recorder does.

use std::collections::BTreeSet;
use std::fmt;

use highwater_models::SimTime;

use crate::trace::{Line, Recording, Trace};

/// One of our machines with what stands around it in a trace.
pub trait Part {
    /// Hands in what went into the package.
    fn input(&mut self, input: &Line);
    /// When time alone changes something next.
    fn next_deadline(&self) -> SimTime;
    /// Carries out what is due.
    fn advance(&mut self, now: SimTime);
    /// Of decisions of one instant that do not depend on each other, which comes first for comparing; by default as they
    /// were made. Equal ones keep their order.
    fn rank(_line: &Line) -> u64 {
        0
    }
    /// Whether an input comes at the very instant at which time itself decides something.
    fn is_at_an_end(&self, input: &Line) -> bool {
        self.next_deadline() == input.at
    }
    /// Takes what has been decided since the last call, as the recorder words it.
    fn decided(&mut self) -> Vec<String>;
}

/// Where the two part.
#[derive(Debug)]
pub struct Difference {
    recording: String,
    trace: u64,
    step: usize,
    settings: String,
    theirs: Option<Line>,
    ours: Option<Line>,
    before: Vec<Line>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            recording, trace, step, ..
        } = self;
        writeln!(
            f,
            "{recording}, trace {trace}, decision {step}, under {}:",
            self.settings
        )?;
        for line in &self.before {
            writeln!(f, "           both  at {:>9} ms: {line}", line.at.nanos() as f64 / 1e6)?;
        }
        for (who, line) in [("the package", &self.theirs), ("our machine", &self.ours)] {
            match line {
                Some(line) => writeln!(f, "    {who} at {:>9} ms: {line}", line.at.nanos() as f64 / 1e6)?,
                None => writeln!(f, "    {who} decides nothing more")?,
            }
        }
        Ok(())
    }
}

/// What our machine decides in a trace, and how many inputs come at the very end of something.
fn replay<P: Part>(trace: &Trace, mut part: P) -> (Vec<Line>, usize) {
    let mut ours = Vec::new();
    let mut ends = BTreeSet::new();
    let mut take = |part: &mut P, at| ours.extend(part.decided().iter().map(|words| Line::new(at, words)));
    for input in &trace.inputs {
        if part.is_at_an_end(input) {
            ends.insert(input.at);
        }
        while part.next_deadline() <= input.at {
            let at = part.next_deadline();
            part.advance(at);
            take(&mut part, at);
        }
        part.input(input);
        take(&mut part, input.at);
    }
    while part.next_deadline() <= trace.until {
        let at = part.next_deadline();
        part.advance(at);
        take(&mut part, at);
    }
    let at_ends = trace.inputs.iter().filter(|input| ends.contains(&input.at));
    (ours, at_ends.count())
}

/// Inputs that come at the very instant at which time itself decides something: the end of a wait, of an idleness, of a
/// window.
pub fn inputs_at_ends<P: Part>(recording: &Recording, make: impl Fn(&Trace) -> P) -> usize {
    recording.traces.iter().map(|trace| replay(trace, make(trace)).1).sum()
}

/// The first place at which our decisions differ from those recorded.
fn difference(recording: &Recording, trace: &Trace, theirs: &[Line], ours: &[Line]) -> Option<Difference> {
    let same = theirs
        .iter()
        .zip(ours)
        .take_while(|(theirs, ours)| theirs == ours)
        .count();
    if same == theirs.len() && same == ours.len() {
        return None;
    }
    Some(Difference {
        recording: recording.name.clone(),
        trace: trace.number,
        step: same,
        settings: trace.settings.to_string(),
        theirs: theirs.get(same).cloned(),
        ours: ours.get(same).cloned(),
        before: theirs[same.saturating_sub(4)..same].to_vec(),
    })
}

/// Replays all traces of a recording and tells the differences.
pub fn differences<P: Part>(recording: &Recording, make: impl Fn(&Trace) -> P) -> Vec<Difference> {
    let compare = |trace: &Trace| {
        let (mut ours, _) = replay(trace, make(trace));
        let mut theirs = trace.decisions.clone();
        for lines in [&mut ours, &mut theirs] {
            lines.sort_by_key(|line| (line.at, P::rank(line)));
        }
        difference(recording, trace, &theirs, &ours)
    };
    recording.traces.iter().filter_map(compare).collect()
}

/// Replays all traces of a recording; any difference fails.
pub fn check<P: Part>(recording: &Recording, make: impl Fn(&Trace) -> P) {
    assert!(
        recording.traces.len() >= 200,
        "{} has only {} traces",
        recording.name,
        recording.traces.len()
    );
    let found = differences(recording, make);
    let shown: String = found.iter().take(5).map(ToString::to_string).collect();
    assert!(
        found.is_empty(),
        "{} of {} traces differ:\n{shown}",
        found.len(),
        recording.traces.len()
    );
}
