//! How long each conversation is by now, in tokens: what a model is asked with.

use std::collections::{HashMap, VecDeque};

use highwater_program::model::Earlier;

/// The most conversations that are remembered; of more, those that began first are as if new.
const REMEMBERED_MAX: usize = 1 << 17;

/// The conversations.
#[derive(Default)]
pub(super) struct Conversations {
    /// Tokens and messages by session.
    known: HashMap<u64, (f64, f64)>,
    /// Which came first.
    order: VecDeque<u64>,
}

impl Conversations {
    /// What a call sends along of a conversation so far.
    pub(super) fn earlier(&self, session: u64, what: Earlier) -> f64 {
        let (tokens, messages) = self.known.get(&session).copied().unwrap_or_default();
        match what {
            Earlier::Nothing => 0.0,
            Earlier::All => tokens,
            Earlier::Last(last) => tokens * (f64::from(last) / messages.max(1.0)).min(1.0),
        }
    }

    /// A question and its answer, of so many tokens in all.
    pub(super) fn add(&mut self, session: u64, tokens: f64) {
        if !self.known.contains_key(&session) {
            self.order.push_back(session);
            if self.order.len() > REMEMBERED_MAX
                && let Some(first) = self.order.pop_front()
            {
                self.known.remove(&first);
            }
        }
        let (sum, messages) = self.known.entry(session).or_default();
        *sum += tokens;
        *messages += 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_grows_by_question_and_answer() {
        let mut known = Conversations::default();
        known.add(7, 300.0);
        known.add(7, 500.0);
        assert_eq!(known.earlier(7, Earlier::All), 800.0);
        // Two of four messages, at their mean length.
        assert_eq!(known.earlier(7, Earlier::Last(2)), 400.0);
        assert_eq!(known.earlier(7, Earlier::Nothing), 0.0);
        assert_eq!(known.earlier(8, Earlier::All), 0.0);
    }

    // Lost if broken: whoever sends made-up conversations fills the memory.
    #[test]
    fn the_first_are_forgotten() {
        let mut known = Conversations::default();
        for session in 0..=REMEMBERED_MAX as u64 {
            known.add(session, 1.0);
        }
        assert_eq!(known.known.len(), REMEMBERED_MAX);
        assert_eq!(known.earlier(0, Earlier::All), 0.0);
    }
}
