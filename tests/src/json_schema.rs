//! A checker of JSON Schema, for tests: the keywords that our schemas use, and a complaint about any other.
//!
//! Owns: what each keyword means (JSON Schema draft 2020-12, Core 8.2 and 10, Validation 6).
//! Never: our schemas.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use regex_lite::Regex;
use serde_json::{Map, Value};

/// The first place at which a value does not suit a schema, and why; `None` when it suits.
///
/// # Panics
/// When the schema has a keyword that is not known here.
#[must_use]
pub fn mistake(schema: &Value, value: &Value) -> Option<String> {
    check(schema, schema, value, "")
}

/// The value of a TOML text, as an editor hands it to a schema.
///
/// # Panics
/// When the text is no TOML.
#[must_use]
pub fn value_of(text: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}');
    let table: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    json(toml::Value::Table(table))
}

/// Panics unless a TOML text suits a schema.
///
/// # Panics
/// With the place.
pub fn assert_valid(schema: &Value, text: &str) {
    if let Some(mistake) = mistake(schema, &value_of(text)) {
        panic!("the schema refuses what the reader takes: {mistake}\n{text}");
    }
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect()),
    }
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let keywords = schema.as_object().unwrap_or_else(|| panic!("no schema: {schema}"));
    keywords
        .iter()
        .find_map(|(keyword, says)| keyword_mistake(root, keywords, keyword, says, value, at))
}

fn keyword_mistake(
    root: &Value,
    schema: &Map<String, Value>,
    keyword: &str,
    says: &Value,
    value: &Value,
    at: &str,
) -> Option<String> {
    let unless = |suits: bool, what: String| (!suits).then(|| format!("{at}: {what}"));
    let size = |says: &Value| says.as_u64().expect("a size") as usize;
    let number = |says: &Value| says.as_f64().expect("a number");
    match (keyword, value) {
        ("$schema" | "$defs" | "title" | "description" | "default", _) => None,
        ("$ref", _) => {
            let pointer = says
                .as_str()
                .and_then(|path| path.strip_prefix('#'))
                .expect("a pointer");
            let target = root
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{pointer} leads nowhere"));
            check(root, target, value, at)
        }
        ("type", _) => {
            let suits = match says.as_str().expect("one type") {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "number" => value.is_number(),
                "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
                other => panic!("an unknown type: {other}"),
            };
            unless(suits, format!("{value} is no {says}"))
        }
        ("enum", _) => {
            let words = says.as_array().expect("words");
            unless(words.contains(value), format!("{value} is none of {says}"))
        }
        ("anyOf", _) => {
            let mistakes: Vec<Option<String>> = says
                .as_array()
                .expect("schemas")
                .iter()
                .map(|one| check(root, one, value, at))
                .collect();
            unless(
                mistakes.iter().any(Option::is_none),
                format!("{value} suits none: {mistakes:?}"),
            )
        }
        ("minimum", Value::Number(_)) => unless(value.as_f64() >= Some(number(says)), format!("{value} < {says}")),
        ("maximum", Value::Number(_)) => unless(value.as_f64() <= Some(number(says)), format!("{value} > {says}")),
        ("pattern", Value::String(text)) => unless(
            matches(says.as_str().expect("text"), text),
            format!("{value} !~ {says}"),
        ),
        ("minLength", Value::String(text)) => {
            unless(text.chars().count() >= size(says), format!("{value} is too short"))
        }
        ("maxLength", Value::String(text)) => {
            unless(text.chars().count() <= size(says), format!("{value} is too long"))
        }
        ("minItems", Value::Array(items)) => unless(items.len() >= size(says), "too few items".to_owned()),
        ("maxItems", Value::Array(items)) => unless(items.len() <= size(says), "too many items".to_owned()),
        ("items", Value::Array(items)) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| check(root, says, item, &format!("{at}.{index}"))),
        ("minProperties", Value::Object(table)) => unless(table.len() >= size(says), "too few keys".to_owned()),
        ("maxProperties", Value::Object(table)) => unless(table.len() <= size(says), "too many keys".to_owned()),
        ("required", Value::Object(table)) => {
            let missing = says
                .as_array()
                .expect("keys")
                .iter()
                .find(|key| !table.contains_key(key.as_str().expect("a key")));
            missing.map(|key| format!("{at}: {key} is missing"))
        }
        ("propertyNames", Value::Object(table)) => table
            .keys()
            .find_map(|key| check(root, says, &Value::from(key.as_str()), &format!("{at}.{key}"))),
        ("properties", Value::Object(table)) => {
            let known = says.as_object().expect("keys");
            table
                .iter()
                .find_map(|(key, value)| check(root, known.get(key)?, value, &format!("{at}.{key}")))
        }
        ("additionalProperties", Value::Object(table)) => {
            let known = schema.get("properties").and_then(Value::as_object);
            let mut others = table
                .iter()
                .filter(|(key, _)| !known.is_some_and(|known| known.contains_key(*key)));
            match says {
                Value::Bool(false) => others.next().map(|(key, _)| format!("{at}: `{key}` is unknown")),
                says => others.find_map(|(key, value)| check(root, says, value, &format!("{at}.{key}"))),
            }
        }
        (
            "minimum"
            | "maximum"
            | "pattern"
            | "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems"
            | "items"
            | "minProperties"
            | "maxProperties"
            | "required"
            | "propertyNames"
            | "properties"
            | "additionalProperties",
            _,
        ) => None,
        (other, _) => panic!("a keyword that this checker does not know: {other}"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    static KNOWN: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().expect("nobody panicked");
    let regex = known
        .entry(pattern.to_owned())
        .or_insert_with(|| Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")));
    regex.is_match(text)
}
