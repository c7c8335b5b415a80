//! Recorded traces of the real packages: what went in, what they decided.
//!
//! Owns: reading the files under `tests/conformance/traces`.
//! Never: what the words of a component mean.

use std::path::PathBuf;

use highwater_models::{SimSpan, SimTime};
use serde_json::Value;

/// A point in time and what happened then, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: SimTime,
    /// What, the first word says.
    pub words: Vec<String>,
}

impl Line {
    /// The words of a decision of ours.
    pub fn new(at: SimTime, words: &str) -> Self {
        let words = words.split(' ').map(str::to_owned).collect();
        Self { at, words }
    }

    /// Reads "12 ask 3": whole milliseconds first.
    fn parse(text: &str) -> Self {
        let (millis, words) = text.split_once(' ').expect("a time and words");
        let millis = millis.parse().expect("whole milliseconds");
        Self::new(SimTime::ZERO + SimSpan::from_millis(millis), words)
    }

    /// A word that is a number.
    pub fn number(&self, place: usize) -> usize {
        let word = &self.words[place];
        word.parse().unwrap_or_else(|_| panic!("{word:?} is no number"))
    }

    /// A word.
    pub fn word(&self, place: usize) -> &str {
        &self.words[place]
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.words.join(" "))
    }
}

/// One trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its number in its file.
    pub number: u64,
    /// How the component was set up.
    pub settings: Value,
    /// What went in.
    pub inputs: Vec<Line>,
    /// What it decided.
    pub decisions: Vec<Line>,
    /// How long it was looked at.
    pub until: SimTime,
}

impl Trace {
    /// A setting that is a whole number.
    pub fn count(&self, name: &str) -> u64 {
        let value = &self.settings[name];
        value.as_u64().unwrap_or_else(|| panic!("{name} is {value}"))
    }

    /// A setting in milliseconds.
    pub fn span(&self, name: &str) -> SimSpan {
        SimSpan::from_millis(self.count(name))
    }

    /// A setting in milliseconds of which 0 means never.
    pub fn span_or_forever(&self, name: &str) -> SimSpan {
        match self.count(name) {
            0 => SimSpan::FOREVER,
            millis => SimSpan::from_millis(millis),
        }
    }

    /// The trace up to a point in time, for what comes after a difference on purpose.
    pub fn before(mut self, end: SimTime) -> Self {
        self.inputs.retain(|line| line.at < end);
        self.decisions.retain(|line| line.at < end);
        self.until = SimTime::from_nanos(end.nanos().saturating_sub(1));
        self
    }
}

impl Recording {
    /// The same with each trace only up to where `end` says, if it says so; and how many were cut.
    pub fn cut(mut self, end: impl Fn(&Trace) -> Option<SimTime>) -> (Self, usize) {
        let mut cut = 0;
        for trace in &mut self.traces {
            if let Some(end) = end(trace) {
                *trace = trace.clone().before(end);
                cut += 1;
            }
        }
        (self, cut)
    }
}

/// A file of traces.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its name, without the ending.
    pub name: String,
    /// What its first line says: component, versions, seed.
    pub header: Value,
    /// The traces.
    pub traces: Vec<Trace>,
}

impl Recording {
    /// Reads a file by its name.
    pub fn read(name: &str) -> Self {
        let path = folder().join(format!("{name}.jsonl"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = text.lines().map(|line| {
            let value: Value = serde_json::from_str(line).expect("each line is JSON");
            value
        });
        let header = lines.next().expect("a first line about the whole");
        let list = |value: &Value| -> Vec<Line> {
            let list = value.as_array().expect("a list of lines");
            list.iter()
                .map(|line| Line::parse(line.as_str().expect("text")))
                .collect()
        };
        let traces: Vec<Trace> = lines
            .map(|line| Trace {
                number: line["trace"].as_u64().expect("a number"),
                settings: line["settings"].clone(),
                inputs: list(&line["inputs"]),
                decisions: list(&line["decisions"]),
                until: SimTime::ZERO + SimSpan::from_millis(line["until"].as_u64().expect("whole milliseconds")),
            })
            .collect();
        assert_eq!(header["traces"], traces.len(), "{name} is not whole");
        Self {
            name: name.to_owned(),
            header,
            traces,
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance/traces")
}
