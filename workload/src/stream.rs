//! Named streams of chance.
//!
//! Every draw has a key made from (seed, replication, purpose, entity), down to the single request and the place in its
//! steps. So two systems under one seed see the same users doing the same things at the same moments, however
//! differently they answer: what a request draws at a place depends on the request and the place alone, never on what
//! was drawn before it or elsewhere.

use std::convert::Infallible;

use rand::TryRng;

/// Weyl increment of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: every input bit reaches every output bit.
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a draw is for. Adding a purpose shifts no other stream.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Times at which sessions arrive.
    Arrivals = 1,
    /// Who a session belongs to and which flow it takes.
    Session = 2,
    /// A person's class and address.
    Person = 3,
    /// Think times, branches and repetitions of a flow.
    Flow = 4,
    /// A request: what its steps need.
    Request = 5,
    /// What a client does: round trips, patience, retries.
    Client = 6,
    /// The balancer's choices.
    Balance = 7,
    /// How long instances take to start.
    Boot = 8,
    /// How long connections take to open.
    Connect = 9,
    /// Bursts of arrivals.
    Bursts = 10,
    /// How long people need to react.
    Reaction = 11,
    /// When a client that has lost its connection tries again.
    Reconnect = 12,
    /// How many arrive together, and the gaps of a stream that has a law of its own for them.
    Batch = 13,
    /// How long messages of monitoring are on their way.
    Message = 15,
}

/// A key from which draws are made.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The root of one replication.
    #[must_use]
    #[inline]
    pub const fn root(seed: u64, replication: u32) -> Self {
        Self(mix(
            mix(seed.wrapping_add(GOLDEN)) ^ (replication as u64 + 1).wrapping_mul(GOLDEN)
        ))
    }

    /// The key that [`number`](Self::number) gave.
    #[must_use]
    #[inline]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The stream of a purpose.
    #[must_use]
    #[inline]
    pub const fn purpose(self, purpose: Purpose) -> Self {
        self.child(purpose as u64)
    }

    /// The stream of the `n`-th thing below this one.
    #[must_use]
    #[inline]
    pub const fn child(self, n: u64) -> Self {
        Self(mix(self.0 ^ n.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// The stream of a place in a program, the `iteration`-th time that it is come to.
    #[must_use]
    #[inline]
    pub const fn at(self, place: u64, iteration: u32) -> Self {
        Self(mix(
            self.0 ^ place.wrapping_add((iteration as u64) << 1).wrapping_mul(GOLDEN)
        ))
    }

    /// Draws from this key.
    #[must_use]
    #[inline]
    pub const fn draw(self) -> Draw {
        Draw(self.0)
    }

    /// The key as a number.
    #[must_use]
    #[inline]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A generator (SplitMix64): eight bytes of state, so that a fresh one for each draw costs nothing.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// Uniform in [0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        // The 53 high bits, as many as a double holds.
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform among 0 to `n` - 1; zero when `n` is zero. By multiplication (Lemire 2019, without the rejection: the bias is below
    /// n / 2^64).
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }
}

impl TryRng for Draw {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_neighbouring_entities_are_not_alike() {
        // The mean of products of neighbours' first draws is 1/4 when they are independent; sd of the mean is 0.0022.
        let root = Key::root(1, 0);
        let first = |n| root.child(n).draw().uniform();
        let mean = (0..10_000).map(|n| first(n) * first(n + 1)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.25).abs() < 0.01, "{mean}");
        assert_ne!(Key::root(1, 0), Key::root(1, 1));
        assert_ne!(Key::root(1, 1), Key::root(2, 0));
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut draw = Key::root(3, 0).draw();
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[draw.below(7) as usize] += 1;
        }
        // 10,000 expected in each; 5 standard deviations are 463.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 463), "{counts:?}");
        assert_eq!(draw.below(0), 0);
    }
}
