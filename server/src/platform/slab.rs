//! Things in flight, each at an index that is used again when it is gone.

use std::ops::{Index, IndexMut};

/// Names a thing for as long as it lives: the index, and how often it had been used before.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub index: u32,
    pub generation: u32,
}

impl Handle {
    /// Names nothing.
    pub(super) const NOTHING: Self = Self {
        index: u32::MAX,
        generation: u32::MAX,
    };
}

struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

/// A table of things in flight. Memory follows the most that were ever in it at once.
pub(super) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Puts a thing in.
    pub(super) fn insert(&mut self, value: T) -> Handle {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.entries.push(Entry {
                    generation: 0,
                    value: None,
                });
                self.entries.len() as u32 - 1
            }
        };
        let entry = &mut self.entries[index as usize];
        entry.value = Some(value);
        Handle {
            index,
            generation: entry.generation,
        }
    }

    /// Takes it out, if it is there; its handles name nothing from now on.
    pub(super) fn remove(&mut self, index: u32) -> Option<T> {
        let entry = self.entries.get_mut(index as usize)?;
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(index);
        Some(value)
    }

    /// The handle of what is at an index.
    pub(super) fn handle(&self, index: u32) -> Handle {
        Handle {
            index,
            generation: self.entries[index as usize].generation,
        }
    }

    /// What a handle names, if it lives.
    pub(super) fn get(&self, handle: Handle) -> Option<&T> {
        let entry = self.entries.get(handle.index as usize)?;
        entry.value.as_ref().filter(|_| entry.generation == handle.generation)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let entry = self.entries.get_mut(handle.index as usize)?;
        let same = entry.generation == handle.generation;
        entry.value.as_mut().filter(|_| same)
    }

    /// What is at an index, if anything is.
    pub(super) fn at(&self, index: u32) -> Option<&T> {
        self.entries.get(index as usize)?.value.as_ref()
    }

    /// Whether a handle names anything.
    pub(super) fn is_live(&self, handle: Handle) -> bool {
        self.get(handle).is_some()
    }

    /// Everything in it, by index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let entries = self.entries.iter().enumerate();
        entries.filter_map(|(index, entry)| entry.value.as_ref().map(|value| (index as u32, value)))
    }

    /// How many are in it.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, index: u32) -> &T {
        self.entries[index as usize]
            .value
            .as_ref()
            .expect("what an index names is there")
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, index: u32) -> &mut T {
        self.entries[index as usize]
            .value
            .as_mut()
            .expect("what an index names is there")
    }
}
