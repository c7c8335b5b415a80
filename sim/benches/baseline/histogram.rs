//! Response times in constant memory.
//!
//! Owns: a log-linear histogram, the exact sum and the exact count.
//! Never: samples.

/// Steps to each doubling: 128, so a value is known to within 0.8 %.
const STEPS_LOG2: u32 = 7;
/// The finest step is 2^10 ns, about a microsecond.
const UNIT_LOG2: u32 = 10;
/// Doublings above the finest range; beyond 2^47 ns (39 hours) everything falls into the last step.
const DOUBLINGS: usize = 30;

/// What has been recorded.
pub struct Histogram {
    counts: Vec<u64>,
    sum: u128,
    count: u64,
}

impl Histogram {
    /// Nothing recorded.
    pub fn new() -> Self {
        Self {
            counts: vec![0; (DOUBLINGS + 1) << STEPS_LOG2],
            sum: 0,
            count: 0,
        }
    }

    /// Records one length of time in nanoseconds.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.sum += u128::from(nanos);
        self.count += 1;
        let step = step_of(nanos).min(self.counts.len() - 1);
        self.counts[step] += 1;
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean in seconds; zero when nothing was recorded.
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        self.sum as f64 / self.count as f64 / 1e9
    }

    /// A digest of everything recorded: equal for equal runs, and for nothing else in practice.
    pub fn checksum(&self) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        let exact = [self.count, self.sum as u64, (self.sum >> 64) as u64];
        for &word in exact.iter().chain(&self.counts) {
            // FNV-1a by words instead of bytes, with the upper half folded in.
            digest = (digest ^ word).wrapping_mul(0x0000_0100_0000_01b3);
            digest ^= digest >> 32;
        }
        digest
    }
}

/// The step that `nanos` falls into. The first 128 steps are of one unit each, the next 128 of two, and so on.
#[inline]
fn step_of(nanos: u64) -> usize {
    let units = nanos >> UNIT_LOG2;
    let magnitude = (64 - (units >> STEPS_LOG2).leading_zeros()) as usize;
    if magnitude == 0 {
        return units as usize;
    }
    // From the second range on the leading bit is implied: `units >> (magnitude - 1)` lies in 128..256.
    let within = (units >> (magnitude - 1)) as usize - (1 << STEPS_LOG2);
    (magnitude << STEPS_LOG2) + within
}
