//! How single figures and words are read: numbers, times, sizes, rates, shares, money, names.
//!
//! Owns: their bounds where a key says none, and their words of complaint.
//! Never: units themselves (that is `units.rs`), lists and tables.

use super::diagnostic::Diagnostic;
use super::name::Name;
use super::read::{Read, Reader, Spec, read_choice};
use super::schema::Shape;
use super::tree::{Node, Value};
use crate::units::{self, Bytes, RATE_UNIT_NAMES, Rate, SIZE_UNIT_NAMES, Share, TIME_UNIT_NAMES, UnitError, Usd};
use crate::{Cause, SimSpan};

/// Longest time in a file, in seconds: 400 days, more than a year with room for its end.
pub(crate) const LONGEST: f64 = 400.0 * 86_400.0;
/// Largest whole number in a file: below 2 to the power of 63, where TOML ends.
const COUNT_MAX: f64 = 1e18;
/// Largest other number in a file.
pub(crate) const MANY: f64 = 1e15;

impl Reader<'_> {
    /// Whether a figure is within its bounds; complains when not.
    fn in_range(&mut self, node: &Node, value: f64, spec: &Spec, widest: (f64, f64), show: fn(f64) -> String) -> bool {
        let (least, most) = spec.range.unwrap_or(widest);
        if (least..=most).contains(&value) {
            return true;
        }
        let message = if value < least {
            format!("{} must be at least {}", self.here(), show(least))
        } else {
            format!("{} must be at most {}", self.here(), show(most))
        };
        self.report(Diagnostic::error(
            "file::out-of-range",
            message,
            node.at,
            format!("this is {}", show(value)),
        ));
        false
    }

    /// Complains about a text that should be a figure with a unit.
    fn unit_mistake(&mut self, node: &Node, text: &str, error: UnitError, what: &str, names: &str, example: &str) {
        let here = self.here();
        let help = format!("units are {names}, as in {example}");
        let diagnostic = match error {
            UnitError::NoNumber => {
                let message = format!("{here} must be {what}");
                Diagnostic::error(
                    "file::wrong-type",
                    message,
                    node.at,
                    "this does not begin with a number",
                )
                .help(help)
            }
            UnitError::Negative => {
                let message = format!("{here} must not be negative");
                Diagnostic::error("file::out-of-range", message, node.at, "this is below zero")
            }
            UnitError::NoUnit => {
                let message = format!("{here} needs a unit");
                Diagnostic::error("file::missing-unit", message, node.at, "a number alone").help(help)
            }
            UnitError::UnknownUnit { start } => {
                let unit = text[start..].trim_end();
                let message = format!("{here} has an unknown unit: `{unit}`");
                Diagnostic::error(
                    "file::unknown-unit",
                    message,
                    node.at,
                    format!("`{unit}` is no unit of this"),
                )
                .help(help)
            }
            UnitError::TooLarge => {
                let message = format!("{here} is too large");
                Diagnostic::error("file::out-of-range", message, node.at, "more than can be counted")
            }
        };
        self.report(diagnostic);
    }

    /// A length of time, in seconds within the bounds.
    pub(crate) fn time(&mut self, node: &Node, spec: &Spec) -> Option<SimSpan> {
        const WHAT: &str = "a length of time";
        const EXAMPLE: &str = "\"250ms\", \"5s\" or \"15m\"";
        match &node.value {
            Value::Text(text) => match units::parse_span(text) {
                Ok(span) => {
                    let fits = self.in_range(node, span.seconds(), spec, (0.0, LONGEST), units::show_seconds);
                    fits.then_some(span)
                }
                Err(error) => {
                    self.unit_mistake(node, text, error, WHAT, TIME_UNIT_NAMES, EXAMPLE);
                    None
                }
            },
            Value::Integer(_) | Value::Float(_) | Value::Huge(_) => {
                self.unit_mistake(node, "", UnitError::NoUnit, WHAT, TIME_UNIT_NAMES, EXAMPLE);
                None
            }
            _ => {
                self.expected(node, WHAT, Some(format!("as in {EXAMPLE}")));
                None
            }
        }
    }

    /// A number, finite and within the bounds.
    pub(crate) fn number(&mut self, node: &Node, spec: &Spec, widest: (f64, f64), what: &str) -> Option<f64> {
        let value = match &node.value {
            Value::Integer(value) => *value as f64,
            Value::Float(value) if value.is_finite() => *value,
            Value::Float(_) | Value::Huge(_) => {
                let message = format!("{} must be a finite number", self.here());
                self.report(Diagnostic::error("file::out-of-range", message, node.at, "not finite"));
                return None;
            }
            _ => {
                self.expected(node, what, None);
                return None;
            }
        };
        self.in_range(node, value, spec, widest, plain).then_some(value)
    }

    /// A rate, in events a second: a number or text.
    pub(crate) fn rate(&mut self, node: &Node, spec: &Spec) -> Option<f64> {
        const WHAT: &str = "a rate";
        if let Value::Text(text) = &node.value {
            match units::parse_rate(text) {
                Ok(rate) => self
                    .in_range(node, rate.per_second(), spec, (0.0, MANY), per_second)
                    .then_some(rate.per_second()),
                Err(error) => {
                    self.unit_mistake(
                        node,
                        text,
                        error,
                        WHAT,
                        RATE_UNIT_NAMES,
                        "\"9000/min\" (50.0 is a second)",
                    );
                    None
                }
            }
        } else {
            self.number(
                node,
                spec,
                (0.0, MANY),
                "a rate: a number a second, or text as \"9000/min\"",
            )
        }
    }

    fn whole(&mut self, node: &Node, spec: &Spec, widest: (f64, f64)) -> Option<i64> {
        match &node.value {
            Value::Integer(value) => self
                .in_range(node, *value as f64, spec, widest, plain)
                .then_some(*value),
            Value::Huge(_) => {
                let most = plain(spec.range.unwrap_or(widest).1);
                let message = format!("{} must be at most {most}", self.here());
                self.report(Diagnostic::error("file::out-of-range", message, node.at, "too large"));
                None
            }
            Value::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                let help = format!("write {value:.0}");
                self.expected(node, "a whole number", Some(help));
                None
            }
            _ => {
                self.expected(node, "a whole number", None);
                None
            }
        }
    }
}

/// A number for a message, without loss.
pub(crate) fn plain(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() <= COUNT_MAX {
        units::thousands(&format!("{value:.0}"))
    } else {
        format!("{value}")
    }
}

fn per_second(value: f64) -> String {
    format!("{} a second", plain(value))
}

impl Read for bool {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        reader.expected(node, "`true` or `false`", None);
        None
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Bool
    }

    fn type_text(_: &Spec) -> String {
        "bool".to_owned()
    }
}

impl Read for u32 {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        // The largest number stands for "no end".
        let value = reader.whole(node, spec, (0.0, f64::from(u32::MAX - 1)))?;
        Self::try_from(value).ok()
    }

    fn shape(spec: &Spec) -> Shape {
        let (least, most) = spec.range.unwrap_or((0.0, f64::from(u32::MAX - 1)));
        Shape::Whole(least, most)
    }

    fn type_text(_: &Spec) -> String {
        "count".to_owned()
    }

    fn endless() -> Option<Self> {
        Some(Self::MAX)
    }
}

impl Read for u64 {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let value = reader.whole(node, spec, (0.0, COUNT_MAX))?;
        Self::try_from(value).ok()
    }

    fn shape(spec: &Spec) -> Shape {
        let (least, most) = spec.range.unwrap_or((0.0, COUNT_MAX));
        Shape::Whole(least, most)
    }

    fn type_text(_: &Spec) -> String {
        "count".to_owned()
    }
}

impl Read for f64 {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        reader.number(node, spec, (-MANY, MANY), "a number")
    }

    fn shape(spec: &Spec) -> Shape {
        let (least, most) = spec.range.unwrap_or((-MANY, MANY));
        Shape::Number(least, most)
    }

    fn type_text(_: &Spec) -> String {
        "number".to_owned()
    }
}

impl Read for String {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        if let Value::Text(text) = &node.value {
            return Some(text.clone());
        }
        reader.expected(node, "text", None);
        None
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Text
    }

    fn type_text(_: &Spec) -> String {
        "text".to_owned()
    }
}

impl Read for Name {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        if let Value::Text(text) = &node.value {
            return reader.name(text, node.at);
        }
        reader.expected(node, "a name", Some("names are quoted".to_owned()));
        None
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Text
    }

    fn type_text(_: &Spec) -> String {
        "name".to_owned()
    }
}

impl Read for SimSpan {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        reader.time(node, spec)
    }

    fn shape(_: &Spec) -> Shape {
        Shape::time()
    }

    fn type_text(_: &Spec) -> String {
        "time".to_owned()
    }

    fn endless() -> Option<Self> {
        Some(Self::FOREVER)
    }
}

impl Read for Bytes {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        const WHAT: &str = "a size";
        const EXAMPLE: &str = "\"512 MB\"";
        /// A petabyte: no server has more memory, and no answer is longer.
        const LARGEST: f64 = (1_u64 << 50) as f64;
        match &node.value {
            Value::Text(text) => match units::parse_bytes(text) {
                Ok(bytes) => {
                    let fits = reader.in_range(node, bytes.get() as f64, spec, (0.0, LARGEST), units::show_bytes);
                    fits.then_some(bytes)
                }
                Err(error) => {
                    reader.unit_mistake(node, text, error, WHAT, SIZE_UNIT_NAMES, EXAMPLE);
                    None
                }
            },
            Value::Integer(_) | Value::Float(_) | Value::Huge(_) => {
                reader.unit_mistake(node, "", UnitError::NoUnit, WHAT, SIZE_UNIT_NAMES, EXAMPLE);
                None
            }
            _ => {
                reader.expected(node, WHAT, Some(format!("as in {EXAMPLE}")));
                None
            }
        }
    }

    fn shape(_: &Spec) -> Shape {
        Shape::size()
    }

    fn type_text(_: &Spec) -> String {
        "size".to_owned()
    }
}

impl Read for Rate {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        reader.rate(node, spec).map(Self::from_per_second)
    }

    fn shape(spec: &Spec) -> Shape {
        Shape::rate(spec.range.unwrap_or((0.0, MANY)))
    }

    fn type_text(_: &Spec) -> String {
        "rate".to_owned()
    }
}

impl Read for Share {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        if let Value::Text(_) = node.value {
            reader.expected(node, "a share from 0 to 1", Some("write 0.05 for 5 %".to_owned()));
            return None;
        }
        let before = reader.diagnostics.len();
        let value = reader.number(node, spec, (0.0, 1.0), "a share from 0 to 1");
        if value.is_none()
            && let Some(diagnostic) = reader.diagnostics.get_mut(before)
        {
            diagnostic.help = Some("a share is from 0 to 1: write 0.05 for 5 %".to_owned());
        }
        value.and_then(Self::new)
    }

    fn shape(spec: &Spec) -> Shape {
        let (least, most) = spec.range.unwrap_or((0.0, 1.0));
        Shape::Number(least, most)
    }

    fn type_text(_: &Spec) -> String {
        "share".to_owned()
    }
}

impl Read for Usd {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        reader
            .number(node, spec, (0.0, MANY), "an amount in dollars")
            .map(Self::from_dollars)
    }

    fn shape(spec: &Spec) -> Shape {
        let (least, most) = spec.range.unwrap_or((0.0, MANY));
        Shape::Number(least, most)
    }

    fn type_text(_: &Spec) -> String {
        "dollars".to_owned()
    }
}

impl Read for Cause {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        read_choice(node, &Self::ALL, Self::name, reader)
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Words(Self::ALL.into_iter().map(Self::name).collect())
    }

    fn type_text(_: &Spec) -> String {
        "cause".to_owned()
    }
}
