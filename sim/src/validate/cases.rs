//! Every case, in the order of their groups.
//!
//! Owns: files and the figures to be read from them. Never: formulas (`theory`).
//! What a system leaves out is ideal, so each case is the queue that it is about and nothing else.

mod balancing;
mod bursts;
mod caches;
mod limiters;
mod lives;
mod networks;
mod one_server;
mod patience;
mod possession;
mod priorities;
mod processors;
mod protection;
mod providers;
mod retries;
mod servers;
mod transients;
mod windows;

use super::case::Case;

/// An exponential service of 100 ms, as most cases have.
const EXPONENTIAL: &str = r#"{ dist = "exponential", mean = "100ms" }"#;

/// Every case.
#[must_use]
pub fn all() -> Vec<Case> {
    let groups = [
        one_server::cases,
        servers::cases,
        patience::cases,
        processors::cases,
        networks::cases,
        priorities::cases,
        balancing::cases,
        caches::cases,
        limiters::cases,
        windows::cases,
        retries::cases,
        possession::cases,
        bursts::cases,
        transients::cases,
        lives::cases,
        protection::cases,
        providers::cases,
    ];
    groups.into_iter().flat_map(|cases| cases()).collect()
}

/// A pool of plain slots, and one endpoint that takes a slot for a time.
fn station(pool: &str, service: &str) -> String {
    format!(
        "[system.pool.servers]\n{pool}\n\n[system.endpoint.job]\n\
         steps = [ {{ take = {{ from = \"servers\", for = {service} }} }} ]\n"
    )
}

/// A service that runs these steps, and nothing else.
fn service(settings: &str, steps: &str) -> String {
    format!("[system.service.web]\n{settings}\n\n[system.endpoint.job]\nsteps = [ {steps} ]\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    // Lost if broken: a case that never runs, two that answer to one name, and a formula outside its domain.
    #[test]
    fn every_case_is_a_plan_with_figures_and_a_name_of_its_own() {
        let cases = all();
        assert!(cases.len() >= 60, "{} cases", cases.len());
        let ids: BTreeSet<&str> = cases.iter().map(|case| case.id).collect();
        assert_eq!(ids.len(), cases.len(), "two cases of one name");
        assert!(cases.is_sorted_by_key(|case| case.group), "groups stand together");
        for case in &cases {
            if let Err(mistakes) = case.plan() {
                panic!("{}: {mistakes}", case.id);
            }
            assert!(!case.checks.is_empty(), "{}: nothing is checked", case.id);
            assert!(!case.shows.is_empty() && !case.source.is_empty(), "{}", case.id);
            for check in &case.checks {
                let value = check.expectation.value();
                assert!(value.is_finite(), "{}: {} is {value}", case.id, check.reading.name());
            }
        }
    }
}
