//! Alerts that cannot fire, that nobody hears, and what nothing watches.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{list, many, ticked};
use crate::file::Name;
use crate::file::system::{AlertRule, Alerts};
use crate::reach::{CanFire, can_fire, reach};
use crate::units::show_number;
use crate::watch::Watch;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "alert-cannot-fire",
        severity: Severity::Contradiction,
        meaning: "The alert's threshold is at or above the most that what it watches can show.",
        source: "pg-pool 3.14.0 index.js: never more than `max`; nodejs.org, don't block the event loop",
        date: "2026-11-24",
        check: cannot_fire,
    },
    Rule {
        id: "alert-reaches-nobody",
        severity: Severity::Contradiction,
        meaning: "No channel carries alerts of that level.",
        source: "by definition of the channels' levels",
        date: "2026-11-24",
        check: reaches_nobody,
    },
    Rule {
        id: "alert-looks-too-seldom",
        severity: Severity::Note,
        meaning: "The monitor looks more seldom than an instance needs to fail its checks and be restarted: the cause is \
                  over before anybody is told.",
        source: "render.com/docs/health-checks: restarted after 60 s",
        date: "2026-11-24",
        check: too_seldom,
    },
    Rule {
        id: "nothing-watches",
        severity: Severity::Note,
        meaning: "There are alerts, and none on what users feel first or what kills an instance: latency, errors, memory, \
                  the provider's refusals.",
        source: "the four golden signals; v8 heap.cc: a full heap is a death, not a slow-down",
        date: "2026-11-24",
        check: blind_spots,
    },
    Rule {
        id: "mail-trial-ends",
        severity: Severity::Note,
        meaning: "A channel of mail costs nothing: the provider's free offer is a trial, with few mails a day.",
        source: "SendGrid price list (third party's copy): 60 days, 100 mails a day",
        date: "2026-08-13",
        check: mail_trial,
    },
];

fn alerts<'a>(design: &Design<'a>) -> Option<&'a Alerts> {
    design.system.alerts.as_ref().filter(|alerts| !alerts.rule.is_empty())
}

fn cannot_fire(design: &Design<'_>) -> Vec<Found> {
    let Some(alerts) = alerts(design) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, rule) in alerts.rule.iter() {
        let (title, why) = match can_fire(design.system, rule) {
            CanFire::Yes => continue,
            CanFire::OnlyInDeploy(why) => (format!("the alert `{name}` can fire only while a deploy runs"), why),
            CanFire::Never(why) => (format!("the alert `{name}` cannot fire"), why),
        };
        let subject = format!("alerts.rule.{}", super::words::part(name.as_str()));
        let most = Watch::of(rule.watch.as_str(), design.system).map_or(0.0, |watch| reach(design.system, &watch).most);
        let (arithmetic, cure) = match rule.above {
            Some(above) => {
                let near = if most <= 1.0 {
                    (most * 70.0).floor() / 100.0
                } else {
                    (most * 0.8).floor()
                };
                let cure = if near > 0.0 {
                    super::words::set(&format!("{subject}.above"), near)
                } else {
                    "watch something that this system has".to_owned()
                };
                (format!("{why}; it fires above {}", show_number(above)), cure)
            }
            None => (why, "a threshold above zero".to_owned()),
        };
        found.push(Found {
            subject,
            title,
            arithmetic,
            cure,
        });
    }
    found
}

fn reaches_nobody(design: &Design<'_>) -> Vec<Found> {
    let Some(alerts) = alerts(design) else {
        return Vec::new();
    };
    let unheard = alerts.rule.iter().filter(|(_, rule)| {
        !alerts
            .channel
            .iter()
            .any(|(_, channel)| channel.levels.contains(&rule.level))
    });
    unheard
        .map(|(name, rule)| Found {
            subject: format!("alerts.rule.{}", super::words::part(name.as_str())),
            title: format!("the alert `{name}` reaches nobody"),
            arithmetic: format!(
                "its level is \"{}\"; {} of {} carry it",
                rule.level.text(),
                0,
                many(alerts.channel.len() as u64, "channel", "channels")
            ),
            cure: format!("add \"{}\" to the `levels` of a channel", rule.level.text()),
        })
        .collect()
}

fn too_seldom(design: &Design<'_>) -> Vec<Found> {
    let Some(alerts) = alerts(design) else {
        return Vec::new();
    };
    let planned = design
        .system
        .service
        .iter()
        .filter(|(_, service)| service.plan.is_some());
    let shortest = planned
        .map(|(name, service)| (name, service.health.restart_after))
        .min_by_key(|(_, after)| *after);
    let Some((name, after)) = shortest.filter(|(_, after)| alerts.every > *after) else {
        return Vec::new();
    };
    vec![Found {
        subject: "alerts.every".to_owned(),
        title: "the monitor looks more seldom than an instance needs to fail and come back".to_owned(),
        arithmetic: format!(
            "every {}; `{name}` is restarted after {}",
            crate::units::show_span(alerts.every),
            crate::units::show_span(after)
        ),
        cure: "--set alerts.every=1m".to_owned(),
    }]
}

fn blind_spots(design: &Design<'_>) -> Vec<Found> {
    let Some(alerts) = alerts(design) else {
        return Vec::new();
    };
    let watches = |words: &[&str]| {
        let watch = |(_, rule): (&Name, &AlertRule)| {
            let text = rule.watch.as_str().to_lowercase();
            words.iter().any(|word| text.contains(word))
        };
        alerts.rule.iter().any(watch)
    };
    let mut missing = Vec::new();
    if !watches(&["latency", "first_byte", "response"]) {
        missing.push("how long answers take (`latency.p95`)".to_owned());
    }
    if !watches(&["error", "failed"]) {
        missing.push("errors (`errors.rate`)".to_owned());
    }
    for (name, service) in design.system.service.iter() {
        if design.memory(service).is_some() && !watches(&["memory"]) {
            missing.push(format!("memory (`{name}.memory`)"));
            break;
        }
    }
    if let Some((name, _)) = design.system.provider.iter().next()
        && !watches(&["refused", "llm", "gave_up", &format!("{name}.errors")])
        && !design.calls.is_empty()
    {
        missing.push(format!("the model provider's errors (`{name}.errors`)"));
    }
    if missing.is_empty() {
        return Vec::new();
    }
    vec![Found {
        subject: "alerts.rule".to_owned(),
        title: "no alert watches some of what goes first".to_owned(),
        arithmetic: format!(
            "{} and none on {}",
            many(alerts.rule.len() as u64, "alert", "alerts"),
            list(&missing)
        ),
        cure: "add a rule for each, or say why not".to_owned(),
    }]
}

fn mail_trial(design: &Design<'_>) -> Vec<Found> {
    let Some(alerts) = &design.system.alerts else {
        return Vec::new();
    };
    let figure = |key: &str| design.edition.number(key).map(|figure| figure.value);
    let (Some(days), Some(mails), Some(price)) = (
        figure("sendgrid.email.trial_days"),
        figure("sendgrid.email.trial_per_day"),
        figure("sendgrid.email.price"),
    ) else {
        return Vec::new();
    };
    let free = alerts.channel.iter().filter(|(name, channel)| {
        let name = name.as_str().to_lowercase();
        name.contains("mail") && channel.month.dollars() == 0.0 && channel.price.dollars() == 0.0
    });
    let names: Vec<&str> = free.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![Found {
        subject: format!("alerts.channel.{}.month", super::words::part(names[0])),
        title: format!("{} is free for a while only", list(&ticked(&names))),
        arithmetic: format!("{days} days with {mails} mails a day, then from ${price} a month"),
        cure: super::words::set(&format!("alerts.channel.{}.month", super::words::part(names[0])), price),
    }]
}
