//! Work that shares a processor equally instead of standing in line.
//!
//! Owns: response times on one core and on several, where one request gets at most one core.
//! Sources: Kleinrock, "Queueing Systems", volume 2 (1976), chapter 4, for one core; Kelly, "Reversibility and
//! Stochastic Networks" (1979), chapter 3, for why the law of the work does not matter beyond its mean.

use super::erlang::MultiServer;

/// Mean response time in seconds on one core: any law of the work with this mean, in seconds of a core.
///
/// # Panics
/// When the core cannot keep up.
#[must_use]
pub fn response_mean(arrival: f64, work: f64) -> f64 {
    response_of(arrival, work, work)
}

/// Mean response time in seconds of a request that brings `own` seconds of work: everything is slowed alike.
///
/// # Panics
/// When the core cannot keep up.
#[must_use]
pub fn response_of(arrival: f64, work: f64, own: f64) -> f64 {
    let utilisation = arrival * work;
    assert!(utilisation < 1.0, "a core cannot keep up with {utilisation} Erlang");
    own / (1.0 - utilisation)
}

/// Mean response time in seconds on several cores: that of M/M/c in line, for any law of the work.
///
/// Sharing makes the number in system a birth-death chain that depends on the law of the work by its mean alone, and
/// with exponential work it is the chain of M/M/c.
///
/// # Panics
/// When the cores cannot keep up.
#[must_use]
pub fn response_mean_on_cores(arrival: f64, work: f64, cores: u32) -> f64 {
    MultiServer::new(arrival, work, cores).response_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn a_request_of_mean_size_has_the_mean_response() {
        // Lost: the link between the two formulas, and their scale.
        check_close("mean", response_mean(8.0, 0.1), 0.5, 1e-13);
        check_close("a tenth of the work", response_of(8.0, 0.1, 0.01), 0.05, 1e-14);
    }

    #[test]
    fn several_cores_reduce_to_one_and_to_none_waiting() {
        // Lost: the shared CPU of a database with more than one core.
        check_close(
            "one core",
            response_mean_on_cores(8.0, 0.1, 1),
            response_mean(8.0, 0.1),
            1e-13,
        );
        check_close("plenty of cores", response_mean_on_cores(8.0, 0.1, 50), 0.1, 1e-13);
        check_close(
            "two cores, 1 Erlang",
            response_mean_on_cores(10.0, 0.1, 2),
            4.0 / 30.0,
            1e-14,
        );
    }
}
