//! Registered users, and the days that stand for all.
//!
//! Owns: the paths under `registered` and `days`, and what is to be said when only some days were run.
//! Never: the choice of days (the workload's).

use highwater_models::record::figures::Unit;
use highwater_models::record::summary::Warning;
use highwater_models::units::show_number;
use highwater_workload::rhythm::DAY;

use super::build::{Builder, ratio};
use super::caution::Caution;
use crate::interval::critical;
use crate::measure::{Record, Window};
use highwater_program::model::Model;

/// How far a quotient of two sums over days may be off because only some of them were run, with the confidence of every
/// interval. The days' parts and wholes stand in the order of what each brings.
///
/// Residuals of a quotient (Cochran 1977, "Sampling Techniques", section 2.11), with strata of which one day each was run
/// put together by twos, the last three in one (section 5A.12): what neighbours differ by, so that the true error is
/// smaller. With every day in the sample there is none.
fn half_width(days: &[(f64, f64)], of: f64) -> f64 {
    let count = days.len();
    if count < 2 {
        return f64::NAN;
    }
    let (part, whole) = days
        .iter()
        .fold((0.0, 0.0), |(part, whole), day| (part + day.0, whole + day.1));
    let quotient = ratio(part, whole);
    let residuals: Vec<f64> = days.iter().map(|(part, whole)| part - quotient * whole).collect();
    let pairs = count / 2;
    let mut squares = 0.0;
    for pair in 0..pairs {
        let to = if pair + 1 == pairs { count } else { 2 * pair + 2 };
        let group = &residuals[2 * pair..to];
        let size = group.len() as f64;
        let mean = group.iter().sum::<f64>() / size;
        squares += size / (size - 1.0) * group.iter().map(|each| (each - mean) * (each - mean)).sum::<f64>();
    }
    let left_out = (1.0 - count as f64 / of).max(0.0);
    critical(count - pairs) * ratio((left_out * squares).sqrt(), whole)
}

/// What each day that was run had, over all replications, in the order of what they bring.
fn by_day(model: &Model, records: &[Record], of: impl Fn(&Window) -> (f64, f64)) -> Vec<(f64, f64)> {
    let Some(days) = &model.days else { return Vec::new() };
    let mut sums = vec![(0.0, 0.0); days.chosen.len()];
    for record in records {
        for (number, window) in record.windows.iter().enumerate() {
            let day = number as u64 * model.window.nanos() / DAY.nanos();
            if let Some(sum) = sums.get_mut(day as usize) {
                let (part, whole) = of(window);
                *sum = (sum.0 + part, sum.1 + whole);
            }
        }
    }
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by(|&a, &b| days.brought[a].total_cmp(&days.brought[b]));
    order.into_iter().map(|day| sums[day]).collect()
}

/// How far the error rate and the mean latency may be off because other days were not run.
#[must_use]
pub fn errors(model: &Model, records: &[Record]) -> Option<(f64, f64)> {
    let of = f64::from(model.days.as_ref()?.of);
    let failed = by_day(model, records, |window| (window.failed as f64, window.offered as f64));
    let latency = by_day(model, records, |window| {
        (window.latency as f64 / 1e9, window.useful as f64)
    });
    Some((half_width(&failed, of), half_width(&latency, of)))
}

/// Adds the figures, where there is a population.
pub fn figures(build: &mut Builder, model: &Model) {
    let count = build.records.len();
    if let Some(registered) = model.registered {
        let known = [
            ("start", registered.start),
            ("end", registered.end),
            ("mean", registered.mean),
            ("leaving", registered.leaving),
        ];
        for (key, value) in known {
            build.estimate(&["registered", key], Unit::Count, vec![value; count]);
        }
        build.count(&["registered", "signed_up"], |record| record.sessions.signed_up as f64);
    }
    let Some(days) = &model.days else { return };
    let (error_rate, latency) = errors(model, build.records).unwrap_or((f64::NAN, f64::NAN));
    build.estimate(&["days", "of"], Unit::Count, vec![f64::from(days.of); count]);
    build.estimate(&["days", "run"], Unit::Count, vec![days.chosen.len() as f64; count]);
    build.estimate(&["days", "within", "error_rate"], Unit::Share, vec![error_rate; count]);
    build.estimate(&["days", "within", "latency_mean"], Unit::Seconds, vec![latency; count]);
}

/// What to know of a run of some days.
#[must_use]
pub fn warning(model: &Model, records: &[Record]) -> Option<Warning> {
    let days = model.days.as_ref()?;
    let numbers: Vec<String> = days.chosen.iter().map(|day| (day + 1).to_string()).collect();
    let (error_rate, latency) = errors(model, records)?;
    let error = if error_rate.is_nan() || latency.is_nan() {
        "one day says nothing of how much days differ".to_owned()
    } else {
        format!(
            "because of the days left out the error rate may be off by {:.2} percentage points and the mean latency by \
             {latency:.2} s (95 %), beside the intervals shown",
            error_rate * 100.0
        )
    };
    let (first, many) = if let [only] = &numbers[..] {
        (
            format!("Day {only} of {} was run and stands for all", days.of),
            "its rate",
        )
    } else {
        let text = format!(
            "{} of {} days were run ({}), each for {} of similar load",
            numbers.len(),
            days.of,
            numbers.join(", "),
            show_number(days.weight())
        );
        (text, "their rates")
    };
    let text = format!(
        "{first}: counts are scaled up, and {many} by {:.4} so that all sessions of the {} days come; {error}. The \
         busiest day need not be among them, and quotas by the month never bind. `measure.sample_days = \"all\"` runs \
         every day.",
        days.scale, days.of
    );
    Some(Warning {
        id: Caution::RepresentativeDays.id(),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{figures, sample};
    use highwater_models::SimSpan;
    use highwater_workload::days::Days;

    // Lost if broken: counts of two days are shown as those of a month, or an error of the sample as none.
    #[test]
    fn counts_are_scaled_up_and_the_days_errors_stated() {
        let mut model = sample::model();
        model.days = Some(Days {
            of: 8,
            chosen: vec![1, 5],
            brought: vec![1.0, 2.0],
            scale: 1.0,
        });
        model.window = SimSpan::from_secs(86_400);
        let mut record = sample::record(&model, 1000, 30);
        let window = |offered: u64, failed: u64| Window {
            offered,
            failed,
            useful: offered - failed,
            ..Window::default()
        };
        record.windows = vec![window(400, 10), window(600, 20)];
        let found = figures(&model, &[record.clone()]);
        assert_eq!(found.value(&["requests", "offered"]), 4000.0);
        assert_eq!(found.value(&["errors", "rate"]), 0.03);
        // Residuals -2 and 2: squares 2 · 8. t(0.975, 1) = 12.706, three quarters of the days are left out, of a thousand
        // requests: 12.706 · √(3 / 4 · 16) / 1000.
        let within = found.value(&["days", "within", "error_rate"]);
        assert!((within - 12.706 * 12f64.sqrt() / 1000.0).abs() < 1e-6, "{within}");
        let text = warning(&model, &[record]).unwrap().text;
        assert!(text.starts_with("2 of 8 days were run (2, 6), each for 4 "), "{text}");
    }
}
