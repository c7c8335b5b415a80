//! What the HTTP side counts, and `/metrics`.
//!
//! Owns: counts by endpoint, status and cause, latencies, connections, and their text for Prometheus. Times are the system's.
//! Cardinality is bounded: endpoints and causes are closed lists.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use highwater_models::SimSpan;
use highwater_models::record::histogram::Histogram;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram as Buckets;
use prometheus_client::registry::{Registry, Unit};

use crate::backend::Backend;

/// Upper bounds of the latency histogram, seconds.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    endpoint: String,
    status: u16,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEndpoint {
    endpoint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCause {
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReading {
    name: String,
    // Not `instance`, by which Prometheus itself means whom it has asked.
    in_instance: Option<u32>,
}

/// What ended since it was last asked for.
#[derive(Debug, Default)]
pub struct Lately {
    /// Requests that ended.
    pub ended: u64,
    /// Of them those that failed.
    pub failed: u64,
    /// How long those took that did not, in nanoseconds of the system's time.
    pub latency: Histogram,
    /// Failures by cause.
    pub causes: Vec<(&'static str, u64)>,
}

/// Levels that several tasks change.
#[derive(Debug, Default)]
pub struct Levels {
    connections: AtomicU64,
    in_hand: AtomicU64,
}

impl Levels {
    /// Open connections.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests in hand, those whose client has gone included.
    #[must_use]
    pub fn in_hand(&self) -> u64 {
        self.in_hand.load(Ordering::Relaxed)
    }
}

/// One more of something for as long as it lives.
#[derive(Debug)]
pub struct OneMore {
    levels: Arc<Levels>,
    which: fn(&Levels) -> &AtomicU64,
}

impl OneMore {
    fn new(levels: &Arc<Levels>, which: fn(&Levels) -> &AtomicU64) -> Self {
        which(levels).fetch_add(1, Ordering::Relaxed);
        Self {
            levels: Arc::clone(levels),
            which,
        }
    }
}

impl Drop for OneMore {
    fn drop(&mut self) {
        (self.which)(&self.levels).fetch_sub(1, Ordering::Relaxed);
    }
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<Ended, Counter>,
    seconds: Family<OfEndpoint, Buckets, fn() -> Buckets>,
    turned_away: Family<OfCause, Counter>,
    lately: Mutex<Lately>,
    levels: Arc<Levels>,
}

impl Metrics {
    /// Nothing yet; what the backend reads is looked up at each scrape.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        let mut registry = Registry::with_prefix("highwater");
        let requests = Family::<Ended, Counter>::default();
        let seconds: Family<OfEndpoint, Buckets, fn() -> Buckets> =
            Family::new_with_constructor(|| Buckets::new(BOUNDS));
        let turned_away = Family::<OfCause, Counter>::default();
        let levels = Arc::new(Levels::default());
        registry.register(
            "requests",
            "Requests that ended, by endpoint, status and cause",
            requests.clone(),
        );
        registry.register_with_unit(
            "request",
            "From arrival to the whole answer, in seconds of the system's time",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register(
            "turned_away",
            "What the HTTP side itself refused, by the ceiling or the fault",
            turned_away.clone(),
        );
        let collector = Readings {
            backend,
            levels: Arc::clone(&levels),
        };
        registry.register_collector(Box::new(collector));
        Self {
            registry,
            requests,
            seconds,
            turned_away,
            lately: Mutex::new(Lately::default()),
            levels,
        }
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has ended, after so long.
    pub fn ended(&self, endpoint: &str, status: u16, cause: Option<&'static str>, took: SimSpan) {
        self.requests
            .get_or_create(&Ended {
                endpoint: endpoint.to_owned(),
                status,
                cause: cause.unwrap_or("none"),
            })
            .inc();
        self.seconds
            .get_or_create(&OfEndpoint {
                endpoint: endpoint.to_owned(),
            })
            .observe(took.seconds());
        let mut lately = self.lately();
        lately.ended += 1;
        match cause {
            None => lately.latency.record(took.nanos()),
            Some(cause) => {
                lately.failed += 1;
                match lately.causes.iter_mut().find(|(known, _)| *known == cause) {
                    Some((_, count)) => *count += 1,
                    None => lately.causes.push((cause, 1)),
                }
            }
        }
    }

    /// The HTTP side refused something.
    pub fn turned_away(&self, cause: &'static str) {
        self.turned_away.get_or_create(&OfCause { cause }).inc();
    }

    /// How often it did, for a reason.
    #[must_use]
    pub fn times_turned_away(&self, cause: &'static str) -> u64 {
        self.turned_away.get_or_create(&OfCause { cause }).get()
    }

    /// One connection more, until the answer is dropped.
    #[must_use]
    pub fn connection_opens(&self) -> OneMore {
        OneMore::new(&self.levels, |levels| &levels.connections)
    }

    /// One request in hand more, until the answer is dropped.
    #[must_use]
    pub fn request_begins(&self) -> OneMore {
        OneMore::new(&self.levels, |levels| &levels.in_hand)
    }

    /// Connections and requests in hand.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// What ended since the last time that this was asked. There is one who asks.
    #[must_use]
    pub fn take_lately(&self) -> Lately {
        std::mem::take(&mut *self.lately())
    }

    /// All of it as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

/// What is read when it is asked for.
struct Readings {
    backend: Arc<dyn Backend>,
    levels: Arc<Levels>,
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readings")
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in [
            ("connections", "Open connections", self.levels.connections()),
            (
                "in_hand",
                "Requests in hand, those whose client has gone included",
                self.levels.in_hand(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let readings = self.backend.readings();
        for (is_count, name, help) in [
            (
                false,
                "reading",
                "What alert rules can watch, by its name, of one instance or of all",
            ),
            (
                true,
                "counted",
                "How often something has happened since the start, by its name",
            ),
        ] {
            let kind = if is_count {
                MetricType::Counter
            } else {
                MetricType::Gauge
            };
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for reading in readings.iter().filter(|reading| reading.is_count == is_count) {
                let labels = OfReading {
                    name: reading.name.clone(),
                    in_instance: reading.instance,
                };
                let metric = family.encode_family(&labels)?;
                if is_count {
                    ConstCounter::new(reading.value).encode(metric)?;
                } else {
                    ConstGauge::new(reading.value).encode(metric)?;
                }
            }
        }
        Ok(())
    }
}
