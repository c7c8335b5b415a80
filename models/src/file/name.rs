//! Names that a file gives and uses, with their places, and tables of named things in the order of the file.
//!
//! Owns: [`Name`], [`Named`].
//! Never: what a name stands for.

use super::tree::At;

/// A name as written, and where.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it is written; for a name that was filled in, where that decision comes from.
    pub at: At,
}

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Two names are the same when their texts are, wherever they stand.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Things by name, in the order of the file; each name once.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T> {
    entries: Vec<(Name, T)>,
    /// Names whose table could not be read. They count as existing, so that one mistake is reported once.
    broken: Vec<Name>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            broken: Vec::new(),
        }
    }
}

impl<T> Named<T> {
    /// The thing of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.entries
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, thing)| thing)
    }

    /// The place of that name in the order of the file.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|(key, _)| key.text == name)
    }

    /// Whether something has that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some() || self.broken.iter().any(|key| key.text == name)
    }

    /// Names and things in the order of the file.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Name, &T)> + ExactSizeIterator + Clone {
        self.entries.iter().map(|(name, thing)| (name, thing))
    }

    /// The same, to change the things.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&Name, &mut T)> + ExactSizeIterator {
        self.entries.iter_mut().map(|(name, thing)| (&*name, thing))
    }

    /// Every name, those of unreadable tables included.
    pub fn names(&self) -> impl Iterator<Item = &Name> + Clone {
        self.entries.iter().map(|(name, _)| name).chain(&self.broken)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.broken.is_empty()
    }

    /// The names of unreadable tables.
    pub(crate) fn broken(&self) -> &[Name] {
        &self.broken
    }

    /// Adds a thing at the end. The caller sees to it that the name is new.
    pub(crate) fn push(&mut self, name: Name, thing: T) {
        self.entries.push((name, thing));
    }

    /// Notes a name whose table could not be read.
    pub(crate) fn push_broken(&mut self, name: Name) {
        self.broken.push(name);
    }
}
