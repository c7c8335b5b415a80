//! From the texts of a scenario and its system to a plan that can be run, or to every mistake in them.
//!
//! Owns: the order of the steps: parse, find the system, put settings in, read, check.
//! Never: each of those steps; the file system.

use std::sync::Arc;

use super::catalogue::{CatalogueNames, any_name};
use super::check::Checker;
use super::diagnostic::{Diagnostic, Sources};
use super::name::Name;
use super::plan::{self, Plan, question, stem};
use super::read::{Read, Reader, Spec};
use super::scenario::{Action, Scenario};
use super::set::{Assignment, Reach, Trees};
use super::suggest::did_you_mean;
use super::system::System;
use super::tree::{At, Node, SourceId, TEXT_MAX, Value, parse};
use super::value::{Setting, Settings};
use super::{Files, beside, check_scenario, check_system, path};

/// What to load.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// How messages call the file: its path as the user gave it, or its bundled name.
    pub name: &'a str,
    /// Its text.
    pub text: String,
    /// Each `path=value`, in order; a later one wins.
    pub settings: &'a [String],
    /// Whether the file is a bundled one: its system then is too, and no file beside it is looked for.
    pub is_bundled: bool,
    /// Names of the bundled systems, to suggest one.
    pub bundled_systems: &'a [&'a str],
    /// What the catalogue has.
    pub catalogue: CatalogueNames,
}

impl<'a> Request<'a> {
    /// A file of the user's, without settings and without a catalogue.
    #[must_use]
    pub fn new(name: &'a str, text: impl Into<String>) -> Self {
        Self {
            name,
            text: text.into(),
            settings: &[],
            is_bundled: false,
            bundled_systems: &[],
            catalogue: any_name,
        }
    }

    /// With the settings of the command line.
    #[must_use]
    pub fn with_settings(self, settings: &'a [String]) -> Self {
        Self { settings, ..self }
    }
}

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The plan; `None` when there is an error among the diagnostics.
    pub plan: Option<Plan>,
    /// Everything wrong, in the order of the texts.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics speak of.
    pub sources: Sources,
}

/// What came of loading a system alone.
#[derive(Clone, Debug)]
pub struct LoadedSystem {
    /// The system; `None` when there is an error among the diagnostics.
    pub system: Option<System>,
    /// Everything wrong, in the order of the texts.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics speak of.
    pub sources: Sources,
}

/// What another file gives to a scenario: settings, and paths of results that have to exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Given<'a> {
    /// The text of that file, the first of the load.
    pub(super) sources: Sources,
    /// Before the settings of the command line.
    pub(super) settings: &'a [Setting],
    /// By their first name.
    pub(super) results: &'a [Name],
}

/// Reads and checks a scenario and the system it names. `bundled` gives the text of a bundled system.
#[must_use]
pub fn load_scenario(request: Request<'_>, files: &dyn Files, bundled: fn(&str) -> Option<&'static str>) -> Loaded {
    load_given(request, Given::default(), files, bundled)
}

/// The same with what another file gives to it.
pub(super) fn load_given(
    request: Request<'_>,
    given: Given<'_>,
    files: &dyn Files,
    bundled: fn(&str) -> Option<&'static str>,
) -> Loaded {
    let mut load = Load {
        sources: given.sources,
        diagnostics: Vec::new(),
        files,
        catalogue: request.catalogue,
    };
    let plan = load.scenario(&request, given.settings, bundled);
    if let Some(plan) = &plan {
        let mut checker = Checker::new(&plan.system, request.catalogue);
        given
            .results
            .iter()
            .for_each(|path| check_system::result_path(path, &mut checker));
        load.diagnostics.extend(checker.diagnostics);
    }
    let (diagnostics, sources) = load.finish();
    let plan = plan.filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
    Loaded {
        plan,
        diagnostics,
        sources,
    }
}

/// Reads and checks a system without a scenario.
#[must_use]
pub fn load_system(request: Request<'_>, files: &dyn Files) -> LoadedSystem {
    let mut load = Load {
        sources: Sources::default(),
        diagnostics: Vec::new(),
        files,
        catalogue: request.catalogue,
    };
    let system = load.system_alone(&request);
    let (diagnostics, sources) = load.finish();
    let system = system.filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
    LoadedSystem {
        system,
        diagnostics,
        sources,
    }
}

/// A load under way.
pub(super) struct Load<'f> {
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) files: &'f dyn Files,
    pub(super) catalogue: CatalogueNames,
}

/// A tree and whether its text was without mistakes of syntax.
struct Parsed {
    root: Node,
    source: SourceId,
    whole: bool,
}

impl Load<'_> {
    fn scenario(
        &mut self,
        request: &Request<'_>,
        given: &[Setting],
        bundled: fn(&str) -> Option<&'static str>,
    ) -> Option<Plan> {
        let parsed = self.parse(request.name, &request.text)?;
        let mut flags: Vec<Assignment> = given.iter().map(Assignment::of).collect();
        flags.extend(self.flags(request.settings));
        let mut trees = Trees {
            scenario: Some(parsed.root.clone()),
            system: None,
        };
        // The scenario's own keys first: one of them may be the system.
        for flag in flags
            .iter()
            .filter(|flag| flag.is_for_scenario(&trees))
            .collect::<Vec<_>>()
        {
            self.put(flag, &mut trees, Reach::Both);
        }
        let root = trees.scenario.clone()?;
        let mut reader = Reader::new(&mut self.sources, self.files);
        let scenario = Scenario::read(&root, &Spec::NONE, &mut reader);
        let found = std::mem::take(&mut reader.diagnostics);
        self.add(found, &[&parsed]);

        let (system, system_name) = self.find_system(&root, request, bundled);
        let system_whole = system.as_ref().is_some_and(|system| system.whole);
        trees.system = system.as_ref().map(|system| system.root.clone());
        let inline = trees.system.is_none().then(|| inline_system(&root)).flatten();
        let is_inline = inline.is_some();
        trees.system = trees.system.or(inline);
        let profile = scenario.as_ref().and_then(profile_of);
        if let (Some(profile), Some(system)) = (&profile, &trees.system) {
            let settings = self.profile_settings(system, profile);
            for setting in &settings.entries {
                self.put(&Assignment::of(setting), &mut trees, Reach::System);
            }
        }
        let settings = scenario
            .as_ref()
            .map(|scenario| scenario.set.clone())
            .unwrap_or_default();
        for setting in &settings.entries {
            self.put(&Assignment::of(setting), &mut trees, Reach::System);
        }
        for flag in flags
            .iter()
            .filter(|flag| !flag.is_for_scenario(&trees))
            .collect::<Vec<_>>()
        {
            self.put(flag, &mut trees, Reach::Both);
        }
        let system_root = trees.system.clone()?;
        let mut reader = Reader::new(&mut self.sources, self.files);
        let system_read = reader.within_if(is_inline, "system", |reader| {
            System::read(&system_root, &Spec::NONE, reader)
        });
        let found = std::mem::take(&mut reader.diagnostics);
        let parts: Vec<&Parsed> = [Some(&parsed), system.as_ref()].into_iter().flatten().collect();
        self.add(found, &parts);

        // Names cannot be followed through a file of which parts could not be read.
        if !parsed.whole || !(system_whole || is_inline) {
            return None;
        }
        let (mut scenario, mut system) = (scenario?, system_read?);
        self.complete(&mut scenario, &mut system, &root);
        // Also where there are mistakes already: each is told once, however often it is met.
        self.later_settings(&scenario, &system, &trees);
        if profile.is_none() {
            self.try_profiles(&system, &trees, &[scenario.clone()], Reach::Both);
        }
        let name = stem(request.name);
        Some(Plan {
            hash: plan::hash(&trees, &self.sources),
            question: question(&request.text),
            system_name: system_name.unwrap_or_else(|| name.clone()),
            profile: profile.map(|name| name.text),
            name,
            scenario,
            system,
            trees,
            catalogue: self.catalogue,
            sources: Arc::new(self.sources.clone()),
        })
    }

    fn system_alone(&mut self, request: &Request<'_>) -> Option<System> {
        let parsed = self.parse(request.name, &request.text)?;
        let flags = self.flags(request.settings);
        let mut trees = Trees {
            scenario: None,
            system: Some(parsed.root.clone()),
        };
        for flag in &flags {
            self.put(flag, &mut trees, Reach::System);
        }
        let root = trees.system.clone()?;
        let mut reader = Reader::new(&mut self.sources, self.files);
        let system = System::read(&root, &Spec::NONE, &mut reader);
        let found = std::mem::take(&mut reader.diagnostics);
        self.add(found, &[&parsed]);
        if !parsed.whole {
            return None;
        }
        let mut system = system?;
        self.diagnostics.extend(complete_system(&mut system, self.catalogue));
        if !self.diagnostics.iter().any(Diagnostic::is_error) {
            let base = vec![];
            for setting in level_settings(&system) {
                self.try_settings(&[setting], &trees, &base, Reach::System);
            }
            self.try_profiles(&system, &trees, &base, Reach::System);
        }
        Some(system)
    }

    /// The settings of a profile, as a system's tree has them; complains when there is none of that name.
    fn profile_settings(&mut self, system: &Node, profile: &Name) -> Settings {
        let child = |node: &Node, key: &str| match &node.value {
            Value::Table(table) => table.get(key).cloned(),
            _ => None,
        };
        let profiles = child(system, "profile");
        if let Some(node) = profiles.as_ref().and_then(|all| child(all, &profile.text)) {
            let mut reader = Reader::new(&mut self.sources, self.files);
            // What is wrong with it is said when the system is read.
            return Settings::read(&node, &Spec::NONE, &mut reader).unwrap_or_default();
        }
        let names: Vec<String> = match profiles.map(|node| node.value) {
            Some(Value::Table(table)) => table.entries.into_iter().map(|(key, _)| key.text).collect(),
            _ => Vec::new(),
        };
        let message = format!("the system has no profile `{profile}`");
        let help = did_you_mean(&profile.text, names.iter().map(String::as_str), "it has");
        let diagnostic = Diagnostic::error("check::unknown-name", message, profile.at, "unknown profile");
        self.diagnostics.push(diagnostic.maybe_help(help));
        Settings::default()
    }

    /// Tries every profile as a whole, so that a mistake in one shows before it is put in force.
    fn try_profiles(&mut self, system: &System, trees: &Trees, base: &[Scenario], reach: Reach) {
        for (_, settings) in system.profile.iter() {
            self.try_settings(&settings.entries, trees, base, reach);
        }
    }

    fn parse(&mut self, name: &str, text: &str) -> Option<Parsed> {
        if text.len() > TEXT_MAX {
            let source = self.sources.add(name, "");
            let message = format!("`{name}` is too large: more than 8 MB");
            let at = At::new(source, 0..0);
            self.diagnostics
                .push(Diagnostic::error("file::too-large", message, at, ""));
            return None;
        }
        let source = self.sources.add(name, text);
        let (root, errors) = parse(text, source);
        let whole = errors.is_empty();
        let mut lines = Vec::new();
        for error in errors {
            // One slip makes the parser stumble several times on its way to the end of the line.
            let (line, _) = self.sources.line_and_column(source, error.at.start);
            if !lines.contains(&line) {
                lines.push(line);
                self.diagnostics
                    .push(Diagnostic::error("file::syntax", error.message, error.at, ""));
            }
        }
        Some(Parsed { root, source, whole })
    }

    fn flags(&mut self, settings: &[String]) -> Vec<Assignment> {
        let mut flags = Vec::new();
        for setting in settings {
            match Assignment::from_flag(setting, &mut self.sources) {
                Ok(flag) => flags.push(flag),
                Err(diagnostic) => self.diagnostics.push(diagnostic),
            }
        }
        flags
    }

    fn put(&mut self, assignment: &Assignment, trees: &mut Trees, reach: Reach) {
        if let Err(diagnostic) = assignment.apply(trees, reach) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Adds what reading found. In a text with mistakes of syntax only what cannot be their consequence counts: a slip
    /// in one line makes keys seem to be missing elsewhere.
    fn add(&mut self, found: Vec<Diagnostic>, texts: &[&Parsed]) {
        const SAFE: [&str; 6] = [
            "file::unknown-key",
            "file::wrong-type",
            "file::missing-unit",
            "file::unknown-unit",
            "file::unknown-choice",
            "file::out-of-range",
        ];
        for diagnostic in found {
            let source = diagnostic.primary.at.source;
            let whole = texts.iter().all(|text| text.source != source || text.whole);
            let line = |at: At| self.sources.line_and_column(at.source, at.start).0;
            let stumbled = self.diagnostics.iter().any(|other| {
                other.id == "file::syntax"
                    && other.primary.at.source == source
                    && line(other.primary.at) == line(diagnostic.primary.at)
            });
            if whole || (SAFE.contains(&diagnostic.id) && !stumbled) {
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// The text of the system that a scenario names, and its name.
    fn find_system(
        &mut self,
        root: &Node,
        request: &Request<'_>,
        bundled: fn(&str) -> Option<&'static str>,
    ) -> (Option<Parsed>, Option<String>) {
        let Value::Table(table) = &root.value else {
            return (None, None);
        };
        let Some(Node {
            value: Value::Text(name),
            at,
        }) = table.get("system")
        else {
            return (None, None);
        };
        let is_path = name.contains('/') || name.ends_with(".toml");
        let beside = beside(
            request.name,
            &if is_path { name.clone() } else { format!("{name}.toml") },
        );
        let mut failure = None;
        if !request.is_bundled {
            match self.files.read(&beside) {
                Ok(text) => return (self.parse(&beside, &text), Some(stem(name))),
                Err(error) => failure = Some(error),
            }
        }
        if !is_path && let Some(text) = bundled(name) {
            return (self.parse(name, text), Some(name.clone()));
        }
        let diagnostic = if is_path {
            let reason = failure.unwrap_or_else(|| "a bundled scenario reads no files".to_owned());
            let message = format!("the system `{beside}` cannot be read: {reason}");
            Diagnostic::error("file::unreadable", message, *at, "this file")
        } else {
            let message = format!("there is no system `{name}`");
            let help = did_you_mean(name, request.bundled_systems.iter().copied(), "bundled are")
                .unwrap_or_else(|| format!("neither is it bundled, nor is there a file `{beside}`"));
            Diagnostic::error("check::unknown-name", message, *at, "unknown name").help(help)
        };
        self.diagnostics.push(diagnostic);
        (None, None)
    }

    /// Fills in what both leave out and checks them together.
    pub(super) fn complete(&mut self, scenario: &mut Scenario, system: &mut System, root: &Node) {
        let mut duplicates = Vec::new();
        check_system::merge(&mut system.class, &scenario.class, "class", &mut duplicates);
        check_system::merge(&mut system.client, &scenario.client, "client", &mut duplicates);
        check_system::merge(&mut system.flow, &scenario.flow, "flow", &mut duplicates);
        self.diagnostics.extend(duplicates);
        check_system::only_flow(system);
        let mut checker = Checker::new(system, self.catalogue);
        check_system::check(system, &mut checker);
        check_scenario::check(scenario, system, root, &mut checker);
        self.diagnostics.extend(checker.diagnostics);
    }

    /// Tries every setting that takes hold during the run, so that none of them can fail then.
    fn later_settings(&mut self, scenario: &Scenario, system: &System, trees: &Trees) {
        let base = vec![scenario.clone()];
        for setting in level_settings(system) {
            self.try_settings(&[setting], trees, &base, Reach::Both);
        }
        for event in &scenario.event {
            match &event.action {
                Some(Action::Set(settings)) => self.try_settings(&settings.entries, trees, &base, Reach::Both),
                Some(Action::Reset(path)) => self.try_reset(path, trees),
                _ => {}
            }
        }
    }

    /// Reads and checks the trees with these settings on top.
    fn try_settings(&mut self, settings: &[Setting], trees: &Trees, base: &[Scenario], reach: Reach) {
        let mut changed = trees.clone();
        for setting in settings {
            self.put(&Assignment::of(setting), &mut changed, reach);
        }
        let (mut scenario, system, found) = self.read_again(&changed);
        let is_read = found.is_empty();
        self.diagnostics.extend(found);
        if !is_read {
            return;
        }
        let Some(mut system) = system else { return };
        match (&mut scenario, base) {
            (Some(scenario), [_, ..]) => {
                if let Some(root) = &changed.scenario {
                    self.complete(scenario, &mut system, root);
                }
            }
            _ => self.diagnostics.extend(complete_system(&mut system, self.catalogue)),
        }
    }

    fn try_reset(&mut self, name: &Name, trees: &Trees) {
        let parts = match path::split(&name.text) {
            Ok(parts) => parts.into_iter().map(|part| part.text).collect::<Vec<_>>(),
            Err((_, mistake)) => {
                let message = "the path of a setting cannot be read";
                self.diagnostics
                    .push(Diagnostic::error("set::bad-path", message, name.at, mistake));
                return;
            }
        };
        let mut changed = trees.clone();
        let probe = Assignment::probe(&parts, name.at);
        if let Err(diagnostic) = probe.apply(&mut changed, Reach::Both) {
            self.diagnostics.push(diagnostic);
            return;
        }
        let (_, _, found) = self.read_again(&changed);
        self.diagnostics
            .extend(found.into_iter().filter(|one| one.id == "file::unknown-key"));
    }

    fn read_again(&mut self, trees: &Trees) -> (Option<Scenario>, Option<System>, Vec<Diagnostic>) {
        read_trees(trees, &mut self.sources, self.files)
    }

    /// Every diagnostic once, in the order of the texts.
    fn finish(self) -> (Vec<Diagnostic>, Sources) {
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for diagnostic in self.diagnostics {
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
        diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.at.source, diagnostic.primary.at.start));
        (diagnostics, self.sources)
    }
}

pub(super) fn read_trees(
    trees: &Trees,
    sources: &mut Sources,
    files: &dyn Files,
) -> (Option<Scenario>, Option<System>, Vec<Diagnostic>) {
    let mut reader = Reader::new(sources, files);
    let scenario = trees
        .scenario
        .as_ref()
        .and_then(|root| Scenario::read(root, &Spec::NONE, &mut reader));
    let system = trees
        .system
        .as_ref()
        .and_then(|root| System::read(root, &Spec::NONE, &mut reader));
    let found = std::mem::take(&mut reader.diagnostics);
    (scenario, system, found)
}

fn complete_system(system: &mut System, catalogue: CatalogueNames) -> Vec<Diagnostic> {
    check_system::only_flow(system);
    let mut checker = Checker::new(system, catalogue);
    check_system::check(system, &mut checker);
    checker.diagnostics
}

/// The profile that a scenario asks for.
fn profile_of(scenario: &Scenario) -> Option<Name> {
    const AS_WRITTEN: &str = "as_written";
    let short = || {
        scenario.as_written.then(|| Name {
            text: AS_WRITTEN.to_owned(),
            at: At::DEFAULT,
        })
    };
    scenario.profile.clone().or_else(short)
}

/// The settings of every level of degradation.
pub(super) fn level_settings(system: &System) -> Vec<Setting> {
    let levels = system.degradation.iter().flat_map(|degradation| &degradation.level);
    levels.flat_map(|level| level.set.entries.iter().cloned()).collect()
}

/// The system that stands in the scenario itself.
fn inline_system(root: &Node) -> Option<Node> {
    match &root.value {
        Value::Table(table) => table
            .get("system")
            .filter(|node| matches!(node.value, Value::Table(_)))
            .cloned(),
        _ => None,
    }
}
