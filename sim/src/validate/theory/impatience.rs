//! People who leave the line when they have waited too long.
//!
//! Owns: how many leave and how long the others wait, at several exponential servers, for constant patience (a pool's
//! time-out: M/M/c+D) and exponential patience (M/M/c+M, Erlang A).
//! Sources: Baccelli and Hebuterne, "On queues with impatient customers" (1981), for the density of the wait that
//! somebody of endless patience would meet; Zeltyn and Mandelbaum, "Call centers with impatient customers: many-server
//! asymptotics of the M/M/n+G queue", Queueing Systems 51 (2005), for the figures that follow from it; Palm, "Research
//! on telephone traffic carried by full availability groups" (1957), for Erlang A.

use super::birth_death::{excess, steady_state};
use super::erlang::erlang_b;

/// How long somebody is ready to wait.
#[derive(Copy, Clone, Debug)]
pub enum Patience {
    /// All the same, in seconds.
    Constant(f64),
    /// Exponential with this mean in seconds.
    Exponential(f64),
}

/// Poisson arrivals, equal exponential servers, one line, and its end for each by patience.
#[derive(Copy, Clone, Debug)]
pub struct ImpatientQueue {
    /// Arrivals a second; may exceed what the servers can do.
    pub arrival: f64,
    /// Mean service time in seconds.
    pub service: f64,
    /// Servers.
    pub servers: u32,
    /// Patience.
    pub patience: Patience,
}

/// The figures of such a queue.
#[derive(Copy, Clone, Debug)]
pub struct Impatience {
    /// Share of arrivals who find no free server.
    pub waited: f64,
    /// Share of arrivals who leave without service.
    pub gave_up: f64,
    /// Mean wait in seconds of all arrivals, of those who left too, zeros included.
    pub wait_mean_all: f64,
    /// Mean wait in seconds of those served, zeros included.
    pub wait_mean: f64,
    /// Mean number waiting.
    pub queue_mean: f64,
    /// Share of time that a server is busy.
    pub utilisation: f64,
}

impl Patience {
    /// Probability to be still waiting after `time` seconds.
    fn survivor(self, time: f64) -> f64 {
        match self {
            Self::Constant(limit) if time < limit => 1.0,
            Self::Constant(_) => 0.0,
            Self::Exponential(mean) => libm::exp(-time / mean),
        }
    }

    /// Mean of the lesser of patience and `time`: the area under the survivor function up to there.
    fn area(self, time: f64) -> f64 {
        match self {
            Self::Constant(limit) => time.min(limit),
            Self::Exponential(mean) => -mean * libm::expm1(-time / mean),
        }
    }

    /// The wait from which fewer join the line than are taken from it, when `load` is arrivals over capacity.
    fn turning_point(self, load: f64) -> f64 {
        match self {
            _ if load <= 1.0 => 0.0,
            Self::Constant(limit) => limit,
            Self::Exponential(mean) => mean * libm::log(load),
        }
    }
}

impl ImpatientQueue {
    /// Work a second that the servers can do, in customers.
    fn capacity(&self) -> f64 {
        f64::from(self.servers) / self.service
    }

    /// The figures, by integrating over the wait that somebody of endless patience would meet.
    ///
    /// Its density at x above zero is in proportion to `exp(arrival * area(x) - capacity * x)`: up to x only those
    /// keep the line going whose patience outlasts their own wait.
    #[must_use]
    pub fn by_virtual_wait(&self) -> Impatience {
        let (arrival, capacity, patience) = (self.arrival, self.capacity(), self.patience);
        let exponent = |time: f64| arrival * patience.area(time) - capacity * time;
        // The exponent is concave; relative to its highest point nothing overflows, whatever the overload.
        let top = patience.turning_point(arrival / capacity);
        let highest = exponent(top);
        let density = |time: f64| libm::exp(exponent(time) - highest);
        // Beyond 45 below the top (1e-20) nothing is left that counts.
        let counts = |time: f64| exponent(time) - highest > -45.0;
        let from = if counts(0.0) { 0.0 } else { edge(top, 0.0, counts) };
        let mut far = top + 1.0 / capacity;
        while counts(far) {
            far = top + (far - top) * 2.0;
        }
        let to = edge(top, far, counts);
        let mut cuts = vec![from, top, to];
        if let Patience::Constant(limit) = patience {
            // The density has a corner there, and the survivor function a step.
            cuts.push(limit.clamp(from, to));
        }
        cuts.sort_by(f64::total_cmp);
        let integral = |weight: &dyn Fn(f64) -> f64| -> f64 {
            let pieces = cuts.windows(2).filter(|cut| cut[1] > cut[0]);
            pieces
                .map(|cut| integrate(cut[0], cut[1], |time| weight(time) * density(time)))
                .sum()
        };

        // The states with a free server, relative to the last of them: one over the share of time that the last
        // would have in a loss system without the last server.
        let free = libm::exp(-highest) / erlang_b(self.servers - 1, arrival * self.service);
        let waiting = integral(&|_| 1.0);
        let scale = arrival / (free + arrival * waiting);
        let gave_up = scale * integral(&|time| 1.0 - patience.survivor(time));
        let wait_mean_all = scale * integral(&|time| patience.area(time));
        let wait_of_served = scale * integral(&|time| time * patience.survivor(time));
        Impatience {
            waited: scale * waiting,
            gave_up,
            wait_mean_all,
            wait_mean: wait_of_served / (1.0 - gave_up),
            queue_mean: arrival * wait_mean_all,
            utilisation: arrival * (1.0 - gave_up) / capacity,
        }
    }
}

/// The figures of Erlang A by its birth-death chain: with exponential patience everybody in line is as ready to leave
/// as when they came. `patience` is its mean in seconds.
#[must_use]
pub fn erlang_a(arrival: f64, service: f64, servers: u32, patience: f64) -> Impatience {
    let (capacity, leaving) = (f64::from(servers) / service, 1.0 / patience);
    let outflow =
        |number: u32| f64::from(number.min(servers)) / service + f64::from(number.saturating_sub(servers)) * leaving;
    // So many that the rate out is twice the rate in, and then 200 more: each halves what is left at least.
    let balanced = f64::max(0.0, (2.0 * arrival - capacity) * patience);
    let room = servers + balanced.ceil() as u32 + 200;
    let deaths: Vec<f64> = (1..=room).map(outflow).collect();
    let states = steady_state(&vec![arrival; room as usize], &deaths);

    let queue_mean = excess(&states, servers as usize);
    let gave_up = queue_mean * leaving / arrival;
    // Somebody with k ahead of them in line is served if they do not leave before k others have been served or have
    // left and a server is free: the products telescope. Their wait is the sum of the steps, whatever each step was.
    let mut wait_of_served = 0.0;
    let mut steps = 0.0;
    for (ahead, state) in states[servers as usize..].iter().enumerate() {
        let rate = capacity + (ahead + 1) as f64 * leaving;
        steps += 1.0 / rate;
        wait_of_served += state * capacity / rate * steps;
    }
    Impatience {
        waited: states[servers as usize..].iter().sum(),
        gave_up,
        wait_mean_all: queue_mean / arrival,
        wait_mean: wait_of_served / (1.0 - gave_up),
        queue_mean,
        utilisation: arrival * (1.0 - gave_up) / capacity,
    }
}

/// Where `holds` ends between a point where it holds and one where it does not.
fn edge(inside: f64, outside: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut inside, mut outside) = (inside, outside);
    // An edge that is off by a thousandth of the interval leaves out less than what does not count anyway.
    for _ in 0..50 {
        let middle = f64::midpoint(inside, outside);
        if holds(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    outside
}

/// The integral of a smooth function by Simpson's rule.
fn integrate(from: f64, to: f64, function: impl Fn(f64) -> f64) -> f64 {
    // The exponent spans 45 at most, so a panel spans a hundredth and the rule's error is below 1e-11 of the whole.
    const PANELS: u32 = 10_000;
    let width = (to - from) / f64::from(PANELS);
    let panel = |at: u32| {
        let left = from + f64::from(at) * width;
        // Kept inside the piece: at a step of the function its ends belong to the next one.
        let right = if at + 1 == PANELS { to.next_down() } else { left + width };
        function(left) + 4.0 * function(left + width / 2.0) + function(right)
    };
    (0..PANELS).map(panel).sum::<f64>() * width / 6.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::erlang::MultiServer;
    use crate::validate::theory::testing::check_close;

    fn constant(arrival: f64, servers: u32, patience: f64) -> Impatience {
        let queue = ImpatientQueue {
            arrival,
            service: 1.0,
            servers,
            patience: Patience::Constant(patience),
        };
        queue.by_virtual_wait()
    }

    #[test]
    fn endless_patience_is_erlang_c_and_none_is_erlang_b() {
        // Lost: both ends of the formula.
        let endless = MultiServer::new(8.0, 1.0, 10);
        let patient = constant(8.0, 10, 1e3);
        check_close("waited", patient.waited, endless.waited(), 1e-10);
        check_close("wait", patient.wait_mean, endless.wait_mean(), 1e-10);
        check_close("gave up", patient.gave_up, 0.0, 1e-12);
        let hasty = constant(8.0, 10, 1e-9);
        check_close("refused", hasty.gave_up, erlang_b(10, 8.0), 1e-8);
    }

    #[test]
    fn constant_patience_is_its_closed_form() {
        // Lost: the integration: here the integrals of two exponentials can be written down.
        let (arrival, servers, patience) = (19.0, 20, 5.0);
        let figures = constant(arrival, servers, patience);
        let (capacity, spare) = (20.0, 1.0);
        let decay = libm::exp(-spare * patience);
        let (within, beyond) = ((1.0 - decay) / spare, decay / capacity);
        let scale = arrival / (1.0 / erlang_b(servers - 1, arrival) + arrival * (within + beyond));
        check_close("waited", figures.waited, scale * (within + beyond), 1e-10);
        check_close("gave up", figures.gave_up, scale * beyond, 1e-10);
        let wait = scale * (within - patience * decay) / spare / (1.0 - scale * beyond);
        check_close("wait of served", figures.wait_mean, wait, 1e-10);
    }

    #[test]
    fn who_is_not_served_has_left_whatever_the_overload() {
        // Lost: the flow through the servers: they are never idle while somebody waits.
        for arrival in [15.0, 20.0, 40.0, 2000.0] {
            let figures = constant(arrival, 20, 5.0);
            let queue = ImpatientQueue {
                arrival,
                service: 1.0,
                servers: 20,
                patience: Patience::Constant(5.0),
            };
            // The busy servers by their own states: all of them while somebody waits, else as in a loss system with
            // one server fewer, which is Erlang's formula for the mean number busy.
            let fewer = arrival * (1.0 - erlang_b(19, arrival));
            let busy = figures.waited * 20.0 + (1.0 - figures.waited) * fewer;
            check_close("busy", figures.utilisation * queue.capacity(), busy, 1e-9);
        }
        let flooded = constant(2000.0, 20, 5.0);
        check_close("gave up under a flood", flooded.gave_up, 0.99, 1e-9);
        check_close("wait under a flood", flooded.wait_mean, 5.0, 1e-3);
    }

    #[test]
    fn a_single_server_with_constant_patience_is_the_case_by_hand() {
        // Lost: the free states, of which a single server has one.
        // At arrival = capacity = 1 and patience T: density proportional to 1 up to T, then exp(T - x).
        let figures = constant(1.0, 1, 3.0);
        check_close("waited", figures.waited, 4.0 / 5.0, 1e-10);
        check_close("gave up", figures.gave_up, 1.0 / 5.0, 1e-10);
        check_close("wait of served", figures.wait_mean, 4.5 / 4.0, 1e-10);
    }

    #[test]
    fn exponential_patience_agrees_by_both_ways() {
        // Lost: the independence of the two computations, of which one checks the other.
        for arrival in [8.0, 10.0, 25.0] {
            let chain = erlang_a(arrival, 1.0, 10, 2.0);
            let queue = ImpatientQueue {
                arrival,
                service: 1.0,
                servers: 10,
                patience: Patience::Exponential(2.0),
            };
            let wait = queue.by_virtual_wait();
            check_close("waited", wait.waited, chain.waited, 1e-9);
            check_close("gave up", wait.gave_up, chain.gave_up, 1e-9);
            check_close("wait of all", wait.wait_mean_all, chain.wait_mean_all, 1e-9);
            check_close("wait of served", wait.wait_mean, chain.wait_mean, 1e-9);
            check_close("queue", wait.queue_mean, chain.queue_mean, 1e-9);
            check_close("utilisation", wait.utilisation, chain.utilisation, 1e-9);
        }
    }

    #[test]
    fn patience_as_long_as_service_makes_the_number_poisson() {
        // Lost: the chain's rates: with these all leave at one rate, in service or not, as if none ever waited.
        let figures = erlang_a(8.0, 1.0, 10, 1.0);
        let (mut poisson, mut below, mut queue) = (libm::exp(-8.0), 0.0, 0.0);
        for number in 0..200_u32 {
            if number < 10 {
                below += poisson;
            }
            queue += f64::from(number.saturating_sub(10)) * poisson;
            poisson *= 8.0 / f64::from(number + 1);
        }
        check_close("waited", figures.waited, 1.0 - below, 1e-12);
        check_close("queue", figures.queue_mean, queue, 1e-12);
        check_close("gave up", figures.gave_up, queue / 8.0, 1e-12);
    }
}
