//! Ways in which a result may mislead.
//!
//! Owns: when each applies, its wording, and advice that knows the settings used. Never: the list itself (`caution`), failed
//! objectives, which are results.

use highwater_models::file::scenario::Scenario;
use highwater_models::record::figures::Figures;
use highwater_models::record::summary::{Objective, Warning};
use highwater_models::units::show_number;

use super::batches::{Batches, batches};
use super::build::ratio;
use super::caution::Caution;
use crate::experiment::WarmUp;
use crate::interval::{FEW_EVENTS, one_sided};
use crate::measure::Record;
use crate::precision::{COARSE, FIRST, Precision, Reached};
use crate::warm_up;
use highwater_program::model::Model;

/// Replications from which on it has been measured how often intervals hold the truth (`docs/coverage.md`).
const MEASURED: usize = 5;

/// How much longer a line has to be at the end than in the middle to count as growing where chance is ruled out, and where
/// too few replications can rule it out.
const GROWTH: (f64, f64) = (1.2, 1.5);

/// Replications from which on it is tested whether a line grows by chance.
const TESTED: usize = 3;

/// How seldom chance may be taken for something else.
const DOUBT: f64 = 0.01;

/// Mean length below which a line is too short to tell growth from chance.
const SHORT_LINE: f64 = 5.0;

/// Share of requests in hand at the end from which on their missing latencies matter.
const IN_FLIGHT: f64 = 0.01;

/// By how much one replication has to be off the others for it to be worth a word.
const UNEVEN: f64 = 0.2;

/// What a reader is to be warned about.
#[derive(Debug)]
pub struct Seen<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// Its model.
    pub model: &'a Model,
    /// What its replications left.
    pub records: &'a [Record],
    /// What came of it.
    pub figures: &'a Figures,
    /// What was judged.
    pub objectives: &'a [Objective],
}

/// All that apply.
#[must_use]
pub fn warnings(seen: &Seen<'_>) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(still_growing(seen.model, seen.records));
    found.extend(warm_up_too_short(seen));
    found.extend(few_requests(seen));
    found.extend(replications(seen));
    found.extend(uneven(seen));
    found.extend(errors(seen));
    found.extend(in_flight(seen));
    found.extend(seen.model.not_simulated.iter().map(|what| not_simulated(what)));
    found
}

/// What to know of how a run was put together: its warm-up, and a number of replications that nobody gave.
#[must_use]
pub fn of_experiment(
    model: &Model,
    warm_up: Option<&WarmUp>,
    precision: Option<&Precision>,
    reached: &[Reached],
    replications: u32,
) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(warm_up.and_then(|warm_up| about_warm_up(model, *warm_up)));
    if let Some(precision) = precision {
        found.extend(about_precision(precision, reached, replications));
    }
    found
}

fn about_warm_up(model: &Model, warm_up: WarmUp) -> Option<Warning> {
    match warm_up {
        WarmUp::NotSteady => Some(Caution::WarmUpNotCut.says(
            "`measure.from = \"auto\"` is for a load of one rate to which nothing happens. This one changes, and how it \
             begins is part of what is asked: everything is measured, from the start. Give `measure.from` a time if part of \
             it is not wanted."
                .to_owned(),
        )),
        WarmUp::Cut(None) => Some(Caution::WarmUpNotCut.says(
            "The run is too short to see where its warm-up ends: everything is measured, from the start. Make `duration` \
             longer."
                .to_owned(),
        )),
        WarmUp::Cut(Some(cut)) if cut.is_too_late => Some(Caution::RunTooShort.says(format!(
            "The warm-up reaches into the second half of the run, so that it cannot be told where it ends, or whether it \
             does. What is measured begins in the middle, at {} s. Make `duration` ({} s) several times as long.",
            show_number(cut.at.seconds().round()),
            show_number(model.duration.seconds())
        ))),
        WarmUp::Cut(Some(_)) => None,
    }
}

fn about_precision(precision: &Precision, reached: &[Reached], replications: u32) -> Vec<Warning> {
    let mut found = Vec::new();
    let open: Vec<String> = reached
        .iter()
        .filter(|reached| !reached.is_enough())
        .map(|reached| {
            let name = &reached.name;
            let asked = percent(reached.asked);
            match (reached.share, reached.needed) {
                (Some(share), Some(needed)) => format!(
                    "`{name}` is known to {}, not to {asked}; that takes about {needed} replications, or as many times the \
                     measured span",
                    percent(share)
                ),
                _ => format!("`{name}` has no interval, or is zero, so that it is not known to {asked} of itself"),
            }
        })
        .collect();
    if !open.is_empty() {
        found.push(Caution::PrecisionNotReached.says(format!(
            "After {replications} replications, the most allowed, {}. Allow more with `--max-replications` (now {}).",
            open.join("; "),
            precision.most
        )));
    }
    let coarsest = reached.iter().map(|reached| reached.asked).fold(0.0, f64::max);
    if replications > FIRST || coarsest > COARSE {
        let coarse = if coarsest > COARSE {
            format!(" A precision of {} or finer keeps that small.", percent(COARSE))
        } else {
            String::new()
        };
        found.push(Caution::SequentialStopping.says(format!(
            "The number of replications, {replications}, was found by looking at the intervals, which stops a little too \
             often when they are narrow by luck: they hold the truth a little less often than 95 %.{coarse} For a figure to \
             stake money on, run once more with `--replications {replications}` and another `--seed`."
        )));
    }
    found
}

/// A part of the files that a run leaves out.
#[must_use]
pub fn not_simulated(what: &str) -> Warning {
    Caution::NotSimulated.says(format!("Not simulated yet: {}.", what.trim_end_matches('.')))
}

fn percent(share: f64) -> String {
    let percents = share * 100.0;
    let shown = if percents < 10.0 {
        (percents * 10.0).round() / 10.0
    } else {
        percents.round()
    };
    format!("{} %", show_number(shown))
}

/// Which windows of the timeline lie in the measured span.
fn measured(model: &Model, records: &[Record]) -> Option<(usize, usize)> {
    let record = records.first()?;
    let window = model.window.nanos().max(1);
    let from = record.from.nanos().div_ceil(window) as usize;
    let to = ((record.to.nanos() / window) as usize).min(record.windows.len());
    (to > from).then_some((from, to))
}

/// The line that grew most, where one was still growing when measuring ended: then its mean has no value to settle at,
/// and a longer run says something else. Cut by windows of the timeline: the last fifth of the measured span against its
/// middle fifth, and the second half of that last fifth against its first. With three replications or more the difference
/// has to be more than chance, by Student's one-sided test of the replications' differences at 1 %.
fn still_growing(model: &Model, records: &[Record]) -> Option<Warning> {
    let (from, to) = measured(model, records)?;
    let count = to - from;
    if count < 10 {
        return None;
    }
    let at = |tenths: usize| from + count * tenths / 10;
    let line = |record: &Record, number: usize, from: usize, to: usize| -> f64 {
        let windows = record.windows.get(from..to).unwrap_or_default();
        let queues = windows.iter().filter_map(|window| window.resources.get(number));
        let (sum, seen) = queues.fold((0.0, 0.0), |(sum, seen), (_, queue)| (sum + queue, seen + 1.0));
        if seen > 0.0 { sum / seen } else { 0.0 }
    };
    let mean = |number: usize, from: usize, to: usize| -> f64 {
        records.iter().map(|record| line(record, number, from, to)).sum::<f64>() / records.len() as f64
    };
    let is_chance = |number: usize| {
        let each: Vec<f64> = records
            .iter()
            .map(|record| line(record, number, at(8), to) - line(record, number, at(4), at(6)))
            .collect();
        !is_above_zero(&each)
    };
    let grown = (0..model.resources.len())
        .filter_map(|number| {
            let (middle, last) = (mean(number, at(4), at(6)), mean(number, at(8), to));
            let growing = mean(number, at(9), to) > mean(number, at(8), at(9));
            let (enough, is_chance) = if records.len() >= TESTED {
                (GROWTH.0, is_chance(number))
            } else {
                (GROWTH.1, false)
            };
            (last >= SHORT_LINE && last > enough * middle && growing && !is_chance).then_some((number, middle, last))
        })
        .max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)))?;
    let (number, middle, last) = grown;
    Some(Caution::StillGrowing.says(format!(
        "The line before `{}` was still growing when measuring ended: {} on average in the last fifth, \
         {} in the middle. A longer run gives longer waits; there is no steady state to read off.",
        model.resources[number].name,
        show_number(last.round()),
        show_number(middle.round())
    )))
}

/// Whether what is observed is above zero by more than chance.
fn is_above_zero(each: &[f64]) -> bool {
    let count = each.len() as f64;
    let mean = each.iter().sum::<f64>() / count;
    let squares: f64 = each.iter().map(|each| (each - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    mean > one_sided(each.len() - 1, DOUBT) * error
}

/// Warm-up that is measured: a steady load whose beginning differs from its rest by more than the mean latency is sure.
fn warm_up_too_short(seen: &Seen<'_>) -> Option<Warning> {
    let (model, records) = (seen.model, seen.records);
    let (from, to) = measured(model, records)?;
    if !warm_up::is_steady(model) {
        return None;
    }
    let sums = |number: usize| {
        let windows = records.iter().filter_map(|record| record.windows.get(number));
        windows.fold((0.0, 0.0), |(sum, useful), window| {
            (sum + window.latency as f64 / 1e9, useful + window.useful as f64)
        })
    };
    let mean = |from: usize| {
        let whole = (from..to.saturating_sub(1)).map(sums);
        let (sum, useful) = whole.fold((0.0, 0.0), |(a, b), (sum, useful)| (a + sum, b + useful));
        ratio(sum, useful)
    };
    let row: Vec<f64> = (from..to.saturating_sub(1))
        .map(sums)
        .map(|(sum, useful)| ratio(sum, useful))
        .collect();
    if row.iter().any(|mean| mean.is_nan()) {
        return None;
    }
    let cut = warm_up::truncation(&row)?;
    if cut == 0 || cut > row.len() / 2 {
        return None;
    }
    let (with, without) = (mean(from), mean(from + cut));
    let sure = seen.figures.get(&["latency", "mean"])?.estimate.half_width()?;
    if (with - without).abs() <= sure.max(0.02 * with) {
        return None;
    }
    let window = model.window.seconds();
    let end = (from + cut) as f64 * window;
    Some(Caution::WarmUpTooShort.says(format!(
        "The run has not settled when measuring begins ({} s): without what comes before {} s the mean latency is {} s, not \
         {} s. Set `measure.from` to \"auto\", or to that time or later.",
        show_number(from as f64 * window),
        show_number(end.round()),
        three_digits(without),
        three_digits(with)
    )))
}

/// Three digits are enough for a warning.
fn three_digits(value: f64) -> String {
    let digits = if value > 0.0 {
        2 - value.log10().floor() as i32
    } else {
        0
    };
    format!("{value:.*}", digits.clamp(0, 6) as usize)
}

/// Percentiles that too few requests show.
fn few_requests(seen: &Seen<'_>) -> Option<Warning> {
    let useful: u64 = seen
        .records
        .iter()
        .flat_map(|record| &record.cells)
        .flatten()
        .map(|cell| cell.useful)
        .sum();
    let (name, percent, caution, others) = if is_open(seen, "p95") {
        ("p95", 95.0, Caution::FewForP95, "; p99 even less so. Measure")
    } else if is_open(seen, "p99") {
        ("p99", 99.0, Caution::FewForP99, ". Read p95, or measure")
    } else {
        return None;
    };
    let beyond = useful as f64 * (1.0 - percent / 100.0);
    let useful = show_number(useful as f64);
    let why = if beyond < crate::interval::FEW {
        format!("fewer than ten requests are slower than it, of {useful} useful ones in all replications")
    } else {
        format!(
            "about {} requests are slower than it, of {useful} useful ones in all replications, but they came in too few \
             rushes to show where it lies",
            show_number(beyond.round())
        )
    };
    Some(caution.says(format!(
        "{name} has no upper bound: {why}{others} for longer, or run more replications than {}.",
        seen.records.len()
    )))
}

/// Whether a percentile of latency has been observed, but no upper bound of it.
fn is_open(seen: &Seen<'_>, name: &str) -> bool {
    let share = if name == "p95" { 0.05 } else { 0.01 };
    seen.figures.get(&["latency", name]).is_some_and(|figure| {
        let estimate = figure.estimate;
        if !estimate.value.is_finite() || estimate.high.is_some() {
            return false;
        }
        // One replication has no bounds at all, for another reason.
        let count = seen.figures.value(&["latency", "count"]);
        seen.records.len() > 1 || count * share < crate::interval::FEW
    })
}

fn replications(seen: &Seen<'_>) -> Option<Warning> {
    match (seen.records.len(), batches(seen.model, seen.records)) {
        (1, Some(Batches::Fit(batches))) => Some(Caution::Batches.says(format!(
            "One replication: the whole run's latency and errors have intervals from {} parts of it that are no more alike \
             than chance has it, all other figures have none. Run more with `--replications 10`.",
            batches.len()
        ))),
        (1, found) => {
            let why = match found {
                Some(_) => "its parts are too short or too alike to pass for runs of their own",
                None => "its load changes, so that its parts are no runs of their own",
            };
            Some(Caution::SingleReplication.says(format!(
                "One replication has no intervals, and {why}; most objectives stay undecided. Run more with \
                 `--replications 10`."
            )))
        }
        (few, _) if (2..MEASURED).contains(&few) => Some(Caution::FewReplications.says(format!(
            "{few} replications hardly show how much they differ: intervals are wide, and wrong more often where one in many \
             runs goes badly. Use ten with `--replications 10`."
        ))),
        _ => None,
    }
}

/// One replication that is unlike all others, by Grubbs's test at 1 %: then a mean is of two kinds of runs, and no interval
/// from so few is worth its name (F. E. Grubbs, "Sample criteria for testing outlying observations", Annals of Mathematical
/// Statistics 21, 1950).
fn uneven(seen: &Seen<'_>) -> Option<Warning> {
    if seen.records.len() < MEASURED {
        return None;
    }
    let looked_at: [(&[&str], &str, f64, &str); 3] = [
        (&["errors", "rate"], "an error rate", 100.0, " %"),
        (&["latency", "p95"], "a p95", 1.0, " s"),
        (&["latency", "mean"], "a mean latency", 1.0, " s"),
    ];
    looked_at.into_iter().find_map(|(path, name, times, unit)| {
        let samples = &seen.figures.get(path)?.samples;
        let (odd, others) = outlier(samples)?;
        Some(Caution::UnevenReplications.says(format!(
            "Replication {} is unlike the others: {name} of {}{unit}, theirs is {}{unit} on average. A mean over both says \
             what neither is, and the interval may be too narrow. Run more replications to see how often it happens.",
            odd + 1,
            three_digits(samples[odd] * times),
            three_digits(others * times)
        )))
    })
}

/// The number of the sample that is unlike all others, and the mean of those.
fn outlier(samples: &[f64]) -> Option<(usize, f64)> {
    let count = samples.len() as f64;
    if samples.len() < MEASURED || samples.iter().any(|sample| sample.is_nan()) {
        return None;
    }
    let mean = samples.iter().sum::<f64>() / count;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    let far = |number: &usize| (samples[*number] - mean).abs();
    let odd = (0..samples.len()).max_by(|a, b| far(a).total_cmp(&far(b)))?;
    let t = one_sided(samples.len() - 2, DOUBT / (2.0 * count));
    let critical = (count - 1.0) / count.sqrt() * (t * t / (count - 2.0 + t * t)).sqrt();
    let others = (mean * count - samples[odd]) / (count - 1.0);
    let is_far = (samples[odd] - others).abs() > UNEVEN * others.abs().max(samples[odd].abs());
    // A share that rounds to nothing everywhere is no difference.
    (far(&odd) > critical * deviation && is_far && deviation > 1e-3 * mean.abs()).then_some((odd, others))
}

/// An objective on a share of errors that few or none stand behind.
fn errors(seen: &Seen<'_>) -> Option<Warning> {
    let is_asked = seen
        .objectives
        .iter()
        .any(|objective| objective.name == "error_rate" && objective.value.value.is_finite());
    let count = |key: &str| seen.figures.value(&["requests", key]) * seen.records.len() as f64;
    let (errors, offered) = (count("failed") + count("abandoned"), count("offered"));
    if !is_asked || offered == 0.0 {
        return None;
    }
    if errors == 0.0 {
        let offered = show_number(offered.round());
        return Some(Caution::NoErrorSeen.says(format!(
            "No error was seen among {offered} requests. That leaves up to 3 in {offered} possible if errors come one by one; \
             errors that come in bursts, once in a great while, can be more frequent than that and not show."
        )));
    }
    (errors < FEW_EVENTS).then(|| {
        Caution::FewErrors.says(format!(
            "{errors:.0} errors among {} requests are too few to tell bursts from chance: the interval of the error \
             rate takes them for independent, and is wider than 95 % need. Measure for longer, or run more replications than {}.",
            show_number(offered.round()),
            seen.records.len()
        ))
    })
}

/// Requests that never ended, so that their latency is in no figure.
fn in_flight(seen: &Seen<'_>) -> Option<Warning> {
    let count = |key: &str| seen.figures.value(&["requests", key]);
    let (left, offered) = (count("in_flight"), count("offered"));
    let share = ratio(left, offered);
    (share > IN_FLIGHT).then(|| {
        Caution::InFlight.says(format!(
            "{} of the requests were still in hand when the run ended. Their latency, longer than most, is in no figure. Let \
             `drain` ({} s) be longer.",
            percent(share),
            show_number(seen.scenario.drain.seconds())
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Window;
    use crate::outcome::{figures, sample};
    use highwater_models::{SimSpan, SimTime};

    fn ids_of(model: &Model, records: &[Record], lines: &str) -> Vec<&'static str> {
        let plan = sample::plan(&format!("duration = \"1m\"\n{lines}"));
        let figures = figures(model, records);
        let groups = crate::outcome::group::Groups::new(model, records);
        let intervals = crate::interval::Intervals::new(records.len());
        let objectives = &plan.scenario.objectives;
        let objectives = crate::outcome::objective::judge(objectives, &groups, &figures, &intervals);
        let seen = Seen {
            scenario: &plan.scenario,
            model,
            records,
            figures: &figures,
            objectives: &objectives,
        };
        warnings(&seen).iter().map(|warning| warning.id).collect()
    }

    /// A line of so many by second and replication.
    fn growing(replications: usize, lines: impl Fn(usize, usize) -> f64) -> Option<Warning> {
        let mut model = sample::model();
        model.window = SimSpan::from_secs(1);
        let records: Vec<Record> = (0..replications)
            .map(|replication| {
                let mut record = sample::record(&model, 5000, 0);
                record.from = SimTime::ZERO;
                record.to = SimTime::from_nanos(100_000_000_000);
                record.windows = (0..100)
                    .map(|number| Window {
                        resources: vec![(1.0, lines(replication, number)); model.resources.len()],
                        ..Window::default()
                    })
                    .collect();
                record
            })
            .collect();
        still_growing(&model, &records)
    }

    // Lost if broken: the mean wait of an overloaded system is read as if it were a property of it.
    #[test]
    fn a_line_that_never_settles_is_told_from_one_that_does() {
        let is_growing = |lines: fn(usize) -> f64| growing(2, |_, number| lines(number)).is_some();
        assert!(is_growing(|number| number as f64));
        assert!(!is_growing(|_| 50.0));
        assert!(!is_growing(|number| (100 - number) as f64));
        // Longer than in the middle, and going down again.
        assert!(!is_growing(|number| if number < 80 {
            1.0
        } else {
            (100 - number) as f64
        }));
        assert!(!is_growing(|number| number as f64 / 50.0), "a line of two");
    }

    // Lost if broken: one rush at the end of one replication is taken for a system that never settles.
    #[test]
    fn a_rush_in_one_replication_is_not_growth() {
        let rush = |replication: usize, number: usize| {
            if replication == 0 && number >= 80 {
                10.0 * (number - 79) as f64
            } else {
                10.0
            }
        };
        assert!(growing(1, rush).is_some());
        assert!(growing(5, rush).is_none());
        let slowly = |replication: usize, number: usize| 20.0 + number as f64 / 4.0 + (replication * number % 7) as f64;
        assert!(growing(5, slowly).is_some());
    }

    // Lost if broken: a reader takes a percentile of a hundred requests, or one run, for the truth.
    #[test]
    fn too_little_to_go_by_is_said() {
        let mut model = sample::model();
        let record = |offered, failed| sample::record(&model, offered, failed);
        assert_eq!(
            ids_of(&model, &[record(999, 0)], ""),
            ["few-requests-for-p99", "single-replication"]
        );
        assert_eq!(
            ids_of(&model, &[record(199, 0)], ""),
            ["few-requests-for-p95", "single-replication"]
        );
        let goal = "[objectives]\nerror_rate = 0.01";
        assert_eq!(ids_of(&model, &vec![record(5000, 0); 5], goal), ["no-error-seen"]);
        assert_eq!(ids_of(&model, &vec![record(5000, 1); 5], goal), ["few-errors"]);
        assert_eq!(ids_of(&model, &vec![record(5000, 2); 5], goal), [""; 0]);
        assert_eq!(ids_of(&model, &vec![record(5000, 0); 4], ""), ["few-replications"]);
        let mut odd = vec![record(5000, 50); 9];
        odd.iter_mut().enumerate().for_each(|(number, record)| {
            record.cell(0, 0, 0).failed += number as u64;
        });
        assert_eq!(ids_of(&model, &odd, ""), [""; 0]);
        odd.push(record(5000, 2500));
        assert_eq!(ids_of(&model, &odd, ""), ["uneven-replications"]);
        let mut left = vec![record(5000, 50); 5];
        left.iter_mut().for_each(|record| record.cell(0, 0, 0).offered = 5100);
        assert_eq!(ids_of(&model, &left, ""), ["in-flight-at-end"]);
        model.not_simulated = vec!["faults".to_owned()];
        assert_eq!(ids_of(&model, &left, ""), ["in-flight-at-end", "not-simulated"]);
    }

    // Lost if broken: a queue that fills up while it is measured passes for one that is full.
    #[test]
    fn a_beginning_that_is_measured_and_differs_is_said() {
        let mut model = sample::model();
        model.window = SimSpan::from_secs(1);
        let with = |begins: usize| {
            let mut record = sample::record(&model, 5000, 50);
            record.from = SimTime::ZERO;
            record.to = SimTime::from_nanos(1_000_000_000_000);
            record.windows = (0..1000usize)
                .map(|number| {
                    let seconds = if number < begins {
                        1
                    } else {
                        100 + (number * 7919 % 13) as u128
                    };
                    Window {
                        useful: 5,
                        latency: seconds * 50_000_000,
                        ..Window::default()
                    }
                })
                .collect();
            record
        };
        assert_eq!(ids_of(&model, &vec![with(100); 5], ""), ["warm-up-too-short"]);
        assert_eq!(ids_of(&model, &vec![with(0); 5], ""), [""; 0]);
    }
}
