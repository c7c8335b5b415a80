//! Ways in which a result may mislead.
//!
//! Owns: the ids, the rules and their wording. Never: failed objectives, which are results.

use highwater_models::record::summary::Warning;

use super::group::Groups;
use crate::measure::Record;
use crate::model::Model;

/// Useful requests below which a 99th percentile rests on fewer than ten of them.
const FEW: f64 = 1000.0;

/// How much longer a line has to be at the end than in the middle to count as growing.
const GROWTH: f64 = 1.5;

/// Mean length below which a line is too short to tell growth from chance.
const SHORT_LINE: f64 = 5.0;

/// All that apply.
#[must_use]
pub fn warnings(model: &Model, records: &[Record], groups: &Groups) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(still_growing(model, records));
    let useful: u64 = groups.whole.iter().map(|cell| cell.useful).sum();
    let mean = useful as f64 / records.len().max(1) as f64;
    if mean < FEW {
        found.push(Warning {
            id: "few-requests-for-p99",
            text: format!(
                "A replication has {mean:.0} useful requests on average: its 99th percentile rests on fewer than ten of \
                 them. Measure for longer, or read p95."
            ),
        });
    }
    if records.len() == 1 {
        found.push(Warning {
            id: "single-replication",
            text: "One replication has no intervals, so most objectives stay undecided. Run more.".to_owned(),
        });
    }
    found.extend(model.not_simulated.iter().map(|what| not_simulated(what)));
    found
}

/// A part of the files that a run leaves out.
#[must_use]
pub fn not_simulated(what: &str) -> Warning {
    Warning {
        id: "not-simulated",
        text: format!("Not simulated yet: {}.", what.trim_end_matches('.')),
    }
}

/// The line that grew most, where one was still growing when measuring ended: then its mean has no value to settle at,
/// and a longer run says something else. Cut by windows of the timeline: the last fifth of the measured span against its
/// middle fifth, and the second half of that last fifth against its first.
fn still_growing(model: &Model, records: &[Record]) -> Option<Warning> {
    let record = records.first()?;
    let window = model.window.nanos().max(1);
    let from = (record.from.nanos().div_ceil(window)) as usize;
    let to = ((record.to.nanos() / window) as usize).min(record.windows.len());
    let count = to.saturating_sub(from);
    if count < 10 {
        return None;
    }
    let at = |tenths: usize| from + count * tenths / 10;
    let line = |number: usize, from: usize, to: usize| -> f64 {
        let queues = records
            .iter()
            .flat_map(|record| record.windows.get(from..to).unwrap_or_default());
        let (mut sum, mut seen) = (0.0, 0.0);
        for window in queues {
            if let Some((_, queue)) = window.resources.get(number) {
                sum += queue;
                seen += 1.0;
            }
        }
        if seen > 0.0 { sum / seen } else { 0.0 }
    };
    let grown = (0..model.resources.len())
        .filter_map(|number| {
            let (middle, last) = (line(number, at(4), at(6)), line(number, at(8), to));
            let growing = line(number, at(9), to) > line(number, at(8), at(9));
            (last >= SHORT_LINE && last > GROWTH * middle && growing).then_some((number, middle, last))
        })
        .max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)))?;
    let (number, middle, last) = grown;
    Some(Warning {
        id: "still-growing",
        text: format!(
            "The line before `{}` was still growing when measuring ended: {last:.0} on average in the last fifth, \
             {middle:.0} in the middle. A longer run gives longer waits; there is no steady state to read off.",
            model.resources[number].name
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Window;
    use crate::outcome::sample;
    use highwater_models::{SimSpan, SimTime};

    fn ids(lines: impl Fn(usize) -> f64) -> Vec<&'static str> {
        let mut model = sample::model();
        model.window = SimSpan::from_secs(1);
        let mut record = sample::record(&model, 5000, 0);
        record.from = SimTime::ZERO;
        record.to = SimTime::from_nanos(100_000_000_000);
        record.windows = (0..100)
            .map(|number| Window {
                resources: (0..model.resources.len()).map(|_| (1.0, lines(number))).collect(),
                ..Window::default()
            })
            .collect();
        let records = [record.clone(), record];
        let groups = Groups::new(&model, &records);
        warnings(&model, &records, &groups)
            .iter()
            .map(|warning| warning.id)
            .collect()
    }

    // Lost if broken: the mean wait of an overloaded system is read as if it were a property of it.
    #[test]
    fn a_line_that_never_settles_is_told_from_one_that_does() {
        assert_eq!(ids(|number| number as f64), ["still-growing"]);
        assert_eq!(ids(|_| 50.0), [""; 0]);
        assert_eq!(ids(|number| (100 - number) as f64), [""; 0]);
        // Longer than in the middle, and going down again.
        assert_eq!(
            ids(|number| if number < 80 { 1.0 } else { (100 - number) as f64 }),
            [""; 0]
        );
        assert_eq!(ids(|number| number as f64 / 50.0), [""; 0], "a line of two");
    }

    // Lost if broken: a reader takes a percentile of a hundred requests, or one run, for the truth.
    #[test]
    fn too_little_to_go_by_is_said() {
        let mut model = sample::model();
        model.not_simulated = vec!["faults".to_owned()];
        let records = [sample::record(&model, 999, 0)];
        let groups = Groups::new(&model, &records);
        let found = warnings(&model, &records, &groups);
        let ids: Vec<_> = found.iter().map(|warning| warning.id).collect();
        assert_eq!(ids, ["few-requests-for-p99", "single-replication", "not-simulated"]);
    }
}
