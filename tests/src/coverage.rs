//! How often intervals hold the truth: many small experiments with known answers.
//!
//! Owns: the cases, with the source of each answer; running them under many seeds; the table of what came of it.
//! Never: how an interval is made (`highwater_sim::interval`).
//!
//! An experiment is a number of replications under one root seed. Its first 5 and 10 replications are experiments of their
//! own, so that 30 replications serve three sizes; sizes of one case are therefore not independent of one another, seeds
//! are.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use highwater_models::file::Plan;
use highwater_models::record::figures::Estimate;
use highwater_models::record::summary::Summary;
use highwater_program::variants::Variants;
use highwater_sim::measure::Record;
use highwater_sim::outcome;
use highwater_sim::precision::{self, Precision};
use highwater_sim::world::{Control, simulate_variants};

use crate::run::plan;

/// Replications of an experiment.
pub const SIZES: [usize; 3] = [5, 10, 30];

/// What an interval of 95 % has to keep, over many experiments: within this is as good as its name.
pub const LEVEL: (f64, f64) = (0.93, 0.97);

/// Share of experiments from which on an interval counts as given throughout.
const THROUGHOUT: f64 = 0.9;

/// A system in a steady state whose figures are known.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is.
    pub name: &'static str,
    /// How long it warms up and runs, and why the first bias is nothing.
    pub about: &'static str,
    /// The scenario.
    pub text: String,
    /// What is known of it.
    pub claims: Vec<Claim>,
    /// Whether it is short enough for the ordinary tests.
    pub is_quick: bool,
    /// How many replications an experiment has.
    pub size: Size,
}

/// How many replications an experiment has.
#[derive(Clone, Debug)]
pub enum Size {
    /// Each of [`SIZES`].
    Each,
    /// One.
    One,
    /// As many as it takes to know p95 to this share of itself.
    Until(f64),
}

/// Something that is known of a case.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What it is.
    pub label: &'static str,
    /// What is claimed.
    pub known: Known,
}

/// What is known.
#[derive(Clone, Debug)]
pub enum Known {
    /// A figure's true value.
    Value(&'static [&'static str], f64),
    /// The objective of this name has the figure's true value for its bound, so that nothing can decide it but chance.
    OnTheBound(&'static str),
}

fn claim(label: &'static str, path: &'static [&'static str], truth: f64) -> Claim {
    let known = Known::Value(path, truth);
    Claim { label, known }
}

fn on_the_bound(label: &'static str, objective: &'static str) -> Claim {
    let known = Known::OnTheBound(objective);
    Claim { label, known }
}

/// A system with an open stream of requests to one endpoint, measured for so many seconds after so many.
fn scenario(rate: f64, warm: u32, seconds: u32, system: &str) -> String {
    let end = warm + seconds;
    format!(
        "duration = \"{end}s\"\n[load]\nrate = {rate:?}\n[measure]\nfrom = \"{warm}s\"\nwindow = \"{end}s\"\n{system}"
    )
}

/// So many servers in one line, with this law of service.
fn servers(max: u32, more: &str, law: &str) -> String {
    format!(
        "[system.pool.servers]\nmax = {max}\n{more}[system.endpoint.job]\n\
         steps = [ {{ take = {{ from = \"servers\", for = {law} }} }} ]\n"
    )
}

const EXPONENTIAL: &str = "{ dist = \"exponential\", mean = \"100ms\" }";

const MEAN: &[&str] = &["latency", "mean"];
const P50: &[&str] = &["latency", "p50"];
const P95: &[&str] = &["latency", "p95"];
const P99: &[&str] = &["latency", "p99"];

/// A single exponential server of 10 a second: the time in system is exponential with rate `10 - rate` (Kleinrock,
/// *Queueing Systems*, volume 1, section 5.12), of customers and of time alike.
fn one_server(rate: f64) -> Vec<Claim> {
    let spare = 10.0 - rate;
    let load = rate / 10.0;
    vec![
        claim("mean latency", MEAN, 1.0 / spare),
        claim("p50", P50, std::f64::consts::LN_2 / spare),
        claim("p95", P95, 20f64.ln() / spare),
        claim("p99", P99, 100f64.ln() / spare),
        claim(
            "mean line",
            &["resources", "servers", "queue", "mean"],
            load * load / (1.0 - load),
        ),
        claim("share that waits", &["resources", "servers", "waited"], load),
        claim("utilisation", &["resources", "servers", "utilization"], load),
    ]
}

/// The same with objectives whose bounds are the true p95 and p99.
fn one_server_on_its_bounds(rate: f64) -> Vec<Claim> {
    let mut claims = one_server(rate);
    claims.push(on_the_bound("p95, decided", "p95"));
    claims.push(on_the_bound("p99, decided", "p99"));
    claims
}

/// The scenario of these with those objectives.
fn one_server_scenario(rate: f64, warm: u32, seconds: u32) -> String {
    let millis = |slower: f64| slower.ln() / (10.0 - rate) * 1000.0;
    let text = scenario(rate, warm, seconds, &servers(1, "", EXPONENTIAL));
    format!(
        "{text}[objectives]\np95 = \"{:.4}ms\"\np99 = \"{:.4}ms\"\n",
        millis(20.0),
        millis(100.0)
    )
}

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    // Two exponential servers of 10 a second with 15 a second: Erlang C of 1.5 Erlang is 9/14; who waits, waits for an
    // exponential time of rate 5.
    let waits = 9.0 / 14.0;
    // Erlang B of 3 Erlang on 3 servers.
    let lost = 4.5 / 13.0;
    vec![
        Case {
            name: "M/M/1, half busy",
            about: "30 s of warm-up are 26 relaxation times of 1.2 s; then 600 s, 3,000 requests",
            text: one_server_scenario(5.0, 30, 600),
            claims: one_server_on_its_bounds(5.0),
            is_quick: false,
            size: Size::Each,
        },
        Case {
            name: "M/M/1, half busy, short",
            about: "10 s of warm-up are 8 relaxation times; then 60 s, 300 requests: three beyond p99 in each",
            text: one_server_scenario(5.0, 10, 60),
            claims: one_server_on_its_bounds(5.0),
            is_quick: true,
            size: Size::Each,
        },
        Case {
            name: "M/M/1, 90 % busy",
            about: "300 s of warm-up are 8 relaxation times of 38 s; then 1,500 s, 13,500 requests",
            text: one_server_scenario(9.0, 300, 1500),
            claims: one_server_on_its_bounds(9.0),
            is_quick: false,
            size: Size::Each,
        },
        Case {
            name: "M/D/1, 80 % busy",
            about: "60 s of warm-up are more than 10 relaxation times; then 300 s, 2,400 requests. Pollaczek and Khinchine",
            text: scenario(8.0, 60, 300, &servers(1, "", "\"100ms\"")),
            claims: vec![
                claim("mean latency", MEAN, 0.3),
                claim("mean wait", &["resources", "servers", "wait", "mean"], 0.2),
                claim("share that waits", &["resources", "servers", "waited"], 0.8),
            ],
            is_quick: false,
            size: Size::Each,
        },
        Case {
            name: "M/M/2, 75 % busy",
            about: "30 s of warm-up are 20 relaxation times; then 200 s, 3,000 requests. Erlang C",
            text: scenario(15.0, 30, 200, &servers(2, "", EXPONENTIAL)),
            claims: vec![
                claim("mean latency", MEAN, 0.1 + waits / 5.0),
                claim("mean wait", &["resources", "servers", "wait", "mean"], waits / 5.0),
                claim(
                    "p95 of waits",
                    &["resources", "servers", "wait", "p95"],
                    (waits / 0.05).ln() / 5.0,
                ),
                claim("share that waits", &["resources", "servers", "waited"], waits),
            ],
            is_quick: false,
            size: Size::Each,
        },
        Case {
            name: "M/M/3 without a line",
            about: "2 s of warm-up are 20 service times; then 60 s, 1,800 requests. Erlang B",
            text: scenario(30.0, 2, 60, &servers(3, "waiters = 0\n", EXPONENTIAL)),
            claims: vec![
                claim("error rate", &["errors", "rate"], lost),
                claim("utilisation", &["resources", "servers", "utilization"], 1.0 - lost),
            ],
            is_quick: false,
            size: Size::Each,
        },
        Case {
            name: "errors by chance, 5 %",
            about: "no state, so no warm-up; 100 s, 1,000 requests",
            text: scenario(
                10.0,
                0,
                100,
                "[system.endpoint.job]\nsteps = [ { io = \"10ms\" }, { fail = 0.05 } ]\n",
            ),
            claims: vec![
                claim("error rate", &["errors", "rate"], 0.05),
                claim("by cause", &["errors", "rate_by_cause", "upstream_error"], 0.05),
            ],
            is_quick: true,
            size: Size::Each,
        },
        Case {
            name: "errors by chance, 0.1 %",
            about: "no state, so no warm-up; 400 s, 4,000 requests: four errors in each replication",
            text: scenario(
                10.0,
                0,
                400,
                "[system.endpoint.job]\nsteps = [ { io = \"10ms\" }, { fail = 0.001 } ]\n",
            ),
            claims: vec![claim("error rate", &["errors", "rate"], 0.001)],
            is_quick: false,
            size: Size::Each,
        },
        Case {
            name: "errors by chance, 0.1 %, hardly any",
            about: "no state, so no warm-up; 50 s, 500 requests: one error in two replications",
            text: scenario(
                10.0,
                0,
                50,
                "[system.endpoint.job]\nsteps = [ { io = \"10ms\" }, { fail = 0.001 } ]\n",
            ),
            claims: vec![claim("error rate", &["errors", "rate"], 0.001)],
            is_quick: true,
            size: Size::Each,
        },
        Case {
            name: "uniform between 0 and 1 s",
            about: "no line, so 2 s of warm-up are enough; then 100 s, 1,000 requests",
            text: scenario(
                10.0,
                2,
                100,
                "[system.endpoint.job]\nsteps = [ { io = { dist = \"uniform\", min = \"0s\", max = \"1s\" } } ]\n",
            ),
            claims: vec![
                claim("mean latency", MEAN, 0.5),
                claim("p50", P50, 0.5),
                claim("p95", P95, 0.95),
                claim("p99", P99, 0.99),
            ],
            is_quick: false,
            size: Size::Each,
        },
        Case {
            name: "M/M/1, half busy, one long run",
            about: "30 s of warm-up, then 3,000 s, 15,000 requests: intervals from batches",
            text: scenario(5.0, 30, 3000, &servers(1, "", EXPONENTIAL))
                .replace("window = \"3030s\"", "window = \"5s\""),
            claims: one_server(5.0).into_iter().take(4).collect(),
            is_quick: false,
            size: Size::One,
        },
        Case {
            name: "M/M/1, half busy, p95 to 10 %",
            about: "10 s of warm-up, then 60 s; as many replications as it takes, from ten on. Stopping by the interval costs \
                    some of its worth",
            text: scenario(5.0, 10, 60, &servers(1, "", EXPONENTIAL)),
            claims: one_server(5.0).into_iter().take(3).collect(),
            is_quick: false,
            size: Size::Until(0.1),
        },
        Case {
            name: "always 100 ms",
            about: "nothing varies: the interval has no width and holds",
            text: scenario(10.0, 0, 100, "[system.endpoint.job]\nsteps = [ { io = \"100ms\" } ]\n"),
            claims: vec![claim("mean latency", MEAN, 0.1), claim("p99", P99, 0.1)],
            is_quick: true,
            size: Size::Each,
        },
    ]
}

/// What came of a figure's intervals over many experiments of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The case.
    pub case: &'static str,
    /// The figure.
    pub label: &'static str,
    /// Replications of an experiment; zero for as many as it took.
    pub replications: usize,
    /// Experiments.
    pub experiments: u32,
    /// Those with both bounds.
    pub given: u32,
    /// Those of them that hold the truth.
    pub held: u32,
    /// Those with a lower bound alone.
    pub lower_alone: u32,
    /// All whose upper bound is below the truth.
    pub too_low: u32,
    /// All whose lower bound is above the truth, lower bounds alone among them.
    pub too_high: u32,
    /// Sum of half widths over the truth, of those with both bounds.
    pub widths: f64,
    /// Whether it is an objective on its bound: then a decision, either way, is what misleads.
    pub is_on_the_bound: bool,
}

impl Row {
    /// Share of experiments in which something was said that is not so.
    #[must_use]
    pub fn misled(&self) -> f64 {
        f64::from(self.too_low + self.too_high) / f64::from(self.experiments)
    }

    /// Share of experiments that gave an interval.
    #[must_use]
    pub fn given(&self) -> f64 {
        f64::from(self.given) / f64::from(self.experiments)
    }

    /// Share of the intervals given that hold the truth; NaN without any.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        f64::from(self.held) / f64::from(self.given)
    }

    /// Mean half width as a share of the truth; NaN without any.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        self.widths / f64::from(self.given)
    }

    /// Whether the interval is as good as its name, in words.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        let (least, most) = LEVEL;
        if self.misled() > 1.0 - least {
            "**does not hold**"
        } else if self.is_on_the_bound {
            "holds"
        } else if self.given == self.held && self.widths == 0.0 && self.given > 0 {
            "exact"
        } else if self.given() < THROUGHOUT {
            "seldom given"
        } else if self.coverage() > most {
            "wider than it says"
        } else if self.coverage() < least {
            "**does not hold**"
        } else {
            "holds"
        }
    }

    fn add(&mut self, estimate: Estimate, truth: f64) {
        // A billionth is what rounding may do to a figure that is known exactly.
        let close = truth * 1e-9;
        self.experiments += 1;
        let is_low = estimate.high.is_some_and(|high| high < truth - close);
        let is_high = estimate.low.is_some_and(|low| low > truth + close);
        self.too_low += u32::from(is_low);
        self.too_high += u32::from(is_high);
        match (estimate.half_width(), estimate.low) {
            (Some(half), _) => {
                self.given += 1;
                self.held += u32::from(!is_low && !is_high);
                self.widths += half / truth;
            }
            (None, Some(_)) => self.lower_alone += 1,
            (None, None) => {}
        }
    }

    fn decide(&mut self, met: Option<bool>) {
        self.experiments += 1;
        self.too_low += u32::from(met == Some(true));
        self.too_high += u32::from(met == Some(false));
    }

    fn merge(&mut self, other: &Self) {
        self.experiments += other.experiments;
        self.given += other.given;
        self.held += other.held;
        self.lower_alone += other.lower_alone;
        self.too_low += other.too_low;
        self.too_high += other.too_high;
        self.widths += other.widths;
    }
}

/// Runs a case under each of these root seeds, on so many threads.
///
/// # Panics
/// When a replication does not finish.
#[must_use]
pub fn measure(case: &Case, seeds: Range<u64>, threads: usize) -> Vec<Row> {
    let plan = plan(&case.text);
    let variants = Variants::new(&plan);
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut rows = rows(case);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return rows;
            }
            for (place, summary) in experiments(case, &plan, &variants, seed).iter().enumerate() {
                for (number, claim) in case.claims.iter().enumerate() {
                    let row = &mut rows[place * case.claims.len() + number];
                    match claim.known {
                        Known::Value(path, truth) => {
                            // No error at all: the cause has no figure, and nothing is claimed of it.
                            if let Some(figure) = summary.figures.get(path) {
                                row.add(figure.estimate, truth);
                            }
                        }
                        Known::OnTheBound(name) => {
                            let mut objectives = summary.objectives.iter();
                            let objective = objectives.find(|objective| objective.name == name);
                            row.decide(objective.expect("the case has it").met);
                        }
                    }
                }
            }
        }
    };
    let mut sum = rows(case);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let found = thread.join().expect("a replication finishes");
            sum.iter_mut().zip(&found).for_each(|(sum, found)| sum.merge(found));
        }
    });
    sum
}

/// The result of each experiment under a root seed.
fn experiments(case: &Case, plan: &Plan, variants: &Variants<'_>, seed: u64) -> Vec<Summary> {
    let mut records = Vec::new();
    let mut first = |count: usize| {
        let more = records.len() as u32..count as u32;
        records.extend(more.map(|number| replicate(variants, seed, number)));
        outcome::summarize(plan, variants.base(), &records[..count])
    };
    match case.size {
        Size::Each => SIZES.into_iter().map(first).collect(),
        Size::One => vec![first(1)],
        Size::Until(share) => {
            let precision = Precision::of_p95(share);
            let mut count = precision::FIRST;
            loop {
                let summary = first(count as usize);
                match precision.next(&precision.reached(&summary.figures, count), count) {
                    Some(next) => count = next,
                    None => return vec![summary],
                }
            }
        }
    }
}

fn replicate(variants: &Variants<'_>, seed: u64, number: u32) -> Record {
    let control = Control {
        cancel: &AtomicBool::new(false),
        progress: &AtomicU64::new(0),
    };
    let ended = simulate_variants(variants, seed, number, false, &control);
    ended
        .unwrap_or_else(|error| panic!("seed {seed}, replication {number}: {error:?}"))
        .0
}

fn rows(case: &Case) -> Vec<Row> {
    let sizes: &[usize] = match case.size {
        Size::Each => &SIZES,
        Size::One => &[1],
        Size::Until(_) => &[0],
    };
    let each = sizes.iter().flat_map(|&replications| {
        case.claims.iter().map(move |claim| Row {
            case: case.name,
            label: claim.label,
            replications,
            is_on_the_bound: matches!(claim.known, Known::OnTheBound(_)),
            ..Row::default()
        })
    });
    each.collect()
}

/// The page that shows the rows, for `docs/coverage.md`.
#[must_use]
pub fn page(cases: &[Case], rows: &[Row]) -> String {
    let mut text = String::from(HEAD);
    for case in cases {
        let _ = write!(text, "\n## {}\n\n{}.\n\n{COLUMNS}", case.name, case.about);
        for claim in &case.claims {
            for row in rows
                .iter()
                .filter(|row| row.case == case.name && row.label == claim.label)
            {
                let percent = |share: f64| {
                    if share.is_nan() {
                        "–".to_owned()
                    } else {
                        format!("{:.1} %", share * 100.0)
                    }
                };
                let given = if row.is_on_the_bound { f64::NAN } else { row.given() };
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} | {} |",
                    row.label,
                    match row.replications {
                        0 => "as many as it took".to_owned(),
                        number => number.to_string(),
                    },
                    percent(given),
                    percent(row.coverage()),
                    percent(row.misled()),
                    percent(row.half_width()),
                    row.verdict()
                );
            }
        }
    }
    text
}

const COLUMNS: &str = "\
| figure | replications | given | hold the truth | misled | half width | |
|---|---|---|---|---|---|---|
";

const HEAD: &str = "\
# How often intervals hold the truth

Written by `cargo xtask coverage`. Each row is a thousand experiments under root seeds of their own, each of so many
replications, of a system whose true figure is known. What the methods are and where they come from is in `method.md`.

- *given*: share of experiments in which the result has an interval at all. Where replications have too little to show, it
  has none and says so.
- *hold the truth*: of those given, the share that hold the true figure. It should be 95 %; from a thousand experiments
  93 to 97 % is as near as can be told.
- *misled*: share of all experiments in which a bound that was given, an upper or a lower one, is on the wrong side of the
  truth. This is how often a reader is told something that is not so.
- *p95, decided*: an objective whose bound is the true p95, so that there is nothing to decide. *misled* is how often it is
  called met or missed all the same. By design that is one in twenty at most, and may be far less.
- *half width*: of those given, on average, as a share of the true figure.
- *seldom given*: fewer than nine in ten experiments have an interval, because there is too little to go by. Those few that
  have one are those that happened to look calm, so they hold the truth less often than 95 %; *misled* is what counts.
- *wider than it says*: more than 97 % hold the truth. With hardly any events there is no interval of exactly 95 %.
";

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: an interval that misses would be counted as one that was not given.
    #[test]
    fn an_experiment_is_held_missed_or_open() {
        let mut row = Row::default();
        let estimate = |low: Option<f64>, high: Option<f64>| Estimate { value: 1.0, low, high };
        row.add(estimate(Some(0.5), Some(1.5)), 1.0);
        row.add(estimate(Some(0.5), Some(0.9)), 1.0);
        row.add(estimate(Some(1.1), None), 1.0);
        row.add(estimate(None, None), 1.0);
        assert_eq!((row.experiments, row.given, row.held, row.lower_alone), (4, 2, 1, 1));
        assert_eq!(
            (row.misled(), row.coverage(), row.verdict()),
            (0.5, 0.5, "**does not hold**")
        );
    }
}
