//! The pending-event set of the hand-written loops: a 4-ary heap of 16-byte keys.
//!
//! Owns: the order of what is still to happen.
//! Never: what an event means; time going on.
//! Order: by key, and keys are unique, so nothing here ever has to break a tie.
//!
//! The four children of a node share one 64-byte line, and places that are not in use hold a key above all others,
//! so a step down is always "the least of four" without a look at how many there are.

/// Above every key in use.
const NOTHING: u128 = u128::MAX;

/// Where the root is: the last place of line 0, whose other three places stay empty.
const ROOT: usize = 3;

/// A 4-ary heap, least key first, in which the first key added after a [`take`](Self::take) replaces the one taken:
/// one walk down instead of one down and one up.
pub struct QuaternaryHeap {
    lines: Vec<[u128; 4]>,
    /// Keys held, the one already taken but not yet replaced included.
    len: usize,
    /// The root has been taken and nothing has come in its place yet.
    taken: bool,
}

impl QuaternaryHeap {
    /// An empty heap with room for `capacity` keys.
    pub fn with_capacity(capacity: usize) -> Self {
        let mut lines = Vec::with_capacity(capacity / 4 + 2);
        lines.push([NOTHING; 4]);
        Self {
            lines,
            len: 0,
            taken: false,
        }
    }

    /// The least key; [`u128::MAX`] when there is none.
    #[inline]
    pub fn least(&mut self) -> u128 {
        self.close();
        self.lines[0][ROOT]
    }

    /// Takes the least key out; [`u128::MAX`] when there is none.
    #[inline]
    pub fn take(&mut self) -> u128 {
        self.close();
        self.taken = self.len > 0;
        self.lines[0][ROOT]
    }

    /// Puts a key in.
    #[inline]
    pub fn add(&mut self, key: u128) {
        if self.taken {
            self.taken = false;
            self.sift_down(key);
        } else {
            self.sift_up(key);
        }
    }

    /// Fills the place of a key that was taken and not replaced.
    #[inline]
    pub fn close(&mut self) {
        if !self.taken {
            return;
        }
        self.taken = false;
        let last = self.len + ROOT - 1;
        self.len -= 1;
        let key = std::mem::replace(&mut self.lines[last / 4][last % 4], NOTHING);
        if self.len > 0 {
            self.sift_down(key);
        }
    }

    /// Puts `key` at the root and lets it sink.
    #[inline]
    fn sift_down(&mut self, key: u128) {
        let mut at = ROOT;
        // The children of place `at` are line `at - 2`.
        while let Some(children) = self.lines.get(at - 2) {
            let (least, place) = least_of(children);
            if least >= key {
                break;
            }
            let below = (at - 2) * 4 + place;
            self.lines[at / 4][at % 4] = least;
            at = below;
        }
        self.lines[at / 4][at % 4] = key;
    }

    /// Puts `key` behind the last and lets it rise.
    #[inline]
    fn sift_up(&mut self, key: u128) {
        let mut at = self.len + ROOT;
        self.len += 1;
        if at / 4 == self.lines.len() {
            self.lines.push([NOTHING; 4]);
        }
        while at > ROOT {
            let parent = at / 4 + 2;
            let above = self.lines[parent / 4][parent % 4];
            if above <= key {
                break;
            }
            self.lines[at / 4][at % 4] = above;
            at = parent;
        }
        self.lines[at / 4][at % 4] = key;
    }
}

/// The least of four keys and its place, as two independent comparisons and a third.
#[inline]
fn least_of(keys: &[u128; 4]) -> (u128, usize) {
    let (left, left_place) = if keys[1] < keys[0] { (keys[1], 1) } else { (keys[0], 0) };
    let (right, right_place) = if keys[3] < keys[2] { (keys[3], 3) } else { (keys[2], 2) };
    if right < left {
        (right, right_place)
    } else {
        (left, left_place)
    }
}
