//! What a sweep is about to do, said before it begins, and how far it is.

use highwater_models::record::sweep::Design;

use crate::number;

/// How much of a study is to be run, and how.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Points of this run: those of the shard, or all.
    pub mine: usize,
    /// Of those, how many are there already.
    pub there: usize,
    /// Threads.
    pub jobs: usize,
}

/// The plan in a sentence or two: `12 points (4 × 3) × 5 replications = 60 runs, seed 1, on 2 threads.`
#[must_use]
pub fn statement(design: &Design, extent: &Extent) -> String {
    let all = design.points();
    let sizes: Vec<String> = design.axes.iter().map(|axis| axis.levels.len().to_string()).collect();
    let product = if sizes.len() > 1 {
        format!(" ({})", sizes.join(" × "))
    } else {
        String::new()
    };
    let replications = match &design.precision {
        None => format!("{} replications", design.replications),
        Some(precision) => format!(
            "{} to {} replications, until {} {} known within {} %",
            design.replications,
            precision.most.max(design.replications),
            precision.of.join(", "),
            if precision.of.len() == 1 { "is" } else { "are" },
            number::trim_zeros(&format!("{:.2}", precision.width * 100.0)),
        ),
    };
    let todo = extent.mine - extent.there;
    let points = |count: usize| match count {
        1 => "1 point".to_owned(),
        count => format!("{} points", number::count(count as f64)),
    };
    let mut text = format!("{}{product} × {replications}", points(all));
    if design.precision.is_none() {
        let runs = all as f64 * f64::from(design.replications);
        text.push_str(&format!(" = {} runs", number::count(runs)));
    }
    text.push_str(&format!(
        ", seed {}, on {}",
        design.seed,
        match extent.jobs {
            1 => "1 thread".to_owned(),
            jobs => format!("{jobs} threads"),
        }
    ));
    if extent.mine < all {
        text.push_str(&format!(
            "; {} of the points are this shard's",
            number::count(extent.mine as f64)
        ));
    }
    if extent.there > 0 {
        text.push_str(&format!(
            "; {} there already, {} to run",
            number::count(extent.there as f64),
            number::count(todo as f64)
        ));
    }
    text
}

/// How far a sweep is, for logs: `120 of 1,000 points, about 3 min left`. `seconds` is the time it has taken for what it
/// has done itself: `worked` points' worth of `todo`.
#[must_use]
pub fn progress(done: usize, all: usize, worked: f64, todo: usize, seconds: f64) -> String {
    let mut text = format!("{} of {} points", number::count(done as f64), number::count(all as f64));
    if worked > 0.0 && worked < todo as f64 {
        let left = seconds / worked * (todo as f64 - worked);
        text.push_str(&format!(", about {} left", number::span_words(left)));
    }
    text
}
