//! Settings written into a scenario's text, so that the file alone says what was run.
//!
//! Owns: where in a text a setting belongs, and changing nothing else of it: comments and order stay.
//! Never: whether the value is right; that is said when the text is read.
//!
//! A setting of the scenario itself is written in its own place. One of the system goes to `[set]`, whether the system
//! stands in the same file or not: what the system is and what this scenario makes of it stay apart.

use super::path;
use super::set::{Assignment, Trees, equals_sign};
use super::tree::{Node, SourceId, Table, Value, parse, parse_value};
use super::value::quoted;

/// The text with a setting, `path=value` as `--set` takes it, written into it.
///
/// # Errors
/// Why it cannot be written, in a sentence without a full stop: the text is no TOML, or the place is a table that is
/// written over several lines.
pub fn write_setting(text: &str, setting: &str) -> Result<String, String> {
    let (root, errors) = parse(text, SourceId(0));
    if !errors.is_empty() {
        return Err("the file cannot be read as it is".to_owned());
    }
    let mut sources = super::Sources::default();
    let flag = Assignment::from_flag(setting, &mut sources).map_err(|found| found.message)?;
    let written = equals_sign(setting).map_or("", |equals| setting[equals + 1..].trim());
    let value = match parse_value(written, SourceId(0), 0) {
        Ok(_) => written.to_owned(),
        Err(_) => quoted(written),
    };
    let parts = path::names_of(&flag.path());
    let trees = Trees {
        scenario: Some(root.clone()),
        system: None,
    };
    if flag.is_for_scenario(&trees) {
        put(text, &root, &parts, &value)
    } else {
        put_in_set(text, &root, &parts, &value)
    }
}

/// The text with settings written into it, one after the other.
///
/// # Errors
/// As [`write_setting`], of the first that cannot be.
pub fn write_settings<'s>(text: &str, settings: impl IntoIterator<Item = &'s str>) -> Result<String, String> {
    settings
        .into_iter()
        .try_fold(text.to_owned(), |text, setting| write_setting(&text, setting))
}

/// How a table is written, for an entry that is to be added to it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Form {
    /// The top of the file.
    Root,
    /// Below a `[header]`.
    Header,
    /// `{ … }`.
    Inline,
    /// By dotted keys of another table alone.
    Implied,
}

fn form(text: &str, node: &Node, table: &Table) -> Form {
    match text.as_bytes().get(node.at.start as usize) {
        _ if table.inline => Form::Inline,
        Some(b'[') if node.at.end > node.at.start => Form::Header,
        _ => Form::Implied,
    }
}

/// Writes a value of the scenario's own.
fn put(text: &str, root: &Node, parts: &[String], value: &str) -> Result<String, String> {
    let mut node = root;
    // The innermost table that an entry can be added to, and how far the path has been followed there.
    let mut home = (root, Form::Root, 0);
    for (depth, part) in parts.iter().enumerate() {
        let next = match &node.value {
            Value::Table(table) => table.get(part),
            Value::List(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        let Some(next) = next else {
            return match &node.value {
                Value::Table(_) => Ok(add(text, home.0, home.1, &path::write(&parts[home.2..]), value)),
                _ => Err(format!("there is no `{}` to set", path::write(&parts[..=depth]))),
            };
        };
        node = next;
        if let Value::Table(table) = &node.value {
            match form(text, node, table) {
                Form::Implied => {}
                form => home = (node, form, depth + 1),
            }
        }
    }
    replace(text, node, value).ok_or_else(|| {
        format!(
            "`{}` is written over several lines: change it in the file",
            path::write(parts)
        )
    })
}

/// Writes a setting of the system.
fn put_in_set(text: &str, root: &Node, parts: &[String], value: &str) -> Result<String, String> {
    let plain = path::plain(parts.to_vec());
    let key = {
        let path = path::write(&plain);
        match (path.contains('"'), path.contains('\'')) {
            (false, _) => format!("\"{path}\""),
            (true, false) => format!("'{path}'"),
            (true, true) => quoted(&path),
        }
    };
    let Value::Table(top) = &root.value else {
        return Err("the file cannot be read as it is".to_owned());
    };
    let Some(set) = top.get("set") else {
        let gap = if text.is_empty() || text.ends_with("\n\n") {
            ""
        } else if text.ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        return Ok(format!("{text}{gap}[set]\n{key} = {value}\n"));
    };
    let Value::Table(table) = &set.value else {
        return Err("`set` is no table".to_owned());
    };
    if let Some(found) = find_setting(table, &plain) {
        return replace(text, found, value).ok_or_else(|| {
            format!(
                "`{}` is written over several lines: change it in the file",
                path::write(&plain)
            )
        });
    }
    Ok(match form(text, set, table) {
        // `set."web.plan" = …` at the top of the file: one more beside it.
        Form::Implied => add(text, root, Form::Root, &format!("set.{key}"), value),
        form => add(text, set, form, &key, value),
    })
}

/// The value that `[set]` has for a path, however its keys are divided.
fn find_setting<'n>(table: &'n Table, path: &[String]) -> Option<&'n Node> {
    fn below<'n>(table: &'n Table, before: &[String], path: &[String], last: &mut Option<&'n Node>) {
        for (key, node) in &table.entries {
            let mut parts = before.to_vec();
            parts.extend(path::names_of(&key.text));
            match &node.value {
                Value::Table(inner) if !inner.inline => below(inner, &parts, path, last),
                _ if path::plain(parts) == path => *last = Some(node),
                _ => {}
            }
        }
    }
    let mut last = None;
    below(table, &[], path, &mut last);
    last
}

/// The text with another value in the place of one that is written in one piece.
fn replace(text: &str, node: &Node, value: &str) -> Option<String> {
    let is_piece = match &node.value {
        Value::Table(table) => table.inline,
        Value::List(items) => items.first().is_none_or(|item| match &item.value {
            Value::Table(table) => table.inline,
            _ => true,
        }),
        _ => true,
    };
    let (from, to) = (node.at.start as usize, node.at.end as usize);
    (is_piece && to > from).then(|| {
        format!(
            "{}{value}{}",
            text.get(..from).unwrap_or(""),
            text.get(to..).unwrap_or("")
        )
    })
}

/// The text with one more entry in a table.
fn add(text: &str, node: &Node, form: Form, key: &str, value: &str) -> String {
    let Value::Table(table) = &node.value else {
        return text.to_owned();
    };
    let entry = format!("{key} = {value}");
    if form == Form::Inline {
        let close = (node.at.end as usize).saturating_sub(1);
        let (before, after) = text.split_at(close.min(text.len()));
        let head = before.trim_end();
        let comma = if table.entries.is_empty() || head.ends_with(',') {
            ""
        } else {
            ","
        };
        return format!("{head}{comma} {entry} {after}");
    }
    // Behind the table's last entry that stands in it and not under a header of its own.
    let ends = table.entries.iter().filter_map(|(_, value)| own_end(text, value));
    let start = match (ends.max(), form) {
        (Some(end), _) => line_end(text, end),
        (None, Form::Header) => line_end(text, node.at.end as usize),
        // Before the first header, and the comment in front of it.
        (None, _) => return before_headers(text, &entry),
    };
    let (before, after) = text.split_at(start);
    let gap = if before.ends_with('\n') || before.is_empty() {
        ""
    } else {
        "\n"
    };
    format!("{before}{gap}{entry}\n{after}")
}

/// The last byte of an entry, where it is written in the table around it.
fn own_end(text: &str, node: &Node) -> Option<usize> {
    match &node.value {
        Value::Table(table) if !table.inline => match form(text, node, table) {
            Form::Header => None,
            _ => table.entries.iter().filter_map(|(_, value)| own_end(text, value)).max(),
        },
        Value::List(items) => match items.first() {
            Some(Node {
                value: Value::Table(table),
                ..
            }) if !table.inline => None,
            _ => Some(node.at.end as usize),
        },
        _ => Some(node.at.end as usize),
    }
}

/// The beginning of the line after the one that holds a byte.
fn line_end(text: &str, byte: usize) -> usize {
    let from = byte.min(text.len());
    text.get(from..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |found| from + found + 1)
}

/// The text with a line before its first header.
fn before_headers(text: &str, entry: &str) -> String {
    let mut at = 0;
    let mut blank = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            break;
        }
        at += line.len();
        if line.trim().is_empty() {
            blank = at;
        }
    }
    // The comment that a file opens with stays its first: a line follows it.
    let place = if blank > 0 { blank } else { at };
    let (before, after) = text.split_at(place);
    let gap = if before.is_empty() || before.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{before}{gap}{entry}\n{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Loaded, NoFiles, Request, load_scenario, render_all};
    use crate::{bundled, catalogue};

    fn load(name: &str, text: &str, flags: &[String]) -> Loaded {
        let request = Request {
            is_bundled: true,
            catalogue: catalogue::names,
            ..Request::new(name, text).with_settings(flags)
        };
        load_scenario(request, &NoFiles, bundled::system)
    }

    #[track_caller]
    fn settings(name: &str, text: &str, flags: &[String]) -> Vec<(String, String)> {
        let loaded = load(name, text, flags);
        let said = render_all(&loaded.diagnostics, &loaded.sources, false);
        let mut settings = loaded
            .plan
            .unwrap_or_else(|| panic!("{name}:\n{text}\n{said}"))
            .settings();
        settings.sort();
        settings
    }

    #[track_caller]
    fn check(before: &str, setting: &str, after: &str) {
        assert_eq!(write_setting(before, setting).as_deref(), Ok(after), "{setting}");
    }

    // Lost if broken: comments and order of a file that somebody wrote, or a setting in the wrong table.
    #[test]
    fn a_setting_goes_where_it_belongs_and_nothing_else_moves() {
        check(
            "duration = \"1m\" # short\n",
            "duration=2m",
            "duration = \"2m\" # short\n",
        );
        check(
            "# Why?\n\n[load]\nrate = 5\n",
            "seed=3",
            "# Why?\n\nseed = 3\n[load]\nrate = 5\n",
        );
        check(
            "[load]\nrate = 5 # a second\n[objectives]\n",
            "load.batch=2",
            "[load]\nrate = 5 # a second\nbatch = 2\n[objectives]\n",
        );
        check(
            "load = { rate = 5 }\n",
            "load.batch=2",
            "load = { rate = 5, batch = 2 }\n",
        );
        check("[objectives]\n", "objectives.p95=2s", "[objectives]\np95 = \"2s\"\n");
        check("seed = 1\n", "objectives.p95=2s", "seed = 1\nobjectives.p95 = \"2s\"\n");
        check(
            "seed = 1\n",
            "web.plan=pro",
            "seed = 1\n\n[set]\n\"web.plan\" = \"pro\"\n",
        );
        check(
            "[set]\n\"web.plan\" = \"pro\" # paid\n",
            "service.web.plan=standard",
            "[set]\n\"web.plan\" = \"standard\" # paid\n",
        );
        check(
            "[set]\nweb.instances = 1\n",
            "web.instances=4",
            "[set]\nweb.instances = 4\n",
        );
        check(
            "set = { \"web.plan\" = \"pro\" }\n",
            "openai.model.\"gpt-3.5-turbo\".quality=0.5",
            "set = { \"web.plan\" = \"pro\", 'openai.model.\"gpt-3.5-turbo\".quality' = 0.5 }\n",
        );
        check(
            "[[load.phase]]\nduration = \"1m\"\n[[load.phase]]\nduration = \"2m\"\n",
            "load.phase.1.duration=\"5m\"",
            "[[load.phase]]\nduration = \"1m\"\n[[load.phase]]\nduration = \"5m\"\n",
        );
        assert!(write_setting("seed =", "seed=2").is_err());
        assert!(write_setting("seed = 1", "seed").is_err());
        assert!(write_setting("[[event]]\nat = \"1m\"\n", "event.4.at=2m").is_err());
    }

    // Lost if broken: a scenario that is saved and then is another one. Every setting of every bundled scenario, written
    // with the value that it has, leaves the same settings.
    #[test]
    fn a_file_with_a_setting_written_into_it_says_what_the_flag_says() {
        for file in bundled::scenarios() {
            let was = settings(file.name, file.text, &[]);
            let mut text = file.text.to_owned();
            let mut count = 0;
            for (path, value) in &was {
                // Tables of several lines are not written over.
                if let Ok(next) = write_setting(&text, &format!("{path}={value}")) {
                    text = next;
                    count += 1;
                }
            }
            assert!(count * 10 >= was.len() * 9, "{}: {count} of {}", file.name, was.len());
            assert_eq!(settings(file.name, &text, &[]), was, "{}", file.name);
        }
        for flags in [
            &["web.instances=3", "connections.max=7", "load.people_per_ip=2"][..],
            &["profile=hardened", "web.scaling.max=4", "duration=10m"],
            &[
                "objectives.p99=9s",
                "openai.retry_budget=0.2",
                "replications=2",
                "seed=9",
            ],
        ] {
            let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
            let file = bundled::scenario("viral-spike").expect("a bundled scenario");
            let text = write_settings(file, flags.iter().map(String::as_str)).expect("it can be written");
            assert_eq!(
                settings("viral-spike", &text, &[]),
                settings("viral-spike", file, &flags),
                "{flags:?}"
            );
        }
    }
}
