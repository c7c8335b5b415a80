//! Faults on command: what an operator may say is wrong with the provider.

use highwater_models::SimSpan;
use highwater_models::SimTime;
use highwater_models::units::{parse_span, write_span};
use highwater_program::model::Trouble;
use serde::Deserialize;
use serde_json::{Value, json};

/// A fault, written as in a scenario: `{"slow": {"factor": 3, "for": "5m"}}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Fault {
    /// Everything takes so many times as long.
    Slow(Slow),
    /// This share of calls fails.
    Errors(Errors),
    /// Nothing answers.
    Down(Down),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slow {
    factor: f64,
    #[serde(rename = "for")]
    lasts: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Errors {
    share: f64,
    #[serde(rename = "for")]
    lasts: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Down {
    #[serde(default)]
    hang: bool,
    #[serde(rename = "for")]
    lasts: Option<String>,
}

impl Fault {
    /// What it is and for how long.
    ///
    /// # Errors
    /// What is wrong with its figures.
    pub(super) fn trouble(&self) -> Result<(Trouble, Option<SimSpan>), String> {
        let (trouble, lasts) = match self {
            Self::Slow(slow) => {
                if !(slow.factor > 0.0 && slow.factor <= 1e6) {
                    return Err("`factor` is above 0 and at most 1000000".to_owned());
                }
                (Trouble::Slow(slow.factor), &slow.lasts)
            }
            Self::Errors(errors) => {
                if !(0.0..=1.0).contains(&errors.share) {
                    return Err("`share` is between 0 and 1".to_owned());
                }
                (Trouble::Errors(errors.share), &errors.lasts)
            }
            Self::Down(down) => (Trouble::Down { hang: down.hang }, &down.lasts),
        };
        let lasts = lasts.as_deref().map(|text| {
            parse_span(text).map_err(|_| format!("`for` is a length of time such as \"30s\" or \"5m\", not `{text}`"))
        });
        Ok((trouble, lasts.transpose()?))
    }
}

/// A fault under way, as it is shown.
pub(super) fn shown((trouble, ends): (Trouble, SimTime), now: SimTime) -> Value {
    // In whole milliseconds, rounded up: nobody reads more.
    let left = |span: SimSpan| write_span(SimSpan::from_millis(span.nanos().div_ceil(1_000_000)));
    let left = (ends != SimTime::NEVER).then(|| left(ends.since(now)));
    match trouble {
        Trouble::Slow(factor) => json!({ "slow": { "factor": factor, "for": left } }),
        Trouble::Errors(share) => json!({ "errors": { "share": share, "for": left } }),
        Trouble::Down { hang } => json!({ "down": { "hang": hang, "for": left } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Trouble, Option<SimSpan>), String> {
        serde_json::from_str::<Fault>(text)
            .map_err(|error| error.to_string())
            .and_then(|fault| fault.trouble())
    }

    #[test]
    fn faults_are_written_as_in_a_scenario() {
        assert_eq!(
            read(r#"{"slow": {"factor": 3, "for": "5m"}}"#),
            Ok((Trouble::Slow(3.0), Some(SimSpan::from_secs(300))))
        );
        assert_eq!(read(r#"{"errors": {"share": 0.2}}"#), Ok((Trouble::Errors(0.2), None)));
        assert_eq!(
            read(r#"{"down": {"hang": true}}"#),
            Ok((Trouble::Down { hang: true }, None))
        );
        for bad in [
            "{}",
            r#"{"slow": {"factor": 0}}"#,
            r#"{"slow": {"factor": 3, "for": "5"}}"#,
            r#"{"errors": {"share": 1.1}}"#,
            r#"{"up": {}}"#,
            r#"{"down": {"hung": true}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
