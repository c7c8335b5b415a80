//! One server, any service time, first come, first served (M/G/1), and in full for constant service (M/D/1).
//!
//! Owns: the mean wait by the Pollaczek-Khinchine formula; the number in system with constant service.
//! Sources: Kleinrock, "Queueing Systems", volume 1 (1975), chapter 5; Crommelin, "Delay probability formulae when
//! the holding times are constant" (1932), for the step from one service time to the next.

use super::law::Law;
use super::poisson;

/// Coefficient of variation of a constant.
pub const CV_CONSTANT: f64 = 0.0;
/// Coefficient of variation of the exponential law.
pub const CV_EXPONENTIAL: f64 = 1.0;

/// Coefficient of variation of the Erlang law with `phases` equal phases.
#[must_use]
pub fn cv_erlang(phases: u32) -> f64 {
    1.0 / libm::sqrt(f64::from(phases))
}

/// Mean wait in seconds, by Pollaczek and Khinchine: it knows of the service time only its mean and its coefficient
/// of variation (standard deviation over mean).
///
/// # Panics
/// When the server cannot keep up.
#[must_use]
pub fn wait_mean(arrival: f64, service: f64, cv: f64) -> f64 {
    let utilisation = arrival * service;
    assert!(utilisation < 1.0, "a server cannot keep up with {utilisation} Erlang");
    // Mean work ahead: what is left of the service under way, over and over.
    let second_moment = service * service * (1.0 + cv * cv);
    arrival * second_moment / 2.0 / (1.0 - utilisation)
}

/// Mean response time (wait and service) in seconds.
#[must_use]
pub fn response_mean(arrival: f64, service: f64, cv: f64) -> f64 {
    wait_mean(arrival, service, cv) + service
}

/// Standard deviation of the wait in seconds, by the first three moments of the service (Takács, "Introduction to the
/// Theory of Queues", 1962). It knows the order of the line, which the mean does not.
///
/// # Panics
/// When the server cannot keep up.
#[must_use]
pub fn wait_sd(arrival: f64, service: &Law) -> f64 {
    let mean = wait_mean(arrival, service.mean, service.cv());
    let cubes = arrival * service.third / 3.0 / (1.0 - arrival * service.mean);
    libm::sqrt(mean * mean + cubes)
}

/// Share of arrivals of an M/D/1 queue that wait longer than `time` seconds: Erlang's alternating sum, so for a few
/// service times only.
///
/// # Panics
/// When the server cannot keep up, or the time is too long for the sum.
#[must_use]
pub fn constant_service_wait_tail(arrival: f64, service: f64, time: f64) -> f64 {
    let utilisation = arrival * service;
    assert!(utilisation < 1.0, "a server cannot keep up with {utilisation} Erlang");
    let whole = libm::floor(time / service);
    assert!(whole < 15.0, "too many service times for the alternating sum");
    let mut sum = 0.0;
    for step in 0..=whole as u32 {
        let term = arrival * (f64::from(step) * service - time);
        let factorial = libm::tgamma(f64::from(step) + 1.0);
        sum += libm::pow(term, f64::from(step)) / factorial * libm::exp(-term);
    }
    1.0 - (1.0 - utilisation) * sum
}

/// Share of time with 0, 1, ... `most` in an M/D/1 system, relative to the share with none; at any load, for a part
/// of the line is in proportion the same whether what lies beyond is finite or not.
///
/// The system is looked at once per service time: whoever was in service then has gone, nobody else has, and a
/// Poisson number has come.
#[must_use]
pub fn constant_service_relative(offered: f64, most: usize) -> Vec<f64> {
    // `beyond[k]`: more than k came during one service.
    let beyond: Vec<f64> = (0..=most).map(|count| poisson::beyond(offered, count)).collect();
    let none_came = libm::exp(-offered);
    let mut relative = vec![1.0];
    for number in 0..most {
        // As often as the chain steps from at most `number` to more, it steps back, which it does one by one. All
        // terms are positive, so nothing is lost to cancellation as it is in the alternating closed form.
        let from_some: f64 = (1..=number)
            .map(|from| relative[from] * beyond[number - from + 1])
            .sum();
        relative.push((beyond[number] + from_some) / none_came);
    }
    relative
}

/// Share of time with 0, 1, ... `most` in an M/D/1 system. The sum of the first `n + 1` is also the probability that
/// a wait is at most `n` service times.
///
/// # Panics
/// When the server cannot keep up.
#[must_use]
pub fn constant_service_in_system(offered: f64, most: usize) -> Vec<f64> {
    assert!(offered < 1.0, "a server cannot keep up with {offered} Erlang");
    let relative = constant_service_relative(offered, most);
    relative.iter().map(|share| share * (1.0 - offered)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::birth_death::{excess, mean};
    use crate::validate::theory::erlang::MultiServer;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn exponential_service_is_the_textbook_queue() {
        // Lost: the formula's scale.
        let textbook = MultiServer::new(8.0, 0.1, 1).wait_mean();
        check_close("M/M/1", wait_mean(8.0, 0.1, CV_EXPONENTIAL), textbook, 1e-13);
    }

    #[test]
    fn constant_service_halves_the_wait() {
        // Lost: the part that the spread of the service plays.
        let exponential = wait_mean(8.0, 0.1, CV_EXPONENTIAL);
        check_close("M/D/1", wait_mean(8.0, 0.1, CV_CONSTANT), exponential / 2.0, 1e-14);
        check_close("M/E4/1", wait_mean(8.0, 0.1, cv_erlang(4)), exponential * 0.625, 1e-14);
        check_close("cv 2", wait_mean(8.0, 0.1, 2.0), exponential * 2.5, 1e-13);
        check_close("response", response_mean(8.0, 0.1, CV_CONSTANT), 0.3, 1e-13);
    }

    #[test]
    fn constant_service_in_full_agrees_with_its_closed_form_and_its_mean() {
        // Lost: the recursion behind the token bucket.
        let load: f64 = 0.8;
        let states = constant_service_in_system(load, 400);
        check_close("none", states[0], 0.2, 1e-15);
        // The first two of Crommelin's: (1 - a)(e^a - 1) and (1 - a)(e^2a - (1 + a) e^a).
        check_close("one", states[1], 0.2 * (libm::exp(load) - 1.0), 1e-14);
        check_close(
            "two",
            states[2],
            0.2 * (libm::exp(2.0 * load) - 1.8 * libm::exp(load)),
            1e-14,
        );
        check_close("total", states.iter().sum(), 1.0, 1e-12);
        check_close("queue, by Pollaczek-Khinchine", excess(&states, 1), 1.6, 1e-10);
        check_close("in system", mean(&states), 2.4, 1e-10);
    }

    #[test]
    fn the_wait_of_an_exponential_server_varies_as_its_law_says() {
        // Lost: the third moment. A share rho waits, for an exponential time: second moment rho 2 / (mu - lambda)^2.
        let (arrival, rate): (f64, f64) = (8.0, 10.0);
        let spare = rate - arrival;
        let variance = 2.0 * 0.8 / spare / spare - (0.8 / spare) * (0.8 / spare);
        let sd = wait_sd(arrival, &Law::exponential(0.1));
        check_close("sd", sd, libm::sqrt(variance), 1e-13);
    }

    #[test]
    fn the_tail_of_constant_service_is_its_number_in_system() {
        // Lost: quantiles of M/D/1.
        let states = constant_service_in_system(0.7, 4);
        for whole in 0..4 {
            let within: f64 = states[..=whole].iter().sum();
            let tail = constant_service_wait_tail(7.0, 0.1, whole as f64 * 0.1 + 1e-13);
            check_close("beyond whole services", tail, 1.0 - within, 1e-10);
        }
    }
}
