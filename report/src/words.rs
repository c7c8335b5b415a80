//! What names in results are called in sentences and table headings.
//!
//! Owns: the wording of causes, stages, figures and objectives.
//! Never: numbers (`number.rs`), sentences about a run (`verdict.rs`).

use highwater_models::Cause;
use highwater_models::record::figures::{Path, Unit};
use highwater_models::record::summary::Objective;

use crate::number;

/// Why requests fail, to follow "requests fail because".
#[must_use]
pub const fn because(cause: Cause) -> &'static str {
    match cause {
        Cause::RateLimited => "a rate limiter refuses them",
        Cause::PoolTimeout => "no connection comes free in time",
        Cause::ConnectionRefused => "the database has no connection left",
        Cause::ConnectTimeout => "a new database connection is not ready in time",
        Cause::QueryTimeout => "queries take longer than allowed",
        Cause::QueryFailed => "queries end in errors",
        Cause::DatabaseUnavailable => "the database is down",
        Cause::LlmRateLimited => "the model provider's rate limit is used up",
        Cause::LlmError => "the model provider answers with errors",
        Cause::LlmTimeout => "the model provider does not answer in time",
        Cause::LlmQuota => "the model provider's quota is used up",
        Cause::ClientTimeout => "their clients stop waiting",
        Cause::QueueFull => "a waiting line is full",
        Cause::QueueTimeout => "they wait in a job queue for longer than it allows",
        Cause::Deadline => "the server's own deadline passes",
        Cause::Shed => "the service turns them away to protect the rest",
        Cause::OutOfMemory => "an instance runs out of memory",
        Cause::InstanceLost => "their instance goes away",
        Cause::NoInstance => "no instance is ready",
        Cause::FeatureOff => "the feature is switched off under load",
        Cause::CacheUnavailable => "the cache cannot be reached",
        Cause::Unauthorized => "they are not signed in",
        Cause::UpstreamError => "something behind the service fails",
    }
}

/// [`because`] by the cause's name in results; the name itself where it is none of ours.
#[must_use]
pub fn because_of_name(name: &str) -> String {
    Cause::from_name(name).map_or_else(|| format!("of `{name}`"), |cause| because(cause).to_owned())
}

/// What a stage of the breakdown is, such as `wait.web`: "waiting for web".
#[must_use]
pub fn stage(name: &str) -> String {
    let Some((kind, resource)) = name.split_once('.') else {
        return match name {
            "client" => "network and client".to_owned(),
            "backoff" => "pauses between tries".to_owned(),
            other => other.to_owned(),
        };
    };
    match kind {
        "wait" => format!("waiting for {resource}"),
        "cpu" => format!("computing on {resource}"),
        "limiter" => format!("held by limiter {resource}"),
        "connect" => format!("opening connections of {resource}"),
        "service" => format!("being served by {resource}"),
        _ => name.to_owned(),
    }
}

/// The same after "they spend their time".
#[must_use]
pub fn spent(name: &str) -> String {
    match name {
        "client" => "on the network and at the client".to_owned(),
        "backoff" => "in pauses between tries".to_owned(),
        other => stage(other),
    }
}

/// An objective's metric and where it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The last name: `p95`, `error_rate`; a free metric's path.
    pub metric: String,
    /// Where: "", "`stripe.webhook`" for an endpoint, "phase `after`".
    pub scope: String,
    /// The endpoint, where it is about one.
    pub endpoint: Option<String>,
}

/// Takes an objective's name apart.
#[must_use]
pub fn subject(objective: &Objective) -> Subject {
    let names = split(&objective.name);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (metric, scope, endpoint) = match names.as_slice() {
        ["metric", rest @ ..] => (rest, String::new(), None),
        ["endpoint", name, rest @ ..] => (rest, format!("`{name}`"), Some((*name).to_owned())),
        [kind @ ("class" | "phase"), name, rest @ ..] => (rest, format!("{kind} `{name}`"), None),
        rest => (rest, String::new(), None),
    };
    Subject {
        metric: metric.join("."),
        scope,
        endpoint,
    }
}

/// An objective as a row's label: "p95 latency", "error rate of `stripe.webhook`".
#[must_use]
pub fn objective(objective: &Objective) -> String {
    let Subject { metric, scope, .. } = subject(objective);
    let metric = match metric.as_str() {
        "mean" => "mean latency".to_owned(),
        "max" => "longest latency".to_owned(),
        percentile if is_percentile(percentile) => format!("{percentile} latency"),
        "error_rate" => "error rate".to_owned(),
        "refused_rate" => "share refused".to_owned(),
        "database_errors" => "database errors".to_owned(),
        "llm_rate_limit_errors" => "provider rate-limit errors".to_owned(),
        "cost_month" => "cost a month".to_owned(),
        "profit_month" => "profit a month".to_owned(),
        "recovered" => "time to recover".to_owned(),
        other => match other.strip_prefix("errors.") {
            Some(cause) => format!("{cause} errors"),
            None => other.to_owned(),
        },
    };
    if scope.is_empty() {
        metric
    } else {
        format!("{metric} of {scope}")
    }
}

/// What a figure is called wherever figures stand side by side: "error rate", "p95 latency of `stripe.webhook`". One that
/// has no words of its own goes by its path.
#[must_use]
pub fn figure(path: &Path) -> String {
    let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
    let (scope, rest) = match names.as_slice() {
        ["endpoints", name, rest @ ..] => (format!(" of `{name}`"), rest),
        ["classes", name, rest @ ..] => (format!(" of class `{name}`"), rest),
        ["phases", name, rest @ ..] => (format!(" of phase `{name}`"), rest),
        rest => (String::new(), rest),
    };
    let what = match rest {
        ["errors", "rate"] => "error rate".to_owned(),
        ["errors", "by_cause", cause] => format!("`{cause}` errors"),
        ["latency", "p50"] => "median latency".to_owned(),
        ["latency", "mean"] => "mean latency".to_owned(),
        ["latency", "max"] => "longest latency".to_owned(),
        ["latency", percentile] => format!("{percentile} latency"),
        ["goodput"] => "goodput".to_owned(),
        ["wasted_share"] => "work finished for nobody".to_owned(),
        ["users", "online", "max"] => "most at once".to_owned(),
        ["cost", "month"] => "cost a month".to_owned(),
        ["cost", "event"] => "cost of the run".to_owned(),
        ["cost", "profit"] => "profit a month".to_owned(),
        ["cost", "per_user"] => "cost a user".to_owned(),
        ["cost", "items", item, "month"] => format!("cost of `{item}` a month"),
        ["resources", name, "utilization"] => format!("use of `{name}`"),
        ["resources", name, "wait", percentile] => format!("{percentile} wait for `{name}`"),
        ["breakdown", "all", stage] => format!("time {}", spent(stage)),
        ["cache", name, "hit_ratio"] => format!("hits of cache `{name}`"),
        _ => return path.to_string(),
    };
    format!("{what}{scope}")
}

/// With a capital letter in front.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// An objective's bound: "at most 2 s".
#[must_use]
pub fn bound(objective: &Objective) -> String {
    let side = if objective.at_most { "at most" } else { "at least" };
    if objective.at_most && objective.target == 0.0 && objective.unit == Unit::Count {
        return "none".to_owned();
    }
    format!("{side} {}", number::bound(objective.target, objective.unit))
}

/// Whether an objective is about time spent, as opposed to requests lost or money.
#[must_use]
pub fn is_latency(objective: &Objective) -> bool {
    let metric = subject(objective).metric;
    metric == "mean" || metric == "max" || is_percentile(&metric)
}

/// Whether an objective is about requests that did not end well.
#[must_use]
pub fn is_failure(objective: &Objective) -> bool {
    let metric = subject(objective).metric;
    matches!(
        metric.as_str(),
        "error_rate" | "refused_rate" | "database_errors" | "llm_rate_limit_errors"
    ) || metric.starts_with("errors.")
}

/// Whether an objective's metric counts failures of that cause.
#[must_use]
pub fn counts(metric: &str, cause: &str) -> bool {
    match metric {
        "error_rate" => true,
        "refused_rate" => cause == Cause::RateLimited.name(),
        "llm_rate_limit_errors" => cause == Cause::LlmRateLimited.name(),
        "database_errors" => matches!(
            Cause::from_name(cause),
            Some(
                Cause::PoolTimeout
                    | Cause::ConnectionRefused
                    | Cause::ConnectTimeout
                    | Cause::QueryTimeout
                    | Cause::QueryFailed
                    | Cause::DatabaseUnavailable
            )
        ),
        other => other.strip_prefix("errors.") == Some(cause),
    }
}

/// The number in `p95`, as a share of requests in per cent.
#[must_use]
pub fn percentile(metric: &str) -> Option<&str> {
    is_percentile(metric).then(|| &metric[1..])
}

fn is_percentile(metric: &str) -> bool {
    metric
        .strip_prefix('p')
        .is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok())
}

/// The names of a dotted path, quotes taken off: `endpoint."stripe.webhook".p95` has three.
fn split(path: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    for letter in path.chars() {
        match letter {
            '"' => quoted = !quoted,
            '.' if !quoted => names.push(String::new()),
            other => names.last_mut().expect("starts with one name").push(other),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::record::figures::Estimate;

    fn named(name: &str) -> Objective {
        Objective {
            name: name.to_owned(),
            target: 2.0,
            at_most: true,
            unit: Unit::Seconds,
            value: Estimate::exact(1.0),
            met: Some(true),
        }
    }

    // Lost if broken: rows that name an endpoint `stripe` with a metric `webhook`.
    #[test]
    fn an_objective_is_labelled_by_metric_and_place() {
        for (name, label) in [
            ("p95", "p95 latency"),
            ("p99.9", "p99.9 latency"),
            ("error_rate", "error rate"),
            (
                r#"endpoint."stripe.webhook".error_rate"#,
                "error rate of `stripe.webhook`",
            ),
            ("phase.after.p95", "p95 latency of phase `after`"),
            ("errors.pool_timeout", "pool_timeout errors"),
            (r#"metric."resources.web.utilization""#, "resources.web.utilization"),
            ("profit_month", "profit a month"),
        ] {
            assert_eq!(objective(&named(name)), label, "{name}");
        }
    }

    // Lost if broken: one figure with a name in a comparison, another in a check, and a third in a study.
    #[test]
    fn a_figure_is_called_by_what_it_says_of_what() {
        for (path, name) in [
            ("errors.rate", "error rate"),
            ("latency.p50", "median latency"),
            ("latency.p99.9", "latency.p99.9"),
            (r#"latency."p99.9""#, "p99.9 latency"),
            (
                r#"endpoints."stripe.webhook".latency.p95"#,
                "p95 latency of `stripe.webhook`",
            ),
            ("classes.paid.goodput", "goodput of class `paid`"),
            ("resources.web.utilization", "use of `web`"),
            ("breakdown.all.wait.web", "breakdown.all.wait.web"),
            (r#"breakdown.all."wait.web""#, "time waiting for web"),
            ("phases.after.requests.offered", "phases.after.requests.offered"),
        ] {
            assert_eq!(figure(&Path::parse(path)), name, "{path}");
        }
    }

    // Lost if broken: a breakdown that only those who wrote the engine can read.
    #[test]
    fn stages_are_named_in_words() {
        for (name, words) in [
            ("wait.web", "waiting for web"),
            ("service.postgres", "being served by postgres"),
            ("client", "network and client"),
            ("backoff", "pauses between tries"),
            ("unheard", "unheard"),
        ] {
            assert_eq!(stage(name), words);
        }
        assert_eq!(spent("backoff"), "in pauses between tries");
        assert_eq!(spent("wait.web"), "waiting for web");
    }
}
