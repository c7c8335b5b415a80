//! Who comes: clients, streams of sessions, the people they belong to, flows.

use highwater_models::machine::retry::RetryPolicy;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Sampler;
use highwater_workload::arrivals::Segment;

use super::{Pc, SiteId};

/// What sends the requests.
#[derive(Clone, Debug)]
pub struct Client {
    /// Round trip to the edge.
    pub rtt: SiteId,
    /// Longest wait for the whole answer.
    pub timeout: SimSpan,
    /// Longest wait for the first byte.
    pub first_byte_timeout: SimSpan,
    /// How long the person waits for the first byte.
    pub patience: Option<SiteId>,
    /// Retries.
    pub retry: Option<RetryPolicy>,
    /// Which endpoints are retried: queries, mutations.
    pub retries_queries: bool,
    /// See `retries_queries`.
    pub retries_mutations: bool,
    /// Which causes are retried.
    pub retries: [bool; Cause::COUNT],
    /// Retries at most this share of requests.
    pub retry_budget: f64,
    /// Pressing again: chance and delay.
    pub resend: Option<(f64, SiteId)>,
    /// Whether the session ends with a time-out, and with an error.
    pub ends_on_timeout: bool,
    /// See `ends_on_timeout`.
    pub ends_on_error: bool,
}

/// How a stream's sessions come.
#[derive(Clone, Debug)]
pub enum Coming {
    /// At a rate.
    Open {
        /// Rate over time.
        segments: Vec<Segment>,
        /// Gaps.
        spacing: highwater_workload::arrivals::Spacing,
        /// Higher rates now and then.
        bursts: Option<highwater_workload::arrivals::Bursts>,
    },
    /// So many at once; level over time in the same segments.
    Closed {
        /// Level over time.
        segments: Vec<Segment>,
    },
    /// At these times.
    At(Vec<SimTime>),
    /// One after another.
    Every(Sampler),
    /// As recorded.
    Trace(Vec<Recorded>),
}

/// A recorded arrival.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When.
    pub at: SimTime,
    /// Flow, where it says.
    pub flow: Option<u16>,
    /// Class, where it says.
    pub class: Option<u8>,
    /// Person, where it says.
    pub person: Option<u64>,
    /// Address, where it says.
    pub ip: Option<u64>,
}

/// Who a session belongs to.
#[derive(Clone, Debug)]
pub enum Who {
    /// Somebody new each time.
    New,
    /// The next of so many.
    InOrder(u64),
    /// Any of so many who is not online.
    Even(u64),
    /// By rank.
    Popular(u64, highwater_workload::popularity::Popularity),
    /// The closed user's own person, always.
    Same,
    /// Any of those registered then who is not online.
    Registered(Members),
    /// Whoever registers at that moment, of the members of [`Source::people_of`].
    SignUp,
}

/// Registered people, numbered by registration, over time.
#[derive(Clone, Debug)]
pub struct Members {
    /// How many have ever been registered: those below this number.
    pub joined: Vec<Segment>,
    /// How many of them have left: the first ones.
    pub left: Vec<Segment>,
}

/// How many are registered in a run, all streams together.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Registered {
    /// At the beginning.
    pub start: f64,
    /// At the end.
    pub end: f64,
    /// On average.
    pub mean: f64,
    /// How many register, on average over replications.
    pub joining: f64,
    /// How many leave.
    pub leaving: f64,
}

/// A stream of sessions.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name in results.
    pub name: String,
    /// How they come.
    pub coming: Coming,
    /// Sessions an arrival.
    pub batch: Option<Sampler>,
    /// Who they are.
    pub who: Who,
    /// The source whose people they are: itself, but for those who register.
    pub people_of: u16,
    /// Addresses: a number of them, or people behind one.
    pub addresses: Addresses,
    /// Cumulative weight by class.
    pub classes: Vec<(f64, u8)>,
    /// The class of whoever comes, where each is somebody new, all are of one class, and each has an address of their own:
    /// then there is nothing to choose.
    pub strangers: Option<u8>,
    /// Cumulative weight by flow.
    pub flows: Vec<(f64, u16)>,
    /// What they use.
    pub client: u16,
    /// Share of sessions that are signed in from the start.
    pub signed_in: f64,
    /// First of its phases in [`Model::phases`](super::Model::phases), and when each ends.
    pub first_phase: u16,
    /// Ends of its phases.
    pub phase_ends: Vec<SimTime>,
}

impl Source {
    /// The phase of what is asked for then, a number in [`Model::phases`](super::Model::phases): after the last one, the last.
    #[must_use]
    #[inline]
    pub fn phase_at(&self, at: SimTime) -> u16 {
        let phase = self.phase_ends.iter().position(|&end| at < end);
        self.first_phase + phase.unwrap_or(self.phase_ends.len().max(1) - 1) as u16
    }
}

/// How people are spread over addresses.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Addresses {
    /// So many in all.
    Count(u64),
    /// So many people behind one, on average.
    PeoplePerAddress(f64),
}

/// A flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Where it starts.
    pub start: Pc,
}
