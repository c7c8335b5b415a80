//! When a point of a study has enough replications.
//!
//! Owns: the rule. Never: how an interval is made (`interval`).
//! Source: A. M. Law, *Simulation Modeling and Analysis*, 5th edition, section 9.4.1, the sequential procedure on the
//! relative half-width. Rounds are sized by how far off the widest figure is, a half-width shrinking with the root of the
//! number; the rule looks at figures alone, so that the number does not depend on threads or time.

use highwater_models::record::figures::Figures;
use highwater_models::record::sweep::Precision;

/// A round adds at least this share of what there is: looking after every single replication would stop at the first
/// lucky one.
const LEAST_ROUND: f64 = 0.25;

/// How many replications a point that has `have` of them is to have: `have` when that is enough.
#[must_use]
pub fn wanted(precision: &Precision, figures: &Figures, have: u32) -> u32 {
    let widest = precision
        .of
        .iter()
        .filter_map(|path| {
            let names = highwater_models::file::names_of(path);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let estimate = figures.get(&names)?.estimate;
            // Nothing observed: no number of replications is enough to be sure of that.
            (!estimate.value.is_nan()).then_some(())?;
            match estimate.half_width() {
                Some(half) if half == 0.0 => Some(0.0),
                Some(half) => Some(half / estimate.value.abs()),
                None => Some(f64::INFINITY),
            }
        })
        .fold(0.0, f64::max);
    if widest <= precision.width || have >= precision.most {
        return have;
    }
    let have = f64::from(have);
    let needed = if have < 2.0 {
        2.0
    } else {
        have * (widest / precision.width) * (widest / precision.width)
    };
    let least = (have * (1.0 + LEAST_ROUND)).ceil().max(have + 1.0);
    // Estimates of a width from few replications are poor: no more than thrice what there is at once.
    let round = needed.ceil().clamp(least, (have * 3.0).max(least));
    (round as u32).min(precision.most)
}
