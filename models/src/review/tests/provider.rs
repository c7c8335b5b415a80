//! Each rule of `review/provider.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_model_that_is_gone() {
    check(
        "model-withdrawn",
        &["openai.use.chat=gpt-4"],
        "2026-11-24",
        &["openai.use.chat=gpt-4", "catalogue=2025-12-10"],
    );
}

#[test]
fn a_model_that_will_go() {
    check("model-leaves", &["openai.use.chat=gpt-4o"], "2026-11-24", &[]);
}

#[test]
fn tokens_run_out_before_requests() {
    check(
        "tokens-bind-before-requests",
        &["openai.requests_per_minute=1334"],
        "400 prompt + 200 answer = 600 tokens a call; 400,000 tokens a minute / 600 = 667",
        &["openai.requests_per_minute=1333"],
    );
}

#[test]
fn retries_spent_within_one_window() {
    check(
        "retries-inside-one-window",
        &[
            "openai.retry.honour_retry_after=false",
            "openai.retry={ max = 2, wait = { base = \"500ms\" } }",
        ],
        "2 retries within 1.5 s",
        &["openai.retry={ max = 2, wait = { base = \"20s\" } }"],
    );
}

#[test]
fn a_tier_whose_ceiling_is_soon_spent() {
    let old = ["catalogue=2025-12-10", "openai.use.chat=gpt-4"];
    check(
        "spend-ceiling-within-the-month",
        &[old[0], old[1], "openai.tokens_per_minute=300000"],
        "tier 4, which may spend $5,000.00 a month; a call costs $0.024, so 208,333 calls",
        &[old[0], old[1], "openai.tokens_per_minute=299999"],
    );
}

#[test]
fn a_model_faster_than_anybody_measured() {
    check(
        "model-faster-than-measured",
        &["openai.model.gpt-4={ per_token = \"46ms\" }"],
        "46 ms a token in the file, 94 ms in the catalogue",
        &["openai.model.gpt-4={ per_token = \"48ms\" }"],
    );
}

#[test]
fn a_model_without_a_price() {
    check(
        "model-without-price",
        &["openai.model.swift={ latency = \"4s\" }", "openai.use.chat=swift"],
        "no price in the file",
        &["openai.use.chat=swift"],
    );
}
