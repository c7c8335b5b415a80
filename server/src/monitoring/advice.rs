//! What a reading means, and what to do next when it is where it should not be.

use highwater_models::record::figures::Unit;
use highwater_models::units::{Usd, show_number, show_seconds, show_share, show_usd};
use highwater_models::watch::{Part, Reading};

/// All parts of a system that have readings.
const PARTS: [Part; 6] = [
    Part::Service,
    Part::Pool,
    Part::Queue,
    Part::Database,
    Part::Cache,
    Part::Provider,
];

/// Readings of the whole system, without the percentiles.
const WHOLE: [Reading; 6] = [
    Reading::ErrorsRate,
    Reading::LatencyMean,
    Reading::Throughput,
    Reading::Goodput,
    Reading::UsersOnline,
    Reading::InSystem,
];

/// What is read at a path; none where it is no reading.
#[must_use]
pub fn reading(path: &str) -> Option<Reading> {
    if let Some(percent) = path.strip_prefix("latency.p") {
        return percent.parse().ok().map(Reading::Latency);
    }
    if let Some(whole) = WHOLE.into_iter().find(|reading| reading.key() == path) {
        return Some(whole);
    }
    let key = path.rsplit('.').next()?;
    let key = if key == "queue" { "waiting" } else { key };
    PARTS
        .iter()
        .flat_map(|part| part.readings())
        .find(|reading| reading.key() == key)
        .copied()
}

/// A figure of a reading, with its unit.
#[must_use]
pub fn figure(reading: Option<Reading>, value: f64) -> String {
    match reading.map(Reading::unit) {
        Some(Unit::Share) => show_share(value),
        Some(Unit::Seconds) => show_seconds(value),
        Some(Unit::PerSecond) => format!("{} a second", show_number(value)),
        Some(Unit::Dollars) => show_usd(Usd::from_dollars(value)),
        _ => show_number(value),
    }
}

/// What a reading counts, in words. `part` is the name of what it is a reading of.
#[must_use]
pub fn meaning(reading: Reading, part: &str) -> String {
    match reading {
        Reading::ErrorsRate => "failed requests, of those that ended since the last look".to_owned(),
        Reading::LatencyMean => "mean time to a good answer since the last look".to_owned(),
        Reading::Latency(percent) => {
            format!("the time within which {percent} % of the good answers since the last look came")
        }
        Reading::Throughput => "requests that end".to_owned(),
        Reading::Goodput => "requests that are answered well".to_owned(),
        Reading::UsersOnline => "people with a session under way".to_owned(),
        Reading::InSystem => "requests in hand".to_owned(),
        Reading::Cpu | Reading::Utilization => format!("share of what {part} has that was in use"),
        Reading::Memory => format!("memory of the fullest instance of {part}, as a share of its limit"),
        Reading::LoopLag => format!("mean wait for an event loop of {part}"),
        Reading::InHand => format!("requests in hand at {part}"),
        Reading::Instances => format!("instances of {part} that take requests"),
        Reading::Waiting => format!("requests in line at {part}"),
        Reading::Busy => format!("places of {part} in use"),
        Reading::Connections => format!("connections at {part}"),
        Reading::Errors => format!("calls of {part} that failed or were refused, of those since the last look"),
        Reading::Refused => format!("calls that {part} refused since the last look"),
        Reading::Requests => format!("calls of {part}"),
        Reading::InFlight => format!("calls of {part} under way"),
        Reading::CostToday => format!("spent at {part} since midnight of the run"),
        Reading::CommandsToday => format!("commands at {part} since midnight of the run"),
    }
}

/// What to do next. `kind` is the kind of the part, as in results (`service`, `pool`, …), empty for the whole system.
#[must_use]
pub fn advice(reading: Reading, kind: &str, is_above: bool) -> &'static str {
    if !is_above {
        return match reading {
            Reading::Instances => {
                "See why instances are missing (crashes, failed health checks, a deploy under way) and start more."
            }
            _ => "See whether requests still arrive at all: the balancer, the address, the last deploy.",
        };
    }
    match (reading, kind) {
        (Reading::ErrorsRate, _) => {
            "Look at /metrics for the cause that grows (failed.*). If it began with a deploy, take that back; if a dependency \
             is down, switch off what needs it."
        }
        (Reading::LatencyMean | Reading::Latency(_), _) => {
            "Look at the stages of slow requests (Server-Timing): a long wait names the line that is full. Shed load before \
             you add capacity in front of it."
        }
        (Reading::Throughput | Reading::Goodput | Reading::UsersOnline | Reading::Requests, _) => {
            "More come than planned: see whether they are people or one address, and whether limits, pools and the \
             autoscaler's highest number leave room."
        }
        (Reading::InSystem | Reading::InHand, _) => {
            "Requests pile up: find the line that grows (readings .waiting) and shorten it; raise nothing in front of it."
        }
        (Reading::Cpu | Reading::Utilization, "database") => {
            "The database is the limit: more instances make it worse. Cache or drop the costliest reads, or take a larger plan."
        }
        (Reading::Connections | Reading::Busy, "database") => {
            "Connections run out for everybody: lower pool size times instances below the database's limit, or put a pooler \
             in between. Do not restart all instances at once: they all connect anew."
        }
        (Reading::Cpu | Reading::LoopLag | Reading::Utilization, "service") => {
            "Add instances or processes; until they serve, switch off what costs most CPU. Work that blocks the event loop \
             belongs into a worker."
        }
        (Reading::Memory, _) => {
            "Bound what is in hand at once (uploads above all) before the instance is killed with all of it; then take a \
             larger plan."
        }
        (Reading::Instances, _) => "The autoscaler is near what you pay for: see what drives it before its bill does.",
        (Reading::Waiting | Reading::Busy | Reading::Connections | Reading::Utilization, "pool") => {
            "Requests wait for connections: look for a transaction held open over a slow call, and check what the database \
             has left before you enlarge the pool."
        }
        (Reading::Waiting | Reading::Busy | Reading::Utilization, "queue") => {
            "The queue takes more than it gets done: bound its line and its wait, serve paying people first, and use a faster \
             model. More places at once help only while the provider's limits have room."
        }
        (Reading::Errors | Reading::Refused | Reading::InFlight | Reading::Utilization, "provider") => {
            "Refused with 429: slow the queue down to the provider's limit, and use a model with limits of its own. Failing or \
             slow: shorten the timeout, retry less, open the breaker, and tell people."
        }
        (Reading::CostToday, _) => {
            "See which callers and models cost most; lower the limits for guests, answer with a cheaper model, and set the \
             spend limit where you can bear it."
        }
        (Reading::CommandsToday, _) => {
            "The cache's plan stops answering when the day's commands are used up: look up less often, or take a larger plan."
        }
        _ => "Find the line that grows (readings .waiting) and what stands behind it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a message that shows 0.83 where it means 83 %, or has no advice.
    #[test]
    fn every_reading_has_a_unit_a_meaning_and_advice() {
        for (path, value, shown) in [
            ("errors.rate", 0.0512, "5.12 %"),
            ("latency.p95", 1.25, "1.25 s"),
            ("latency.mean", 0.5, "500 ms"),
            ("goodput", 12.0, "12 a second"),
            ("users.online", 512.0, "512"),
            ("web.cpu", 0.83, "83 %"),
            ("postgres.connections", 23.0, "23"),
            ("openai.cost_today", 100.5, "$100.50"),
            ("ai.queue", 40.0, "40"),
            ("my.own.name.loop_lag", 0.05, "50 ms"),
        ] {
            let reading = reading(path).expect(path);
            assert_eq!(figure(Some(reading), value), shown, "{path}");
            assert!(!meaning(reading, "web").is_empty());
        }
        assert_eq!(reading("web.colour"), None);
        let kinds = ["service", "pool", "queue", "database", "cache", "provider"];
        let nothing = advice(Reading::Memory, "", true).len().min(1);
        assert_eq!(nothing, 1);
        for (part, kind) in PARTS.into_iter().zip(kinds) {
            for &reading in part.readings() {
                let general = "Find the line that grows (readings .waiting) and what stands behind it.";
                let known = advice(reading, kind, true);
                assert!(
                    known != general || (reading == Reading::Waiting && kind == "service"),
                    "{kind} {reading:?}"
                );
            }
        }
    }
}
