//! A plan's settings one by one: as text to be compared with another plan's, and where each is written.
//!
//! Owns: the path of every setting, the text of its value.
//! Never: which of them matter.

use super::diagnostic::{PlaceData, Sources};
use super::plan::Plan;
use super::set::RESOURCE_KINDS;
use super::tree::{At, Node, SourceId, Table, Value};
use super::value::toml;
use super::{Diagnostic, path};

/// Keys of a scenario that name or tell something and change nothing, or whose doing shows in the system's own keys.
const NO_SETTINGS: [&str; 8] = [
    "title",
    "system",
    "seed",
    "replications",
    "precision",
    "profile",
    "as_written",
    "set",
];

impl Plan {
    /// Every setting in force that a file, a profile or a flag gives, in the order of the texts: its path and its value
    /// as a file would write it. Paths are those that `--set` takes; items of lists count from 0.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        if let Some(scenario) = &self.trees.scenario
            && let Value::Table(table) = &scenario.value
        {
            for (key, node) in &table.entries {
                if !NO_SETTINGS.contains(&key.text.as_str()) {
                    collect(node, &mut vec![key.text.clone()], &mut settings);
                }
            }
        }
        if let Some(system) = &self.trees.system
            && let Value::Table(table) = &system.value
        {
            for (key, node) in &table.entries {
                if !["title", "profile", "review"].contains(&key.text.as_str()) {
                    collect(node, &mut vec![key.text.clone()], &mut settings);
                }
            }
        }
        settings
    }

    /// Where a setting is written, or the nearest table around it: of the scenario (`objectives.p95`) or of the system
    /// (`web.plan`, the kind of a resource left off). `None` when neither has any part of it.
    #[must_use]
    pub fn place_of(&self, setting: &str) -> Option<PlaceData> {
        let trees = [&self.trees.scenario, &self.trees.system];
        let found = trees.into_iter().flatten().find_map(|root| place_in(root, setting));
        found.map(|at| place(at, &self.sources))
    }

    /// Where the scenario names its system.
    #[must_use]
    pub fn place_of_system(&self) -> Option<PlaceData> {
        let at = place_in(self.trees.scenario.as_ref()?, "system")?;
        Some(place(at, &self.sources))
    }
}

/// Where a setting is written in a text of its own, such as a system's. `None` when it has no part of it.
#[must_use]
pub fn place_in_text(name: &str, text: &str, setting: &str) -> Option<PlaceData> {
    let mut sources = Sources::default();
    let source = sources.add(name, text);
    let (root, _) = super::tree::parse(text, source);
    place_in(&root, setting).map(|at| place(at, &sources))
}

fn place(at: At, sources: &Sources) -> PlaceData {
    Diagnostic::error("", "", at, "").to_data(sources).place
}

/// The place of the last part of a path that there is; nothing when the first is missing.
fn place_in(root: &Node, setting: &str) -> Option<At> {
    let parts = path::split(setting).ok()?;
    let first = parts.first()?.text.as_str();
    let kinds = RESOURCE_KINDS.into_iter().filter_map(|kind| child(root, kind));
    let mut homes = std::iter::once(root).chain(kinds);
    let home = homes.find(|home| child(home, first).is_some())?;
    let (mut node, mut at) = (home, At::DEFAULT);
    for part in &parts {
        let next = match &node.value {
            Value::Table(Table { entries, .. }) => entries
                .iter()
                .find(|(key, _)| key.text == part.text)
                .map(|(key, value)| (value, key.at)),
            Value::List(items) => part
                .text
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get(index))
                .map(|item| (item, item.at)),
            _ => None,
        };
        let Some((value, written)) = next else { break };
        node = value;
        // What a flag or a profile has put there stands where that is written; what a default gave stands nowhere.
        if written.source != SourceId::DEFAULT {
            at = written;
        }
    }
    (at != At::DEFAULT).then_some(at)
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Table(table) => table.get(key),
        _ => None,
    }
}

/// Adds the values below a node, each with its path.
fn collect(node: &Node, before: &mut Vec<String>, settings: &mut Vec<(String, String)>) {
    let mut below = |part: String, node: &Node, before: &mut Vec<String>| {
        before.push(part);
        collect(node, before, settings);
        before.pop();
    };
    match &node.value {
        Value::Table(table) if !table.entries.is_empty() => {
            for (key, node) in &table.entries {
                below(key.text.clone(), node, before);
            }
        }
        // A list of tables has settings of its own below; one of plain values is one value.
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))) => {
            for (index, node) in items.iter().enumerate() {
                below(index.to_string(), node, before);
            }
        }
        // A number that happens to be whole is the same with and without its point.
        _ => settings.push((
            path::write(&path::plain(before.clone())),
            toml(node, |value| value.to_string()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::file::{Loaded, NoFiles, Request, load_scenario};

    const TEXT: &str = r#"duration = "1m"
[load]
rate = 5.0
[objectives]
p95 = "2s"
[system.pool.servers]
max = 2
[system.endpoint.page]
steps = [ { take = { from = "servers", for = "100ms" } } ]
"#;

    fn loaded(flags: &[String]) -> Loaded {
        load_scenario(Request::new("queue.toml", TEXT).with_settings(flags), &NoFiles, |_| {
            None
        })
    }

    // Lost if broken: a comparison that cannot say which setting is another one.
    #[test]
    fn settings_are_those_in_force_flags_included() {
        let plan = loaded(&["servers.max=3".to_owned()]).plan.expect("right");
        let settings = plan.settings();
        let value = |path: &str| {
            let found = settings.iter().find(|(other, _)| other == path);
            found.map_or_else(|| panic!("{path}: {settings:?}"), |(_, value)| value.as_str())
        };
        assert_eq!(value("duration"), "\"1m\"");
        assert_eq!(value("servers.max"), "3");
        assert_eq!(value("load.rate"), "5");
        assert_eq!(value("endpoint.page.steps.0.take.for"), "\"100ms\"");
        assert!(
            settings.iter().all(|(path, _)| !path.starts_with("system")),
            "{settings:?}"
        );
    }

    // Lost if broken: a mark on the wrong line of a file, or none.
    #[test]
    fn a_setting_has_its_place_or_that_of_the_table_around_it() {
        let plan = loaded(&[]).plan.expect("right");
        let line = |setting: &str| plan.place_of(setting).map(|place| place.line);
        assert_eq!(line("objectives.p95"), Some(5));
        assert_eq!(line("servers.max"), Some(7));
        assert_eq!(line("servers.timeout"), Some(6));
        assert_eq!(line("nobody.max"), None);
    }
}
