//! Counts of durations in log-linear buckets: memory for the range, not for the number of samples.
//!
//! Owns: bucket layout and its error. 128 buckets an octave, values below 128 exactly; a quantile is the middle of its
//! bucket, so it is off by at most [`Histogram::RELATIVE_ERROR`] of its value.

/// Bits of a value that are kept after the leading one.
const BITS: u32 = 7;
/// Buckets an octave.
const PER_OCTAVE: usize = 1 << BITS;

/// A histogram of whole nanoseconds (or any other whole number).
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Grows to the largest bucket seen.
    buckets: Vec<u64>,
    count: u64,
    sum: u128,
    /// Sum of squares; only for the standard deviation, so rounding does no harm.
    sum_squares: f64,
    /// The largest number there is while there are no values.
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: Vec::new(),
            count: 0,
            sum: 0,
            sum_squares: 0.0,
            min: u64::MAX,
            max: 0,
        }
    }
}

/// A place among the values of a histogram: so much of a bucket lies below it.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Place {
    bucket: usize,
    part: f64,
}

impl Place {
    /// Whether two places cannot be told apart: they are in one bucket.
    #[must_use]
    pub const fn is_beside(&self, other: &Self) -> bool {
        self.bucket == other.bucket
    }
}

impl Histogram {
    /// Largest distance of a quantile from the sample it stands for, as a share of its value.
    pub const RELATIVE_ERROR: f64 = 0.5 / PER_OCTAVE as f64;

    /// Adds one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        let index = bucket_of(value);
        if index >= self.buckets.len() {
            self.grow(index);
        }
        self.buckets[index] += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.count += 1;
        self.sum += u128::from(value);
        // Values are below 2^63, and a signed number converts in one instruction where an unsigned one takes several.
        let value = value as i64 as f64;
        self.sum_squares += value * value;
    }

    /// Adds one value so many times.
    pub fn record_many(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        self.record(value);
        let more = times - 1;
        self.buckets[bucket_of(value)] += more;
        self.count += more;
        self.sum += u128::from(value) * u128::from(more);
        self.sum_squares += value as f64 * value as f64 * more as f64;
    }

    /// Adds all that another one holds.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if other.buckets.len() > self.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum += other.sum;
        self.sum_squares += other.sum_squares;
    }

    /// How many values were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their exact sum.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Their mean; NaN when there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            f64::NAN
        } else {
            self.sum as f64 / self.count as f64
        }
    }

    /// Their standard deviation; NaN when there are none.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        let mean = self.mean();
        (self.sum_squares / self.count as f64 - mean * mean).max(0.0).sqrt()
    }

    /// The smallest value; zero when there is none.
    #[must_use]
    pub fn min(&self) -> u64 {
        if self.count == 0 { 0 } else { self.min }
    }

    /// The largest value; zero when there is none.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The smallest value that at least the share `q` of all do not exceed, to within the relative error; NaN when
    /// there are none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        let rank = ((q * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut seen = 0;
        for (index, &count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle_of(index).clamp(self.min as f64, self.max as f64);
            }
        }
        self.max as f64
    }

    /// Where exactly the share `q` of all values lies below, values of a bucket being spread evenly over it; `None` when
    /// there are none.
    #[must_use]
    pub fn place(&self, q: f64) -> Option<Place> {
        let rank = (q * self.count as f64).clamp(0.0, self.count as f64);
        let mut seen = 0.0;
        let mut last = None;
        for (bucket, &count) in self.buckets.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let part = (rank - seen) / count as f64;
            if part <= 1.0 {
                return Some(Place { bucket, part });
            }
            seen += count as f64;
            last = Some(Place { bucket, part: 1.0 });
        }
        // Rounding may leave the last rank a hair beyond the last value.
        last
    }

    /// How many values lie below a place, of this histogram or another.
    #[must_use]
    pub fn below(&self, place: Place) -> f64 {
        let whole: u64 = self.buckets.iter().take(place.bucket).sum();
        let part = self.buckets.get(place.bucket).copied().unwrap_or(0);
        whole as f64 + place.part * part as f64
    }

    /// The value at a place.
    #[must_use]
    pub fn at(&self, place: Place) -> f64 {
        let (low, high) = self.edges(place);
        low + place.part * (high - low)
    }

    /// The smallest and the largest value that a place can stand for.
    #[must_use]
    pub fn edges(&self, place: Place) -> (f64, f64) {
        let (low, high) = edges_of(place.bucket);
        let (min, max) = (self.min() as f64, self.max as f64);
        (low.clamp(min, max.max(min)), high.clamp(min, max.max(min)))
    }

    /// How many values are above this one for sure, and how many may be: buckets keep no order within.
    #[must_use]
    pub fn above(&self, value: u64) -> (f64, f64) {
        let bucket = bucket_of(value);
        let surely: u64 = self.buckets.iter().skip(bucket + 1).sum();
        let beside = match self.buckets.get(bucket) {
            Some(&beside) if value < self.max => beside,
            _ => 0,
        };
        (surely as f64, (surely + beside) as f64)
    }

    /// How many values lie in buckets wholly above that of `value`: their share of all.
    #[must_use]
    pub fn share_above(&self, value: u64) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        let above: u64 = self.buckets.iter().skip(bucket_of(value) + 1).sum();
        above as f64 / self.count as f64
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
        *self = Self {
            buckets: std::mem::take(&mut self.buckets),
            ..Self::default()
        };
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        // Whole octaves, so that growing stops after a handful of times.
        self.buckets.resize((index / PER_OCTAVE + 1) * PER_OCTAVE, 0);
    }
}

/// The bucket of a value.
#[must_use]
#[inline]
fn bucket_of(value: u64) -> usize {
    if value < PER_OCTAVE as u64 {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - BITS;
    (shift as usize + 1) * PER_OCTAVE + ((value >> shift) as usize & (PER_OCTAVE - 1))
}

/// The middle of a bucket.
#[must_use]
fn middle_of(index: usize) -> f64 {
    if index < PER_OCTAVE {
        return index as f64;
    }
    let shift = index / PER_OCTAVE - 1;
    let low = ((PER_OCTAVE + index % PER_OCTAVE) as u64) << shift;
    low as f64 + ((1u64 << shift) - 1) as f64 / 2.0
}

/// The smallest and the largest value of a bucket.
fn edges_of(index: usize) -> (f64, f64) {
    if index < PER_OCTAVE {
        return (index as f64, index as f64);
    }
    let shift = index / PER_OCTAVE - 1;
    let low = ((PER_OCTAVE + index % PER_OCTAVE) as u64) << shift;
    (low as f64, low as f64 + ((1u64 << shift) - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_within_the_stated_error_of_its_bucket() {
        let mut value = 1u64;
        while value < 1 << 60 {
            for near in [value - 1, value, value + 1, value + value / 3] {
                let error = (middle_of(bucket_of(near)) - near as f64).abs();
                assert!(
                    error <= Histogram::RELATIVE_ERROR * near as f64,
                    "{near}: off by {error}"
                );
            }
            value *= 2;
        }
    }

    #[test]
    fn quantiles_of_a_known_sample() {
        let mut histogram = Histogram::default();
        for value in 1..=1000u64 {
            histogram.record(value * 1_000_000);
        }
        assert_eq!(histogram.count(), 1000);
        assert_eq!(histogram.sum(), 500_500 * 1_000_000);
        for (q, exact) in [(0.5, 500e6), (0.95, 950e6), (0.99, 990e6)] {
            let found = histogram.quantile(q);
            assert!(
                (found - exact).abs() <= Histogram::RELATIVE_ERROR * exact,
                "{q}: {found}"
            );
        }
        assert_eq!(histogram.quantile(1.0), 1000e6);
        assert!(Histogram::default().quantile(0.5).is_nan());
    }

    #[test]
    fn merging_equals_recording_all_in_one() {
        let (mut one, mut two, mut both) = (Histogram::default(), Histogram::default(), Histogram::default());
        for n in 0..500u64 {
            let value = n * n * 7919 % 100_003;
            if n % 3 == 0 { &mut one } else { &mut two }.record(value);
            both.record(value);
        }
        one.merge(&two);
        assert_eq!(
            (one.count, one.sum, one.min, one.max),
            (both.count, both.sum, both.min, both.max)
        );
        assert_eq!(one.quantile(0.9), both.quantile(0.9));
    }

    // Lost if broken: who took as long as allowed, or nearly, would count as too slow, or for sure as fast enough.
    #[test]
    fn what_is_in_the_bucket_of_a_bound_may_be_above_it() {
        let mut histogram = Histogram::default();
        for value in [500, 1000, 1001, 1003, 2000] {
            histogram.record(value);
        }
        assert_eq!(histogram.above(1000), (1.0, 4.0));
        assert_eq!(histogram.above(700), (4.0, 4.0));
        assert_eq!(histogram.above(2000), (0.0, 0.0));
        assert_eq!(Histogram::default().above(0), (0.0, 0.0));
    }

    // Lost if broken: an interval of a percentile would begin or end somewhere else than where its shares say.
    #[test]
    fn a_place_has_its_share_below_it_and_lies_between_its_neighbours() {
        let mut histogram = Histogram::default();
        for value in 1..=1000u64 {
            histogram.record(value * 1_000_000);
        }
        let mut before = 0.0;
        for q in [0.0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.999, 1.0] {
            let place = histogram.place(q).unwrap();
            assert!((histogram.below(place) - q * 1000.0).abs() < 1e-6, "{q}");
            let value = histogram.at(place);
            assert!(value >= before, "{q}: {value}");
            assert!((value - q * 1e9).abs() <= 0.01 * q * 1e9 + 1e6, "{q}: {value}");
            before = value;
        }
        // One value only: it is the place's, however much of it lies below.
        let mut one = Histogram::default();
        one.record(100_000_007);
        one.record(100_000_007);
        let place = one.place(0.3).unwrap();
        assert_eq!(
            (one.at(place), one.edges(place)),
            (100_000_007.0, (100_000_007.0, 100_000_007.0))
        );
        assert!(Histogram::default().place(0.5).is_none());
    }
}
