//! The tables of a scenario file: who comes, what goes wrong, what must hold and what is measured.
//!
//! Owns: their keys, types, defaults and meanings, each declared once.
//! Never: what a run does with them.
//! Bounds stand in base units: seconds, counts, dollars, a second.

use std::sync::Arc;

use super::name::{Name, Named};
use super::quantity::Quantity;
use super::rules;
use super::system::{Class, Client, Flow};
use super::table::{choice, one_of, table};
use super::value::{Popularity, Ramp, Settings, Weights};
use crate::units::{Rate, Share, Usd};
use crate::{Cause, SimSpan};

table! {
    /// What happens to a system.
    pub struct Scenario = "scenario" check rules::scenario {
        /// For people.
        title: Option<String> = none "the file's name",
        /// A bundled system, a file beside this one, or the system itself.
        system: SystemSource = required,
        /// Arrivals stop here.
        duration: Option<SimSpan> = none "the sum of the phases" in 1e-3..=34_560_000.0,
        /// Then what is in hand may end, at most this long.
        drain: SimSpan = "10m",
        /// Where chance begins.
        seed: u64 = 1,
        /// Independent repetitions.
        replications: u32 = 5 in 1.0..=1e5,
        /// Instead of a number of them: as many, 200 at most, as it takes to know `p95` to this share of itself.
        precision: Option<Share> = none in 1e-4..=1.0,
        /// Which of the system's profiles is in force.
        profile: Option<Name> = none,
        /// Short for the profile `as_written`: the defects of the plan's own code.
        as_written: bool = false,
        /// Changes to the system, on top of a profile.
        set: Settings = {},
        /// Who comes.
        load: Option<Load> = none "one of `load` and `source`",
        /// Several streams, each like `load`.
        source: Named<Load> = {} "none",
        /// Flows of this scenario, beside the system's.
        flow: Named<Flow> = {} "none",
        /// Clients of this scenario, beside the system's.
        client: Named<Client> = {} "none",
        /// Classes of this scenario, beside the system's.
        class: Named<Class> = {} "none",
        /// What goes wrong, and what people do about it.
        event: Vec<Event> = [],
        /// What must hold.
        objectives: Objectives = {} "nothing",
        /// What is measured, and when.
        measure: Measure = {},
    }
}

/// Where a scenario's system stands.
#[derive(Clone, Debug, PartialEq)]
pub enum SystemSource {
    /// The name of a bundled system, or the path of a file.
    Named(Name),
    /// In the scenario itself. [`super::Plan::system`] has it.
    Inline,
}

table! {
    /// A stream of traffic. Exactly one of `rate`, `users`, `registered`, `phase`, `at`, `every` and `trace` says
    /// how many come.
    pub struct Load = "load" check rules::load {
        /// Sessions a second, for the whole duration.
        rate: Option<Ramp> = none of rate,
        /// Sessions at once: each that ends begins anew.
        users: Option<Ramp> = none of count,
        /// A registered population with a daily rhythm.
        registered: Option<Ramp> = none of count,
        /// One after another.
        phase: Option<Vec<Phase>> = none items 1..=10000,
        /// One session at each of these times.
        at: Option<Vec<SimSpan>> = none items 1..=1000000,
        /// One session each time this has passed.
        every: Option<Quantity> = none of time,
        /// Recorded arrivals.
        trace: Option<Trace> = none,
        /// Of open arrivals.
        spacing: Spacing = "poisson",
        /// Sessions per arrival.
        batch: Quantity = 1 of count,
        /// A higher rate now and then.
        bursts: Option<Bursts> = none,
        /// Rhythm of a registered population over the hours of a day.
        day: Option<Day> = none "flat",
        /// The same over the days of a week.
        week: Option<Week> = none "flat",
        /// Registered users who leave in 30 days; those who have been there longest go first.
        churn: Share = 0.0,
        /// What people do who register. Without it the population grows silently.
        sign_ups: Option<SignUps> = none,
        /// Who a session belongs to.
        people: Option<People> = none "as many as sessions, each new; with `registered`, whoever is registered then",
        /// Share of the sessions that arrive signed in. The others count by their address until an endpoint that
        /// `signs_in` has answered.
        signed_in: Share = 1.0,
        /// People behind one IP, on average.
        people_per_ip: Option<f64> = none "1" in 1.0..=1e9,
        /// Instead: this many IPs.
        ips: Option<u64> = none in 1.0..=1e9,
        /// Kinds of users.
        class: Option<Weights> = none "the classes' shares",
        /// What a session does.
        flow: Option<Weights> = none "the flows' weights",
        /// What sends the requests.
        client: Option<Name> = none "the only one",
    }
}

/// How arrivals of an open stream are spaced.
#[derive(Clone, Debug, PartialEq)]
pub enum Spacing {
    /// A Poisson process.
    Poisson,
    /// Equal gaps.
    Even,
    /// Independent gaps of this law, whose mean is 1: to be multiplied by the mean gap.
    Law(Quantity),
}

table! {
    /// A part of a load. Exactly one of `rate`, `users`, `registered` and `sessions`.
    pub struct Phase = "load.phase" check rules::phase {
        /// Results are split by it.
        name: Option<Name> = none "its number",
        /// How long.
        duration: SimSpan = required in 1e-3..=34_560_000.0,
        /// Sessions a second.
        rate: Option<Ramp> = none of rate,
        /// Sessions at once.
        users: Option<Ramp> = none of count,
        /// A registered population.
        registered: Option<Ramp> = none of count,
        /// This many sessions, over the duration.
        sessions: Option<u64> = none in 0.0..=1e9,
    }
}

table! {
    /// Who sessions belong to.
    pub struct People = "people" {
        /// How many there are.
        count: Option<u64> = none "as many as sessions" in 1.0..=1e9,
        /// Who comes next.
        pick: Pick = "even",
    }
}

/// Who comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// Anybody, equally likely.
    Even,
    /// One after the other, round and round.
    InOrder,
    /// Somebody who has not come yet.
    New,
    /// A closed user stays the same person.
    Same,
    /// By rank.
    Popularity(Popularity),
}

table! {
    /// Recorded arrivals.
    pub struct Trace = "load.trace" {
        /// A CSV file with a header: `at`, and optionally `flow` or `endpoint`, `class`, `user`, `ip`, `work`.
        file: TraceFile = required,
        /// How many times as fast.
        speed: f64 = 1 in 1e-6..=1e6,
    }
}

/// The rows of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceFile {
    /// The path as written.
    pub path: Name,
    /// In the order of time.
    pub rows: Arc<[TraceRow]>,
}

/// An arrival of a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceRow {
    /// When, from the start of the run, at speed 1.
    pub at: SimSpan,
    /// What the session does, where the trace says so.
    pub flow: Option<String>,
    /// The one request that it makes instead.
    pub endpoint: Option<String>,
    /// Its class.
    pub class: Option<String>,
    /// Whose it is.
    pub user: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// Seconds of work, instead of the first `take`'s draw.
    pub work: Option<f64>,
}

table! {
    /// Bursts of arrivals: calm and burst in turn.
    pub struct Bursts = "load.bursts" {
        /// During a burst.
        rate: Rate = required,
        /// How long one lasts.
        lasts: Quantity = required of time,
        /// Calm between two.
        apart: Quantity = required of time,
    }
}

table! {
    /// The daily rhythm of a registered population.
    pub struct Day = "load.day" {
        /// A day, on average.
        sessions_per_user: f64 = 1 [assumed "one visit a day; no published figure of a coaching product was found" "2026-11-24"] in 0.0..=1e4,
        /// How they spread over the hours; the rate is the same throughout an hour.
        shape: DayShape = "evening" [assumed "the common shape of leisure traffic" "2026-11-24"],
        /// Time of day at which the run begins.
        starts_at: SimSpan = "0s" in 0.0..=86_400.0,
    }
}

table! {
    /// The weekly rhythm of a registered population.
    pub struct Week = "load.week" (shape) {
        /// How a week's sessions spread over its days; the mean stays `day.sessions_per_user`.
        shape: WeekShape = "flat",
        /// Day on which the run begins.
        starts_on: Weekday = "monday",
    }
}

/// How a week's sessions spread over its days.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct WeekShape {
    /// Weight of each day from Monday; only their proportions count.
    pub days: [f64; 7],
}

choice! {
    /// A day of the week.
    pub enum Weekday {
        /// The first.
        Monday = "monday",
        /// The second.
        Tuesday = "tuesday",
        /// The third.
        Wednesday = "wednesday",
        /// The fourth.
        Thursday = "thursday",
        /// The fifth.
        Friday = "friday",
        /// The sixth.
        Saturday = "saturday",
        /// The last.
        Sunday = "sunday",
    }
}

table! {
    /// People who register.
    pub struct SignUps = "load.sign_ups" (flow) {
        /// What they do, before they are signed in.
        flow: Name = required,
        /// A day. The population then follows from its beginning, these and `churn`.
        per_day: Option<f64> = none "what the ramp and `churn` need" in 0.0..=1e9,
    }
}

/// How a day's sessions spread over its hours.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct DayShape {
    /// Weight of each hour from midnight; only their proportions count.
    pub hours: [f64; 24],
}

table! {
    /// What goes wrong, or what a person does. Exactly one of `at` and `when`, and of `fault` and `action`.
    pub struct Event = "event" check rules::event {
        /// At this time.
        at: Option<SimSpan> = none,
        /// Some time after an alert.
        when: Option<When> = none,
        /// What goes wrong.
        fault: Option<Fault> = none,
        /// What somebody does.
        action: Option<Action> = none,
    }
}

table! {
    /// Some time after an alert.
    pub struct When = "event.when" {
        /// The first time that this rule fires.
        alert: Name = required,
        /// Time to react.
        after: Quantity = "0s" of time,
    }
}

one_of! {
    /// What somebody does.
    pub enum Action = "event.action" {
        /// Changes settings.
        set: Set(Settings),
        /// Restarts a service, database or cache.
        restart: Restart(Name),
        /// Empties a cache.
        clear: Clear(Name),
        /// Deploys a service.
        deploy: Deploy(Name),
        /// Takes a setting back to the file's value.
        reset: Reset(Name),
    }
}

one_of! {
    /// What goes wrong.
    pub enum Fault = "event.fault" {
        /// Everything takes longer.
        slow: Slow(Slow),
        /// Some of it fails.
        errors: Errors(Errors),
        /// Nothing answers.
        down: Down(Down),
        /// Instances die.
        crash: Crash(Crash),
        /// A cache or a limiter's store is emptied.
        forget: Forget(Forget),
        /// All connections to a database are cut.
        lost_connections: LostConnections(LostConnections),
        /// More come, or fewer.
        traffic: Traffic(Traffic),
    }
}

table! {
    /// Everything at a service, database, cache or provider takes longer.
    pub struct Slow = "event.fault.slow" {
        /// Which one.
        target: Name = required,
        /// How many times as long.
        factor: f64 = required in 1e-3..=1e6,
        /// How long.
        r#for: Option<SimSpan> = none "to the end",
    }
}

table! {
    /// Some of what a service, database, cache or provider does fails.
    pub struct Errors = "event.fault.errors" {
        /// Which one.
        target: Name = required,
        /// How much of it.
        share: Share = required,
        /// How long.
        r#for: Option<SimSpan> = none "to the end",
    }
}

table! {
    /// A service, database, cache or provider does not answer.
    pub struct Down = "event.fault.down" {
        /// Which one.
        target: Name = required,
        /// How long.
        r#for: SimSpan = required,
        /// Whether those who ask are left hanging until their own time-out, instead of being refused at once.
        hang: bool = false,
    }
}

table! {
    /// More come from a stream of traffic, or fewer.
    pub struct Traffic = "event.fault.traffic" {
        /// Which stream; `[load]` is called `load`.
        source: Option<Name> = none "all of them",
        /// How many times as many.
        factor: f64 = required in 0.0..=1e6,
        /// How long.
        r#for: Option<SimSpan> = none "to the end",
    }
}

table! {
    /// Instances of a service die.
    pub struct Crash = "event.fault.crash" {
        /// Which service.
        target: Name = required,
        /// How many.
        instances: u32 = 1 in 1.0..=1e5,
    }
}

table! {
    /// A cache or a limiter's store is emptied.
    pub struct Forget = "event.fault.forget" {
        /// Which one.
        target: Name = required,
    }
}

table! {
    /// All connections to a database are cut.
    pub struct LostConnections = "event.fault.lost_connections" {
        /// Which database.
        target: Name = required,
    }
}

table! {
    /// What must hold: of the whole run, and of parts of it.
    pub struct Objectives = "objectives" {
        /// Of the whole run.
        goals: Goals = flatten,
        /// The same of an endpoint.
        endpoint: Named<Goals> = {},
        /// The same of a class.
        class: Named<Goals> = {},
        /// The same of a phase.
        phase: Named<Goals> = {},
        /// Any result, by its path.
        metric: Named<Bound> = {},
    }
}

table! {
    /// What must hold.
    pub struct Goals = "objectives" {
        /// Mean latency, at most.
        mean: Option<SimSpan> = none,
        /// Median latency, at most.
        p50: Option<SimSpan> = none,
        /// 90th percentile of latency, at most.
        p90: Option<SimSpan> = none,
        /// 95th percentile of latency, at most.
        p95: Option<SimSpan> = none,
        /// 99th percentile of latency, at most.
        p99: Option<SimSpan> = none,
        /// Longest latency, at most.
        max: Option<SimSpan> = none,
        /// Failed of offered, refusals too; at most.
        error_rate: Option<Share> = none,
        /// Refused by a limiter; at most.
        refused_rate: Option<Share> = none,
        /// Requests that failed at the database; at most.
        database_errors: Option<u64> = none,
        /// Requests that the model provider's limits failed; at most.
        llm_rate_limit_errors: Option<u64> = none,
        /// Requests that failed, by cause; at most.
        errors: Causes = {},
        /// Served, at least.
        throughput: Option<Rate> = none,
        /// Succeeded while the client still waited, at least.
        goodput: Option<Rate> = none,
        /// At most.
        cost_month: Option<Usd> = none,
        /// At least.
        profit_month: Option<Usd> = none,
        /// Healthy again this long after the last trigger, at most.
        recovered: Option<SimSpan> = none,
        /// Latencies over useful requests, or as the load tool reads the run.
        counts: Option<Counts> = none "`useful`",
    }
}

choice! {
    /// Whose reading of a run an objective means.
    pub enum Counts {
        /// Latencies of useful requests.
        Useful = "useful",
        /// As the load tool reads the run.
        Tool = "tool",
    }
}

/// Numbers by cause of failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Causes {
    /// In the order of the file.
    pub entries: Vec<(Cause, u64)>,
}

table! {
    /// Bounds of a result. At least one of the two.
    pub struct Bound = "objectives.metric" check rules::bound {
        /// Must be above.
        above: Option<f64> = none,
        /// Must be below.
        below: Option<f64> = none,
    }
}

table! {
    /// What is measured, and when.
    pub struct Measure = "measure" check rules::measure {
        /// Earlier arrivals and time are left out.
        from: MeasureFrom = "0s",
        /// Later ones too.
        to: Option<SimSpan> = none "the end",
        /// A row of timeline.csv.
        window: Option<SimSpan> = none "the smallest of 1 s, 5 s, 15 s, 1 min, 5 min, 15 min, 1 h that gives at most 2,000 rows" in 1e-3..=34_560_000.0,
        /// Snapshots: the state at these moments, over replications.
        at: Vec<SimSpan> = [],
        /// requests.csv.
        requests: bool = false,
        /// books.csv.
        books: bool = false,
        /// Days that are run, chosen so that each stands for as many days of similar load; sums are scaled up.
        sample_days: Option<u32> = none "all" or "all" in 1.0..=400.0,
        /// Of latency.
        percentiles: Vec<f64> = [50, 90, 95, 99] in 0.0..=1e2,
    }
}

/// Where the measured window begins.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MeasureFrom {
    /// At this time.
    At(SimSpan),
    /// After the warm-up, by the published rule.
    Auto,
}

impl Scenario {
    /// Every stream of traffic by name, in the order of the file: `[load]` is called `load`.
    pub fn streams(&self) -> impl Iterator<Item = (&str, &Load)> {
        let load = self.load.as_ref().map(|load| ("load", load));
        load.into_iter()
            .chain(self.source.iter().map(|(name, load)| (name.as_str(), load)))
    }
}

/// How many come: the one key of a load that says so.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Arrivals<'a> {
    /// An open stream of sessions, a second.
    Rate(&'a Ramp),
    /// So many sessions at once.
    Users(&'a Ramp),
    /// A registered population.
    Registered(&'a Ramp),
    /// One after another.
    Phases(&'a [Phase]),
    /// One session at each of these times.
    At(&'a [SimSpan]),
    /// One session each time this has passed.
    Every(&'a Quantity),
    /// Recorded arrivals.
    Trace(&'a Trace),
}

impl Load {
    /// The one key that says how many come. `None` only before the checks, never in a plan.
    #[must_use]
    pub fn arrivals(&self) -> Option<Arrivals<'_>> {
        let each = [
            self.rate.as_ref().map(Arrivals::Rate),
            self.users.as_ref().map(Arrivals::Users),
            self.registered.as_ref().map(Arrivals::Registered),
            self.phase.as_deref().map(Arrivals::Phases),
            self.at.as_deref().map(Arrivals::At),
            self.every.as_ref().map(Arrivals::Every),
            self.trace.as_ref().map(Arrivals::Trace),
        ];
        each.into_iter().flatten().next()
    }
}
