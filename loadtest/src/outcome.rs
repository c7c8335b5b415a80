//! From what was seen to figures: the same names as a simulation's.
//!
//! Owns: which figures a client can know, and the units that their uncertainty is taken from (`statistics`). What only the
//! inside of a server could tell (queues, utilisation, work that was done for nobody) is left out and not guessed.
//! Never: text.

use std::collections::BTreeMap;

use highwater_models::file::Plan;
use highwater_models::record::figures::{Estimate, Figure, FigureKind, Figures, Path, Unit};
use highwater_models::record::summary::{Summary, Warning};
use highwater_models::record::timeline::Timeline;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::Model;

use crate::log::{Ending, Log, Reading, Row};
use crate::player::{Stop, left_out};
use crate::{objectives, statistics};

/// By which causes a request is turned away before any work is done for it.
const REFUSED_AT_ONCE: [Cause; 6] = [
    Cause::RateLimited,
    Cause::QueueFull,
    Cause::Shed,
    Cause::NoInstance,
    Cause::FeatureOff,
    Cause::Unauthorized,
];

/// How the run was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Address of the server.
    pub target: String,
    /// Seconds of the system in one of the wall's.
    pub time_scale: f64,
    /// How many times as many came.
    pub load_factor: f64,
    /// Whether the server was told what each attempt's steps draw from.
    pub shared_luck: bool,
    /// Runs, one after another.
    pub repeats: u32,
    /// Why a run ended early.
    pub stopped: Option<Stop>,
    /// Connections opened, and attempts that had to wait for the bound on them.
    pub connections: (u64, u64),
    /// Attempts without a token of people who are signed in, where others had one.
    pub without_token: u64,
}

/// What units a figure's uncertainty is taken from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Runs.
    Repeats(u32),
    /// Batches of one run.
    Batches(usize),
    /// Nothing that may pass for independent.
    Nothing,
}

/// A measured run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its figures, and what had to hold.
    pub summary: Summary,
    /// Window by window.
    pub timeline: Timeline,
    /// How late the generator was, in seconds: median, 99th percentile, most.
    pub lateness: [f64; 3],
    /// Where intervals come from.
    pub basis: Basis,
}

/// A part of what was seen, cut into units.
struct Part<'l> {
    units: Vec<Slice<'l>>,
    /// Seconds of one.
    span: f64,
    /// Runs: counts are means over them.
    runs: f64,
}

/// What was seen in one unit.
#[derive(Default)]
struct Slice<'l> {
    rows: Vec<&'l Row>,
    readings: Vec<&'l Reading>,
}

/// Which unit something of a run and a time belongs to.
struct Cut {
    basis: Basis,
    from: SimTime,
    to: SimTime,
}

impl Cut {
    fn count(&self) -> usize {
        match self.basis {
            Basis::Repeats(count) => count as usize,
            Basis::Batches(count) => count,
            Basis::Nothing => 1,
        }
    }

    fn unit(&self, repeat: u32, at: SimTime) -> usize {
        match self.basis {
            Basis::Repeats(_) => repeat as usize,
            Basis::Batches(count) => {
                let share = at.since(self.from).seconds() / self.to.since(self.from).seconds();
                ((share * count as f64) as usize).min(count - 1)
            }
            Basis::Nothing => 0,
        }
    }

    /// Runs: counts are means over them.
    fn runs(&self) -> f64 {
        match self.basis {
            Basis::Repeats(count) => f64::from(count),
            _ => 1.0,
        }
    }

    /// Seconds of a unit.
    fn span(&self) -> f64 {
        let whole = self.to.since(self.from).seconds();
        match self.basis {
            Basis::Batches(count) => whole / count as f64,
            _ => whole,
        }
    }
}

/// What was found, of a plan's scenario and system.
#[must_use]
pub fn outcome(plan: &Plan, model: &Model, log: &Log, facts: &Facts) -> Outcome {
    let from = model.measure_from;
    // A run that was cut short is measured as far as it went.
    let ended = log.ended.iter().copied().max().unwrap_or(SimTime::ZERO);
    let to = match facts.stopped {
        Some(_) => model.measure_to.min(ended).max(from),
        None => model.measure_to,
    };
    let cut = Cut {
        basis: basis(log, facts, from, to),
        from,
        to,
    };
    let whole = part(log, &cut, |_| true);
    let mut figures = Figures::default();
    sessions(&mut figures, log, &cut);
    requests(&mut figures, &[], &whole);
    breakdown(&mut figures, &whole, model);
    for (kind, names, number) in kinds(model) {
        for (first, name) in names.iter().enumerate() {
            // Things of one name count as one: two streams may have a phase of the same name.
            if name.is_empty() || names[..first].contains(name) {
                continue;
            }
            let part = part(log, &cut, |row| names.get(number(row)) == Some(name));
            if part.units.iter().any(|unit| !unit.rows.is_empty()) {
                requests(&mut figures, &[kind, name], &part);
            }
        }
    }
    let lateness = lateness(log);
    let cells = |place: &[&str]| -> Vec<&Row> {
        log.rows
            .iter()
            .filter(|row| match place {
                [kind, name] => kinds(model).iter().any(|(known, names, number)| {
                    known == kind && names.get(number(row)).is_some_and(|own| own == name)
                }),
                _ => true,
            })
            .collect()
    };
    let (objectives, unknown) = objectives::judge(&plan.scenario.objectives, &figures, cells, cut.basis);
    let median = figures.value(&["latency", "p50"]);
    let summary = Summary {
        scenario: plan.name.clone(),
        title: plan.scenario.title.clone().unwrap_or_else(|| plan.name.clone()),
        question: plan.question.clone(),
        system: plan.system.title.clone().unwrap_or_else(|| plan.system_name.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model_hash: format!("{:016x}", plan.hash),
        load_hash: format!("{:016x}", plan.load_hash()),
        seed: plan.scenario.seed,
        replications: facts.repeats,
        simulated_seconds: log.ended.iter().map(|at| at.seconds()).sum::<f64>() / log.ended.len().max(1) as f64,
        events: log.lateness.len() as u64,
        measured: (from.seconds(), to.seconds()),
        objectives,
        warnings: warnings(model, log, facts, cut.basis, lateness, median, unknown),
        figures,
        ..Summary::default()
    };
    Outcome {
        summary,
        timeline: timeline(model, log, facts),
        lateness,
        basis: cut.basis,
    }
}

/// The kinds of parts: key, names, and the number of a row's.
type Kind<'m> = (&'static str, Vec<&'m str>, fn(&Row) -> usize);

fn kinds(model: &Model) -> [Kind<'_>; 3] {
    [
        (
            "endpoints",
            model.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect(),
            |row| usize::from(row.endpoint),
        ),
        ("classes", model.classes.iter().map(String::as_str).collect(), |row| {
            usize::from(row.class)
        }),
        ("phases", model.phases.iter().map(String::as_str).collect(), |row| {
            usize::from(row.phase)
        }),
    ]
}

/// As many batches as may pass for independent, unless there are several runs.
fn basis(log: &Log, facts: &Facts, from: SimTime, to: SimTime) -> Basis {
    if facts.repeats > 1 {
        return Basis::Repeats(facts.repeats);
    }
    let tried = statistics::COUNTS.into_iter().find(|&count| {
        let cut = Cut {
            basis: Basis::Batches(count),
            from,
            to,
        };
        let (mut arrivals, mut sums, mut useful) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
        for row in &log.rows {
            let unit = cut.unit(row.repeat, row.at);
            arrivals[unit] += 1.0;
            if row.ending == Ending::Useful {
                sums[unit] += row.latency.seconds();
                useful[unit] += 1.0;
            }
        }
        let means: Vec<f64> = sums.iter().zip(&useful).map(|(sum, useful)| sum / useful).collect();
        // Fewer than ten in a batch say little of how batches differ.
        arrivals.iter().all(|&count| count >= 10.0)
            && (useful.iter().all(|&useful| useful == 0.0) || statistics::may_pass(&arrivals, &means))
    });
    tried.map_or(Basis::Nothing, Basis::Batches)
}

fn part<'l>(log: &'l Log, cut: &Cut, is_of: impl Fn(&Row) -> bool) -> Part<'l> {
    let mut units: Vec<Slice<'l>> = Vec::new();
    units.resize_with(cut.count(), Slice::default);
    for row in log.rows.iter().filter(|row| is_of(row)) {
        units[cut.unit(row.repeat, row.at)].rows.push(row);
    }
    for reading in &log.readings {
        let Some(row) = log.rows.get(reading.row).filter(|row| is_of(row)) else {
            continue;
        };
        units[cut.unit(row.repeat, row.at)].readings.push(reading);
    }
    Part {
        units,
        span: cut.span(),
        runs: cut.runs(),
    }
}

fn insert(figures: &mut Figures, path: &[&str], kind: FigureKind, unit: Unit, estimate: Estimate) {
    let figure = Figure {
        kind,
        unit,
        estimate,
        samples: Vec::new(),
    };
    figures.insert(Path::new(path), figure);
}

fn under<'p>(prefix: &[&'p str], keys: &[&'p str]) -> Vec<&'p str> {
    prefix.iter().chain(keys).copied().collect()
}

fn count(figures: &mut Figures, path: &[&str], value: f64) {
    insert(figures, path, FigureKind::Count, Unit::Count, statistics::bare(value));
}

fn sessions(figures: &mut Figures, log: &Log, cut: &Cut) {
    let runs = cut.runs();
    let ended = || log.visits.iter().filter(|visit| visit.length.is_some());
    let abandoned = ended().filter(|visit| visit.abandoned).count() as f64;
    count(figures, &["sessions", "offered"], log.visits.len() as f64 / runs);
    count(
        figures,
        &["sessions", "completed"],
        (ended().count() as f64 - abandoned) / runs,
    );
    count(figures, &["sessions", "abandoned"], abandoned / runs);
    let mut lengths = vec![Vec::new(); cut.count()];
    for visit in &log.visits {
        if let Some(length) = visit.length {
            lengths[cut.unit(visit.repeat, visit.at)].push(length.nanos());
        }
    }
    distribution(figures, &["sessions", "length"], lengths, runs);
}

/// The figures of requests, of the whole run or a part of it.
fn requests(figures: &mut Figures, prefix: &[&str], part: &Part<'_>) {
    let at = |keys: &[&'static str]| under(prefix, keys);
    let runs = part.runs;
    let rows = || part.units.iter().flat_map(|unit| unit.rows.iter().copied());
    let counted = |is: &dyn Fn(&Row) -> bool| rows().filter(|row| is(row)).count() as f64 / runs;
    let ending = |ending: Ending| move |row: &Row| row.ending == ending;
    let is_refused = |row: &Row| row.cause.is_some_and(|cause| REFUSED_AT_ONCE.contains(&cause));
    let is_answered = |row: &Row| {
        row.ending == Ending::Useful
            || (row.ending == Ending::Failed && row.cause.is_some_and(|cause| cause.status().is_some()))
    };
    count(figures, &at(&["requests", "offered"]), counted(&|_| true));
    count(
        figures,
        &at(&["requests", "accepted"]),
        counted(&|row| !is_refused(row)),
    );
    count(figures, &at(&["requests", "completed"]), counted(&is_answered));
    for (key, of) in [
        ("useful", Ending::Useful),
        ("failed", Ending::Failed),
        ("abandoned", Ending::Abandoned),
        ("in_flight", Ending::InFlight),
    ] {
        count(figures, &at(&["requests", key]), counted(&ending(of)));
    }
    let attempts: f64 = rows().map(|row| f64::from(row.attempts)).sum();
    count(figures, &at(&["attempts", "offered"]), attempts / runs);
    let pairs = |part_of: &dyn Fn(&Row) -> f64| -> Vec<(f64, f64)> {
        let pair = |unit: &Slice<'_>| (unit.rows.iter().map(|row| part_of(row)).sum(), unit.rows.len() as f64);
        part.units.iter().map(pair).collect()
    };
    let one_if = |is: bool| f64::from(u8::from(is));
    insert(
        figures,
        &at(&["attempts", "per_request"]),
        FigureKind::Estimate,
        Unit::Count,
        statistics::ratio(&pairs(&|row| f64::from(row.attempts))),
    );
    // Correct answers a second. Those that nobody waited for any more count to a simulation's throughput; whoever has hung up
    // cannot see them, so the two are one here.
    let is_useful = |row: &&&Row| row.ending == Ending::Useful;
    let rate = |unit: &Slice<'_>| unit.rows.iter().filter(is_useful).count() as f64 / part.span;
    let rates: Vec<f64> = part.units.iter().map(rate).collect();
    for key in ["throughput", "goodput"] {
        insert(
            figures,
            &at(&[key]),
            FigureKind::Estimate,
            Unit::PerSecond,
            statistics::mean(&rates),
        );
    }
    let timed = |of: &dyn Fn(&Row) -> Option<SimSpan>| -> Vec<Vec<u64>> {
        let useful = |unit: &Slice<'_>| -> Vec<u64> {
            let rows = unit.rows.iter().filter(|row| row.ending == Ending::Useful);
            rows.filter_map(|row| of(row)).map(SimSpan::nanos).collect()
        };
        part.units.iter().map(useful).collect()
    };
    distribution(figures, &at(&["latency"]), timed(&|row| Some(row.latency)), runs);
    distribution(figures, &at(&["first_byte"]), timed(&|row| row.first_byte), runs);
    let readings = |unit: &Slice<'_>| -> Vec<u64> {
        let answered = unit.readings.iter().filter_map(|reading| reading.first_byte);
        answered.map(SimSpan::nanos).collect()
    };
    distribution(
        figures,
        &at(&["tool", "latency"]),
        part.units.iter().map(readings).collect(),
        runs,
    );
    distribution(figures, &at(&["latency_server"]), timed(&|row| row.server), runs);
    let missing: Vec<(f64, f64)> = part
        .units
        .iter()
        .map(|unit| {
            let missing = unit.readings.iter().filter(|reading| reading.first_byte.is_none());
            (missing.count() as f64, unit.readings.len() as f64)
        })
        .collect();
    let mut share = |path: &[&str], pairs: &[(f64, f64)]| {
        insert(
            figures,
            path,
            FigureKind::Estimate,
            Unit::Share,
            statistics::share(pairs),
        );
    };
    share(&at(&["tool", "error_rate"]), &missing);
    let is_error = |row: &Row| matches!(row.ending, Ending::Failed | Ending::Abandoned);
    share(&at(&["errors", "rate"]), &pairs(&|row| one_if(is_error(row))));
    for cause in Cause::ALL {
        let is_it = |row: &Row| row.cause == Some(cause);
        let seen = counted(&is_it);
        if seen > 0.0 {
            count(figures, &at(&["errors", "by_cause", cause.name()]), seen);
            let estimate = statistics::share(&pairs(&|row| one_if(is_it(row))));
            let path = at(&["errors", "rate_by_cause", cause.name()]);
            insert(figures, &path, FigureKind::Estimate, Unit::Share, estimate);
        }
    }
}

/// `count, mean, sd, min, p50 … max` of nanoseconds by unit, in seconds.
fn distribution(figures: &mut Figures, path: &[&str], mut units: Vec<Vec<u64>>, runs: f64) {
    units.iter_mut().for_each(|unit| unit.sort_unstable());
    let number: usize = units.iter().map(Vec::len).sum();
    count(figures, &under(path, &["count"]), number as f64 / runs);
    if number == 0 {
        return;
    }
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    let sums: Vec<(f64, f64)> = units
        .iter()
        .map(|unit| (unit.iter().map(|&each| seconds(each)).sum(), unit.len() as f64))
        .collect();
    let mean = statistics::ratio(&sums);
    let mut add = |key: &str, estimate: Estimate| {
        insert(
            figures,
            &under(path, &[key]),
            FigureKind::Estimate,
            Unit::Seconds,
            estimate,
        );
    };
    add("mean", mean);
    let squares: f64 = units
        .iter()
        .flatten()
        .map(|&each| (seconds(each) - mean.value).powi(2))
        .sum();
    add("sd", statistics::bare((squares / number as f64).sqrt()));
    let least = units.iter().filter_map(|unit| unit.first()).min();
    add("min", statistics::bare(least.map_or(f64::NAN, |&each| seconds(each))));
    for (key, share) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
        let found = statistics::percentile(&units, share);
        add(
            key,
            Estimate {
                value: found.value / 1e9,
                low: found.low.map(|low| low / 1e9),
                high: found.high.map(|high| high / 1e9),
            },
        );
    }
    let most = units.iter().filter_map(|unit| unit.last()).max();
    add("max", statistics::bare(most.map_or(f64::NAN, |&each| seconds(each))));
}

/// Where the latency of useful requests went, over all and over the slowest 5 %.
fn breakdown(figures: &mut Figures, part: &Part<'_>, model: &Model) {
    let mut useful: Vec<&Row> = part
        .units
        .iter()
        .flat_map(|unit| unit.rows.iter().copied())
        .filter(|row| row.ending == Ending::Useful)
        .collect();
    useful.sort_by_key(|row| row.latency);
    let slowest = useful.len() - useful.len().div_ceil(20).min(useful.len());
    for (name, rows) in [("all", &useful[..]), ("slowest", &useful[slowest..])] {
        let mut sums = vec![0.0; model.stages.len()];
        for (stage, span) in rows.iter().flat_map(|row| &row.stages) {
            if let Some(sum) = sums.get_mut(usize::from(*stage)) {
                *sum += span.seconds();
            }
        }
        for (stage, sum) in model.stages.iter().zip(sums) {
            if sum > 0.0 {
                let mean = statistics::bare(sum / rows.len() as f64);
                insert(
                    figures,
                    &["breakdown", name, stage],
                    FigureKind::Estimate,
                    Unit::Seconds,
                    mean,
                );
            }
        }
    }
}

fn lateness(log: &Log) -> [f64; 3] {
    let mut all: Vec<u64> = log.lateness.iter().map(|span| span.nanos()).collect();
    all.sort_unstable();
    let at = |share: f64| {
        let place = ((share * all.len() as f64).ceil() as usize).max(1) - 1;
        all.get(place).map_or(f64::NAN, |&nanos| nanos as f64 / 1e9)
    };
    [at(0.5), at(0.99), at(1.0)]
}

fn timeline(model: &Model, log: &Log, facts: &Facts) -> Timeline {
    #[derive(Clone, Default)]
    struct Window {
        offered: f64,
        useful: f64,
        failed: f64,
        latencies: Vec<u64>,
        by_cause: BTreeMap<usize, f64>,
    }
    let window = model.window.seconds();
    let last = log.rows.iter().map(|row| row.at).max().unwrap_or(SimTime::ZERO);
    let number = ((model.duration.min(last.max(SimTime::ZERO)).seconds() / window) as usize + 1).min(100_000);
    let mut windows = vec![Window::default(); number];
    let mut causes: Vec<usize> = Vec::new();
    for row in &log.rows {
        let window = &mut windows[((row.at.seconds() / window) as usize).min(number - 1)];
        window.offered += 1.0;
        match row.ending {
            Ending::Useful => {
                window.useful += 1.0;
                window.latencies.push(row.latency.nanos());
            }
            Ending::Failed | Ending::Abandoned => window.failed += 1.0,
            Ending::InFlight => {}
        }
        if let Some(cause) = row.cause {
            *window.by_cause.entry(cause as usize).or_default() += 1.0;
            if !causes.contains(&(cause as usize)) {
                causes.push(cause as usize);
            }
        }
    }
    causes.sort_unstable();
    let mut columns: Vec<String> = ["offered", "succeeded", "failed", "latency_mean", "latency_p95"]
        .map(str::to_owned)
        .to_vec();
    columns.extend(causes.iter().map(|&cause| Cause::ALL[cause].name().to_owned()));
    let runs = f64::from(facts.repeats.max(1));
    let rows = windows.into_iter().map(|mut window| {
        window.latencies.sort_unstable();
        let number = window.latencies.len();
        let mean = window.latencies.iter().map(|&nanos| nanos as f64).sum::<f64>() / number as f64 / 1e9;
        let p95 = window
            .latencies
            .get(((0.95 * number as f64).ceil() as usize).max(1) - 1)
            .map_or(f64::NAN, |&nanos| nanos as f64 / 1e9);
        let mut row = vec![
            window.offered / runs,
            window.useful / runs,
            window.failed / runs,
            mean,
            p95,
        ];
        let cause = |cause: &usize| window.by_cause.get(cause).copied().unwrap_or(0.0) / runs;
        row.extend(causes.iter().map(cause));
        row
    });
    Timeline {
        window,
        rows: rows.collect(),
        columns,
        ..Timeline::default()
    }
}

/// Ways in which the figures may mislead.
fn warnings(
    model: &Model,
    log: &Log,
    facts: &Facts,
    basis: Basis,
    lateness: [f64; 3],
    median: f64,
    unknown: Vec<String>,
) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |id: &'static str, text: String| found.push(Warning { id, text });
    let [_, late, _] = lateness;
    if late > 0.005 * facts.time_scale || late > 0.01 * median {
        warn(
            "generator-late",
            format!(
                "the generator was late: 1 % of the attempts were sent more than {} after their time, beside a median latency \
                 of {}; latencies count from the time that was meant and are too long by it; use a machine with more room, or a \
                 smaller time scale",
                crate::verdict::seconds(late),
                crate::verdict::seconds(median)
            ),
        );
    }
    match facts.stopped {
        Some(Stop::Told) => warn(
            "stopped",
            "the run was stopped before its end; the figures are of what was measured until then".to_owned(),
        ),
        Some(Stop::Requests) => warn(
            "request-bound",
            "the run ended at the bound on requests (--max-requests), before the scenario did".to_owned(),
        ),
        None => {}
    }
    if facts.connections.1 > 0 {
        warn(
            "connection-bound",
            format!(
                "{} attempts had to wait for the generator's own bound on connections (--max-connections)",
                facts.connections.1
            ),
        );
    }
    if facts.without_token > 0 {
        warn(
            "without-token",
            format!(
                "{} attempts went without a token although their people are signed in: who would come was not known before the start",
                facts.without_token
            ),
        );
    }
    if basis == Basis::Nothing {
        warn(
            "no-intervals",
            "no bounds: not even ten batches of this run may pass for independent, because it is short or its load changes; \
             run it several times (--repeats 5)"
                .to_owned(),
        );
    }
    for what in left_out(model) {
        warn(
            "not-played",
            format!("not played, for only an operator could do it: {what}"),
        );
    }
    for (what, count) in &log.strange {
        warn("strange-answer", format!("{count} attempts: {what}"));
    }
    for name in unknown {
        warn(
            "not-measured",
            format!("the objective `{name}` is about what a load test does not see, and stays undecided"),
        );
    }
    found
}
