//! The format's shape as a value: what each key takes, table by table, read off the same declarations that read files.
//!
//! Owns: [`Shape`], the list of a file kind's tables.
//! Never: any key, any schema language (that is `report/`).
//!
//! What a shape leaves open: rules over several keys of a table, names that something must have, figures of a quantity
//! that go together, and bounds of texts with a unit. Those are for the reader of files, which says more about them.

use super::read::{Read, Spec, TableRead, Unit};
use super::reference::KeyReference;
use super::scenario::Scenario;
use super::study::Study;
use super::system::System;
use crate::units;

/// What may stand in a place of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// A whole number from the least to the most.
    Whole(f64, f64),
    /// A number from the least to the most.
    Number(f64, f64),
    /// Any text.
    Text,
    /// Text that is a number and one of these units.
    Unit(&'static [&'static str]),
    /// A date without quotes, or the same as text.
    Date,
    /// One of these words.
    Words(Vec<&'static str>),
    /// A table.
    Table(TableShape),
    /// A list of so many at least, so many at most.
    List(Box<Self>, usize, usize),
    /// A table of names, of so many at least, so many at most.
    Named(Box<Self>, usize, usize),
    /// A table of some of these names.
    NamedOf(Box<Self>, Vec<&'static str>),
    /// One of these.
    Either(Vec<Self>),
}

impl Shape {
    /// One or the other; what is already a choice takes the other in.
    pub(crate) fn or(self, other: Self) -> Self {
        let mut shapes = match self {
            Self::Either(shapes) => shapes,
            one => vec![one],
        };
        match other {
            Self::Either(more) => shapes.extend(more),
            one => shapes.push(one),
        }
        Self::Either(shapes)
    }

    pub(crate) const fn time() -> Self {
        Self::Unit(&units::TIME_UNIT_WORDS)
    }

    pub(crate) const fn size() -> Self {
        Self::Unit(&units::SIZE_UNIT_WORDS)
    }

    pub(crate) fn rate(range: (f64, f64)) -> Self {
        Self::Number(range.0, range.1).or(Self::Unit(&units::RATE_UNIT_WORDS))
    }

    /// A figure of a quantity or a ramp: as its unit is written, or either way where that is the unit around.
    pub(crate) fn figure(spec: &Spec, most: f64) -> Self {
        let (least, most) = spec.range.unwrap_or((0.0, most));
        match spec.unit {
            Unit::Time => Self::time(),
            Unit::Count | Unit::Shape => Self::Number(least, most),
            Unit::Rate => Self::rate((least, most)),
            Unit::Inherited => Self::Number(least, most)
                .or(Self::time())
                .or(Self::Unit(&units::RATE_UNIT_WORDS)),
        }
    }
}

/// A table, by the declaration that reads it.
#[derive(Clone, Debug)]
pub struct TableShape {
    /// Its place in the reference: `pool`, `service.scaling`. Two declarations may share one.
    pub title: &'static str,
    /// The declaration.
    pub id: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Whether it takes exactly one of its keys.
    pub one_key: bool,
    describe: fn(&mut Vec<KeyReference>),
}

impl TableShape {
    pub(crate) fn of<T: TableRead>() -> Self {
        Self {
            title: T::TITLE,
            id: std::any::type_name::<T>(),
            meaning: T::MEANING,
            one_key: T::ONE_KEY,
            describe: T::describe,
        }
    }

    /// Its keys, in the order of their declaration.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyReference> {
        let mut keys = Vec::new();
        (self.describe)(&mut keys);
        keys
    }
}

/// The same when their declaration is.
impl PartialEq for TableShape {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// The shape of a table, and of what stands for one of its keys alone.
pub(crate) fn table_shape<T: TableRead>() -> Shape {
    let table = TableShape::of::<T>();
    let short = T::SHORTHAND.and_then(|short| table.keys().into_iter().find(|key| key.key == short));
    match short {
        Some(key) => Shape::Table(table).or(key.shape),
        None => Shape::Table(table),
    }
}

/// A kind of file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// What is deployed.
    System,
    /// What happens to it.
    Scenario,
    /// Many scenarios and settings.
    Study,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::System, Self::Scenario, Self::Study];

    /// In a word.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Scenario => "scenario",
            Self::Study => "study",
        }
    }

    /// The table that a file of this kind is.
    #[must_use]
    pub fn root(self) -> TableShape {
        match self {
            Self::System => TableShape::of::<System>(),
            Self::Scenario => TableShape::of::<Scenario>(),
            Self::Study => TableShape::of::<Study>(),
        }
    }
}

/// Every table that a file of a kind may hold, each declaration once, the file itself first.
#[must_use]
pub fn tables(kind: FileKind) -> Vec<TableShape> {
    let mut tables = vec![kind.root()];
    let mut next = 0;
    while next < tables.len() {
        for key in tables[next].keys() {
            add(&key.shape, &mut tables);
        }
        next += 1;
    }
    tables
}

fn add(shape: &Shape, tables: &mut Vec<TableShape>) {
    match shape {
        Shape::Table(table) if !tables.contains(table) => tables.push(table.clone()),
        Shape::List(inner, ..) | Shape::Named(inner, ..) | Shape::NamedOf(inner, _) => add(inner, tables),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| add(shape, tables)),
        _ => {}
    }
}

/// What a key takes: its type, and the word that it allows.
pub(crate) fn key_shape<T: Read>(spec: &Spec) -> Shape {
    let shape = T::shape(spec);
    match spec.word {
        Some(word) => shape.or(Shape::Words(vec![word])),
        None => shape,
    }
}
