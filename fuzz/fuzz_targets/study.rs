#![no_main]
//! The property is `highwater_tests::fuzz::study`, which a property test checks too.

use highwater_tests::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| fuzz::study(text));
