//! Whether the parts that one long run was cut into may pass for independent runs.
//!
//! Source: G. S. Fishman, "Grouping observations in digital simulation", Management Science 24 (1978): batches are made
//! fewer and longer until their means pass von Neumann's test for independence.

/// The one-sided normal quantile of the test: of batches that are independent, one set in ten is thought not to be.
const DOUBT: f64 = 1.281_55;

/// Whether neighbours in a row of batch means are no more alike than chance would have it.
#[must_use]
pub fn are_independent(means: &[f64]) -> bool {
    let count = means.len() as f64;
    if count < 4.0 || means.iter().any(|mean| !mean.is_finite()) {
        return false;
    }
    let mean = means.iter().sum::<f64>() / count;
    let squares: f64 = means.iter().map(|each| (each - mean).powi(2)).sum();
    if squares == 0.0 {
        return true;
    }
    let steps: f64 = means.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
    let likeness = 1.0 - steps / (2.0 * squares);
    likeness <= DOUBT * ((count - 2.0) / (count * count - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: batches that are one rush cut in two would count twice.
    #[test]
    fn neighbours_that_are_alike_are_found() {
        let trend: Vec<f64> = (0..30).map(f64::from).collect();
        assert!(!are_independent(&trend));
        let pairs: Vec<f64> = (0..30u32).map(|number| f64::from((number / 2) * 7 % 15)).collect();
        assert!(!are_independent(&pairs));
        let mixed: Vec<f64> = (0..30u32).map(|number| f64::from(number * 7919 % 31)).collect();
        assert!(are_independent(&mixed));
        assert!(are_independent(&[2.0; 30]));
        assert!(!are_independent(&[1.0, f64::NAN, 2.0, 1.0]));
    }
}
