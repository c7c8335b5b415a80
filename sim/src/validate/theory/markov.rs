//! Markov chains in continuous time, written down as what may happen next in each state, solved numerically.
//!
//! Owns: the steady state by successive substitution (Gauss and Seidel). Never: what a state means.
//! Source: Stewart, "Introduction to the Numerical Solution of Markov Chains" (1994), section 3.3.

use std::collections::{BTreeMap, VecDeque};

/// States and the shares of time spent in them.
#[derive(Clone, Debug)]
pub struct SteadyState<S> {
    /// In the order in which they were found.
    pub states: Vec<(S, f64)>,
}

impl<S> SteadyState<S> {
    /// The mean of something that each state has.
    pub fn mean(&self, of: impl Fn(&S) -> f64) -> f64 {
        self.states.iter().map(|(state, share)| share * of(state)).sum()
    }

    /// Share of time in the states for which something holds.
    pub fn share(&self, holds: impl Fn(&S) -> bool) -> f64 {
        self.mean(|state| f64::from(u8::from(holds(state))))
    }
}

/// Sweeps after which a chain that has not settled never will.
const SWEEPS: usize = 200_000;

/// The steady state of the chain that begins in `start` and moves on as `steps` says: states and rates a second.
///
/// # Panics
/// When a state cannot be left, or the sweeps do not settle.
pub fn steady_state<S: Ord + Clone>(start: S, steps: impl Fn(&S) -> Vec<(S, f64)>) -> SteadyState<S> {
    let mut number = BTreeMap::from([(start.clone(), 0_usize)]);
    let mut states = vec![start.clone()];
    let mut found = VecDeque::from([start]);
    // Into each state: from which, at which rate. Out of each: the total.
    let mut into: Vec<Vec<(usize, f64)>> = vec![Vec::new()];
    let mut out = Vec::new();
    while let Some(state) = found.pop_front() {
        let from = number[&state];
        let mut total = 0.0;
        for (next, rate) in steps(&state) {
            if rate == 0.0 || next == state {
                continue;
            }
            total += rate;
            let known = number.len();
            let to = *number.entry(next.clone()).or_insert(known);
            if to == known {
                states.push(next.clone());
                into.push(Vec::new());
                found.push_back(next);
            }
            into[to].push((from, rate));
        }
        assert!(total > 0.0, "a state that cannot be left");
        out.push(total);
    }
    let mut shares = vec![1.0 / states.len() as f64; states.len()];
    for _ in 0..SWEEPS {
        let mut change: f64 = 0.0;
        // There and back, so that it matters less in which order the states were found.
        for at in (0..states.len()).chain((0..states.len()).rev()) {
            let inflow: f64 = into[at].iter().map(|&(from, rate)| shares[from] * rate).sum();
            let share = inflow / out[at];
            change = change.max((share - shares[at]).abs());
            shares[at] = share;
        }
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        if change < 1e-15 {
            return SteadyState {
                states: states.into_iter().zip(shares).collect(),
            };
        }
    }
    panic!("a chain of {} states does not settle", states.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::erlang::{BoundedMultiServer, erlang_b};
    use crate::validate::theory::testing::check_close;

    #[test]
    fn a_chain_that_has_a_formula_agrees_with_it() {
        // Lost: every figure that only a chain gives.
        let steps = |&number: &u32| {
            let mut steps = Vec::new();
            if number < 8 {
                steps.push((number + 1, 30.0));
            }
            if number > 0 {
                steps.push((number - 1, f64::from(number.min(3)) / 0.1));
            }
            steps
        };
        let chain = steady_state(0_u32, steps);
        let formula = BoundedMultiServer::new(30.0, 0.1, 3, 5);
        check_close("refused", chain.share(|&number| number == 8), formula.refused, 1e-12);
        let queue = chain.mean(|&number| f64::from(number.saturating_sub(3)));
        check_close("queue", queue, formula.queue_mean, 1e-12);
        // Two independent loss systems at once: a product of the two.
        let pair = |&(one, two): &(u32, u32)| {
            vec![
                ((if one < 2 { one + 1 } else { one }, two), 3.0),
                ((one.saturating_sub(1), two), f64::from(one)),
                ((one, if two < 3 { two + 1 } else { two }), 2.0),
                ((one, two.saturating_sub(1)), f64::from(two)),
            ]
        };
        let both = steady_state((0, 0), pair).share(|&(one, two)| one == 2 && two == 3);
        check_close("both full", both, erlang_b(2, 3.0) * erlang_b(3, 2.0), 1e-13);
    }
}
