//! The program that attempts and sessions run: instructions, draws, branches.
//!
//! Owns: the closed list of instructions. What each does is the world's.

use highwater_models::Cause;
use highwater_models::machine::retry::RetryPolicy;
use highwater_workload::Sampler;

use super::{Pc, Stage};

/// A draw at one place: the law, and a number made from the place's name, so that the draw stays the same when other
/// places come or go.
#[derive(Clone, Debug)]
pub struct Site {
    /// What is drawn.
    pub sampler: Sampler,
    /// Number of the place.
    pub place: u64,
}

/// Index of a [`Site`].
pub type SiteId = u32;

/// One instruction of the program that an attempt runs.
#[allow(
    missing_docs,
    reason = "each field is named after the table of the model that it indexes"
)]
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Op {
    /// At the balancer: an instance is chosen, or none is there.
    Arrive { service: u16 },
    /// Ask a limiter.
    Limit { limiter: u16 },
    /// CPU work in the process: on its event loop, on a shared CPU, or plain time, as the runtime has it.
    Cpu { site: SiteId },
    /// The loop takes up a reply or starts a call. A reply waits for its turn even when it costs nothing.
    Slice { site: SiteId, reply: bool },
    /// CPU work off the loop.
    Burn { site: SiteId },
    /// Time that holds nothing.
    Delay { site: SiteId, stage: Stage },
    /// Memory is taken, until the request ends or [`Op::Drop`].
    Hold {
        /// How much.
        bytes: u64,
        /// Until the request ends, and not until a [`Drop`](Op::Drop).
        kept: bool,
        /// Whether it counts to the heap too.
        on_heap: bool,
    },
    /// Memory is given back.
    Drop { bytes: u64 },
    /// A plain slot is asked for: its number among those of its process, and its resource.
    Acquire { slots: u16, local: u16, resource: u16 },
    /// Time during which the slot last taken is in use.
    Serve { site: SiteId, stage: Stage },
    /// A database connection is asked for.
    Borrow { pool: u16 },
    /// A pooler's server connection is asked for, for the connection of a pool that is held.
    Server { pooler: u16, pool: u16 },
    /// Failure unless the session is signed in.
    SignedIn,
    /// A place in a job queue is asked for.
    Enter { queue: u16 },
    /// What was taken last is given back.
    Release,
    /// One query on the connection held.
    Query { query: u16 },
    /// A limiter's command to its store and back; where the store refuses, on at `otherwise`, or failure without one.
    Command { cache: u16, otherwise: Option<Pc> },
    /// A look-up, by its index in [`Model::lookups`](super::Model::lookups); on a hit the program goes on at `hit`. Else a fetch is under way
    /// until the [`Op::Store`] of the same number, or until it fails; it counts as one of the things held.
    Lookup { entry: u16, hit: Pc },
    /// What was fetched is stored, by its index in [`Model::lookups`](super::Model::lookups).
    Store { entry: u16 },
    /// A call to a model provider, to its end or (streaming) to its first token.
    Llm { call: u16 },
    /// The rest of a streamed answer.
    LlmRest { call: u16 },
    /// Another endpoint is asked and waited for.
    Call { endpoint: u16 },
    /// All branches at once, on tasks of their own.
    Fork { branches: u16 },
    /// A branch of a fork ends.
    EndBranch,
    /// One branch by weight.
    Choose { choice: u16 },
    /// Steps follow that run several times.
    Repeat { site: SiteId, after: Pc },
    /// Back to the beginning of what is repeated, while any is left.
    Again,
    /// Steps follow that are started again when they fail.
    Try { retry: u16 },
    /// They did not fail.
    Tried,
    /// Failure by chance.
    Fail { site: SiteId, share: f32, cause: Cause },
    /// Goes on only while a feature is on, else at `otherwise`.
    Feature { feature: u16, otherwise: Pc },
    /// A task of its own is started at `at`, and nobody waits for it.
    Later { at: Pc, service: Option<u16> },
    /// Goes on elsewhere.
    Jump { to: Pc },
    /// The attempt has its answer.
    End,
}

/// Branches with weights.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Weight, the class it is for, and where it starts.
    pub branches: Vec<(f64, Option<u8>, Pc)>,
    /// Where it goes on when no branch is for the class.
    pub after: Pc,
    /// Number of the place of the draw.
    pub place: u64,
    /// The same where it is one of two, whoever comes.
    pair: Option<Pair>,
}

/// One of two.
#[derive(Copy, Clone, Debug)]
struct Pair {
    /// The first one's weight, and both.
    first: f64,
    total: f64,
    to: [Pc; 2],
}

impl Choice {
    /// A choice at a place that leads nowhere yet.
    #[must_use]
    pub fn new(place: u64) -> Self {
        Self {
            branches: Vec::new(),
            after: 0,
            place,
            pair: None,
        }
    }

    /// Where it leads: weight of each branch, the class it is for, and where it starts; and where it goes on when no
    /// branch is for the class.
    pub fn lead(&mut self, branches: Vec<(f64, Option<u8>, Pc)>, after: Pc) {
        self.pair = match branches[..] {
            [(first, None, one), (second, None, other)] if first > 0.0 && second > 0.0 => Some(Pair {
                first,
                total: first + second,
                to: [one, other],
            }),
            _ => None,
        };
        (self.branches, self.after) = (branches, after);
    }

    /// Where to go on: the branch that a uniform draw falls on, of those that are for the class.
    #[inline]
    pub fn branch(&self, class: u8, uniform: impl FnOnce() -> f64) -> Pc {
        if let Some(pair) = &self.pair {
            return if uniform() * pair.total < pair.first {
                pair.to[0]
            } else {
                pair.to[1]
            };
        }
        self.branch_of(class, uniform())
    }

    fn branch_of(&self, class: u8, uniform: f64) -> Pc {
        let for_me = |of: &Option<u8>| of.is_none_or(|of| of == class);
        let mine = || self.branches.iter().filter(|(_, of, _)| for_me(of));
        let total: f64 = mine().map(|(weight, _, _)| weight).sum();
        let mut at = uniform * total;
        let mut to = self.after;
        for (weight, _, start) in mine().filter(|(weight, _, _)| *weight > 0.0) {
            to = *start;
            if at < *weight {
                break;
            }
            at -= weight;
        }
        to
    }
}

/// Branches that run at once.
#[derive(Clone, Debug)]
pub struct Fork {
    /// Where each starts; each ends in [`Op::EndBranch`].
    pub branches: Vec<Pc>,
}

/// Steps that are started again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// When and how often.
    pub policy: RetryPolicy,
    /// Number of the place of the draw of jitter.
    pub place: u64,
}

/// One instruction of a flow.
#[allow(
    missing_docs,
    reason = "each field is named after the table of the model that it indexes"
)]
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum FlowOp {
    /// A request.
    Request { endpoint: u16 },
    /// The person thinks.
    Think { site: SiteId },
    /// One branch by weight.
    Choose { choice: u16 },
    /// Several times.
    Repeat { site: SiteId, after: Pc },
    /// Back to the beginning of what is repeated.
    Again,
    /// All at once.
    Fork { branches: u16 },
    /// A branch of a fork ends.
    EndBranch,
    /// Goes on elsewhere.
    Jump { to: Pc },
    /// The session ends.
    End,
}
