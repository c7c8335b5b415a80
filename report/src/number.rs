//! Numbers as people read them: units chosen per value, digits no finer than the interval allows.
//!
//! Owns: every rounding that a reader sees. Two manners: *columns* ("2.41 s", "89.1 %") and *words* ("12 min 5 s",
//! "1 in 7").
//! Never: the text of files (`highwater_models::units`), machine-readable output (full precision there).

use highwater_models::record::figures::{Estimate, Unit};

/// What stands where nothing was observed.
pub const NOTHING: &str = "-";

/// An estimate ready for two columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// The value with its unit.
    pub value: String,
    /// The 95 % interval in the value's unit, such as `2.29 to 2.53`; empty when there is none.
    pub interval: String,
}

/// One unit that a value can be shown in: what one of it is in base units, and its sign.
type Scale = (f64, &'static str);

/// Seconds, from fine to coarse, each used from a little above where the finer one ends.
const TIMES: [(f64, Scale); 5] = [
    (0.0, (1e-6, "µs")),
    (0.001, (1e-3, "ms")),
    (1.0, (1.0, "s")),
    (600.0, (60.0, "min")),
    (7200.0, (3600.0, "h")),
];

/// Bytes: a kilo is 1024, as in the files.
const SIZES: [(f64, Scale); 4] = [
    (0.0, (1.0, "B")),
    (1024.0, (1024.0, "KB")),
    (1_048_576.0, (1_048_576.0, "MB")),
    (1_073_741_824.0, (1_073_741_824.0, "GB")),
];

/// A value with its unit and the interval beside it, both with the digits that the interval supports.
#[must_use]
pub fn cells(estimate: &Estimate, unit: Unit) -> Cells {
    let value = estimate.value;
    if !value.is_finite() {
        return Cells {
            value: NOTHING.to_owned(),
            interval: String::new(),
        };
    }
    let (size, sign) = scale(value, unit);
    let half_width = estimate.half_width().unwrap_or(0.0);
    let decimals = if unit == Unit::Dollars {
        cents(value)
    } else {
        decimals(value / size, half_width / size)
    };
    let interval = match (estimate.low, estimate.high) {
        (Some(low), Some(high)) if high > low => {
            format!("{} to {}", fixed(low / size, decimals), fixed(high / size, decimals))
        }
        // Too few have seen where it ends.
        (Some(low), None) if low < value => format!("from {}", fixed(low / size, decimals)),
        _ => String::new(),
    };
    Cells {
        value: signed(value / size, decimals, unit, sign),
        interval,
    }
}

/// A difference with its sign and the interval beside it; differences of shares are points, which are not per cent of
/// anything.
#[must_use]
pub fn difference(estimate: &Estimate, unit: Unit) -> Cells {
    let value = estimate.value;
    if !value.is_finite() {
        return Cells {
            value: NOTHING.to_owned(),
            interval: String::new(),
        };
    }
    // Next to nothing is shown in the unit of what it may be.
    if value == 0.0 && estimate.half_width().unwrap_or(0.0) == 0.0 {
        let (_, sign) = scale(0.0, unit);
        return Cells {
            value: signed(0.0, 0, unit, if unit == Unit::Share { "points" } else { sign }),
            interval: String::new(),
        };
    }
    let half_width = estimate.half_width().unwrap_or(0.0);
    let (size, sign) = scale(if value.abs() < half_width { half_width } else { value }, unit);
    let sign = if unit == Unit::Share { "points" } else { sign };
    let decimals = if unit == Unit::Dollars {
        cents(value.abs().max(half_width))
    } else {
        decimals(value.abs().max(half_width) / size, half_width / size)
    };
    let plus = |text: String, value: f64| {
        let is_zero = !text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        if value > 0.0 && !is_zero {
            format!("+{text}")
        } else {
            text
        }
    };
    let interval = match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => {
            let ends = (fixed(low / size, decimals), fixed(high / size, decimals));
            if ends.0 == ends.1 {
                // Known to the last digit that is shown.
                String::new()
            } else {
                format!("{} to {}", plus(ends.0, low), plus(ends.1, high))
            }
        }
        _ => String::new(),
    };
    Cells {
        value: plus(
            signed(value / size, if value == 0.0 { 0 } else { decimals }, unit, sign),
            value,
        ),
        interval,
    }
}

/// A bare value with its unit, three digits.
#[must_use]
pub fn value(value: f64, unit: Unit) -> String {
    cells(
        &Estimate {
            value,
            low: None,
            high: None,
        },
        unit,
    )
    .value
}

/// A bound as somebody wrote it, with all its digits: `2 s`, `1 %`, `0`.
#[must_use]
pub fn bound(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let (size, sign) = scale(value, unit);
    // Twelve digits hide that 0.29 is not a binary fraction and keep all that a person writes.
    let shown = value / size;
    let decimals = (0..=6)
        .find(|&digits| close(round_to(shown, digits), shown))
        .unwrap_or(6);
    signed(shown, decimals, unit, sign)
}

/// A count in columns and in words: whole when it is one, one decimal when it is a small mean of counts.
#[must_use]
pub fn count(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let decimals = usize::from(value.abs() < 100.0 && !close(value, value.round()));
    fixed(value, decimals)
}

/// A sum in words: cents up to a thousand dollars, whole dollars above: `$0.0083`, `$12.50`, `$76,550`.
#[must_use]
pub fn dollars(value: f64) -> String {
    if !value.is_finite() {
        return "an unknown sum".to_owned();
    }
    let decimals = if value.abs() < 999.995 { cents(value) } else { 0 };
    signed(value, decimals, Unit::Dollars, "")
}

/// Decimals of a sum: two, but two digits of what is less than ten cents, and none from ten thousand dollars on.
fn cents(value: f64) -> usize {
    match value.abs() {
        small if small < 0.095 => usize::try_from(1 - magnitude(value)).unwrap_or(0).clamp(2, 8),
        large if large >= 10_000.0 => 0,
        _ => 2,
    }
}

/// A share in columns: `89.1 %`, `0.04 %`, `<0.01 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NOTHING.to_owned();
    }
    let percents = share * 100.0;
    // Nearly nobody is not nobody, and nearly everybody is not everybody.
    if percents > 0.0 && percents < 0.01 {
        return "<0.01 %".to_owned();
    }
    if share < 1.0 && percents >= 99.95 {
        return ">99.9 %".to_owned();
    }
    let decimals = match percents {
        exact if exact == 0.0 || exact == 100.0 => 0,
        small if small.abs() < 0.1 => 2,
        _ => 1,
    };
    format!("{} %", fixed(percents, decimals))
}

/// A length of time in words: `240 ms`, `2.4 s`, `12 min 5 s`, `3 h 20 min`.
#[must_use]
pub fn span_words(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "an unknown time".to_owned();
    }
    if seconds < 0.9995 {
        return match seconds * 1000.0 {
            millis if millis < 0.95 && millis > 0.0 => "less than 1 ms".to_owned(),
            millis if millis < 10.0 => format!("{} ms", trimmed(millis, 1)),
            millis => format!("{} ms", fixed(millis, 0)),
        };
    }
    if seconds < 59.95 {
        return format!("{} s", trimmed(seconds, 1));
    }
    // Whole seconds up to an hour, whole minutes up to two days: nobody needs more in a sentence.
    let (step, coarse, fine, coarse_sign, fine_sign) = if seconds < 3599.5 {
        (1.0, 60, 1, "min", "s")
    } else if seconds < 172_800.0 {
        (60.0, 3600, 60, "h", "min")
    } else {
        (3600.0, 86_400, 3600, "d", "h")
    };
    let whole = (seconds / step).round() as u64 * step as u64;
    let (left, right) = (whole / coarse, whole % coarse / fine);
    if right == 0 {
        format!("{left} {coarse_sign}")
    } else {
        format!("{left} {coarse_sign} {right} {fine_sign}")
    }
}

/// A share of many in words: `1 in 7`, `62 %`, `all`.
///
/// "1 in N" only where that is within 8 % of the truth; otherwise the percentage says it better.
#[must_use]
pub fn share_words(share: f64) -> String {
    if !share.is_finite() {
        return "an unknown share".to_owned();
    }
    if share >= 1.0 {
        return "all".to_owned();
    }
    if share <= 0.0 {
        return "none".to_owned();
    }
    let exact = 1.0 / share;
    let rounded = if exact < 20.0 {
        exact.round()
    } else {
        significant(exact, 2)
    };
    if share < 0.45 && (rounded - exact).abs() / exact < 0.08 {
        return format!("1 in {}", fixed(rounded, 0));
    }
    if share > 0.995 {
        return ">99 %".to_owned();
    }
    format!("{} %", fixed(share * 100.0, 0))
}

/// What one of the unit is in base units in which an axis up to that value is labelled.
#[must_use]
pub fn axis_unit(most: f64, unit: Unit) -> f64 {
    scale(most, unit).0
}

/// A label on an axis that goes up to `most` in steps: every label in one unit, with the decimals of the step.
#[must_use]
pub fn tick(value: f64, step: f64, most: f64, unit: Unit) -> String {
    let (size, sign) = scale(most, unit);
    let (value, step, most) = (value / size, step / size, most / size);
    for (times, letter) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if most >= 100.0 * times || (most >= times && times > 1e3) {
            let decimals = if value == 0.0 { 0 } else { places(step / times) };
            let number = fixed(value / times, decimals);
            let letter = if value == 0.0 { "" } else { letter };
            return match unit {
                Unit::Dollars => format!("${number}{letter}"),
                Unit::PerSecond => format!("{number}{letter}/s"),
                _ if sign.is_empty() => format!("{number}{letter}"),
                _ => format!("{number}{letter} {sign}"),
            };
        }
    }
    let decimals = if value == 0.0 { 0 } else { places(step) };
    signed(value, decimals, unit, sign)
}

/// Decimals that tell multiples of a step apart.
fn places(step: f64) -> usize {
    (0..=9).find(|&digits| close(round_to(step, digits), step)).unwrap_or(9)
}

/// Which unit shows this value best.
fn scale(value: f64, unit: Unit) -> Scale {
    let steps: &[(f64, Scale)] = match unit {
        Unit::Seconds => &TIMES,
        Unit::Bytes => &SIZES,
        Unit::Share => return (0.01, "%"),
        Unit::PerSecond => return (1.0, "/s"),
        Unit::Count | Unit::Dollars => return (1.0, ""),
    };
    let size = value.abs();
    if size == 0.0 && unit == Unit::Seconds {
        return (1.0, "s");
    }
    steps
        .iter()
        .rev()
        // What would round up to the next unit's one is shown in that unit: 0.9996 s is 1 s, not 1000 ms.
        .find(|(from, _)| size >= from * 0.9995)
        .map_or((1.0, ""), |&(_, scale)| scale)
}

/// A number with its sign in the place where people write it.
fn signed(shown: f64, decimals: usize, unit: Unit, sign: &str) -> String {
    let number = fixed(shown, decimals);
    match (unit, sign) {
        (Unit::Dollars, _) => match number.strip_prefix('-') {
            Some(positive) => format!("-${positive}"),
            None => format!("${number}"),
        },
        (_, "") => number,
        (Unit::PerSecond, sign) => format!("{number}{sign}"),
        (_, sign) => format!("{number} {sign}"),
    }
}

/// Decimals to show: down to the half width's leading digit, one more where that digit is a 1 or a 2 and a single
/// digit would be coarse; but never more than four digits of the value nor fewer than two. Without a half width, three
/// digits of the value.
fn decimals(value: f64, half_width: f64) -> usize {
    let magnitude = magnitude(significant(value, 3));
    let wanted = if half_width > 0.0 {
        let leading = self::magnitude(half_width);
        let coarse = half_width < 3.0 * 10f64.powi(leading);
        i32::from(coarse) - leading
    } else {
        2 - magnitude
    };
    let (fewest, most) = (1 - magnitude, if half_width > 0.0 { 3 } else { 2 } - magnitude);
    let decimals = wanted.clamp(fewest.min(most), most).clamp(0, 6);
    // A whole number needs no decimals when nothing says how sure it is.
    if half_width == 0.0 && close(value, value.round()) {
        0
    } else {
        decimals as usize
    }
}

/// Power of ten of the leading digit; zero for zero.
fn magnitude(value: f64) -> i32 {
    let mut rest = value.abs();
    if rest == 0.0 || !rest.is_finite() {
        return 0;
    }
    let mut power = 0;
    while rest >= 10.0 {
        rest /= 10.0;
        power += 1;
    }
    while rest < 1.0 {
        rest *= 10.0;
        power -= 1;
    }
    power
}

/// Rounded to so many significant digits.
fn significant(value: f64, digits: i32) -> f64 {
    let step = 10f64.powi(magnitude(value) + 1 - digits);
    (value / step).round() * step
}

fn round_to(value: f64, decimals: usize) -> f64 {
    let factor = 10f64.powi(decimals as i32);
    (value * factor).round() / factor
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3)
}

/// Fixed decimals, thousands separated, no negative zero.
fn fixed(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) if digits.bytes().any(|byte| matches!(byte, b'1'..=b'9')) => ("-", digits),
        Some(digits) => ("", digits),
        None => ("", plain.as_str()),
    };
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::with_capacity(plain.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// At most so many decimals, without zeros at the end.
fn trimmed(value: f64, decimals: usize) -> String {
    trim_zeros(&fixed(value, decimals))
}

/// A number without the zeros at the end of its decimals: `1.20 s` is `1.2 s`. Dollars keep their cents.
#[must_use]
pub fn trim_zeros(shown: &str) -> String {
    let end = shown
        .find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ',' | '-'))
        .unwrap_or(shown.len());
    let (number, unit) = shown.split_at(end);
    if number.contains('.') {
        let number = number.trim_end_matches('0').trim_end_matches('.');
        format!("{number}{unit}")
    } else {
        shown.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value, its interval, and the two cells.
    type Row = (f64, Option<(f64, f64)>, &'static str, &'static str);

    fn check_cells(unit: Unit, rows: &[Row]) {
        for &(value, interval, shown, beside) in rows {
            let estimate = Estimate {
                value,
                low: interval.map(|(low, _)| low),
                high: interval.map(|(_, high)| high),
            };
            let cells = cells(&estimate, unit);
            assert_eq!(
                (cells.value.as_str(), cells.interval.as_str()),
                (shown, beside),
                "{value} {interval:?}"
            );
        }
    }

    // Lost if broken: a table that pretends to know the fourth digit of a figure whose second is in doubt.
    #[test]
    fn digits_end_where_the_interval_begins() {
        check_cells(
            Unit::Seconds,
            &[
                (2.413_77, Some((2.29, 2.53)), "2.41 s", "2.29 to 2.53"),
                (2.413_77, Some((1.0, 4.0)), "2.4 s", "1.0 to 4.0"),
                (2.413_77, Some((2.413_7, 2.413_8)), "2.414 s", "2.414 to 2.414"),
                (2.413_77, None, "2.41 s", ""),
                (0.041_23, Some((0.040_9, 0.041_6)), "41.2 ms", "40.9 to 41.6"),
                (0.000_012_3, None, "12.3 µs", ""),
                (0.999_6, None, "1.00 s", ""),
                (725.0, None, "12.1 min", ""),
                (9000.0, None, "2.50 h", ""),
                (0.0, None, "0 s", ""),
                (f64::NAN, None, "-", ""),
            ],
        );
    }

    // Lost if broken: a rise that reads as a fall, points taken for per cent, or an interval in another unit than its value.
    #[test]
    fn differences_carry_their_sign() {
        let of = |value, low, high, unit| {
            let cells = difference(
                &Estimate {
                    value,
                    low: Some(low),
                    high: Some(high),
                },
                unit,
            );
            (cells.value, cells.interval)
        };
        let pair = |value: &str, interval: &str| (value.to_owned(), interval.to_owned());
        assert_eq!(
            of(-0.663, -0.674, -0.652, Unit::Share),
            pair("-66.3 points", "-67.4 to -65.2")
        );
        assert_eq!(of(0.5, -0.5, 1.5, Unit::Seconds), pair("+0.5 s", "-0.5 to +1.5"));
        assert_eq!(of(0.000_01, -0.02, 0.02, Unit::Seconds), pair("0 ms", "-20 to +20"));
        assert_eq!(of(18.0, 18.0, 18.0, Unit::Dollars), pair("+$18.00", ""));
        assert_eq!(of(-1234.5, -1300.0, -1170.0, Unit::Dollars).0, "-$1,234.50");
    }

    // Lost if broken: each unit's own way of being written.
    #[test]
    fn each_unit_is_written_as_people_write_it() {
        check_cells(
            Unit::Share,
            &[
                (0.141_4, Some((0.131, 0.152)), "14.1 %", "13.1 to 15.2"),
                (0.5, None, "50 %", ""),
            ],
        );
        check_cells(
            Unit::PerSecond,
            &[(45.231, Some((44.9, 45.6)), "45.2/s", "44.9 to 45.6")],
        );
        check_cells(
            Unit::Count,
            &[(1_234_567.0, None, "1,234,567", ""), (0.0, None, "0", "")],
        );
        check_cells(
            Unit::Bytes,
            &[(536_870_912.0, None, "512 MB", ""), (900.0, None, "900 B", "")],
        );
        check_cells(
            Unit::Dollars,
            &[
                (29.0, None, "$29.00", ""),
                (-1234.5, None, "-$1,234.50", ""),
                (76_550.25, None, "$76,550", ""),
                (0.0083, None, "$0.0083", ""),
                (0.0, None, "$0.00", ""),
            ],
        );
    }

    // Lost if broken: "p95 <= 1.999 s" for a bound that somebody wrote as two seconds.
    #[test]
    fn a_bound_keeps_the_digits_of_its_author() {
        for (number, unit, shown) in [
            (2.0, Unit::Seconds, "2 s"),
            (0.25, Unit::Seconds, "250 ms"),
            (0.01, Unit::Share, "1 %"),
            (0.0015, Unit::Share, "0.15 %"),
            (0.29, Unit::Share, "29 %"),
            (0.0, Unit::Count, "0"),
            (50.0, Unit::PerSecond, "50/s"),
        ] {
            assert_eq!(bound(number, unit), shown);
        }
    }

    // Lost if broken: sentences in units that nobody speaks.
    #[test]
    fn spans_are_spoken() {
        for (seconds, words) in [
            (0.0, "0 ms"),
            (0.000_2, "less than 1 ms"),
            (0.003_4, "3.4 ms"),
            (0.24, "240 ms"),
            (0.999_7, "1 s"),
            (2.42, "2.4 s"),
            (59.96, "1 min"),
            (725.2, "12 min 5 s"),
            (3600.0, "1 h"),
            (12_000.0, "3 h 20 min"),
            (200_000.0, "2 d 8 h"),
            (f64::NAN, "an unknown time"),
        ] {
            assert_eq!(span_words(seconds), words, "{seconds}");
        }
    }

    // Lost if broken: "1 in 3" for 29 %, which is 15 % too much.
    #[test]
    fn shares_are_spoken_only_as_far_as_they_are_true() {
        for (share, words) in [
            (0.0, "none"),
            (0.000_8, "1 in 1,300"),
            (0.141, "1 in 7"),
            (0.25, "1 in 4"),
            (0.29, "29 %"),
            (0.5, "50 %"),
            (0.62, "62 %"),
            (0.999, ">99 %"),
            (1.0, "all"),
        ] {
            assert_eq!(share_words(share), words, "{share}");
        }
    }

    // Lost if broken: "100.0 %" where one request in ten thousand failed.
    #[test]
    fn nearly_all_is_not_all() {
        for (share, shown) in [
            (1.0, "100 %"),
            (0.999_9, ">99.9 %"),
            (0.891, "89.1 %"),
            (0.000_5, "0.05 %"),
            (0.000_01, "<0.01 %"),
            (0.0, "0 %"),
        ] {
            assert_eq!(percent(share), shown, "{share}");
        }
    }
}
