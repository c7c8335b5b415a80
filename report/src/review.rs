//! A design review as text and as JSON.
//!
//! Owns: the order, the words around the findings and their layout, in `highwater check --design` and beside a run.
//! Never: rules and arithmetic (`highwater_models::review`).

use highwater_models::review::{Allowed, Finding, Review, Severity};
use serde_json::{Value, json};

use crate::paint::{Paint, Style};
use crate::table::wrap_after;
use crate::words::capital;

/// Findings that a run shows; the rest is counted.
const SHOWN: usize = 5;

/// The whole review, for people.
#[must_use]
pub fn render(title: &str, review: &Review, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.text(Style::Heading, &format!("Design review: {title}")));
    text.push_str(&capital(&counts(review)));
    text.push_str(".\n");
    let mut number = 0;
    for severity in Severity::ALL {
        let findings: Vec<&Finding> = of(review, severity).collect();
        if findings.is_empty() {
            continue;
        }
        let heading = format!("{}: {}", capital(severity.plural()), meaning(severity));
        text.push_str(&format!("\n{}\n", paint.text(Style::Heading, &heading)));
        for finding in findings {
            number += 1;
            text.push('\n');
            text.push_str(&paint_lead(
                &wrap_after(&format!("{number:>3}. "), &capital(&finding.title)),
                severity,
                paint,
            ));
            text.push_str(&wrap_after("     why   ", &finding.arithmetic));
            text.push_str(&wrap_after("     cure  ", &finding.cure));
            text.push_str(&wrap_after(
                "     rule  ",
                &format!("{}, about {}", finding.id, finding.subject),
            ));
        }
    }
    if !review.allowed.is_empty() {
        text.push_str(&format!(
            "\n{}\n\n",
            paint.text(Style::Heading, "Allowed by the system file, each with its reason")
        ));
        for Allowed { finding, reason } in &review.allowed {
            text.push_str(&wrap_after("   - ", &capital(&finding.title)));
            text.push_str(&wrap_after("     why   ", &finding.arithmetic));
            text.push_str(&wrap_after("     but   ", reason));
            text.push_str(&wrap_after(
                "     rule  ",
                &format!("{}, about {}", finding.id, finding.subject),
            ));
        }
    }
    if !review.findings.is_empty() {
        text.push_str(
            "\n`highwater explain RULE` says what a rule rests on. What is meant to stay: `[review] allow = { \"RULE\" = \
             \"reason\" }`\nin the system file.\n",
        );
    }
    text
}

/// A few lines beside a run's result; empty when nothing was found.
#[must_use]
pub fn summary(review: &Review, paint: Paint) -> String {
    if review.findings.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{}\n",
        paint.text(Style::Heading, &format!("Design review: {}", counts(review)))
    );
    for finding in review.findings.iter().take(SHOWN) {
        let word = format!("  {:13}  ", finding.severity.text());
        text.push_str(&paint_lead(
            &wrap_after(&word, &format!("{} [{}]", finding.title, finding.id)),
            finding.severity,
            paint,
        ));
    }
    let rest = review.findings.len().saturating_sub(SHOWN);
    let more = if rest > 0 {
        format!("and {rest} more; ")
    } else {
        String::new()
    };
    text.push_str(&wrap_after(
        "  ",
        &format!("{more}`highwater check --design` with this scenario has the arithmetic and the cures"),
    ));
    text
}

/// `3 contradictions, 1 risk, 2 notes`.
#[must_use]
pub fn counts(review: &Review) -> String {
    let mut parts: Vec<String> = Severity::ALL
        .iter()
        .map(|&severity| (severity, review.count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| match count {
            1 => format!("1 {}", severity.text()),
            _ => format!("{count} {}", severity.plural()),
        })
        .collect();
    if parts.is_empty() {
        parts.push("nothing contradicts anything".to_owned());
    }
    if !review.allowed.is_empty() {
        parts.push(format!("{} allowed", review.allowed.len()));
    }
    parts.join(", ")
}

/// The findings as `summary.json` lists them.
#[must_use]
pub fn findings(review: &Review) -> Value {
    review.findings.iter().map(value).collect()
}

/// The whole review as JSON.
#[must_use]
pub fn whole(title: &str, review: &Review) -> Value {
    let allowed: Value = review
        .allowed
        .iter()
        .map(|allowed| {
            let mut value = value(&allowed.finding);
            value["reason"] = allowed.reason.clone().into();
            value
        })
        .collect();
    json!({
        "title": title,
        "consistent": review.is_consistent(),
        "contradictions": review.count(Severity::Contradiction),
        "risks": review.count(Severity::Risk),
        "notes": review.count(Severity::Note),
        "findings": findings(review),
        "allowed": allowed,
    })
}

/// One row for each finding, for a table.
pub fn rows(review: &Review) -> impl Iterator<Item = [String; 6]> {
    review.findings.iter().map(|finding| {
        [
            finding.id.to_owned(),
            finding.severity.text().to_owned(),
            finding.subject.clone(),
            finding.title.clone(),
            finding.arithmetic.clone(),
            finding.cure.clone(),
        ]
    })
}

fn value(finding: &Finding) -> Value {
    json!({
        "id": finding.id,
        "severity": finding.severity.text(),
        "title": finding.title,
        "arithmetic": finding.arithmetic,
        "cure": finding.cure,
        "where": finding.subject,
    })
}

fn of(review: &Review, severity: Severity) -> impl Iterator<Item = &Finding> {
    review
        .findings
        .iter()
        .filter(move |finding| finding.severity == severity)
}

const fn meaning(severity: Severity) -> &'static str {
    match severity {
        Severity::Contradiction => "these settings do not do what they say",
        Severity::Risk => "these hold until something happens that will happen",
        Severity::Note => "worth knowing before relying on it",
    }
}

/// How a severity is painted.
pub(crate) const fn style(severity: Severity) -> Style {
    match severity {
        Severity::Contradiction => Style::Bad,
        Severity::Risk => Style::Open,
        Severity::Note => Style::Normal,
    }
}

/// Paints the first line; the others stand below it as they are.
fn paint_lead(lines: &str, severity: Severity, paint: Paint) -> String {
    let style = style(severity);
    let lines: Vec<String> = lines.lines().map(|line| paint.text(style, line) + "\n").collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, title: &str) -> Finding {
        Finding {
            id: "a-rule",
            severity,
            subject: "web.plan".to_owned(),
            title: title.to_owned(),
            arithmetic: "20 x 10 instances = 200; 25 - 3 reserved = 22".to_owned(),
            cure: "--set connections.max=2".to_owned(),
        }
    }

    fn sample() -> Review {
        Review {
            findings: vec![
                finding(Severity::Contradiction, "the pools do not fit"),
                finding(Severity::Note, "one instance"),
            ],
            allowed: vec![Allowed {
                finding: finding(Severity::Risk, "a risk"),
                reason: "we know".to_owned(),
            }],
        }
    }

    // Lost if broken: a founder who cannot tell what is wrong from what to do about it.
    #[test]
    fn each_finding_has_its_why_its_cure_and_its_rule() {
        assert_eq!(
            render("Shop", &sample(), Paint::Plain),
            "\
Design review: Shop
1 contradiction, 1 note, 1 allowed.

Contradictions: these settings do not do what they say

  1. The pools do not fit
     why   20 x 10 instances = 200; 25 - 3 reserved = 22
     cure  --set connections.max=2
     rule  a-rule, about web.plan

Notes: worth knowing before relying on it

  2. One instance
     why   20 x 10 instances = 200; 25 - 3 reserved = 22
     cure  --set connections.max=2
     rule  a-rule, about web.plan

Allowed by the system file, each with its reason

   - A risk
     why   20 x 10 instances = 200; 25 - 3 reserved = 22
     but   we know
     rule  a-rule, about web.plan

`highwater explain RULE` says what a rule rests on. What is meant to stay: `[review] allow = { \"RULE\" = \"reason\" }`
in the system file.
"
        );
        assert_eq!(
            render("Shop", &Review::default(), Paint::Plain),
            "Design review: Shop\nNothing contradicts anything.\n"
        );
    }

    // Lost if broken: a result drowned in its review, or a run that says nothing of it.
    #[test]
    fn a_run_shows_the_worst_and_counts_the_rest() {
        assert_eq!(summary(&Review::default(), Paint::Plain), "");
        let mut review = sample();
        review
            .findings
            .extend((0..6).map(|_| finding(Severity::Note, "one more")));
        let text = summary(&review, Paint::Plain);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Design review: 1 contradiction, 7 notes, 1 allowed");
        assert_eq!(lines[1], "  contradiction  the pools do not fit [a-rule]");
        assert_eq!(lines.len(), 7);
        assert!(lines[6].starts_with("  and 3 more; "), "{text}");
    }

    // Lost if broken: a pipeline that reads the review.
    #[test]
    fn json_has_the_keys_of_the_contract() {
        let value = whole("Shop", &sample());
        assert_eq!(value["consistent"], false);
        for key in ["id", "severity", "title", "arithmetic", "cure", "where"] {
            assert!(value["findings"][0][key].is_string(), "{key}");
        }
        assert_eq!(value["allowed"][0]["reason"], "we know");
    }
}
