//! The checks of a scenario: its streams of traffic, events, objectives and what it measures.
//!
//! Owns: names that a scenario uses, what it leaves out that has one answer, runs too large to be run.
//! Never: the system (that is `check_system.rs`).

use super::check::{Checker, Kind};
use super::check_system::result_path;
use super::diagnostic::Diagnostic;
use super::name::Name;
use super::scenario::{Action, Arrivals, Fault, Goals, Load, MeasureFrom, Phase, Scenario};
use super::suggest::letters_apart;
use super::system::System;
use super::tree::{At, Node, Value};
use super::value::{Ramp, Weights};
use crate::SimSpan;
use crate::units::{show_number, show_span};

/// Most sessions of a run: a thousand times what the largest sensible one has, and more than a day's work.
const SESSIONS_MAX: f64 = 1e9;
/// Most rows of a timeline.
const ROWS_MAX: f64 = 1e6;

/// Checks a scenario against its system and fills in what it leaves out.
pub(crate) fn check(scenario: &mut Scenario, system: &System, root: &Node, checker: &mut Checker) {
    duration(scenario, root, checker);
    let run = scenario.duration;
    let mut phases: Vec<Name> = Vec::new();
    if let Some(load) = &mut scenario.load {
        stream(load, &["load"], run, system, root, checker);
        phases.extend(phase_names(load));
    }
    for (name, load) in scenario.source.iter_mut() {
        if name.text == "load" {
            let message = "a source cannot be called `load`: results call `[load]` so";
            checker.report(Diagnostic::error(
                "check::duplicate-name",
                message,
                name.at,
                "another name is needed",
            ));
        }
        stream(load, &["source", &name.text], run, system, root, checker);
        phases.extend(phase_names(load));
    }
    events(scenario, system, root, checker);
    objectives(scenario, &phases, root, checker);
    measure(scenario, root, checker);
    sample_days(scenario, root, checker);
}

/// Where the value at that path stands, or the nearest table around it that does.
pub(crate) fn place(root: &Node, path: &[&str]) -> At {
    let mut node = root;
    for part in path {
        let inner = match &node.value {
            Value::Table(table) => table.get(part),
            Value::List(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node.at
}

/// A run without a duration is as long as the longest sum of phases.
fn duration(scenario: &mut Scenario, root: &Node, checker: &mut Checker) {
    if scenario.duration.is_some() {
        return;
    }
    let sums = scenario.streams().filter_map(|(_, load)| match load.arrivals() {
        Some(Arrivals::Phases(phases)) => Some(phases.iter().fold(SimSpan::ZERO, |sum, phase| sum + phase.duration)),
        _ => None,
    });
    scenario.duration = sums.max();
    // One that could not be read has been complained about, and so has a slip of it.
    const SLIP: usize = 2;
    let written = match &root.value {
        Value::Table(table) => table
            .entries
            .iter()
            .any(|(key, _)| letters_apart(&key.text, "duration") <= SLIP),
        _ => true,
    };
    if scenario.duration.is_none() && !written {
        let message = "the scenario needs a `duration`";
        let help = "only phases say by themselves how long a run is";
        let diagnostic = Diagnostic::error("file::missing-key", message, root.at, "`duration` is missing");
        checker.report(diagnostic.help(help));
    }
}

fn phase_names(load: &Load) -> Vec<Name> {
    load.phase
        .iter()
        .flatten()
        .filter_map(|phase| phase.name.clone())
        .collect()
}

fn stream(load: &mut Load, way: &[&str], run: Option<SimSpan>, system: &System, root: &Node, checker: &mut Checker) {
    let at = |keys: &[&str]| place(root, &[way, keys].concat());
    for (index, phase) in load.phase.iter_mut().flatten().enumerate() {
        phase.name.get_or_insert_with(|| Name {
            text: index.to_string(),
            at: At::DEFAULT,
        });
    }
    let names = phase_names(load);
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().find(|other| *other == name) {
            let message = format!("two phases are called `{name}`");
            let diagnostic = Diagnostic::error("check::duplicate-name", message, name.at, "again");
            checker.report(diagnostic.and(first.at, "the first"));
        }
    }
    classes(load, system, checker);
    flows(load, system, at(&[]), checker);
    if let Some(client) = &load.client {
        let clients = checker.names.clients.clone();
        checker.refer_among("client", client, &clients);
    }
    let clients = checker.names.clients.clone();
    checker.only_one(&mut load.client, &clients, "client", "client", at(&[]));
    if let Some(sign_ups) = &load.sign_ups {
        let flows = checker.names.flows.clone();
        checker.refer_among("flow", &sign_ups.flow, &flows);
    }
    trace(load, checker);
    size(load, run, at(&[]), checker);
}

fn classes(load: &mut Load, system: &System, checker: &mut Checker) {
    let known = checker.names.classes.clone();
    if let Some(weights) = &load.class {
        weights.entries.iter().for_each(|(name, _)| {
            checker.refer_among("class", name, &known);
        });
        return;
    }
    let entries = class_shares(system);
    load.class = Some(Weights { entries });
}

/// Every class with its share: those without one get equal parts of what the others leave.
fn class_shares(system: &System) -> Vec<(Name, f64)> {
    let given: f64 = system
        .class
        .iter()
        .filter_map(|(_, class)| class.share)
        .map(|share| share.get())
        .sum();
    let open = system.class.iter().filter(|(_, class)| class.share.is_none()).count();
    let part = (1.0 - given).max(0.0) / open.max(1) as f64;
    system
        .class
        .iter()
        .map(|(name, class)| (name.clone(), class.share.map_or(part, |share| share.get())))
        .collect()
}

fn flows(load: &mut Load, system: &System, at: At, checker: &mut Checker) {
    let known = checker.names.flows.clone();
    if let Some(weights) = &load.flow {
        weights.entries.iter().for_each(|(name, _)| {
            checker.refer_among("flow", name, &known);
        });
        return;
    }
    let entries: Vec<(Name, f64)> = system
        .flow
        .iter()
        .map(|(name, flow)| (name.clone(), flow.weight))
        .collect();
    let says_itself = load
        .trace
        .as_ref()
        .is_some_and(|trace| trace.file.rows.iter().all(|row| row.endpoint.is_some()));
    if known.is_empty() && !says_itself {
        let message = "no flow says what a session does";
        let help = "declare `[flow.NAME]`; it may be left out where there is one endpoint only";
        checker.report(Diagnostic::error("check::unknown-name", message, at, "sessions of what?").help(help));
    }
    load.flow = Some(Weights { entries });
}

/// Whether what a trace names exists; only the first that does not is complained about.
fn trace(load: &Load, checker: &mut Checker) {
    let Some(trace) = &load.trace else { return };
    let columns: [(&str, Vec<Name>); 3] = [
        ("flow", checker.names.flows.clone()),
        ("endpoint", checker.names.endpoints.clone()),
        ("class", checker.names.classes.clone()),
    ];
    for (column, known) in columns {
        let unknown = trace.file.rows.iter().find_map(|row| {
            let text = match column {
                "flow" => &row.flow,
                "endpoint" => &row.endpoint,
                _ => &row.class,
            };
            text.as_ref()
                .filter(|text| !known.iter().any(|name| name.text == **text))
        });
        if let Some(text) = unknown {
            let message = format!("`{}` names a {column} `{text}`, and there is none", trace.file.path);
            let help = super::suggest::did_you_mean(text, known.iter().map(Name::as_str), "there are");
            let diagnostic = Diagnostic::error("check::unknown-name", message, trace.file.path.at, "in this file");
            checker.report(diagnostic.maybe_help(help));
        }
    }
}

/// Refuses a stream of more sessions than can be run, with the arithmetic.
fn size(load: &Load, run: Option<SimSpan>, at: At, checker: &mut Checker) {
    let Some(run) = run else { return };
    let seconds = run.seconds();
    let mean = |ramp: &Ramp| f64::midpoint(ramp.from, ramp.to);
    let daily = load.day.as_ref().map_or(1.0, |day| day.sessions_per_user);
    let registered = |ramp: &Ramp, seconds: f64| mean(ramp) * daily * seconds / 86_400.0;
    let arrivals = match load.arrivals() {
        Some(Arrivals::Rate(rate)) => mean(rate) * seconds,
        Some(Arrivals::Registered(people)) => {
            let sign_ups = load.sign_ups.as_ref().and_then(|sign_ups| sign_ups.per_day);
            registered(people, seconds) + sign_ups.unwrap_or(0.0) * seconds / 86_400.0
        }
        Some(Arrivals::Every(gap)) => gap.mean().filter(|gap| *gap > 0.0).map_or(0.0, |gap| seconds / gap),
        Some(Arrivals::Phases(phases)) => phases
            .iter()
            .map(|phase: &Phase| {
                let seconds = phase.duration.seconds();
                phase.rate.as_ref().map_or(0.0, |rate| mean(rate) * seconds)
                    + phase
                        .registered
                        .as_ref()
                        .map_or(0.0, |people| registered(people, seconds))
                    + phase.sessions.map_or(0.0, |sessions| sessions as f64)
            })
            .sum(),
        _ => 0.0,
    };
    if let Some(Arrivals::Every(gap)) = load.arrivals()
        && gap.is_zero()
    {
        let message = "a session every 0 s never ends";
        checker.report(Diagnostic::error(
            "file::out-of-range",
            message,
            at,
            "`every` must be above zero",
        ));
    }
    let sessions = arrivals * load.batch.mean().unwrap_or(1.0);
    if sessions > SESSIONS_MAX {
        let message = format!(
            "about {} sessions would come in {}",
            show_number(sessions),
            show_span(run)
        );
        let help = format!(
            "a run has at most {}; shorten it or lower the load",
            show_number(SESSIONS_MAX)
        );
        checker.report(Diagnostic::error("check::too-large", message, at, "this load").help(help));
    }
}

fn events(scenario: &Scenario, system: &System, root: &Node, checker: &mut Checker) {
    use Kind::{Cache, Database, Limiter, Provider, Service};
    const SERVERS: [Kind; 4] = [Service, Database, Cache, Provider];
    for (index, event) in scenario.event.iter().enumerate() {
        if let Some(when) = &event.when {
            let alerts = checker.names.alerts.clone();
            checker.refer_among("alert rule", &when.alert, &alerts);
        }
        if let (Some(at), Some(run)) = (event.at, scenario.duration)
            && at > run + scenario.drain
        {
            let message = format!("an event at {} comes after the end", show_span(at));
            let index = index.to_string();
            let place = place(root, &["event", &index, "at"]);
            let label = format!("the run and its drain end at {}", show_span(run + scenario.drain));
            checker.report(Diagnostic::error("check::too-late", message, place, label));
        }
        match &event.fault {
            Some(Fault::Slow(fault)) => checker.refer(&fault.target, &SERVERS),
            Some(Fault::Errors(fault)) => checker.refer(&fault.target, &SERVERS),
            Some(Fault::Down(fault)) => {
                if fault.hang && !can_hang(system, &fault.target) {
                    let message = format!("`{}` cannot hang: that is for providers and caches", fault.target);
                    let index = index.to_string();
                    let at = place(root, &["event", &index, "fault", "down", "hang"]);
                    checker.report(Diagnostic::error("file::useless-key", message, at, "not here"));
                }
                checker.refer(&fault.target, &SERVERS)
            }
            Some(Fault::Crash(fault)) => checker.refer(&fault.target, &[Service]),
            Some(Fault::Forget(fault)) => checker.refer(&fault.target, &[Cache, Limiter]),
            Some(Fault::LostConnections(fault)) => checker.refer(&fault.target, &[Database]),
            Some(Fault::Traffic(fault)) => match &fault.source {
                Some(source) => {
                    let streams = stream_names(scenario);
                    checker.refer_among("stream of traffic", source, &streams)
                }
                None => true,
            },
            None => true,
        };
        match &event.action {
            Some(Action::Restart(name)) => checker.refer(name, &[Service, Database, Cache]),
            Some(Action::Clear(name)) => checker.refer(name, &[Cache]),
            Some(Action::Deploy(name)) => checker.refer(name, &[Service]),
            Some(Action::Set(_) | Action::Reset(_)) | None => true,
        };
    }
}

/// Whether those who ask it can be left hanging.
fn can_hang(system: &System, name: &Name) -> bool {
    let known =
        |found: bool| found || (system.service.get(&name.text).is_none() && system.database.get(&name.text).is_none());
    known(system.provider.get(&name.text).is_some() || system.cache.get(&name.text).is_some())
}

/// The names of all streams of traffic; `[load]` is called `load`.
fn stream_names(scenario: &Scenario) -> Vec<Name> {
    let load = scenario.load.is_some().then(|| Name {
        text: "load".to_owned(),
        at: At::DEFAULT,
    });
    load.into_iter().chain(scenario.source.names().cloned()).collect()
}

fn objectives(scenario: &Scenario, phases: &[Name], root: &Node, checker: &mut Checker) {
    let objectives = &scenario.objectives;
    let endpoints = checker.names.endpoints.clone();
    let classes = checker.names.classes.clone();
    let parts = [
        ("endpoint", &objectives.endpoint, &endpoints[..]),
        ("class", &objectives.class, &classes[..]),
        ("phase", &objectives.phase, phases),
    ];
    for (what, named, known) in parts {
        for name in named.names() {
            checker.refer_among(what, name, known);
        }
        for (name, goals) in named.iter() {
            for key in whole_run_only(goals) {
                let message = format!("`{key}` is of the whole run, not of one {what}");
                let at = place(root, &["objectives", what, &name.text, key]);
                checker.report(Diagnostic::error("file::useless-key", message, at, "not here"));
            }
        }
    }
    for path in objectives.metric.names() {
        result_path(path, checker);
    }
}

/// The goals given that no part of a run has.
fn whole_run_only(goals: &Goals) -> Vec<&'static str> {
    let all = [
        ("cost_month", goals.cost_month.is_some()),
        ("profit_month", goals.profit_month.is_some()),
        ("recovered", goals.recovered.is_some()),
    ];
    all.into_iter()
        .filter(|(_, given)| *given)
        .map(|(key, _)| key)
        .collect()
}

fn measure(scenario: &Scenario, root: &Node, checker: &mut Checker) {
    let Some(run) = scenario.duration else { return };
    if let MeasureFrom::At(from) = scenario.measure.from
        && from >= run
    {
        let message = "nothing would be measured: `measure.from` is not before the end";
        let at = place(root, &["measure", "from"]);
        let label = format!("the run ends at {}", show_span(run));
        checker.report(Diagnostic::error("check::too-late", message, at, label));
    }
    let end = run + scenario.drain;
    for (index, moment) in scenario.measure.at.iter().enumerate() {
        if *moment > end {
            let message = format!("a snapshot at {} comes after the end", show_span(*moment));
            let index = index.to_string();
            let at = place(root, &["measure", "at", &index]);
            let label = format!("the run and its drain end at {}", show_span(end));
            checker.report(Diagnostic::error("check::too-late", message, at, label));
        }
    }
    if let Some(window) = scenario.measure.window {
        let rows = end.seconds() / window.seconds();
        if rows > ROWS_MAX {
            let message = format!("the timeline would have {} rows", show_number(rows));
            let at = place(root, &["measure", "window"]);
            let label = format!("at most {}: a longer window is needed", show_number(ROWS_MAX));
            checker.report(Diagnostic::error("check::too-large", message, at, label));
        }
    }
}

/// Whether a run of some of its days is one of which that can be said: of whole days, of streams whose rates are known
/// beforehand, and of nothing that has its place in the whole run.
fn sample_days(scenario: &Scenario, root: &Node, checker: &mut Checker) {
    let (Some(count), Some(run)) = (scenario.measure.sample_days, scenario.duration) else {
        return;
    };
    let at = place(root, &["measure", "sample_days"]);
    let mut refuse = |message: String, label: &str, help: &str| {
        checker.report(Diagnostic::error("check::no-sample", message, at, label).help(help));
    };
    let day = SimSpan::from_secs(86_400);
    if run.nanos() % day.nanos() != 0 || run.nanos() / day.nanos() <= u64::from(count) {
        let message = format!("{} cannot be represented by {count} whole days", show_span(run));
        let help = "make `duration` more days than that, in whole days, or leave `sample_days` out";
        refuse(message, "too many, or not of whole days", help);
    }
    for (name, load) in scenario.streams() {
        if !matches!(load.arrivals(), Some(Arrivals::Registered(_) | Arrivals::Rate(_))) {
            let message = format!("how many come in `{name}` on a day is not known before the days between are run");
            let help = "representative days go with `registered` and `rate` alone";
            refuse(message, "some days only", help);
        }
    }
    let measure = &scenario.measure;
    let placed = measure.from != MeasureFrom::At(SimSpan::ZERO) || measure.to.is_some() || !measure.at.is_empty();
    if placed || scenario.event.iter().any(|event| event.at.is_some()) {
        let message = "something has its time in the whole run, and only some of its days are run".to_owned();
        let help = "leave `measure.from`, `to` and `at` and events at a time out, or run all days";
        refuse(message, "some days only", help);
    }
}
