//! The shapes that are read by hand: those that are written in more than one way, or that look into a file.
//!
//! Owns: text or table, number or ramp, name or weights, files of numbers, traces.
//! Never: plain tables and choices, which their declarations read.

use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::figure::MANY;
use super::law::Figures;
use super::name::{Name, Named};
use super::path;
use super::read::{Read, Reader, Spec, Unit, read_choice};
use super::reference::TableReference;
use super::scenario::{Causes, DayShape, MeasureFrom, Pick, Spacing, SystemSource, TraceFile, WeekShape};
use super::schema::{Shape, table_shape};
use super::step::History;
use super::suggest::nearest;
use super::system::{AlertRepeat, LimiterStore, System};
use super::table::table;
use super::tree::{Node, SourceId, TEXT_MAX, Value};
use super::value::{Edition, NumberFile, Popularity, Ramp, Setting, Settings, Weights};
use super::{Quantity, trace};
use crate::{Cause, SimSpan};

impl Read for Weights {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        if let Value::Text(text) = &node.value {
            let name = reader.name(text, node.at)?;
            return Some(Self {
                entries: vec![(name, 1.0)],
            });
        }
        let Value::Table(_) = node.value else {
            reader.expected(node, "a name, or a table name = weight", None);
            return None;
        };
        let spec = Spec {
            items: Some((1, 10_000)),
            range: Some((0.0, 1e9)),
            ..Spec::NONE
        };
        let named = Named::<f64>::read(node, &spec, reader)?;
        let entries: Vec<(Name, f64)> = named.iter().map(|(name, weight)| (name.clone(), *weight)).collect();
        if entries.len() == named.names().count() && entries.iter().all(|(_, weight)| *weight == 0.0) {
            let message = format!("{} has no weight above zero", reader.here());
            reader.report(Diagnostic::error(
                "file::no-weight",
                message,
                node.at,
                "nothing could be drawn",
            ));
            return None;
        }
        Some(Self { entries })
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Text.or(Shape::Named(Box::new(Shape::Number(0.0, 1e9)), 1, 10_000))
    }

    fn type_text(_: &Spec) -> String {
        "name, or table name = weight".to_owned()
    }
}

table! {
    /// A level that goes straight from one value to another over the phase (or the run).
    pub struct RampTable = "ramp" {
        /// At the beginning.
        from: Level = required,
        /// At the end.
        to: Level = required,
        /// Equal stairs.
        steps: Option<u32> = none "smooth" in 1.0..=1e5,
    }
}

/// A number or a rate, by the ramp around it.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Level(f64);

impl Read for Level {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        /// Sessions or people at once: each of them costs memory.
        const MOST: f64 = 1e8;
        match reader.unit_of(spec) {
            Unit::Rate => reader
                .rate(
                    node,
                    &Spec {
                        range: Some((0.0, 1e9)),
                        ..*spec
                    },
                )
                .map(Self),
            _ => reader.number(node, spec, (0.0, MOST), "a number").map(Self),
        }
    }

    fn shape(spec: &Spec) -> Shape {
        let (least, most) = if spec.unit == Unit::Count {
            (0.0, 1e8)
        } else {
            (0.0, 1e9)
        };
        Shape::figure(
            &Spec {
                range: Some((least, most)),
                ..*spec
            },
            most,
        )
    }

    fn type_text(_: &Spec) -> String {
        "number or rate".to_owned()
    }
}

impl Read for Ramp {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let unit = reader.unit_of(spec);
        if let Value::Table(_) = node.value {
            let ramp = reader.with_unit(unit, |reader| RampTable::read(node, &Spec::NONE, reader))?;
            return Some(Self {
                from: ramp.from.0,
                to: ramp.to.0,
                steps: ramp.steps,
            });
        }
        Level::read(node, spec, reader).map(|level| Self::constant(level.0))
    }

    fn shape(spec: &Spec) -> Shape {
        Level::shape(spec).or(table_shape::<RampTable>())
    }

    fn type_text(spec: &Spec) -> String {
        if spec.unit == Unit::Rate {
            "rate or ramp"
        } else {
            "count or ramp"
        }
        .to_owned()
    }

    fn tables(tables: &mut Vec<TableReference>) {
        RampTable::tables(tables);
    }
}

impl Read for Settings {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Table(_) = node.value else {
            reader.expected(
                node,
                "a table path = value",
                Some("as in `\"web.plan\" = \"pro\"`".to_owned()),
            );
            return None;
        };
        let mut settings = Self::default();
        let whole = collect(node, &mut Vec::new(), &mut settings, reader);
        whole.then_some(settings)
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Named(Box::new(Shape::Any), 0, usize::MAX)
    }

    fn type_text(_: &Spec) -> String {
        "table path = value".to_owned()
    }
}

/// Adds what a table sets. A table that is not written `{ … }` only carries its path on: `web.plan = "pro"` says the
/// same as `"web.plan" = "pro"`.
fn collect(node: &Node, before: &mut Vec<String>, settings: &mut Settings, reader: &mut Reader<'_>) -> bool {
    let Value::Table(table) = &node.value else { return true };
    let mut whole = true;
    for (key, value) in &table.entries {
        let parts = match path::split(&key.text) {
            Ok(parts) => parts,
            Err((_, mistake)) => {
                let message = format!("{} has a path that cannot be read", reader.here());
                reader.report(Diagnostic::error("set::bad-path", message, key.at, mistake));
                whole = false;
                continue;
            }
        };
        let depth = before.len();
        before.extend(parts.into_iter().map(|part| part.text));
        match &value.value {
            Value::Table(inner) if !inner.inline && !inner.entries.is_empty() => {
                whole &= collect(value, before, settings, reader);
            }
            _ => settings.entries.push(Setting {
                path: before.clone(),
                at: key.at,
                value: value.clone(),
            }),
        }
        before.truncate(depth);
    }
    whole
}

impl Read for Edition {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match &node.value {
            Value::Text(text) | Value::Date(text) => text,
            _ => {
                reader.expected(node, "a date or \"latest\"", Some("as in \"2025-12-10\"".to_owned()));
                return None;
            }
        };
        if text == "latest" {
            return Some(Self::Latest);
        }
        if let Some((year, month, day)) = date(text) {
            return Some(Self::Dated {
                year,
                month,
                day,
                at: node.at,
            });
        }
        let message = format!("{} must be a date or \"latest\"", reader.here());
        let help = "as in \"2025-12-10\"";
        reader.report(Diagnostic::error("file::wrong-type", message, node.at, "this is no date").help(help));
        None
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Date.or(Shape::Words(vec!["latest"]))
    }

    fn type_text(_: &Spec) -> String {
        "date or \"latest\"".to_owned()
    }
}

/// Year, month and day of `2025-12-10`, if there is such a day.
fn date(text: &str) -> Option<(u16, u8, u8)> {
    let bytes = text.as_bytes();
    let dashes = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    let digits = bytes
        .iter()
        .enumerate()
        .all(|(index, byte)| matches!(index, 4 | 7) || byte.is_ascii_digit());
    if !dashes || !digits {
        return None;
    }
    let (year, month, day): (u16, u8, u8) = (
        text[..4].parse().ok()?,
        text[5..7].parse().ok()?,
        text[8..].parse().ok()?,
    );
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    ((1..=12).contains(&month) && (1..=days).contains(&day)).then_some((year, month, day))
}

impl Edition {
    /// As a file writes it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Latest => "latest".to_owned(),
            Self::Dated { year, month, day, .. } => format!("{year:04}-{month:02}-{day:02}"),
        }
    }
}

/// The text of a file that a key names, under a source of its own; complains when it cannot be had.
fn file_text(node: &Node, reader: &mut Reader<'_>) -> Option<(Name, SourceId, String)> {
    let Value::Text(text) = &node.value else {
        reader.expected(node, "the path of a file", None);
        return None;
    };
    let written = reader.name(text, node.at)?;
    let path = super::beside(reader.sources.name(node.at.source), text);
    match reader.files.read(&path) {
        Ok(content) if content.len() > TEXT_MAX => {
            let message = format!("{}: `{path}` is too large", reader.here());
            reader.report(Diagnostic::error("file::too-large", message, node.at, "more than 8 MB"));
            None
        }
        Ok(content) => {
            let source = reader.sources.add_data(path, content.clone());
            Some((written, source, content))
        }
        Err(error) => {
            let message = format!("{}: `{path}` cannot be read: {error}", reader.here());
            reader.report(Diagnostic::error("file::unreadable", message, node.at, "this file"));
            None
        }
    }
}

impl Read for NumberFile {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let (path, source, text) = file_text(node, reader)?;
        let mut numbers = Vec::new();
        let mut whole = true;
        for (start, line) in trace::lines(&text) {
            let word = line.trim();
            if word.is_empty() || word.starts_with('#') {
                continue;
            }
            match word.parse::<f64>() {
                Ok(number) if (0.0..=MANY).contains(&number) => numbers.push(number),
                _ => {
                    let at = super::At::new(source, start..start + line.len());
                    let message = format!("`{}` must hold one number a line, none below zero", path.text);
                    reader.report(Diagnostic::error("file::bad-number", message, at, "this line"));
                    whole = false;
                    // A file of another kind would be complained about line by line.
                    break;
                }
            }
        }
        if whole && numbers.is_empty() {
            let message = format!("{}: `{}` holds no number", reader.here(), path.text);
            reader.report(Diagnostic::error(
                "file::empty",
                message,
                node.at,
                "one number a line is needed",
            ));
            return None;
        }
        whole.then(|| Self {
            path,
            numbers: numbers.into(),
        })
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Text
    }

    fn type_text(_: &Spec) -> String {
        "path".to_owned()
    }
}

impl Read for TraceFile {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let (path, source, text) = file_text(node, reader)?;
        let mut mistakes = Vec::new();
        let rows = trace::parse(&text, source, &path.text, &mut mistakes);
        let whole = mistakes.is_empty();
        reader.diagnostics.extend(mistakes);
        if whole && rows.is_empty() {
            let message = format!("{}: `{}` holds no row", reader.here(), path.text);
            reader.report(Diagnostic::error(
                "file::empty",
                message,
                node.at,
                "a header and one row are needed",
            ));
            return None;
        }
        whole.then(|| Self {
            path,
            rows: Arc::from(rows),
        })
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Text
    }

    fn type_text(_: &Spec) -> String {
        "path".to_owned()
    }
}

impl Read for History {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text == "none" => Some(Self::None),
            Value::Text(text) if text == "all" => Some(Self::All),
            Value::Integer(_) => u32::read(node, &Spec::NONE, reader).map(Self::Last),
            _ => {
                reader.expected(node, "\"none\", \"all\" or a number of messages", None);
                None
            }
        }
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Words(vec!["none", "all"]).or(u32::shape(&Spec::NONE))
    }

    fn type_text(_: &Spec) -> String {
        "\"none\", \"all\" or count".to_owned()
    }
}

impl Read for LimiterStore {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let name = Name::read(node, spec, reader)?;
        Some(if name.text == "memory" {
            Self::Memory
        } else {
            Self::Cache(name)
        })
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Text
    }

    fn type_text(_: &Spec) -> String {
        "\"memory\" or cache".to_owned()
    }
}

impl Read for Spacing {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text == "poisson" => Some(Self::Poisson),
            Value::Text(text) if text == "even" => Some(Self::Even),
            Value::Table(_) => Quantity::read(
                node,
                &Spec {
                    unit: Unit::Shape,
                    ..Spec::NONE
                },
                reader,
            )
            .map(Self::Law),
            Value::Text(text) => {
                let help = nearest(text, ["poisson", "even"]).map(|near| format!("did you mean \"{near}\"?"));
                reader.expected(node, "\"poisson\", \"even\" or a quantity without a mean", help);
                None
            }
            _ => {
                reader.expected(node, "\"poisson\", \"even\" or a quantity without a mean", None);
                None
            }
        }
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Words(vec!["poisson", "even"]).or(table_shape::<Figures>())
    }

    fn type_text(_: &Spec) -> String {
        "\"poisson\", \"even\" or quantity without a mean".to_owned()
    }
}

impl Read for Pick {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        const WORDS: [(&str, Pick); 4] = [
            ("even", Pick::Even),
            ("in_order", Pick::InOrder),
            ("new", Pick::New),
            ("same", Pick::Same),
        ];
        if let Value::Table(_) = node.value {
            return Popularity::read(node, &Spec::NONE, reader).map(Self::Popularity);
        }
        let index = read_choice(node, &[0, 1, 2, 3], |index: usize| WORDS[index].0, reader)?;
        Some(WORDS[index].1.clone())
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Words(vec!["even", "in_order", "new", "same"]).or(table_shape::<Popularity>())
    }

    fn type_text(_: &Spec) -> String {
        "\"even\", \"in_order\", \"new\", \"same\" or popularity".to_owned()
    }

    fn tables(tables: &mut Vec<TableReference>) {
        Popularity::tables(tables);
    }
}

impl Read for SystemSource {
    /// The table itself is read apart, after the settings have been applied to it.
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => Some(Self::Inline),
            Value::Text(_) => Name::read(node, spec, reader).map(Self::Named),
            _ => {
                reader.expected(node, "the name of a system, a path, or a table", None);
                None
            }
        }
    }

    fn shape(_: &Spec) -> Shape {
        Shape::Text.or(table_shape::<System>())
    }

    fn type_text(_: &Spec) -> String {
        "name, path or system".to_owned()
    }

    fn tables(tables: &mut Vec<TableReference>) {
        System::tables(tables);
    }
}

impl Read for MeasureFrom {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text == "auto" => Some(Self::Auto),
            _ => SimSpan::read(node, spec, reader).map(Self::At),
        }
    }

    fn shape(spec: &Spec) -> Shape {
        Shape::Words(vec!["auto"]).or(SimSpan::shape(spec))
    }

    fn type_text(_: &Spec) -> String {
        "time or \"auto\"".to_owned()
    }
}

impl Read for AlertRepeat {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text == "each_look" => Some(Self::EachLook),
            Value::Text(text) if text == "once" => Some(Self::Once),
            _ => SimSpan::read(node, spec, reader).map(Self::After),
        }
    }

    fn shape(spec: &Spec) -> Shape {
        Shape::Words(vec!["each_look", "once"]).or(SimSpan::shape(spec))
    }

    fn type_text(_: &Spec) -> String {
        "\"each_look\", \"once\" or time".to_owned()
    }
}

impl Read for Causes {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let named = Named::<u64>::read(node, &Spec::NONE, reader)?;
        let mut causes = Self::default();
        let mut whole = true;
        for (name, count) in named.iter() {
            if let Some(cause) = Cause::from_name(&name.text) {
                causes.entries.push((cause, *count));
                continue;
            }
            let message = format!("{} has no cause `{}`", reader.here(), name.text);
            let names = Cause::ALL.into_iter().map(Cause::name);
            let help = super::suggest::did_you_mean(&name.text, names, "the causes are");
            reader.report(Diagnostic::error("file::unknown-key", message, name.at, "unknown cause").maybe_help(help));
            whole = false;
        }
        whole.then_some(causes)
    }

    fn shape(_: &Spec) -> Shape {
        Shape::NamedOf(
            Box::new(u64::shape(&Spec::NONE)),
            Cause::ALL.into_iter().map(Cause::name).collect(),
        )
    }

    fn type_text(_: &Spec) -> String {
        "table cause = count".to_owned()
    }
}

/// Shapes of a day by name: the weight of each hour from midnight. They are assumed: no published rhythm of a coaching
/// product was found, so these are the common shapes of leisure and of office traffic.
const DAY_SHAPES: [(&str, [f64; 24]); 3] = [
    (
        "evening",
        [
            2.0, 1.0, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 4.0, 4.0, 3.0, 3.0, 4.0, 5.0, 7.0, 9.0, 10.0,
            9.0, 7.0, 4.0,
        ],
    ),
    (
        "office",
        [
            0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 3.0, 7.0, 10.0, 10.0, 9.0, 6.0, 8.0, 10.0, 9.0, 8.0, 6.0, 3.0, 2.0, 2.0,
            1.5, 1.0, 0.5,
        ],
    ),
    ("flat", [1.0; 24]),
];

/// Shapes of a week by name: the weight of each day from Monday. Assumed, like those of a day.
const WEEK_SHAPES: [(&str, [f64; 7]); 3] = [
    ("flat", [1.0; 7]),
    ("office", [1.2, 1.25, 1.25, 1.2, 1.1, 0.5, 0.5]),
    ("leisure", [0.95, 0.95, 0.95, 0.95, 0.9, 1.1, 1.2]),
];

/// Reads so many weights, or a shape by its name.
fn read_shape<const N: usize>(
    node: &Node,
    named: &[(&'static str, [f64; N])],
    each: &str,
    reader: &mut Reader<'_>,
) -> Option<[f64; N]> {
    let Value::List(_) = node.value else {
        let all: Vec<usize> = (0..named.len()).collect();
        let index = read_choice(node, &all, |index: usize| named[index].0, reader)?;
        return Some(named[index].1);
    };
    let spec = Spec {
        items: Some((N, N)),
        range: Some((0.0, 1e9)),
        ..Spec::NONE
    };
    let weights: [f64; N] = Vec::<f64>::read(node, &spec, reader)?.try_into().ok()?;
    if weights.iter().all(|&weight| weight == 0.0) {
        let message = format!("{} has no {each} above zero", reader.here());
        let diagnostic = Diagnostic::error("file::no-weight", message, node.at, "nobody would ever come");
        reader.report(diagnostic);
        return None;
    }
    Some(weights)
}

impl Read for DayShape {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        read_shape(node, &DAY_SHAPES, "hour", reader).map(|hours| Self { hours })
    }

    fn shape(_: &Spec) -> Shape {
        weights_shape(&DAY_SHAPES)
    }

    fn type_text(_: &Spec) -> String {
        "\"evening\", \"office\", \"flat\" or list of 24 numbers".to_owned()
    }
}

impl Read for WeekShape {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        read_shape(node, &WEEK_SHAPES, "day", reader).map(|days| Self { days })
    }

    fn shape(_: &Spec) -> Shape {
        weights_shape(&WEEK_SHAPES)
    }

    fn type_text(_: &Spec) -> String {
        "\"flat\", \"office\", \"leisure\" or list of 7 numbers".to_owned()
    }
}

/// So many weights, or a name.
fn weights_shape<const N: usize>(named: &[(&'static str, [f64; N])]) -> Shape {
    let names = named.iter().map(|(name, _)| *name).collect();
    Shape::Words(names).or(Shape::List(Box::new(Shape::Number(0.0, 1e9)), N, N))
}

/// The keys of a table, for checks that need the place of one.
pub(crate) fn place_in(node: &Node, key: &str) -> super::At {
    match &node.value {
        Value::Table(table) => table.get(key).map_or(node.at, |value| value.at),
        _ => node.at,
    }
}
