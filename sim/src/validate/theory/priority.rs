//! Classes of different rank in one line; nobody's service is interrupted.
//!
//! Owns: the mean wait of each class.
//! Source: Cobham, "Priority Assignment in Waiting Line Problems", Operations Research 2 (1954), for one server with
//! any service and for several with one exponential law.

use super::erlang::MultiServer;

/// One class of customers.
#[derive(Copy, Clone, Debug)]
pub struct Class {
    /// Arrivals a second.
    pub arrival: f64,
    /// Mean service time in seconds.
    pub service: f64,
    /// Standard deviation of the service time over its mean.
    pub cv: f64,
}

/// Mean wait of each class in seconds at one server, first class first; within a class first come, first served.
///
/// # Panics
/// When the server cannot keep up with all of them.
#[must_use]
pub fn waits(classes: &[Class]) -> Vec<f64> {
    // What an arrival finds in service: the mean of what is left of it.
    let left: f64 = classes
        .iter()
        .map(|class| class.arrival * class.service * class.service * (1.0 + class.cv * class.cv) / 2.0)
        .sum();
    ranked(left, classes.iter().map(|class| class.arrival * class.service))
}

/// Mean wait of each class in seconds at several servers, with the same exponential service for all.
///
/// # Panics
/// When the servers cannot keep up with all of them.
#[must_use]
pub fn waits_on_servers(arrivals: &[f64], service: f64, servers: u32) -> Vec<f64> {
    let all = MultiServer::new(arrivals.iter().sum(), service, servers);
    let left = all.waited() * service / f64::from(servers);
    ranked(
        left,
        arrivals.iter().map(|arrival| arrival * service / f64::from(servers)),
    )
}

/// The wait of each rank from the time until a server is next free and the utilisation that each rank brings.
fn ranked(left: f64, utilisations: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut above = 0.0;
    let mut waits = Vec::new();
    for utilisation in utilisations {
        let down_to_here = above + utilisation;
        assert!(down_to_here < 1.0, "utilisation {down_to_here}");
        waits.push(left / ((1.0 - above) * (1.0 - down_to_here)));
        above = down_to_here;
    }
    waits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::single_server::wait_mean;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn one_class_waits_as_without_ranks() {
        // Lost: the reduction to the plain line.
        let one = [Class {
            arrival: 8.0,
            service: 0.1,
            cv: 2.0,
        }];
        check_close("M/G/1", waits(&one)[0], wait_mean(8.0, 0.1, 2.0), 1e-13);
        let many = MultiServer::new(8.0, 1.0, 10);
        check_close("M/M/c", waits_on_servers(&[8.0], 1.0, 10)[0], many.wait_mean(), 1e-13);
    }

    #[test]
    fn ranks_move_waiting_about_and_do_not_change_its_total() {
        // Lost: the conservation law: what the first gain, weighted by their work, the others lose.
        let first = Class {
            arrival: 3.0,
            service: 0.1,
            cv: 0.5,
        };
        let second = Class {
            arrival: 2.0,
            service: 0.2,
            cv: 1.5,
        };
        let weighted = |classes: &[Class; 2]| -> f64 {
            let waits = waits(classes);
            classes
                .iter()
                .zip(waits)
                .map(|(class, wait)| class.arrival * class.service * wait)
                .sum()
        };
        check_close(
            "either way round",
            weighted(&[first, second]),
            weighted(&[second, first]),
            1e-14,
        );
    }

    #[test]
    fn a_case_by_hand_and_the_mean_over_equal_classes() {
        // Lost: which of the two factors belongs to which rank.
        let half = Class {
            arrival: 4.0,
            service: 0.1,
            cv: 1.0,
        };
        let waits = waits(&[half, half]);
        check_close("first", waits[0], 0.08 / 0.6, 1e-14);
        check_close("second", waits[1], 0.08 / (0.6 * 0.2), 1e-13);
        check_close(
            "mean",
            f64::midpoint(waits[0], waits[1]),
            wait_mean(8.0, 0.1, 1.0),
            1e-13,
        );
        let on_one = waits_on_servers(&[4.0, 4.0], 0.1, 1);
        check_close("one of several servers", on_one[1], waits[1], 1e-13);
    }
}
