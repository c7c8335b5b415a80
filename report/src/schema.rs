//! The JSON Schema of a file kind (draft 2020-12), from which editors complete, explain and check while one types.
//!
//! Owns: how the format's shapes are said in JSON Schema.
//! Never: any key (`highwater_models::file::schema`, which also says what a schema leaves open).

use highwater_models::file::reference::{KeyReference, Standing};
use highwater_models::file::schema::{FileKind, Shape, TableShape, tables};
use serde_json::{Map, Value, json};

/// The text of the schema, indented, with a line end.
#[must_use]
pub fn text(kind: FileKind) -> String {
    format!("{:#}\n", schema(kind))
}

/// The schema of a kind of file.
#[must_use]
pub fn schema(kind: FileKind) -> Value {
    let tables = tables(kind);
    let names = names(&tables);
    let writer = Writer {
        tables: &tables,
        names: &names,
    };
    let mut root = Map::new();
    root.insert(
        "$schema".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    root.insert("title".to_owned(), format!("Highwater {}", kind.text()).into());
    if let Some((file, others)) = tables.split_first() {
        root.extend(writer.table(file));
        let mut definitions = Map::new();
        // A file's own table may be met again within: the system within a scenario never is the file.
        for table in std::iter::once(file).chain(others) {
            definitions.insert(writer.name(table).to_owned(), Value::Object(writer.table(table)));
        }
        root.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Value::Object(root)
}

/// A name for each table: its title, numbered where two declarations share one.
fn names(tables: &[TableShape]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for table in tables {
        let mut name = table.title.to_owned();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{}-{number}", table.title);
            number += 1;
        }
        names.push(name);
    }
    names
}

struct Writer<'a> {
    tables: &'a [TableShape],
    names: &'a [String],
}

impl Writer<'_> {
    fn name(&self, table: &TableShape) -> &str {
        let index = self.tables.iter().position(|other| other == table);
        index.map_or(table.title, |index| &self.names[index])
    }

    fn table(&self, table: &TableShape) -> Map<String, Value> {
        let keys = table.keys();
        let mut properties = Map::new();
        for key in &keys {
            properties.insert(key.key.to_owned(), self.key(key));
        }
        let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.key).collect();
        let mut said = Map::new();
        said.insert("description".to_owned(), table.meaning.trim().into());
        said.insert("type".to_owned(), "object".into());
        said.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            said.insert("required".to_owned(), json!(required));
        }
        if table.one_key {
            said.insert("minProperties".to_owned(), 1.into());
            said.insert("maxProperties".to_owned(), 1.into());
        }
        said.insert("additionalProperties".to_owned(), false.into());
        said
    }

    fn key(&self, key: &KeyReference) -> Value {
        let mut said = Map::new();
        said.insert("description".to_owned(), description(key).into());
        if let Value::Object(shape) = self.shape(&key.shape) {
            said.extend(shape);
        }
        // What a file would write is mostly what JSON would.
        if let Some(default) = key
            .default
            .and_then(|default| serde_json::from_str::<Value>(default).ok())
        {
            said.insert("default".to_owned(), default);
        }
        Value::Object(said)
    }

    fn shape(&self, shape: &Shape) -> Value {
        match shape {
            Shape::Any => json!({}),
            Shape::Bool => json!({ "type": "boolean" }),
            Shape::Whole(least, most) => {
                json!({ "type": "integer", "minimum": bound(*least), "maximum": bound(*most) })
            }
            Shape::Number(least, most) => {
                json!({ "type": "number", "minimum": bound(*least), "maximum": bound(*most) })
            }
            Shape::Text => json!({ "type": "string" }),
            Shape::Unit(units) => json!({ "type": "string", "pattern": pattern(units) }),
            Shape::Date => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
            Shape::Words(words) => json!({ "enum": words }),
            Shape::Table(table) => json!({ "$ref": format!("#/$defs/{}", self.name(table)) }),
            Shape::List(inner, least, most) => {
                json!({ "type": "array", "items": self.shape(inner), "minItems": least, "maxItems": most })
            }
            Shape::Named(inner, least, most) => {
                let mut said = json!({ "type": "object", "additionalProperties": self.shape(inner) });
                if *least > 0 {
                    said["minProperties"] = (*least).into();
                }
                if *most < usize::MAX {
                    said["maxProperties"] = (*most).into();
                    said["propertyNames"] = json!({ "minLength": 1, "maxLength": 200 });
                }
                said
            }
            Shape::NamedOf(inner, names) => {
                let names = names.iter().map(|name| ((*name).to_owned(), self.shape(inner)));
                json!({ "type": "object", "properties": names.collect::<Map<_, _>>(), "additionalProperties": false })
            }
            Shape::Either(shapes) => {
                json!({ "anyOf": shapes.iter().map(|shape| self.shape(shape)).collect::<Value>() })
            }
        }
    }
}

/// A bound as a whole number where it is one.
fn bound(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        (value as i64).into()
    } else {
        json!(value)
    }
}

/// A number and a unit, blanks allowed around either.
fn pattern(units: &[&str]) -> String {
    format!("^\\s*[0-9]+(\\.[0-9]+)?\\s*({})\\s*$", units.join("|"))
}

/// What an editor shows beside a key: meaning, type, default and where that comes from.
fn description(key: &KeyReference) -> String {
    let mut text = format!("{}\n\nTakes: {}", key.meaning, key.type_text);
    if key.required {
        text.push_str("\n\nMust be given.");
    } else {
        let default = match (key.default, key.default_text) {
            (None, "") => None,
            (None, words) | (Some("{}" | "[]"), words) if !words.is_empty() => Some(words.to_owned()),
            (Some(default), "") => Some(default.to_owned()),
            (Some(default), words) => Some(format!("{default} ({words})")),
            (None, _) => None,
        };
        if let Some(default) = default {
            text.push_str(&format!("\n\nLeft out: {default}"));
        }
    }
    match key.standing {
        Standing::Defined => {}
        Standing::Documented { source, date } | Standing::Measured { source, date } => {
            text.push_str(&format!("\n\nDefault {}: {source} ({date})", key.standing.text()));
        }
        Standing::Assumed { reason, date } => {
            text.push_str(&format!("\n\nDefault assumed: {reason} ({date})"));
        }
    }
    text
}
