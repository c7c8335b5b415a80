//! What monitoring was worth: when each rule fired, how late, how long before users noticed, and what was sent.
//!
//! Owns: figures under `notifications`, and the judgement of each rule.
//! Never: readings (the world's), what a reading can come to (`reach` in `models`).

use highwater_models::file::Plan;
use highwater_models::file::scenario::{Action, Event};
use highwater_models::reach::{CanFire, can_fire, level_name, silent};
use highwater_models::record::figures::Unit;
use highwater_models::record::summary::{Alert, Alerts, SilentChannel};
use highwater_models::watch::Watch;
use highwater_models::{SimSpan, SimTime};

use super::build::{Builder, Keyed, at_least_zero};
use crate::interval::Intervals;
use crate::measure::{ChannelRecord, Record};
use highwater_program::model::Model;

/// Adds, for each channel, messages sent, repetitions among them, messages lost, segments and what they cost: in one run,
/// its drain included, and not a month.
pub fn figures(build: &mut Builder, model: &Model) {
    let Some(spec) = &model.monitoring else { return };
    for (number, channel) in spec.channels.iter().enumerate() {
        let counts: [Keyed<ChannelRecord, u64>; 4] = [
            ("sent", |channel| channel.sent),
            ("repeats", |channel| channel.repeats),
            ("lost", |channel| channel.lost),
            ("segments", |channel| channel.segments),
        ];
        for (key, of) in counts {
            build.each(&["notifications", &channel.name, key], Unit::Count, |record| {
                record
                    .alerts
                    .channels
                    .get(number)
                    .map_or(0.0, |channel| of(channel) as f64)
            });
        }
        build.each(&["notifications", &channel.name, "cost"], Unit::Dollars, |record| {
            let segments = record.alerts.channels.get(number).map_or(0, |channel| channel.segments);
            segments as f64 * channel.config.price
        });
        build.each(
            &["notifications", &channel.name, "first_lost"],
            Unit::Seconds,
            |record| seconds(record.alerts.channels.get(number).and_then(|channel| channel.lost_at)),
        );
    }
}

/// What came of monitoring.
#[must_use]
pub fn alerts(plan: &Plan, model: &Model, records: &[Record], intervals: &Intervals) -> Alerts {
    let (Some(spec), Some(file)) = (&model.monitoring, &plan.system.alerts) else {
        return Alerts::default();
    };
    let deploys = plan.scenario.event.iter().any(may_deploy);
    let noticed: Vec<f64> = records.iter().map(|record| seconds(record.alerts.noticed_at)).collect();
    let mut rules = Vec::with_capacity(spec.rules.len());
    for (number, rule) in spec.rules.iter().enumerate() {
        let Some(written) = file.rule.get(&rule.name) else {
            continue;
        };
        let each = |of: &dyn Fn(&Record) -> f64| -> Vec<f64> { records.iter().map(of).collect() };
        let of = |record: &Record| record.alerts.rules.get(number).cloned().unwrap_or_default();
        let fired = each(&|record| of(record).fired as f64);
        let first = each(&|record| seconds(of(record).fired_at));
        let held = each(&|record| seconds(of(record).held_at));
        let told = each(&|record| seconds(of(record).told_at));
        let between = |from: &[f64], to: &[f64]| -> Vec<f64> { from.iter().zip(to).map(|(a, b)| b - a).collect() };
        let seen = |samples: &[f64]| samples.iter().filter(|sample| !sample.is_nan()).count() as u32;
        let fired_in = seen(&first);
        let cannot_fire = match can_fire(&plan.system, written) {
            _ if fired_in > 0 => None,
            CanFire::Yes => None,
            CanFire::Never(why) => Some(why),
            CanFire::OnlyInDeploy(_) if deploys => None,
            CanFire::OnlyInDeploy(why) => Some(format!("{why}; only a deploy, which doubles that, could make it fire")),
        };
        rules.push(Alert {
            name: rule.name.clone(),
            level: level_name(written.level),
            watch: rule.watch.clone(),
            unit: Watch::of(&rule.watch, &plan.system).map_or(Unit::Count, |watch| watch.reading.unit()),
            is_above: rule.config.is_above,
            threshold: rule.config.threshold,
            lasting: rule.config.lasting.seconds(),
            channels: rule
                .channels
                .iter()
                .map(|&channel| spec.channels[usize::from(channel)].name.clone())
                .collect(),
            fired: at_least_zero(intervals.estimate(&fired)),
            fired_in,
            first_at: at_least_zero(intervals.estimate(&first)),
            held_in: seen(&held),
            held_at: at_least_zero(intervals.estimate(&held)),
            delay: at_least_zero(intervals.estimate(&between(&held, &first))),
            told_at: at_least_zero(intervals.estimate(&told)),
            warning: intervals.estimate(&between(&first, &noticed)),
            cannot_fire,
        });
    }
    let written: Vec<_> = file.rule.iter().collect();
    let silent = file.channel.iter().filter_map(|(name, channel)| {
        silent(channel, &written).map(|why| SilentChannel {
            name: name.text.clone(),
            why,
        })
    });
    Alerts {
        every: spec.every.seconds(),
        slow: (spec.slow != SimSpan::FOREVER.nanos()).then_some(spec.slow as f64 / 1e9),
        rules,
        silent: silent.collect(),
        noticed_in: noticed.iter().filter(|at| !at.is_nan()).count() as u32,
        noticed_at: at_least_zero(intervals.estimate(&noticed)),
    }
}

fn seconds(at: Option<SimTime>) -> f64 {
    at.map_or(f64::NAN, SimTime::seconds)
}

/// Whether an event of the scenario may start new instances beside the old ones: a deploy, or a setting that takes one.
const fn may_deploy(event: &Event) -> bool {
    matches!(event.action, Some(Action::Deploy(_) | Action::Set(_)))
}
