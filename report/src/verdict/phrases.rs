//! The parts of a verdict's sentences that depend on a number or two and not on the run.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::Objective;

use crate::number::{self, share_words, span_words};

/// How near an objective is to its bound: one is at it. `None` where that has no meaning.
pub fn tightness(objective: &Objective) -> Option<f64> {
    let (value, target) = (objective.value.value, objective.target);
    let ratio = if objective.at_most {
        value / target
    } else {
        target / value
    };
    // A bound of zero that is kept leaves nothing to compare.
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// "after 3 min 12 s", and how sure that is where the interval is wide enough to matter.
pub fn when(at: &Estimate) -> String {
    if !at.value.is_finite() {
        return "at some time".to_owned();
    }
    let doubt = match at.half_width() {
        Some(half) if half > 1.0 && half > 0.05 * at.value => format!(", give or take {}", span_words(half)),
        _ => String::new(),
    };
    if at.value < 0.5 && doubt.is_empty() {
        return "from the start".to_owned();
    }
    format!("after {}{doubt}", span_words(at.value))
}

/// "1 in 7 requests fails", with the interval where it is wide.
pub fn failing_requests(rate: &Estimate) -> String {
    let words = share_words(rate.value);
    let share = match words.as_str() {
        "all" => "All requests fail".to_owned(),
        one if one.starts_with("1 in ") => format!("{one} requests fails"),
        many => format!("{many} of the requests fail"),
    };
    match (rate.low, rate.high) {
        (Some(low), Some(high)) if high - low > 0.5 * rate.value => {
            // Below a hundredth of a per cent the digits that columns leave out are all that there is.
            let percent = |share: f64| {
                if high < 0.001 {
                    number::trim_zeros(&number::value(share, Unit::Share))
                } else {
                    number::percent(share)
                }
            };
            format!(
                "{share} (between {} and {})",
                percent(low.max(0.0)),
                percent(high.min(1.0))
            )
        }
        _ => share,
    }
}

/// A value in a sentence: three digits, without zeros that say nothing; minutes and hours as they are spoken.
pub fn amount(value: f64, unit: Unit) -> String {
    if unit == Unit::Seconds && value >= 60.0 {
        return span_words(value);
    }
    number::trim_zeros(&number::value(value, unit))
}

/// "all requests", "99.2 % of the requests".
pub fn of_requests(share: f64) -> String {
    if share >= 1.0 {
        "all requests".to_owned()
    } else {
        format!("{} of the requests", percent_words(share))
    }
}

/// A share of time or of many in per cent, as a sentence says it.
pub fn percent_words(share: f64) -> String {
    if share >= 1.0 {
        return "all".to_owned();
    }
    if (0.995..1.0).contains(&share) {
        return number::percent(share);
    }
    format!("{:.0} %", share * 100.0)
}
