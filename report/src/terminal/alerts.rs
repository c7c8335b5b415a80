//! Monitoring in plain words: which rule fired when, how late and how early, what was sent and what was lost.
//!
//! Owns: the sentences. A system without rules has no such section.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::{Alert, Alerts, Summary};

use crate::number;
use crate::paint::{Paint, Style};
use crate::table::{Align, Cell, Table, wrap};

/// The tables of rules and channels, and what has to be said beside them.
pub fn sections(summary: &Summary, paint: Paint) -> Vec<String> {
    let alerts = &summary.alerts;
    if alerts.rules.is_empty() {
        return Vec::new();
    }
    let mut parts = vec![
        rules(alerts, summary.replications).render(paint),
        remarks(alerts, summary),
    ];
    let channels = channels(summary);
    if !channels.is_empty() {
        parts.push(channels.render(paint));
    }
    parts
}

/// Each rule and what it did.
pub fn rules(alerts: &Alerts, replications: u32) -> Table {
    let mut table = Table::new(
        "Alerts",
        &[
            (Align::Left, "fires when"),
            (Align::Right, "fired"),
            (Align::Right, "first at"),
            (Align::Right, "late by"),
            (Align::Left, "users noticed"),
        ],
    );
    for alert in &alerts.rules {
        let than = if alert.is_above { "above" } else { "below" };
        let mut when = format!("{} {than} {}", alert.watch, number::bound(alert.threshold, alert.unit));
        if alert.lasting > 0.0 {
            when.push_str(&format!(" for {}", number::span_words(alert.lasting)));
        }
        let style = if alert.fired_in > 0 { Style::Bad } else { Style::Normal };
        table.row(
            alert.name.as_str(),
            vec![
                when.into(),
                Cell::new(style, fired(alert, replications)),
                seconds(&alert.first_at).into(),
                seconds(&alert.delay).into(),
                users(alert).into(),
            ],
        );
    }
    table
}

fn fired(alert: &Alert, replications: u32) -> String {
    if alert.cannot_fire.is_some() {
        "cannot".to_owned()
    } else if alert.fired_in == 0 {
        if alert.held_in > 0 { "missed it" } else { "never" }.to_owned()
    } else if alert.fired_in < replications {
        format!("{} of {replications} runs", alert.fired_in)
    } else {
        format!("{} ×", number::count(alert.fired.value))
    }
}

/// What the alarm was worth to those who use the product.
fn users(alert: &Alert) -> String {
    let warning = alert.warning.value;
    if alert.fired_in == 0 {
        String::new()
    } else if warning.is_nan() {
        "nothing".to_owned()
    } else if warning > 0.0 {
        format!("{} later", number::span_words(warning))
    } else if warning < 0.0 {
        format!("{} before", number::span_words(-warning))
    } else {
        "then".to_owned()
    }
}

fn seconds(estimate: &Estimate) -> String {
    if estimate.value.is_finite() {
        number::value(estimate.value, Unit::Seconds)
    } else {
        String::new()
    }
}

/// What has to be said beside the tables, a line for each wrapped sentence.
pub fn remarks(alerts: &Alerts, summary: &Summary) -> String {
    let mut text = String::new();
    let mut say = |sentence: String| text.push_str(&wrap(&sentence, 0));
    let slow = alerts.slow.map_or_else(String::new, |slow| {
        format!(" or took longer than {}", number::span_words(slow))
    });
    if alerts.noticed_in > 0 {
        say(format!(
            "Users noticed after {} (the first ten seconds in which more than 5 % of requests, and at least three, \
             failed{slow}), in {} of {} runs.",
            number::span_words(alerts.noticed_at.value),
            alerts.noticed_in,
            summary.replications,
        ));
    } else {
        say(format!(
            "Users noticed nothing: in no ten seconds more than 5 % of requests failed{slow}."
        ));
    }
    for alert in &alerts.rules {
        if let Some(why) = &alert.cannot_fire {
            say(format!("`{}` cannot fire: {why}.", alert.name));
        } else if alert.fired_in == 0 && alert.held_in > 0 {
            say(format!(
                "`{}` did not fire though its condition held for a while, first after {}: looks {} apart did not see it.",
                alert.name,
                number::span_words(alert.held_at.value),
                number::span_words(alerts.every),
            ));
        }
        if alert.channels.is_empty() {
            say(format!(
                "`{}` tells nobody: no channel carries {}.",
                alert.name, alert.level
            ));
        }
    }
    for channel in &alerts.silent {
        say(format!("`{}` never carries anything: {}.", channel.name, channel.why));
    }
    text
}

/// What each channel carried.
pub fn channels(summary: &Summary) -> Table {
    let figures = &summary.figures;
    let mut table = Table::new(
        "Messages",
        &[
            (Align::Right, "sent"),
            (Align::Right, "repeated"),
            (Align::Right, "lost"),
            (Align::Right, "dollars"),
        ],
    );
    for name in figures.children(&["notifications"]) {
        let of = |key: &str| figures.value(&["notifications", name, key]);
        if of("sent") + of("lost") == 0.0 {
            continue;
        }
        let lost = of("lost");
        let style = if lost > 0.0 { Style::Bad } else { Style::Normal };
        table.row(
            name,
            vec![
                number::count(of("sent")).into(),
                number::count(of("repeats")).into(),
                Cell::new(style, number::count(lost)),
                number::value(of("cost"), Unit::Dollars).into(),
            ],
        );
    }
    table
}
