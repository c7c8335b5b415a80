//! Arrivals in batches before one server (`M[X]/G/1`).
//!
//! Owns: the mean wait. Source: Gross and Harris, "Fundamentals of Queueing Theory" (3rd edition 1998), section 3.1, in
//! the form of Tijms, "A First Course in Stochastic Models" (2003), section 9.3.2: a batch waits as one customer whose
//! service is the sum of its members', and each member for those before it in its batch.

use super::law::Law;
use super::single_server;

/// Mean wait of a member in seconds: `batches` a second, each of a size with this mean and mean square.
///
/// # Panics
/// When the server cannot keep up.
#[must_use]
pub fn wait_mean(batches: f64, size_mean: f64, size_second: f64, service: &Law) -> f64 {
    let variance = service.second - service.mean * service.mean;
    let whole = Law {
        mean: size_mean * service.mean,
        second: size_mean * variance + size_second * service.mean * service.mean,
        third: f64::NAN,
    };
    let before = (size_second / size_mean - 1.0) / 2.0;
    single_server::wait_mean(batches, whole.mean, whole.cv()) + before * service.mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn batches_of_one_are_the_plain_queue_and_pairs_wait_for_each_other() {
        // Lost: both parts of the wait.
        let service = Law::constant(0.1);
        check_close(
            "one",
            wait_mean(5.0, 1.0, 1.0, &service),
            single_server::wait_mean(5.0, 0.1, 0.0),
            1e-14,
        );
        // Hardly any load: the second of two waits for the first.
        check_close("pairs", wait_mean(1e-9, 2.0, 4.0, &service), 0.05, 1e-8);
    }
}
