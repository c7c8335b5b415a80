//! What one request of an endpoint does, and what a session does: steps with one key each.
//!
//! Owns: [`Step`], [`FlowStep`] and the tables that steps hold.
//! Never: names' meaning (that is `check.rs`).

use super::name::Name;
use super::quantity::Quantity;
use super::rules;
use super::table::{one_of, table};
use super::value::Retry;
use crate::Cause;
use crate::units::{Bytes, Share};

one_of! {
    /// What a request of an endpoint does next.
    pub enum Step = "step" {
        /// Ask a limiter: go on, wait or end with 429.
        limit: Limit(Name),
        /// Work of a full core on the event loop.
        cpu: Cpu(Quantity) of time,
        /// Work of a full core off the loop, on the service's threads.
        work: Work(Quantity) of time,
        /// Time that holds nothing but the request itself.
        io: Io(Quantity) of time,
        /// Memory until the request ends, or during `steps`.
        hold: Hold(HoldStep),
        /// A slot of a pool or queue.
        take: Take(TakeStep),
        /// One connection for one query.
        query: Query(QueryStep),
        /// One connection for all its steps.
        transaction: Transaction(TransactionStep),
        /// Look up; run `miss` and store when the key is not there.
        cache: Cache(CacheStep),
        /// Ask a language model, through a queue if one is named.
        llm: Llm(LlmStep),
        /// The same for a recording, by its length.
        transcribe: Transcribe(TranscribeStep),
        /// Ask another endpoint and wait for its answer.
        call: Call(CallStep),
        /// Lists of steps all at once, until the last is done.
        parallel: Parallel(Vec<Vec<Step>>) items 1..=1000,
        /// One branch, by weight.
        choose: Choose(Vec<Branch<Step>>) items 1..=1000,
        /// The same steps several times.
        repeat: Repeat(Repeat<Step>),
        /// Start `steps` again when they fail.
        retry: Retry(RetryStep),
        /// End in failure.
        fail: Fail(FailStep),
        /// Steps skipped while degradation has the feature off.
        feature: Feature(FeatureStep),
        /// In the background: the answer does not wait.
        later: Later(LaterStep),
    }
}

one_of! {
    /// What a session does next.
    pub enum FlowStep = "flow step" {
        /// An endpoint, or several in one batched HTTP request.
        request: Request(Vec<Name>) or_one true items 1..=1000,
        /// Think.
        think: Think(Quantity) of time,
        /// One branch, by weight.
        choose: Choose(Vec<Branch<FlowStep>>) items 1..=1000,
        /// The same steps several times.
        repeat: Repeat(Repeat<FlowStep>),
        /// Lists of steps all at once, as a page does that asks for several things.
        parallel: Parallel(Vec<Vec<FlowStep>>) items 1..=1000,
    }
}

table! {
    /// Memory that a request holds. A bare size is held until the request ends. It stands in buffers beside the heap, and
    /// so counts to the instance's limit alone, unless `on_heap` says otherwise.
    pub struct HoldStep = "step.hold" (size) {
        /// How much.
        size: Bytes = required,
        /// Held during these.
        steps: Option<Vec<Step>> = none "until the request ends",
        /// Strings and objects rather than buffers: it counts to the process's heap too.
        on_heap: bool = false,
    }
}

table! {
    /// A slot held for a time or over steps: the general station.
    pub struct TakeStep = "step.take" check rules::take {
        /// A pool or queue.
        from: Name = required,
        /// Held this long; exactly one of `for` and `steps`.
        r#for: Option<Quantity> = none of time,
        /// Held over these steps.
        steps: Option<Vec<Step>> = none,
    }
}

table! {
    /// One query on one connection. A bare name is its kind.
    pub struct QueryStep = "step.query" (kind) check rules::query {
        /// A kind of query that the database declares; or the query's own figures.
        kind: Option<Name> = none,
        /// Work on the database's cores.
        cpu: Option<Quantity> = none "the kind's" of time,
        /// Time that needs no core: disk, locks, sleep.
        wait: Option<Quantity> = none "the kind's" of time,
        /// One after the other.
        times: u32 = 1 in 1.0..=1e4,
        /// Whose connection.
        pool: Option<Name> = none "the only one with a database",
        /// CPU slice of the event loop to start it.
        cpu_start: Option<Quantity> = none "the service's `loop.start`" of time,
        /// CPU slice of the event loop to take the reply.
        cpu_reply: Option<Quantity> = none "the service's `loop.reply`" of time,
    }
}

table! {
    /// One connection held over several steps.
    pub struct TransactionStep = "step.transaction" {
        /// Whose connection.
        pool: Option<Name> = none "the only one with a database",
        /// In order; a query among them uses the connection held.
        steps: Vec<Step> = required items 1..=10000,
    }
}

table! {
    /// A look-up in a cache.
    pub struct CacheStep = "step.cache" {
        /// Class of keys, as the cache declares it.
        entry: Name = required,
        /// Which cache, where several declare that entry.
        cache: Option<Name> = none "the one that declares the entry",
        /// What to do when the key is not there; the result is stored after it.
        miss: Vec<Step> = required,
        /// CPU slice of the event loop to start a command.
        cpu_start: Option<Quantity> = none "the service's `loop.start`" of time,
        /// CPU slice of the event loop to take the reply.
        cpu_reply: Option<Quantity> = none "the service's `loop.reply`" of time,
    }
}

table! {
    /// A question to a language model.
    pub struct LlmStep = "step.llm" {
        /// Whose model.
        provider: Option<Name> = none "the only one",
        /// The job queue that it goes through.
        queue: Option<Name> = none,
        /// A role of the provider's `use`, or a model.
        model: Name = required,
        /// Tokens of the prompt.
        prompt: Quantity = 0 of count,
        /// Tokens of the answer.
        answer: Quantity = 0 of count,
        /// Tokens that the provider charges against its limit instead of an estimate.
        answer_max: Option<u64> = none in 0.0..=1e9,
        /// Earlier turns of the session that are added to the prompt.
        history: History = "none",
        /// The queue's slot is freed at the first token; patience and first-byte objectives look at it.
        stream: bool = false,
        /// A slice of the event loop per token.
        chunk_cpu: Quantity = "0s" of time,
        /// CPU slice of the event loop to start it.
        cpu_start: Option<Quantity> = none "the service's `loop.start`" of time,
        /// CPU slice of the event loop to take the reply.
        cpu_reply: Option<Quantity> = none "the service's `loop.reply`" of time,
    }
}

table! {
    /// A recording to be written down by a model.
    pub struct TranscribeStep = "step.transcribe" {
        /// Whose model.
        provider: Option<Name> = none "the only one",
        /// The job queue that it goes through.
        queue: Option<Name> = none,
        /// A role of the provider's `use`, or a model.
        model: Name = required,
        /// Length of the recording.
        audio: Quantity = "1m" of time [assumed "no published length of a voice message was found" "2026-11-24"],
        /// CPU slice of the event loop to start it.
        cpu_start: Option<Quantity> = none "the service's `loop.start`" of time,
        /// CPU slice of the event loop to take the reply.
        cpu_reply: Option<Quantity> = none "the service's `loop.reply`" of time,
    }
}

table! {
    /// A request to another endpoint. A bare name is the endpoint.
    pub struct CallStep = "step.call" (endpoint) {
        /// The endpoint asked.
        endpoint: Name = required,
        /// CPU slice of the event loop to start it.
        cpu_start: Option<Quantity> = none "the service's `loop.start`" of time,
        /// CPU slice of the event loop to take the reply.
        cpu_reply: Option<Quantity> = none "the service's `loop.reply`" of time,
    }
}

table! {
    /// A branch of a choice.
    pub struct Branch<S> = "step.choose" {
        /// Results are split by it.
        name: Option<Name> = none "its number",
        /// How often, against the others.
        weight: f64 = 1 in 0.0..=1e9,
        /// Only users of this class.
        class: Option<Name> = none "any",
        /// In order.
        steps: Vec<S> = required,
    }
}

table! {
    /// The same steps several times.
    pub struct Repeat<S> = "step.repeat" {
        /// How often; a drawn number is rounded to the nearest whole one.
        times: Quantity = required of count,
        /// In order.
        steps: Vec<S> = required items 1..=10000,
    }
}

table! {
    /// Steps that are started again when they fail.
    pub struct RetryStep = "step.retry" {
        /// When and how often.
        retry: Retry = flatten,
        /// In order.
        steps: Vec<Step> = required items 1..=10000,
    }
}

table! {
    /// A failure, now and then. A bare share is how often.
    pub struct FailStep = "step.fail" (share) {
        /// How often.
        share: Share = 1.0,
        /// As what it counts.
        cause: Cause = "upstream_error",
    }
}

table! {
    /// Steps of a feature that degradation can switch off.
    pub struct FeatureStep = "step.feature" {
        /// The feature.
        name: Name = required,
        /// While it is on.
        steps: Vec<Step> = required,
        /// While it is off.
        r#else: Vec<Step> = [],
    }
}

table! {
    /// Steps in the background. A bare list is the steps.
    pub struct LaterStep = "step.later" (steps) {
        /// In order.
        steps: Vec<Step> = required items 1..=10000,
        /// A worker service that runs them instead of this instance.
        service: Option<Name> = none "the endpoint's",
    }
}

/// How much of a conversation is sent along with a prompt.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// Nothing.
    None,
    /// Every earlier turn of the session.
    All,
    /// The last so many messages.
    Last(u32),
}
