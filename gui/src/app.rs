//! The app: state, worker and views joined, and everything that touches the world.
//!
//! Owns: effects (files, clipboard, dialogs), shortcuts, the clock of the replay. Never: layout, figures.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use egui::{Context, Key, KeyboardShortcut, Modifiers, Ui};
use highwater_models::draft::{self, Mistake, QUESTIONS};
use highwater_report::{csv, json};

use crate::command::{self, Command, Effect, Product};
use crate::document::Origin;
use crate::model::result::Shown;
use crate::open;
use crate::state::{self, Look, Notice, Run, State, View};
use crate::task::{self, Answer};
use crate::theme;
use crate::view::{self, Around};
use crate::worker::{Lane, Worker};

/// The app.
pub struct App {
    state: State,
    worker: Worker<Answer>,
    /// Set once the first frame has a window to wake.
    window: Arc<OnceLock<Context>>,
    chosen: (Sender<Command>, Receiver<Command>),
    recent: Option<PathBuf>,
    last: f64,
    is_dressed: bool,
}

impl App {
    /// Without a scenario, and without anything remembered.
    #[must_use]
    pub fn new() -> Self {
        let window: Arc<OnceLock<Context>> = Arc::default();
        let wakes = Arc::clone(&window);
        let tell = move || {
            if let Some(window) = wakes.get() {
                window.request_repaint();
            }
        };
        let failed = |why| Answer::Failed(format!("an error in Highwater: {why}"));
        Self {
            state: State {
                scale: 1.0,
                ..State::default()
            },
            worker: Worker::new(tell, failed),
            window,
            chosen: channel(),
            recent: None,
            last: 0.0,
            is_dressed: false,
        }
    }

    /// Remembers recent files in a file.
    #[must_use]
    pub fn remembering(mut self, path: Option<PathBuf>) -> Self {
        if let Some(path) = &path {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            self.state.recent = text
                .lines()
                .filter(|line| !line.is_empty())
                .take(8)
                .map(str::to_owned)
                .collect();
        }
        self.recent = path;
        self
    }

    /// Opens a scenario: a file or a bundled one.
    #[must_use]
    pub fn opening(mut self, name: &str) -> Self {
        self.want(Command::Open(name.to_owned()));
        self
    }

    /// What has been chosen and answered.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Whether the worker has something to do.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.worker.is_busy()
    }

    /// Shows a result that was made elsewhere.
    pub fn present(&mut self, shown: Arc<Shown>) {
        self.state.shown = Some(shown);
    }

    /// Does what a user wants.
    pub fn want(&mut self, command: Command) {
        for effect in command::apply(&mut self.state, command) {
            self.perform(effect);
        }
    }

    /// Takes in what has happened since the last frame.
    pub fn look(&mut self) {
        for (lane, id, answer) in self.worker.answers() {
            command::answered(&mut self.state, lane, id, answer);
        }
        let chosen: Vec<Command> = self.chosen.1.try_iter().collect();
        chosen.into_iter().for_each(|command| self.want(command));
    }

    /// One frame.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let _ = self.window.set(ctx.clone());
        if !self.is_dressed {
            self.is_dressed = true;
            theme::install(&ctx);
            // What has been installed is there from the next frame on.
            ctx.request_repaint();
            return;
        }
        self.look();
        let now = ctx.input(|input| input.time);
        if self.state.moment.is_playing {
            self.want(Command::Tick((now - self.last).clamp(0.0, 0.25)));
            ctx.request_repaint();
        }
        self.last = now;
        if let Run::Running { since, .. } = &mut self.state.run
            && *since < 0.0
        {
            *since = now;
        }
        for command in shortcuts(&ctx, &self.state) {
            self.want_in(&ctx, command);
        }
        self.dropped(&ctx);
        let running = self.worker.running();
        let around = Around {
            progress: running
                .filter(|(lane, _)| *lane == Lane::Explore)
                .map(|(_, share)| share),
            other: running
                .filter(|(lane, _)| *lane != Lane::Explore)
                .map(|(_, share)| share),
            now,
        };
        let wants = view::show(ui, &self.state, &around);
        let has_wants = !wants.is_empty();
        for command in wants {
            self.want_in(&ctx, command);
        }
        view::notice(ui, &self.state)
            .into_iter()
            .for_each(|command| self.want(command));
        if has_wants {
            ctx.request_repaint();
        }
    }

    /// Does what a user wants, what changes the window itself included.
    fn want_in(&mut self, ctx: &Context, command: Command) {
        match command {
            Command::Look(look) => look.wear(ctx),
            Command::Scale(scale) => ctx.set_zoom_factor(scale.clamp(0.7, 2.0)),
            _ => {}
        }
        self.want(command);
    }

    fn dropped(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        for file in dropped {
            self.want(Command::Open(file.path().display().to_string()));
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Open(name) => match open::open(&name) {
                Ok(document) => self.want(Command::Opened(Box::new(document))),
                Err(why) => self.say(&why, true),
            },
            Effect::Run => self.run(),
            Effect::Stop(lane) => self.worker.stop(lane),
            Effect::Save(path) => self.save(&path),
            Effect::Dialog(saves) => self.ask(saves),
            Effect::New => self.make(),
            Effect::Compare => self.compare(),
            Effect::Grow => {
                let stages = crate::model::growth::sources();
                self.state.growth.why = Default::default();
                self.state.growth.running = Some(self.worker.want(Lane::Growth, task::grow(stages, 1)));
            }
            Effect::Write(product) => self.write(&product),
            Effect::Copy(text) => {
                if let Some(window) = self.window.get() {
                    window.copy_text(text);
                }
            }
            Effect::Remember => {
                // A list of recent files that cannot be written is no reason to disturb anybody.
                if let Some(path) = &self.recent {
                    let _ = path.parent().map(std::fs::create_dir_all);
                    let _ = std::fs::write(path, self.state.recent.join("\n"));
                }
            }
        }
    }

    fn run(&mut self) {
        match self.state.source() {
            Some(Ok(source)) => {
                let again = self.state.again();
                let id = self.worker.want(Lane::Explore, task::explore(source, again));
                self.state.run = Run::Running { id, since: -1.0 };
            }
            Some(Err(why)) => self.state.run = Run::Failed(why),
            None => {}
        }
    }

    fn compare(&mut self) {
        let b = self.state.compare.b.clone().unwrap_or(state::Variant::Now);
        let sides = (self.state.half(&self.state.compare.a), self.state.half(&b));
        let (Some(a), Some(b)) = sides else {
            self.state.compare.why = "one of the two cannot be run any more: pick another".to_owned();
            return;
        };
        self.state.compare.why.clear();
        self.state.compare.found = None;
        self.state.compare.running = Some(self.worker.want(Lane::Compare, task::compare_two(a, b)));
    }

    fn save(&mut self, path: &str) {
        let path = path.trim().to_owned();
        let Some(source) = self.state.source() else { return };
        // A file without an ending is taken for a scenario all the same, and found again more easily with one.
        let path = if path.is_empty() || path.ends_with(".toml") {
            path
        } else {
            format!("{path}.toml")
        };
        let is_own = matches!(self.state.document.as_ref().map(|document| document.origin()), Some(Origin::File(own)) if *own == path);
        if open::is_there(&path) && !is_own {
            self.say(&format!("there is a file `{path}` already: take another name"), true);
            return;
        }
        let saved = source.and_then(|source| open::save(&path, source.text.as_bytes()));
        match saved {
            Ok(()) => self.want(Command::Saved(path)),
            Err(why) => self.say(&why, true),
        }
    }

    fn ask(&self, saves: bool) {
        let answers = self.chosen.0.clone();
        let window = Arc::clone(&self.window);
        let name = self.state.fields.save.clone();
        // A dialog waits for its user, and the window goes on meanwhile.
        let asked = std::thread::Builder::new().name("dialog".to_owned()).spawn(move || {
            let dialog = rfd::FileDialog::new().add_filter("Scenario", &["toml"]);
            let chosen = if saves {
                dialog
                    .set_file_name(name.rsplit('/').next().unwrap_or_default())
                    .save_file()
            } else {
                dialog.pick_file()
            };
            let command = match chosen {
                Some(path) if saves => Command::Save(path.display().to_string()),
                Some(path) => Command::Open(path.display().to_string()),
                None => Command::Notice(Notice {
                    text: "No file was chosen. Where no dialog appears, type the path or drop a file on the window."
                        .to_owned(),
                    is_bad: false,
                }),
            };
            let _ = answers.send(command);
            if let Some(window) = window.get() {
                window.request_repaint();
            }
        });
        // Without a thread there is no dialog, and the field beside the button does the same.
        drop(asked);
    }

    fn make(&mut self) {
        let fields = &self.state.fields;
        let name = fields.new_name.trim().trim_end_matches(".toml").to_owned();
        let stem = name.rsplit('/').next().unwrap_or_default().to_owned();
        let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if stem.is_empty() || stem.starts_with('.') || !stem.chars().all(is_plain) {
            self.say("give the files a name of letters, digits, - and _", true);
            return;
        }
        let given = QUESTIONS.iter().zip(&fields.answers);
        let given = given
            .filter(|(_, answer)| !answer.trim().is_empty())
            .map(|(question, answer)| (question.key, answer.trim()));
        let answers = match draft::answers(given) {
            Ok(answers) => answers,
            Err(mistakes) => {
                let said: Vec<String> = mistakes
                    .iter()
                    .map(|(_, Mistake { message, help })| format!("{message}: {help}"))
                    .collect();
                self.say(&said.join("; "), true);
                return;
            }
        };
        let drafted = draft::draft(&stem, &answers);
        let (system, scenario) = (format!("{name}.system.toml"), format!("{name}.toml"));
        if let Some(there) = [&system, &scenario].into_iter().find(|path| open::is_there(path)) {
            let said = format!("there is a file `{there}` already: take another name");
            self.say(&said, true);
            return;
        }
        let written = open::save(&system, drafted.system.as_bytes())
            .and_then(|()| open::save(&scenario, drafted.scenario.as_bytes()));
        match written {
            Ok(()) => self.want(Command::Open(scenario)),
            Err(why) => self.say(&why, true),
        }
    }

    fn write(&mut self, product: &Product) {
        let Some(shown) = self.state.shown.clone() else { return };
        let plot = |name: &str| shown.plots.iter().find(|plot| plot.name == name);
        let (file, bytes) = match product {
            Product::Report => {
                let page =
                    highwater_report::page::of_run(&shown.outcome.summary, shown.plots.clone(), &self.state.again());
                (
                    "report.html".to_owned(),
                    Ok(highwater_report::page::html(&page).into_bytes()),
                )
            }
            Product::Summary => (
                "summary.json".to_owned(),
                Ok(json::text(&shown.outcome.summary).into_bytes()),
            ),
            Product::Timeline => {
                let mut bytes = Vec::new();
                let done = csv::timeline(&shown.outcome.timeline, &mut bytes);
                ("timeline.csv".to_owned(), done.map(|()| bytes))
            }
            Product::Png(name) => match plot(name) {
                Some(plot) => (format!("{name}.png"), plot.png_file()),
                None => return,
            },
            Product::Svg(name) => match plot(name) {
                Some(plot) => (format!("{name}.svg"), Ok(plot.svg_file().into_bytes())),
                None => return,
            },
            Product::Csv(name) => match plot(name) {
                Some(plot) => (format!("{name}.csv"), Ok(crate::model::out::csv(plot).into_bytes())),
                None => return,
            },
        };
        let folder = self.state.fields.out.trim();
        let folder = if folder.is_empty() { "." } else { folder };
        let path = PathBuf::from(folder).join(file);
        let made = std::fs::create_dir_all(folder).map_err(|error| format!("could not make `{folder}`: {error}"));
        let bytes = bytes.map_err(|error| format!("could not make it: {error}"));
        let written = made
            .and(bytes)
            .and_then(|bytes| open::save(&path.display().to_string(), &bytes));
        match written {
            Ok(()) => self.say(&format!("Wrote {}.", path.display()), false),
            Err(why) => self.say(&why, true),
        }
    }

    fn say(&mut self, text: &str, is_bad: bool) {
        self.want(Command::Notice(Notice {
            text: text.to_owned(),
            is_bad,
        }));
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}

/// What keys want.
fn shortcuts(ctx: &Context, state: &State) -> Vec<Command> {
    let mut wants = Vec::new();
    let ctrl = Modifiers::COMMAND;
    let mut on = |modifiers: Modifiers, key: Key, command: Command| {
        if ctx.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(modifiers, key))) {
            wants.push(command);
        }
    };
    on(ctrl | Modifiers::SHIFT, Key::Z, Command::Redo);
    on(ctrl, Key::Y, Command::Redo);
    on(ctrl, Key::Z, Command::Undo);
    on(ctrl, Key::O, Command::Show(View::Start));
    let next = if ctx.theme() == egui::Theme::Dark {
        Look::Light
    } else {
        Look::Dark
    };
    on(ctrl, Key::D, Command::Look(next));
    if state.document.is_some() {
        on(ctrl, Key::S, Command::Save(state.fields.save.clone()));
    }
    let digits = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
    ];
    for (key, view) in digits.into_iter().zip(View::ALL) {
        on(ctrl, key, Command::Show(view));
    }
    let scale = if state.scale > 0.0 { state.scale } else { 1.0 };
    on(ctrl, Key::Plus, Command::Scale(scale + 0.1));
    on(ctrl, Key::Minus, Command::Scale(scale - 0.1));
    if ctx.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(ctrl, Key::F))) {
        wants.push(Command::Show(View::Explore));
        ctx.memory_mut(|memory| memory.request_focus(egui::Id::unique(view::SEARCH)));
    }
    let types = ctx.egui_wants_keyboard_input();
    if state.view() == View::Map && !types && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space)) {
        wants.push(Command::Play(!state.moment.is_playing));
    }
    wants
}

/// Where recent files are remembered, from what the environment says.
#[must_use]
pub fn recent_file(state_home: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
    let folder = match (state_home, home) {
        (Some(folder), _) if !folder.is_empty() => PathBuf::from(folder),
        (_, Some(home)) if !home.is_empty() => PathBuf::from(home).join(".local/state"),
        _ => return None,
    };
    Some(folder.join("highwater/recent"))
}
