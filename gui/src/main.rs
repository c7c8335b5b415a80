//! `highwater-gui`.

fn main() {}
