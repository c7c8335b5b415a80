//! Each rule of `review/plan.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_database_that_is_deleted() {
    check(
        "free-database-is-deleted",
        &["postgres.plan=free"],
        "30 days",
        &["postgres.plan=basic-256mb"],
    );
}

#[test]
fn a_service_that_sleeps() {
    check(
        "free-service-sleeps",
        &["web.plan=free"],
        "15 minutes",
        &["web.plan=starter"],
    );
}

#[test]
fn a_cache_that_forgets() {
    check(
        "free-cache-forgets",
        &["redis.plan=free"],
        "25 MB",
        &["redis.plan=starter"],
    );
}

#[test]
fn an_earlier_catalogue() {
    check(
        "catalogue-is-not-the-latest",
        &["catalogue=2025-12-10", "openai.use.chat=swift"],
        "edition 2025-12-10 in the file, the latest is 2026-11-24",
        &["catalogue=2026-11-24"],
    );
}

#[test]
fn more_cores_than_the_plan_has() {
    check(
        "cores-above-plan",
        &["web.cores=1.5"],
        "1.5 in the file, 1 in",
        &["web.cores=0.5"],
    );
}

#[test]
fn more_memory_than_the_plan_has() {
    check(
        "memory-above-plan",
        &["web.memory.limit=3 GB"],
        "3 GB in the file, 2 GB in `standard`",
        &["web.memory.limit=2 GB"],
    );
}
