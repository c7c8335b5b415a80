//! The review of a design without a simulation: settings that contradict each other or the parts they are about.
//!
//! Owns: the rules, each with its arithmetic and its cure; what a system file has allowed.
//! Never: a run, randomness, layout (that is `report/`).
//! Order: findings by severity, then in the order of the rules. A rule looks at one checked system, and at a scenario
//! where there is one: for how many come, and for how far the autoscaler may go.
//!
//! Rules speak up only where figures leave no way out. What is left out of a file is ideal, so a textbook queue has
//! nothing to be reviewed.

mod alert;
mod average;
mod cache;
mod call;
mod connections;
mod cpu;
mod degradation;
mod design;
mod finding;
mod limiter;
mod lives;
mod load;
mod memory;
mod money;
mod plan;
mod provider;
mod queue;
mod reference;
mod retry;
mod rule;
mod scaling;
#[cfg(test)]
mod tests;
mod timeout;
mod traffic;
mod unused;
mod words;

pub use finding::{Allowed, Finding, Review, Severity};
pub use reference::reference;
pub use rule::{Rule, find, ids, rules};

use crate::file::{Scenario, System};
use design::Design;

/// Every rule applied to a checked system, and to the scenario that it is to stand.
#[must_use]
pub fn review(system: &System, scenario: Option<&Scenario>) -> Review {
    let design = Design::new(system, scenario);
    let mut review = Review::default();
    for rule in rules() {
        for found in (rule.check)(&design) {
            let finding = Finding {
                id: rule.id,
                severity: rule.severity,
                subject: found.subject,
                title: found.title,
                arithmetic: found.arithmetic,
                cure: found.cure,
            };
            match system.review.allow.get(rule.id) {
                Some(reason) => review.allowed.push(Allowed {
                    finding,
                    reason: reason.clone(),
                }),
                None => review.findings.push(finding),
            }
        }
    }
    // Stable: within a severity the rules stay in their order.
    review.findings.sort_by_key(|finding| finding.severity);
    review.allowed.sort_by_key(|allowed| allowed.finding.severity);
    review
}
