//! Rate limiters: whom they count together, and how often.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{many, path, set};
use crate::file::Name;
use crate::file::step::Step;
use crate::file::system::{Batched, Limiter, LimiterKey, LimiterStore, Rule as Limit, Service, StoreDown};
use crate::units::{show_number, show_seconds};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "limiter-behind-untrusted-proxy",
        severity: Severity::Contradiction,
        meaning: "The limiter counts addresses and sees only the platform's proxy: all users share a few counts.",
        source: "express-rate-limit 8.7.5 dist/index.mjs; expressjs.com: without `trust proxy`, req.ip is the peer",
        date: "2026-11-24",
        check: untrusted_proxy,
    },
    Rule {
        id: "limiter-counts-per-process",
        severity: Severity::Risk,
        meaning: "The limiter counts in memory, and every process has its own: the limit is multiplied by their number, \
                  and forgotten with each restart and deploy.",
        source: "express-rate-limit 8.7.5 dist/index.mjs: MemoryStore",
        date: "2026-11-24",
        check: per_process,
    },
    Rule {
        id: "limiter-misses-batched-calls",
        severity: Severity::Risk,
        meaning: "The limiter is mounted by path, and a batched call has another path: it is not counted.",
        source: "express 4.22.3 and 5.3.0, run: `a,b?batch=1` is not matched by `/a`",
        date: "2026-11-24",
        check: misses_batched,
    },
    Rule {
        id: "limiter-in-front-of-webhooks",
        severity: Severity::Risk,
        meaning: "A limiter by address stands before a webhook. Its sender comes from a handful of addresses, and most of \
                  all when everybody pays.",
        source: "docs.stripe.com, webhooks come from a short list of addresses and are sent again for days",
        date: "2026-11-24",
        check: webhooks,
    },
    Rule {
        id: "load-over-address-limit",
        severity: Severity::Contradiction,
        meaning: "The scenario's traffic asks more from an address than the limiter lets through: it refuses people who do \
                  nothing wrong.",
        source: "arithmetic of the scenario on an idle system",
        date: "2026-11-24",
        check: over_limit,
    },
    Rule {
        id: "limiter-counts-people-together",
        severity: Severity::Note,
        meaning: "An office, a school or a mobile network has one address for many people: a limit by address is a limit \
                  on all of them together.",
        source: "express-rate-limit 8.7.5: the key is the address unless told",
        date: "2026-11-24",
        check: people_together,
    },
    Rule {
        id: "limiter-store-stops-everything",
        severity: Severity::Risk,
        meaning: "The limiter keeps its counts in a cache and fails when it cannot be reached: a protection that takes \
                  the service down.",
        source: "express-rate-limit 8.7.5: passOnStoreError is off",
        date: "2026-11-24",
        check: store_stops,
    },
];

/// Requests that the rule lets through in its time, and that time in seconds.
fn allowance(limiter: &Limiter) -> (f64, f64) {
    match &limiter.rule {
        Limit::FixedWindow(window) => (f64::from(window.limit), window.per.seconds()),
        Limit::SlidingWindow(window) => (f64::from(window.limit), window.per.seconds()),
        Limit::TokenBucket(bucket) => {
            let rate = bucket.rate.per_second();
            if rate >= 1.0 { (rate, 1.0) } else { (1.0, 1.0 / rate) }
        }
    }
}

fn allowed_text(limiter: &Limiter) -> String {
    let (limit, per) = allowance(limiter);
    format!("{} in {}", show_number(limit), show_seconds(per))
}

/// A limiter that is on and that some endpoint asks.
struct Asked<'a> {
    name: &'a Name,
    limiter: &'a Limiter,
    service: Option<(&'a str, &'a Service)>,
    /// In an average session.
    times: f64,
}

impl Asked<'_> {
    /// Whether it sees the proxy's addresses instead of the clients'.
    fn is_behind_proxy(&self) -> bool {
        self.service.is_some_and(|(_, service)| !service.trust_proxy)
    }
}

fn asked<'a>(design: &Design<'a>) -> Vec<Asked<'a>> {
    let mut found = Vec::new();
    for (name, limiter) in design.system.limiter.iter().filter(|(_, limiter)| limiter.on) {
        let mut is_asked = false;
        let mut times = 0.0;
        for (endpoint, _) in design.system.endpoint.iter() {
            let requests = design.traffic.requests_of(endpoint.as_str());
            design.walk_request(endpoint.as_str(), &mut |step, place| {
                if matches!(step, Step::Limit(asked) if asked == name) {
                    is_asked = true;
                    times += requests * place.times;
                }
            });
        }
        if is_asked {
            found.push(Asked {
                name,
                limiter,
                service: design.service(limiter.service.as_ref()),
                times,
            });
        }
    }
    found
}

fn untrusted_proxy(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for Asked {
        name, limiter, service, ..
    } in asked(design)
    {
        let Some((service_name, service)) = service.filter(|(_, service)| !service.trust_proxy) else {
            continue;
        };
        if limiter.key != LimiterKey::Ip {
            continue;
        }
        let (limit, per) = allowance(limiter);
        let all = limit * service.proxy_addresses as f64;
        found.push(Found {
            subject: path(name.as_str(), "key"),
            title: format!("`{name}` counts all users of `{service_name}` together"),
            arithmetic: format!(
                "{} x {} = {} requests in {} for everybody, {} a second",
                show_number(limit),
                many(
                    service.proxy_addresses,
                    "address of the proxy",
                    "addresses of the proxy"
                ),
                show_number(all),
                show_seconds(per),
                show_number(all / per)
            ),
            cure: format!(
                "{} (Express: `app.set('trust proxy', 1)`)",
                set(&path(service_name, "trust_proxy"), true)
            ),
        });
    }
    found
}

fn per_process(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for Asked { name, limiter, .. } in asked(design) {
        let processes = design.processes_most(limiter.service.as_ref());
        if limiter.store != LimiterStore::Memory || processes < 2 {
            continue;
        }
        let (limit, per) = allowance(limiter);
        let cure = match design.system.cache.iter().next() {
            Some((cache, _)) => format!("{}, one command a request", set(&path(name.as_str(), "store"), cache)),
            None => "count in a cache that all processes share (`store`)".to_owned(),
        };
        found.push(Found {
            subject: path(name.as_str(), "store"),
            title: format!("`{name}` lets up to {} times its limit through", processes),
            arithmetic: format!(
                "{} x {} = {} in {}",
                show_number(limit),
                design.times_text(limiter.service.as_ref()),
                show_number(limit * processes as f64),
                show_seconds(per)
            ),
            cure,
        });
    }
    found
}

fn misses_batched(design: &Design<'_>) -> Vec<Found> {
    let missing = asked(design)
        .into_iter()
        .filter(|asked| asked.limiter.batched == Batched::Bypass);
    missing
        .map(|Asked { name, limiter, .. }| Found {
            subject: path(name.as_str(), "batched"),
            title: format!("a batched call passes `{name}` uncounted"),
            arithmetic: format!("{} for single calls, no limit for `a,b?batch=1`", allowed_text(limiter)),
            cure: format!(
                "{}: count in the router's middleware, by procedure",
                set(&path(name.as_str(), "batched"), "count")
            ),
        })
        .collect()
}

fn webhooks(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for Asked { name, limiter, .. } in asked(design) {
        if limiter.key == LimiterKey::Session {
            continue;
        }
        for (endpoint, _) in design.system.endpoint.iter() {
            if !endpoint.as_str().to_lowercase().contains("webhook") {
                continue;
            }
            let mut stands_before = false;
            design.walk_request(endpoint.as_str(), &mut |step, _| {
                stands_before |= matches!(step, Step::Limit(asked) if asked == name);
            });
            if stands_before {
                let (limit, per) = allowance(limiter);
                found.push(Found {
                    subject: format!("endpoint.{}.before", super::words::part(endpoint.as_str())),
                    title: format!("`{name}` limits `{endpoint}`, whose sender is not a person"),
                    arithmetic: format!(
                        "{} from one address: one every {}",
                        allowed_text(limiter),
                        show_seconds(per / limit.max(1.0))
                    ),
                    cure: set(
                        &format!("endpoint.{}.before", super::words::part(endpoint.as_str())),
                        false,
                    ),
                });
            }
        }
    }
    found
}

fn over_limit(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for asked in asked(design) {
        let Asked { name, limiter, .. } = asked;
        if limiter.key != LimiterKey::Ip || asked.is_behind_proxy() {
            continue;
        }
        let (limit, per) = allowance(limiter);
        let memory = limiter.store == LimiterStore::Memory;
        let copies = if memory {
            design.processes_most(limiter.service.as_ref()) as f64
        } else {
            1.0
        };
        for stream in &design.traffic.streams {
            let (Some(rate), Some(addresses)) = (stream.sessions_per_second, stream.addresses) else {
                continue;
            };
            let mut each = 0.0;
            for (&endpoint, &times) in &stream.session.requests {
                design.walk_request(endpoint, &mut |step, place| {
                    if matches!(step, Step::Limit(asked) if asked == name) {
                        each += times * place.times;
                    }
                });
            }
            let asked = rate * each * per / addresses;
            if asked > limit * copies {
                found.push(Found {
                    subject: path(name.as_str(), "rule"),
                    title: format!("`{name}` refuses the traffic of `{}`", stream.name),
                    arithmetic: format!(
                        "{} requests a second from {} = {} in {} from each; the limit is {}{}",
                        show_number(rate * each),
                        many(addresses as u64, "address", "addresses"),
                        show_number(asked),
                        show_seconds(per),
                        show_number(limit),
                        if copies > 1.0 {
                            format!(
                                " x {} = {}",
                                design.times_text(limiter.service.as_ref()),
                                show_number(limit * copies)
                            )
                        } else {
                            String::new()
                        }
                    ),
                    cure: "leave those endpoints out (`before = false`), or count by user where people share addresses"
                        .to_owned(),
                });
            }
        }
    }
    found
}

fn people_together(design: &Design<'_>) -> Vec<Found> {
    /// An address with more people than this is no longer an office.
    const MANY: f64 = 100.0;
    let mut found = Vec::new();
    for asked in asked(design) {
        let Asked {
            name, limiter, times, ..
        } = asked;
        if limiter.key != LimiterKey::Ip || asked.is_behind_proxy() || times <= 0.0 {
            continue;
        }
        let (limit, per) = allowance(limiter);
        // Sessions that do not ask it leave more to the others; the mean over all is the kindest reading.
        let sessions = limit / times;
        if sessions < MANY {
            found.push(Found {
                subject: path(name.as_str(), "key"),
                title: format!("`{name}` counts everybody behind one address together"),
                arithmetic: format!(
                    "{} / {} a session = {} sessions in {} from an office or a mobile network",
                    show_number(limit),
                    show_number(times),
                    show_number(sessions),
                    show_seconds(per)
                ),
                cure: format!(
                    "{} for those who are signed in",
                    set(&path(name.as_str(), "key"), "user")
                ),
            });
        }
    }
    found
}

fn store_stops(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for Asked {
        name, limiter, times, ..
    } in asked(design)
    {
        let LimiterStore::Cache(cache) = &limiter.store else {
            continue;
        };
        if limiter.store_down != StoreDown::Fail {
            continue;
        }
        let requests = design.traffic.requests();
        let share = if requests > 0.0 { times / requests } else { 1.0 };
        found.push(Found {
            subject: path(name.as_str(), "store_down"),
            title: format!("without `{cache}`, `{name}` fails what it should protect"),
            arithmetic: format!(
                "{} of requests ask it, and each then ends in a 500",
                crate::units::show_share(share.min(1.0))
            ),
            cure: set(&path(name.as_str(), "store_down"), "allow"),
        });
    }
    found
}
