//! What a user wants, what has been answered, and how either changes what the app knows.
//!
//! Owns: the closed list of commands and the only functions that change the [`State`]: [`apply`] and [`answered`]. Never: the
//! window, files, threads: what is to be done about a command comes back as [`Effect`]s.

use highwater_models::draft::QUESTIONS;
use highwater_models::record::next_step::{Answer as Found, NextStep};

use crate::document::{Document, Edit, Origin};
use crate::model::result::Grade;
use crate::state::{Compare, Fault, Fields, Look, Moment, Notice, Run, State, Timelines, Variant, View};
use crate::task::Answer;
use crate::worker::{Lane, RunId};

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
