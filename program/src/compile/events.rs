//! The scenario's events, with numbers for names.
//!
//! Owns: [`Happening`]s. Their settings are numbered as [`later_settings`] lists them.
//! Never: what an event does.

use highwater_models::SimTime;
use highwater_models::file::scenario::{Action, Fault};
use highwater_models::file::{Name, Scenario, Setting};
use highwater_workload::Sampler;

use super::{Compiler, number};
use crate::model::{Happening, Target, Trouble, What, When};

/// Every setting that an event changes, in the order of the events.
pub(crate) fn later_settings(scenario: &Scenario) -> Vec<Setting> {
    let sets = scenario.event.iter().filter_map(|event| match &event.action {
        Some(Action::Set(settings)) => Some(&settings.entries),
        _ => None,
    });
    sets.flatten().cloned().collect()
}

impl Compiler<'_> {
    pub(super) fn events(&mut self) {
        let scenario = self.scenario;
        let mut settings = 0;
        for event in &scenario.event {
            let when = match (&event.at, &event.when) {
                (Some(at), _) => When::At(SimTime::ZERO + *at),
                (None, Some(when)) => {
                    let rules = self.system.alerts.as_ref().map(|alerts| &alerts.rule);
                    let rule = rules.and_then(|rules| rules.index_of(&when.alert.text));
                    When::Alert {
                        rule: number(rule.unwrap_or(usize::from(u16::MAX))),
                        after: Sampler::new(&when.after),
                    }
                }
                (None, None) => continue,
            };
            let what = match (&event.fault, &event.action) {
                (Some(fault), _) => self.fault(fault),
                (None, Some(Action::Set(set))) => {
                    let first = settings;
                    settings += set.entries.len();
                    Some(What::Set(number(first)..number(settings)))
                }
                (None, Some(action)) => self.action(action),
                (None, None) => None,
            };
            if let Some(what) = what {
                self.model.happenings.push(Happening { when, what });
            }
        }
    }

    fn fault(&self, fault: &Fault) -> Option<What> {
        let trouble = |target: &Name, trouble, lasts| Some(What::Trouble(self.target(target)?, trouble, lasts));
        match fault {
            Fault::Slow(slow) => trouble(&slow.target, Trouble::Slow(slow.factor), slow.r#for),
            Fault::Errors(errors) => trouble(&errors.target, Trouble::Errors(errors.share.get()), errors.r#for),
            Fault::Down(down) => trouble(&down.target, Trouble::Down { hang: down.hang }, Some(down.r#for)),
            Fault::Crash(crash) => {
                let service = self.system.service.index_of(&crash.target.text)?;
                Some(What::Crash(number(service), crash.instances))
            }
            Fault::Forget(forget) => match self.target(&forget.target) {
                Some(Target::Cache(cache)) => Some(What::ForgetCache(cache)),
                // A limiter that is switched off has nothing to forget.
                _ => self
                    .limiters
                    .get(forget.target.as_str())
                    .map(|limiter| What::ForgetLimiter(*limiter)),
            },
            Fault::LostConnections(lost) => {
                let database = self.system.database.index_of(&lost.target.text)?;
                Some(What::LostConnections(number(database)))
            }
            Fault::Traffic(traffic) => {
                let wanted = traffic.source.as_ref().map(Name::as_str);
                let sources = self.model.sources.iter().enumerate();
                let sources = sources.filter(|(_, source)| wanted.is_none_or(|name| name == source.name));
                Some(What::Traffic {
                    name: wanted.unwrap_or("all streams").to_owned(),
                    sources: sources.map(|(index, _)| number(index)).collect(),
                    factor: traffic.factor,
                    lasts: traffic.r#for,
                })
            }
        }
    }

    fn action(&self, action: &Action) -> Option<What> {
        match action {
            Action::Set(_) => None,
            Action::Restart(name) => Some(match self.target(name)? {
                Target::Service(service) => What::RestartService(service),
                Target::Database(database) => What::RestartDatabase(database),
                Target::Cache(cache) => What::RestartCache(cache),
                Target::Provider(_) => return None,
            }),
            Action::Clear(name) => match self.target(name)? {
                Target::Cache(cache) => Some(What::ForgetCache(cache)),
                _ => None,
            },
            Action::Deploy(name) => match self.target(name)? {
                Target::Service(service) => Some(What::Deploy(service)),
                _ => None,
            },
            Action::Reset(path) => Some(What::Reset(highwater_models::file::parts_of(&path.text))),
        }
    }

    /// What a name stands for.
    fn target(&self, name: &Name) -> Option<Target> {
        let system = self.system;
        let name = &name.text;
        let service = system
            .service
            .index_of(name)
            .map(|index| Target::Service(number(index)));
        let database = || {
            system
                .database
                .index_of(name)
                .map(|index| Target::Database(number(index)))
        };
        let cache = || system.cache.index_of(name).map(|index| Target::Cache(number(index)));
        let provider = || {
            system
                .provider
                .index_of(name)
                .map(|index| Target::Provider(number(index)))
        };
        service.or_else(database).or_else(cache).or_else(provider)
    }
}
