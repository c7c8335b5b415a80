//! Values of settings between a file's text and a number that a slider can move.
//!
//! Owns: which kind of value a text is, and writing one back so that a file takes it.
//! Never: what a unit is (`highwater_models::units`).

use highwater_models::SimSpan;
use highwater_models::units::{self, Bytes};

/// What a number counts in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A whole number.
    Whole,
    /// Any number.
    Number,
    /// A share of one.
    Share,
    /// Seconds, written with a unit.
    Span,
    /// Bytes, written with a unit.
    Size,
    /// A second, written with a unit.
    Rate,
}

/// The text of a value without the quotes of TOML.
#[must_use]
pub fn bare(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

/// The number of a value; `None` where it is none.
#[must_use]
pub fn number(value: &str, measure: Measure) -> Option<f64> {
    let text = bare(value);
    match measure {
        Measure::Whole | Measure::Number | Measure::Share => plain(text),
        Measure::Span => units::parse_span(text).ok().map(SimSpan::seconds),
        Measure::Size => units::parse_bytes(text).ok().map(|bytes| bytes.get() as f64),
        Measure::Rate => plain(text).or_else(|| units::parse_rate(text).ok().map(units::Rate::per_second)),
    }
}

fn plain(text: &str) -> Option<f64> {
    text.replace('_', "")
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A number as a file writes it. `like` is the value that it replaces: a number that was written with a point keeps it.
#[must_use]
pub fn value(number: f64, measure: Measure, like: &str) -> String {
    match measure {
        Measure::Whole => format!("{}", number.round()),
        Measure::Number | Measure::Share | Measure::Rate => {
            let number = short(number);
            if number.fract() == 0.0 && (like.contains('.') || measure == Measure::Rate) {
                format!("{number:.1}")
            } else {
                format!("{number}")
            }
        }
        Measure::Span => {
            let written = units::write_span(SimSpan::from_seconds(short(number)));
            format!("\"{written}\"")
        }
        Measure::Size => {
            // Whole kilobytes: nobody means a byte.
            let kilobytes = (number / 1024.0).round().max(1.0) as u64;
            format!("\"{}\"", units::write_bytes(Bytes::new(kilobytes * 1024)))
        }
    }
}

/// Three significant digits: what a slider can be set to.
#[must_use]
pub fn short(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let digits = 2 - number.abs().log10().floor() as i32;
    if digits <= 0 {
        let size = 10_f64.powi(-digits);
        (number / size).round() * size
    } else {
        // By whole powers, so that 0.1 is the nearest number to a tenth.
        let size = 10_f64.powi(digits.min(15));
        (number * size).round() / size
    }
}

/// A number as it is shown in a field.
#[must_use]
pub fn shown(number: f64, measure: Measure) -> String {
    match measure {
        Measure::Whole => highwater_report::number::count(number),
        Measure::Number => units::show_number(number),
        Measure::Share => format!("{} %", units::show_number(short(number * 100.0))),
        Measure::Span => units::show_seconds(number),
        Measure::Size => units::show_bytes(number),
        Measure::Rate => format!("{}/s", units::show_number(number)),
    }
}

/// What somebody typed into a field.
#[must_use]
pub fn typed(text: &str, measure: Measure) -> Option<f64> {
    let text = text.trim().replace(',', "");
    match measure {
        Measure::Whole | Measure::Number => plain(&text),
        Measure::Share => match text.strip_suffix('%') {
            Some(percent) => plain(percent.trim()).map(|percent| percent / 100.0),
            // A bare number above one can only be meant as per cent.
            None => plain(&text).map(|share| if share > 1.0 { share / 100.0 } else { share }),
        },
        Measure::Span => units::parse_span(&text.replace(' ', "").replace("min", "m"))
            .ok()
            .map(SimSpan::seconds)
            .or_else(|| plain(&text)),
        Measure::Size => units::parse_bytes(&text).ok().map(|bytes| bytes.get() as f64),
        Measure::Rate => units::parse_rate(&text.replace(' ', ""))
            .ok()
            .map(units::Rate::per_second)
            .or_else(|| plain(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a moved slider that writes what the file does not take, or another value than it showed.
    #[test]
    fn what_is_written_is_read_as_the_same_number() {
        for (number_in, measure, like, text) in [
            (20.0, Measure::Whole, "20", "20"),
            (0.7, Measure::Share, "0.8", "0.7"),
            (1.0, Measure::Share, "0.8", "1.0"),
            (5.0, Measure::Span, "\"2s\"", "\"5s\""),
            (0.25, Measure::Span, "\"2s\"", "\"250ms\""),
            (90.0, Measure::Span, "\"2s\"", "\"90s\""),
            (2.0, Measure::Rate, "1.0", "2.0"),
            (1_565.0, Measure::Number, "1_565.0", "1570.0"),
            (12.0 * 1_048_576.0, Measure::Size, "\"12 MB\"", "\"12 MB\""),
        ] {
            let written = value(number_in, measure, like);
            assert_eq!(written, text, "{measure:?}");
            let back = number(&written, measure).expect("it is a number");
            assert!((back / number_in - 1.0).abs() < 0.005, "{written}: {back}");
        }
        assert_eq!(number("\"never\"", Measure::Span), None);
        assert_eq!(typed("70 %", Measure::Share), Some(0.7));
        assert_eq!(typed("70", Measure::Share), Some(0.7));
        assert_eq!(typed("1,000", Measure::Whole), Some(1000.0));
        assert_eq!(typed("250 ms", Measure::Span), Some(0.25));
    }
}
