//! The few figures that a decision hangs on, and which way each is better.
//!
//! Owns: the list. Never: how they are judged.

use highwater_models::record::figures::Path;
use highwater_models::record::summary::Objective;

/// Which way a figure is better.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The more the better.
    More,
    /// The less the better.
    Less,
    /// Neither: it only describes.
    Neither,
}

/// The headline of every comparison; figures that objectives are about come on top. A percentile of latency is of useful
/// requests alone, which is why none of them stands without the error rate.
const HEADLINE: [(&[&str], Wanted); 8] = [
    (&["errors", "rate"], Wanted::Less),
    (&["goodput"], Wanted::More),
    (&["latency", "p50"], Wanted::Less),
    (&["latency", "p95"], Wanted::Less),
    (&["latency", "p99"], Wanted::Less),
    (&super::WASTED_SHARE, Wanted::Less),
    (&["cost", "month"], Wanted::Less),
    (&["cost", "profit"], Wanted::More),
];

/// The headline of a comparison with these objectives, each path once.
pub fn figures(objectives: &[super::ObjectivePair]) -> Vec<(Path, Wanted)> {
    let mut figures: Vec<(Path, Wanted)> = HEADLINE
        .iter()
        .map(|&(path, wanted)| (Path::new(path), wanted))
        .collect();
    for objective in objectives.iter().flat_map(|(a, b)| [a, b]).flatten() {
        let Some(path) = figure_of(&objective.name) else {
            continue;
        };
        // A bound on both sides wants neither more nor less.
        match figures.iter_mut().find(|(known, _)| *known == path) {
            Some((_, wanted))
                if *wanted != towards(objective) && HEADLINE.iter().all(|(known, _)| path.0 != *known) =>
            {
                *wanted = Wanted::Neither;
            }
            Some(_) => {}
            None => figures.push((path, towards(objective))),
        }
    }
    figures
}

const fn towards(objective: &Objective) -> Wanted {
    if objective.at_most { Wanted::Less } else { Wanted::More }
}

/// The figure that an objective is about, by its name; `None` for one that is a count of several or a time.
pub fn figure_of(name: &str) -> Option<Path> {
    let names = Path::parse(name).0;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (scope, metric): (Vec<&str>, &[&str]) = match names.as_slice() {
        ["metric", path] => return Some(Path::parse(path)),
        ["endpoint", name, metric @ ..] => (vec!["endpoints", name], metric),
        ["class", name, metric @ ..] => (vec!["classes", name], metric),
        ["phase", name, metric @ ..] => (vec!["phases", name], metric),
        metric => (Vec::new(), metric),
    };
    let figure: Vec<&str> = match metric {
        [percentile @ ("mean" | "p50" | "p90" | "p95" | "p99" | "max")] => vec!["latency", percentile],
        ["error_rate"] => vec!["errors", "rate"],
        [rate @ ("throughput" | "goodput")] => vec![rate],
        ["cost_month"] => vec!["cost", "month"],
        ["profit_month"] => vec!["cost", "profit"],
        ["errors", cause] => vec!["errors", "by_cause", cause],
        _ => return None,
    };
    Some(Path::new(&scope.into_iter().chain(figure).collect::<Vec<_>>()))
}

/// Which way any other figure is better, as far as its path says.
pub fn wanted(path: &Path) -> Wanted {
    let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
    match names.as_slice() {
        [.., "goodput" | "hit_ratio"] | [.., "requests", "useful"] | ["cost", "profit" | "revenue" | "margin"] => {
            Wanted::More
        }
        [.., "errors", "rate" | "by_cause" | "share_by_cause"]
        | [.., "by_cause" | "share_by_cause", _]
        | [.., "latency" | "first_byte" | "wait" | "breakdown", _]
        | ["breakdown", ..]
        | ["cost", ..] => Wanted::Less,
        _ => Wanted::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: an objective on one endpoint is compared by the figure of all.
    #[test]
    fn an_objective_leads_to_its_figure() {
        for (name, path) in [
            ("p95", Some("latency.p95")),
            ("error_rate", Some("errors.rate")),
            (
                "endpoint.\"stripe.webhook\".error_rate",
                Some("endpoints.\"stripe.webhook\".errors.rate"),
            ),
            ("phase.after.p95", Some("phases.after.latency.p95")),
            (
                "metric.\"resources.servers.wait.mean\"",
                Some("resources.servers.wait.mean"),
            ),
            ("metric.throughput", Some("throughput")),
            ("cost_month", Some("cost.month")),
            ("errors.shed", Some("errors.by_cause.shed")),
            ("database_errors", None),
            ("recovered", None),
        ] {
            assert_eq!(figure_of(name).map(|path| path.to_string()).as_deref(), path, "{name}");
        }
    }
}
