//! What a user has chosen and what has been answered.
//!
//! Owns: every choice. Never: changing one, which [`crate::command`] does.

use std::collections::BTreeSet;
use std::sync::Arc;

use highwater_models::draft::QUESTIONS;
use highwater_models::record::next_step::NextStep;
use highwater_sim::compare::Comparison;

use crate::document::{Document, Edit};
use crate::model::result::{Read, Shown};
use crate::task::{Half, Source};
use crate::worker::RunId;

/// A view of the window.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Scenarios to open.
    Start,
    /// Settings and what comes of them.
    Explore,
    /// Plots over time.
    Timelines,
    /// The system at a moment.
    Map,
    /// Where the time goes.
    Time,
    /// Two variants.
    Compare,
    /// Months.
    Growth,
    /// What goes wrong.
    Faults,
    /// Files and the command.
    Out,
}

impl View {
    /// In the order of the keys 1 to 9.
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Explore,
        Self::Timelines,
        Self::Map,
        Self::Time,
        Self::Compare,
        Self::Growth,
        Self::Faults,
        Self::Out,
    ];

    /// What it is called.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Explore => "Explore",
            Self::Timelines => "Timelines",
            Self::Map => "Map",
            Self::Time => "Where time goes",
            Self::Compare => "Compare",
            Self::Growth => "Growth",
            Self::Faults => "Faults",
            Self::Out => "Take away",
        }
    }

    /// Whether it shows something without a scenario.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Start | Self::Growth)
    }
}

/// How far the newest run of the open scenario is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Run {
    /// None was asked for.
    #[default]
    Idle,
    /// It is under way, since that many seconds of the window's clock.
    Running {
        /// Its number.
        id: RunId,
        /// When it was asked for.
        since: f64,
    },
    /// The result is whole; what to do next is being looked for where `looking`.
    Done {
        /// Its number.
        id: RunId,
        /// Whether the next step is still being looked for.
        looking: bool,
    },
    /// The file has mistakes.
    Refused(String),
    /// It could not be finished.
    Failed(String),
}

/// A word to the user that goes away by itself or by a click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// Whether something went wrong.
    pub is_bad: bool,
}

/// Light, dark, or as the system has it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Text in fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The path of a file to open.
    pub open: String,
    /// The path of a file to save to.
    pub save: String,
    /// The name of files to be made of six answers.
    pub new_name: String,
    /// The answers; empty for the default.
    pub answers: [String; QUESTIONS.len()],
    /// What is looked for among the settings.
    pub search: String,
    /// Where files of the result go.
    pub out: String,
    /// A folder of results to compare with.
    pub result: String,
}

/// Plots over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timelines {
    /// Series that are not drawn: chart and series by name.
    pub hidden: BTreeSet<(String, String)>,
    /// The stretch of time that is to be shown next; `None` for what is shown already.
    pub zoom: Option<(f64, f64)>,
}

/// The system at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Seconds since the start of the run.
    pub at: f64,
    /// Whether time goes on.
    pub is_playing: bool,
    /// Simulated seconds in a second.
    pub speed: f64,
    /// The part whose figures are shown.
    pub part: Option<String>,
}

impl Default for Moment {
    fn default() -> Self {
        Self {
            at: 0.0,
            is_playing: false,
            speed: 60.0,
            part: None,
        }
    }
}

/// A variant that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Variant {
    /// The file as it is.
    #[default]
    File,
    /// With the changes made.
    Now,
    /// With a profile of the system, and the changes made.
    Profile(String),
    /// One that was kept, by its place.
    Kept(usize),
    /// A result that is there already: the folder of a run or of a load test.
    Left(String),
}

/// Two variants side by side.
#[derive(Debug, Default)]
pub struct Compare {
    /// What is compared with.
    pub a: Variant,
    /// What is compared.
    pub b: Option<Variant>,
    /// Variants that were kept: name and source.
    pub kept: Vec<(String, Source)>,
    /// Folders of results.
    pub folders: Vec<String>,
    /// The comparison under way.
    pub running: Option<RunId>,
    /// What came of the last.
    pub found: Option<Box<Comparison>>,
    /// Why there is none.
    pub why: String,
}

/// Months.
#[derive(Debug, Default)]
pub struct Growth {
    /// The stage that is looked at.
    pub stage: usize,
    /// What came of each.
    pub stages: [Option<Arc<Shown>>; 4],
    /// Why one has nothing.
    pub why: [String; 4],
    /// The run under way.
    pub running: Option<RunId>,
}

/// An event that is being put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens, by its place among [`crate::model::fault::KINDS`].
    pub kind: usize,
    /// To which part.
    pub target: String,
    /// When, in seconds.
    pub at: f64,
    /// For how long, in seconds.
    pub lasts: f64,
    /// How many times as slow.
    pub factor: f64,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            kind: 0,
            target: String::new(),
            at: 60.0,
            lasts: 300.0,
            factor: 5.0,
        }
    }
}

/// Everything.
#[derive(Debug, Default)]
pub struct State {
    /// The view that is open.
    pub view: Option<View>,
    /// The scenario that is open.
    pub document: Option<Document>,
    /// As it was last read.
    pub read: Option<Box<Read>>,
    /// Its last result.
    pub shown: Option<Arc<Shown>>,
    /// The newest run.
    pub run: Run,
    /// What to do next, once it has been found.
    pub next_step: Option<Box<NextStep>>,
    /// Whether every setting is listed, and not those that matter alone.
    pub lists_all: bool,
    /// Text in fields.
    pub fields: Fields,
    /// Files that were open before, the last first.
    pub recent: Vec<String>,
    /// A word to the user.
    pub notice: Option<Notice>,
    /// Light or dark.
    pub look: Look,
    /// How large everything is; 1 is as designed.
    pub scale: f32,
    /// Plots over time.
    pub timelines: Timelines,
    /// The system at a moment.
    pub moment: Moment,
    /// Two variants.
    pub compare: Compare,
    /// Months.
    pub growth: Growth,
    /// An event that is being put together.
    pub fault: Fault,
}

impl State {
    /// The view that is open.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.unwrap_or(View::Start)
    }

    /// Whether what is shown is of the newest settings.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        matches!(self.run, Run::Done { .. })
    }

    /// The scenario with its changes, as it is run.
    ///
    /// # Errors
    /// Why a change cannot be written into the file.
    pub fn source(&self) -> Option<Result<Source, String>> {
        let document = self.document.as_ref()?;
        Some(document.text().map(|text| Source {
            origin: document.origin().clone(),
            text,
            settings: Vec::new(),
        }))
    }

    /// The command that gives what is shown: the file with the changes as flags. Events that were added have no flag; a
    /// scenario that has some has to be saved first.
    #[must_use]
    pub fn again(&self) -> String {
        let Some(document) = &self.document else {
            return String::new();
        };
        let settings = document.edits().iter().map(Edit::flag).collect();
        Source {
            origin: document.origin().clone(),
            text: String::new(),
            settings,
        }
        .again()
    }

    /// A variant as it is compared.
    #[must_use]
    pub fn half(&self, variant: &Variant) -> Option<Half> {
        match variant {
            Variant::Left(path) => Some(Half::Left(path.clone())),
            variant => self.variant(variant).map(|(name, source)| Half::Run(name, source)),
        }
    }

    /// The source of a variant that can be run, and what it is called.
    #[must_use]
    pub fn variant(&self, variant: &Variant) -> Option<(String, Source)> {
        let document = self.document.as_ref()?;
        let source = |text: String, settings: Vec<String>| Source {
            origin: document.origin().clone(),
            text,
            settings,
        };
        Some(match variant {
            Variant::File => (
                "the file as it is".to_owned(),
                source(document.file().to_owned(), Vec::new()),
            ),
            Variant::Now => (now_name(document), source(document.text().ok()?, Vec::new())),
            Variant::Profile(name) => (
                format!("with profile {name}"),
                source(document.text().ok()?, vec![format!("profile={name}")]),
            ),
            Variant::Kept(number) => self.compare.kept.get(*number)?.clone(),
            Variant::Left(_) => return None,
        })
    }
}

/// What the changes made are called.
fn now_name(document: &Document) -> String {
    let mut said: Vec<String> = document.edits().iter().map(Edit::flag).collect();
    match document.added().len() {
        0 => {}
        1 => said.push("1 event added".to_owned()),
        many => said.push(format!("{many} events added")),
    }
    match said.len() {
        0 => "as it is now".to_owned(),
        1..=3 => format!("with {}", said.join(", ")),
        many => format!("with {} and {} more changes", said[0], many - 1),
    }
}
