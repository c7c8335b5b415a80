//! A checked scenario with its system: what a run needs, and what names and numbers it is known by.
//!
//! Owns: [`Plan`], its hash, the question it asks, its changes during a run.
//! Never: the checks (a plan exists only after them).

use std::sync::Arc;

use super::Files;
use super::catalogue::CatalogueNames;
use super::diagnostic::{Diagnostic, Sources};
use super::load::{Load, level_settings, read_trees};
use super::scenario::{Action, Scenario};
use super::set::{Assignment, Reach, Trees};
use super::system::System;
use super::tree::{Node, Value};
use super::value::{Setting, Settings};

/// A scenario and its system, checked and ready to run. There is no other way to one than [`super::load_scenario`].
///
/// References that a file may leave out because there is one candidate are filled in: `service` of endpoints, pools,
/// queues and limiters, `pool`, `cache` and `provider` of steps, `client`, `class` and `flow` of loads, names of
/// branches and phases, the run's `duration`. What stays `None` then means that there is none: no service, an ideal
/// client. There is at least one class and, unless a trace names endpoints, one flow.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What happens.
    pub scenario: Scenario,
    /// To what; the scenario's flows, clients and classes among the system's.
    pub system: System,
    /// The name of the scenario: that of its file, without ending.
    pub name: String,
    /// The name of the system: that of its file, or of the scenario where it stands in there.
    pub system_name: String,
    /// The profile of the system that is in force.
    pub profile: Option<String>,
    /// The question that the scenario asks: the comment that its file opens with.
    pub question: String,
    /// A hash of everything that was read, places and comments apart; the same on every machine.
    pub hash: u64,
    pub(super) trees: Trees,
    pub(super) catalogue: CatalogueNames,
    pub(super) sources: Arc<Sources>,
}

impl Plan {
    /// The scenario and the system with settings on top that take hold during a run: those of a level of degradation
    /// or of an event, in the order given. Each has been tried on its own when the plan was made.
    ///
    /// # Errors
    /// What is wrong with them together; one can go on with what there was before.
    pub fn with_settings<'s>(
        &self,
        settings: impl IntoIterator<Item = &'s Setting>,
    ) -> Result<(Scenario, System), Vec<Diagnostic>> {
        let mut trees = self.trees.clone();
        let mut sources = Sources::clone(&self.sources);
        let files: &dyn Files = &*self.sources;
        let mut diagnostics = Vec::new();
        for setting in settings {
            diagnostics.extend(Assignment::of(setting).apply(&mut trees, Reach::Both).err());
        }
        let (scenario, system, found) = read_trees(&trees, &mut sources, files);
        diagnostics.extend(found);
        let (Some(mut scenario), Some(mut system), Some(root)) = (scenario, system, &trees.scenario) else {
            return Err(diagnostics);
        };
        let mut load = Load {
            sources,
            diagnostics,
            files,
            catalogue: self.catalogue,
        };
        load.complete(&mut scenario, &mut system, root);
        if load.diagnostics.iter().any(Diagnostic::is_error) {
            Err(load.diagnostics)
        } else {
            Ok((scenario, system))
        }
    }

    /// A hash of who comes and what they do: the load, for how long, and the flows, clients and classes of both files. The
    /// same on every machine; what the system is plays no part.
    #[must_use]
    pub fn load_hash(&self) -> u64 {
        const KEYS: [&str; 7] = ["load", "source", "flow", "client", "class", "duration", "drain"];
        let mut hash = Hash::new();
        let table = |node: &Node| match &node.value {
            Value::Table(table) => table.entries.clone(),
            _ => Default::default(),
        };
        for root in [&self.trees.scenario, &self.trees.system].into_iter().flatten() {
            let mut parts: Vec<_> = table(root)
                .into_iter()
                .filter(|(key, _)| KEYS.contains(&key.text.as_str()))
                .collect();
            parts.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
            for (key, value) in parts {
                hash.bytes(key.text.as_bytes());
                hash.node(&value);
            }
        }
        hash.0
    }

    /// Every setting that a level of degradation or an event may put in force.
    #[must_use]
    pub fn later_settings(&self) -> Settings {
        let mut entries = level_settings(&self.system);
        for event in &self.scenario.event {
            if let Some(Action::Set(settings)) = &event.action {
                entries.extend(settings.entries.iter().cloned());
            }
        }
        Settings { entries }
    }
}

/// What has been read once is not read again from the disk: it may have changed since.
impl Files for Sources {
    fn read(&self, path: &str) -> Result<String, String> {
        let found = self.data().find(|(name, _)| *name == path);
        found
            .map(|(_, text)| text.to_owned())
            .ok_or_else(|| "it was not there when the plan was made".to_owned())
    }
}

/// The name of a file without its directory and ending.
pub(super) fn stem(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.strip_suffix(".toml").unwrap_or(file).to_owned()
}

/// The comment that a file opens with, its lines joined.
pub(super) fn question(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.trim().is_empty());
    let comment = lines.map_while(|line| line.trim_start_matches('\u{feff}').trim().strip_prefix('#'));
    let words: Vec<&str> = comment.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

/// A hash of everything that was read.
pub(super) fn hash(trees: &Trees, sources: &Sources) -> u64 {
    let mut hash = Hash::new();
    for node in [&trees.scenario, &trees.system].into_iter().flatten() {
        hash.node(node);
    }
    // Files of numbers and traces are known to the trees by their paths alone.
    sources.data().for_each(|(_, text)| hash.bytes(text.as_bytes()));
    hash.0
}

/// FNV-1a over 64 bits: short, without state, the same everywhere. It tells files apart; it guards nothing.
pub(super) struct Hash(u64);

impl Hash {
    /// Offset basis and prime as the algorithm's authors publish them.
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    pub(super) fn new() -> Self {
        Self(Self::BASIS)
    }

    /// What has been hashed so far.
    pub(super) const fn finish(&self) -> u64 {
        self.0
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes.len().to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Bool(value) => self.bytes(&[b'b', u8::from(*value)]),
            Value::Integer(value) => self.bytes(&[&b"i"[..], &value.to_le_bytes()].concat()),
            Value::Float(value) => self.bytes(&[&b"f"[..], &value.to_bits().to_le_bytes()].concat()),
            Value::Text(text) => self.bytes(&[b"t", text.as_bytes()].concat()),
            Value::Date(text) | Value::Huge(text) => self.bytes(&[b"d", text.as_bytes()].concat()),
            Value::List(items) => {
                self.bytes(b"l");
                items.iter().for_each(|item| self.node(item));
                self.bytes(b".");
            }
            Value::Table(table) => {
                self.bytes(b"m");
                for (key, value) in &table.entries {
                    self.bytes(key.text.as_bytes());
                    self.node(value);
                }
                self.bytes(b".");
            }
        }
    }
}
