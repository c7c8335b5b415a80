//! Degradation's figures: how long each level was in force, what was off, and what answers were worth.
//!
//! Owns: these figures and the warning about a ladder that flaps. Never: levels themselves.
//! Each process stands on the ladder by itself: a share of time is a share of all processes' time.

use highwater_models::record::figures::Unit;
use highwater_models::record::summary::Warning;

use super::build::{Builder, over, ratio};
use super::caution::Caution;
use crate::measure::Record;
use highwater_program::model::{Ladder, Model};

/// Changes of a process in an hour above which a ladder flaps: one every five minutes.
const CHANGES_MAX: f64 = 12.0;

/// Adds the figures, where there is a ladder.
pub fn figures(build: &mut Builder, model: &Model) {
    let Some(ladder) = &model.degradation else { return };
    for (level, name) in ladder.levels.iter().enumerate() {
        build.each(&["degradation", "share", name], Unit::Share, |record| {
            share(record, |at| at == level)
        });
    }
    build.count(&["degradation", "changes"], |record| record.degradation.changes as f64);
    for (feature, name) in model.features.iter().enumerate() {
        build.each(&["degradation", "features_off", name], Unit::Seconds, |record| {
            share(record, |at| ladder.off[at][feature]) * record.to.since(record.from).seconds()
        });
    }
    build.each(&["degradation", "degraded"], Unit::Share, |record| {
        ratio(record.degradation.degraded as f64, useful(record))
    });
    build.each(&["degradation", "quality"], Unit::Share, |record| {
        1.0 - ratio(record.degradation.lost, useful(record))
    });
}

/// The share of all processes' time at the levels that `counts` says.
fn share(record: &Record, counts: impl Fn(usize) -> bool) -> f64 {
    let mean = |of: &crate::measure::Level| over(record, |span| of.mean(span));
    let levels = record.degradation.levels.iter().enumerate();
    let there: f64 = levels.filter(|(level, _)| counts(*level)).map(|(_, of)| mean(of)).sum();
    ratio(there, mean(&record.degradation.processes))
}

fn useful(record: &Record) -> f64 {
    record.cells.iter().flatten().map(|cell| cell.useful).sum::<u64>() as f64
}

/// Says that processes go up and down all the time.
pub fn flapping(model: &Model, records: &[Record]) -> Option<Warning> {
    let ladder: &Ladder = model.degradation.as_ref()?;
    let (mut changes, mut hours) = (0.0, 0.0);
    for record in records {
        let span = record.to.since(record.from);
        if span.nanos() > 0 {
            changes += record.degradation.changes as f64;
            hours += record.degradation.processes.mean(span) * span.seconds() / 3600.0;
        }
    }
    let rate = ratio(changes, hours);
    (rate > CHANGES_MAX).then(|| Warning {
        id: Caution::Flapping.id(),
        text: format!(
            "Degradation flaps: a process changed its level {rate:.0} times an hour, looking every {:.0} s. Give \
             `degradation.hysteresis` (such as 0.2) or `degradation.hold` (such as \"2m\") so that a level lasts.",
            ladder.every.seconds()
        ),
    })
}
