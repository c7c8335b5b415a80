//! What is kept of a point: the figures that the study names, the objectives, and what stood in the way first.

use highwater_models::Cause;
use highwater_models::file::{Plan, names_of};
use highwater_models::record::figures::Path;
use highwater_models::record::summary::Summary;
use highwater_models::record::sweep::{Metric, Point};

use super::Settings;
use crate::measure::Record;
use crate::outcome;
use crate::outcome::build::percentile_name;
use highwater_program::variants::Variants;

/// The point of a finished run.
pub(super) fn point(number: usize, summary: &Summary, settings: &Settings) -> Point {
    let metric = |path: &String| {
        let names = names_of(path);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let figure = summary.figures.get(&names)?;
        Some(Metric {
            path: path.clone(),
            unit: figure.unit,
            estimate: figure.estimate,
            samples: figure.samples.clone(),
        })
    };
    Point {
        number,
        scenario: summary.scenario.clone(),
        system: summary.system.clone(),
        model_hash: summary.model_hash.clone(),
        replications: summary.replications,
        events: summary.events,
        metrics: settings.metrics.iter().filter_map(metric).collect(),
        objectives: summary.objectives.clone(),
        first_limit: summary.bottlenecks.first().map(|first| {
            let resource = first.because_of.as_ref().unwrap_or(&first.resource);
            let limit = summary.resources.iter().find(|known| known.name == *resource);
            (
                resource.clone(),
                limit.map_or_else(String::new, |known| known.limit.clone()),
            )
        }),
        warnings: summary
            .warnings
            .iter()
            .map(|warning| (warning.id.to_owned(), warning.text.clone()))
            .collect(),
    }
}

/// The paths of the figures that a run of the plan has, or has as soon as there is something to observe.
#[must_use]
pub fn known(plan: &Plan) -> Vec<String> {
    let variants = Variants::new(plan);
    let model = variants.base();
    let figures = outcome::figures(model, &[Record::new(model)]);
    let mut known = Vec::new();
    for (path, _) in figures.iter() {
        known.push(path.to_string());
        let Some((last, above)) = path.0.split_last() else {
            continue;
        };
        let above = Path(above.to_vec());
        match (last.as_str(), above.0.last().map(String::as_str)) {
            // A distribution without a single sample has its count alone.
            ("count", _) => {
                let asked = plan
                    .scenario
                    .measure
                    .percentiles
                    .iter()
                    .map(|&percent| percentile_name(percent));
                let keys = ["mean", "sd", "min", "p50", "p90", "p95", "p99", "max"].map(str::to_owned);
                known.extend(keys.into_iter().chain(asked).map(|key| above.join(&key).to_string()));
            }
            // A cause stands there once something has failed of it.
            ("rate", Some("errors")) => {
                let causes = Cause::ALL.into_iter();
                known.extend(causes.map(|cause| above.join("by_cause").join(cause.name()).to_string()));
            }
            _ => {}
        }
    }
    known
}
