//! Memory that steps fill.

use super::Compiler;
use crate::model::Op;

impl Compiler<'_> {
    /// Memory that steps hold fills an instance too.
    pub(super) fn memory(&mut self) {
        if self.model.ops.iter().any(|op| matches!(op, Op::Hold { .. })) {
            for service in &mut self.model.services {
                service.fills_memory = true;
            }
        }
    }
}
