//! How many differences come by chance when many are looked at.
//!
//! Owns: the two corrections. Never: which figures belong together.
//! Sources: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
//! (1979): the chance that *any* of a family is called different where none is stays below the level, however the figures
//! depend on one another. Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995): of those
//! that are called different, the share expected to be so by chance stays below the level, for figures that are independent
//! or rise and fall together.

/// The chance of a false alarm that is accepted: for the family of headline figures as a whole, and as the share of false
/// ones among all others that are called different.
pub const LEVEL: f64 = 0.05;

/// Holm's adjusted p, in the order of `p`: at most [`LEVEL`] where a difference is sure.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut most: f64 = 0.0;
    for (rank, index) in ascending(p).into_iter().enumerate() {
        most = most.max((p.len() - rank) as f64 * p[index]).min(1.0);
        adjusted[index] = most;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p, in the order of `p`.
#[must_use]
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (rank, index) in ascending(p).into_iter().enumerate().rev() {
        least = least.min(p.len() as f64 * p[index] / (rank + 1) as f64);
        adjusted[index] = least;
    }
    adjusted
}

/// Places by rising p; equal ones in their order.
fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &[f64], expected: &[f64]) {
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near && found.len() == expected.len(), "{found:?} for {expected:?}");
    }

    // Lost if broken: a page of thousands of figures on which some are always "different". By hand: sorted 0.005, 0.01,
    // 0.03, 0.04; Holm multiplies by 4, 3, 2, 1 and never falls; the other by 4/1, 4/2, 4/3, 4/4 from the end, never rising.
    #[test]
    fn the_corrections_are_those_of_the_papers() {
        let p = [0.01, 0.04, 0.03, 0.005];
        check(&holm(&p), &[0.03, 0.06, 0.06, 0.02]);
        check(&benjamini_hochberg(&p), &[0.02, 0.04, 0.04, 0.02]);
        check(&holm(&[0.9, 0.8]), &[1.0, 1.0]);
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }
}
