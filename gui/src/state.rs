//! What a user has chosen and what has been answered, and how commands change it.
//!
//! Owns: every choice and the only function that changes one, [`apply`]. Never: the window, files, threads: what is to be
//! done about a command comes back as [`Effect`]s.

use std::collections::BTreeSet;
use std::sync::Arc;

use highwater_models::draft::QUESTIONS;
use highwater_models::record::next_step::{Answer as Found, NextStep};
use highwater_sim::compare::Comparison;

use crate::document::{Document, Edit, Origin};
use crate::model::result::{Grade, Read, Shown};
use crate::task::{Answer, Half, Source};
use crate::worker::{Lane, RunId};

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

/// What a user wants, or what has been answered.
#[derive(Debug)]
pub enum Command {
    /// Opens a view.
    Show(View),
    /// Opens a file or a bundled scenario.
    Open(String),
    /// It was opened.
    Opened(Box<Document>),
    /// Changes settings.
    Set(Vec<Edit>),
    /// A slider was let go.
    Settle,
    /// Takes a setting back to the file's value.
    Unset(String),
    /// Adds an event to the scenario, as a file writes it.
    AddEvent(String),
    /// Takes an added event away.
    RemoveEvent(usize),
    /// One step back.
    Undo,
    /// One step forth.
    Redo,
    /// Back to the file.
    Reset,
    /// Runs again.
    Again,
    /// Stops what runs.
    Stop,
    /// Applies the next step.
    ApplyNextStep,
    /// Saves the scenario.
    Save(String),
    /// It was saved there.
    Saved(String),
    /// Asks for a file in a dialog: to open, or to save to.
    Dialog(bool),
    /// Writes the two files of six answers and opens them.
    New,
    /// A field has another text.
    Field(Field, String),
    /// Lists every setting, or those that matter.
    ListAll(bool),
    /// Says something.
    Notice(Notice),
    /// Takes the notice away.
    Dismiss,
    /// Light or dark.
    Look(Look),
    /// How large everything is.
    Scale(f32),
    /// Draws a series or does not.
    Toggle(String, String),
    /// Shows a stretch of time.
    Zoom(Option<(f64, f64)>),
    /// Goes to a moment.
    Seek(f64),
    /// Lets time go on or stop.
    Play(bool),
    /// Simulated seconds in a second.
    Speed(f64),
    /// Shows a part's figures.
    Part(Option<String>),
    /// Which variants are compared.
    Pick(Variant, Variant),
    /// Keeps the changes made as a variant.
    Keep,
    /// Takes the folder of a result as a variant.
    AddResult(String),
    /// Compares them.
    Compare,
    /// Looks at a stage of growth.
    Stage(usize),
    /// Runs the stages of growth.
    Grow,
    /// The event that is being put together.
    Fault(Fault),
    /// Writes the result's files.
    Write(Product),
    /// Copies a text.
    Copy(String),
    /// Goes on with the clock of the window: seconds since the last time.
    Tick(f64),
}

/// A field with text.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// The path of a file to open.
    Open,
    /// The path of a file to save to.
    Save,
    /// The name of new files.
    NewName,
    /// An answer, by its place.
    Answer(usize),
    /// What is looked for.
    Search,
    /// Where files go.
    Out,
    /// A folder of results.
    Result,
}

/// A file of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Product {
    /// The report as a page.
    Report,
    /// `summary.json`.
    Summary,
    /// `timeline.csv`.
    Timeline,
    /// A plot, by its name, as a picture.
    Png(String),
    /// As a drawing.
    Svg(String),
    /// Its data.
    Csv(String),
}

/// What is to be done about a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Opens a file or a bundled scenario.
    Open(String),
    /// Runs the scenario with its changes.
    Run,
    /// Runs nothing of that lane any more.
    Stop(Lane),
    /// Saves the scenario.
    Save(String),
    /// Asks for a file.
    Dialog(bool),
    /// Makes new files.
    New,
    /// Compares the two variants that are picked.
    Compare,
    /// Runs the stages of growth.
    Grow,
    /// Writes a file of the result.
    Write(Product),
    /// Copies a text.
    Copy(String),
    /// Remembers the files that were open.
    Remember,
}

/// Files that are remembered.
const RECENT: usize = 8;

/// Changes the state as a command wants it, and says what else is to be done.
pub fn apply(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Show(view) => {
            if view.is_free() || state.document.is_some() {
                state.view = Some(view);
            }
        }
        Command::Open(name) => return vec![Effect::Open(name)],
        Command::Opened(document) => return opened(state, *document),
        Command::Set(edits) => return change(state, |document| document.set(&edits)),
        Command::Settle => {
            if let Some(document) = &mut state.document {
                document.settle();
            }
        }
        Command::Unset(path) => {
            return change(state, |document| {
                document.unset(&path);
                Ok(())
            });
        }
        Command::AddEvent(event) => return change(state, |document| document.add(event)),
        Command::RemoveEvent(number) => {
            return change(state, |document| {
                document.remove(number);
                Ok(())
            });
        }
        Command::Undo => return step(state, Document::undo),
        Command::Redo => return step(state, Document::redo),
        Command::Reset => {
            return change(state, |document| {
                document.reset();
                Ok(())
            });
        }
        Command::Again => return run_if_open(state),
        Command::Stop => {
            state.run = Run::Failed("stopped; any change runs it again".to_owned());
            return vec![Effect::Stop(Lane::Explore)];
        }
        Command::ApplyNextStep => {
            let edits = state.next_step.as_deref().map(edits_of).unwrap_or_default();
            if !edits.is_empty() {
                return change(state, |document| {
                    document.settle();
                    document.set(&edits)?;
                    document.settle();
                    Ok(())
                });
            }
        }
        Command::Save(path) => return vec![Effect::Save(path)],
        Command::Saved(path) => return saved(state, path),
        Command::Dialog(saves) => return vec![Effect::Dialog(saves)],
        Command::New => return vec![Effect::New],
        Command::Field(field, text) => *field_of(&mut state.fields, field) = text,
        Command::ListAll(all) => state.lists_all = all,
        Command::Notice(notice) => state.notice = Some(notice),
        Command::Dismiss => state.notice = None,
        Command::Look(look) => state.look = look,
        Command::Scale(scale) => state.scale = scale.clamp(0.7, 2.0),
        Command::Toggle(chart, series) => {
            let key = (chart, series);
            if !state.timelines.hidden.remove(&key) {
                state.timelines.hidden.insert(key);
            }
        }
        Command::Zoom(zoom) => state.timelines.zoom = zoom,
        Command::Seek(at) => state.moment.at = at.clamp(0.0, span(state)),
        Command::Play(plays) => {
            // From the beginning where it has come to its end.
            if plays && state.moment.at >= span(state) {
                state.moment.at = 0.0;
            }
            state.moment.is_playing = plays;
        }
        Command::Speed(speed) => state.moment.speed = speed.clamp(1.0, 1e6),
        Command::Part(part) => state.moment.part = part,
        Command::Tick(seconds) => {
            let moment = &mut state.moment;
            if moment.is_playing {
                moment.at += seconds * moment.speed;
            }
            let span = span(state);
            if state.moment.at >= span {
                state.moment.at = span;
                state.moment.is_playing = false;
            }
        }
        Command::Pick(a, b) => {
            state.compare.a = a;
            state.compare.b = Some(b);
            state.compare.found = None;
            state.compare.why.clear();
        }
        Command::Keep => keep(state),
        Command::AddResult(path) => {
            if !path.trim().is_empty() && !state.compare.folders.contains(&path) {
                state.compare.folders.push(path.clone());
            }
            // What was measured is what one compares a simulation with.
            state.compare.b = Some(Variant::Left(path));
            state.compare.a = Variant::Now;
            state.compare.found = None;
        }
        Command::Compare => return vec![Effect::Compare],
        Command::Stage(stage) => state.growth.stage = stage.min(state.growth.stages.len() - 1),
        Command::Grow => return vec![Effect::Grow],
        Command::Fault(fault) => state.fault = fault,
        Command::Write(product) => return vec![Effect::Write(product)],
        Command::Copy(text) => {
            state.notice = Some(Notice {
                text: "Copied.".to_owned(),
                is_bad: false,
            });
            return vec![Effect::Copy(text)];
        }
    }
    Vec::new()
}

/// Takes an answer of the worker in; one of a run that is no longer the newest is dropped.
pub fn answered(state: &mut State, lane: Lane, id: RunId, answer: Answer) {
    let wanted = match lane {
        Lane::Explore => match state.run {
            Run::Running { id, .. } | Run::Done { id, .. } => Some(id),
            _ => None,
        },
        Lane::Compare => state.compare.running,
        Lane::Growth => state.growth.running,
    };
    if wanted != Some(id) {
        return;
    }
    match answer {
        Answer::Read(read) => state.read = Some(read),
        Answer::Refused(said) => state.run = Run::Refused(said),
        Answer::Shown(shown) => {
            if shown.grade == Grade::Whole {
                state.run = Run::Done { id, looking: true };
            }
            state.moment.at = state.moment.at.min(shown.clock.span);
            state.shown = Some(shown);
        }
        Answer::Next(found) => {
            state.next_step = Some(found);
            state.run = Run::Done { id, looking: false };
        }
        Answer::Failed(why) => match lane {
            Lane::Explore => state.run = Run::Failed(why),
            Lane::Compare => {
                state.compare.why = why;
                state.compare.running = None;
            }
            Lane::Growth => {
                state.notice = Some(Notice {
                    text: why,
                    is_bad: true,
                });
                state.growth.running = None;
            }
        },
        Answer::Compared(found) => {
            state.compare.found = Some(found);
            state.compare.running = None;
        }
        Answer::Stage(number, shown) => {
            if let Some(stage) = state.growth.stages.get_mut(number) {
                *stage = Some(shown);
            }
        }
        Answer::StageFailed(number, why) => {
            if let Some(stage) = state.growth.why.get_mut(number) {
                *stage = why;
            }
        }
        Answer::Grown => state.growth.running = None,
    }
}

/// The settings of a next step that can be applied.
#[must_use]
pub fn edits_of(found: &NextStep) -> Vec<Edit> {
    let (Found::Change(step) | Found::Save(step)) = &found.answer else {
        return Vec::new();
    };
    let edits = step.settings.iter().filter_map(|setting| {
        let (path, value) = split(setting)?;
        Some(Edit {
            path: path.to_owned(),
            value: value.to_owned(),
        })
    });
    edits.collect()
}

/// Path and value of `path=value`: the first `=` outside of quotes.
fn split(setting: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (byte, letter) in setting.char_indices() {
        match (quote, letter) {
            (None, '=') => return Some((setting[..byte].trim(), setting[byte + 1..].trim())),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn opened(state: &mut State, document: Document) -> Vec<Effect> {
    state.fields.save = save_name(document.origin());
    remember(state, document.origin());
    state.document = Some(document);
    state.read = None;
    state.shown = None;
    state.next_step = None;
    state.notice = None;
    state.view = Some(View::Explore);
    state.timelines = Timelines::default();
    state.moment = Moment::default();
    state.fault = Fault::default();
    state.compare = Compare::default();
    state.fields.search.clear();
    vec![Effect::Stop(Lane::Compare), Effect::Run, Effect::Remember]
}

fn saved(state: &mut State, path: String) -> Vec<Effect> {
    let Some(document) = &mut state.document else {
        return Vec::new();
    };
    let Ok(text) = document.text() else { return Vec::new() };
    document.saved(path.clone(), text);
    let origin = document.origin().clone();
    remember(state, &origin);
    state.notice = Some(Notice {
        text: format!("Saved as {path}."),
        is_bad: false,
    });
    // The result bears the file's name.
    vec![Effect::Run, Effect::Remember]
}

fn remember(state: &mut State, origin: &Origin) {
    if let Origin::File(path) = origin {
        state.recent.retain(|other| other != path);
        state.recent.insert(0, path.clone());
        state.recent.truncate(RECENT);
    }
}

/// Where a scenario is saved unless somebody says otherwise.
fn save_name(origin: &Origin) -> String {
    match origin {
        Origin::File(path) => path.clone(),
        Origin::Bundled(name) => format!("{}-mine.toml", name.rsplit('/').next().unwrap_or(name)),
    }
}

fn change(state: &mut State, how: impl FnOnce(&mut Document) -> Result<(), String>) -> Vec<Effect> {
    let Some(document) = &mut state.document else {
        return Vec::new();
    };
    match how(document) {
        Ok(()) => run_if_open(state),
        Err(why) => {
            state.notice = Some(Notice {
                text: why,
                is_bad: true,
            });
            Vec::new()
        }
    }
}

fn step(state: &mut State, how: fn(&mut Document) -> bool) -> Vec<Effect> {
    let has_moved = state.document.as_mut().is_some_and(how);
    if has_moved { run_if_open(state) } else { Vec::new() }
}

fn run_if_open(state: &mut State) -> Vec<Effect> {
    if state.document.is_none() {
        return Vec::new();
    }
    state.next_step = None;
    state.compare.found = None;
    vec![Effect::Run]
}

fn keep(state: &mut State) {
    if let Some((name, source)) = state.variant(&Variant::Now) {
        let number = state.compare.kept.len() + 1;
        state.compare.kept.push((format!("variant {number}: {name}"), source));
        state.notice = Some(Notice {
            text: format!("Kept as variant {number}: compare it with what you try next."),
            is_bad: false,
        });
    }
}

fn span(state: &State) -> f64 {
    state.shown.as_ref().map_or(0.0, |shown| shown.clock.span)
}

fn field_of(fields: &mut Fields, field: Field) -> &mut String {
    match field {
        Field::Open => &mut fields.open,
        Field::Save => &mut fields.save,
        Field::NewName => &mut fields.new_name,
        Field::Answer(number) => &mut fields.answers[number.min(QUESTIONS.len() - 1)],
        Field::Search => &mut fields.search,
        Field::Out => &mut fields.out,
        Field::Result => &mut fields.result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;

    fn opened_state() -> State {
        let mut state = State::default();
        let document = open::open("textbook/mm1").expect("bundled");
        let effects = apply(&mut state, Command::Opened(Box::new(document)));
        assert!(effects.contains(&Effect::Run));
        state
    }

    fn set(path: &str, value: &str) -> Command {
        Command::Set(vec![Edit {
            path: path.to_owned(),
            value: value.to_owned(),
        }])
    }

    // Lost if broken: a view without anything to show, or one that runs nothing after a change.
    #[test]
    fn a_change_runs_again_and_views_wait_for_a_scenario() {
        let mut state = State::default();
        apply(&mut state, Command::Show(View::Map));
        assert_eq!(state.view(), View::Start);
        assert!(apply(&mut state, set("seed", "2")).is_empty());
        let mut state = opened_state();
        assert_eq!(state.view(), View::Explore);
        assert_eq!(apply(&mut state, set("seed", "2")), [Effect::Run]);
        assert_eq!(apply(&mut state, Command::Undo), [Effect::Run]);
        assert!(apply(&mut state, Command::Undo).is_empty());
        assert_eq!(apply(&mut state, Command::Redo), [Effect::Run]);
        assert_eq!(state.again(), "highwater run textbook/mm1 --set seed=2");
    }

    // Lost if broken: an answer to what was asked before, shown beside the settings of now.
    #[test]
    fn a_late_answer_is_dropped() {
        let mut state = opened_state();
        state.run = Run::Running { id: 7, since: 0.0 };
        answered(&mut state, Lane::Explore, 6, Answer::Refused("old".to_owned()));
        assert_eq!(state.run, Run::Running { id: 7, since: 0.0 });
        answered(&mut state, Lane::Explore, 7, Answer::Refused("new".to_owned()));
        assert_eq!(state.run, Run::Refused("new".to_owned()));
        answered(&mut state, Lane::Compare, 7, Answer::Failed("nobody asked".to_owned()));
        assert!(state.compare.why.is_empty());
    }

    // Lost if broken: a list of recent files with one file twice, or a saved scenario that goes on as the bundled one.
    #[test]
    fn a_saved_scenario_is_the_file_from_then_on() {
        let mut state = opened_state();
        apply(&mut state, set("seed", "2"));
        for path in ["a.toml", "b.toml", "a.toml"] {
            apply(&mut state, Command::Saved(path.to_owned()));
        }
        assert_eq!(state.recent, ["a.toml", "b.toml"]);
        let document = state.document.as_ref().expect("open");
        assert!(!document.is_changed() && document.file().contains("seed = 2"));
        assert_eq!(state.again(), "highwater run a.toml");
    }

    // Lost if broken: time that runs out of the run, or a replay that cannot be begun anew.
    #[test]
    fn time_ends_with_the_run() {
        let mut state = opened_state();
        apply(&mut state, Command::Play(true));
        apply(&mut state, Command::Tick(1.0));
        assert_eq!((state.moment.at, state.moment.is_playing), (0.0, false));
        assert_eq!(split("a.\"b=c\".d = \"x=y\""), Some(("a.\"b=c\".d", "\"x=y\"")));
    }
}
