//! The simulator held against queueing theory: general systems written in the file format, each with figures that a
//! formula or exact numerics say.
//!
//! Owns: the cases, what theory says of them, how they are run, and how sure a judgement is.
//! Never: how it is shown, and any part of the engine: a case is a file like any user's, and what is judged are the
//! figures that a user would read.
//!
//! # How sure a judgement is
//!
//! A case is run with independent replications at each seed. For each of its figures the replications give a Student
//! interval; with `m` figures each is at 1 - 0.001 / m, so that all of them together hold with 99.9 % (Bonferroni). A
//! figure *agrees* when theory lies in its interval and the interval is narrow: at most the case's bound, a share of the
//! value, to each side. A case that does not agree is run once more with a fresh seed and twice as many replications, and
//! only the second answer counts. An engine without a fault then fails a case at a seed with probability 0.001 × 0.001,
//! and all of 100 cases at three seeds with 0.0003: once in some three thousand choices of seeds. In about every third
//! (100 × 3 × 0.001 = 0.3) something is run a second time because theory lies outside an interval; others are because an
//! interval came out wider than its bound. Seeds are fixed, so the same version gives the same answer each time.
//! A figure that chance has no part in has to be exact to a nanosecond.

pub mod case;
pub mod cases;
pub mod judge;
pub mod run;
pub mod theory;

pub use case::{Case, Check, Expectation, Group, Reading};
pub use cases::all;
pub use judge::{Judged, Verdict};
pub use run::{CaseError, Depth, Tested, Trial, run, run_case};
