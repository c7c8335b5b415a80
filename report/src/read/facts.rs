//! What a measured run's summary says about how it was measured.
//!
//! Owns: the keys. Never: judging them.

use highwater_sim::compare::measured::Facts;
use serde_json::Value;

/// The keys of a measured run's `summary.json` that hold no figures; what is below one of them is about the test itself.
pub(super) const KEYS: [&str; 11] = [
    "origin",
    "source",
    "plan",
    "target",
    "time_scale",
    "lateness",
    "generator",
    "load_test",
    "loadtest",
    "server",
    "measurement",
];

/// Whether a summary says that it was measured.
pub(super) fn is_measured(root: &Value) -> bool {
    root["origin"] == "measurement" || root["source"] == "measured"
}

/// The facts of the summary's text; empty where it says nothing.
#[must_use]
pub fn facts(text: &str) -> Facts {
    let Ok(root) = serde_json::from_str::<Value>(text) else {
        return Facts {
            time_scale: f64::NAN,
            lateness: f64::NAN,
            ..Facts::default()
        };
    };
    // At the top, or among what is said about the generator.
    let find = |key: &str| -> Value {
        let below = KEYS.iter().filter_map(|place| root.get(*place));
        let mut places = std::iter::once(&root).chain(below);
        places.find_map(|place| place.get(key)).cloned().unwrap_or(Value::Null)
    };
    Facts {
        target: find("target").as_str().unwrap_or_default().to_owned(),
        time_scale: find("time_scale").as_f64().unwrap_or(f64::NAN),
        lateness: seconds(&find("lateness")),
    }
}

/// The 99th percentile where there are several figures, else the figure.
fn seconds(value: &Value) -> f64 {
    match value {
        Value::Object(table) => ["p99", "value", "max"]
            .iter()
            .find_map(|key| table.get(*key))
            .map_or(f64::NAN, seconds),
        other => other.as_f64().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a generator that could not keep up is taken for a slow system.
    #[test]
    fn lateness_is_found_where_the_generator_says_it() {
        let found = facts(
            r#"{"source":"measured","target":"http://127.0.0.1:1","generator":{"time_scale":2.0,"lateness":{"p50":0.1,"p99":{"value":0.4,"low":null,"high":null}}}}"#,
        );
        assert_eq!(found.target, "http://127.0.0.1:1");
        assert_eq!((found.time_scale, found.lateness), (2.0, 0.4));
        assert!(facts("{}").lateness.is_nan());
        assert!(facts("[").lateness.is_nan());
    }
}
