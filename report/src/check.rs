//! What came of checking files: are they valid, is the design in order, do the objectives hold; and its faces for a
//! terminal, for programs and for CI.
//!
//! Owns: the order in which files are judged, and the words around them.
//! Never: figures and judgements of objectives (`sim/`), exit codes and files (`cli/`).

pub mod annotations;
mod change;
mod data;
pub mod junit;
pub mod markdown;
mod needed;
mod page;
#[cfg(test)]
mod tests;
mod text;

use highwater_models::file::{DiagnosticData, PlaceData};
use highwater_models::record::summary::Summary;
use highwater_models::review::{Finding, Review, Severity};
use highwater_sim::change::Change;
use highwater_sim::decide::Needed;

use crate::verdict::{Judgement, judge};

pub use data::{HEADER, json, rows};
pub use page::{page, plots};
pub use text::render;

/// A file that was checked, and what came of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The path or the bundled name, as the reader knows it.
    pub file: String,
    /// What it is.
    pub kind: Kind,
    /// Its title; empty where it could not be read.
    pub title: String,
    /// What is wrong with it, warnings included.
    pub complaints: Vec<Complaint>,
    /// The review of the design, where it could be read, and the place of each finding.
    pub review: Option<(Review, Vec<Option<PlaceData>>)>,
    /// What a simulation came to, for a scenario that could be read.
    pub run: Option<Run>,
    /// Why it could not be simulated to the end.
    pub trouble: Option<String>,
}

/// What a file is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A scenario: simulated and judged.
    Scenario,
    /// A system: read and reviewed.
    System,
}

impl Kind {
    /// In a word.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::System => "system",
        }
    }
}

/// Something that is wrong with a file.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// For programs.
    pub data: DiagnosticData,
    /// For people: the line with the place marked.
    pub text: String,
}

/// A simulation of a file and what was made of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The result.
    pub summary: Summary,
    /// For each objective what it takes to decide it.
    pub needed: Vec<Needed>,
    /// Where each objective is written.
    pub places: Vec<Option<PlaceData>>,
    /// How often it was simulated, each time with more replications, until nothing was open.
    pub looks: u32,
    /// What changed against a baseline.
    pub against: Against,
}

/// What there is to say about a baseline.
#[derive(Clone, Debug)]
pub enum Against {
    /// None was asked for.
    Nothing,
    /// The baseline has no run of this scenario.
    NotInBaseline,
    /// The change.
    Change(Box<Change>),
}

/// How a file stands, best first.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// All that was asked is in order.
    Holds,
    /// Nothing is missed, but an objective is open.
    Undecided,
    /// An objective is missed, or the design contradicts itself.
    Broken,
    /// The file has mistakes.
    Invalid,
    /// It could not be simulated to the end.
    Unfinished,
}

impl Standing {
    /// In a word or two, for one file.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Undecided => "not decided",
            Self::Broken => "does not hold",
            Self::Invalid => "has mistakes",
            Self::Unfinished => "could not be run",
        }
    }

    /// As programs read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Undecided => "undecided",
            Self::Broken => "broken",
            Self::Invalid => "invalid",
            Self::Unfinished => "unfinished",
        }
    }

    /// A mark that goes before the words and is no substitute for them.
    const fn mark(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::Undecided => "?",
            _ => "✗",
        }
    }
}

impl Checked {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.errors().next().is_some() {
            return Standing::Invalid;
        }
        if self.trouble.is_some() {
            return Standing::Unfinished;
        }
        let consistent = self.review.as_ref().is_none_or(|(review, _)| review.is_consistent());
        let judged = self.run.as_ref().map(|run| judge(&run.summary.objectives));
        match judged {
            Some(Judgement::Breaks) => Standing::Broken,
            _ if !consistent => Standing::Broken,
            Some(Judgement::Undecided) => Standing::Undecided,
            _ => Standing::Holds,
        }
    }

    /// The complaints that are errors.
    fn errors(&self) -> impl Iterator<Item = &Complaint> {
        self.complaints
            .iter()
            .filter(|complaint| complaint.data.severity == "error")
    }

    /// The findings of that severity, each with its place.
    fn findings(&self, severity: Severity) -> impl Iterator<Item = (&Finding, Option<&PlaceData>)> {
        let review = self.review.iter();
        review
            .flat_map(|(review, places)| {
                let places = places.iter().map(Option::as_ref).chain(std::iter::repeat(None));
                review.findings.iter().zip(places)
            })
            .filter(move |(finding, _)| finding.severity == severity)
    }
}

/// The worst standing of all: what a pipeline goes by.
#[must_use]
pub fn worst(files: &[Checked]) -> Standing {
    files.iter().map(Checked::standing).max().unwrap_or(Standing::Holds)
}

/// All files in one sentence: "Does it hold? 2 of 3 files do; 1 does not."
#[must_use]
pub fn headline(files: &[Checked]) -> String {
    let count = |standing: Standing| files.iter().filter(|file| file.standing() == standing).count();
    let held = count(Standing::Holds);
    if let [only] = files {
        return match only.standing() {
            Standing::Holds => "It holds.".to_owned(),
            Standing::Undecided => "It is not decided whether it holds.".to_owned(),
            Standing::Broken => "It does not hold.".to_owned(),
            Standing::Invalid => "The file has mistakes.".to_owned(),
            Standing::Unfinished => "It could not be run.".to_owned(),
        };
    }
    if held == files.len() {
        return format!("All {held} files hold.");
    }
    let verb = |count: usize, one: &str, many: &str| {
        if count == 1 {
            format!("1 {one}")
        } else {
            format!("{count} {many}")
        }
    };
    let mut parts = vec![match held {
        0 => "none holds".to_owned(),
        1 => "1 holds".to_owned(),
        many => format!("{many} hold"),
    }];
    for (standing, one, many) in [
        (Standing::Undecided, "is not decided", "are not decided"),
        (Standing::Broken, "does not hold", "do not hold"),
        (Standing::Invalid, "has mistakes", "have mistakes"),
        (Standing::Unfinished, "could not be run", "could not be run"),
    ] {
        if count(standing) > 0 {
            parts.push(verb(count(standing), one, many));
        }
    }
    format!("Of {} files {}.", files.len(), parts.join(", "))
}
