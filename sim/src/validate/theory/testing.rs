//! What the formulas' own tests share.

/// Asserts that two figures are the same to `tolerance`, relative where they are above 1.
pub fn check_close(what: &str, figure: f64, expected: f64, tolerance: f64) {
    let scale = expected.abs().max(1.0);
    assert!(
        (figure - expected).abs() <= tolerance * scale,
        "{what}: {figure}, expected {expected}"
    );
}

/// Arrival times of a Poisson process, the same at every call: a second way to a figure where no table has it.
pub struct Arrivals {
    state: u64,
    now: f64,
    rate: f64,
}

impl Arrivals {
    /// Arrivals at this rate from time 0 on.
    pub fn new(rate: f64) -> Self {
        Self {
            state: 42,
            now: 0.0,
            rate,
        }
    }
}

impl Iterator for Arrivals {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        // SplitMix64 (Steele, Lea and Flood 2014); 53 bits, moved off zero for the logarithm.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let uniform = ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        self.now -= libm::log(uniform) / self.rate;
        Some(self.now)
    }
}
