//! From a tariff and a usage to a bill.
//!
//! Owns: the items of a bill, and how each is reckoned.

use super::month::MONTH_SECONDS;
use super::price::{Price, dollars};
use super::tariff::{ModelTariff, Tariff};
use super::usage::{ModelUse, Usage};

/// Bytes of a GB that is paid for, and of one that a plan includes.
const GIGABYTE: f64 = 1024.0 * 1024.0 * 1024.0;

/// What an item of a bill is for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Instances of a service.
    Instances,
    /// A database server and its storage.
    Database,
    /// A cache server, or the commands of a cache.
    Cache,
    /// Tokens of a language model.
    Tokens,
    /// Transcription by a speech model.
    Speech,
    /// Recordings that are kept.
    Recordings,
    /// Outbound traffic.
    Bandwidth,
    /// The platform's workspace.
    Workspace,
    /// Messages of alerts.
    Messages,
    /// A fixed sum of the file.
    Fixed,
}

impl What {
    /// In words, as in "mostly LLM tokens".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Database => "the database",
            Self::Cache => "the cache",
            Self::Tokens => "LLM tokens",
            Self::Speech => "transcription",
            Self::Recordings => "kept recordings",
            Self::Bandwidth => "bandwidth",
            Self::Workspace => "the workspace",
            Self::Messages => "alert messages",
            Self::Fixed => "fixed sums",
        }
    }
}

/// A line of a bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Of the resource, model, channel or sum.
    pub name: String,
    /// What it is for.
    pub what: What,
    /// What it comes to.
    pub dollars: f64,
    /// Price by price, in words.
    pub price: String,
    /// Where the prices come from, in the same order.
    pub source: String,
}

/// What a usage costs. A tariff gives bills of the same items, whatever was used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    /// The time that it is about, in seconds.
    pub seconds: f64,
    /// Its lines.
    pub items: Vec<Item>,
}

impl Bill {
    /// The sum.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.items.iter().map(|item| item.dollars).sum()
    }

    /// How many times the bill's time goes into a month: what turns a sum of it into a sum a month, if every hour of a
    /// month were like it.
    #[must_use]
    pub fn times_a_month(&self) -> f64 {
        MONTH_SECONDS / self.seconds
    }

    /// The sum a month, if every hour of a month were like the time of the bill.
    #[must_use]
    pub fn a_month(&self) -> f64 {
        self.total() * self.times_a_month()
    }

    /// The item of that name.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }

    /// Adds an item; things of one name are one item.
    fn add(&mut self, name: &str, what: What, dollars: f64, prices: &[(Option<&Price>, &str)]) {
        if let Some(item) = self.items.iter_mut().find(|item| item.name == name) {
            item.dollars += dollars;
            return;
        }
        let known = || prices.iter().filter_map(|(price, unit)| Some((price.as_ref()?, unit)));
        let mut sources: Vec<String> = known().map(|(price, _)| price.origin()).collect();
        sources.dedup();
        self.items.push(Item {
            name: name.to_owned(),
            what,
            dollars,
            price: known()
                .map(|(price, unit)| format!("${} {unit}", price.dollars))
                .collect::<Vec<_>>()
                .join(", "),
            source: sources.join("; "),
        });
    }
}

impl ModelTariff {
    /// What calls of the model cost.
    #[must_use]
    pub fn cost(&self, used: ModelUse) -> f64 {
        used.prompt * dollars(self.price_in.as_ref()) / 1e6
            + used.answer * dollars(self.price_out.as_ref()) / 1e6
            + used.minutes * dollars(self.price_minute.as_ref())
    }
}

impl Tariff {
    /// What a usage costs. A thing that the usage does not mention was not used.
    #[must_use]
    pub fn bill(&self, usage: &Usage) -> Bill {
        let months = usage.seconds / MONTH_SECONDS;
        let mut bill = Bill {
            seconds: usage.seconds,
            items: Vec::new(),
        };
        for (index, service) in self.services.iter().enumerate() {
            let used = usage.services.get(index).copied().unwrap_or_default();
            let each = dollars(service.instance.as_ref());
            let sum = used.dollars.unwrap_or(used.seconds / MONTH_SECONDS * each);
            if service.instance.is_some() || sum > 0.0 {
                let price = [(service.instance.as_ref(), "an instance and month")];
                bill.add(&service.name, What::Instances, sum, &price);
            }
        }
        for database in &self.databases {
            let storage = database.storage_gb * dollars(database.per_gb.as_ref());
            let prices = [
                (database.plan.as_ref(), "a month"),
                (
                    database.per_gb.as_ref().filter(|_| database.storage_gb > 0.0),
                    "a GB of storage and month",
                ),
            ];
            if prices.iter().any(|(price, _)| price.is_some()) {
                let sum = (dollars(database.plan.as_ref()) + storage) * months;
                bill.add(&database.name, What::Database, sum, &prices);
            }
        }
        for (index, cache) in self.caches.iter().enumerate() {
            let commands = usage.caches.get(index).copied().unwrap_or(0.0);
            let prices = [
                (cache.plan.as_ref(), "a month"),
                (cache.per_100k_commands.as_ref(), "for 100,000 commands"),
            ];
            if prices.iter().any(|(price, _)| price.is_some()) {
                let metered = commands / 100_000.0 * dollars(cache.per_100k_commands.as_ref());
                let sum = dollars(cache.plan.as_ref()) * months + metered;
                bill.add(&cache.name, What::Cache, sum, &prices);
            }
        }
        let used = |provider: usize, model: usize| -> ModelUse {
            let models = usage.models.get(provider);
            models.and_then(|models| models.get(model)).copied().unwrap_or_default()
        };
        let mut minutes = 0.0;
        for (provider, models) in self.models.iter().enumerate() {
            for (number, model) in models.iter().enumerate() {
                let used = used(provider, number);
                minutes += used.minutes;
                let prices = [
                    (model.price_in.as_ref(), "for a million prompt tokens"),
                    (model.price_out.as_ref(), "for a million answer tokens"),
                    (model.price_minute.as_ref(), "for a minute of a recording"),
                ];
                let what = if model.price_minute.is_some() && model.price_in.is_none() {
                    What::Speech
                } else {
                    What::Tokens
                };
                if prices.iter().any(|(price, _)| price.is_some()) {
                    bill.add(&model.name, what, model.cost(used), &prices);
                }
            }
        }
        if let Some(recordings) = &self.recordings {
            let price = &recordings.per_gb_month;
            let sum = minutes * recordings.bytes_per_minute / GIGABYTE * recordings.months_kept * price.dollars;
            let price = [(Some(price), "a GB and month")];
            bill.add("recordings", What::Recordings, sum, &price);
        }
        if let Some(bandwidth) = &self.bandwidth {
            let beyond = usage.outbound_bytes / GIGABYTE - bandwidth.included_gb * months;
            let sum = beyond.max(0.0) * bandwidth.per_gb.dollars;
            let unit = format!("a GB beyond {} GB a month", bandwidth.included_gb);
            bill.add("bandwidth", What::Bandwidth, sum, &[(Some(&bandwidth.per_gb), &unit)]);
        }
        if let Some((name, price)) = &self.workspace {
            let unit = format!("a month, {name}");
            let sum = price.dollars * months;
            bill.add("workspace", What::Workspace, sum, &[(Some(price), &unit)]);
        }
        for (index, channel) in self.channels.iter().enumerate() {
            let messages = usage.messages.get(index).copied().unwrap_or(0.0);
            let sum = messages * channel.message.dollars + channel.month.dollars * months;
            let prices = [(Some(&channel.message), "a message"), (Some(&channel.month), "a month")];
            bill.add(&channel.name, What::Messages, sum, &prices);
        }
        for (name, price) in &self.fixed {
            // A sum that the file fixes stands instead of what would have been reckoned.
            bill.items.retain(|item| item.name != *name);
            let sum = price.dollars * months;
            bill.add(name, What::Fixed, sum, &[(Some(price), "a month")]);
        }
        bill
    }
}
