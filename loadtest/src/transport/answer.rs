//! What an answer says: its cause, where its time went, what a session has to remember of it.
//!
//! Owns: reading headers and bodies of the reference server's form. Whatever else a server says is read by its status.
//! Never: sockets.

use std::collections::HashMap;
use std::sync::Arc;

use highwater_models::{Cause, SimSpan};
use highwater_program::model::{Model, Stage};
use hyper::HeaderMap;
use serde_json::Value;

use super::{Head, Memory, Rest};

/// Names of stages, as they are and as a header can have them.
#[derive(Debug)]
pub struct Stages(HashMap<String, Stage>);

impl Stages {
    /// Those of a model.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let mut names = HashMap::new();
        for (number, name) in model.stages.iter().enumerate() {
            let token = name.chars().map(|c| match c {
                c if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') => c,
                _ => '-',
            });
            names.entry(token.collect()).or_insert(number as Stage);
            names.insert(name.clone(), number as Stage);
        }
        Self(names)
    }

    /// What a `Server-Timing` header says, in milliseconds of the system's time. What is not understood is left out.
    #[must_use]
    pub fn read(&self, text: &str) -> Vec<(Stage, SimSpan)> {
        let metric = |metric: &str| {
            let mut parts = metric.split(';').map(str::trim);
            let token = parts.next()?;
            let (mut name, mut millis) = (token, None);
            for part in parts {
                match part.split_once('=') {
                    Some(("dur", value)) => millis = value.trim_matches('"').parse::<f64>().ok(),
                    Some(("desc", value)) => name = value.trim_matches('"'),
                    _ => {}
                }
            }
            let stage = self.0.get(name).or_else(|| self.0.get(token))?;
            // Within a century: what else there may be is nonsense.
            let millis = millis.filter(|millis| (0.0..3e12).contains(millis))?;
            Some((*stage, SimSpan::from_seconds(millis / 1e3)))
        };
        text.split(',').filter_map(metric).collect()
    }
}

/// The cause that a status stands for, where nothing else is said.
#[must_use]
pub const fn cause_of_status(status: u16) -> Option<Cause> {
    match status {
        200..=399 => None,
        401 | 403 => Some(Cause::Unauthorized),
        429 => Some(Cause::RateLimited),
        503 => Some(Cause::Shed),
        // A balancer without an instance behind it that answers.
        502 | 504 => Some(Cause::InstanceLost),
        _ => Some(Cause::UpstreamError),
    }
}

/// The beginning of an answer. Lengths of time in whole seconds are the wall's; `scale` of the system's pass in one.
#[must_use]
pub fn head(status: u16, headers: &HeaderMap, stages: &Stages, scale: f64) -> Head {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let named = text("x-highwater-cause").filter(|name| *name != "none");
    let by_status = cause_of_status(status);
    let known = named.and_then(Cause::from_name);
    let cause = by_status.map(|cause| known.unwrap_or(cause));
    let strange = match (by_status, known, named) {
        (None, _, _) | (_, Some(_), _) => None,
        (Some(_), None, Some(name)) => Some(name.to_owned()),
        // These two say enough by themselves.
        (Some(Cause::RateLimited | Cause::Unauthorized), None, None) => None,
        (Some(_), None, None) => Some(format!("status {status}")),
    };
    let number = |name: &str| {
        let found = text(name)?.trim().parse::<f64>().ok()?;
        (0.0..1e9).contains(&found).then_some(found)
    };
    let retry_after = number("x-highwater-retry-after-ms").map(|millis| millis / 1e3);
    let retry_after = retry_after.or_else(|| number("retry-after").map(|seconds| seconds * scale));
    Head {
        cause,
        strange,
        stages: text("server-timing").map(|text| stages.read(text)).unwrap_or_default(),
        retry_after: retry_after.map(SimSpan::from_seconds),
    }
}

/// The rest of an answer, by its body.
#[must_use]
pub fn rest(is_stream: bool, body: &[u8], stages: &Stages) -> Rest {
    let Ok(text) = std::str::from_utf8(body) else {
        return Rest::default();
    };
    if is_stream {
        return stream(text, stages);
    }
    let mut rest = Rest::default();
    // Most answers have nothing to remember, and are not looked into.
    if (text.contains("\"conversation") || text.contains("\"token\""))
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        remember(&value, &mut rest.memory);
    }
    rest
}

/// Server-sent events: `start`, `text`, then `end` or `error`.
fn stream(text: &str, stages: &Stages) -> Rest {
    let mut rest = Rest::default();
    let mut is_whole = false;
    for event in text.split("\n\n") {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let Some(name) = field("event:") else { continue };
        let data = || serde_json::from_str::<Value>(field("data:").unwrap_or_default()).unwrap_or(Value::Null);
        match name {
            "start" => remember(&data(), &mut rest.memory),
            "end" => {
                is_whole = true;
                rest.stages = data()["serverTiming"].as_str().map(|text| stages.read(text));
            }
            "error" => {
                is_whole = true;
                let data = data();
                let cause = data["error"]["data"]["cause"].as_str().and_then(Cause::from_name);
                rest.cause = Some(cause.unwrap_or(Cause::UpstreamError));
            }
            _ => {}
        }
    }
    if !is_whole {
        rest.cause = Some(Cause::InstanceLost);
    }
    rest
}

/// Names of a conversation and a token, wherever in an answer they stand.
fn remember(value: &Value, memory: &mut Memory) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value.as_str()) {
                    ("conversation" | "conversationId", Some(text)) => memory.conversation = Some(Arc::from(text)),
                    ("token", Some(text)) => memory.token = Some(Arc::from(text)),
                    _ => remember(value, memory),
                }
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| remember(part, memory)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages() -> Stages {
        Stages::new(&Model {
            stages: vec!["client".to_owned(), "backoff".to_owned(), "wait:web".to_owned()],
            ..Model::default()
        })
    }

    fn head_of(status: u16, headers: &[(&'static str, &'static str)]) -> Head {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, hyper::header::HeaderValue::from_static(value));
        }
        head(status, &map, &stages(), 10.0)
    }

    // Lost if broken: time that the server accounts for would be taken for the network's.
    #[test]
    fn stages_are_found_by_their_names_and_nonsense_is_left_out() {
        let found = stages().read("wait-web;dur=1.5, other;dur=3, client;dur=x, backoff;desc=\"wait:web\";dur=2");
        assert_eq!(
            found,
            [(2, SimSpan::from_nanos(1_500_000)), (2, SimSpan::from_nanos(2_000_000))]
        );
        assert!(stages().read("wait-web;dur=-1, wait-web;dur=1e300, ;;;,=").is_empty());
    }

    // Lost if broken: a server's refusals would be counted under other causes than the simulator's.
    #[test]
    fn a_cause_is_what_the_server_names_and_else_what_its_status_means() {
        let cause = |status, name: Option<&'static str>| {
            let headers: Vec<_> = name.map(|name| ("x-highwater-cause", name)).into_iter().collect();
            let head = head_of(status, &headers);
            (head.cause, head.strange)
        };
        assert_eq!(cause(200, Some("none")), (None, None));
        assert_eq!(cause(500, Some("pool_timeout")), (Some(Cause::PoolTimeout), None));
        assert_eq!(cause(429, None), (Some(Cause::RateLimited), None));
        assert_eq!(
            cause(503, Some("connections_full")),
            (Some(Cause::Shed), Some("connections_full".to_owned()))
        );
        assert_eq!(
            cause(418, None),
            (Some(Cause::UpstreamError), Some("status 418".to_owned()))
        );
    }

    // Lost if broken: clients of a scaled run would come back too soon.
    #[test]
    fn when_to_come_back_is_in_the_systems_time() {
        let after = |headers: &[(&'static str, &'static str)]| head_of(429, headers).retry_after;
        assert_eq!(after(&[("retry-after", "2")]), Some(SimSpan::from_secs(20)));
        assert_eq!(
            after(&[("retry-after", "2"), ("x-highwater-retry-after-ms", "1500.000")]),
            Some(SimSpan::from_millis(1500))
        );
        assert_eq!(after(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]), None);
    }

    // Lost if broken: messages of a session would all begin conversations of their own.
    #[test]
    fn a_session_remembers_its_conversation() {
        let body = br#"[{"result":{"data":{"conversation":"c7","token":"t"}}}]"#;
        let found = rest(false, body, &stages());
        assert_eq!(found.memory.conversation.as_deref(), Some("c7"));
        assert_eq!(found.memory.token.as_deref(), Some("t"));
    }

    // Lost if broken: an answer that broke off in the middle would pass for a good one.
    #[test]
    fn a_stream_is_good_only_when_it_says_that_it_is_whole() {
        let start = "event: start\ndata: {\"result\":{\"data\":{\"conversation\":\"c1\"}}}\n\n";
        let of = |rest_of: &str| rest(true, format!("{start}{rest_of}").as_bytes(), &stages());
        let whole = of("event: end\ndata: {\"serverTiming\":\"wait-web;dur=2\"}\n\n");
        assert_eq!((whole.cause, whole.stages.map(|stages| stages.len())), (None, Some(1)));
        assert_eq!(
            of("event: text\ndata: {\"text\":\"a\"}\n\n").cause,
            Some(Cause::InstanceLost)
        );
        let error = "event: error\ndata: {\"error\":{\"data\":{\"cause\":\"llm_timeout\"}}}\n\n";
        assert_eq!(of(error).cause, Some(Cause::LlmTimeout));
    }
}
