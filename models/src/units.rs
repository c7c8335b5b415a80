//! Figures with a unit, and the one place that reads and writes them as text.
//!
//! Owns: [`Bytes`], [`Rate`], [`Share`], [`Usd`]; `"250ms"`, `"512 MB"`, `"9000/min"` and back; how durations, sizes,
//! money, shares and large numbers are shown to people.
//! Never: files and keys (that is `file/`).
//!
//! A kilo of bytes is 1024: the figures for memory that platforms print mean powers of two, and a plan of 512 MB is a
//! limit of 512 × 1024 × 1024 bytes. Decimals are read digit by digit and rounded once, to the nearest nanosecond or
//! byte, so that `"0.7ms"` is exactly 700,000 ns. Money is shown in cents, rounded to nearest.

use crate::SimSpan;

/// An amount of memory or data, in bytes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

impl Bytes {
    /// That many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// That many times 1024 × 1024 bytes.
    #[must_use]
    pub const fn from_megabytes(megabytes: u64) -> Self {
        Self(megabytes.saturating_mul(1 << 20))
    }

    /// How many bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Events in a second.
#[derive(Copy, Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// That many a second.
    #[must_use]
    pub const fn from_per_second(per_second: f64) -> Self {
        Self(per_second)
    }

    /// How many a second.
    #[must_use]
    pub const fn per_second(self) -> f64 {
        self.0
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Copy, Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Nothing of it.
    pub const NONE: Self = Self(0.0);
    /// All of it.
    pub const ALL: Self = Self(1.0);

    /// That part; `None` outside 0 to 1 and for not-a-number.
    #[must_use]
    pub fn new(part: f64) -> Option<Self> {
        (0.0..=1.0).contains(&part).then_some(Self(part))
    }

    /// From 0 to 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// An amount of money, in US dollars.
#[derive(Copy, Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Usd(f64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);

    /// That many dollars.
    #[must_use]
    pub const fn from_dollars(dollars: f64) -> Self {
        Self(dollars)
    }

    /// How many dollars.
    #[must_use]
    pub const fn dollars(self) -> f64 {
        self.0
    }
}

/// Why a text is not a figure with a unit.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum UnitError {
    /// It does not begin with a number.
    NoNumber,
    /// It begins with a minus sign.
    Negative,
    /// There is a number and nothing after it.
    NoUnit,
    /// What follows the number is none of the units; where it begins in the text, in bytes.
    UnknownUnit {
        /// First byte of the unit.
        start: usize,
    },
    /// More than can be held.
    TooLarge,
}

/// Units of time by name, in nanoseconds. The first name of each length is the one written.
const TIME_UNITS: [(&str, u64); 8] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

/// Units of size by name, in bytes. The first name of each size is the one written.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TB", 1 << 40),
    ("GB", 1 << 30),
    ("MB", 1 << 20),
    ("KB", 1 << 10),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// Units of a rate by name, in seconds.
const RATE_UNITS: [(&str, f64); 4] = [("/s", 1.0), ("/min", 60.0), ("/h", 3600.0), ("/d", 86_400.0)];

/// The units of time, for a program.
pub const TIME_UNIT_WORDS: [&str; 8] = words(&TIME_UNITS);
/// The units of size, for a program.
pub const SIZE_UNIT_WORDS: [&str; 9] = words(&SIZE_UNITS);
/// The units of a rate, for a program.
pub const RATE_UNIT_WORDS: [&str; 4] = words(&RATE_UNITS);

const fn words<T: Copy, const N: usize>(units: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut index = 0;
    while index < N {
        words[index] = units[index].0;
        index += 1;
    }
    words
}

/// The units of time, for a message.
pub const TIME_UNIT_NAMES: &str = "`ns`, `us`, `ms`, `s`, `m` (minutes), `h` and `d`";
/// The units of size, for a message.
pub const SIZE_UNIT_NAMES: &str = "`B`, `KB`, `MB`, `GB` and `TB` (a KB is 1024 bytes)";
/// The units of a rate, for a message.
pub const RATE_UNIT_NAMES: &str = "`/s`, `/min`, `/h` and `/d`";

/// Reads a length of time: `"250ms"`, `"1.5 h"`. It is rounded to the nearest nanosecond.
///
/// # Errors
/// What is wrong with the text. Nothing longer than [`SimSpan::FOREVER`] is read, nor that itself.
pub fn parse_span(text: &str) -> Result<SimSpan, UnitError> {
    let nanos = parse_scaled(text, &TIME_UNITS)?;
    if nanos == u64::MAX {
        return Err(UnitError::TooLarge);
    }
    Ok(SimSpan::from_nanos(nanos))
}

/// Reads a size: `"512 MB"`, `"60KB"`. It is rounded to the nearest byte.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_bytes(text: &str) -> Result<Bytes, UnitError> {
    parse_scaled(text, &SIZE_UNITS).map(Bytes)
}

/// Reads a rate: `"9000/min"`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_rate(text: &str) -> Result<Rate, UnitError> {
    let (number, unit, start) = split(text)?;
    let value: f64 = number.parse().map_err(|_| UnitError::NoNumber)?;
    let (_, seconds) = RATE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(UnitError::UnknownUnit { start })?;
    if value.is_finite() {
        Ok(Rate(value / seconds))
    } else {
        Err(UnitError::TooLarge)
    }
}

/// A length of time as a file writes it, without loss: `1500ms`.
#[must_use]
pub fn write_span(span: SimSpan) -> String {
    if span == SimSpan::FOREVER {
        return "forever".to_owned();
    }
    write_scaled(span.nanos(), &TIME_UNITS, "", "0s")
}

/// A size as a file writes it, without loss: `512 MB`.
#[must_use]
pub fn write_bytes(bytes: Bytes) -> String {
    write_scaled(bytes.0, &SIZE_UNITS, " ", "0 B")
}

/// Seconds for people, three digits: `250 ms`, `1.25 s`, `2 min 5 s`, `3 h 20 min`.
#[must_use]
pub fn show_seconds(seconds: f64) -> String {
    if !seconds.is_finite() {
        return if seconds > 0.0 { "forever" } else { "unknown" }.to_owned();
    }
    let (sign, seconds) = if seconds < 0.0 { ("-", -seconds) } else { ("", seconds) };
    // Just below a limit three digits would round up to "1000 ms": the limits lie where they do.
    if seconds == 0.0 {
        "0 s".to_owned()
    } else if seconds < 999.5e-9 {
        format!("{sign}{} ns", three_digits(seconds * 1e9))
    } else if seconds < 999.5e-6 {
        format!("{sign}{} µs", three_digits(seconds * 1e6))
    } else if seconds < 999.5e-3 {
        format!("{sign}{} ms", three_digits(seconds * 1e3))
    } else if seconds < 59.95 {
        format!("{sign}{} s", three_digits(seconds))
    } else if seconds < 3599.5 {
        format!("{sign}{}", two_parts(seconds, 60, "min", 1, "s"))
    } else if seconds < 86_370.0 {
        format!("{sign}{}", two_parts(seconds, 3600, "h", 60, "min"))
    } else {
        format!("{sign}{}", two_parts(seconds, 86_400, "d", 3600, "h"))
    }
}

/// A length of time for people.
#[must_use]
pub fn show_span(span: SimSpan) -> String {
    if span == SimSpan::FOREVER {
        return "forever".to_owned();
    }
    show_seconds(span.seconds())
}

/// Bytes for people, three digits: `1.5 GB`.
#[must_use]
pub fn show_bytes(bytes: f64) -> String {
    let mut value = bytes;
    let mut unit = "B";
    for larger in ["KB", "MB", "GB", "TB"] {
        if value.abs() < 999.5 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{} {unit}", three_digits(value))
}

/// A number for people: thousands apart, at most three digits below 100: `1,234,567`, `12.3`.
#[must_use]
pub fn show_number(value: f64) -> String {
    if value.is_finite() && value.abs() < 999.5 {
        return three_digits(value);
    }
    if value.is_finite() && value.abs() < 1e15 {
        return thousands(&format!("{value:.0}"));
    }
    format!("{value:.2e}")
}

/// A rate for people: `12.5/s`.
#[must_use]
pub fn show_rate(rate: Rate) -> String {
    format!("{}/s", show_number(rate.0))
}

/// Money for people: `$1,234.50`, `-$3.00`; small sums keep their digits: `$0.0083`.
#[must_use]
pub fn show_usd(usd: Usd) -> String {
    let sign = if usd.0 < 0.0 { "-" } else { "" };
    let dollars = usd.0.abs();
    if dollars > 0.0 && dollars < 0.095 {
        return format!("{sign}${}", three_digits(dollars));
    }
    format!("{sign}${}", thousands(&format!("{dollars:.2}")))
}

/// A share for people: `4.2 %`.
#[must_use]
pub fn show_share(share: f64) -> String {
    format!("{} %", three_digits(share * 100.0))
}

/// Number and unit of a text, and where the unit begins.
fn split(text: &str) -> Result<(&str, &str, usize), UnitError> {
    let trimmed = text.trim_start();
    let lead = text.len() - trimmed.len();
    if trimmed.starts_with('-') {
        return Err(UnitError::Negative);
    }
    let digits = trimmed
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(trimmed.len());
    let number = &trimmed[..digits];
    let points = number.bytes().filter(|&byte| byte == b'.').count();
    if !number.starts_with(|first: char| first.is_ascii_digit()) || points > 1 || number.ends_with('.') {
        return Err(UnitError::NoNumber);
    }
    let rest = &trimmed[digits..];
    let unit = rest.trim();
    if unit.is_empty() {
        return Err(UnitError::NoUnit);
    }
    let start = lead + digits + (rest.len() - rest.trim_start().len());
    Ok((number, unit, start))
}

/// A decimal number of some unit, in the smallest unit, rounded to nearest.
fn parse_scaled(text: &str, units: &[(&str, u64)]) -> Result<u64, UnitError> {
    let (number, unit, start) = split(text)?;
    let (_, scale) = units
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(UnitError::UnknownUnit { start })?;
    let scale = u128::from(*scale);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u128 = whole.parse().map_err(|_| UnitError::TooLarge)?;
    // Digits further behind are worth less than a thousandth of a nanosecond or byte, whatever the unit.
    const DIGITS: usize = 18;
    let fraction = &fraction[..fraction.len().min(DIGITS)];
    let mut numerator: u128 = 0;
    let mut denominator: u128 = 1;
    for digit in fraction.bytes() {
        numerator = numerator * 10 + u128::from(digit - b'0');
        denominator *= 10;
    }
    let part = (numerator * scale + denominator / 2) / denominator;
    let total = whole
        .checked_mul(scale)
        .and_then(|value| value.checked_add(part))
        .ok_or(UnitError::TooLarge)?;
    u64::try_from(total).map_err(|_| UnitError::TooLarge)
}

/// A whole number of the largest unit that divides it.
fn write_scaled(value: u64, units: &[(&str, u64)], gap: &str, zero: &str) -> String {
    if value == 0 {
        return zero.to_owned();
    }
    for (name, scale) in units {
        if value.is_multiple_of(*scale) {
            return format!("{}{gap}{name}", value / scale);
        }
    }
    value.to_string()
}

/// Three significant digits, without trailing zeros behind the point.
fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value.is_finite() {
            "0".to_owned()
        } else {
            value.to_string()
        };
    }
    let mut decimals = 2_usize;
    let mut size = value.abs();
    while size >= 9.995 && decimals > 0 {
        size /= 10.0;
        decimals -= 1;
    }
    while size < 0.9995 && decimals < 12 {
        size *= 10.0;
        decimals += 1;
    }
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `2 min 5 s`: whole large units and the rest in small ones, rounded to the small one.
fn two_parts(seconds: f64, large: u64, large_name: &str, small: u64, small_name: &str) -> String {
    let smalls = (seconds / small as f64).round() as u64;
    let per_large = large / small;
    let (whole, rest) = (smalls / per_large, smalls % per_large);
    let whole = thousands(&whole.to_string());
    if rest == 0 {
        format!("{whole} {large_name}")
    } else {
        format!("{whole} {large_name} {rest} {small_name}")
    }
}

/// Commas between thousands of a plain decimal number.
pub(crate) fn thousands(number: &str) -> String {
    let (whole, fraction) = number
        .split_once('.')
        .map_or((number, None), |(whole, part)| (whole, Some(part)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Without it, a file's figure is another one in the run.
    #[test]
    fn lengths_of_time_are_exact_to_the_nanosecond() {
        for (text, nanos) in [
            ("250ms", 250_000_000),
            ("5s", 5_000_000_000),
            ("15m", 900_000_000_000),
            ("24h", 86_400_000_000_000),
            ("7d", 604_800_000_000_000),
            ("0.7ms", 700_000),
            ("1.5 h", 5_400_000_000_000),
            ("3us", 3_000),
            ("3 µs", 3_000),
            ("9ns", 9),
            ("0.4ns", 0),
            ("0.5ns", 1),
            ("0s", 0),
        ] {
            assert_eq!(parse_span(text), Ok(SimSpan::from_nanos(nanos)), "{text}");
        }
    }

    /// Without it, a slip is read as some other figure instead of being refused.
    #[test]
    fn what_is_no_figure_with_a_unit_says_why() {
        for (text, error) in [
            ("", UnitError::NoNumber),
            ("ms", UnitError::NoNumber),
            (".5s", UnitError::NoNumber),
            ("1.s", UnitError::NoNumber),
            ("1.2.3s", UnitError::NoNumber),
            ("nan s", UnitError::NoNumber),
            ("-5s", UnitError::Negative),
            ("5", UnitError::NoUnit),
            ("5 ", UnitError::NoUnit),
            ("5 min", UnitError::UnknownUnit { start: 2 }),
            ("5S", UnitError::UnknownUnit { start: 1 }),
            ("1h30m", UnitError::UnknownUnit { start: 1 }),
            ("1e3s", UnitError::UnknownUnit { start: 1 }),
            ("999999999999d", UnitError::TooLarge),
            ("99999999999999999999999999999999999999999999d", UnitError::TooLarge),
        ] {
            assert_eq!(parse_span(text), Err(error), "{text}");
        }
    }

    /// Without it, a plan's 512 MB are 5 % less than the limit that kills the instance.
    #[test]
    fn a_kilo_of_bytes_is_1024() {
        assert_eq!(parse_bytes("512 MB"), Ok(Bytes::from_megabytes(512)));
        assert_eq!(parse_bytes("60KB"), Ok(Bytes::new(61_440)));
        assert_eq!(parse_bytes("0.5 KB"), Ok(Bytes::new(512)));
        assert_eq!(parse_bytes("2GiB"), parse_bytes("2 GB"));
        assert_eq!(parse_bytes("5 mb"), Err(UnitError::UnknownUnit { start: 2 }));
    }

    /// Without it, a limit per minute is sixty times too high or too low.
    #[test]
    fn a_rate_is_per_second_inside() {
        assert_eq!(parse_rate("9000/min"), Ok(Rate::from_per_second(150.0)));
        assert_eq!(parse_rate("1.5 /s"), Ok(Rate::from_per_second(1.5)));
        assert_eq!(parse_rate("5"), Err(UnitError::NoUnit));
        assert_eq!(parse_rate("5/week"), Err(UnitError::UnknownUnit { start: 1 }));
    }

    /// Without it, tables show figures that nobody would write by hand.
    #[test]
    fn figures_read_well() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (5e-9, "5 ns"),
            (0.000_25, "250 µs"),
            (0.25, "250 ms"),
            (0.9996, "1 s"),
            (1.2345, "1.23 s"),
            (59.96, "1 min"),
            (125.0, "2 min 5 s"),
            (3599.9, "1 h"),
            (12_000.0, "3 h 20 min"),
            (86_400.0 * 2.5, "2 d 12 h"),
            (f64::INFINITY, "forever"),
        ] {
            assert_eq!(show_seconds(seconds), text, "{seconds}");
        }
        assert_eq!(show_number(1_234_567.4), "1,234,567");
        assert_eq!(show_number(999.6), "1,000");
        assert_eq!(show_number(12.34), "12.3");
        assert_eq!(show_number(0.012_34), "0.0123");
        assert_eq!(show_usd(Usd::from_dollars(1234.5)), "$1,234.50");
        assert_eq!(show_usd(Usd::from_dollars(-3.0)), "-$3.00");
        assert_eq!(show_usd(Usd::from_dollars(0.0083)), "$0.0083");
        assert_eq!(show_share(0.042), "4.2 %");
        assert_eq!(show_bytes(1.5 * 1024.0 * 1024.0 * 1024.0), "1.5 GB");
        assert_eq!(show_rate(Rate::from_per_second(150.0)), "150/s");
    }

    proptest! {
        /// Without it, a file that the program writes is read back as other figures.
        #[test]
        fn what_is_written_is_read_back(value in 0..u64::MAX) {
            let span = SimSpan::from_nanos(value);
            prop_assert_eq!(parse_span(&write_span(span)), Ok(span));
            let bytes = Bytes::new(value);
            prop_assert_eq!(parse_bytes(&write_bytes(bytes)), Ok(bytes));
        }

        /// Without it, some text in a file ends the program instead of being refused.
        #[test]
        fn no_text_panics(text in ".*", number in "[0-9]{0,60}\\.?[0-9]{0,60}", unit in "[a-zA-Z/ ]{0,4}") {
            for text in [text, format!("{number}{unit}")] {
                let _ = (parse_span(&text), parse_bytes(&text), parse_rate(&text));
            }
        }

        /// Without it, some figure ends the program while it is being shown.
        #[test]
        fn every_number_can_be_shown(value in any::<f64>()) {
            for text in [show_seconds(value), show_bytes(value), show_number(value), show_share(value)] {
                prop_assert!(!text.is_empty());
            }
        }
    }
}
