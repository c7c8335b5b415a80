//! End-to-end tests live in `tests/`; helpers they share are here.

pub mod coverage;
pub mod faults;
pub mod fuzz;
pub mod json_schema;
pub mod run;
