//! Registered users, and the days that stand for all.
//!
//! Owns: the paths under `registered` and `days`, and what is to be said when only some days were run.
//! Never: the choice of days (the workload's).

use highwater_models::record::figures::Unit;
use highwater_models::record::summary::Warning;
use highwater_workload::rhythm::DAY;

use super::build::{Builder, ratio};
use crate::interval::Intervals;
use crate::measure::{Record, Window};
use crate::model::Model;

/// What the days' errors are given at: the confidence of every interval, by Student's t.
fn half_width(of_a_day: &[(f64, f64)], of: f64) -> f64 {
    let count = of_a_day.len() as f64;
    if of_a_day.len() < 2 {
        return f64::NAN;
    }
    let (part, whole) = of_a_day
        .iter()
        .fold((0.0, 0.0), |(part, whole), day| (part + day.0, whole + day.1));
    let quotient = ratio(part, whole);
    let residuals: Vec<f64> = of_a_day.iter().map(|(part, whole)| part - quotient * whole).collect();
    let interval = Intervals::new(residuals.len()).estimate(&residuals);
    // The whole month is finite: with every day in the sample there is no error left.
    let left_out = (1.0 - count / of).max(0.0).sqrt();
    ratio(interval.half_width().unwrap_or(f64::NAN) * left_out, whole / count)
}

/// What each day that was run had, over all replications.
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
    sums
}

/// How far the error rate and the mean latency may be off because other days were not run. A quotient of two sums over
/// the days in the sample, each with its residual (Cochran 1977, "Sampling Techniques", section 2.11); that the days are
/// one from each stratum makes the true error smaller.
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
            "{} of {} days were run ({}), each for {:.3} of similar load",
            numbers.len(),
            days.of,
            numbers.join(", "),
            days.weight()
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
        id: "representative-days",
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
        // Residuals -2 and 2, mean 500 requests a day, t(0.975, 1) = 12.706, a quarter of the days is in the sample:
        // 12.706 · √(8 / 2) · √(3 / 4) / 500.
        let within = found.value(&["days", "within", "error_rate"]);
        assert!(
            (within - 12.706 * 2.0 * 0.75f64.sqrt() / 500.0).abs() < 1e-6,
            "{within}"
        );
        let text = warning(&model, &[record]).unwrap().text;
        assert!(
            text.starts_with("2 of 8 days were run (2, 6), each for 4.000"),
            "{text}"
        );
    }
}
