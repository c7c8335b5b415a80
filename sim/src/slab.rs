//! Things in flight, each at an index that is used again when it is gone.

use std::ops::{Index, IndexMut};

/// Names a thing for as long as it lives: the index, and how often it had been used before.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Where it is.
    pub index: u32,
    /// Which of those that were there it is.
    pub generation: u32,
}

impl Handle {
    /// Names nothing.
    pub const NOTHING: Self = Self {
        index: u32::MAX,
        generation: u32::MAX,
    };

    /// Whether it names anything.
    #[must_use]
    #[inline]
    pub fn is_something(self) -> bool {
        self != Self::NOTHING
    }
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    live: bool,
    value: T,
}

/// A table of things in flight. Memory follows the most that were ever in it at once.
#[derive(Debug)]
pub struct Slab<T> {
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
    // Inlined, so that a large value is built where it stays.
    #[inline(always)]
    pub fn insert(&mut self, value: T) -> Handle {
        if let Some(index) = self.free.pop() {
            let entry = &mut self.entries[index as usize];
            entry.value = value;
            entry.live = true;
            Handle {
                index,
                generation: entry.generation,
            }
        } else {
            let index = u32::try_from(self.entries.len()).expect("fewer than 2^32 in flight");
            self.entries.push(Entry {
                generation: 0,
                live: true,
                value,
            });
            Handle { index, generation: 0 }
        }
    }

    /// A free place, with whatever the last thing there has left, or with a new one: for things that keep what they have
    /// allocated. The caller makes it what it is to be.
    #[inline(always)]
    pub fn claim(&mut self, new: impl FnOnce() -> T) -> (Handle, &mut T) {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.extend(new()),
        };
        let entry = &mut self.entries[index as usize];
        entry.live = true;
        let generation = entry.generation;
        (Handle { index, generation }, &mut entry.value)
    }

    /// Makes sure that an index is there.
    #[cold]
    #[inline(never)]
    fn reach(&mut self, index: u32, filling: T)
    where
        T: Clone,
    {
        self.entries.resize_with(index as usize + 1, || Entry {
            generation: 0,
            live: false,
            value: filling.clone(),
        });
    }

    #[cold]
    #[inline(never)]
    fn extend(&mut self, value: T) -> u32 {
        let index = u32::try_from(self.entries.len()).expect("fewer than 2^32 in flight");
        self.entries.push(Entry {
            generation: 0,
            live: false,
            value,
        });
        index
    }

    /// Takes it out; its handles name nothing from now on. What is left there is the caller's to tidy.
    #[inline]
    pub fn remove(&mut self, index: u32) -> &mut T {
        let entry = &mut self.entries[index as usize];
        debug_assert!(entry.live, "removed twice");
        entry.live = false;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(index);
        &mut entry.value
    }

    /// Puts a new thing in place of another, whose handles name nothing from now on.
    #[inline]
    pub fn renew(&mut self, index: u32, value: T) -> Handle {
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.value = value;
        Handle {
            index,
            generation: entry.generation,
        }
    }

    /// Puts a thing in at an index of the caller's choice, where nothing is: the index of something in another table
    /// beside which it stands. Such a table is never given things by [`Slab::insert`].
    #[inline(always)]
    pub fn insert_beside(&mut self, index: u32, value: T) -> Handle
    where
        T: Clone,
    {
        if self.entries.len() <= index as usize {
            self.reach(index, value.clone());
        }
        let entry = &mut self.entries[index as usize];
        debug_assert!(!entry.live, "something is there");
        entry.value = value;
        entry.live = true;
        Handle {
            index,
            generation: entry.generation,
        }
    }

    /// Takes out what [`Slab::insert_beside`] put in.
    #[inline]
    pub fn remove_beside(&mut self, index: u32) -> &mut T {
        let entry = &mut self.entries[index as usize];
        debug_assert!(entry.live, "removed twice");
        entry.live = false;
        entry.generation = entry.generation.wrapping_add(1);
        &mut entry.value
    }

    /// The thing that a handle names, if it is still there.
    #[must_use]
    #[inline]
    pub fn get(&self, handle: Handle) -> Option<&T> {
        let entry = self.entries.get(handle.index as usize)?;
        (entry.live && entry.generation == handle.generation).then_some(&entry.value)
    }

    /// The same, to change it.
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let entry = self.entries.get_mut(handle.index as usize)?;
        (entry.live && entry.generation == handle.generation).then_some(&mut entry.value)
    }

    /// What is at an index, with its handle.
    #[must_use]
    #[inline]
    pub fn entry(&mut self, index: u32) -> (Handle, &mut T) {
        let entry = &mut self.entries[index as usize];
        let generation = entry.generation;
        (Handle { index, generation }, &mut entry.value)
    }

    /// Whether a handle still names something.
    #[must_use]
    #[inline]
    pub fn is_live(&self, handle: Handle) -> bool {
        self.get(handle).is_some()
    }

    /// The handle of what is at an index now.
    #[must_use]
    #[inline]
    pub fn handle(&self, index: u32) -> Handle {
        Handle {
            index,
            generation: self.entries[index as usize].generation,
        }
    }

    /// How many are in it.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that are in it, by index.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.live)
            .map(|(index, entry)| (index as u32, &entry.value))
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: u32) -> &T {
        &self.entries[index as usize].value
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self.entries[index as usize].value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_dies_with_its_thing() {
        let mut slab = Slab::default();
        let first = slab.insert('a');
        slab.remove(first.index);
        let second = slab.insert('b');
        assert_eq!(first.index, second.index, "the place is used again");
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.get(second), Some(&'b'));
        assert!(!slab.is_live(Handle::NOTHING));
        assert_eq!(slab.len(), 1);
        let third = slab.renew(second.index, 'c');
        assert_eq!((slab.get(second), slab.get(third)), (None, Some(&'c')));
    }

    #[test]
    fn what_stands_beside_something_has_its_index() {
        let mut slab = Slab::default();
        let first = slab.insert_beside(3, 'a');
        assert_eq!(first.index, 3);
        slab.remove_beside(3);
        let second = slab.insert_beside(3, 'b');
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&'b')));
        assert_eq!(slab.iter().count(), 1);
    }
}
