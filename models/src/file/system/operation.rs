//! What is done about load and what it costs: degradation, alerts and money.
//!
//! Owns: the tables `[degradation]`, `[alerts]` and `[money]`.
//! Never: what the plans cost (that is `catalogue/`).

use crate::SimSpan;
use crate::file::Quantity;
use crate::file::name::{Name, Named};
use crate::file::rules;
use crate::file::table::{choice, table};
use crate::file::value::Settings;
use crate::units::{Bytes, Rate, Share, Usd};

table! {
    /// What is switched off under load.
    pub struct Degradation = "degradation" {
        /// Each instance of it looks at itself.
        service: Option<Name> = none "the only one",
        /// Between two looks.
        every: SimSpan = "10s" in 0.001..=86400.0,
        /// The rule with its defect, or repaired.
        reads: Reads = "as_meant",
        /// A level lasts at least this long before a milder one follows.
        hold: SimSpan = "0s",
        /// A level is left for a milder one only this share below its bounds.
        hysteresis: Share = 0,
        /// The first whose condition holds is in force.
        level: Vec<Level> = required items 1..=1000,
    }
}

choice! {
    /// Whether a rule is taken as its code says.
    pub enum Reads {
        /// With its defect.
        AsWritten = "as_written",
        /// Repaired.
        AsMeant = "as_meant",
    }
}

table! {
    /// A level of degradation.
    pub struct Level = "degradation.level" check rules::level {
        /// Shown in results.
        name: Name = required,
        /// In force above any one of these.
        above: Readings = required,
        /// Features that are switched off.
        off: Vec<Name> = [],
        /// Everything but these is off.
        only: Option<Vec<Name>> = none "all",
        /// Settings while the level lasts.
        set: Settings = {},
    }
}

table! {
    /// Readings of an instance that degradation looks at. At least one.
    pub struct Readings = "degradation.level.above" check rules::readings {
        /// Open client connections.
        sockets: Option<f64> = none in 0.0..=1e12,
        /// Requests in hand.
        in_hand: Option<f64> = none in 0.0..=1e12,
        /// Busy share of the CPU.
        cpu: Option<f64> = none in 0.0..=1e3,
        /// Used share of the memory.
        memory: Option<f64> = none in 0.0..=1e3,
    }
}

table! {
    /// Monitoring: what is watched and who is told.
    pub struct Alerts = "alerts" {
        /// Between two looks.
        every: SimSpan = "1m" in 0.001..=86400.0,
        /// When a rule that goes on firing speaks again: at each look (a loop that asks and sends), once (until it has resolved), or after a time.
        repeat: AlertRepeat = "each_look" [assumed "code that asks and sends and keeps no state; the coaching plan's does" "2026-11-24"],
        /// Characters of a message, for channels that charge by the segment.
        characters: u32 = 100 [assumed "a sentence with the reading and its threshold" "2026-11-24"] in 0.0..=1e6,
        /// What is watched.
        rule: Named<AlertRule> = {} "none",
        /// Who is told.
        channel: Named<Channel> = {} "none",
    }
}

/// When a rule that goes on firing speaks again.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum AlertRepeat {
    /// At each look.
    EachLook,
    /// Not before it has resolved.
    Once,
    /// When so much time has passed.
    After(SimSpan),
}

table! {
    /// A rule of monitoring.
    pub struct AlertRule = "alerts.rule" check rules::alert {
        /// What a monitor reads. Of the whole system: `errors.rate`, `latency.mean`, `latency.p95` (any percentile), `throughput`, `goodput`, `users.online`, `in_system`. Of a service: `NAME.cpu`, `.memory`, `.loop_lag`, `.in_hand`, `.instances`. Of a pool: `.waiting`, `.busy`, `.connections`, `.utilization`. Of a queue: `.queue`, `.busy`, `.utilization`. Of a database: `.connections`, `.cpu`. Of a provider: `.errors`, `.requests`, `.in_flight`, `.cost_today`. Of a cache: `.commands_today`. Rates, shares and times are those since the last look; counts are those at the look.
        watch: Name = required,
        /// Fires above it; exactly one of the two.
        above: Option<f64> = none,
        /// Fires below it.
        below: Option<f64> = none,
        /// At a stretch.
        r#for: SimSpan = "0s",
        /// How bad it is.
        level: AlertLevel = "warning",
    }
}

choice! {
    /// How bad an alert is.
    pub enum AlertLevel {
        /// Good to know.
        Info = "info",
        /// Soon.
        Warning = "warning",
        /// Now.
        Critical = "critical",
    }
}

table! {
    /// A channel that alerts go to.
    pub struct Channel = "alerts.channel" {
        /// Which alerts it carries.
        levels: Vec<AlertLevel> = ["info", "warning", "critical"],
        /// A message.
        price: Usd = 0,
        /// A month.
        month: Usd = 0,
        /// Messages beyond it are lost.
        rate: Option<Rate> = none "unlimited",
        /// Messages that may come at once before the rate counts.
        burst: u32 = 1 in 1.0..=1e6,
        /// Messages beyond it are lost.
        per_day: Option<u64> = none "unlimited" in 0.0..=1e12,
        /// Messages beyond it are lost; a month has thirty days.
        per_month: Option<u64> = none "unlimited" in 0.0..=1e12,
        /// From then on every message is lost.
        trial: Option<SimSpan> = none "for ever",
        /// Characters of a segment: a longer message is several, each at the price.
        segment: Option<u32> = none "a message is one" in 1.0..=1e6,
        /// From the look to the person's hand.
        delay: Quantity = "0s" of time,
    }
}

table! {
    /// What the plans' prices do not cover.
    pub struct Money = "money" {
        /// Registered users that the bill is about.
        users: Option<u64> = none "the largest population that the scenario names" in 1.0..=1e9,
        /// Of registered users.
        paying: Share = 1,
        /// Card fees.
        payment: Option<Payment> = none,
        /// The platform's workspace.
        workspace: Option<Name> = none "the lowest that has what the system uses: autoscaling needs a paid one",
        /// Members of the workspace, where it is paid for by member.
        members: u32 = 1 in 1.0..=1e4,
        /// Outbound traffic a month that is not charged.
        bandwidth_included: Option<Bytes> = none "the workspace's, else nothing",
        /// Recordings that are kept after their transcription.
        recordings: Option<Recordings> = none "none is kept",
        /// Fixed sums a month, by item. An item of the bill by the same name is replaced.
        month: Named<Usd> = {} "none",
    }
}

table! {
    /// Recordings that are kept.
    pub struct Recordings = "money.recordings" {
        /// Size of a minute.
        minute: Bytes = "1 MB" [assumed "128 kbit/s, as browsers record" "2026-11-24"],
        /// How long each is kept.
        kept: SimSpan = "30d",
        /// A GB for a month.
        per_gb_month: Usd = required,
    }
}

table! {
    /// Card fees of a payment.
    pub struct Payment = "money.payment" {
        /// Of the sum.
        share: Share = 0,
        /// For each payment.
        each: Usd = 0,
    }
}
