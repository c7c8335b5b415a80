//! Which of many keys or people comes next, when some come more often than others.
//!
//! Owns: drawing a rank in constant time from any list of weights (alias method: Walker 1977, Vose 1991).

use crate::math;
use crate::stream::Draw;

/// Ranks from 0, the most popular first, and how often each comes.
#[derive(Clone, Debug)]
pub struct Popularity {
    /// For each rank: the chance of keeping it when it is hit, and which one to take instead.
    table: Vec<(f64, u32)>,
}

impl Popularity {
    /// The n-th of `count` comes in proportion to 1 / n to the power of `exponent`.
    #[must_use]
    pub fn zipf(count: u32, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=count).map(|rank| math::pow(f64::from(rank), -exponent)).collect();
        Self::by_weight(&weights)
    }

    /// Each comes in proportion to its weight; all alike when the weights add up to nothing.
    #[must_use]
    pub fn by_weight(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let n = weights.len();
        if total <= 0.0 || total.is_nan() {
            return Self {
                table: (0..n).map(|rank| (1.0, rank as u32)).collect(),
            };
        }
        let mut share: Vec<f64> = weights.iter().map(|weight| weight / total * n as f64).collect();
        let mut table: Vec<(f64, u32)> = (0..n).map(|rank| (1.0, rank as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|&rank| share[rank] < 1.0);
        while let (Some(less), Some(&more)) = (small.pop(), large.last()) {
            table[less] = (share[less], more as u32);
            share[more] -= 1.0 - share[less];
            if share[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        Self { table }
    }

    /// Draws a rank.
    pub fn draw(&self, draw: &mut Draw) -> u32 {
        let at = draw.below(self.table.len() as u64);
        let (keep, instead) = self.table[at as usize];
        if draw.uniform() < keep { at as u32 } else { instead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Key;

    #[test]
    fn ranks_come_in_proportion_to_their_weights() {
        let popularity = Popularity::zipf(4, 1.0);
        let mut counts = [0u32; 4];
        let mut draw = Key::root(2, 0).draw();
        for _ in 0..100_000 {
            counts[popularity.draw(&mut draw) as usize] += 1;
        }
        let total = 1.0 + 0.5 + 1.0 / 3.0 + 0.25;
        for (rank, &count) in counts.iter().enumerate() {
            let share = 1.0 / (rank as f64 + 1.0) / total;
            let sd = (100_000.0 * share * (1.0 - share)).sqrt();
            assert!((f64::from(count) - 100_000.0 * share).abs() < 5.0 * sd, "{counts:?}");
        }
    }
}
