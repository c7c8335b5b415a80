//! The list of rules as a page of the manual.
//!
//! Owns: the text of `docs/design-review.md`, which a test keeps up to date.

use super::finding::Severity;
use super::rule::{Rule, rules};

const HEAD: &str = "\
# The design review

`highwater check --design SYSTEM` reads a system, or a scenario with its system, and reports settings that contradict each
other or the parts they are about. Nothing is simulated, so it takes no time, and it finds only what arithmetic can find: a
review without findings is not a system that holds. `highwater run` shows the worst findings beside its results.

A *contradiction* does not do what it says. A *risk* works until something happens that will happen. A *note* is worth
knowing before one relies on it. The command ends with 1 when there is a contradiction, with 0 when there is none, and with
2 when the file has a mistake.

A finding that is meant to stay is allowed in the system file by the rule's id, with the reason:

```toml
[review]
allow = { \"single-instance\" = \"a minute out is cheaper than a second instance\" }
```

`highwater explain RULE` says the same about one rule. This page is written from the rules: after a change of one,
`HIGHWATER_UPDATE=1 cargo test -p highwater-models --lib review` writes it anew.
";

/// The page.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for severity in Severity::ALL {
        let of_it: Vec<&Rule> = rules().filter(|rule| rule.severity == severity).collect();
        let mut title = severity.plural().to_owned();
        if let Some(first) = title.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        text.push_str(&format!("\n## {title}: {}\n\n", of_it.len()));
        text.push_str("| rule | what it finds | it rests on |\n|---|---|---|\n");
        for rule in of_it {
            text.push_str(&format!(
                "| `{}` | {} | {} ({}) |\n",
                rule.id, rule.meaning, rule.source, rule.date
            ));
        }
    }
    text
}
