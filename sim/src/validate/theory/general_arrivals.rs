//! Independent gaps of any law before one exponential server (GI/M/1).
//!
//! Owns: who waits and for how long. Source: Kleinrock, "Queueing Systems", volume 1 (1975), section 6.4: everything
//! follows from the one root between 0 and 1 of `s = A*(mu - mu s)`, where `A*` is the Laplace transform of the gaps.

/// The queue.
#[derive(Copy, Clone, Debug)]
pub struct GeneralArrivals {
    root: f64,
    rate: f64,
}

impl GeneralArrivals {
    /// Of gaps with this Laplace transform, and a mean service in seconds.
    ///
    /// # Panics
    /// When the server cannot keep up: then there is no root.
    #[must_use]
    pub fn new(gaps: impl Fn(f64) -> f64, service: f64) -> Self {
        let rate = 1.0 / service;
        let above = |root: f64| root - gaps(rate * (1.0 - root));
        // One is always a root; the other lies below it where the function is positive just below one.
        let (mut low, mut high) = (0.0, 1.0 - 1e-9);
        assert!(above(high) > 0.0, "a server cannot keep up");
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if above(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self { root: high, rate }
    }

    /// Share of arrivals that wait.
    #[must_use]
    pub fn waited(&self) -> f64 {
        self.root
    }

    /// Mean wait in seconds, zeros included.
    #[must_use]
    pub fn wait_mean(&self) -> f64 {
        self.root / (self.rate * (1.0 - self.root))
    }

    /// Mean of wait and service in seconds: the two together are exponential.
    #[must_use]
    pub fn response_mean(&self) -> f64 {
        1.0 / (self.rate * (1.0 - self.root))
    }

    /// The response in seconds that a share `probability` does not exceed.
    #[must_use]
    pub fn response_quantile(&self, probability: f64) -> f64 {
        -libm::log(1.0 - probability) * self.response_mean()
    }
}

/// Laplace transform of a constant.
pub fn constant(mean: f64) -> impl Fn(f64) -> f64 {
    move |at| libm::exp(-at * mean)
}

/// Laplace transform of an Erlang law of `phases` phases.
pub fn erlang(mean: f64, phases: u32) -> impl Fn(f64) -> f64 {
    move |at| libm::pow(1.0 + at * mean / f64::from(phases), -f64::from(phases))
}

/// Laplace transform of two exponential branches with equal loads ("balanced means"), by mean and coefficient of
/// variation.
pub fn hyperexponential(mean: f64, cv: f64) -> impl Fn(f64) -> f64 {
    let branches = super::law::balanced_branches(mean, cv);
    move |at| branches.iter().map(|(share, mean)| share / (1.0 + at * mean)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::erlang::MultiServer;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn exponential_gaps_make_the_textbook_queue() {
        // Lost: the root, on which all figures stand.
        let (queue, textbook) = (
            GeneralArrivals::new(erlang(0.125, 1), 0.1),
            MultiServer::new(8.0, 0.1, 1),
        );
        check_close("waited", queue.waited(), textbook.waited(), 1e-12);
        check_close("wait", queue.wait_mean(), textbook.wait_mean(), 1e-11);
        check_close(
            "p95",
            queue.response_quantile(0.95),
            textbook.response_quantile(0.95),
            1e-11,
        );
        let even = GeneralArrivals::new(hyperexponential(0.125, 1.0), 0.1);
        check_close("one branch", even.waited(), queue.waited(), 1e-12);
    }

    #[test]
    fn equal_gaps_are_kleinrocks_root() {
        // Lost: the transform of a constant. At half load s = exp(-2 (1 - s)) has the root 0.2031878699799799.
        let queue = GeneralArrivals::new(constant(0.2), 0.1);
        check_close("root", queue.waited(), 0.203_187_869_979_979_9, 1e-13);
    }
}
