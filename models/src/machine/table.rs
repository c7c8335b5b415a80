//! Rule tables for the tests of the machines: rows of a time, an input and what must come of it.

use crate::{SimSpan, SimTime};

/// Runs each row `time input | expected` through `act` and compares. What follows `//` is a remark.
pub(super) fn check(table: &str, mut act: impl FnMut(SimTime, &[&str]) -> String) {
    for row in table.lines() {
        let row = row.split("//").next().unwrap_or_default().trim();
        if row.is_empty() {
            continue;
        }
        let (input, expected) = row.split_once('|').unwrap_or((row, ""));
        let words: Vec<&str> = input.split_whitespace().collect();
        let came = act(SimTime::ZERO + span(words[0]), &words[1..]);
        assert_eq!(came, expected.trim(), "in the row: {row}");
    }
}

/// A length of time such as `5ms`.
pub(super) fn span(text: &str) -> SimSpan {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: u64 = text[..split].parse().unwrap_or_else(|_| panic!("no time: {text}"));
    match &text[split..] {
        "ns" => SimSpan::from_nanos(number),
        "ms" => SimSpan::from_millis(number),
        "s" => SimSpan::from_secs(number),
        "m" => SimSpan::from_secs(60 * number),
        "h" => SimSpan::from_secs(3600 * number),
        unit => panic!("no unit: {unit}"),
    }
}

/// A length of time as the tables write it, in the largest unit that leaves no fraction.
pub(super) fn shown(span: SimSpan) -> String {
    if span == SimSpan::FOREVER {
        return "never".to_owned();
    }
    match span.nanos() {
        nanos if nanos % 1_000_000_000 == 0 => format!("{}s", nanos / 1_000_000_000),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", nanos / 1_000_000),
        nanos => format!("{nanos}ns"),
    }
}
