//! How values of several parts are read: what may be left out, lists, and tables of named things.
//!
//! Owns: their lengths; a part that cannot be read hides none of the others.
//! Never: the parts.

use super::diagnostic::Diagnostic;
use super::name::Named;
use super::read::{Read, Reader, Spec};
use super::reference::TableReference;
use super::schema::Shape;
use super::tree::{At, Node, Value};

impl<T: Read> Read for Option<T> {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, spec, reader).map(Some)
    }

    fn shape(spec: &Spec) -> Shape {
        T::shape(spec)
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

    fn shape(spec: &Spec) -> Shape {
        let inner = Spec {
            items: None,
            one: false,
            ..*spec
        };
        let (least, most) = spec.items.unwrap_or((0, ITEMS_MAX));
        let list = Shape::List(Box::new(T::shape(&inner)), least, most);
        if spec.one { T::shape(&inner).or(list) } else { list }
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

    fn shape(spec: &Spec) -> Shape {
        let (least, most) = spec.items.unwrap_or((0, NAMES_MAX));
        Shape::Named(Box::new(T::shape(&Spec { items: None, ..*spec })), least, most)
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
    if length < least && length > 0 {
        let message = format!("{} has {length} {what}, and {least} are needed", reader.here());
        reader.report(Diagnostic::error("file::out-of-range", message, at, "too few"));
        return false;
    }
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
