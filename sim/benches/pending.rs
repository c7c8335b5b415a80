//! Which structure should hold the events to come? The hold model: take the next, draw a delay, put it back.
//!
//! `cargo bench -p highwater-sim --bench pending -- [--quick]`
//!
//! Keys are those of the hand-written loops: 64 bits of time, then a sequence number, compared as 128 bits. Every
//! structure gets the same draws and has to end at the same time; the draw is about 5 ns of each figure.
//! Exponential delays are a queue's; bimodal ones (90 % 1 ms, 10 % 10 s) are network hops among LLM answers.

// The bench uses parts of the hand-written loops, not all of them.
#[allow(dead_code)]
mod baseline;

use baseline::agenda::{Key, time_of};
use baseline::chance::{Odds, Stream};
use baseline::clock::timed;
use baseline::heap::QuaternaryHeap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::process::ExitCode;

/// A structure that the holds run on.
trait Pending {
    /// What it is called in the table.
    const NAME: &'static str;
    fn with_capacity(capacity: usize) -> Self;
    fn add(&mut self, key: Key);
    /// Takes the least key and puts what `next` makes of it back.
    fn hold(&mut self, next: impl FnOnce(Key) -> Key) -> Key;
}

/// The standard library's binary heap.
struct Standard(BinaryHeap<Reverse<Key>>);

impl Pending for Standard {
    const NAME: &'static str = "std BinaryHeap";

    fn with_capacity(capacity: usize) -> Self {
        Self(BinaryHeap::with_capacity(capacity))
    }

    fn add(&mut self, key: Key) {
        self.0.push(Reverse(key));
    }

    #[inline]
    fn hold(&mut self, next: impl FnOnce(Key) -> Key) -> Key {
        let Reverse(least) = self.0.pop().expect("a hold neither adds nor removes");
        self.0.push(Reverse(next(least)));
        least
    }
}

/// Our 4-ary heap, each key taken out before the next comes in.
struct Quaternary(QuaternaryHeap);

impl Pending for Quaternary {
    const NAME: &'static str = "4-ary";

    fn with_capacity(capacity: usize) -> Self {
        Self(QuaternaryHeap::with_capacity(capacity))
    }

    fn add(&mut self, key: Key) {
        self.0.add(key);
    }

    #[inline]
    fn hold(&mut self, next: impl FnOnce(Key) -> Key) -> Key {
        let least = self.0.take();
        self.0.close();
        self.0.add(next(least));
        least
    }
}

/// Our 4-ary heap, the next key in the place of the one taken.
struct ReplaceTop(QuaternaryHeap);

impl Pending for ReplaceTop {
    const NAME: &'static str = "4-ary, replace-top";

    fn with_capacity(capacity: usize) -> Self {
        Self(QuaternaryHeap::with_capacity(capacity))
    }

    fn add(&mut self, key: Key) {
        self.0.add(key);
    }

    #[inline]
    fn hold(&mut self, next: impl FnOnce(Key) -> Key) -> Key {
        let least = self.0.take();
        self.0.add(next(least));
        least
    }
}

/// How far ahead the next event of a hold is.
#[derive(Copy, Clone)]
enum Delays {
    Exponential,
    Bimodal,
}

impl Delays {
    #[inline]
    fn draw(self, stream: &mut Stream, long: Odds) -> u64 {
        match self {
            Self::Exponential => stream.exponential(1e9),
            Self::Bimodal if stream.happens(long) => 10_000_000_000,
            Self::Bimodal => 1_000_000,
        }
    }
}

/// One run: nanoseconds per hold, and the time of the last event taken.
fn measure<P: Pending>(size: usize, holds: u64, delays: Delays) -> (f64, u64) {
    let mut stream = Stream::new(1, 1);
    let long = Odds::of(0.1);
    let mut pending = P::with_capacity(size);
    let mut sequence = 0_u64;
    let mut key = |stream: &mut Stream, now: u64| {
        sequence += 1;
        (u128::from(now + delays.draw(stream, long)) << 64) | u128::from(sequence)
    };
    for _ in 0..size {
        pending.add(key(&mut stream, 0));
    }
    // Some holds before the measured ones, so that the sizes of what is left are those of a running model.
    for _ in 0..holds / 4 {
        pending.hold(|least| key(&mut stream, time_of(least)));
    }
    let (took, last) = timed(|| {
        let mut last = 0;
        for _ in 0..holds {
            last = time_of(pending.hold(|least| key(&mut stream, time_of(least))));
        }
        last
    });
    (took.as_secs_f64() * 1e9 / holds as f64, last)
}

/// Measures all structures `rounds` times in turns and prints the medians; whether all ended at the same time.
fn compare(size: usize, delays: Delays, holds: u64, rounds: usize) -> bool {
    let mut figures: [Vec<f64>; 3] = Default::default();
    let mut ends = Vec::new();
    for _ in 0..rounds {
        let runs = [
            measure::<Standard>(size, holds, delays),
            measure::<Quaternary>(size, holds, delays),
            measure::<ReplaceTop>(size, holds, delays),
        ];
        for (figures, (nanos, end)) in figures.iter_mut().zip(runs) {
            figures.push(nanos);
            ends.push(end);
        }
    }
    let name = match delays {
        Delays::Exponential => "exponential",
        Delays::Bimodal => "bimodal",
    };
    for (structure, figures) in [Standard::NAME, Quaternary::NAME, ReplaceTop::NAME]
        .iter()
        .zip(&mut figures)
    {
        figures.sort_by(f64::total_cmp);
        println!(
            "{size:>9} {name:12} {structure:20} {:7.1} ns/hold",
            figures[figures.len() / 2]
        );
    }
    let same = ends.iter().all(|&end| end == ends[0]);
    if !same {
        println!("{size:>9} {name:12} the structures took events in different orders");
    }
    same
}

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (sizes, holds, rounds): (&[usize], u64, usize) = if quick {
        (&[100, 1_000], 20_000, 1)
    } else {
        (&[100, 10_000, 1_000_000], 4_000_000, 3)
    };
    let mut agreed = true;
    for &size in sizes {
        for delays in [Delays::Exponential, Delays::Bimodal] {
            agreed &= compare(size, delays, holds, rounds);
        }
    }
    if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
