//! What a scenario does to the system at a time.
//!
//! Owns: which method of the world each kind of event calls.

use super::World;
use crate::model::Happening;

impl World<'_> {
    /// An event of the scenario happens.
    pub(super) fn happen(&mut self, number: u32) {
        match self.model.happenings[number as usize].1 {
            Happening::Deploy(service) => self.deploy(service),
            Happening::RestartService(service) => self.restart_service(service),
            Happening::RestartDatabase(database) => {
                let downtime = self.model.databases[database as usize].downtime;
                self.restart_database(database, downtime);
            }
            Happening::Instances(service, count) => self.set_instances(service, count),
            Happening::Crash(service, count) => self.crash_instances(service, count),
            Happening::LostConnections(database) => self.cut_connections(database),
        }
    }

    /// A rule of monitoring has begun to fire; its number is its place among the model's rules.
    #[allow(clippy::unused_self, reason = "who acts on alerts hooks in here")]
    pub(super) fn alert_fired(&mut self, _rule: u16) {}
}
