//! Where time went: nanoseconds by stage, a row for each thing in flight.
//!
//! Owns: the rows, and which stages of each were touched, so that nobody walks through all stages for the few that a
//! request comes to. A row that is not in use is all zeros.

use crate::model::Stage;

/// Stages from this one on share the last bit of what was touched.
const LAST: usize = 63;

/// The rows.
#[derive(Clone, Debug)]
pub struct Split {
    stages: usize,
    /// By row: which stages were touched, one bit each, and then their nanoseconds.
    rows: Vec<u64>,
}

impl Split {
    /// No rows, for so many stages.
    #[must_use]
    pub fn new(stages: usize) -> Self {
        Self {
            stages,
            rows: Vec::new(),
        }
    }

    /// Makes sure that a row is there.
    #[inline]
    pub fn reach(&mut self, row: u32) {
        let needed = (row as usize + 1) * (self.stages + 1);
        if needed > self.rows.len() {
            self.rows.resize(needed, 0);
        }
    }

    /// Adds time in a stage.
    #[inline]
    pub fn add(&mut self, row: u32, stage: Stage, nanos: u64) {
        let row = self.row(row);
        row[0] |= 1 << (stage as usize).min(LAST);
        row[stage as usize + 1] += nanos;
    }

    /// Takes all time out of a row, stage by stage, and returns the sum.
    #[inline(always)]
    pub fn take(&mut self, row: u32, mut each: impl FnMut(Stage, u64)) -> u64 {
        let row = self.row(row);
        let mut touched = std::mem::take(&mut row[0]);
        let mut sum = 0;
        while touched != 0 {
            let stage = touched.trailing_zeros() as usize;
            touched &= touched - 1;
            let nanos = std::mem::take(&mut row[stage + 1]);
            sum += nanos;
            each(stage as Stage, nanos);
            if stage == LAST {
                for stage in LAST + 1..row.len() - 1 {
                    let nanos = std::mem::take(&mut row[stage + 1]);
                    sum += nanos;
                    each(stage as Stage, nanos);
                }
            }
        }
        sum
    }

    /// Moves all time of a row to a row of another table of the same stages.
    pub fn pour(&mut self, from: u32, into: &mut Self, to: u32) {
        let into = into.row(to);
        into[0] |= self.row(from)[0];
        self.take(from, |stage, nanos| into[stage as usize + 1] += nanos);
    }

    /// Copies a row to an empty one.
    pub fn copy(&mut self, from: u32, to: u32) {
        let width = self.stages + 1;
        let from = from as usize * width;
        self.rows.copy_within(from..from + width, to as usize * width);
    }

    /// Empties a row.
    #[inline]
    pub fn clear(&mut self, row: u32) {
        if self.row(row)[0] != 0 {
            self.take(row, |_, _| {});
        }
    }

    /// A row's nanoseconds by stage.
    #[must_use]
    pub fn nanos(&self, row: u32) -> &[u64] {
        let width = self.stages + 1;
        &self.rows[row as usize * width..][1..width]
    }

    #[inline(always)]
    fn row(&mut self, row: u32) -> &mut [u64] {
        let width = self.stages + 1;
        &mut self.rows[row as usize * width..][..width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_what_was_added_and_leaves_nothing() {
        let mut split = Split::new(70);
        split.reach(2);
        // The last two share a bit.
        let times = [(0, 5), (62, 7), (63, 11), (69, 13)];
        for (stage, nanos) in times {
            split.add(1, stage, nanos);
            split.add(1, stage, nanos);
        }
        let mut other = Split::new(70);
        other.reach(0);
        other.add(0, 62, 1);
        split.pour(1, &mut other, 0);
        assert!(split.nanos(1).iter().all(|&nanos| nanos == 0));
        let mut found = Vec::new();
        let sum = other.take(0, |stage, nanos| found.push((stage, nanos)));
        found.retain(|&(_, nanos)| nanos > 0);
        assert_eq!(found, [(0, 10), (62, 15), (63, 22), (69, 26)]);
        assert_eq!(sum, 73);
        assert_eq!(other.take(0, |_, _| {}), 0, "nothing is left");
    }
}
