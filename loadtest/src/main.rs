//! `highwater-loadtest`.

fn main() {}
