//! Degradation: levels that cannot come, that do nothing, that name what is not there.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{list, ticked};
use crate::file::Name;
use crate::file::step::Step;
use crate::file::system::{Level, Readings, Reads};
use crate::units::{show_number, show_share};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "degradation-cannot-read-cpu",
        severity: Severity::Contradiction,
        meaning: "The rule is run as written, and as written its CPU reading compares an object with a number: it is never \
                  above anything.",
        source: "Node 20.20.2, run: process.cpuUsage() returns { user, system }",
        date: "2026-11-24",
        check: cannot_read_cpu,
    },
    Rule {
        id: "degradation-out-of-reach",
        severity: Severity::Contradiction,
        meaning: "A level's threshold is above what an instance can show, so that condition never holds.",
        source: "nodejs.org, don't block the event loop: one thread runs JavaScript",
        date: "2026-11-24",
        check: out_of_reach,
    },
    Rule {
        id: "degradation-level-hidden",
        severity: Severity::Contradiction,
        meaning: "The first level whose condition holds is in force. Whenever this one holds, one before it does too.",
        source: "by definition of the levels' order",
        date: "2026-11-24",
        check: hidden,
    },
    Rule {
        id: "degradation-changes-nothing",
        severity: Severity::Risk,
        meaning: "A level switches nothing off and sets nothing: it is announced and that is all.",
        source: "by definition",
        date: "2026-11-24",
        check: changes_nothing,
    },
    Rule {
        id: "degradation-names-no-feature",
        severity: Severity::Note,
        meaning: "A level switches off a feature that no endpoint and no step has: nothing is saved by it.",
        source: "by definition",
        date: "2026-11-24",
        check: names_no_feature,
    },
    Rule {
        id: "degradation-turns-payments-off",
        severity: Severity::Risk,
        meaning: "A level that keeps only some features leaves out one whose name says sign-in or payment.",
        source: "these are what a product in trouble needs last of all to lose",
        date: "2026-11-24",
        check: turns_payments_off,
    },
];

fn levels<'a>(design: &Design<'a>) -> &'a [Level] {
    design
        .system
        .degradation
        .as_ref()
        .map_or(&[], |degradation| &degradation.level)
}

fn subject(level: &Level) -> String {
    format!("degradation.level {}", level.name)
}

fn cannot_read_cpu(design: &Design<'_>) -> Vec<Found> {
    let as_written = design
        .system
        .degradation
        .as_ref()
        .is_some_and(|degradation| degradation.reads == Reads::AsWritten);
    let blind: Vec<&str> = levels(design)
        .iter()
        .filter(|level| level.above.cpu.is_some())
        .map(|level| level.name.as_str())
        .collect();
    if !as_written || blind.is_empty() {
        return Vec::new();
    }
    vec![Found {
        subject: "degradation.reads".to_owned(),
        title: format!("{} never see the CPU", list(&ticked(&blind))),
        arithmetic: "`{ user, system } > 0.9` is false, however busy the process is".to_owned(),
        cure: "--set degradation.reads=as_meant: busy time over elapsed time of a window".to_owned(),
    }]
}

fn out_of_reach(design: &Design<'_>) -> Vec<Found> {
    let Some(degradation) = &design.system.degradation else {
        return Vec::new();
    };
    let Some((name, service)) = design.service(degradation.service.as_ref()) else {
        return Vec::new();
    };
    let reading = design.cpu_reading(name, service);
    let mut found = Vec::new();
    for level in levels(design) {
        let readable = degradation.reads == Reads::AsMeant;
        if let (Some(cpu), Some(reading)) = (level.above.cpu.filter(|_| readable), &reading)
            && reading.never_above(cpu)
        {
            found.push(Found {
                subject: subject(level),
                title: format!("`{}` never comes by its CPU threshold", level.name),
                arithmetic: format!("{}; the threshold is {}", reading.text(), show_share(cpu)),
                cure: format!(
                    "{} for the same busy loop, or a threshold on `in_hand`",
                    show_share(cpu * reading.most)
                ),
            });
        }
        if let (Some(in_hand), Some(most)) = (level.above.in_hand, service.max_in_hand)
            && in_hand >= f64::from(most)
        {
            found.push(Found {
                subject: subject(level),
                title: format!("`{}` never comes by its requests in hand", level.name),
                arithmetic: format!("above {}; an instance takes {most} at most", show_number(in_hand)),
                cure: format!("a threshold below {most}"),
            });
        }
    }
    found
}

/// The readings of a level, by name.
fn thresholds(above: &Readings) -> [(&'static str, Option<f64>); 4] {
    [
        ("sockets", above.sockets),
        ("in_hand", above.in_hand),
        ("cpu", above.cpu),
        ("memory", above.memory),
    ]
}

fn hidden(design: &Design<'_>) -> Vec<Found> {
    let levels = levels(design);
    let mut found = Vec::new();
    for (index, level) in levels.iter().enumerate() {
        let earlier = &levels[..index];
        // Each of its readings alone must be enough for one before it.
        let mut covers = Vec::new();
        let is_hidden = thresholds(&level.above)
            .into_iter()
            .enumerate()
            .all(|(reading, (name, own))| {
                let Some(own) = own else { return true };
                let cover = earlier.iter().find(|other| {
                    let (_, threshold) = thresholds(&other.above)[reading];
                    threshold.is_some_and(|threshold| threshold <= own)
                });
                if let Some(cover) = cover {
                    let (_, threshold) = thresholds(&cover.above)[reading];
                    covers.push(format!(
                        "{name} above {} is `{}` already above {}",
                        show_number(own),
                        cover.name,
                        show_number(threshold.unwrap_or_default())
                    ));
                }
                cover.is_some()
            });
        if is_hidden {
            found.push(Found {
                subject: subject(level),
                title: format!("`{}` is never in force: a level before it always is", level.name),
                arithmetic: covers.join("; "),
                cure: "put the levels in order, the highest thresholds first".to_owned(),
            });
        }
    }
    found
}

/// Features that some endpoint or step has.
fn features<'a>(design: &Design<'a>) -> Vec<&'a Name> {
    let mut found: Vec<&Name> = Vec::new();
    for (name, endpoint) in design.system.endpoint.iter() {
        found.extend(endpoint.feature.as_ref());
        design.walk_request(name.as_str(), &mut |step, _| {
            if let Step::Feature(feature) = step {
                found.push(&feature.name);
            }
        });
    }
    found
}

fn changes_nothing(design: &Design<'_>) -> Vec<Found> {
    let features = features(design);
    let mut found = Vec::new();
    for level in levels(design) {
        let switches = level.off.iter().any(|feature| features.contains(&feature));
        let keeps = level
            .only
            .as_ref()
            .is_some_and(|only| features.iter().any(|feature| !only.contains(feature)));
        if !switches && !keeps && level.set.entries.is_empty() {
            found.push(Found {
                subject: subject(level),
                title: format!("`{}` changes nothing", level.name),
                arithmetic: "0 features of this system are switched off and 0 settings are set".to_owned(),
                cure: "give it something: `off = [ … ]`, or `set = { \"NAME.use.chat\" = \"a faster model\" }`"
                    .to_owned(),
            });
        }
    }
    found
}

fn names_no_feature(design: &Design<'_>) -> Vec<Found> {
    let features = features(design);
    let mut found = Vec::new();
    for level in levels(design) {
        let named = level.off.iter().chain(level.only.iter().flatten());
        let unknown: Vec<&str> = named
            .filter(|feature| !features.contains(feature))
            .map(Name::as_str)
            .collect();
        if !unknown.is_empty() {
            found.push(Found {
                subject: subject(level),
                title: format!(
                    "`{}` names {}, which nothing in this system is",
                    level.name,
                    list(&ticked(&unknown))
                ),
                arithmetic: format!(
                    "{} of the features it names exist here",
                    level.off.len() + level.only.as_ref().map_or(0, Vec::len) - unknown.len()
                ),
                cure: "give the endpoint that is meant its `feature`, or take the name out".to_owned(),
            });
        }
    }
    found
}

fn turns_payments_off(design: &Design<'_>) -> Vec<Found> {
    const VITAL: [&str; 5] = ["payment", "auth", "signin", "sign-in", "login"];
    let features = features(design);
    let mut found = Vec::new();
    for level in levels(design) {
        let mut lost: Vec<&str> = features
            .iter()
            .filter(|feature| {
                let kept = level.only.as_ref().is_none_or(|only| only.contains(feature));
                !kept || level.off.contains(feature)
            })
            .map(|feature| feature.as_str())
            .filter(|feature| VITAL.iter().any(|vital| feature.to_lowercase().contains(vital)))
            .collect();
        lost.dedup();
        if !lost.is_empty() {
            found.push(Found {
                subject: subject(level),
                title: format!("`{}` switches {} off", level.name, list(&ticked(&lost))),
                arithmetic: format!("{} of {} features stay on", features.len() - lost.len(), features.len()),
                cure: format!("keep {} in `only`, or take it out of `off`", list(&ticked(&lost))),
            });
        }
    }
    found
}
