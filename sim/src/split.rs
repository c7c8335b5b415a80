//! Where the time of something in flight went: nanoseconds by stage.
//!
//! Owns: the times, and which stages were touched, so that nobody walks through all stages for the few that a request
//! comes to. What is not in use is all zeros.

use highwater_program::model::Stage;

/// Stages from this one on share the last bit of what was touched.
const LAST: usize = 63;

/// Time by stage.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// Which stages were touched, one bit each.
    touched: u64,
    nanos: Box<[u64]>,
}

impl Split {
    /// No time, in so many stages.
    #[must_use]
    pub fn new(stages: usize) -> Self {
        Self {
            touched: 0,
            nanos: vec![0; stages].into_boxed_slice(),
        }
    }

    /// Adds time in a stage.
    #[inline(always)]
    pub fn add(&mut self, stage: Stage, nanos: u64) {
        self.touched |= 1 << (stage as usize).min(LAST);
        self.nanos[stage as usize] += nanos;
    }

    /// Takes all time out, stage by stage, and returns the sum.
    #[inline(always)]
    pub fn take(&mut self, mut each: impl FnMut(Stage, u64)) -> u64 {
        let mut touched = std::mem::take(&mut self.touched);
        let mut sum = 0;
        while touched != 0 {
            let stage = touched.trailing_zeros() as usize;
            touched &= touched - 1;
            let nanos = std::mem::take(&mut self.nanos[stage]);
            sum += nanos;
            each(stage as Stage, nanos);
            if stage == LAST {
                for stage in LAST + 1..self.nanos.len() {
                    let nanos = std::mem::take(&mut self.nanos[stage]);
                    sum += nanos;
                    each(stage as Stage, nanos);
                }
            }
        }
        sum
    }

    /// Moves all time to another one of the same stages.
    pub fn pour(&mut self, into: &mut Self) {
        into.touched |= self.touched;
        self.take(|stage, nanos| into.nanos[stage as usize] += nanos);
    }

    /// Has the times of another one of the same stages.
    pub fn copy(&mut self, of: &Self) {
        self.touched = of.touched;
        self.nanos.copy_from_slice(&of.nanos);
    }

    /// Forgets all time.
    #[inline(always)]
    pub fn clear(&mut self) {
        if self.touched != 0 {
            self.take(|_, _| {});
        }
    }

    /// Nanoseconds by stage.
    #[must_use]
    pub fn nanos(&self) -> &[u64] {
        &self.nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_what_was_added_and_leaves_nothing() {
        let (mut split, mut other) = (Split::new(70), Split::new(70));
        // The last two share a bit.
        let times = [(0, 5), (62, 7), (63, 11), (69, 13)];
        for (stage, nanos) in times {
            split.add(stage, nanos);
            split.add(stage, nanos);
        }
        other.add(62, 1);
        split.pour(&mut other);
        assert!(split.nanos().iter().all(|&nanos| nanos == 0));
        let mut found = Vec::new();
        let sum = other.take(|stage, nanos| found.push((stage, nanos)));
        found.retain(|&(_, nanos)| nanos > 0);
        assert_eq!(found, [(0, 10), (62, 15), (63, 22), (69, 26)]);
        assert_eq!(sum, 73);
        assert_eq!(other.take(|_, _| {}), 0, "nothing is left");
    }
}
