//! A slot held while waiting for another one: a worker that holds on while its connection is not there.
//!
//! Owns: the steady state of two nested resources, by its Markov chain. There is no product form: whoever waits inside
//! occupies the outside.
//! Source: the chain itself, solved numerically (`markov`); the setting is that of Lazowska, Zahorjan, Graham and Sevcik,
//! "Quantitative System Performance" (1984), section 9.3.

use super::markov::steady_state;

/// Slots outside, slots inside, and what is done with them: first an exponential time on the outer slot alone, then an
/// exponential time on both.
#[derive(Copy, Clone, Debug)]
pub struct Nested {
    /// Arrivals a second.
    pub arrival: f64,
    /// Outer slots.
    pub outer: u32,
    /// Places in the line before them; whoever finds those taken is refused.
    pub waiters: u32,
    /// Mean time in seconds on the outer slot alone.
    pub alone: f64,
    /// Inner slots.
    pub inner: u32,
    /// Mean time in seconds on both.
    pub both: f64,
}

/// The figures.
#[derive(Copy, Clone, Debug)]
pub struct Figures {
    /// Share of arrivals refused.
    pub refused: f64,
    /// Mean wait in seconds for an outer slot, of those admitted.
    pub outer_wait: f64,
    /// Mean wait in seconds for an inner slot, of those who ask.
    pub inner_wait: f64,
    /// Share of time that an outer slot is held.
    pub outer_utilisation: f64,
    /// Share of time that an inner slot is held.
    pub inner_utilisation: f64,
    /// Mean time in seconds from arrival to the end, of those admitted.
    pub response: f64,
}

impl Nested {
    /// The figures.
    #[must_use]
    pub fn figures(&self) -> Figures {
        // Waiting outside, alone on an outer slot, at or before the inner slots.
        type State = (u32, u32, u32);
        let next = |&(queue, alone, inside): &State| -> Vec<(State, f64)> {
            let mut steps = Vec::new();
            if alone + inside < self.outer {
                steps.push(((queue, alone + 1, inside), self.arrival));
            } else if queue < self.waiters {
                steps.push(((queue + 1, alone, inside), self.arrival));
            }
            if alone > 0 {
                steps.push(((queue, alone - 1, inside + 1), f64::from(alone) / self.alone));
            }
            if inside > 0 {
                let rate = f64::from(inside.min(self.inner)) / self.both;
                // The outer slot goes with the inner one, to whoever is first in line.
                let state = if queue > 0 {
                    (queue - 1, alone + 1, inside - 1)
                } else {
                    (queue, alone, inside - 1)
                };
                steps.push((state, rate));
            }
            steps
        };
        let chain = steady_state((0, 0, 0), next);
        let refused = chain.share(|&(queue, alone, inside)| alone + inside == self.outer && queue == self.waiters);
        let admitted = self.arrival * (1.0 - refused);
        let queue = chain.mean(|&(queue, _, _)| f64::from(queue));
        let held = chain.mean(|&(_, alone, inside)| f64::from(alone + inside));
        let inner_queue = chain.mean(|&(_, _, inside)| f64::from(inside.saturating_sub(self.inner)));
        let inner_held = chain.mean(|&(_, _, inside)| f64::from(inside.min(self.inner)));
        Figures {
            refused,
            outer_wait: queue / admitted,
            inner_wait: inner_queue / admitted,
            outer_utilisation: held / f64::from(self.outer),
            inner_utilisation: inner_held / f64::from(self.inner),
            response: (queue + held) / admitted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::erlang::BoundedMultiServer;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn with_an_inner_slot_for_everybody_the_service_is_the_sum() {
        // Lost: the chain. With no line the loss is that of Erlang for a service of both times together.
        let nested = Nested {
            arrival: 30.0,
            outer: 3,
            waiters: 0,
            alone: 0.04,
            inner: 3,
            both: 0.06,
        };
        let (figures, loss) = (nested.figures(), BoundedMultiServer::new(30.0, 0.1, 3, 0));
        check_close("refused", figures.refused, loss.refused, 1e-12);
        check_close("inner wait", figures.inner_wait, 0.0, 1e-15);
        check_close("response", figures.response, 0.1, 1e-12);
    }

    #[test]
    fn with_one_outer_slot_nobody_waits_inside() {
        // Lost: that the outer slot is held throughout.
        let nested = Nested {
            arrival: 5.0,
            outer: 1,
            waiters: 4,
            alone: 0.05,
            inner: 1,
            both: 0.05,
        };
        let figures = nested.figures();
        check_close("inner wait", figures.inner_wait, 0.0, 1e-15);
        check_close(
            "held",
            figures.outer_utilisation,
            5.0 * (1.0 - figures.refused) * 0.1,
            1e-12,
        );
    }
}
