//! One edition's data as a flat book of figures by path, before anything is typed.
//!
//! Owns: the form of the data files, inheritance between editions.
//! Never: what a plan or a model is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::figure::{Figure, Latency, Source, Standing, Value};
use super::meaning::{Kind, Meaning};

/// Names from the top of a file to a figure, such as `render`, `web`, `starter`, `price`.
pub(super) type Path = Vec<String>;

/// All figures of one edition.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub(super) date: String,
    pub(super) sources: BTreeMap<String, Arc<Source>>,
    pub(super) figures: BTreeMap<Path, Figure<Value>>,
    /// Other names of the thing at a path.
    pub(super) aliases: BTreeMap<Path, Vec<String>>,
}

impl Book {
    /// Reads an edition; `earlier` are those that it may inherit from.
    ///
    /// The error says which path is wrong and how.
    pub(super) fn parse(text: &str, earlier: &[Self]) -> Result<Self, String> {
        let mut table = text.parse::<toml::Table>().map_err(|error| error.to_string())?;
        let date = match table.remove("date") {
            Some(toml::Value::String(date)) if is_day(&date) => date,
            other => return Err(format!("date: expected a day as text, found {other:?}")),
        };
        let mut book = match table.remove("inherits") {
            None => Self {
                date: String::new(),
                sources: BTreeMap::new(),
                figures: BTreeMap::new(),
                aliases: BTreeMap::new(),
            },
            Some(name) => earlier
                .iter()
                .find(|book| name.as_str() == Some(&book.date))
                .cloned()
                .ok_or_else(|| format!("inherits: no edition {name}"))?,
        };
        book.date = date;
        if let Some(removed) = table.remove("removed") {
            book.remove(&removed)?;
        }
        if let Some(sources) = table.remove("source") {
            for (id, value) in sources.as_table().ok_or("source: expected a table")? {
                let source = source(id, value).map_err(|problem| format!("source.{id}: {problem}"))?;
                book.sources.insert(id.clone(), Arc::new(source));
            }
        }
        book.walk(&mut Vec::new(), &table)?;
        Ok(book)
    }

    fn remove(&mut self, removed: &toml::Value) -> Result<(), String> {
        for key in removed.as_array().ok_or("removed: expected a list")? {
            let key = key.as_str().ok_or("removed: expected a list of texts")?;
            // No name that has been taken away so far holds a dot; one that does would be found here.
            let path: Path = key.split('.').map(str::to_owned).collect();
            if self.figures.remove(&path).is_none() {
                return Err(format!("removed: there is no {key}"));
            }
        }
        Ok(())
    }

    fn walk(&mut self, path: &mut Path, table: &toml::Table) -> Result<(), String> {
        for (name, value) in table {
            if name == "also" {
                let names = names(value).map_err(|problem| format!("{}.also: {problem}", path.join(".")))?;
                self.aliases.entry(path.clone()).or_default().extend(names);
                continue;
            }
            path.push(name.clone());
            if let Some(deeper) = value.as_table() {
                self.walk(path, deeper)?;
            } else {
                let figure = self
                    .figure(path, value)
                    .map_err(|problem| format!("{}: {problem}", path.join(".")))?;
                self.figures.insert(path.clone(), figure);
            }
            path.pop();
        }
        Ok(())
    }

    fn figure(&self, path: &[String], written: &toml::Value) -> Result<Figure<Value>, String> {
        let meaning = Meaning::of(path).ok_or("no line in meanings.toml fits")?;
        let list = written.as_array().map(Vec::as_slice);
        let (value, source, note) = match list {
            Some([value, source]) => (value, source, None),
            Some([value, source, note]) => (value, source, Some(note.as_str().ok_or("the note is not a text")?)),
            _ => return Err("expected [value, source] or [value, source, note]".to_owned()),
        };
        let id = source.as_str().ok_or("the source is not a text")?;
        let source = self.sources.get(id).ok_or_else(|| format!("no source {id}"))?;
        Ok(Figure {
            value: read(meaning.kind, value)?,
            source: Arc::clone(source),
            note: note.map(str::to_owned),
        })
    }
}

/// A value in the form that its meaning asks for.
fn read(kind: Kind, value: &toml::Value) -> Result<Value, String> {
    match kind {
        Kind::Number => number(value).map(Value::Number),
        Kind::Text => text(value).map(Value::Text),
        Kind::Date => text(value).and_then(|day| {
            if is_day(&day) {
                Ok(Value::Date(day))
            } else {
                Err(format!("{day} is not a day"))
            }
        }),
        Kind::Names => names(value).map(Value::Names),
        Kind::Latency => latency(value).map(Value::Latency),
    }
}

fn number(value: &toml::Value) -> Result<f64, String> {
    let number = match value {
        toml::Value::Float(number) => *number,
        toml::Value::Integer(number) => *number as f64,
        other => return Err(format!("expected a number, found {other}")),
    };
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err(format!("{number} is not a possible figure"))
    }
}

fn text(value: &toml::Value) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("expected a text, found {value}"))
}

fn names(value: &toml::Value) -> Result<Vec<String>, String> {
    value
        .as_array()
        .ok_or_else(|| format!("expected a list of names, found {value}"))?
        .iter()
        .map(text)
        .collect()
}

fn latency(value: &toml::Value) -> Result<Latency, String> {
    let Some(table) = value.as_table() else {
        return number(value).map(Latency::Constant);
    };
    let figures: BTreeMap<&str, f64> = table
        .iter()
        .map(|(key, value)| Ok((key.as_str(), number(value)?)))
        .collect::<Result<_, String>>()?;
    let only = |keys: [&str; 2]| figures.len() == 2 && keys.iter().all(|key| figures.contains_key(key));
    if only(["p50", "p95"]) && figures["p50"] > 0.0 && figures["p50"] <= figures["p95"] {
        Ok(Latency::Lognormal {
            p50_seconds: figures["p50"],
            p95_seconds: figures["p95"],
        })
    } else if only(["cv", "mean"]) && figures["mean"] > 0.0 {
        Ok(Latency::LognormalMeanCv {
            mean_seconds: figures["mean"],
            cv: figures["cv"],
        })
    } else {
        Err("expected p50 and a p95 not below it, or mean and cv".to_owned())
    }
}

fn source(id: &str, value: &toml::Value) -> Result<Source, String> {
    let table = value.as_table().ok_or("expected a table")?;
    if let Some(key) = table
        .keys()
        .find(|key| !["title", "url", "date", "standing", "third_party"].contains(&key.as_str()))
    {
        return Err(format!("unknown key {key}"));
    }
    let word = |key: &str| table.get(key).map(text).transpose();
    let date = word("date")?.ok_or("no date")?;
    if !(date.len() == 4 || date.len() == 7 || is_day(&date)) {
        return Err(format!("{date} is neither a year, a month nor a day"));
    }
    Ok(Source {
        id: id.to_owned(),
        title: word("title")?.ok_or("no title")?,
        url: word("url")?,
        date,
        standing: match word("standing")?.as_deref() {
            Some("documented") => Standing::Documented,
            Some("measured") => Standing::Measured,
            Some("assumed") => Standing::Assumed,
            other => {
                return Err(format!(
                    "standing: expected documented, measured or assumed, found {other:?}"
                ));
            }
        },
        third_party: match table.get("third_party") {
            None => false,
            Some(value) => value.as_bool().ok_or("third_party: expected true or false")?,
        },
    })
}

/// Whether `text` has the form of a day, `YYYY-MM-DD`. Days in this form compare as texts.
fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(i, byte)| {
            if i == 4 || i == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}
