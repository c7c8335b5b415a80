//! Each rule of `review/load.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_load_over_the_cpu() {
    check_load("load-over-cpu", &["load.users=1100"], "cores", &["load.users=900"]);
}

#[test]
fn a_load_over_the_queue() {
    // 100 a minute on each of two instances are 3.33 a second; a session takes 43 s and asks once.
    check_load(
        "load-over-queue",
        &["load.users=150"],
        "1.67 a second x 2 instances = 3.33",
        &["load.users=140"],
    );
}

#[test]
fn a_load_over_the_account() {
    check_load(
        "load-over-provider",
        &["openai.tokens_per_minute=12000"],
        "the account has 12,000",
        &["openai.tokens_per_minute=18000"],
    );
}

#[test]
fn a_load_over_the_database() {
    check_load(
        "load-over-database",
        &["load.users=11000"],
        "it has 0.5",
        &["load.users=10000"],
    );
}
