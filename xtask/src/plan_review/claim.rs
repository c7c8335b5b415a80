//! A claim of the plan, and what its cases find.

use serde::Deserialize;
use serde_json::Value;

use super::command::Commands;

/// All claims.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// Words before the claims.
    pub preface: String,
    /// In the order of the plan.
    pub claim: Vec<Claim>,
}

/// Something that the plan says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Short name, unique.
    pub id: String,
    /// Part of the plan.
    pub part: String,
    /// What the plan says.
    pub says: String,
    /// Why it is as found, in a sentence or two.
    pub because: String,
    /// Whether it is run on every change.
    #[serde(default)]
    pub quick: bool,
    /// What was tried.
    pub case: Vec<Case>,
}

/// A command and what in its result decides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// "as written", "as meant", "hardened", or what else it is.
    pub name: String,
    /// The command's arguments, without `highwater`.
    pub command: String,
    /// What was found: "holds", "does not hold", "open" or "shown".
    pub expect: String,
    /// Figures to show.
    #[serde(default)]
    pub figure: Vec<Figure>,
    /// What must be so for the claim to hold.
    #[serde(default)]
    pub holds: Vec<Bound>,
    /// A finding of the design review whose presence contradicts the claim.
    pub contradicted_by: Option<String>,
}

/// A figure of the result.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Its path in the JSON.
    pub path: String,
    /// In words.
    pub name: String,
    /// "share", "seconds", "dollars", "count" or "rate".
    pub unit: String,
}

/// A bound on a figure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Its path in the JSON.
    pub path: String,
    /// At most.
    pub most: Option<f64>,
    /// At least.
    pub least: Option<f64>,
}

/// What became of a claim.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The whole interval is within the bounds.
    Holds,
    /// The whole interval is outside one of them.
    Fails,
    /// The interval reaches over a bound.
    Open,
    /// Nothing to decide: figures only.
    Shown,
}

impl Answer {
    /// As written in the claims and on the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "does not hold",
            Self::Open => "open",
            Self::Shown => "shown",
        }
    }
}

/// What a case found.
pub struct Finding {
    /// Whether the claim holds.
    pub answer: Answer,
    /// Figures in words.
    pub figures: Vec<String>,
}

/// A cause that was never met does not stand among the errors.
const NEVER_MET: Value = Value::Null;

impl Case {
    fn value<'v>(&self, result: &'v Value, path: &str) -> Result<&'v Value, String> {
        match at(result, path) {
            Some(value) => Ok(value),
            None if path.starts_with("errors.by_cause.") => Ok(&NEVER_MET),
            None => Err(format!("`{}` has no `{path}`", self.command)),
        }
    }

    /// Runs the command and reads the answer.
    pub fn find(&self, commands: &mut Commands) -> Result<Finding, String> {
        let result = commands.result(&self.command)?;
        let mut figures = Vec::new();
        for figure in &self.figure {
            let value = self.value(&result, &figure.path)?;
            figures.push(format!("{} {}", figure.name, in_words(value, &figure.unit)?));
        }
        if let Some(id) = &self.contradicted_by {
            let findings = result.get("findings").and_then(Value::as_array);
            let findings = findings.ok_or("a design review without findings")?;
            let of_rule = findings.iter().find(|finding| finding["id"] == id.as_str());
            let arithmetic = of_rule.and_then(|finding| finding["arithmetic"].as_str());
            figures.extend(arithmetic.map(str::to_owned));
            let answer = if of_rule.is_some() {
                Answer::Fails
            } else {
                Answer::Holds
            };
            return Ok(Finding { answer, figures });
        }
        let mut answer = if self.holds.is_empty() {
            Answer::Shown
        } else {
            Answer::Holds
        };
        for bound in &self.holds {
            let value = self.value(&result, &bound.path)?;
            // A count of one run has no interval; what it says is then what is.
            let (low, high) = interval(value).ok_or_else(|| format!("`{}` is no figure", bound.path))?;
            let this = if bound.most.is_some_and(|most| low > most) || bound.least.is_some_and(|least| high < least) {
                Answer::Fails
            } else if bound.most.is_some_and(|most| high > most) || bound.least.is_some_and(|least| low < least) {
                Answer::Open
            } else {
                Answer::Holds
            };
            answer = match (answer, this) {
                (Answer::Fails, _) | (_, Answer::Fails) => Answer::Fails,
                (Answer::Open, _) | (_, Answer::Open) => Answer::Open,
                _ => Answer::Holds,
            };
        }
        Ok(Finding { answer, figures })
    }
}

/// The value at a dotted path; names with dots stand in quotes, and what stands in a list goes by its `name`.
pub fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let mut at = value;
    let mut rest = path;
    while !rest.is_empty() {
        let (name, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"')?;
            (&quoted[..end], quoted[end + 1..].trim_start_matches('.'))
        } else {
            rest.split_once('.').unwrap_or((rest, ""))
        };
        at = match at {
            Value::Array(items) => items.iter().find(|item| item["name"] == name)?,
            other => other.get(name)?,
        };
        rest = after;
    }
    Some(at)
}

/// The interval of a figure: of an estimate its own, of a plain number that number.
fn interval(value: &Value) -> Option<(f64, f64)> {
    if *value == NEVER_MET {
        return Some((0.0, 0.0));
    }
    if let Some(number) = value.as_f64() {
        return Some((number, number));
    }
    let middle = value.get("value")?.as_f64()?;
    let bound = |name: &str| value.get(name).and_then(Value::as_f64).unwrap_or(middle);
    Some((bound("low"), bound("high")))
}

/// A figure with its interval, in words.
fn in_words(value: &Value, unit: &str) -> Result<String, String> {
    if *value == NEVER_MET || value.get("value").is_some_and(Value::is_null) {
        return Ok("none".to_owned());
    }
    let middle = value.as_f64().or_else(|| value.get("value").and_then(Value::as_f64));
    let middle = middle.ok_or_else(|| format!("no figure: {value}"))?;
    let (low, high) = interval(value).ok_or_else(|| format!("no figure: {value}"))?;
    let (scale, before, after) = match unit {
        "share" => (100.0, "", " %"),
        "seconds" => (1.0, "", " s"),
        "dollars" => (1.0, "$", ""),
        "rate" => (1.0, "", " a second"),
        "count" => (1.0, "", ""),
        other => return Err(format!("no unit \"{other}\"")),
    };
    let write = |x: f64| format!("{before}{}", rounded(x * scale));
    let (shown, from, to) = (write(middle), write(low), write(high));
    Ok(if from == to {
        format!("{shown}{after}")
    } else {
        format!("{shown}{after} ({from} to {to})")
    })
}

/// Three figures that count, thousands apart.
fn rounded(x: f64) -> String {
    let size = x.abs();
    let decimals = match size {
        _ if size == 0.0 || size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{size:.decimals$}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part = part.trim_end_matches('0');
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if x < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        "-"
    } else {
        ""
    };
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_goes_through_tables_lists_and_quoted_names() {
        let value = json!({ "a": { "b.c": [ { "name": "x", "d": 1 }, { "name": "y", "d": 2 } ] } });
        assert_eq!(at(&value, "a.\"b.c\".y.d"), Some(&json!(2)));
        assert_eq!(at(&value, "a.\"b.c\".0"), None);
        assert_eq!(at(&value, "a.b"), None);
    }

    #[test]
    fn figures_are_rounded_and_keep_their_interval() {
        let estimate = json!({ "value": 0.5617, "low": 0.5512, "high": 0.5722 });
        assert_eq!(in_words(&estimate, "share").unwrap(), "56.2 % (55.1 to 57.2)");
        assert_eq!(in_words(&json!(76550.4), "dollars").unwrap(), "$76,550");
        assert_eq!(in_words(&json!(-0.5), "dollars").unwrap(), "$-0.5");
        assert_eq!(in_words(&json!(null), "seconds").unwrap(), "none");
        assert!(in_words(&json!(1.0), "bushels").is_err());
    }
}
