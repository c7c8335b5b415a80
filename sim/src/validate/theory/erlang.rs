//! Several servers, exponential service: who is refused, who waits and for how long.
//!
//! Owns: Erlang's two formulas, the queue with any number of places (M/M/c) and with few (M/M/c/K).
//! Sources: Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
//! exchanges" (1917); Kleinrock, "Queueing Systems", volume 1 (1975), chapter 3.

use super::birth_death::{excess, steady_state};
use super::search::tail_falls_to;

/// Share of arrivals that find all `servers` busy and are turned away, at this offered load: Erlang B. It holds for
/// every law of the service time with that mean.
#[must_use]
pub fn erlang_b(servers: u32, offered: f64) -> f64 {
    assert!(offered >= 0.0, "offered load {offered}");
    // Server by server; a sum of fractions between 0 and 1, so it is as exact for a thousand as for one.
    (1..=servers).fold(1.0, |blocked, server| {
        let all = offered * blocked;
        all / (f64::from(server) + all)
    })
}

/// Share of arrivals that have to wait when nobody is turned away: Erlang C.
///
/// # Panics
/// When the servers cannot keep up: `offered` at or above their number.
#[must_use]
pub fn erlang_c(servers: u32, offered: f64) -> f64 {
    let utilisation = offered / f64::from(servers);
    assert!(
        utilisation < 1.0,
        "{servers} servers cannot keep up with {offered} Erlang"
    );
    let blocked = erlang_b(servers, offered);
    blocked / (1.0 - utilisation * (1.0 - blocked))
}

/// The M/M/c queue: Poisson arrivals, exponential service, first come, first served, nobody leaves.
#[derive(Copy, Clone, Debug)]
pub struct MultiServer {
    arrival: f64,
    service: f64,
    servers: u32,
}

impl MultiServer {
    /// Arrivals a second, mean service time in seconds, servers.
    ///
    /// # Panics
    /// When the servers cannot keep up.
    #[must_use]
    pub fn new(arrival: f64, service: f64, servers: u32) -> Self {
        let offered = arrival * service;
        assert!(
            offered < f64::from(servers),
            "{servers} servers cannot keep up with {offered} Erlang"
        );
        Self {
            arrival,
            service,
            servers,
        }
    }

    /// Offered load in Erlang, which is also the mean number in service.
    #[must_use]
    pub fn offered(&self) -> f64 {
        self.arrival * self.service
    }

    /// Share of time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.offered() / f64::from(self.servers)
    }

    /// Share of arrivals that wait.
    #[must_use]
    pub fn waited(&self) -> f64 {
        erlang_c(self.servers, self.offered())
    }

    /// Rate at which the wait of those who wait decays: capacity not used, a second.
    fn spare(&self) -> f64 {
        f64::from(self.servers) / self.service - self.arrival
    }

    /// Mean wait of all, zeros included, in seconds.
    #[must_use]
    pub fn wait_mean(&self) -> f64 {
        self.waited() / self.spare()
    }

    /// Mean wait of those who wait at all, in seconds.
    #[must_use]
    pub fn wait_mean_if_waited(&self) -> f64 {
        1.0 / self.spare()
    }

    /// Share of arrivals that wait longer than `time` seconds.
    #[must_use]
    pub fn wait_tail(&self, time: f64) -> f64 {
        self.waited() * libm::exp(-self.spare() * time)
    }

    /// The wait in seconds that a share `probability` of arrivals does not exceed; zero while that many do not wait.
    #[must_use]
    pub fn wait_quantile(&self, probability: f64) -> f64 {
        let beyond = 1.0 - probability;
        (libm::log(self.waited() / beyond) / self.spare()).max(0.0)
    }

    /// Mean number waiting.
    #[must_use]
    pub fn queue_mean(&self) -> f64 {
        self.arrival * self.wait_mean()
    }

    /// Mean response time (wait and service) in seconds.
    #[must_use]
    pub fn response_mean(&self) -> f64 {
        self.wait_mean() + self.service
    }

    /// Share of arrivals whose response takes longer than `time` seconds.
    #[must_use]
    pub fn response_tail(&self, time: f64) -> f64 {
        // Wait and service are independent: the convolution of the wait above with an exponential. Where both decay
        // at one rate the quotient becomes its limit.
        let gap = f64::from(self.servers) - 1.0 - self.offered();
        let steps = time / self.service;
        let quotient = if gap.abs() < 1e-9 {
            steps
        } else {
            -libm::expm1(-gap * steps) / gap
        };
        libm::exp(-steps) * (1.0 + self.waited() * quotient)
    }

    /// The response time in seconds that a share `probability` of arrivals does not exceed.
    #[must_use]
    pub fn response_quantile(&self, probability: f64) -> f64 {
        assert!((0.0..1.0).contains(&probability), "probability {probability}");
        tail_falls_to(|time| self.response_tail(time), 1.0 - probability, self.service)
    }

    /// Share of time with exactly `number` in the system.
    #[must_use]
    pub fn in_system(&self, number: u32) -> f64 {
        // From the state with all servers busy and nobody waiting, up by the utilisation, down by the balance.
        let mut probability = self.waited() * (1.0 - self.utilisation());
        if number >= self.servers {
            return probability * libm::pow(self.utilisation(), f64::from(number - self.servers));
        }
        for busy in number + 1..=self.servers {
            probability *= f64::from(busy) / self.offered();
        }
        probability
    }
}

/// The M/M/c/K queue: as [`MultiServer`], but with only so many places to wait, and whoever finds them taken is
/// refused.
#[derive(Clone, Debug)]
pub struct BoundedMultiServer {
    /// Share of arrivals refused.
    pub refused: f64,
    /// Share of those admitted who wait.
    pub waited: f64,
    /// Mean wait of those admitted, zeros included, in seconds.
    pub wait_mean: f64,
    /// Mean number waiting.
    pub queue_mean: f64,
    /// Mean number in service.
    pub busy_mean: f64,
    /// Share of time with 0, 1, 2 ... in the system.
    pub in_system: Vec<f64>,
}

impl BoundedMultiServer {
    /// Arrivals a second, mean service time in seconds, servers, places to wait.
    #[must_use]
    pub fn new(arrival: f64, service: f64, servers: u32, waiters: u32) -> Self {
        let room = servers + waiters;
        let deaths: Vec<f64> = (1..=room)
            .map(|number| f64::from(number.min(servers)) / service)
            .collect();
        let in_system = steady_state(&vec![arrival; room as usize], &deaths);
        let refused = in_system[room as usize];
        let admitted = arrival * (1.0 - refused);
        let queue_mean = excess(&in_system, servers as usize);
        let all_busy: f64 = in_system[servers as usize..room as usize].iter().sum();
        Self {
            refused,
            waited: all_busy / (1.0 - refused),
            wait_mean: queue_mean / admitted,
            queue_mean,
            busy_mean: admitted * service,
            in_system,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::birth_death::mean;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn erlang_b_is_as_in_the_tables() {
        // Lost: the share refused by a full pool.
        check_close("1 server, 1 Erlang", erlang_b(1, 1.0), 0.5, 1e-15);
        check_close("2 servers, 1 Erlang", erlang_b(2, 1.0), 0.2, 1e-15);
        check_close("10 servers, 10 Erlang", erlang_b(10, 10.0), 0.2146, 5e-5);
        check_close("100 servers, 100 Erlang", erlang_b(100, 100.0), 0.0757, 5e-5);
    }

    #[test]
    fn erlang_c_is_as_in_the_tables() {
        // Lost: the share that waits for a connection.
        check_close("1 server at 0.8", erlang_c(1, 0.8), 0.8, 1e-15);
        check_close("2 servers, 1 Erlang", erlang_c(2, 1.0), 1.0 / 3.0, 1e-15);
        check_close("10 servers, 8 Erlang", erlang_c(10, 8.0), 0.4092, 5e-5);
    }

    #[test]
    fn one_server_is_the_textbook_queue() {
        // Lost: the reduction to M/M/1, whose figures everybody knows.
        let queue = MultiServer::new(8.0, 0.1, 1);
        check_close("response", queue.response_mean(), 0.5, 1e-13);
        check_close("queue", queue.queue_mean(), 3.2, 1e-13);
        check_close("wait if waited", queue.wait_mean_if_waited(), 0.5, 1e-13);
        check_close("response beyond 1 s", queue.response_tail(1.0), libm::exp(-2.0), 1e-13);
        check_close(
            "median response",
            queue.response_quantile(0.5),
            libm::log(2.0) / 2.0,
            1e-12,
        );
        check_close("3 in system", queue.in_system(3), 0.2 * 0.512, 1e-14);
    }

    #[test]
    fn a_quantile_undoes_its_tail() {
        // Lost: p95 and p99 of waits, which are what users see.
        let queue = MultiServer::new(8.0, 1.0, 10);
        check_close("p95", queue.wait_tail(queue.wait_quantile(0.95)), 0.05, 1e-13);
        assert_eq!(queue.wait_quantile(0.5), 0.0, "more than half do not wait");
        check_close("p99", queue.response_tail(queue.response_quantile(0.99)), 0.01, 1e-12);
    }

    #[test]
    fn the_response_tail_has_the_response_mean() {
        // Lost: the convolution in the tail, and its limit where both rates are one (3 servers, 2 Erlang).
        for (offered, servers) in [(2.0, 3), (8.0, 10), (0.5, 4)] {
            let queue = MultiServer::new(offered, 1.0, servers);
            let step = 1e-3;
            let area: f64 = (0..60_000)
                .map(|at| queue.response_tail((f64::from(at) + 0.5) * step) * step)
                .sum();
            check_close("area under the tail", area, queue.response_mean(), 1e-6);
        }
    }

    #[test]
    fn the_states_of_many_servers_sum_to_one_and_to_the_mean() {
        // Lost: the share of time with n in the system.
        let queue = MultiServer::new(8.0, 1.0, 10);
        let states: Vec<f64> = (0..400).map(|number| queue.in_system(number)).collect();
        check_close("total", states.iter().sum(), 1.0, 1e-12);
        check_close("mean", mean(&states), queue.queue_mean() + queue.offered(), 1e-11);
    }

    #[test]
    fn few_places_lie_between_erlang_b_and_erlang_c() {
        // Lost: the pool with a bounded line, at both of its limits.
        let none = BoundedMultiServer::new(8.0, 1.0, 10, 0);
        check_close("no place", none.refused, erlang_b(10, 8.0), 1e-14);
        check_close("no wait", none.wait_mean, 0.0, 1e-15);
        let many = BoundedMultiServer::new(8.0, 1.0, 10, 500);
        let endless = MultiServer::new(8.0, 1.0, 10);
        check_close("many places", many.wait_mean, endless.wait_mean(), 1e-12);
        check_close("who waits", many.waited, endless.waited(), 1e-12);
        check_close("who is in service", many.busy_mean, 8.0, 1e-12);
    }

    #[test]
    fn a_full_single_line_overloaded_twice_is_the_geometric_law() {
        // Lost: bounded lines under overload, where nothing unbounded has an answer.
        let queue = BoundedMultiServer::new(2.0, 1.0, 1, 1);
        check_close("refused", queue.refused, 4.0 / 7.0, 1e-14);
        check_close("queue", queue.queue_mean, 4.0 / 7.0, 1e-14);
        check_close("busy", queue.busy_mean, 6.0 / 7.0, 1e-14);
    }
}
