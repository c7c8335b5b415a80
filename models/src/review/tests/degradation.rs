//! Each rule of `review/degradation.rs` in a system that breaks it, and in one that comes close.

use super::*;

fn level(rest: &str) -> String {
    format!("degradation.level=[ {{ name = \"busy\", {rest} }} ]")
}

#[test]
fn a_cpu_reading_that_is_never_true() {
    let on_cpu = level("above = { cpu = 0.5 }, off = [ \"extras\" ]");
    check(
        "degradation-cannot-read-cpu",
        &[&on_cpu, "degradation.reads=as_written"],
        "is false",
        &["degradation.reads=as_written"],
    );
}

#[test]
fn a_level_out_of_reach() {
    let cpu = |threshold: &str| level(&format!("above = {{ cpu = {threshold} }}, off = [ \"extras\" ]"));
    let no_work = "endpoint.sign.steps=[ { query = \"row\" } ]";
    check(
        "degradation-out-of-reach",
        &["web.plan=pro", no_work, &cpu("0.5")],
        "1 event loop of 2 cores: the CPU shows 50 % at most; the threshold is 50 %",
        &["web.plan=pro", no_work, &cpu("0.49")],
    );
    check(
        "degradation-out-of-reach",
        &["web.max_in_hand=500"],
        "above 500; an instance takes 500 at most",
        &["web.max_in_hand=501"],
    );
}

#[test]
fn a_level_hidden_by_one_before_it() {
    let levels = |first: u32, second: u32| {
        format!(
            "degradation.level=[ {{ name = \"a\", above = {{ in_hand = {first} }}, off = [ \"extras\" ] }}, \
             {{ name = \"b\", above = {{ in_hand = {second} }}, off = [ \"extras\" ] }} ]"
        )
    };
    check(
        "degradation-level-hidden",
        &[&levels(300, 300)],
        "in_hand above 300 is `a` already above 300",
        &[&levels(300, 299)],
    );
}

#[test]
fn a_level_that_changes_nothing() {
    check(
        "degradation-changes-nothing",
        &[&level("above = { in_hand = 500 }")],
        "0 features",
        &[&level(
            "above = { in_hand = 500 }, set = { \"openai.use.chat\" = \"swift\" }",
        )],
    );
}

#[test]
fn a_level_that_names_what_is_not_there() {
    check(
        "degradation-names-no-feature",
        &[&level("above = { in_hand = 500 }, off = [ \"extras\", \"holograms\" ]")],
        "1 of the features",
        &[],
    );
}

#[test]
fn a_level_without_payments() {
    let payments = "endpoint.page.feature=payments";
    check(
        "degradation-turns-payments-off",
        &[payments, &level("above = { in_hand = 500 }, only = [ \"chat\" ]")],
        "0 of 1 features stay on",
        &[payments, &level("above = { in_hand = 500 }, only = [ \"payments\" ]")],
    );
}
