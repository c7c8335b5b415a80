//! A checked study: its axes with their levels, and the plan of each of its points.
//!
//! Owns: which settings a point has, how many points there may be, the hash that a study is known by.
//! Never: running a point.
//! Order: points are numbered from 0; the last axis goes round fastest.

use super::super::catalogue::CatalogueNames;
use super::super::check_scenario::place;
use super::super::diagnostic::{Diagnostic, Sources};
use super::super::load::{self, Given, Loaded};
use super::super::name::Name;
use super::super::plan::{Hash, Plan, question, stem};
use super::super::read::{Read, Reader, Spec};
use super::super::scenario::MeasureFrom;
use super::super::suggest::did_you_mean;
use super::super::tree::{At, Node, SourceId, TEXT_MAX, Value, parse};
use super::super::value::Setting;
use super::super::{Files, NoFiles, beside};
use super::axis::{resolve, twice, value_text};
use super::{MustHold, Precision, Study};
use crate::record::sweep::levels_of;

/// Most points of a study: each is run several times, and a year has half a million minutes.
pub const POINTS_MAX: usize = 100_000;

/// What varies, ready to be combined.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What tables and columns call it.
    pub name: Name,
    /// In the order of the file; at least one.
    pub levels: Vec<Level>,
}

/// One level of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// What it is called, each on its axis differently.
    pub label: String,
    /// What it sets.
    pub settings: Vec<Setting>,
}

/// Where the other files of a study come from.
#[derive(Copy, Clone)]
pub struct Beside<'a> {
    /// Files beside it.
    pub files: &'a (dyn Files + Sync),
    /// The text of a bundled scenario.
    pub scenario: fn(&str) -> Option<&'static str>,
    /// The text of a bundled system.
    pub system: fn(&str) -> Option<&'static str>,
    /// Names of the bundled scenarios, to suggest one.
    pub bundled_scenarios: &'a [&'a str],
    /// Names of the bundled systems, to suggest one.
    pub bundled_systems: &'a [&'a str],
    /// What the catalogue has.
    pub catalogue: CatalogueNames,
    /// Whether the study is a bundled one: what it names then is too.
    pub is_bundled: bool,
    /// Each `path=value` on top of every point.
    pub settings: &'a [String],
}

impl Beside<'_> {
    /// Nothing at all: for texts that stand alone.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            files: &NoFiles,
            scenario: |_| None,
            system: |_| None,
            bundled_scenarios: &[],
            bundled_systems: &[],
            catalogue: super::super::any_name,
            is_bundled: false,
            settings: &[],
        }
    }
}

/// What came of loading a study.
#[derive(Clone, Debug)]
pub struct LoadedStudy {
    /// The study; `None` when there is an error among the diagnostics. Its points may still have mistakes.
    pub design: Option<Design>,
    /// Everything wrong with the study's own keys, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The text that the diagnostics speak of.
    pub sources: Sources,
}

/// A study, its own keys checked.
#[derive(Clone, Debug)]
pub struct Design {
    /// The name of the study: that of its file, without ending.
    pub name: String,
    /// For people.
    pub title: String,
    /// The question that the study asks: the comment that its file opens with.
    pub question: String,
    /// What varies.
    pub axes: Vec<Axis>,
    /// Root seed of every point.
    pub seed: u64,
    /// Replications of each point; with a precision the fewest.
    pub replications: u32,
    /// How narrow intervals have to be.
    pub precision: Option<Precision>,
    /// Paths of the figures that are kept.
    pub metrics: Vec<Name>,
    /// Which points have to meet their objectives.
    pub must_hold: MustHold,
    scenario: Option<Name>,
    /// What every point sets before its axes do.
    base: Vec<Setting>,
    file: String,
    text: String,
}

/// Reads and checks the text of a study: everything that can be said before its points are read.
#[must_use]
pub fn load_study(name: &str, text: &str) -> LoadedStudy {
    let mut sources = Sources::default();
    let mut diagnostics = Vec::new();
    let design = read(name, text, &mut sources, &mut diagnostics);
    diagnostics.sort_by_key(|diagnostic: &Diagnostic| diagnostic.primary.at.start);
    LoadedStudy {
        design: design.filter(|_| diagnostics.is_empty()),
        diagnostics,
        sources,
    }
}

fn read(name: &str, text: &str, sources: &mut Sources, diagnostics: &mut Vec<Diagnostic>) -> Option<Design> {
    if text.len() > TEXT_MAX {
        let at = At::new(sources.add(name, ""), 0..0);
        let message = format!("`{name}` is too large: more than 8 MB");
        diagnostics.push(Diagnostic::error("file::too-large", message, at, ""));
        return None;
    }
    let source = sources.add(name, text);
    let (root, errors) = parse(text, source);
    if let Some(error) = errors.into_iter().next() {
        // What follows a slip of syntax may be its consequence.
        diagnostics.push(Diagnostic::error("file::syntax", error.message, error.at, ""));
        return None;
    }
    let mut reader = Reader::new(sources, &NoFiles);
    let study = Study::read(&root, &Spec::NONE, &mut reader);
    diagnostics.append(&mut reader.diagnostics);
    let study = study?;
    let mut axes = Vec::new();
    for table in &study.axis {
        axes.extend(resolve(table, sources, diagnostics));
    }
    let profile = study.profile.iter().map(|name| Setting {
        path: vec!["profile".to_owned()],
        at: name.at,
        value: Node {
            value: Value::Text(name.text.clone()),
            at: name.at,
        },
    });
    let design = Design {
        name: stem(name),
        title: study.title.clone().unwrap_or_else(|| stem(name)),
        question: question(text),
        axes,
        seed: study.seed,
        replications: study.replications,
        precision: study.precision.clone(),
        metrics: study.metrics.clone(),
        must_hold: study.must_hold,
        scenario: study.scenario.clone(),
        base: profile.chain(study.set.entries.iter().cloned()).collect(),
        file: name.to_owned(),
        text: text.to_owned(),
    };
    // An axis that could not be read may have been the one with the scenarios.
    if design.axes.len() == study.axis.len() {
        design.check(At::new(source, 0..0), diagnostics);
    }
    Some(design)
}

impl Design {
    /// How many points there are.
    #[must_use]
    pub fn points(&self) -> usize {
        self.axes.iter().map(|axis| axis.levels.len()).product()
    }

    /// The level of each axis at a point.
    #[must_use]
    pub fn levels_of(&self, point: usize) -> Vec<usize> {
        levels_of(self.axes.iter().map(|axis| axis.levels.len()), point)
    }

    /// The value of a setting as its file writes it.
    #[must_use]
    pub fn value_text(&self, setting: &Setting) -> String {
        let mut sources = Sources::default();
        sources.add(&self.file, &self.text);
        value_text(&setting.value, &sources)
    }

    /// A hash of everything that the results of the study follow from, the points' plans by their hashes and in their
    /// order; the same on every machine.
    #[must_use]
    pub fn hash(&self, plans: &[u64], seed: u64, replications: u32) -> u64 {
        let mut hash = Hash::new();
        hash.bytes(&seed.to_le_bytes());
        hash.bytes(&replications.to_le_bytes());
        if let Some(precision) = &self.precision {
            hash.bytes(&precision.width.get().to_bits().to_le_bytes());
            hash.bytes(&precision.most.to_le_bytes());
            precision.of.iter().for_each(|name| hash.bytes(name.text.as_bytes()));
        }
        self.metrics.iter().for_each(|name| hash.bytes(name.text.as_bytes()));
        for axis in &self.axes {
            hash.bytes(axis.name.text.as_bytes());
            axis.levels.iter().for_each(|level| hash.bytes(level.label.as_bytes()));
        }
        for text in [&self.name, &self.title, &self.question, self.must_hold.text()] {
            hash.bytes(text.as_bytes());
        }
        plans.iter().for_each(|plan| hash.bytes(&plan.to_le_bytes()));
        hash.finish()
    }

    /// The plan of a point, or everything wrong with it. Mistakes are blamed on the study's own text where they come from
    /// there.
    #[must_use]
    pub fn load(&self, point: usize, beside: &Beside<'_>) -> Loaded {
        let mut settings = self.base.clone();
        for (axis, level) in self.axes.iter().zip(self.levels_of(point)) {
            for setting in &axis.levels[level].settings {
                let plain = setting.plain_path();
                settings.retain(|other| other.plain_path() != plain);
                settings.push(setting.clone());
            }
        }
        let mut scenario = self.scenario.clone();
        settings.retain(|setting| match scenario_of(setting) {
            Some(name) => {
                scenario = Some(name);
                false
            }
            None => true,
        });
        let mut sources = Sources::default();
        sources.add(&self.file, &self.text);
        let found = scenario
            .ok_or_else(|| Box::new(no_scenario(At::new(SourceId(0), 0..0))))
            .and_then(|name| self.find(&name, beside));
        let (name, text, is_bundled) = match found {
            Ok(found) => found,
            Err(diagnostic) => {
                return Loaded {
                    plan: None,
                    diagnostics: vec![*diagnostic],
                    sources,
                };
            }
        };
        let request = load::Request {
            name: &name,
            text,
            settings: beside.settings,
            is_bundled,
            bundled_systems: beside.bundled_systems,
            catalogue: beside.catalogue,
        };
        let given = Given {
            sources,
            settings: &settings,
            results: &self.metrics,
        };
        let mut loaded = load::load_given(request, given, beside.files, beside.system);
        if let Some(plan) = loaded
            .plan
            .take_if(|plan| plan.scenario.measure.from == MeasureFrom::Auto)
        {
            loaded.diagnostics.push(own_warm_up(&plan));
        }
        loaded
    }

    /// The complaint about a figure that no point has.
    #[must_use]
    pub fn unknown_metric(&self, metric: &Name, known: &[String]) -> (Diagnostic, Sources) {
        let message = format!("no point of the study has a figure `{metric}`");
        let help = did_you_mean(&metric.text, known.iter().map(String::as_str), "there are");
        let mut sources = Sources::default();
        sources.add(&self.file, &self.text);
        let diagnostic = Diagnostic::error("check::unknown-result", message, metric.at, "unknown figure");
        (diagnostic.maybe_help(help), sources)
    }

    /// Every figure that is asked for by its path: those kept, and those whose precision counts.
    pub fn asked(&self) -> impl Iterator<Item = &Name> {
        self.metrics
            .iter()
            .chain(self.precision.iter().flat_map(|precision| &precision.of))
    }

    fn find(&self, name: &Name, around: &Beside<'_>) -> Result<(String, String, bool), Box<Diagnostic>> {
        let is_path = name.text.contains('/') || name.text.ends_with(".toml");
        // A bundled name may have a folder: `textbook/mm1`.
        let bundled = || (around.scenario)(&name.text).map(|text| (name.text.clone(), text.to_owned(), true));
        let file = if name.text.ends_with(".toml") {
            name.text.clone()
        } else {
            format!("{}.toml", name.text)
        };
        let path = beside(&self.file, &file);
        let mut reason = "a bundled study reads no files".to_owned();
        if !around.is_bundled {
            match around.files.read(&path) {
                Ok(text) => return Ok((path, text, false)),
                Err(error) => reason = error,
            }
        }
        if let Some(found) = bundled() {
            return Ok(found);
        }
        let help = did_you_mean(&name.text, around.bundled_scenarios.iter().copied(), "bundled are");
        Err(Box::new(if is_path {
            let message = format!("the scenario `{path}` cannot be read: {reason}");
            Diagnostic::error("file::unreadable", message, name.at, "this file").maybe_help(help)
        } else {
            let message = format!("there is no scenario `{name}`");
            let otherwise = format!("neither is it bundled, nor is there a file `{path}`");
            Diagnostic::error("check::unknown-name", message, name.at, "unknown name").help(help.unwrap_or(otherwise))
        }))
    }

    /// What can be said of the axes together.
    fn check(&self, top: At, diagnostics: &mut Vec<Diagnostic>) {
        let counts: Vec<usize> = self.axes.iter().map(|axis| axis.levels.len()).collect();
        let product = counts
            .iter()
            .fold(1u128, |product, &count| product.saturating_mul(count as u128));
        if product > POINTS_MAX as u128 {
            let factors: Vec<String> = counts.iter().map(usize::to_string).collect();
            let message = format!("the study has {} = {product} points", factors.join(" × "));
            let at = self.axes.last().map_or(top, |axis| axis.name.at);
            let label = format!("at most {POINTS_MAX}");
            let help = "fewer levels, or several axes that go on together as one `zip`";
            diagnostics.push(Diagnostic::error("study::too-large", message, at, label).help(help));
        }
        for (index, axis) in self.axes.iter().enumerate() {
            let before = &self.axes[..index];
            if let Some(other) = before.iter().find(|other| other.name == axis.name) {
                let message = format!("two axes are called `{}`", axis.name);
                let diagnostic = Diagnostic::error("study::twice", message, axis.name.at, "again");
                diagnostics.push(
                    diagnostic
                        .and(other.name.at, "the first")
                        .help("`name` tells them apart"),
                );
                continue;
            }
            let mut told: Vec<Vec<String>> = Vec::new();
            for setting in axis.levels.iter().flat_map(|level| &level.settings) {
                let plain = setting.plain_path();
                let mut earlier = before
                    .iter()
                    .flat_map(|axis| &axis.levels)
                    .flat_map(|level| &level.settings);
                if let Some(first) = earlier.find(|other| other.plain_path() == plain)
                    && !told.contains(&plain)
                {
                    diagnostics.push(twice(setting, first));
                    told.push(plain);
                }
            }
        }
        for setting in self.base.iter().chain(
            self.axes
                .iter()
                .flat_map(|axis| &axis.levels)
                .flat_map(|level| &level.settings),
        ) {
            if let [only] = &setting.path[..]
                && ["seed", "replications", "precision"].contains(&only.as_str())
            {
                let message = format!("`{only}` is one for all points of a study");
                let diagnostic = Diagnostic::error("study::not-here", message, setting.at, "not of a point");
                diagnostics.push(diagnostic.help(format!("`{only}` stands at the top of the study")));
            }
        }
        let wrong = |setting: &&Setting| setting.path == ["scenario"] && scenario_of(setting).is_none();
        let levels = || self.axes.iter().flat_map(|axis| &axis.levels);
        for setting in levels().flat_map(|level| &level.settings).filter(wrong) {
            let label = format!("this is {}", setting.value.value.kind());
            let message = "`scenario` must be the name of a scenario, or the path of its file";
            diagnostics.push(Diagnostic::error("file::wrong-type", message, setting.value.at, label));
        }
        let sets_scenario = |level: &Level| level.settings.iter().any(|setting| setting.path == ["scenario"]);
        if self.scenario.is_none() && !self.axes.iter().any(|axis| axis.levels.iter().all(sets_scenario)) {
            diagnostics.push(no_scenario(top));
        }
    }
}

/// Points are set beside one another, so that all are measured from the same time on.
fn own_warm_up(plan: &Plan) -> Diagnostic {
    let at = plan
        .trees
        .scenario
        .as_ref()
        .map_or(At::DEFAULT, |root| place(root, &["measure", "from"]));
    let message = "each point would find a warm-up of its own";
    let help = "see what `highwater run` of the scenario leaves out, and give all points that time: \
                `set = { \"measure.from\" = \"60s\" }`";
    Diagnostic::error("study::own-warm-up", message, at, "not of a study").help(help)
}

fn no_scenario(at: At) -> Diagnostic {
    let message = "the study needs `scenario`";
    let help = "`scenario = \"normal\"` for all points, or an axis that sets `scenario` on each of its levels";
    Diagnostic::error("file::missing-key", message, at, "`scenario` is missing").help(help)
}

/// The scenario that a setting names.
fn scenario_of(setting: &Setting) -> Option<Name> {
    match (&setting.path[..], &setting.value.value) {
        ([only], Value::Text(text)) if only == "scenario" => Some(Name {
            text: text.clone(),
            at: setting.value.at,
        }),
        _ => None,
    }
}
