//! What stands in the processes of services: slots, pools, job queues, limiters.
//!
//! Owns: their tables, and the order of all resources: by kind, then as in the file.
//! Never: servers that all processes share (that is `servers.rs`).

use highwater_models::file::system::{self, Abandoned, Counted, LimiterStore, Opens, Over, QueueWindow, Rule};
use highwater_models::machine::connections::ConnectionsConfig;
use highwater_models::machine::job_queue::{JobQueueConfig, WindowKind};
use highwater_models::machine::limiter::{LimiterRule, SlidingCounts, WindowOpens};
use highwater_models::units::{show_number, show_span};
use highwater_models::{Cause, SimSpan};

use super::{Compiler, Taken, limits, number};
use crate::model::{LimiterSpec, PoolSpec, QueueSpec, Resource, ResourceKind, Runtime, SlotsSpec};

impl Compiler<'_> {
    pub(super) fn resources(&mut self) {
        self.services();
        let system = self.system;
        for (name, pool) in system.pool.iter().filter(|(_, pool)| pool.on) {
            let service = self.service_of(pool.service.as_ref());
            let taken = match self.database_of(pool) {
                Some(database) => Taken::Pool(self.pool(&name.text, pool, service, database)),
                None => {
                    let place = format!("pool.{name}/timeout");
                    let (timeout, patience) = self.patience(&place, pool.timeout.as_ref());
                    let waiters = pool.waiters.unwrap_or(u32::MAX);
                    let slots = self.slots(&name.text, service, pool.max, "slot");
                    let spec = &mut self.model.slots[usize::from(slots)];
                    (spec.waiters, spec.timeout, spec.patience) = (waiters, timeout, patience);
                    Taken::Slots(slots)
                }
            };
            self.taken.insert(&name.text, taken);
        }
        self.threads = vec![None; self.model.services.len()];
        let with_work = self.with_work();
        for (index, (name, service)) in system.service.iter().enumerate() {
            if with_work[index] && self.model.services[index].runtime == Runtime::Node {
                let slots = self.slots(&format!("{name}.threads"), number(index), service.threads, "thread");
                self.threads[index] = Some(slots);
            }
        }
        for (name, queue) in system.queue.iter().filter(|(_, queue)| queue.on) {
            let queue = self.queue(&name.text, queue);
            self.taken.insert(&name.text, Taken::Queue(queue));
        }
        for (name, limiter) in system.limiter.iter().filter(|(_, limiter)| limiter.on) {
            let limiter = self.limiter(&name.text, limiter);
            self.limiters.insert(&name.text, limiter);
        }
        self.servers();
        self.poolers();
    }

    /// A resource, and its number.
    pub(super) fn resource(
        &mut self,
        name: &str,
        kind: ResourceKind,
        limit: String,
        capacity: f64,
        service: Option<u16>,
    ) -> u16 {
        self.model.resources.push(Resource {
            name: name.to_owned(),
            kind,
            limit,
            capacity,
            service,
        });
        number(self.model.resources.len() - 1)
    }

    /// How many processes a service has at the start.
    fn processes(&self, service: u16) -> f64 {
        let service = &self.model.services[usize::from(service)];
        f64::from(service.processes) * f64::from(service.instances)
    }

    /// What is there once for each process, in words.
    fn per_process(&self, what: String) -> String {
        if self.system.service.is_empty() {
            what
        } else {
            format!("{what} per process")
        }
    }

    /// The database behind a pool, poolers passed.
    pub(super) fn database_of(&self, pool: &system::Pool) -> Option<u16> {
        let system = self.system;
        let behind = pool.database.as_ref()?;
        let database = system
            .pooler
            .get(&behind.text)
            .map_or(behind, |pooler| &pooler.database);
        system.database.index_of(&database.text).map(number)
    }

    fn slots(&mut self, name: &str, service: u16, max: u32, unit: &str) -> u16 {
        let words = self.per_process(limits::count(max, unit));
        let capacity = f64::from(max) * self.processes(service);
        let resource = self.resource(name, ResourceKind::Pool, words, capacity, Some(service));
        let wait_stage = self.stage(&format!("wait.{name}"), Some(resource));
        let index = number(self.model.slots.len());
        let of_service = &mut self.model.services[usize::from(service)].slots;
        let local = number(of_service.len());
        of_service.push(index);
        self.model.slots.push(SlotsSpec {
            resource,
            max,
            waiters: u32::MAX,
            timeout: SimSpan::FOREVER,
            patience: None,
            wait_stage,
            local,
            cause: Cause::PoolTimeout,
        });
        index
    }

    fn pool(&mut self, name: &str, pool: &system::Pool, service: u16, database: u16) -> u16 {
        let words = self.per_process(limits::count(pool.max, "connection"));
        let capacity = f64::from(pool.max) * self.processes(service);
        let resource = self.resource(name, ResourceKind::Pool, words, capacity, Some(service));
        let (timeout, patience) = self.patience(&format!("pool.{name}/timeout"), pool.timeout.as_ref());
        let wait_stage = self.stage(&format!("wait.{name}"), Some(resource));
        let connect_stage = self.stage(&format!("connect.{name}"), Some(resource));
        let index = number(self.model.pools.len());
        // The version that reaps without looking again is the older of the two that editions have.
        let recheck_min = !self.package_is("pg-pool", "3.10.");
        let of_service = &mut self.model.services[usize::from(service)];
        let local = number(of_service.pools.len());
        of_service.pools.push(index);
        let on_loop = of_service.runtime == Runtime::Node;
        let pooler = self.pooler_of(pool);
        self.model.pools.push(PoolSpec {
            resource,
            config: ConnectionsConfig {
                max: pool.max,
                min: pool.min,
                idle_timeout: pool.idle_timeout,
                timeout,
                waiters: pool.waiters.unwrap_or(u32::MAX),
                max_uses: pool.max_uses.unwrap_or(u32::MAX),
                max_lifetime: pool.max_lifetime.unwrap_or(SimSpan::FOREVER),
                drop_on_error: pool.drop_on_error,
                recheck_min,
            },
            patience,
            database,
            pooler,
            wait_stage,
            connect_stage,
            local,
            on_loop,
        });
        index
    }

    /// Whether the edition's version of a package begins so.
    pub(super) fn package_is(&self, package: &str, version: &str) -> bool {
        self.edition
            .package(package)
            .is_some_and(|figure| figure.value.to_string().starts_with(version))
    }

    fn queue(&mut self, name: &str, queue: &system::Queue) -> u16 {
        let service = self.service_of(queue.service.as_ref());
        let interval = queue.interval.zip(queue.interval_cap);
        let mut words: Vec<String> = Vec::new();
        words.extend(
            queue
                .concurrency
                .map(|most| format!("{} at once", limits::count(most, "job"))),
        );
        words.extend(interval.map(|(per, cap)| format!("{} per {}", show_number(f64::from(cap)), show_span(per))));
        let words = if words.is_empty() {
            String::new()
        } else {
            self.per_process(words.join(", "))
        };
        let capacity = queue
            .concurrency
            .map_or(f64::INFINITY, |most| f64::from(most) * self.processes(service));
        let resource = self.resource(name, ResourceKind::Queue, words, capacity, Some(service));
        let (timeout, patience) = self.patience(&format!("queue.{name}/timeout"), queue.timeout.as_ref());
        let priority = priorities(queue, &self.model.classes);
        let mut levels = priority.clone();
        levels.sort_unstable();
        levels.dedup();
        let window = match queue.window {
            Some(QueueWindow::PQueue90) => WindowKind::PQueue90,
            Some(QueueWindow::PQueue93) => WindowKind::PQueue93,
            Some(QueueWindow::PQueue10) => WindowKind::PQueue10,
            Some(QueueWindow::Grid) => WindowKind::Grid,
            Some(QueueWindow::Sliding) => WindowKind::Sliding,
            None if self.package_is("p-queue", "9.0.") => WindowKind::PQueue90,
            None if self.package_is("p-queue", "10.") => WindowKind::PQueue10,
            None => WindowKind::PQueue93,
        };
        let wait_stage = self.stage(&format!("wait.{name}"), Some(resource));
        let index = number(self.model.queues.len());
        let of_service = &mut self.model.services[usize::from(service)].queues;
        let local = number(of_service.len());
        of_service.push(index);
        self.model.queues.push(QueueSpec {
            resource,
            config: JobQueueConfig {
                concurrency: queue.concurrency.unwrap_or(u32::MAX),
                interval,
                window,
                waiters: queue.waiters.unwrap_or(u32::MAX),
                timeout,
                priorities: levels,
            },
            patience,
            priority,
            run_timeout: queue.run_timeout.unwrap_or(SimSpan::FOREVER),
            drops_abandoned: queue.abandoned == Abandoned::Drop,
            wait_stage,
            local,
        });
        index
    }

    fn limiter(&mut self, name: &str, limiter: &system::Limiter) -> u16 {
        let service = self.service_of(limiter.service.as_ref());
        let words = limits::limiter(limiter);
        let resource = self.resource(name, ResourceKind::Limiter, words, f64::INFINITY, None);
        let stage = self.stage(&format!("limiter.{name}"), Some(resource));
        let shared = matches!(limiter.store, LimiterStore::Cache(_));
        let index = number(self.model.limiters.len());
        let local = if shared {
            number(self.model.limiters.iter().filter(|other| other.shared).count())
        } else {
            let of_service = &mut self.model.services[usize::from(service)].limiters;
            of_service.push(index);
            number(of_service.len() - 1)
        };
        self.model.limiters.push(LimiterSpec {
            resource,
            rule: rule(&limiter.rule),
            key: limiter.key,
            shared,
            waits: limiter.over == Over::Wait,
            max_wait: limiter.max_wait.unwrap_or(SimSpan::FOREVER),
            store: match &limiter.store {
                LimiterStore::Cache(cache) => self.system.cache.index_of(&cache.text).map(number),
                LimiterStore::Memory => None,
            },
            stage,
            local,
        });
        index
    }
}

fn rule(rule: &Rule) -> LimiterRule {
    match rule {
        Rule::FixedWindow(window) => LimiterRule::FixedWindow {
            limit: window.limit,
            per: window.per,
            opens: match window.opens {
                Opens::FirstHit => WindowOpens::FirstHit,
                Opens::Clock => WindowOpens::Clock,
            },
        },
        Rule::SlidingWindow(window) => LimiterRule::SlidingWindow {
            limit: window.limit,
            per: window.per,
            counts: match window.counts {
                Counted::Accepted => SlidingCounts::Accepted,
                Counted::All => SlidingCounts::All,
            },
        },
        Rule::TokenBucket(bucket) => LimiterRule::TokenBucket {
            rate: bucket.rate.per_second(),
            burst: bucket.burst,
            tick: bucket.tick,
        },
    }
}

/// Priorities by class as whole numbers. Only their order counts, so fractions are scaled up together.
fn priorities(queue: &system::Queue, classes: &[String]) -> Vec<i64> {
    const MILLIONTHS: f64 = 1e6;
    let whole = queue.priority.iter().all(|(_, priority)| priority.fract() == 0.0);
    let scale = if whole { 1.0 } else { MILLIONTHS };
    let of = |class: &String| {
        queue
            .priority
            .get(class)
            .map_or(0, |priority| (priority * scale).round() as i64)
    };
    classes.iter().map(of).collect()
}
