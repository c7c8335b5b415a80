//! What a table's own keys must say together: one of several, one not above another, one not without another.
//!
//! Owns: the rules within one table, each with the places of the keys that break it.
//! Never: other tables (that is `check.rs`).

use super::diagnostic::Diagnostic;
use super::read::{Fields, Reader};
use super::scenario::{Bound, Event, Load, Measure, MeasureFrom, Phase, Pick, Scenario};
use super::step::{QueryStep, TakeStep};
use super::system::{AlertRule, Database, Entry, Level, Limiter, Model, Over, Pool, Queue, Readings, Scaling, Shed};
use super::tree::At;
use crate::units::show_span;

/// Complains unless exactly one of the keys is there.
pub(super) fn exactly_one(keys: &[&str], fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if fields.given(keys).is_empty() {
        at_least_one(keys, "exactly one", fields, reader);
    } else {
        at_most_one(keys, fields, reader);
    }
}

/// Complains when two of the keys are there.
pub(super) fn at_most_one(keys: &[&str], fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if let [mut first, mut second, ..] = fields.given(keys)[..] {
        // The blame falls on the one that a setting added.
        if is_set(first.1, fields) && !is_set(second.1, fields) {
            std::mem::swap(&mut first, &mut second);
        }
        let ((first, first_at), (second, second_at)) = (first, second);
        let message = format!("{} has both `{first}` and `{second}`", reader.here());
        let help = format!("it takes one of {}", list(keys));
        let diagnostic = Diagnostic::error("file::exclusive-keys", message, second_at, "not both");
        reader.report(diagnostic.and(first_at, "the other").help(help));
    }
}

fn at_least_one(keys: &[&str], how_many: &str, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if fields.given(keys).is_empty() && !fields.misspelt(keys) {
        let message = format!("{} needs {how_many} of {}", reader.here(), list(keys));
        reader.report(Diagnostic::error(
            "file::missing-key",
            message,
            fields.at(),
            "none of them is here",
        ));
    }
}

/// Complains when `key` is there and none of `with` is.
fn only_with(key: &str, with: &[&str], why: &str, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if let Some(at) = fields.place_of(key)
        && fields.given(with).is_empty()
    {
        let message = format!("{} has `{key}` without {}", reader.here(), list_or(with));
        reader.report(Diagnostic::error("file::useless-key", message, at, why));
    }
}

/// Complains that `low` is above `high`.
fn inverted(low: &str, high: &str, texts: [String; 2], fields: &Fields<'_>, reader: &mut Reader<'_>) {
    let message = format!("{}: `{low}` is above `{high}`", reader.here());
    let [low_text, high_text] = texts;
    let diagnostic = match (fields.place_of(low), fields.place_of(high)) {
        (Some(low_at), Some(high_at)) if is_set(low_at, fields) && !is_set(high_at, fields) => {
            let diagnostic = Diagnostic::error("file::range-inverted", message, low_at, format!("at least {low_text}"));
            diagnostic.and(high_at, format!("at most {high_text}"))
        }
        (Some(low_at), Some(high_at)) => {
            let diagnostic =
                Diagnostic::error("file::range-inverted", message, high_at, format!("at most {high_text}"));
            diagnostic.and(low_at, format!("at least {low_text}"))
        }
        (Some(at), None) => {
            let label = format!("at least {low_text}");
            let diagnostic = Diagnostic::error("file::range-inverted", message, at, label);
            diagnostic.help(format!("`{high}` is {high_text} when it is left out"))
        }
        (_, at) => {
            let label = format!("at most {high_text}");
            let diagnostic = Diagnostic::error("file::range-inverted", message, at.unwrap_or(fields.at()), label);
            diagnostic.help(format!("`{low}` is {low_text} when it is left out"))
        }
    };
    reader.report(diagnostic);
}

/// Whether a value stands in another text than its table: a flag or a scenario's `[set]`.
fn is_set(at: At, fields: &Fields<'_>) -> bool {
    at.source != fields.at().source
}

fn list(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match &quoted[..] {
        [first, last] => format!("{first} and {last}"),
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

fn list_or(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    quoted.join(" or ")
}

pub(crate) fn take(_: &TakeStep, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    exactly_one(&["for", "steps"], fields, reader);
}

pub(crate) fn query(_: &QueryStep, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    at_least_one(&["kind", "cpu", "wait"], "one", fields, reader);
    for key in ["cpu", "wait"] {
        at_most_one(&["kind", key], fields, reader);
    }
}

pub(crate) fn shed(_: &Shed, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    at_least_one(&["loop_delay", "in_hand"], "one", fields, reader);
}

pub(crate) fn scaling(scaling: &Scaling, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if scaling.min > scaling.max {
        let texts = [scaling.min.to_string(), scaling.max.to_string()];
        inverted("min", "max", texts, fields, reader);
    }
    if scaling.on && scaling.cpu.is_none() && scaling.memory.is_none() {
        let message = format!("{} is on and has no target", reader.here());
        let at = fields.place_of("on").unwrap_or(fields.at());
        let help = "give `cpu`, `memory` or both a target, as in `cpu = 0.7`";
        reader.report(Diagnostic::error("file::missing-key", message, at, "it would never act").help(help));
    }
}

pub(crate) fn pool(pool: &Pool, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if pool.min > pool.max {
        inverted(
            "min",
            "max",
            [pool.min.to_string(), pool.max.to_string()],
            fields,
            reader,
        );
    }
}

pub(crate) fn queue(_: &Queue, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    only_with(
        "interval",
        &["interval_cap"],
        "a window without a cap does nothing",
        fields,
        reader,
    );
    only_with("interval_cap", &["interval"], "a cap needs a window", fields, reader);
    only_with("window", &["interval"], "there is no window", fields, reader);
}

pub(crate) fn database(database: &Database, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if let Some(max) = database.max_connections {
        let taken = database.reserved.saturating_add(database.others);
        if taken >= max {
            let message = format!("{} has no connection left for the application", reader.here());
            let at = fields.place_of("max_connections").unwrap_or(fields.at());
            let help = format!("`reserved` and `others` take {taken} of {max}");
            reader.report(Diagnostic::error("file::range-inverted", message, at, format!("{max} in all")).help(help));
        }
    }
}

pub(crate) fn entry(_: &Entry, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    at_most_one(&["key", "keys"], fields, reader);
    only_with(
        "popularity",
        &["keys"],
        "who comes decides which key is asked for",
        fields,
        reader,
    );
}

pub(crate) fn model(_: &Model, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    for key in ["first_token", "per_token"] {
        at_most_one(&["latency", key], fields, reader);
    }
}

pub(crate) fn level(_: &Level, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    at_most_one(&["off", "only"], fields, reader);
}

pub(crate) fn readings(_: &Readings, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    at_least_one(&["sockets", "in_hand", "cpu", "memory"], "one", fields, reader);
}

pub(crate) fn alert(_: &AlertRule, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    exactly_one(&["above", "below"], fields, reader);
}

pub(crate) fn limiter(limiter: &Limiter, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if limiter.over == Over::Refuse {
        let why = "a limiter that refuses lets nobody wait";
        if let Some(at) = fields.place_of("max_wait") {
            let message = format!("{} has `max_wait` without `over = \"wait\"`", reader.here());
            reader.report(Diagnostic::error("file::useless-key", message, at, why));
        }
    }
}

pub(crate) fn load(load: &Load, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    exactly_one(
        &["rate", "users", "registered", "phase", "at", "every", "trace"],
        fields,
        reader,
    );
    at_most_one(&["people_per_ip", "ips"], fields, reader);
    only_with("bursts", &["rate", "phase"], "bursts raise a rate", fields, reader);
    only_with(
        "day",
        &["registered", "phase"],
        "the rhythm is that of a registered population",
        fields,
        reader,
    );
    only_with(
        "week",
        &["registered", "phase"],
        "the rhythm is that of a registered population",
        fields,
        reader,
    );
    for (key, why) in [
        ("churn", "there is nobody who could leave"),
        ("sign_ups", "there is nothing to register with"),
    ] {
        only_with(key, &["registered"], why, fields, reader);
    }
    if let (Some(ramp), Some(sign_ups)) = (&load.registered, &load.sign_ups)
        && sign_ups.per_day.is_some()
        && !ramp.is_constant()
    {
        let message = format!(
            "{}: `registered` grows in a way of its own beside `sign_ups.per_day`",
            reader.here()
        );
        let at = fields.place_of("sign_ups").unwrap_or(fields.at());
        let help = "give `registered` at the beginning alone, or leave `per_day` out";
        reader.report(Diagnostic::error("file::exclusive-keys", message, at, "not both").help(help));
    }
    if let Some(people) = &load.people
        && people.pick == Pick::Same
        && fields.given(&["users", "phase"]).is_empty()
    {
        let message = format!("{}: `pick = \"same\"` needs `users`", reader.here());
        let at = fields.place_of("people").unwrap_or(fields.at());
        let label = "only a closed user stays the same person";
        reader.report(Diagnostic::error("file::useless-key", message, at, label));
    }
}

pub(crate) fn phase(_: &Phase, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    exactly_one(&["rate", "users", "registered", "sessions"], fields, reader);
}

pub(crate) fn event(_: &Event, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    exactly_one(&["at", "when"], fields, reader);
    exactly_one(&["fault", "action"], fields, reader);
}

pub(crate) fn bound(bound: &Bound, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    at_least_one(&["above", "below"], "one", fields, reader);
    if let (Some(above), Some(below)) = (bound.above, bound.below)
        && above >= below
    {
        let message = format!(
            "{} can never hold: nothing is above {above} and below {below}",
            reader.here()
        );
        let at = fields.place_of("below").unwrap_or(fields.at());
        reader.report(Diagnostic::error(
            "file::range-inverted",
            message,
            at,
            "too low, or `above` too high",
        ));
    }
}

pub(crate) fn measure(measure: &Measure, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if let (MeasureFrom::At(from), Some(to)) = (measure.from, measure.to)
        && from >= to
    {
        inverted("from", "to", [show_span(from), show_span(to)], fields, reader);
    }
}

pub(crate) fn scenario(scenario: &Scenario, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    at_least_one(&["load", "source"], "one", fields, reader);
    if scenario.as_written {
        at_most_one(&["profile", "as_written"], fields, reader);
    }
}
