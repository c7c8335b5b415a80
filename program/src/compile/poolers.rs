//! Poolers between pools and databases.
//!
//! Owns: their tables, and which pools go through them.
//! Never: the rules (those are the machine's).

use highwater_models::SimSpan;
use highwater_models::file::system::{Pool, PoolerMode};
use highwater_models::machine::pooler::PoolerConfig;
use highwater_models::units::show_number;

use super::{Compiler, limits, number};
use crate::model::{PoolerSpec, ResourceKind};

/// PgBouncer's `server_idle_timeout`, as documented.
const IDLE_TIMEOUT: SimSpan = SimSpan::from_secs(600);

/// PgBouncer's `server_login_retry`, as documented.
const LOGIN_RETRY: SimSpan = SimSpan::from_secs(15);

impl Compiler<'_> {
    pub(super) fn poolers(&mut self) {
        let system = self.system;
        for (name, pooler) in system.pooler.iter() {
            let database = number(system.database.index_of(&pooler.database.text).unwrap_or(0));
            let words = format!(
                "{}, {} clients",
                limits::count(pooler.max, "server connection"),
                show_number(f64::from(pooler.clients))
            );
            let capacity = f64::from(pooler.max);
            let resource = self.resource(&name.text, ResourceKind::Pooler, words, capacity, None);
            let wait_stage = self.stage(&format!("wait.{name}"), Some(resource));
            self.model.poolers.push(PoolerSpec {
                resource,
                database,
                config: PoolerConfig {
                    max: pooler.max,
                    wait: pooler.wait,
                    idle_timeout: IDLE_TIMEOUT,
                    retry_after: LOGIN_RETRY,
                },
                clients: pooler.clients,
                by_session: pooler.mode == PoolerMode::Session,
                wait_stage,
            });
        }
    }

    /// The pooler that a pool goes through.
    pub(super) fn pooler_of(&self, pool: &Pool) -> Option<u16> {
        let behind = pool.database.as_ref()?;
        self.system.pooler.index_of(&behind.text).map(number)
    }
}
