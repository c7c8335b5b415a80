//! Theory: every case of `highwater validate`, each at one seed and a third as long as the command runs it.
//!
//! Seeds are fixed, so a test passes always or never. What an interval has to be like is in `highwater_sim::validate`;
//! that the cases would see a fault is in `mutants.rs`.

use std::fs;
use std::sync::atomic::AtomicBool;

use highwater_report::paint::Paint;
use highwater_report::validation;
use highwater_sim::validate::{self, Case, Depth, Group, Tested};
use highwater_tests::run::workspace;

/// Runs the cases of a group.
#[track_caller]
fn check(group: Group) {
    let mut cases = validate::all();
    cases.retain(|case| case.group == group);
    assert!(!cases.is_empty(), "{group:?} has no case");
    let tested = validate::run(&cases, Depth::Quick, 1, &|_: f64| {}, &AtomicBool::new(false)).expect("they run");
    let text = validation::render(&tested, Depth::Quick, true, Paint::Plain);
    println!("{text}");
    assert!(tested.iter().all(Tested::agrees), "{text}");
}

// Lost if broken: the simplest queue of all, and that a wait depends on how service and gaps vary, and on their order.
#[test]
fn one_server() {
    check(Group::OneServer);
}

// Lost if broken: lines before several servers, and who is refused where there are few places or none.
#[test]
fn several_servers() {
    check(Group::Servers);
}

// Lost if broken: those who give up, and the time they take out of the line with them.
#[test]
fn patience() {
    check(Group::Patience);
}

// Lost if broken: cores that are shared, an event loop's slices, threads beside it, a quota's freeze.
#[test]
fn processors() {
    check(Group::Processors);
}

// Lost if broken: stations in a row, requests that split, a fixed number of people whose load follows the system.
#[test]
fn networks() {
    check(Group::Networks);
}

// Lost if broken: people of a paid class who go first.
#[test]
fn priorities() {
    check(Group::Priorities);
}

// Lost if broken: what a balancer is worth.
#[test]
fn balancing() {
    check(Group::Balancing);
}

// Lost if broken: what a cache answers when some keys are asked for more often than others, and what a fetch costs.
#[test]
fn caches() {
    check(Group::Caches);
}

// Lost if broken: whom a rate limit turns away.
#[test]
fn rate_limiters() {
    check(Group::Limiters);
}

// Lost if broken: the cap of a job queue, and jobs that run for too long.
#[test]
fn job_queues() {
    check(Group::Windows);
}

// Lost if broken: how many attempts a request takes, and what keeps them from being too many.
#[test]
fn retries_and_breakers() {
    check(Group::Retries);
}

// Lost if broken: a worker that waits with its hands full.
#[test]
fn simultaneous_possession() {
    check(Group::Possession);
}

// Lost if broken: traffic that comes all at once.
#[test]
fn bursts_and_batches() {
    check(Group::Bursts);
}

// Lost if broken: what happens in the minutes after a change, which no steady state shows.
#[test]
fn transients() {
    check(Group::Transients);
}

// Lost if broken: when instances come and go.
#[test]
fn scaling_deploys_and_deaths() {
    check(Group::Lives);
}

// Lost if broken: refusing early, and what faults do.
#[test]
fn protection_and_faults() {
    check(Group::Protection);
}

// Lost if broken: a provider's limits, its speed and its bill.
#[test]
fn providers_and_money() {
    check(Group::Providers);
}

// Lost if broken: a page that praises cases which are no longer run, or keeps quiet about new ones.
#[test]
fn the_page_has_every_case_and_its_figures_and_no_other() {
    let text = fs::read_to_string(workspace().join("docs/validation.md")).expect("the page is there");
    let sections: Vec<&str> = text.split("\n### ").skip(1).collect();
    let written: Vec<&str> = sections.iter().filter_map(|section| section.lines().next()).collect();
    let cases = validate::all();
    let ids: Vec<&str> = cases.iter().map(|case| case.id).collect();
    let cure = "`cargo xtask validation` writes the page anew";
    assert_eq!(written, ids, "{cure}");
    for (case, section) in cases.iter().zip(&sections) {
        let Case { id, source, checks, .. } = case;
        assert!(section.contains(source), "{id}: another source; {cure}");
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let figures: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
        let expected: Vec<String> = checks.iter().map(|check| check.reading.name()).collect();
        assert_eq!(figures, expected, "{id}: {cure}");
        assert!(
            !section.contains("| differs |") && !section.contains("| vague |"),
            "{id}: the page shows that it does not agree"
        );
    }
}
