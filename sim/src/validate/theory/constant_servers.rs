//! Several servers, constant service (M/D/c).
//!
//! Owns: who waits and for how long. Source: Crommelin, "Delay probability formulae when the holding times are constant"
//! (1932): whoever is in service leaves within one service time and nobody else does, so the number one service time
//! later is what was in line plus a Poisson number.

use super::poisson;

/// The queue: shares of time with 0, 1, ... in the system.
#[derive(Clone, Debug)]
pub struct ConstantServers {
    arrival: f64,
    servers: usize,
    states: Vec<f64>,
}

impl ConstantServers {
    /// Arrivals a second, the service in seconds, servers.
    ///
    /// # Panics
    /// When the servers cannot keep up.
    #[must_use]
    pub fn new(arrival: f64, service: f64, servers: usize) -> Self {
        let offered = arrival * service;
        let utilisation = offered / servers as f64;
        assert!(
            utilisation < 1.0,
            "{servers} servers cannot keep up with {offered} Erlang"
        );
        // The line decays faster than that of exponential service; there this many states leave out less than 1e-16.
        let room = servers * 3 + (40.0 / (1.0 - utilisation)) as usize + 60;
        let come = poisson::up_to(offered, room);
        let mut states = vec![0.0; room + 1];
        states[0] = 1.0;
        loop {
            let mut next = vec![0.0; room + 1];
            for (number, &share) in states.iter().enumerate() {
                let left = number.saturating_sub(servers);
                for (more, &probability) in come.iter().enumerate().take(room + 1 - left) {
                    next[left + more] += share * probability;
                }
            }
            let total: f64 = next.iter().sum();
            next.iter_mut().for_each(|share| *share /= total);
            let change: f64 = next.iter().zip(&states).map(|(new, old)| (new - old).abs()).sum();
            states = next;
            if change < 1e-14 {
                break;
            }
        }
        Self {
            arrival,
            servers,
            states,
        }
    }

    /// Share of arrivals that wait.
    #[must_use]
    pub fn waited(&self) -> f64 {
        self.states[self.servers..].iter().sum()
    }

    /// Mean number waiting.
    #[must_use]
    pub fn queue_mean(&self) -> f64 {
        super::birth_death::excess(&self.states, self.servers)
    }

    /// Mean wait in seconds, zeros included, by Little's law.
    #[must_use]
    pub fn wait_mean(&self) -> f64 {
        self.queue_mean() / self.arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::single_server;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn one_server_is_the_textbook_one() {
        // Lost: the step from one service time to the next.
        let one = ConstantServers::new(8.0, 0.1, 1);
        check_close("wait", one.wait_mean(), single_server::wait_mean(8.0, 0.1, 0.0), 1e-9);
        check_close("waited", one.waited(), 0.8, 1e-10);
    }

    #[test]
    fn several_servers_wait_as_crommelins_series_says() {
        // Lost: several servers. The mean wait in services as a series over whole services, from the same paper by another
        // way: it knows nothing of the states. M/D/2 at nine tenths has 3.864 waiting, half of what M/M/2 has and a little.
        for (offered, servers) in [(1.8, 2), (2.4, 3)] {
            let term = |services: usize| {
                let (come, served) = (services as f64 * offered, services * servers);
                poisson::beyond(come, served - 1) - servers as f64 / offered * poisson::beyond(come, served)
            };
            let series: f64 = (1..2000).map(term).sum();
            let wait = ConstantServers::new(offered / 0.1, 0.1, servers).wait_mean();
            check_close("wait", wait, 0.1 * series, 1e-8);
        }
        check_close(
            "line",
            ConstantServers::new(18.0, 0.1, 2).queue_mean(),
            3.864_461_8,
            1e-7,
        );
    }
}
