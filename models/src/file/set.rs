//! Settings by path: put into the trees before they are read, so that a value from a flag meets the very same checks as
//! one from the file, and the blame falls on the flag.
//!
//! Owns: where a path leads; `--set` flags as sources of their own.
//! Never: whether a value is right (that is the reading).

use super::diagnostic::{Diagnostic, Sources};
use super::path;
use super::read::TableRead;
use super::scenario::Scenario;
use super::suggest::{did_you_mean, nearest};
use super::system::System;
use super::tree::{At, Key, Node, SourceId, Table, Value, parse_value};
use super::value::Setting;

/// Kinds of resources: a path may leave them off, as names are unique across them.
pub(crate) const RESOURCE_KINDS: [&str; 8] = [
    "service", "pool", "queue", "limiter", "database", "pooler", "cache", "provider",
];

/// Tables whose entries have names that something refers to. A path into an entry that is not there is a slip, not a
/// wish for a new one: new ones are given whole, as a table.
const NAMED: [&[&str]; 16] = [
    &["class"],
    &["client"],
    &["flow"],
    &["endpoint"],
    &["service"],
    &["pool"],
    &["queue"],
    &["limiter"],
    &["database"],
    &["pooler"],
    &["cache"],
    &["provider"],
    &["source"],
    &["database", "*", "query"],
    &["cache", "*", "entry"],
    &["alerts", "rule"],
];

/// What settings are put into.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    pub(crate) scenario: Option<Node>,
    pub(crate) system: Option<Node>,
}

/// What a path may reach.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The system alone.
    System,
    /// The system and the scenario.
    Both,
}

/// A path with the place of each part, and the value to put there.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    parts: Vec<(String, At)>,
    at: At,
    value: Node,
}

#[expect(
    clippy::result_large_err,
    reason = "a diagnostic is made once per mistake, never in a hot path"
)]
impl Assignment {
    /// A setting of a file.
    pub(crate) fn of(setting: &Setting) -> Self {
        Self {
            parts: setting.path.iter().map(|part| (part.clone(), setting.at)).collect(),
            at: setting.at,
            value: setting.value.clone(),
        }
    }

    /// A path alone, with a value that stands for any.
    pub(crate) fn probe(path: &[String], at: At) -> Self {
        let value = Node {
            value: Value::Bool(true),
            at,
        };
        Self {
            parts: path.iter().map(|part| (part.clone(), at)).collect(),
            at,
            value,
        }
    }

    /// A flag `path=value`. The value is TOML; a word that is none is text, so that `web.plan=pro` and
    /// `pool.timeout=5s` need no quotes.
    pub(crate) fn from_flag(flag: &str, sources: &mut Sources) -> Result<Self, Diagnostic> {
        let source = sources.add("--set", flag);
        let whole = At::new(source, 0..flag.len());
        let Some(equals) = equals_sign(flag) else {
            let message = "a setting is written `path=value`";
            let diagnostic = Diagnostic::error("set::bad-flag", message, whole, "there is no `=`");
            return Err(diagnostic.help("as in `--set pool.max=30`"));
        };
        let parts = path::split(&flag[..equals]).map_err(|(byte, mistake)| {
            let at = At::new(source, byte.min(equals)..equals);
            Diagnostic::error("set::bad-path", "the path of a setting cannot be read", at, mistake)
        })?;
        let parts: Vec<(String, At)> = parts
            .into_iter()
            .map(|part| (part.text, At::new(source, part.range)))
            .collect();
        let at = At::new(source, 0..equals);
        let written = &flag[equals + 1..];
        let start = equals + 1 + (written.len() - written.trim_start().len());
        let text = written.trim();
        if text.is_empty() {
            let at = At::new(source, equals..equals + 1);
            return Err(Diagnostic::error(
                "set::bad-flag",
                "a setting needs a value",
                at,
                "nothing follows",
            ));
        }
        let value = match parse_value(text, source, start) {
            Ok(node) => node,
            Err(error) if text.starts_with(['"', '\'', '[', '{']) => {
                return Err(Diagnostic::error("file::syntax", error.message, error.at, ""));
            }
            Err(_) => Node {
                value: Value::Text(text.to_owned()),
                at: At::new(source, start..start + text.len()),
            },
        };
        Ok(Self { parts, at, value })
    }

    /// The first part of the path.
    fn first(&self) -> &str {
        self.parts.first().map_or("", |(part, _)| part)
    }

    /// Whether it leads to the scenario's own keys, those of its system apart.
    pub(crate) fn is_for_scenario(&self, trees: &Trees) -> bool {
        let first = self.first();
        match first {
            // The scenario's `profile` names one of the system's.
            "system" | "profile" => self.parts.len() == 1,
            // Both files have these: the scenario's where it declares that very one.
            "flow" | "client" | "class" => self.parts.get(1).is_some_and(|(name, _)| {
                trees
                    .scenario
                    .as_ref()
                    .and_then(|root| child(root, first))
                    .and_then(|all| child(all, name))
                    .is_some()
            }),
            "title" => false,
            _ => keys_of::<Scenario>().contains(&first),
        }
    }

    /// Puts the value in its place.
    pub(crate) fn apply(&self, trees: &mut Trees, reach: Reach) -> Result<(), Diagnostic> {
        let mut parts = self.parts.clone();
        if reach == Reach::Both && self.is_for_scenario(trees) {
            if self.first() == "set" {
                let message = "`set` cannot be set: give the path itself";
                return Err(Diagnostic::error("set::unknown-path", message, self.at, ""));
            }
            return match &mut trees.scenario {
                Some(root) => self.put(root, &parts, 0),
                None => Ok(()),
            };
        }
        let Some(root) = &mut trees.system else { return Ok(()) };
        if self.first() == "system" && reach == Reach::Both {
            parts.remove(0);
        }
        let Some((first, first_at)) = parts.first().cloned() else {
            return Ok(());
        };
        if first == "profile" && parts.len() > 1 {
            let message = "a profile cannot be changed by a setting: give its settings themselves";
            return Err(Diagnostic::error("set::unknown-path", message, first_at, ""));
        }
        let top = keys_of::<System>();
        if !top.contains(&&first[..]) {
            match kind_of(root, &first) {
                Some(kind) => parts.insert(0, (kind.to_owned(), first_at)),
                None => return Err(self.unknown(root, &first, first_at, reach)),
            }
        }
        self.put(root, &parts, 0)
    }

    fn unknown(&self, root: &Node, first: &str, at: At, reach: Reach) -> Diagnostic {
        let mut names: Vec<String> = resource_names(root);
        names.extend(keys_of::<System>().iter().map(|&key| key.to_owned()));
        if reach == Reach::Both {
            names.extend(keys_of::<Scenario>().iter().map(|&key| key.to_owned()));
        }
        let rest: Vec<&str> = self.parts.iter().skip(1).map(|(part, _)| &part[..]).collect();
        let near = nearest(first, names.iter().map(|name| &name[..])).map(|near| {
            let parts: Vec<&str> = std::iter::once(near).chain(rest.iter().copied()).collect();
            format!("did you mean `{}`?", path::write(&parts))
        });
        let message = format!("there is no setting `{}`", self.path());
        let label = format!(
            "neither a resource nor a key of the {}",
            match reach {
                Reach::System => "system",
                Reach::Both => "system or scenario",
            }
        );
        Diagnostic::error("set::unknown-path", message, at, label).maybe_help(near)
    }

    /// The path as text.
    pub(crate) fn path(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|(part, _)| &part[..]).collect();
        path::write(&parts)
    }

    fn put(&self, node: &mut Node, parts: &[(String, At)], depth: usize) -> Result<(), Diagnostic> {
        let (part, at) = &parts[depth];
        let last = depth + 1 == parts.len();
        let way = || path::write(&parts[..depth].iter().map(|(part, _)| &part[..]).collect::<Vec<_>>());
        match &mut node.value {
            Value::Table(table) => {
                if table.get(part).is_none() {
                    if is_named(&parts[..depth], last) {
                        let message = match depth {
                            1 => format!("there is no {} `{part}`", way()),
                            _ => format!("`{}` has no `{part}`", way()),
                        };
                        let names = table.entries.iter().map(|(key, _)| &key.text[..]);
                        let help = did_you_mean(part, names, "there are");
                        return Err(
                            Diagnostic::error("set::unknown-path", message, *at, "unknown name").maybe_help(help)
                        );
                    }
                    let value = if last {
                        self.value.clone()
                    } else {
                        Node {
                            value: Value::Table(Table {
                                inline: true,
                                ..Table::default()
                            }),
                            at: *at,
                        }
                    };
                    table.entries.push((
                        Key {
                            text: part.clone(),
                            at: *at,
                        },
                        value,
                    ));
                    if last {
                        return Ok(());
                    }
                }
                let Some(child) = table.get_mut(part) else {
                    return Ok(());
                };
                if last {
                    *child = self.value.clone();
                    return Ok(());
                }
                self.put(child, parts, depth + 1)
            }
            Value::List(items) => {
                let count = items.len();
                let item = part.parse::<usize>().ok().and_then(|index| items.get_mut(index));
                let Some(item) = item else {
                    let message = format!("`{}` has no item {part}", way());
                    let label = match count {
                        0 => "the list is empty".to_owned(),
                        _ => format!("items go from 0 to {}", count - 1),
                    };
                    return Err(Diagnostic::error("set::unknown-path", message, *at, label));
                };
                if last {
                    *item = self.value.clone();
                    return Ok(());
                }
                self.put(item, parts, depth + 1)
            }
            other => {
                let message = format!("`{}` has no keys: it is {}", way(), other.kind());
                let help = format!("set `{}` as a whole", way());
                let diagnostic = Diagnostic::error("set::unknown-path", message, *at, "leads nowhere");
                Err(if node.at.source == SourceId::DEFAULT {
                    diagnostic
                } else {
                    diagnostic.and(node.at, "given here")
                }
                .help(help))
            }
        }
    }
}

/// Whether a part that follows these and is not there is a slip; `last` says that it takes the value.
fn is_named(parts: &[(String, At)], last: bool) -> bool {
    // A role that no step knows would switch nothing.
    const ROLES: &[&str] = &["provider", "*", "use"];
    let fits = |pattern: &[&str]| {
        pattern.len() == parts.len()
            && pattern
                .iter()
                .zip(parts)
                .all(|(expected, (part, _))| *expected == "*" || expected == part)
    };
    fits(ROLES) || (!last && NAMED.iter().any(|pattern| fits(pattern)))
}

/// The first `=` outside quotes.
pub(crate) fn equals_sign(flag: &str) -> Option<usize> {
    let mut quote = None;
    for (byte, letter) in flag.char_indices() {
        match (quote, letter) {
            (None, '=') => return Some(byte),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn keys_of<T: TableRead>() -> Vec<&'static str> {
    let mut keys = Vec::new();
    T::describe(&mut keys);
    keys.into_iter().map(|key| key.key).collect()
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Table(table) => table.get(key),
        _ => None,
    }
}

/// The kind of the resource of that name.
fn kind_of(root: &Node, name: &str) -> Option<&'static str> {
    RESOURCE_KINDS
        .into_iter()
        .find(|kind| child(root, kind).and_then(|all| child(all, name)).is_some())
}

fn resource_names(root: &Node) -> Vec<String> {
    let mut names = Vec::new();
    for kind in RESOURCE_KINDS {
        if let Some(Node {
            value: Value::Table(table),
            ..
        }) = child(root, kind)
        {
            names.extend(table.entries.iter().map(|(key, _)| key.text.clone()));
        }
    }
    names
}
