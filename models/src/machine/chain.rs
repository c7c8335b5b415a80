//! Doubly linked lists over the numbers of a slab: order without moving anything.
//!
//! Owns: who comes before whom. Joining, leaving from anywhere and looking at both ends take constant time, and nothing
//! is allocated once the slab has reached its size.
//! Never: what the numbers stand for. A number is in at most one of the chains that share a [`Links`].

/// No number: the end of a chain.
const END: u32 = u32::MAX;
/// Marks a number that is in no chain.
const OUT: u32 = u32::MAX - 1;

/// Neighbours of each number; one for all chains that never hold the same number at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(Vec<[u32; 2]>);

impl Links {
    /// Makes room for `number`.
    fn reach(&mut self, number: u32) {
        if self.0.len() <= number as usize {
            self.0.resize(number as usize + 1, [OUT, OUT]);
        }
    }

    /// Whether the number is in a chain.
    pub(super) fn is_linked(&self, number: u32) -> bool {
        self.0.get(number as usize).is_some_and(|link| link[0] != OUT)
    }
}

/// One list; every call is given the [`Links`] it lives in.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    front: u32,
    back: u32,
    len: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            front: END,
            back: END,
            len: 0,
        }
    }
}

impl Chain {
    /// How many numbers are in it.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first.
    pub(super) fn front(&self) -> Option<u32> {
        (self.front != END).then_some(self.front)
    }

    /// The last.
    pub(super) fn back(&self) -> Option<u32> {
        (self.back != END).then_some(self.back)
    }

    /// Joins at the end.
    pub(super) fn push_back(&mut self, links: &mut Links, number: u32) {
        self.insert_after(links, self.back, number);
    }

    /// Joins behind the last one for which `goes_before` holds. In a chain kept in order the search starts at the end,
    /// where newcomers nearly always belong, so that it rarely takes more than a step.
    pub(super) fn push_ordered(&mut self, links: &mut Links, number: u32, goes_before: impl Fn(u32) -> bool) {
        let mut after = self.back;
        while after != END && !goes_before(after) {
            after = links.0[after as usize][0];
        }
        self.insert_after(links, after, number);
    }

    /// Leaves; `number` has to be in this chain.
    pub(super) fn remove(&mut self, links: &mut Links, number: u32) {
        let [before, after] = links.0[number as usize];
        debug_assert!(before != OUT, "number {number} left a chain it was not in");
        match before {
            END => self.front = after,
            _ => links.0[before as usize][1] = after,
        }
        match after {
            END => self.back = before,
            _ => links.0[after as usize][0] = before,
        }
        links.0[number as usize] = [OUT, OUT];
        self.len -= 1;
    }

    /// Takes the first.
    pub(super) fn pop_front(&mut self, links: &mut Links) -> Option<u32> {
        let number = self.front()?;
        self.remove(links, number);
        Some(number)
    }

    /// Takes the last.
    pub(super) fn pop_back(&mut self, links: &mut Links) -> Option<u32> {
        let number = self.back()?;
        self.remove(links, number);
        Some(number)
    }

    /// Puts `number` behind `before`; at the front when that is the end mark.
    fn insert_after(&mut self, links: &mut Links, before: u32, number: u32) {
        links.reach(number);
        debug_assert!(!links.is_linked(number), "number {number} joined a second chain");
        let after = match before {
            END => std::mem::replace(&mut self.front, number),
            _ => std::mem::replace(&mut links.0[before as usize][1], number),
        };
        match after {
            END => self.back = number,
            _ => links.0[after as usize][0] = number,
        }
        links.0[number as usize] = [before, after];
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(chain: &Chain, links: &Links) -> Vec<u32> {
        let mut order = Vec::new();
        let mut at = chain.front;
        while at != END {
            order.push(at);
            at = links.0[at as usize][1];
        }
        order
    }

    /// A broken link would lose a waiter or serve one twice.
    #[test]
    fn leaving_from_anywhere_keeps_the_order_of_the_rest() {
        let (mut chain, mut links) = (Chain::default(), Links::default());
        for number in [3, 0, 2, 1] {
            chain.push_back(&mut links, number);
        }
        chain.remove(&mut links, 2);
        assert_eq!(order(&chain, &links), [3, 0, 1]);
        chain.remove(&mut links, 3);
        chain.remove(&mut links, 1);
        assert_eq!(order(&chain, &links), [0]);
        assert!(!links.is_linked(2));
        chain.push_back(&mut links, 2);
        assert_eq!(
            (chain.pop_back(&mut links), chain.pop_front(&mut links)),
            (Some(2), Some(0))
        );
        assert!(chain.is_empty());
    }

    /// Deadlines that are out of order would let somebody wait past theirs.
    #[test]
    fn an_early_deadline_finds_its_place_before_later_ones_and_behind_equal_ones() {
        let deadlines = [50, 20, 50, 10, 20];
        let (mut chain, mut links) = (Chain::default(), Links::default());
        for number in 0..5 {
            chain.push_ordered(&mut links, number, |other| {
                deadlines[other as usize] <= deadlines[number as usize]
            });
        }
        assert_eq!(order(&chain, &links), [3, 1, 4, 0, 2]);
        assert_eq!(chain.len(), 5);
    }
}
