//! Monitoring: rules by the number of what they watch, channels by their machine's settings.

use highwater_models::SimSpan;
use highwater_models::file::system::{self, AlertRepeat};
use highwater_models::machine::alert::{AlertConfig, Repeat};
use highwater_models::machine::channel::{ChannelConfig, segments};
use highwater_models::watch::{Part, Reading, Watch};
use highwater_workload::Sampler;

use super::{Compiler, number};
use crate::model::{ChannelSpec, Gauge, Monitoring, RuleSpec};

impl Compiler<'_> {
    /// After everything else: it names resources, services and models by their numbers.
    pub(super) fn monitoring(&mut self) {
        let Some(alerts) = self.system.alerts.as_ref().filter(|alerts| !alerts.rule.is_empty()) else {
            return;
        };
        let repeat = match alerts.repeat {
            AlertRepeat::EachLook => Repeat::EachLook,
            AlertRepeat::Once => Repeat::Once,
            AlertRepeat::After(span) => Repeat::After(span),
        };
        let mut rules = Vec::with_capacity(alerts.rule.len());
        for (name, rule) in alerts.rule.iter() {
            // Events know a rule by its place in the file, so that one without a reading keeps its place.
            let gauge = Watch::of(rule.watch.as_str(), self.system).and_then(|watch| self.gauge(&watch));
            let gauge = gauge.unwrap_or(Gauge::Nothing);
            let told = alerts.channel.iter().enumerate();
            let told = told.filter(|(_, (_, channel))| channel.levels.contains(&rule.level));
            rules.push(RuleSpec {
                name: name.text.clone(),
                watch: rule.watch.text.clone(),
                gauge,
                level: rule.level,
                config: AlertConfig {
                    threshold: rule.above.or(rule.below).unwrap_or(f64::INFINITY),
                    is_above: rule.above.is_some(),
                    lasting: rule.r#for,
                    repeat,
                },
                channels: told.map(|(index, _)| number(index)).collect(),
            });
        }
        let channels = alerts.channel.iter().map(|(name, channel)| ChannelSpec {
            name: name.text.clone(),
            config: channel_config(alerts, channel),
            delay: Sampler::new(&channel.delay),
        });
        let channels = channels.collect();
        let slow = self.scenario.objectives.goals.p95;
        self.model.monitoring = Some(Monitoring {
            every: alerts.every,
            rules,
            channels,
            slow: slow.unwrap_or(SimSpan::FOREVER).nanos(),
            providers: self.model.providers.len(),
        });
    }

    /// What a rule watches; `None` where it is not part of the model: a pool that is off.
    fn gauge(&self, watch: &Watch) -> Option<Gauge> {
        let name = watch.name();
        let system = self.system;
        let resource = || {
            let found = self.model.resources.iter().position(|resource| resource.name == name);
            found.map(number)
        };
        let service = || system.service.index_of(name).map(number);
        let database = || system.database.index_of(name).map(number);
        let provider = || system.provider.index_of(name).map(number);
        let part = watch.part.as_ref().map(|(part, _)| *part);
        Some(match watch.reading {
            Reading::ErrorsRate => Gauge::Errors,
            Reading::LatencyMean => Gauge::LatencyMean,
            Reading::Latency(percent) => Gauge::Latency(percent / 100.0),
            Reading::Throughput => Gauge::Throughput,
            Reading::Goodput => Gauge::Goodput,
            Reading::UsersOnline => Gauge::Users,
            Reading::InSystem => Gauge::InSystem,
            Reading::Memory => Gauge::Memory(service()?),
            Reading::LoopLag => Gauge::LoopLag(service()?),
            Reading::InHand => Gauge::InHand(service()?),
            Reading::Instances => Gauge::Instances(service()?),
            Reading::Cpu | Reading::Utilization if part == Some(Part::Service) => Gauge::ServiceCpu(service()?),
            Reading::Cpu | Reading::Utilization if part == Some(Part::Database) => Gauge::DatabaseCpu(database()?),
            Reading::Cpu => return None,
            Reading::Utilization => Gauge::Utilization(resource()?),
            Reading::Connections if part == Some(Part::Database) => {
                Gauge::DatabaseConnections(database()?, system.database.get(name)?.others)
            }
            Reading::Connections => {
                let resource = resource()?;
                let pool = self.model.pools.iter().position(|pool| pool.resource == resource);
                pool.map_or(Gauge::Busy(resource), |pool| Gauge::PoolConnections(number(pool)))
            }
            Reading::Waiting => Gauge::Waiting(resource()?),
            Reading::Busy | Reading::InFlight => Gauge::Busy(resource()?),
            Reading::Errors => Gauge::ProviderErrors(provider()?),
            Reading::Refused => Gauge::ProviderRefused(provider()?),
            Reading::Requests => Gauge::ProviderRequests(provider()?),
            Reading::CostToday => Gauge::CostToday(provider()?),
            Reading::CommandsToday => Gauge::CommandsToday(system.cache.index_of(name).map(number)?),
        })
    }
}

fn channel_config(alerts: &system::Alerts, channel: &system::Channel) -> ChannelConfig {
    ChannelConfig {
        rate: channel.rate.map(|rate| rate.per_second()),
        burst: channel.burst,
        per_day: channel.per_day.unwrap_or(u64::MAX),
        per_month: channel.per_month.unwrap_or(u64::MAX),
        trial: channel.trial.unwrap_or(SimSpan::FOREVER),
        segments: segments(alerts.characters, channel.segment),
        price: channel.price.dollars(),
    }
}
