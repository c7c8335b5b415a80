//! The prices that apply to one system, from its file and an edition of the catalogue.
//!
//! Owns: which price belongs to which thing, and what a plan includes.
//! Never: usage, sums.

use super::month::MONTH_SECONDS;
use super::price::Price;
use crate::catalogue::{Edition, Value};
use crate::file::System;
use crate::file::system::Provider;

/// Bytes of a GB of storage.
const GIGABYTE: u64 = 1024 * 1024 * 1024;

/// Storage of a database is paid for in steps of so many GB.
const STORAGE_STEP: u64 = 5;

/// Prices of everything that a system uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tariff {
    /// By service.
    pub services: Vec<ServiceTariff>,
    /// By database.
    pub databases: Vec<DatabaseTariff>,
    /// By cache.
    pub caches: Vec<CacheTariff>,
    /// By provider and model.
    pub models: Vec<Vec<ModelTariff>>,
    /// Outbound traffic, where a service runs on the platform.
    pub bandwidth: Option<Bandwidth>,
    /// The platform's workspace by name, where a service runs on the platform.
    pub workspace: Option<(String, Price)>,
    /// Recordings that are kept.
    pub recordings: Option<RecordingsTariff>,
    /// By channel of alerts.
    pub channels: Vec<ChannelTariff>,
    /// Fixed sums a month.
    pub fixed: Vec<(String, Price)>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceTariff {
    /// Its name.
    pub name: String,
    /// An instance for a month; `None` without a plan.
    pub instance: Option<Price>,
}

/// A database.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseTariff {
    /// Its name.
    pub name: String,
    /// A month of its plan.
    pub plan: Option<Price>,
    /// Storage that is paid for, in GB.
    pub storage_gb: f64,
    /// A GB of it for a month.
    pub per_gb: Option<Price>,
}

/// A cache.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheTariff {
    /// Its name.
    pub name: String,
    /// A month of its plan.
    pub plan: Option<Price>,
    /// A hundred thousand commands.
    pub per_100k_commands: Option<Price>,
}

/// A model of a provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelTariff {
    /// Its name.
    pub name: String,
    /// A million prompt tokens.
    pub price_in: Option<Price>,
    /// A million answer tokens.
    pub price_out: Option<Price>,
    /// A minute of a recording.
    pub price_minute: Option<Price>,
}

/// Outbound traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandwidth {
    /// A GB beyond what is included.
    pub per_gb: Price,
    /// Included, GB a month.
    pub included_gb: f64,
}

/// Recordings that are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingsTariff {
    /// Size of a minute.
    pub bytes_per_minute: f64,
    /// How long each is kept, in months.
    pub months_kept: f64,
    /// A GB for a month.
    pub per_gb_month: Price,
}

/// A channel of alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelTariff {
    /// Its name.
    pub name: String,
    /// A message.
    pub message: Price,
    /// A month.
    pub month: Price,
}

impl ModelTariff {
    /// The prices of a model: the file's, then the catalogue's.
    #[must_use]
    pub fn of(provider: &Provider, edition: &Edition, model: &str) -> Self {
        let file = provider.model.get(model);
        let known = edition.model(model);
        Self {
            name: model.to_owned(),
            price_in: Price::of(
                file.and_then(|file| file.price_in),
                known.and_then(|known| known.price_in.as_ref()),
            ),
            price_out: Price::of(
                file.and_then(|file| file.price_out),
                known.and_then(|known| known.price_out.as_ref()),
            ),
            price_minute: Price::of(
                file.and_then(|file| file.price_audio_minute),
                known.and_then(|known| known.price_audio_minute.as_ref()),
            ),
        }
    }

    /// Whether any of its calls cost anything.
    #[must_use]
    pub fn is_charged(&self) -> bool {
        let prices = [&self.price_in, &self.price_out, &self.price_minute];
        prices.into_iter().flatten().any(|price| price.dollars > 0.0)
    }

    /// Whether no price of it is known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.price_in.is_none() && self.price_out.is_none() && self.price_minute.is_none()
    }
}

impl Tariff {
    /// The prices of a system. `models` are the names of the models in use, by provider.
    #[must_use]
    pub fn of(system: &System, edition: &Edition, models: &[Vec<String>]) -> Self {
        let money = &system.money;
        let services = system.service.iter().map(|(name, service)| {
            let plan = service.plan.as_ref().and_then(|plan| edition.web_plan(plan.as_str()));
            ServiceTariff {
                name: name.text.clone(),
                instance: plan.map(|plan| Price::published(&plan.price)),
            }
        });
        let per_gb = edition.number("render.postgres-storage.price_per_gb");
        let databases = system.database.iter().map(|(name, database)| {
            let plan = database
                .plan
                .as_ref()
                .and_then(|plan| edition.database_plan(plan.as_str()));
            let storage = database.storage.map_or(0, |storage| storage.get().div_ceil(GIGABYTE));
            // The first GB can be had alone.
            let storage = if storage > 1 {
                storage.div_ceil(STORAGE_STEP) * STORAGE_STEP
            } else {
                storage
            };
            DatabaseTariff {
                name: name.text.clone(),
                plan: plan.map(|plan| Price::published(&plan.price)),
                storage_gb: storage as f64,
                per_gb: per_gb.as_ref().map(Price::published),
            }
        });
        let caches = system.cache.iter().map(|(name, cache)| {
            let plan = cache.plan.as_ref().and_then(|plan| edition.cache_plan(plan.as_str()));
            CacheTariff {
                name: name.text.clone(),
                plan: plan.map(|plan| Price::published(&plan.price)),
                per_100k_commands: plan
                    .and_then(|plan| plan.price_per_100k_commands.as_ref())
                    .map(Price::published),
            }
        });
        let models = system.provider.iter().zip(models).map(|((_, provider), names)| {
            let names = names.iter();
            names.map(|name| ModelTariff::of(provider, edition, name)).collect()
        });
        let is_hosted = system.service.iter().any(|(_, service)| service.plan.is_some());
        let workspace = is_hosted.then(|| workspace(system, edition));
        let included = workspace
            .as_ref()
            .and_then(|name| edition.number(&format!("render.workspace.{name}.bandwidth_included")))
            .map_or(0.0, |included| included.value);
        let included = money
            .bandwidth_included
            .map_or(included, |given| given.get() as f64 / GIGABYTE as f64);
        let bandwidth = edition.number("render.bandwidth.price_per_gb").filter(|_| is_hosted);
        let channels = system.alerts.iter().flat_map(|alerts| alerts.channel.iter());
        Self {
            services: services.collect(),
            databases: databases
                .map(|mut database| {
                    if database.storage_gb == 0.0 {
                        database.per_gb = None;
                    }
                    database
                })
                .collect(),
            caches: caches.collect(),
            models: models.collect(),
            bandwidth: bandwidth.map(|price| Bandwidth {
                per_gb: Price::published(&price),
                included_gb: included,
            }),
            workspace: workspace.and_then(|name| {
                let price = workspace_price(edition, &name, money.members)?;
                Some((name, price))
            }),
            recordings: money.recordings.as_ref().map(|recordings| RecordingsTariff {
                bytes_per_minute: recordings.minute.get() as f64,
                months_kept: recordings.kept.seconds() / MONTH_SECONDS,
                per_gb_month: Price::given(recordings.per_gb_month),
            }),
            channels: channels
                .map(|(name, channel)| ChannelTariff {
                    name: name.text.clone(),
                    message: Price::given(channel.price),
                    month: Price::given(channel.month),
                })
                .collect(),
            fixed: money
                .month
                .iter()
                .map(|(name, sum)| (name.text.clone(), Price::given(*sum)))
                .collect(),
        }
    }

    /// Models in use whose price is not known: they are missing from every bill.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        let models = self.models.iter().flatten();
        models
            .filter(|model| model.is_unknown())
            .map(|model| model.name.as_str())
    }
}

/// The workspace that the file names, else the lowest that has what the system uses.
fn workspace(system: &System, edition: &Edition) -> String {
    if let Some(given) = &system.money.workspace {
        return given.text.clone();
    }
    let scales = system.service.iter().any(|(_, service)| service.scaling.on);
    let needed = edition.figure("render.scaling.workspace").filter(|_| scales);
    match needed.map(|figure| &figure.value) {
        Some(Value::Text(name)) => name.clone(),
        _ => "hobby".to_owned(),
    }
}

/// A month of a workspace: a sum, or one for each member.
fn workspace_price(edition: &Edition, name: &str, members: u32) -> Option<Price> {
    if let Some(whole) = edition.number(&format!("render.workspace.{name}.price")) {
        return Some(Price::published(&whole));
    }
    let each = edition.number(&format!("render.workspace.{name}.price_per_member"))?;
    let mut price = Price::published(&each);
    price.dollars *= f64::from(members);
    Some(price)
}
