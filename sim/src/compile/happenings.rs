//! Events of the scenario: who is meant, and when.
//!
//! Owns: which of them are simulated.
//! Never: what they do (the world's).

use highwater_models::SimTime;
use highwater_models::file::scenario::{Action, Fault};
use highwater_models::file::{Setting, Value};

use super::{Compiler, number};
use crate::model::{Happening, Op};

impl Compiler<'_> {
    pub(super) fn happenings(&mut self) {
        let system = self.system;
        for event in &self.scenario.event {
            let what = match (&event.action, &event.fault) {
                (Some(Action::Deploy(name)), _) => {
                    system.service.index_of(&name.text).map(number).map(Happening::Deploy)
                }
                (Some(Action::Restart(name)), _) => {
                    let service = system.service.index_of(&name.text).map(number);
                    let database = system.database.index_of(&name.text).map(number);
                    service
                        .map(Happening::RestartService)
                        .or(database.map(Happening::RestartDatabase))
                }
                (Some(Action::Set(settings)), _) => match &settings.entries[..] {
                    [only] => self.instances_set(only),
                    _ => None,
                },
                (_, Some(Fault::Crash(crash))) => {
                    let service = system.service.index_of(&crash.target.text).map(number);
                    service.map(|service| Happening::Crash(service, crash.instances))
                }
                (_, Some(Fault::LostConnections(lost))) => {
                    let database = system.database.index_of(&lost.target.text).map(number);
                    database.map(Happening::LostConnections)
                }
                _ => None,
            };
            match (event.at, what) {
                (Some(at), Some(what)) => self.model.happenings.push((SimTime::ZERO + at, what)),
                (None, _) => self.note("`[[event]]` after an alert: it does not happen."),
                (_, None) => self.note(
                    "`[[event]]`: only deploys, restarts, instances set by hand, crashes and lost connections happen.",
                ),
            }
        }
    }

    /// Instances of a service set to a number: `web.instances` or `service.web.instances`.
    fn instances_set(&self, setting: &Setting) -> Option<Happening> {
        let path: Vec<&str> = setting.path.iter().map(String::as_str).collect();
        let (name, Value::Integer(count)) = (
            match path[..] {
                [name, "instances"] | ["service", name, "instances"] => name,
                _ => return None,
            },
            &setting.value.value,
        ) else {
            return None;
        };
        let service = number(self.system.service.index_of(name)?);
        Some(Happening::Instances(service, u32::try_from(*count).ok()?))
    }

    /// Memory that steps hold fills an instance too.
    pub(super) fn memory(&mut self) {
        if self.model.ops.iter().any(|op| matches!(op, Op::Hold { .. })) {
            for service in &mut self.model.services {
                service.fills_memory = true;
            }
        }
    }
}
