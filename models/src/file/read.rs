//! From the tree of a file to typed values, collecting every mistake on the way.
//!
//! Owns: how each type of figure is read, its bounds and its words of complaint; unknown, missing and surplus keys.
//! Never: names' meaning (that is `check.rs`); which keys there are (those stand with their tables).
//! A mistake in one key never hides one in another: a key that has a default takes it after the complaint.

use std::borrow::Cow;

use super::diagnostic::{Diagnostic, Sources};
use super::name::{Name, Named};
use super::reference::{KeyReference, TableReference};
use super::suggest::{did_you_mean, nearest};
use super::tree::{At, Key, Node, SourceId, Table, Value, parse_value};
use super::{Files, path};
use crate::units::{self, Bytes, RATE_UNIT_NAMES, Rate, SIZE_UNIT_NAMES, Share, TIME_UNIT_NAMES, UnitError, Usd};
use crate::{Cause, SimSpan};

/// What a key's declaration says besides its type.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Spec {
    /// A word that means "no end".
    pub(crate) word: Option<&'static str>,
    /// Of a quantity or ramp.
    pub(crate) unit: Unit,
    /// Whether a list of one may be written without brackets.
    pub(crate) one: bool,
    /// Fewest and most items of a list, or named things.
    pub(crate) items: Option<(usize, usize)>,
    /// Least and most of a figure, in base units.
    pub(crate) range: Option<(f64, f64)>,
}

impl Spec {
    pub(crate) const NONE: Self = Self {
        word: None,
        unit: Unit::Inherited,
        one: false,
        items: None,
        range: None,
    };
}

/// What a quantity or a ramp counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// That of the quantity around it.
    Inherited,
    /// Seconds inside, text with a unit in a file.
    Time,
    /// A number.
    Count,
    /// A second inside; a number or text in a file.
    Rate,
    /// A number whose mean is 1: only the law's shape is asked for.
    Shape,
}

/// A type that can be read from a file.
pub(crate) trait Read: Sized {
    /// The value, or `None` after a complaint.
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self>;

    /// The type in a word or two, for the reference.
    fn type_text(spec: &Spec) -> String;

    /// The value that the word for "no end" stands for.
    fn endless() -> Option<Self> {
        None
    }

    /// Adds the tables that it is made of to the reference.
    fn tables(_tables: &mut Vec<TableReference>) {}
}

/// A type that is a table in a file.
pub(crate) trait TableRead: Sized {
    /// Its place in the reference: `pool`, `service.scaling`, `step.llm`.
    const TITLE: &'static str;
    /// The key that a value stands for which is written without a table.
    const SHORTHAND: Option<&'static str>;

    /// The value, or `None` after a complaint; every key is asked for.
    fn read_fields(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Self>;

    /// Complains about keys that do not go together.
    fn check(&self, _fields: &Fields<'_>, _reader: &mut Reader<'_>) {}

    /// Adds its keys to the reference.
    fn describe(keys: &mut Vec<KeyReference>);

    /// Adds the tables that its keys hold to the reference.
    fn nested(tables: &mut Vec<TableReference>);
}

/// What reading needs and collects.
pub(crate) struct Reader<'a> {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) sources: &'a mut Sources,
    pub(crate) files: &'a dyn Files,
    /// Where in the file reading is, as the parts of a setting's path.
    path: Vec<String>,
    /// The unit of the quantity around.
    unit: Unit,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(sources: &'a mut Sources, files: &'a dyn Files) -> Self {
        Self {
            diagnostics: Vec::new(),
            sources,
            files,
            path: Vec::new(),
            unit: Unit::Count,
        }
    }

    /// Notes a mistake.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The path of what is being read, for a message.
    pub(crate) fn here(&self) -> String {
        if self.path.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{}`", path::write(&self.path))
        }
    }

    /// Reads something one level further down.
    pub(crate) fn within<T>(&mut self, part: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    /// The same where it is one level further down, and here where it is not.
    pub(crate) fn within_if<T>(&mut self, further: bool, part: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        if further { self.within(part, read) } else { read(self) }
    }

    /// Reads something whose inner figures have that unit.
    pub(crate) fn with_unit<T>(&mut self, unit: Unit, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.unit, unit);
        let value = read(self);
        self.unit = outer;
        value
    }

    /// The unit of a key: its own, or that of the quantity around it.
    pub(crate) fn unit_of(&self, spec: &Spec) -> Unit {
        if spec.unit == Unit::Inherited {
            self.unit
        } else {
            spec.unit
        }
    }

    /// Complains that something else was expected: `expected` with its article.
    pub(crate) fn expected(&mut self, node: &Node, expected: &str, help: Option<String>) {
        let message = format!("{} must be {expected}", self.here());
        let label = format!("this is {}", node.value.kind());
        self.report(Diagnostic::error("file::wrong-type", message, node.at, label).maybe_help(help));
    }

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

    /// Text that can serve as a name; complains when it cannot.
    pub(crate) fn name(&mut self, text: &str, at: At) -> Option<Name> {
        /// In characters: longer ones are no names, and no table shows them.
        const LONGEST_NAME: usize = 200;
        let mistake = if text.is_empty() {
            "a name must not be empty"
        } else if text.chars().any(char::is_control) {
            "a name must not hold line breaks or other control characters"
        } else if text.chars().count() > LONGEST_NAME {
            "a name must not be longer than 200 characters"
        } else {
            return Some(Name {
                text: text.to_owned(),
                at,
            });
        };
        self.report(Diagnostic::error(
            "file::bad-name",
            format!("{}: {mistake}", self.here()),
            at,
            "",
        ));
        None
    }
}

/// Longest time in a file, in seconds: 400 days, more than a year with room for its end.
pub(crate) const LONGEST: f64 = 400.0 * 86_400.0;
/// Largest whole number in a file: below 2 to the power of 63, where TOML ends.
const COUNT_MAX: f64 = 1e18;
/// Largest other number in a file.
pub(crate) const MANY: f64 = 1e15;

/// The keys of a table as they are asked for one by one.
pub(crate) struct Fields<'n> {
    table: Cow<'n, Table>,
    at: At,
    asked: Vec<&'static str>,
    /// Complaints about required keys, kept until it is known which other keys are slips of them.
    missing: Vec<(&'static str, Diagnostic)>,
}

impl Fields<'_> {
    /// The place of the table.
    pub(crate) fn at(&self) -> At {
        self.at
    }

    /// Where the value of a key stands, if it is given.
    pub(crate) fn place_of(&self, key: &str) -> Option<At> {
        self.table.get(key).map(|node| node.at)
    }

    /// Those of the keys that are given, in the order asked, and where their values stand.
    pub(crate) fn given<'k>(&self, keys: &[&'k str]) -> Vec<(&'k str, At)> {
        keys.iter()
            .filter_map(|&key| self.place_of(key).map(|at| (key, at)))
            .collect()
    }

    /// The value of a key: `None` when it is absent or, after a complaint, wrong.
    pub(crate) fn read<T: Read>(&mut self, key: &'static str, spec: &Spec, reader: &mut Reader<'_>) -> Option<T> {
        self.asked.push(key);
        let node = self.table.get(key)?;
        reader.within(key, |reader| read_value(node, spec, reader))
    }

    /// A key that must be there.
    pub(crate) fn required<T: Read>(&mut self, key: &'static str, spec: &Spec, reader: &mut Reader<'_>) -> Option<T> {
        if self.table.get(key).is_none() {
            let message = format!("{} needs `{key}`", reader.here());
            let help = format!("`{key}` takes: {}", value_type_text::<T>(spec));
            let label = format!("`{key}` is missing");
            self.missing.push((
                key,
                Diagnostic::error("file::missing-key", message, self.at, label).help(help),
            ));
        }
        self.read(key, spec, reader)
    }

    /// A key that may be left out.
    pub(crate) fn optional<T: Read + Default>(&mut self, key: &'static str, spec: &Spec, reader: &mut Reader<'_>) -> T {
        self.read(key, spec, reader).unwrap_or_default()
    }

    /// A key with a default, which is read as if it stood in the file.
    pub(crate) fn or_default<T: Read>(
        &mut self,
        key: &'static str,
        spec: &Spec,
        default: &'static str,
        reader: &mut Reader<'_>,
    ) -> Option<T> {
        if let Some(value) = self.read(key, spec, reader) {
            return Some(value);
        }
        let node = default_node(default)?;
        reader.within(key, |reader| read_value(&node, spec, reader))
    }

    /// Complains unless exactly one of the keys asked for is there.
    pub(crate) fn exactly_one(&self, reader: &mut Reader<'_>) {
        let known: Vec<&(Key, Node)> = self
            .table
            .entries
            .iter()
            .filter(|(key, _)| self.asked.contains(&&key.text[..]))
            .collect();
        let all = || {
            let keys: Vec<String> = self.asked.iter().map(|key| format!("`{key}`")).collect();
            keys.join(", ")
        };
        match known[..] {
            [] if self.table.entries.is_empty() => {
                let message = format!("{} is empty", reader.here());
                let help = format!("it takes exactly one of {}", all());
                reader.report(Diagnostic::error("file::missing-key", message, self.at, "one key is needed").help(help));
            }
            // An unknown key alone is complained about when the table is done.
            [] | [_] => {}
            [(first, _), (second, _), ..] => {
                let message = format!(
                    "{} takes one key, and has `{}` and `{}`",
                    reader.here(),
                    first.text,
                    second.text
                );
                reader.report(
                    Diagnostic::error("file::exclusive-keys", message, second.at, "a second key")
                        .and(first.at, "the first"),
                );
            }
        }
    }

    /// Whether a key that nobody asked for looks like a slip of one of these.
    pub(crate) fn misspelt(&self, keys: &[&str]) -> bool {
        let unknown = self
            .table
            .entries
            .iter()
            .filter(|(key, _)| !self.asked.contains(&&key.text[..]));
        unknown
            .filter_map(|(key, _)| nearest(&key.text, self.asked.iter().copied()))
            .any(|near| keys.contains(&near))
    }

    /// Complains about every required key that is missing and every key that nobody asked for.
    fn finish(&mut self, reader: &mut Reader<'_>) {
        for (key, diagnostic) in std::mem::take(&mut self.missing) {
            // The slip is complained about below, with the name that was meant.
            if !self.misspelt(&[key]) {
                reader.report(diagnostic);
            }
        }
        for (key, _) in &self.table.entries {
            if self.asked.contains(&&key.text[..]) {
                continue;
            }
            let message = format!("{} has no key `{}`", reader.here(), key.text);
            let help = did_you_mean(&key.text, self.asked.iter().copied(), "its keys are");
            reader.report(Diagnostic::error("file::unknown-key", message, key.at, "unknown key").maybe_help(help));
        }
    }
}

/// Reads a table: every key it declares, then complains about the others.
pub(crate) fn read_table<T: TableRead>(node: &Node, reader: &mut Reader<'_>) -> Option<T> {
    let table = match (&node.value, T::SHORTHAND) {
        (Value::Table(table), _) => Cow::Borrowed(table),
        (_, Some(short)) => {
            let key = Key {
                text: short.to_owned(),
                at: node.at,
            };
            Cow::Owned(Table {
                entries: vec![(key, node.clone())],
                inline: true,
            })
        }
        (_, None) => {
            let mut keys = Vec::new();
            T::describe(&mut keys);
            let names: Vec<String> = keys.iter().take(24).map(|key| format!("`{}`", key.key)).collect();
            reader.expected(node, "a table", Some(format!("its keys are: {}", names.join(", "))));
            return None;
        }
    };
    let mut fields = Fields {
        table,
        at: node.at,
        asked: Vec::new(),
        missing: Vec::new(),
    };
    let value = T::read_fields(&mut fields, reader);
    fields.finish(reader);
    if let Some(value) = &value {
        value.check(&fields, reader);
    }
    value
}

/// Reads a value, or the word that its key allows instead.
fn read_value<T: Read>(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<T> {
    if let (Some(word), Value::Text(text)) = (spec.word, &node.value)
        && text == word
    {
        return T::endless();
    }
    T::read(node, spec, reader)
}

/// Reads one of several words.
pub(crate) fn read_choice<T: Copy>(
    node: &Node,
    all: &[T],
    text_of: fn(T) -> &'static str,
    reader: &mut Reader<'_>,
) -> Option<T> {
    let texts: Vec<&'static str> = all.iter().map(|&one| text_of(one)).collect();
    let list = || {
        let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
        quoted.join(", ")
    };
    let Value::Text(text) = &node.value else {
        reader.expected(node, &format!("one of {}", list()), None);
        return None;
    };
    if let Some(index) = texts.iter().position(|one| one == text) {
        return Some(all[index]);
    }
    let message = format!("{} cannot be \"{text}\"", reader.here());
    let label = format!("expected one of {}", list());
    let help = nearest(text, texts.iter().copied()).map(|near| format!("did you mean \"{near}\"?"));
    reader.report(Diagnostic::error("file::unknown-choice", message, node.at, label).maybe_help(help));
    None
}

/// The name of a key as files write it: without the mark of a raw identifier.
pub(crate) fn key_name(text: &'static str) -> &'static str {
    text.strip_prefix("r#").unwrap_or(text)
}

/// The type of a table in a word or two.
pub(crate) fn table_type_text<T: TableRead>() -> String {
    let name = T::TITLE.rsplit('.').next().unwrap_or(T::TITLE);
    match T::SHORTHAND {
        None => name.to_owned(),
        Some(short) => {
            let mut keys = Vec::new();
            T::describe(&mut keys);
            let short_type = keys
                .iter()
                .find(|key| key.key == short)
                .map_or("", |key| &key.type_text);
            format!("{short_type} or {name}")
        }
    }
}

/// The type of a key with the word that it allows.
pub(crate) fn value_type_text<T: Read>(spec: &Spec) -> String {
    let text = T::type_text(spec);
    match spec.word {
        Some(word) => format!("{text} or \"{word}\""),
        None => text,
    }
}

/// The tree of a default as its declaration writes it.
pub(crate) fn default_node(text: &str) -> Option<Node> {
    let mut node = parse_value(text, SourceId::DEFAULT, 0).ok()?;
    erase_places(&mut node);
    Some(node)
}

/// Panics when a default is not what its own reader takes.
#[cfg(test)]
pub(crate) fn assert_default_reads<T: Read>(key: &str, spec: &Spec, default: &str) {
    struct NoFiles;
    impl Files for NoFiles {
        fn read(&self, _: &str) -> Result<String, String> {
            Err(String::new())
        }
    }
    if matches!(default, "required" | "none") {
        return;
    }
    let node = default_node(default).unwrap_or_else(|| panic!("{key} = {default}: no TOML"));
    let mut sources = Sources::default();
    let mut reader = Reader::new(&mut sources, &NoFiles);
    assert!(
        read_value::<T>(&node, spec, &mut reader).is_some(),
        "{key} = {default}: {:?}",
        reader.diagnostics
    );
    assert_eq!(reader.diagnostics, [], "{key} = {default}");
}

fn erase_places(node: &mut Node) {
    node.at = At::DEFAULT;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(erase_places),
        Value::Table(table) => {
            for (key, value) in &mut table.entries {
                key.at = At::DEFAULT;
                erase_places(value);
            }
        }
        _ => {}
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

    fn type_text(_: &Spec) -> String {
        "count".to_owned()
    }
}

impl Read for f64 {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        reader.number(node, spec, (-MANY, MANY), "a number")
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

    fn type_text(_: &Spec) -> String {
        "name".to_owned()
    }
}

impl Read for SimSpan {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        reader.time(node, spec)
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

    fn type_text(_: &Spec) -> String {
        "size".to_owned()
    }
}

impl Read for Rate {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        reader.rate(node, spec).map(Self::from_per_second)
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

    fn type_text(_: &Spec) -> String {
        "dollars".to_owned()
    }
}

impl Read for Cause {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        read_choice(node, &Self::ALL, Self::name, reader)
    }

    fn type_text(_: &Spec) -> String {
        "cause".to_owned()
    }
}

impl<T: Read> Read for Option<T> {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, spec, reader).map(Some)
    }

    fn type_text(spec: &Spec) -> String {
        T::type_text(spec)
    }

    fn endless() -> Option<Self> {
        Some(None)
    }

    fn tables(tables: &mut Vec<TableReference>) {
        T::tables(tables);
    }
}

impl<T: Read> Read for Vec<T> {
    /// Items that cannot be read are left out, after a complaint about each.
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        // What the list says about its items is not said of its length.
        let inner = Spec {
            items: None,
            one: false,
            ..*spec
        };
        let items = match &node.value {
            Value::List(items) => items,
            _ if spec.one => return T::read(node, &inner, reader).map(|item| vec![item]),
            _ => {
                reader.expected(node, "a list", Some("write `[ … ]` around it".to_owned()));
                return None;
            }
        };
        if !right_length(items.len(), node.at, spec, "items", reader) {
            return None;
        }
        let mut values = Self::with_capacity(items.len());
        let mut whole = true;
        for (index, item) in items.iter().enumerate() {
            match reader.within(&index.to_string(), |reader| T::read(item, &inner, reader)) {
                Some(value) => values.push(value),
                None => whole = false,
            }
        }
        // A list of nothing readable would be complained about as empty by whoever looks at it next.
        (whole || !values.is_empty()).then_some(values)
    }

    fn type_text(spec: &Spec) -> String {
        let item = T::type_text(&Spec {
            items: None,
            one: false,
            ..*spec
        });
        if spec.one {
            format!("{item} or list of them")
        } else {
            format!("list of {item}")
        }
    }

    fn tables(tables: &mut Vec<TableReference>) {
        T::tables(tables);
    }
}

impl<T: Read> Read for Named<T> {
    /// Things that cannot be read keep their name, so that what refers to them is not complained about too.
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let inner = Spec { items: None, ..*spec };
        let Value::Table(table) = &node.value else {
            let help = format!("each name has its own {}", T::type_text(&inner));
            reader.expected(node, "a table of names", Some(help));
            return None;
        };
        if !right_length(table.entries.len(), node.at, spec, "names", reader) {
            return None;
        }
        let mut named = Self::default();
        for (key, value) in &table.entries {
            let Some(name) = reader.name(&key.text, key.at) else {
                continue;
            };
            match reader.within(&key.text, |reader| T::read(value, &inner, reader)) {
                Some(thing) => named.push(name, thing),
                None => named.push_broken(name),
            }
        }
        Some(named)
    }

    fn type_text(spec: &Spec) -> String {
        format!("table name = {}", T::type_text(&Spec { items: None, ..*spec }))
    }

    fn tables(tables: &mut Vec<TableReference>) {
        T::tables(tables);
    }
}

/// Most items of a list where its key does not say.
const ITEMS_MAX: usize = 10_000;
/// Most things of a kind: names are compared with each other, and no system has so many.
const NAMES_MAX: usize = 1_000;

fn right_length(length: usize, at: At, spec: &Spec, what: &str, reader: &mut Reader<'_>) -> bool {
    let unbounded = if what == "names" { NAMES_MAX } else { ITEMS_MAX };
    let (least, most) = spec.items.unwrap_or((0, unbounded));
    if length < least {
        let message = format!("{} must not be empty", reader.here());
        reader.report(Diagnostic::error("file::empty", message, at, format!("no {what}")));
        return false;
    }
    if length > most {
        let message = format!("{} must have at most {most} {what}", reader.here());
        reader.report(Diagnostic::error(
            "file::out-of-range",
            message,
            at,
            format!("{length} {what}"),
        ));
        return false;
    }
    true
}
