//! Every setting of a scenario and its system as a control: what it takes, what it is, what it means, where its default
//! comes from.
//!
//! Owns: which settings there are and which of them matter first, made of the format's own reference.
//! Never: what a key means or takes (`highwater_models::file`), which value is right (that is the reading of the file).

use std::collections::BTreeMap;

use highwater_models::file::reference::{KeyReference, Standing};
use highwater_models::file::schema::{FileKind, Shape, TableShape};
use highwater_models::file::{CatalogueKind, Plan};
use highwater_models::units;
use highwater_program::files::catalogue_names;

use super::format::{Measure, bare, number};

/// What a control lets one do.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// On or off.
    Switch,
    /// A number on a slider from the least to the most, which a field beside it may pass up to its limits.
    Slider {
        /// What it counts in.
        measure: Measure,
        /// Where the slider begins and ends.
        range: (f64, f64),
        /// What the file takes.
        limits: (f64, f64),
    },
    /// One of these words.
    Choice(Vec<String>),
    /// Whatever a file may say, as text.
    Text,
}

/// A setting that can be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Its path, as `--set` takes it.
    pub path: String,
    /// Its name within its group.
    pub label: String,
    /// What it takes.
    pub kind: Kind,
    /// The value in force when the scenario was read, as a file writes it; the default where none is given, empty where
    /// there is none.
    pub value: String,
    /// Whether a file, a profile or a change gives it.
    pub is_given: bool,
    /// Whether it is one of those to look at first.
    pub matters: bool,
    /// What it means.
    pub meaning: &'static str,
    /// Its default and where that comes from.
    pub origin: String,
    /// What the file takes, in words.
    pub takes: String,
}

/// A part of the system, or of what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub title: String,
    /// What it is: `service`, `pool`; empty for the scenario's own parts.
    pub kind: &'static str,
    /// Its settings.
    pub controls: Vec<Control>,
}

/// Settings to look at first, by the table that they stand in.
const MATTERS: [(&str, &[&str]); 19] = [
    ("scenario", &["duration", "profile"]),
    ("load", &["rate", "users", "registered", "people_per_ip", "every"]),
    ("load.phase", &["rate", "users", "registered", "sessions", "duration"]),
    ("load.day", &["sessions_per_user"]),
    ("people", &["count"]),
    (
        "objectives",
        &[
            "p50",
            "p90",
            "p95",
            "p99",
            "mean",
            "error_rate",
            "cost_month",
            "profit_month",
        ],
    ),
    ("service", &["plan", "instances", "processes", "max_in_hand"]),
    ("service.scaling", &["on", "min", "max", "cpu"]),
    ("pool", &["max", "timeout", "waiters"]),
    ("queue", &["concurrency", "interval_cap", "waiters", "timeout"]),
    ("limiter", &["key"]),
    ("limiter.fixed_window", &["limit", "per"]),
    ("limiter.token_bucket", &["rate", "burst"]),
    ("database", &["plan", "max_connections"]),
    ("pooler", &["max", "clients"]),
    ("cache", &["plan", "down"]),
    ("provider", &["requests_per_minute", "tokens_per_minute", "timeout"]),
    ("provider.retry", &["max"]),
    ("money", &["paying"]),
];

/// Keys that are no settings: names and lists that one writes in a file.
const LEFT_OUT: [&str; 12] = [
    "title",
    "system",
    "as_written",
    "set",
    "event",
    "profile_of",
    "review",
    "flow",
    "client",
    "class",
    "endpoint",
    "catalogue",
];

/// Kinds of resources.
const RESOURCES: [&str; 8] = [
    "service", "pool", "queue", "limiter", "pooler", "database", "cache", "provider",
];

/// Every control of a plan, grouped: who comes, the parts of the system, what must hold, and the rest.
#[must_use]
pub fn groups(plan: &Plan) -> Vec<Group> {
    let settings: BTreeMap<String, String> = plan.settings().into_iter().collect();
    let mut made = Maker {
        plan,
        settings,
        controls: Vec::new(),
    };
    let mut groups = Vec::new();
    let scenario = FileKind::Scenario.root();
    let system = FileKind::System.root();

    made.keys(&scenario, &[], &["profile"]);
    groups.push(made.group("The system as a whole", ""));
    made.keys(&scenario, &[], &["duration", "load"]);
    groups.push(made.group("Who comes", ""));
    for (name, _) in plan.scenario.source.iter() {
        made.named(&scenario, "source", &name.text);
        groups.push(made.group(&name.text, "source"));
    }
    for kind in RESOURCES {
        for name in names(plan, kind) {
            made.named(&system, kind, &name);
            groups.push(made.group(&name, kind));
        }
    }
    made.keys(&scenario, &[], &["objectives"]);
    groups.push(made.group("What must hold", ""));
    for key in ["degradation", "alerts", "money"] {
        made.keys(&system, &[], &[key]);
        let title = match key {
            "degradation" => "Degradation",
            "alerts" => "Monitoring",
            _ => "Money",
        };
        groups.push(made.group(title, ""));
    }
    made.rest();
    groups.push(made.group("What requests do", ""));
    made.keys(
        &scenario,
        &[],
        &["replications", "seed", "precision", "drain", "measure"],
    );
    groups.push(made.group("The run", ""));
    groups.retain(|group| !group.controls.is_empty());
    groups
}

fn names(plan: &Plan, kind: &str) -> Vec<String> {
    fn all<T>(named: &highwater_models::file::Named<T>) -> Vec<String> {
        named.iter().map(|(name, _)| name.text.clone()).collect()
    }
    let system = &plan.system;
    match kind {
        "service" => all(&system.service),
        "pool" => all(&system.pool),
        "queue" => all(&system.queue),
        "limiter" => all(&system.limiter),
        "pooler" => all(&system.pooler),
        "database" => all(&system.database),
        "cache" => all(&system.cache),
        _ => all(&system.provider),
    }
}

struct Maker<'p> {
    plan: &'p Plan,
    settings: BTreeMap<String, String>,
    controls: Vec<Control>,
}

impl Maker<'_> {
    fn group(&mut self, title: &str, kind: &'static str) -> Group {
        Group {
            title: title.to_owned(),
            kind,
            controls: std::mem::take(&mut self.controls),
        }
    }

    /// What stands under `kind.NAME` of a file.
    fn named(&mut self, root: &TableShape, kind: &str, name: &str) {
        let Some(key) = root.keys().into_iter().find(|key| key.key == kind) else {
            return;
        };
        let Shape::Named(inner, ..) = key.shape else { return };
        if let Some(table) = table_of(&inner) {
            // A resource's kind is left off its path; a source keeps it.
            let path: Vec<String> = if RESOURCES.contains(&kind) {
                vec![name.to_owned()]
            } else {
                vec![kind.to_owned(), name.to_owned()]
            };
            let depth = path.len();
            self.table(&table, &path, depth);
        }
    }

    /// Some keys of a table.
    fn keys(&mut self, table: &TableShape, path: &[String], wanted: &[&str]) {
        for name in wanted {
            if let Some(key) = table.keys().iter().find(|key| key.key == *name) {
                let depth = usize::from(table_of(&key.shape).is_some());
                self.key(table, key, path, path.len() + depth);
            }
        }
    }

    fn table(&mut self, table: &TableShape, path: &[String], head: usize) {
        for key in table.keys() {
            if path.is_empty() && LEFT_OUT.contains(&key.key) {
                continue;
            }
            self.key(table, &key, path, head);
        }
    }

    /// A key of a table at a path, of which the first parts are the group's.
    fn key(&mut self, table: &TableShape, key: &KeyReference, before: &[String], head: usize) {
        let mut path = before.to_vec();
        path.push(key.key.to_owned());
        let text = written(&path);
        if let Some(value) = self.settings.get(&text).cloned() {
            self.control(table.title, key, &path, head, Some(value));
            return;
        }
        let is_given = self.has_below(&text);
        match inner(&key.shape) {
            Inner::Table(inner) if is_given || (before.len() < head + 2 && is_optional_part(key)) => {
                self.table(&inner, &path, head);
            }
            Inner::Items(inner) if is_given => {
                for index in self.below(&text) {
                    path.push(index);
                    self.item(&inner, table.title, key, &path, head);
                    path.pop();
                }
            }
            Inner::Leaf => self.control(table.title, key, &path, head, None),
            _ => {}
        }
    }

    /// An entry of a list, or one that has a name.
    fn item(&mut self, shape: &Shape, title: &str, key: &KeyReference, path: &[String], head: usize) {
        if let Some(value) = self.settings.get(&written(path)).cloned() {
            self.control(title, key, path, head, Some(value));
        } else if let Some(table) = table_of(shape) {
            self.table(&table, path, head);
        }
    }

    fn control(&mut self, title: &str, key: &KeyReference, path: &[String], head: usize, given: Option<String>) {
        let is_given = given.is_some();
        let value = given.or_else(|| key.default.map(str::to_owned)).unwrap_or_default();
        let kind = self.kind(title, key, path, &value);
        if !is_given && (kind == Kind::Text || key.required) {
            return;
        }
        let matters = is_first(title, key.key)
            && (is_given || key.key == "profile" || key.default.is_some_and(|default| default != "{}"));
        self.controls.push(Control {
            path: written(path),
            label: label(&self.called(path)[head.min(path.len().saturating_sub(1))..]),
            kind,
            value,
            is_given,
            matters,
            meaning: key.meaning,
            origin: origin(key),
            takes: takes(key),
        });
    }

    /// A path with the names of phases instead of their numbers.
    fn called(&self, path: &[String]) -> Vec<String> {
        let mut called = path.to_vec();
        if let [load, phase, number, ..] = path
            && load == "load"
            && phase == "phase"
            && let Some(phases) = self.plan.scenario.load.as_ref().and_then(|load| load.phase.as_ref())
            && let Some(phase) = number.parse::<usize>().ok().and_then(|number| phases.get(number))
            && let Some(name) = &phase.name
        {
            called[2].clone_from(&name.text);
            // The name says enough: `morning › duration`.
            called.remove(1);
        }
        called
    }

    fn kind(&self, title: &str, key: &KeyReference, path: &[String], value: &str) -> Kind {
        if key.key == "plan" {
            let kind = match title {
                "service" => CatalogueKind::ServicePlan,
                "database" => CatalogueKind::DatabasePlan,
                _ => CatalogueKind::CachePlan,
            };
            let known = catalogue_names(&self.plan.system.catalogue, kind).unwrap_or_default();
            let mut known: Vec<String> = known.into_iter().map(str::to_owned).collect();
            if !value.is_empty() && !known.iter().any(|name| name == bare(value)) {
                known.insert(0, bare(value).to_owned());
            }
            return Kind::Choice(known);
        }
        if path.len() == 1 && key.key == "profile" {
            let mut profiles = vec![String::new()];
            profiles.extend(self.plan.system.profile.iter().map(|(name, _)| name.text.clone()));
            return if profiles.len() > 1 {
                Kind::Choice(profiles)
            } else {
                Kind::Text
            };
        }
        kind_of(&key.shape, key.range, value)
    }

    /// Names or numbers right below a path, in the order of their text; numbers in their own.
    fn below(&self, path: &str) -> Vec<String> {
        let depth = parts_of_whole(path).len();
        let mut found: Vec<String> = Vec::new();
        for setting in self.settings.keys().filter(|setting| is_below(setting, path)) {
            if let Some(part) = parts_of_whole(setting).get(depth)
                && !found.contains(part)
            {
                found.push(part.clone());
            }
        }
        found.sort_by_key(|part| part.parse::<usize>().unwrap_or(usize::MAX));
        found
    }

    fn has_below(&self, path: &str) -> bool {
        self.settings.keys().any(|setting| is_below(setting, path))
    }

    /// What endpoints, flows, clients and classes set: everything that a file gives for them.
    fn rest(&mut self) {
        let roots = [FileKind::System.root(), FileKind::Scenario.root()];
        for root in roots {
            for kind in ["endpoint", "flow", "client", "class"] {
                let Some(key) = root.keys().into_iter().find(|key| key.key == kind) else {
                    continue;
                };
                let Shape::Named(inner, ..) = key.shape else { continue };
                let Some(table) = table_of(&inner) else { continue };
                for name in self.below(kind) {
                    let path = vec![kind.to_owned(), name];
                    let seen = self
                        .controls
                        .iter()
                        .any(|control| control.path.starts_with(&written(&path)));
                    if !seen {
                        self.table(&table, &path, 1);
                    }
                }
            }
        }
        self.controls.retain(|control| control.is_given);
        for control in &mut self.controls {
            control.matters = false;
        }
    }
}

/// The parts of a path as it is written, its first kept.
fn parts_of_whole(path: &str) -> Vec<String> {
    highwater_models::file::names_of(path)
}

fn is_below(setting: &str, path: &str) -> bool {
    setting.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
}

/// A path as settings write it, the kind of a resource left off.
fn written(path: &[String]) -> String {
    highwater_models::record::figures::Path(path.to_vec()).to_string()
}

fn is_first(title: &str, key: &str) -> bool {
    // Titles may be longer than what the reader of this list has to know: `load.phase` and `phase` are one.
    MATTERS
        .iter()
        .any(|(known, keys)| (*known == title || title.ends_with(&format!(".{known}"))) && keys.contains(&key))
}

/// A table that works without being given: a part of every service, such as its scaling.
fn is_optional_part(key: &KeyReference) -> bool {
    key.default == Some("{}")
}

enum Inner {
    Table(TableShape),
    Items(Shape),
    Leaf,
}

fn inner(shape: &Shape) -> Inner {
    match shape {
        Shape::Table(table) => Inner::Table(table.clone()),
        Shape::List(inner, ..) if table_of(inner).is_some() => Inner::Items((**inner).clone()),
        Shape::Named(inner, ..) | Shape::NamedOf(inner, _) => Inner::Items((**inner).clone()),
        Shape::Either(shapes) => {
            // As a table where it is given as one; else its short form.
            let found = shapes
                .iter()
                .map(inner_of_choice)
                .find(|inner| !matches!(inner, Inner::Leaf));
            found.unwrap_or(Inner::Leaf)
        }
        _ => Inner::Leaf,
    }
}

fn inner_of_choice(shape: &Shape) -> Inner {
    match shape {
        Shape::Either(_) => Inner::Leaf,
        other => inner(other),
    }
}

fn table_of(shape: &Shape) -> Option<TableShape> {
    match shape {
        Shape::Table(table) => Some(table.clone()),
        Shape::Either(shapes) => shapes.iter().find_map(table_of),
        _ => None,
    }
}

/// A control for a shape, with the value that it has.
fn kind_of(shape: &Shape, range: Option<(f64, f64)>, value: &str) -> Kind {
    let shapes: Vec<&Shape> = match shape {
        Shape::Either(shapes) => shapes.iter().collect(),
        one => vec![one],
    };
    if shapes.iter().any(|shape| matches!(shape, Shape::Bool)) && matches!(value, "true" | "false") {
        return Kind::Switch;
    }
    let words: Vec<String> = shapes
        .iter()
        .filter_map(|shape| match shape {
            Shape::Words(words) => Some(words.iter().map(|&word| word.to_owned())),
            _ => None,
        })
        .flatten()
        .collect();
    let is_word = words.iter().any(|word| word == bare(value));
    if !words.is_empty() && (is_word || shapes.iter().all(|shape| matches!(shape, Shape::Words(_)))) && words.len() > 1
    {
        return Kind::Choice(words);
    }
    for shape in shapes {
        let (measure, least, most) = match shape {
            Shape::Whole(least, most) => (Measure::Whole, *least, *most),
            Shape::Number(least, most) if *least >= 0.0 && *most <= 1.0 => (Measure::Share, *least, *most),
            Shape::Number(least, most) => (Measure::Number, *least, *most),
            Shape::Unit(units) if **units == units::TIME_UNIT_WORDS => (Measure::Span, 0.0, 34_560_000.0),
            Shape::Unit(units) if **units == units::SIZE_UNIT_WORDS => (Measure::Size, 0.0, 1e15),
            Shape::Unit(units) if **units == units::RATE_UNIT_WORDS => (Measure::Rate, 0.0, 1e9),
            _ => continue,
        };
        let (least, most) = range.map_or((least, most), |(low, high)| (low.max(least), high.min(most)));
        if let Some(now) = number(value, measure) {
            return Kind::Slider {
                measure,
                range: around(now, measure, (least, most)),
                limits: (least, most),
            };
        }
    }
    Kind::Text
}

/// Where a slider begins and ends for a value: far enough to see what a tenth and ten times as much would do.
fn around(now: f64, measure: Measure, (least, most): (f64, f64)) -> (f64, f64) {
    if measure == Measure::Share {
        return (least, most);
    }
    let zero = least <= 0.0;
    let low = match measure {
        Measure::Whole if now <= 20.0 => least.max(if zero { 0.0 } else { 1.0 }),
        _ if now == 0.0 => least.max(0.0),
        _ => (now / 20.0).max(least),
    };
    let low = if measure == Measure::Whole { low.floor() } else { low };
    let high = match measure {
        Measure::Whole => (now * 10.0).max(10.0),
        _ if now == 0.0 => 1.0,
        _ => now * 10.0,
    };
    (low.max(least), high.min(most).max(low))
}

/// The way within a group: `scaling › max`.
fn label(path: &[String]) -> String {
    let parts: Vec<String> = path
        .iter()
        .map(|part| match part.parse::<usize>() {
            Ok(number) => format!("{}", number + 1),
            Err(_) => part.replace('_', " "),
        })
        .collect();
    parts.join(" › ")
}

fn origin(key: &KeyReference) -> String {
    let default = match (key.required, key.default) {
        (true, _) => return "has to be given".to_owned(),
        (false, Some("{}")) => key.default_text.to_owned(),
        (false, Some(default)) if key.default_text.is_empty() => default.to_owned(),
        (false, Some(default)) => format!("{default} ({})", key.default_text),
        (false, None) if key.default_text.is_empty() => "none".to_owned(),
        (false, None) => format!("none ({})", key.default_text),
    };
    let standing = match key.standing {
        Standing::Defined => "by definition".to_owned(),
        Standing::Documented { source, date } => format!("documented: {source} ({date})"),
        Standing::Measured { source, date } => format!("measured: {source} ({date})"),
        Standing::Assumed { reason, date } => format!("assumed: {reason} ({date})"),
    };
    format!("default {default}; {standing}")
}

fn takes(key: &KeyReference) -> String {
    let range = key.range.map_or_else(String::new, |(least, most)| {
        match (least.is_finite(), most.is_finite()) {
            (true, true) => format!(", from {} to {}", units::show_number(least), units::show_number(most)),
            (true, false) => format!(", at least {}", units::show_number(least)),
            (false, true) => format!(", at most {}", units::show_number(most)),
            (false, false) => String::new(),
        }
    });
    format!("{}{range}", key.type_text)
}

/// Whether a control answers to what somebody looks for: every word of it, in its path, its group or its meaning.
#[must_use]
pub fn is_found(control: &Control, group: &str, search: &str) -> bool {
    let hay = format!("{} {group} {} {}", control.path, control.label, control.meaning).to_lowercase();
    search.to_lowercase().split_whitespace().all(|word| hay.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;

    fn controls(name: &str) -> Vec<Group> {
        groups(&open::bundled_plan(name))
    }

    fn find<'g>(groups: &'g [Group], path: &str) -> &'g Control {
        let mut all = groups.iter().flat_map(|group| &group.controls);
        all.find(|control| control.path == path).unwrap_or_else(|| {
            let paths: Vec<&str> = groups
                .iter()
                .flat_map(|group| &group.controls)
                .map(|one| one.path.as_str())
                .collect();
            panic!("{path} is not among {paths:#?}")
        })
    }

    // Lost if broken: a founder who looks for the pool and finds no slider, or one without an explanation.
    #[test]
    fn the_settings_that_matter_are_controls_with_their_meaning() {
        let groups = controls("viral-spike");
        for (path, kind) in [
            ("connections.max", "slider"),
            ("web.instances", "slider"),
            ("web.plan", "choice"),
            ("web.scaling.on", "switch"),
            ("web.scaling.max", "slider"),
            ("load.phase.1.users", "slider"),
            ("openai.tokens_per_minute", "slider"),
            ("objectives.p95", "slider"),
            ("duration", "slider"),
            ("profile", "choice"),
        ] {
            let control = find(&groups, path);
            let found = match control.kind {
                Kind::Switch => "switch",
                Kind::Slider { .. } => "slider",
                Kind::Choice(_) => "choice",
                Kind::Text => "text",
            };
            assert_eq!(found, kind, "{control:?}");
            assert!(control.matters, "{control:?}");
            assert!(!control.meaning.is_empty() && !control.origin.is_empty(), "{control:?}");
        }
        let paths: Vec<&String> = groups
            .iter()
            .flat_map(|group| &group.controls)
            .map(|one| &one.path)
            .collect();
        let mut once = paths.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), paths.len(), "a setting has two controls");
        let first = groups
            .iter()
            .flat_map(|group| &group.controls)
            .filter(|one| one.matters)
            .count();
        assert!((20..80).contains(&first), "{first} settings to look at first");
    }

    // Lost if broken: a control that writes to another place than it shows. Every control of every bundled scenario can be
    // set to the value that it shows, and the file is still right.
    #[test]
    fn every_control_leads_to_its_setting() {
        for name in ["viral-spike", "growth-1000", "textbook/mm1", "crisis"] {
            let text = highwater_models::bundled::scenario(name).expect("bundled");
            for control in controls(name)
                .iter()
                .flat_map(|group| &group.controls)
                .filter(|one| one.is_given)
            {
                let flag = format!("{}={}", control.path, control.value);
                let loaded = open::read(name, text.to_owned(), true, std::slice::from_ref(&flag));
                assert!(loaded.plan.is_some(), "{name}: {flag}");
            }
        }
    }
}
