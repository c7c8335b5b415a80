//! What a scenario does to the system, at a time or after an alert.
//!
//! Owns: which events have happened, which faults are under way, and the words for both in the log.
//! Never: what each fault does to what is in flight (`fault`, `link`), or how settings change (`settings`).

use highwater_models::SimSpan;
use highwater_models::units::{show_number, show_share, show_span};
use highwater_workload::stream::Purpose;

use super::World;
use crate::event::Event;
use highwater_program::model::{Target, Trouble, What, When};

impl World<'_> {
    /// Schedules the events that have a time.
    pub(super) fn schedule_happenings(&mut self) {
        for (number, happening) in self.model.happenings.iter().enumerate() {
            if let When::At(at) = happening.when {
                self.events.schedule(at, Event::Happening(number as u32));
            }
        }
    }

    /// An alert rule has fired: those who wait for it begin to react, the first time.
    pub(super) fn alert_fired(&mut self, rule: u16) {
        for number in 0..self.model.happenings.len() {
            let When::Alert { rule: awaited, after } = &self.model.happenings[number].when else {
                continue;
            };
            if *awaited != rule || self.reacting[number] {
                continue;
            }
            self.reacting[number] = true;
            let key = self.root.purpose(Purpose::Reaction).child(number as u64);
            let span = after.clone().span(&mut key.draw());
            self.events.schedule(self.now + span, Event::Happening(number as u32));
        }
    }

    /// An event happens.
    pub(super) fn happen(&mut self, number: u32) {
        let model = self.model;
        let what = &model.happenings[number as usize].what;
        if what.is_trigger() {
            self.note_trigger(what.lasts(model));
        }
        match what {
            What::Trouble(target, trouble, lasts) => {
                self.log(self.name_of(*target), begins(*trouble, *lasts));
                self.faults.push(number);
                self.schedule_end(number, *lasts);
                self.set_strain(*target);
                self.begin_trouble(*target, *trouble, *lasts);
            }
            What::Traffic {
                name,
                sources,
                factor,
                lasts,
            } => {
                let text = format!("{} times as many come{}", show_number(*factor), during(*lasts));
                self.log(name.clone(), text);
                self.faults.push(number);
                self.schedule_end(number, *lasts);
                self.set_traffic(sources);
            }
            What::Crash(service, count) => {
                let of = if *count == 1 {
                    "an instance crashes"
                } else {
                    "instances crash"
                };
                self.log(model.services[*service as usize].name.clone(), of.to_owned());
                self.crash_instances(*service, *count);
            }
            What::ForgetCache(cache) => {
                self.log(self.name_of(Target::Cache(*cache)), "emptied".to_owned());
                self.empty_cache(*cache);
            }
            What::ForgetLimiter(limiter) => {
                let resource = model.limiters[*limiter as usize].resource;
                self.log(
                    model.resources[resource as usize].name.clone(),
                    "its counts are lost".to_owned(),
                );
                self.forget_limiter(*limiter);
            }
            What::LostConnections(database) => {
                let name = self.name_of(Target::Database(*database));
                self.log(name, "all connections are cut".to_owned());
                self.cut_connections(*database);
            }
            What::Set(numbers) => {
                let all: Vec<u16> = numbers.clone().collect();
                self.put_in_force(&all);
            }
            What::Reset(path) => self.withdraw(path),
            What::RestartService(service) => self.restart_service(*service),
            What::RestartDatabase(database) => {
                let downtime = model.databases[*database as usize].downtime;
                self.restart_database(*database, downtime);
            }
            What::RestartCache(cache) => {
                let span = model.caches[*cache as usize].restart;
                let text = format!("restarts, down for {} and empty", show_span(span));
                self.log(self.name_of(Target::Cache(*cache)), text);
                self.faults.push(number);
                self.schedule_end(number, Some(span));
                self.empty_cache(*cache);
                self.set_strain(Target::Cache(*cache));
                self.begin_trouble(Target::Cache(*cache), Trouble::Down { hang: false }, Some(span));
            }
            What::Deploy(service) => self.deploy(*service),
        }
    }

    fn schedule_end(&mut self, number: u32, lasts: Option<SimSpan>) {
        if let Some(span) = lasts {
            self.events.schedule(self.now + span, Event::Over(number));
        }
    }

    /// The system has something to come back from, at the earliest when this fault is over.
    fn note_trigger(&mut self, lasts: Option<SimSpan>) {
        let over = lasts.map_or(self.model.duration, |span| (self.now + span).min(self.model.duration));
        let last = self.record.last_fault.map_or(over, |last| last.max(over));
        self.record.last_fault = Some(last);
    }

    /// A fault is over.
    pub(super) fn fault_over(&mut self, number: u32) {
        self.faults.retain(|&other| other != number);
        let model = self.model;
        match &model.happenings[number as usize].what {
            What::Trouble(target, trouble, _) => {
                self.log(self.name_of(*target), ends(*trouble).to_owned());
                self.set_strain(*target);
            }
            What::RestartCache(cache) => {
                self.log(
                    self.name_of(Target::Cache(*cache)),
                    ends(Trouble::Down { hang: false }).to_owned(),
                );
                self.set_strain(Target::Cache(*cache));
            }
            What::Traffic { name, sources, .. } => {
                self.log(name.clone(), "as many as usual come again".to_owned());
                self.set_traffic(sources);
            }
            _ => {}
        }
    }

    /// Adds up what is wrong with a target.
    fn set_strain(&mut self, target: Target) {
        let model = self.model;
        let troubles = self
            .faults
            .iter()
            .filter_map(|&number| match &model.happenings[number as usize].what {
                What::Trouble(at, trouble, _) if *at == target => Some(*trouble),
                What::RestartCache(cache) if Target::Cache(*cache) == target => Some(Trouble::Down { hang: false }),
                _ => None,
            });
        self.strains.set(target, troubles);
    }

    /// How many times as many come from these sources, from all faults under way.
    fn set_traffic(&mut self, sources: &[u16]) {
        let model = self.model;
        for &source in sources {
            let mut factor = 1.0;
            for &number in &self.faults {
                if let What::Traffic {
                    sources, factor: times, ..
                } = &model.happenings[number as usize].what
                    && sources.contains(&source)
                {
                    factor *= times;
                }
            }
            self.change_source(source, factor);
        }
    }

    /// The name of a target.
    pub(super) fn name_of(&self, target: Target) -> String {
        let resource = match target {
            Target::Service(number) => self.model.services[number as usize].resource,
            Target::Database(number) => self.model.databases[number as usize].resource,
            Target::Cache(number) => self.model.caches[number as usize].resource,
            Target::Provider(number) => self.model.providers[number as usize].resource,
        };
        self.model.resources[resource as usize].name.clone()
    }
}

/// How a fault begins, in words.
fn begins(trouble: Trouble, lasts: Option<SimSpan>) -> String {
    let what = match trouble {
        Trouble::Slow(factor) => format!("takes {} times as long", show_number(factor)),
        Trouble::Errors(share) => format!("{} fail", show_share(share)),
        Trouble::Down { hang: false } => "down".to_owned(),
        Trouble::Down { hang: true } => "down, and those who ask hang".to_owned(),
    };
    what + &during(lasts)
}

/// How a fault ends, in words.
const fn ends(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Slow(_) => "as fast as usual again",
        Trouble::Errors(_) => "no more errors than usual",
        Trouble::Down { .. } => "up again",
    }
}

fn during(lasts: Option<SimSpan>) -> String {
    lasts.map_or_else(
        || ", to the end".to_owned(),
        |span| format!(", for {}", show_span(span)),
    )
}

#[cfg(test)]
mod tests {
    use highwater_models::SimTime;
    use highwater_models::file::{NoFiles, Request, load_scenario};
    use highwater_workload::Key;

    use crate::event::Event;
    use crate::world::World;
    use highwater_program::compile::compile;

    // Lost if broken: somebody who needs five minutes acts at once, or twice, or on somebody else's alert.
    #[test]
    fn people_need_time_to_react_to_the_first_alert() {
        let text = r#"
duration = "1h"
[load]
rate = 1.0
[[event]]
when   = { alert = "errors", after = { dist = "uniform", min = "4m", max = "6m" } }
action = { set = { "servers.max" = 2 } }
[system.alerts.rule]
cpu    = { watch = "errors.rate", above = 0.9 }
errors = { watch = "errors.rate", above = 0.1 }
[system.pool.servers]
max = 1
[system.flow.one]
steps = [ { request = "job" } ]
[system.endpoint.job]
steps = [ { take = { from = "servers", for = "1s" } } ]
"#;
        let loaded = load_scenario(Request::new("a", text), &NoFiles, |_| None);
        let plan = loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let model = compile(&plan);
        let after = |replication: u32| {
            let mut world = World::new(&model, Key::root(1, replication), replication, false);
            world.now = SimTime::from_nanos(1_000_000_000);
            world.alert_fired(0);
            assert!(world.events.is_empty(), "nobody waits for that one");
            world.alert_fired(1);
            world.alert_fired(1);
            assert_eq!(world.events.len(), 1);
            let due = world.events.take().expect("one");
            let (at, event) = (due.at(), due.event());
            assert_eq!(event, Event::Happening(0));
            at.seconds() - 1.0
        };
        let times: Vec<f64> = (0..20).map(after).collect();
        assert!(times.iter().all(|time| (240.0..360.0).contains(time)), "{times:?}");
        assert!(
            times.iter().any(|time| (time - times[0]).abs() > 10.0),
            "each draws its own"
        );
    }
}
