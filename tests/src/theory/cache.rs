//! Caches whose entries live for a fixed time, under Poisson look-ups.
//!
//! Owns: hit ratios of one key and of many, and how many keys are alive.
//! Never: the time of a fetch: an entry is there as soon as it was missed.
//! Source: Jung, Berger and Balakrishnan, "Modeling TTL-based Internet Caches" (INFOCOM 2003), for the renewal
//! argument; the rest follows from it.

/// Hit ratio of a key looked up `rate` times a second whose entry lives `ttl` seconds from the miss: in each life one
/// miss and as many hits as look-ups come.
#[must_use]
pub fn hit_ratio(rate: f64, ttl: f64) -> f64 {
    let hits = rate * ttl;
    hits / (1.0 + hits)
}

/// Hit ratio of a key whose entry lives `ttl` seconds from the last look-up: the share of gaps shorter than that.
#[must_use]
pub fn hit_ratio_renewed(rate: f64, ttl: f64) -> f64 {
    -libm::expm1(-rate * ttl)
}

/// Shares of `keys` keys of which the n-th is looked up in proportion to `1 / n^exponent` (Zipf).
#[must_use]
pub fn zipf_shares(keys: usize, exponent: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=keys).map(|rank| libm::pow(rank as f64, -exponent)).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

/// Hit ratio over keys that share `rate` look-ups a second: each look-up belongs to a key with that key's share, so
/// each key has a Poisson process of its own.
#[must_use]
pub fn hit_ratio_of_keys(rate: f64, shares: &[f64], ttl: f64) -> f64 {
    shares.iter().map(|share| share * hit_ratio(rate * share, ttl)).sum()
}

/// Mean number of keys alive at a moment: look-ups see what is there on average (Poisson arrivals see time averages),
/// so a key is alive for the share of time that is its hit ratio.
#[must_use]
pub fn live_keys(rate: f64, shares: &[f64], ttl: f64) -> f64 {
    shares.iter().map(|share| hit_ratio(rate * share, ttl)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::testing::{Arrivals, check_close};

    #[test]
    fn a_key_is_as_counted() {
        // Lost: both rules of life, each against a hundred thousand look-ups one by one.
        let (rate, ttl) = (0.5, 3.0);
        for (renewed, expected) in [(false, hit_ratio(rate, ttl)), (true, hit_ratio_renewed(rate, ttl))] {
            let (mut dies, mut hits) = (0.0, 0);
            for now in Arrivals::new(rate).take(100_000) {
                let hit = now < dies;
                hits += u32::from(hit);
                if renewed || !hit {
                    dies = now + ttl;
                }
            }
            check_close("hit ratio", f64::from(hits) / 1e5, expected, 6e-3);
        }
        check_close("by hand", hit_ratio(0.5, 3.0), 0.6, 1e-15);
        check_close("by hand", hit_ratio_renewed(0.5, 3.0), 1.0 - libm::exp(-1.5), 1e-15);
    }

    #[test]
    fn equal_keys_are_one_key_each() {
        // Lost: the weights in the sum over keys.
        let shares = zipf_shares(40, 0.0);
        check_close(
            "hit ratio",
            hit_ratio_of_keys(20.0, &shares, 3.0),
            hit_ratio(0.5, 3.0),
            1e-13,
        );
        check_close(
            "alive",
            live_keys(20.0, &shares, 3.0),
            40.0 * hit_ratio(0.5, 3.0),
            1e-13,
        );
    }

    #[test]
    fn zipf_is_by_its_definition_and_favours_the_cache() {
        // Lost: the exponent and the normalisation.
        let shares = zipf_shares(3, 1.0);
        for (share, expected) in shares.iter().zip([6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0]) {
            check_close("share", *share, expected, 1e-15);
        }
        let even = zipf_shares(1000, 0.0);
        let skewed = zipf_shares(1000, 1.0);
        assert!(hit_ratio_of_keys(1.0, &skewed, 60.0) > 3.0 * hit_ratio_of_keys(1.0, &even, 60.0));
    }
}
