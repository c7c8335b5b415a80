//! A fixed number of users who think, go through stations, and think again.
//!
//! Owns: exact throughput and response times of product-form networks by two independent ways, and bounds that hold
//! for all others.
//! Product form means: exponential service where there is a line, any service at a shared processor or without a
//! line (Baskett, Chandy, Muntz and Palacios, "Open, Closed, and Mixed Networks of Queues with Different Classes of
//! Customers", Journal of the ACM 22, 1975).
//! Sources: Reiser and Lavenberg, "Mean-Value Analysis of Closed Multichain Queuing Networks", Journal of the ACM 27
//! (1980); Buzen, "Computational algorithms for closed queueing networks with exponential servers", Communications
//! of the ACM 16 (1973).

/// A station of a closed network.
#[derive(Copy, Clone, Debug)]
pub struct Station {
    /// Mean service that a request takes here in seconds: visits times service time.
    pub demand: f64,
    /// Servers behind one line.
    pub servers: u32,
}

/// Users, stations and the thoughts between.
#[derive(Clone, Debug)]
pub struct ClosedNetwork {
    /// Mean time to think in seconds.
    pub think: f64,
    /// The stations.
    pub stations: Vec<Station>,
}

/// What such a network does with a number of users.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Requests a second.
    pub throughput: f64,
    /// Mean time in seconds from the end of a thought to the next.
    pub response_mean: f64,
    /// Mean number at each station, waiting or in service.
    pub in_station: Vec<f64>,
    /// Share of time that a server of each station is busy.
    pub utilisation: Vec<f64>,
}

impl ClosedNetwork {
    /// The exact solution by mean-value analysis: from one user to the next, each arrival sees the network as it is
    /// with one user fewer.
    ///
    /// For a saturated station with many servers the shares of time with few busy servers are small differences of
    /// large figures here; use [`convolution`](Self::convolution) there.
    #[must_use]
    pub fn mean_value_analysis(&self, users: u32) -> Solution {
        let count = self.stations.len();
        let mut in_station = vec![0.0; count];
        // Share of time with 0, 1, ... servers - 1 at each station.
        let mut few: Vec<Vec<f64>> = Vec::new();
        for station in &self.stations {
            let mut states = vec![0.0; station.servers as usize];
            states[0] = 1.0;
            few.push(states);
        }
        let mut throughput = 0.0;
        for number in 1..=users {
            let mut responses = Vec::with_capacity(count);
            for (at, station) in self.stations.iter().enumerate() {
                let servers = f64::from(station.servers);
                // Servers that stand idle beside the arrival make up for some of those it finds.
                let idle: f64 = few[at]
                    .iter()
                    .enumerate()
                    .map(|(busy, share)| (servers - 1.0 - busy as f64) * share)
                    .sum();
                responses.push(station.demand / servers * (1.0 + in_station[at] + idle));
            }
            throughput = f64::from(number) / (self.think + responses.iter().sum::<f64>());
            for (at, station) in self.stations.iter().enumerate() {
                in_station[at] = throughput * responses[at];
                let servers = station.servers as usize;
                for busy in (1..servers).rev() {
                    few[at][busy] = throughput * station.demand / busy as f64 * few[at][busy - 1];
                }
                // The mean number busy is throughput times demand; what the states above do not account for is idle.
                let accounted: f64 = (1..servers).map(|busy| (servers - busy) as f64 * few[at][busy]).sum();
                few[at][0] = 1.0 - (throughput * station.demand + accounted) / servers as f64;
            }
        }
        self.solution(users, throughput, in_station)
    }

    /// The exact solution by convolution: sums over all ways to spread the users over the stations. Every term is
    /// positive and kept as a logarithm, so it is as exact for thousands of users as for one.
    ///
    /// # Panics
    /// Without users.
    #[must_use]
    pub fn convolution(&self, users: u32) -> Solution {
        assert!(users > 0, "a network without users does nothing");
        let users = users as usize;
        let thinking = self.thinking_weights(users);
        let weights: Vec<Vec<f64>> = self.stations.iter().map(|station| station.weights(users)).collect();
        let all = weights
            .iter()
            .fold(thinking.clone(), |sum, station| convolve(&sum, station));
        let throughput = libm::exp(all[users - 1] - all[users]);
        let in_station = (0..weights.len()).map(|at| {
            // The network without this station; what it leaves over is here.
            let others = weights.iter().enumerate().filter(|(other, _)| *other != at);
            let others = others.fold(thinking.clone(), |sum, (_, station)| convolve(&sum, station));
            let share = |here: usize| libm::exp(weights[at][here] + others[users - here] - all[users]);
            (1..=users).map(|here| here as f64 * share(here)).sum()
        });
        self.solution(users as u32, throughput, in_station.collect())
    }

    /// Throughput that no number of users can exceed: that of the station that is full first. It holds for every law
    /// of service and every order of the line.
    #[must_use]
    pub fn throughput_bound(&self) -> f64 {
        let most = |station: &Station| f64::from(station.servers) / station.demand;
        self.stations.iter().map(most).fold(f64::INFINITY, f64::min)
    }

    /// Throughput that `users` users cannot exceed: as if none ever met another, and the bound above.
    #[must_use]
    pub fn throughput_bound_with(&self, users: u32) -> f64 {
        let alone: f64 = self.think + self.stations.iter().map(|station| station.demand).sum::<f64>();
        self.throughput_bound().min(f64::from(users) / alone)
    }

    /// Mean response time in seconds that goes with a throughput: Little's law around the whole cycle, for every
    /// network.
    #[must_use]
    pub fn response_at(&self, users: u32, throughput: f64) -> f64 {
        f64::from(users) / throughput - self.think
    }

    fn solution(&self, users: u32, throughput: f64, in_station: Vec<f64>) -> Solution {
        let busy = |station: &Station| throughput * station.demand / f64::from(station.servers);
        Solution {
            throughput,
            response_mean: self.response_at(users, throughput),
            in_station,
            utilisation: self.stations.iter().map(busy).collect(),
        }
    }

    /// Logarithms of the weights of 0, 1, ... `users` thinking: a station with a server for everybody.
    fn thinking_weights(&self, users: usize) -> Vec<f64> {
        let thoughts = Station {
            demand: self.think,
            servers: u32::MAX,
        };
        thoughts.weights(users)
    }
}

impl Station {
    /// Logarithms of the weights of 0, 1, ... `users` here: demand over the servers at work, once for each.
    fn weights(&self, users: usize) -> Vec<f64> {
        let mut logarithm = 0.0;
        let mut weights = vec![0.0];
        for number in 1..=users {
            let at_work = (number as f64).min(f64::from(self.servers));
            logarithm += libm::log(self.demand) - libm::log(at_work);
            weights.push(logarithm);
        }
        weights
    }
}

/// Logarithms of the convolution of two sequences given by theirs.
fn convolve(left: &[f64], right: &[f64]) -> Vec<f64> {
    let sum_at = |total: usize| {
        let terms = || (0..=total).map(|part| left[part] + right[total - part]);
        let highest = terms().fold(f64::NEG_INFINITY, f64::max);
        if highest == f64::NEG_INFINITY {
            return highest;
        }
        highest + libm::log(terms().map(|term| libm::exp(term - highest)).sum())
    };
    (0..left.len()).map(sum_at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::birth_death::{mean, steady_state};
    use crate::validate::theory::testing::check_close;

    fn network(think: f64, stations: &[(f64, u32)]) -> ClosedNetwork {
        let station = |&(demand, servers): &(f64, u32)| Station { demand, servers };
        ClosedNetwork {
            think,
            stations: stations.iter().map(station).collect(),
        }
    }

    fn both(network: &ClosedNetwork, users: u32) -> [Solution; 2] {
        [network.mean_value_analysis(users), network.convolution(users)]
    }

    #[test]
    fn two_equal_stations_without_thought_are_the_case_by_hand() {
        // Lost: the recursion itself: all spreads of N users over two equal stations are equally likely.
        for solution in both(&network(0.0, &[(1.0, 1), (1.0, 1)]), 4) {
            check_close("throughput", solution.throughput, 0.8, 1e-13);
            check_close("at one of two", solution.in_station[0], 2.0, 1e-13);
            check_close("busy", solution.utilisation[0], 0.8, 1e-13);
        }
    }

    #[test]
    fn a_small_network_is_as_its_recursion_on_paper() {
        // Lost: the think time's part. One user: 1 / (4 + 2 + 1); two: the first station's response is 2 (1 + 2/7).
        for solution in both(&network(4.0, &[(2.0, 1), (1.0, 1)]), 2) {
            let responses = [2.0 * (1.0 + 2.0 / 7.0), 1.0 * (1.0 + 1.0 / 7.0)];
            let throughput = 2.0 / (4.0 + responses[0] + responses[1]);
            check_close("throughput", solution.throughput, throughput, 1e-13);
            check_close("response", solution.response_mean, responses[0] + responses[1], 1e-12);
            check_close("at the first", solution.in_station[0], throughput * responses[0], 1e-13);
        }
    }

    #[test]
    fn one_station_of_several_servers_is_a_birth_death_chain() {
        // Lost: stations with more than one server, below and beyond saturation.
        let (users, servers, think, demand) = (12_u32, 3_u32, 5.0, 2.0);
        let births: Vec<f64> = (0..users).map(|here| f64::from(users - here) / think).collect();
        let deaths: Vec<f64> = (1..=users).map(|here| f64::from(here.min(servers)) / demand).collect();
        let states = steady_state(&births, &deaths);
        let throughput: f64 = states
            .iter()
            .skip(1)
            .zip(&deaths)
            .map(|(state, death)| state * death)
            .sum();
        for solution in both(&network(think, &[(demand, servers)]), users) {
            check_close("throughput", solution.throughput, throughput, 1e-11);
            check_close("here", solution.in_station[0], mean(&states), 1e-11);
        }
    }

    #[test]
    fn the_two_ways_agree_on_a_mixed_network() {
        // Lost: the independence of the two: a mistake in one shows in the other.
        let mixed = network(5.0, &[(0.05, 1), (0.2, 4), (1.2, 10)]);
        for users in [1, 5, 20, 40] {
            let [by_means, by_sums] = both(&mixed, users);
            check_close("throughput", by_means.throughput, by_sums.throughput, 1e-9);
            for (left, right) in by_means.in_station.iter().zip(&by_sums.in_station) {
                check_close("in station", *left, *right, 1e-8);
            }
        }
    }

    #[test]
    fn users_are_thinking_or_at_a_station() {
        // Lost: Little's law over the whole network.
        let mixed = network(5.0, &[(0.05, 1), (0.2, 4), (1.2, 10)]);
        let solution = mixed.convolution(200);
        let thinking = solution.throughput * 5.0;
        check_close(
            "all users",
            thinking + solution.in_station.iter().sum::<f64>(),
            200.0,
            1e-9,
        );
    }

    #[test]
    fn a_thousand_users_saturate_the_narrowest_station() {
        // Lost: large networks: the chat system of the engine's bench, with exponential service for all.
        let chat = network(5.0, &[(0.005, 1), (0.25 * 0.02, 20), (0.3 * 4.0, 50)]);
        check_close("bound", chat.throughput_bound(), 50.0 / 1.2, 1e-13);
        check_close("bound with few", chat.throughput_bound_with(10), 10.0 / 6.21, 1e-13);
        let solution = chat.convolution(1000);
        check_close("throughput", solution.throughput, 50.0 / 1.2, 1e-9);
        check_close("response", solution.response_mean, 19.0, 1e-8);
        assert!(chat.convolution(10).throughput < chat.throughput_bound_with(10));
    }
}
