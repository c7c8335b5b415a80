//! Runs every case of the coverage experiment and prints the page; with a file's name, writes it there.
//! `cargo xtask coverage` calls it.

use std::thread;

use highwater_tests::coverage::{cases, measure, page};
use highwater_tests::run::workspace;

/// How many root seeds.
const SEEDS: u64 = 1000;

/// The first of them. No seed from here on was looked at when methods and their constants were chosen, nor is any among the
/// seeds of the ordinary tests.
const FIRST: u64 = 700_001;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().map(|file| workspace().join(file));
    let seeds = arguments.next().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let cases = cases();
    let mut rows = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        eprintln!("{} of {}: {}", number + 1, cases.len(), case.name);
        rows.extend(measure(case, FIRST..FIRST + seeds, threads));
    }
    let text = page(&cases, &rows);
    match file {
        Some(file) => {
            let new = file.with_extension("new");
            std::fs::write(&new, text)
                .and_then(|()| std::fs::rename(&new, &file))
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            eprintln!("wrote {}", file.display());
        }
        None => print!("{text}"),
    }
}
