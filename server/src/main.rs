//! `highwater-server`.

fn main() {}
