//! Caches whose entries live for a fixed time, under Poisson look-ups.
//!
//! Owns: hit ratios of one key and of many, how many keys are alive, what fetches that take time cost, and which keys stay
//! where there is no room for all. Where no time of a fetch is named, an entry is there as soon as it was missed.
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

/// What becomes of a key's look-ups, in shares that sum to one.
#[derive(Copy, Clone, Debug, Default)]
pub struct LookUps {
    /// Found.
    pub hits: f64,
    /// Fetched.
    pub misses: f64,
    /// Of those: while somebody else's fetch was under way.
    pub duplicates: f64,
    /// Waited for somebody else's fetch.
    pub joined: f64,
    /// Mean time of a look-up in seconds.
    pub time_mean: f64,
}

/// Look-ups of a key that lives `ttl` seconds from the end of a fetch of `fetch` seconds, where everybody who misses
/// fetches (a dog-pile). A store of a live key begins its life anew where `restarts` says so.
///
/// A cycle begins with a miss at an empty cache. In the time of its fetch a Poisson number more miss; each stores after
/// its own fetch, while the key lives already. So the key is there from the first store until `ttl` after the last one,
/// or after the first; then comes the gap to the next miss. `ttl` has to be at least `fetch`.
#[must_use]
pub fn dog_pile(rate: f64, ttl: f64, fetch: f64, restarts: bool) -> LookUps {
    assert!(ttl >= fetch, "the second store would find no life to prolong");
    let duplicates = rate * fetch;
    // How long after the first miss the last one of the pile comes: the mean of the latest of a Poisson number.
    let last = fetch + libm::expm1(-duplicates) / rate;
    let hits = rate * (ttl + if restarts { last } else { 0.0 });
    let all = 1.0 + duplicates + hits;
    LookUps {
        hits: hits / all,
        misses: (1.0 + duplicates) / all,
        duplicates: duplicates / all,
        joined: 0.0,
        time_mean: (1.0 + duplicates) * fetch / all,
    }
}

/// The same where one fetches and the others wait for it (single flight).
#[must_use]
pub fn single_flight(rate: f64, ttl: f64, fetch: f64) -> LookUps {
    let (joined, hits) = (rate * fetch, rate * ttl);
    let all = 1.0 + joined + hits;
    LookUps {
        hits: hits / all,
        misses: 1.0 / all,
        duplicates: 0.0,
        joined: joined / all,
        // Who joins comes at any moment of the fetch and waits for half of it.
        time_mean: (fetch + joined * fetch / 2.0) / all,
    }
}

/// Look-ups over keys that share `rate` look-ups a second.
#[must_use]
pub fn of_keys(rate: f64, shares: &[f64], of_key: impl Fn(f64) -> LookUps) -> LookUps {
    let mut sum = LookUps::default();
    for share in shares {
        let key = of_key(rate * share);
        sum.hits += share * key.hits;
        sum.misses += share * key.misses;
        sum.duplicates += share * key.duplicates;
        sum.joined += share * key.joined;
        sum.time_mean += share * key.time_mean;
    }
    sum
}

/// Hit ratio of a cache with room for `room` of the keys that throws out the least recently used, where keys are looked
/// up independently with these shares (King, "Analysis of demand paging algorithms", Information Processing 71, 1972).
///
/// The keys looked up last, in order of their last look-up, are a draw without replacement by share; a look-up hits when
/// its key is among the first `room` of them.
#[must_use]
pub fn least_recently_used(shares: &[f64], room: usize) -> f64 {
    fn descend(shares: &[f64], taken: &mut Vec<usize>, room: usize, probability: f64, rest: f64) -> f64 {
        if room == 0 {
            let inside: f64 = taken.iter().map(|&key| shares[key]).sum();
            return probability * inside;
        }
        let mut sum = 0.0;
        for key in 0..shares.len() {
            if !taken.contains(&key) {
                taken.push(key);
                sum += descend(
                    shares,
                    taken,
                    room - 1,
                    probability * shares[key] / rest,
                    rest - shares[key],
                );
                taken.pop();
            }
        }
        sum
    }
    assert!(room < shares.len(), "everything fits");
    descend(shares, &mut Vec::new(), room, 1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::{Arrivals, check_close};

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

    #[test]
    fn a_pile_is_as_counted() {
        // Lost: when the life of a key ends that several have stored, against two hundred thousand look-ups one by one.
        let (rate, ttl, fetch) = (2.0, 3.0, 0.8);
        for restarts in [false, true] {
            let (mut from, mut until) = (f64::INFINITY, 0.0);
            let (mut hits, mut misses) = (0.0, 0.0);
            for now in Arrivals::new(rate).take(200_000) {
                if now >= from && now < until {
                    hits += 1.0;
                    continue;
                }
                misses += 1.0;
                if now >= until {
                    (from, until) = (now + fetch, now + fetch + ttl);
                } else if restarts {
                    until = now + fetch + ttl;
                }
            }
            let theory = dog_pile(rate, ttl, fetch, restarts);
            check_close("hits", hits / (hits + misses), theory.hits, 4e-3);
            check_close("whole", theory.hits + theory.misses, 1.0, 1e-14);
        }
        let flight = single_flight(2.0, 3.0, 0.8);
        check_close("whole", flight.hits + flight.misses + flight.joined, 1.0, 1e-14);
        check_close(
            "no time to fetch",
            dog_pile(2.0, 3.0, 1e-12, true).hits,
            hit_ratio(2.0, 3.0),
            1e-11,
        );
    }

    #[test]
    fn the_least_recently_used_is_by_hand() {
        // Lost: the order of the last look-ups. Room for one: hit when the same key comes twice in a row.
        let shares = [0.5, 0.3, 0.2];
        check_close(
            "room for one",
            least_recently_used(&shares, 1),
            0.25 + 0.09 + 0.04,
            1e-15,
        );
        // Room for two of three: a miss when the key looked up is the one that has not been for longest.
        check_close("alike", least_recently_used(&[1.0 / 3.0; 3], 2), 2.0 / 3.0, 1e-15);
    }
}
