//! A server for everybody: nobody waits, and the number there is Poisson at every moment.
//!
//! Owns: its mean under a rate that is a straight line.
//! Source: Eick, Massey and Whitt, "The physics of the M(t)/G/infinity queue", Operations Research 41 (1993): the mean at
//! a time is the area under the rate over those who came and have not gone.

/// Mean number there `time` seconds after an empty start, with `from + slope * t` arrivals a second that stay for a
/// constant time.
#[must_use]
pub fn on_a_ramp_for_constant(from: f64, slope: f64, stay: f64, time: f64) -> f64 {
    let area = |until: f64| from * until + slope * until * until / 2.0;
    area(time) - area((time - stay).max(0.0))
}

/// The same where they stay for an exponential time with this mean.
#[must_use]
pub fn on_a_ramp_for_exponential(from: f64, slope: f64, stay: f64, time: f64) -> f64 {
    let gone = libm::exp(-time / stay);
    from * stay * (1.0 - gone) + slope * stay * (time - stay * (1.0 - gone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn a_steady_rate_fills_to_rate_times_stay_and_a_ramp_lags_behind() {
        // Lost: both laws of the stay.
        for mean in [on_a_ramp_for_constant, on_a_ramp_for_exponential] {
            check_close("steady", mean(10.0, 0.0, 2.0, 100.0), 20.0, 1e-12);
        }
        // The rate one mean age ago, for a constant half of the stay, for an exponential all of it.
        check_close(
            "constant",
            on_a_ramp_for_constant(0.0, 1.0, 2.0, 100.0),
            2.0 * 99.0,
            1e-12,
        );
        check_close(
            "exponential",
            on_a_ramp_for_exponential(0.0, 1.0, 2.0, 100.0),
            2.0 * 98.0,
            1e-12,
        );
    }
}
