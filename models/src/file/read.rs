//! From the tree of a file to typed values, collecting every mistake on the way.
//!
//! Owns: what reading a type means; unknown, missing and surplus keys of tables; words of a choice.
//! Never: names' meaning (that is `check.rs`), which keys there are (those stand with their tables), figures
//! (`figure.rs`), lists (`list.rs`).
//! A mistake in one key never hides one in another: a key that has a default takes it after the complaint.

use std::borrow::Cow;

use super::diagnostic::{Diagnostic, Sources};
use super::name::Name;
use super::reference::{KeyReference, TableReference};
use super::schema::Shape;
use super::suggest::{did_you_mean, nearest};
use super::tree::{At, Key, Node, SourceId, Table, Value, parse_value};
use super::{Files, path};

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

    /// What a file may hold there.
    fn shape(spec: &Spec) -> Shape;

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
    /// What it is.
    const MEANING: &'static str;
    /// Whether it takes exactly one of its keys.
    const ONE_KEY: bool;

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
    text_of: impl Fn(T) -> &'static str,
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
