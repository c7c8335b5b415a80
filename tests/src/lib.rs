//! End-to-end tests live in `tests/`; helpers they share are here.

pub mod faults;
pub mod run;
