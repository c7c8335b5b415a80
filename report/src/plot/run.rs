//! The plots of a run: which there are, what each says, and which of many series it shows.
//!
//! Owns: the choice and the sentences. Every number in a sentence is one of the summary's or the timeline's, rounded by
//! `number.rs`. A plot with nothing to show is left out.

mod over_time;
mod whole;

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::{Objective, Recovery, Summary};
use highwater_models::record::timeline::Timeline;

use super::{Kind, Mark, Plot};

/// Parts of a stack; the rest is summed.
const PARTS: usize = 6;

/// Alerts that are marked.
const ALERTS: usize = 4;

/// The plots of a run, in the order in which questions come up.
#[must_use]
pub fn of_run(summary: &Summary, timeline: &Timeline) -> Vec<Plot> {
    let run = Run {
        summary,
        timeline,
        marks: marks(summary, timeline),
    };
    let plots = [
        run.load(),
        run.latency(),
        run.errors_over_time(),
        run.errors(),
        run.percentiles(),
        run.stages(),
        run.busiest(),
        run.utilization(),
        run.queues(),
        run.instances(),
        run.memory(),
        run.cost(),
    ];
    plots.into_iter().flatten().collect()
}

/// What happened that a reader of a plot has to know.
fn marks(summary: &Summary, timeline: &Timeline) -> Vec<Mark> {
    let at = |from: f64, label: String| Mark { from, to: from, label };
    let mut marks: Vec<Mark> = timeline
        .faults
        .iter()
        .map(|fault| Mark {
            from: fault.from,
            to: fault.to,
            label: fault.name.clone(),
        })
        .collect();
    if summary.measured.0 > 0.0 {
        marks.push(at(summary.measured.0, "measured from here".to_owned()));
    }
    let mut alerts: Vec<(f64, &str)> = summary
        .alerts
        .rules
        .iter()
        .filter(|alert| alert.fired_in > 0 && alert.first_at.value.is_finite())
        .map(|alert| (alert.first_at.value, alert.name.as_str()))
        .collect();
    alerts.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Alerts that fire together are one mark.
    let mut groups: Vec<(f64, Vec<&str>)> = Vec::new();
    for (first, name) in alerts {
        match groups.last_mut() {
            Some((start, names)) if first - *start < 15.0 => names.push(name),
            _ => groups.push((first, vec![name])),
        }
    }
    for (first, names) in groups.into_iter().take(ALERTS) {
        let label = match names[..] {
            [only] => format!("alert: {only}"),
            [one, two] => format!("alerts: {one}, {two}"),
            _ => format!("alerts: {} and {} more", names[0], names.len() - 1),
        };
        marks.push(at(first, label));
    }
    let changes = summary.log.iter().filter(|entry| entry.subject == "settings");
    marks.extend(changes.take(ALERTS).map(|entry| at(entry.at, entry.text.clone())));
    if let Recovery::At(back) = &summary.recovery
        && back.value.is_finite()
    {
        marks.push(at(back.value, "back within objectives".to_owned()));
    }
    marks.sort_by(|a, b| a.from.total_cmp(&b.from));
    marks
}

struct Run<'a> {
    summary: &'a Summary,
    timeline: &'a Timeline,
    marks: Vec<Mark>,
}

impl Run<'_> {
    fn plot(&self, name: &str, title: &str, finding: String, note: String, kind: Kind) -> Option<Plot> {
        Some(Plot {
            name: name.to_owned(),
            title: title.to_owned(),
            finding,
            note,
            kind,
        })
    }

    /// Causes with their counts, most frequent first.
    fn causes(&self) -> Vec<(&str, f64)> {
        let figures = &self.summary.figures;
        let mut causes: Vec<(&str, f64)> = figures
            .children(&["errors", "by_cause"])
            .into_iter()
            .map(|cause| (cause, figures.value(&["errors", "by_cause", cause])))
            .filter(|(_, count)| *count > 0.0)
            .collect();
        causes.sort_by(|a, b| b.1.total_cmp(&a.1));
        causes
    }

    fn figure(&self, path: &[&str]) -> f64 {
        self.summary.figures.value(path)
    }

    fn estimate(&self, path: &[&str]) -> Estimate {
        self.summary.figures.get(path).map_or(
            Estimate {
                value: f64::NAN,
                low: None,
                high: None,
            },
            |figure| figure.estimate,
        )
    }

    fn objective(&self, name: &str) -> Option<&Objective> {
        let named = self.summary.objectives.iter().find(|objective| objective.name == name);
        named.filter(|objective| objective.unit == Unit::Seconds && objective.at_most)
    }
}
