//! Degradation: its ladder, the features that each level leaves out, the models that it changes.
//!
//! Owns: [`Ladder`].
//! Never: when a level is in force (that is the machine's).

use highwater_models::file::system::{self, Reads};
use highwater_models::file::{Setting, Value};
use highwater_models::machine::degradation::{Bounds, DegradationConfig};

use super::Compiler;
use crate::model::Ladder;

impl Compiler<'_> {
    pub(super) fn degradation(&mut self) {
        let system = self.system;
        let Some(file) = &system.degradation else { return };
        let service = self.service_of(file.service.as_ref());
        let levels = &file.level;
        let bounds = levels.iter().map(|level| Bounds {
            sockets: level.above.sockets,
            in_hand: level.above.in_hand,
            cpu: level.above.cpu,
            memory: level.above.memory,
        });
        let config = DegradationConfig {
            levels: bounds.collect(),
            hold: file.hold,
            hysteresis: file.hysteresis.get(),
            cpu_never_counts: file.reads == Reads::AsWritten,
        };
        let off = levels.iter().map(|level| self.switched_off(level)).collect();
        let calls = levels.iter().map(|level| self.changed_calls(level)).collect();
        let sockets = self.file_service(service).map(|service| &service.sockets);
        let made = Ladder {
            service,
            every: file.every,
            config,
            levels: levels.iter().map(|level| level.name.text.clone()).collect(),
            off,
            calls,
            keep_alive: sockets.map_or(highwater_models::SimSpan::ZERO, |sockets| sockets.keep_alive),
            per_client: sockets.map_or(1, |sockets| sockets.per_client),
        };
        self.model.degradation = Some(made);
    }

    fn switched_off(&self, level: &system::Level) -> Vec<bool> {
        let names = &self.model.features;
        let is_off = |feature: &String| {
            let among = |list: &[highwater_models::file::Name]| list.iter().any(|name| name.text == *feature);
            among(&level.off) || level.only.as_ref().is_some_and(|only| !among(only))
        };
        names.iter().map(is_off).collect()
    }

    /// By call, the call that is made while the level lasts. Each process decides for itself, so that the settings of a
    /// level that switch a model hold in that process alone.
    fn changed_calls(&mut self, level: &system::Level) -> Vec<u16> {
        let mut calls: Vec<u16> = (0..self.roles.len()).map(super::number).collect();
        for setting in &level.set.entries {
            let Some((provider, role, model)) = self.model_switch(setting) else {
                let path = setting.path.join(".");
                self.note(format!(
                    "`degradation.level` `{}`: its setting `{path}` does not take hold.",
                    level.name
                ));
                continue;
            };
            for (number, call) in calls.iter_mut().enumerate() {
                if self.roles[number].provider == provider && self.roles[number].role == role {
                    *call = self.with_model(number, &model);
                }
            }
        }
        calls
    }

    /// A setting `PROVIDER.use.ROLE = MODEL`; whatever else a level sets holds for everybody.
    pub(super) fn model_switch(&self, setting: &Setting) -> Option<(usize, String, String)> {
        let parts: Vec<&str> = setting.path.iter().map(String::as_str).collect();
        let parts = parts.strip_prefix(&["provider"]).unwrap_or(&parts);
        let [provider, "use", role] = parts else { return None };
        let Value::Text(model) = &setting.value.value else {
            return None;
        };
        let provider = self.system.provider.index_of(provider)?;
        Some((provider, (*role).to_owned(), model.clone()))
    }
}
