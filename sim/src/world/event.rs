//! What happens by the scenario's word, or because an alert fired.

use super::World;

impl World<'_> {
    /// A rule of monitoring has begun to fire; its number is its place among the model's rules.
    #[allow(clippy::unused_self, reason = "who acts on alerts hooks in here")]
    pub(super) fn alert_fired(&mut self, _rule: u16) {}
}
