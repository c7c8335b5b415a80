//! Where latency went: time by stage, by how long requests took.

/// Buckets of latency an octave, for the split by stage and for windows: a quantile is off by at most 1/32 of its value.
const COARSE: u32 = 4;

/// The coarse bucket of a latency.
#[must_use]
#[inline]
pub fn coarse_bucket(nanos: u64) -> usize {
    if nanos < 1 << COARSE {
        return nanos as usize;
    }
    let shift = 63 - nanos.leading_zeros() - COARSE;
    ((shift as usize + 1) << COARSE) + ((nanos >> shift) as usize & ((1 << COARSE) - 1))
}

/// Where a coarse bucket begins and where the next one does, in nanoseconds.
#[must_use]
pub fn coarse_edges(bucket: usize) -> (f64, f64) {
    if bucket < 1 << COARSE {
        return (bucket as f64, bucket as f64 + 1.0);
    }
    let shift = (bucket >> COARSE) - 1;
    let low = (((1 << COARSE) + (bucket & ((1 << COARSE) - 1))) as u64) << shift;
    (low as f64, low as f64 + (1u64 << shift) as f64)
}

/// The middle of a coarse bucket, in nanoseconds.
#[must_use]
pub fn coarse_middle(bucket: usize) -> f64 {
    let (low, next) = coarse_edges(bucket);
    low + (next - 1.0 - low) / 2.0
}

/// Where the latency of useful requests went, by how long they took.
#[derive(Clone, Debug, Default)]
pub struct Breakdown {
    stages: usize,
    /// Per coarse bucket of latency: nanoseconds by stage.
    nanos: Vec<u64>,
    /// Per coarse bucket: requests.
    count: Vec<u64>,
}

impl Breakdown {
    pub(super) fn new(stages: usize) -> Self {
        Self {
            stages,
            nanos: Vec::new(),
            count: Vec::new(),
        }
    }

    /// Adds a request whose latency is in a coarse bucket: `pour` adds its times to a row by stage and returns their sum,
    /// which is returned.
    #[inline(always)]
    pub fn add(&mut self, bucket: usize, pour: impl FnOnce(&mut [u64]) -> u64) -> u64 {
        if bucket >= self.count.len() {
            // Whole octaves, so that growing stops after a few times.
            let buckets = (bucket / 16 + 1) * 16;
            self.count.resize(buckets, 0);
            self.nanos.resize(buckets * self.stages, 0);
        }
        self.count[bucket] += 1;
        pour(&mut self.nanos[bucket * self.stages..][..self.stages])
    }

    /// Mean seconds by stage, over the slowest share of requests (1 for all of them). A bucket that is only partly among
    /// the slowest counts in part.
    #[must_use]
    pub fn mean_of_slowest(&self, share: f64) -> Vec<f64> {
        let total: u64 = self.count.iter().sum();
        let wanted = share * total as f64;
        let mut left = wanted;
        let mut sums = vec![0.0; self.stages];
        for bucket in (0..self.count.len()).rev() {
            let count = self.count[bucket] as f64;
            if count == 0.0 || left <= 0.0 {
                continue;
            }
            let part = (left / count).min(1.0);
            left -= count * part;
            for (sum, &nanos) in sums.iter_mut().zip(&self.nanos[bucket * self.stages..][..self.stages]) {
                *sum += nanos as f64 * part;
            }
        }
        sums.iter()
            .map(|sum| if wanted > 0.0 { sum / wanted / 1e9 } else { f64::NAN })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_buckets_are_within_their_stated_error() {
        let mut nanos = 1u64;
        while nanos < 1 << 56 {
            for near in [nanos, nanos + nanos / 3, nanos * 2 - 1] {
                let error = (coarse_middle(coarse_bucket(near)) - near as f64).abs();
                assert!(error <= near as f64 / 32.0, "{near}");
            }
            nanos *= 2;
        }
    }

    #[test]
    fn the_slowest_share_counts_a_bucket_in_part() {
        let mut breakdown = Breakdown::new(1);
        for request in 0..100 {
            let nanos = if request < 90 { 1_000_000_000 } else { 8_000_000_000 };
            let pour = |row: &mut [u64]| {
                row[0] += nanos;
                nanos
            };
            assert_eq!(breakdown.add(coarse_bucket(nanos), pour), nanos);
        }
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(breakdown.mean_of_slowest(0.05)[0], 8.0));
        assert!(close(breakdown.mean_of_slowest(0.2)[0], 4.5));
        assert!(close(breakdown.mean_of_slowest(1.0)[0], 1.7));
    }
}
