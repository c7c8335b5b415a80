//! Services: what runs them, how much CPU they have, and whether its limit can bind.
//!
//! Owns: their tables, and which of them do work off the loop.
//! Never: what stands in their processes (that is `resources.rs`).

use highwater_models::SimSpan;
use highwater_models::file::step::Step;
use highwater_models::file::system::{self, Balance, CpuLimit};
use highwater_models::machine::autoscaler::AutoscalerConfig;
use highwater_models::machine::health::HealthConfig;
use highwater_workload::Sampler;

use super::{Compiler, limits};
use crate::model::{ResourceKind, Runtime, Scaling, Service};
use highwater_models::machine::processor::Limit;

/// The largest heap that Node takes for itself: v8's limit on hosts of this size.
const HEAP_MAX: u64 = 2 << 30;

/// What the service is called where the file has none.
const IDEAL: &str = "service";

impl Compiler<'_> {
    pub(super) fn services(&mut self) {
        let system = self.system;
        if system.service.is_empty() {
            let resource = self.resource(IDEAL, ResourceKind::Service, String::new(), f64::INFINITY, Some(0));
            let service = self.ideal(resource);
            self.model.services.push(service);
            return;
        }
        let with_work = self.with_work();
        for (index, (name, service)) in system.service.iter().enumerate() {
            let works = with_work[index];
            let made = self.service(&name.text, service, works, super::number(index));
            self.model.services.push(made);
        }
    }

    /// Which services have nothing on the way in.
    pub(super) fn find_open_services(&mut self) {
        let ladder = self.model.degradation.as_ref().map(|ladder| ladder.service);
        for (index, service) in self.model.services.iter_mut().enumerate() {
            service.is_open = service.max_in_hand == u32::MAX
                && service.shed_in_hand == u32::MAX
                && service.shed_loop_delay == SimSpan::FOREVER
                && service.deadline == SimSpan::FOREVER
                && service.memory_request == 0
                && service.runtime != Runtime::Node
                && service.balance != Balance::SharedLine
                && ladder.is_none_or(|of| usize::from(of) != index);
        }
    }

    /// The service that stands in where there is none: it limits nothing.
    fn ideal(&mut self, resource: u16) -> Service {
        Service {
            name: IDEAL.to_owned(),
            resource,
            plan: None,
            runtime: Runtime::Ideal,
            cores: f64::INFINITY,
            limit: Limit::Shared,
            can_bind: false,
            processes: 1,
            instances: 1,
            boot: Sampler::constant(0.0),
            balance: Balance::RoundRobin,
            max_in_hand: u32::MAX,
            shed_loop_delay: SimSpan::FOREVER,
            shed_in_hand: u32::MAX,
            shed_retry_after: SimSpan::ZERO,
            deadline: SimSpan::FOREVER,
            cancel: false,
            trusts_proxy: true,
            proxy_addresses: 1,
            shutdown: SimSpan::ZERO,
            memory_base: 0,
            memory_request: 0,
            is_open: false,
            memory_limit: u64::MAX,
            heap_base: 0,
            heap_limit: u64::MAX,
            collection: 0.0,
            fills_memory: false,
            health: HealthConfig {
                every: SimSpan::FOREVER,
                timeout: SimSpan::FOREVER,
                out_after: SimSpan::FOREVER,
                restart_after: SimSpan::FOREVER,
            },
            health_endpoint: None,
            overlap: SimSpan::ZERO,
            give_up: SimSpan::FOREVER,
            lingers: false,
            crash_on_database_error: false,
            scaling: None,
            wait_stage: self.stage(&format!("wait.{IDEAL}"), Some(resource)),
            cpu_stage: self.stage(&format!("cpu.{IDEAL}"), Some(resource)),
            slots: Vec::new(),
            pools: Vec::new(),
            queues: Vec::new(),
            limiters: Vec::new(),
        }
    }

    fn service(&mut self, name: &str, service: &system::Service, works: bool, index: u16) -> Service {
        let plan = service.plan.as_ref().and_then(|plan| self.edition.web_plan(&plan.text));
        let cores = service
            .cores
            .or(plan.map(|plan| plan.cores.value))
            .unwrap_or(f64::INFINITY);
        let runtime = match service.runtime {
            Some(system::Runtime::Node) => Runtime::Node,
            Some(system::Runtime::Threads) => Runtime::Threads,
            Some(system::Runtime::Ideal) => Runtime::Ideal,
            None if service.plan.is_some() => Runtime::Node,
            None => Runtime::Ideal,
        };
        let processes = f64::from(service.processes);
        let (can_bind, capacity) = match runtime {
            Runtime::Node => {
                // One loop a process, and its threads beside it: never more run at once.
                let threads = if works {
                    processes * f64::from(service.threads)
                } else {
                    0.0
                };
                (cores < processes + threads, cores)
            }
            Runtime::Threads => (cores.is_finite(), cores),
            Runtime::Ideal => (false, f64::INFINITY),
        };
        // A quota is about limits below a full core; threads on whole cores share them evenly.
        let is_quota = service.cpu_limit == CpuLimit::Quota && (runtime == Runtime::Node || cores < 1.0);
        let limit = if is_quota {
            Limit::Quota {
                period: service.cpu_period,
            }
        } else {
            Limit::Shared
        };
        let words = match limits::cores(capacity) {
            Some(cores) => format!("{cores} per instance"),
            None if runtime == Runtime::Node => "one event loop per process".to_owned(),
            None => String::new(),
        };
        let capacity = capacity * f64::from(service.instances);
        let resource = self.resource(name, ResourceKind::Service, words, capacity, Some(index));
        let memory_limit = service
            .memory
            .limit
            .map(|limit| limit.get())
            .or(plan.map(|plan| plan.memory.value));
        let base = service.memory.base.get();
        let heap = service.memory.heap.map(|heap| heap.get()).or(match runtime {
            Runtime::Node => memory_limit.map(|limit| (limit / 2).min(HEAP_MAX)),
            Runtime::Threads | Runtime::Ideal => None,
        });
        Service {
            name: name.to_owned(),
            resource,
            plan: service.plan.as_ref().map(|plan| plan.text.clone()),
            runtime,
            cores,
            limit,
            can_bind,
            processes: service.processes,
            instances: service.instances,
            boot: Sampler::new(&service.boot),
            balance: service.balance,
            max_in_hand: service.max_in_hand.unwrap_or(u32::MAX),
            shed_loop_delay: service
                .shed
                .as_ref()
                .and_then(|shed| shed.loop_delay)
                .unwrap_or(SimSpan::FOREVER),
            shed_in_hand: service.shed.as_ref().and_then(|shed| shed.in_hand).unwrap_or(u32::MAX),
            shed_retry_after: service.shed.as_ref().map_or(SimSpan::ZERO, |shed| shed.retry_after),
            deadline: service.deadline.unwrap_or(SimSpan::FOREVER),
            cancel: service.cancel,
            trusts_proxy: service.trust_proxy,
            proxy_addresses: service.proxy_addresses,
            shutdown: service.deploy.shutdown,
            memory_base: base,
            memory_request: service.memory.request.get(),
            is_open: false,
            memory_limit: memory_limit.unwrap_or(u64::MAX),
            heap_base: (base as f64 * service.memory.on_heap.get() / f64::from(service.processes)) as u64,
            heap_limit: heap.unwrap_or(u64::MAX),
            collection: service.memory.collection.get(),
            fills_memory: base > 0 || service.memory.request.get() > 0,
            health: HealthConfig {
                every: service.health.every,
                timeout: service.health.timeout,
                out_after: service.health.out_after,
                restart_after: service.health.restart_after,
            },
            health_endpoint: service
                .health
                .endpoint
                .as_ref()
                .and_then(|name| self.system.endpoint.index_of(&name.text))
                .map(super::number),
            overlap: service.deploy.overlap,
            give_up: service.deploy.give_up,
            lingers: service.deploy.on_sigterm == system::OnSigterm::Linger,
            crash_on_database_error: service.crash_on_database_error,
            scaling: scaling(&service.scaling),
            wait_stage: self.stage(&format!("wait.{name}"), Some(resource)),
            cpu_stage: self.stage(&format!("cpu.{name}"), Some(resource)),
            slots: Vec::new(),
            pools: Vec::new(),
            queues: Vec::new(),
            limiters: Vec::new(),
        }
    }

    /// Which services have `work` steps to do.
    pub(super) fn with_work(&self) -> Vec<bool> {
        let system = self.system;
        let mut found = vec![false; system.service.len().max(1)];
        for (index, (_, service)) in system.service.iter().enumerate() {
            self.find_work(&service.before, super::number(index), &mut found);
        }
        for (_, endpoint) in system.endpoint.iter() {
            self.find_work(&endpoint.steps, self.service_of(endpoint.service.as_ref()), &mut found);
        }
        found
    }

    fn find_work(&self, steps: &[Step], service: u16, found: &mut [bool]) {
        for step in steps {
            match step {
                Step::Work(_) => found[usize::from(service)] = true,
                Step::Hold(hold) => self.find_work(hold.steps.as_deref().unwrap_or_default(), service, found),
                Step::Take(take) => self.find_work(take.steps.as_deref().unwrap_or_default(), service, found),
                Step::Transaction(transaction) => self.find_work(&transaction.steps, service, found),
                Step::Cache(cache) => self.find_work(&cache.miss, service, found),
                Step::Parallel(lists) => lists.iter().for_each(|list| self.find_work(list, service, found)),
                Step::Choose(branches) => {
                    branches
                        .iter()
                        .for_each(|branch| self.find_work(&branch.steps, service, found));
                }
                Step::Repeat(repeat) => self.find_work(&repeat.steps, service, found),
                Step::Retry(retry) => self.find_work(&retry.steps, service, found),
                Step::Feature(feature) => {
                    self.find_work(&feature.steps, service, found);
                    self.find_work(&feature.r#else, service, found);
                }
                Step::Later(later) => {
                    let there = later
                        .service
                        .as_ref()
                        .map_or(service, |name| self.service_of(Some(name)));
                    self.find_work(&later.steps, there, found);
                }
                Step::Limit(_)
                | Step::Cpu(_)
                | Step::Io(_)
                | Step::Query(_)
                | Step::Llm(_)
                | Step::Transcribe(_)
                | Step::Call(_)
                | Step::Fail(_) => {}
            }
        }
    }
}

fn scaling(scaling: &system::Scaling) -> Option<Scaling> {
    scaling.on.then(|| Scaling {
        config: AutoscalerConfig {
            min: scaling.min,
            max: scaling.max,
            cpu: scaling.cpu.map(|share| share.get()),
            memory: scaling.memory.map(|share| share.get()),
            every: scaling.every,
            window: scaling.window,
            down: scaling.down,
            tolerance: scaling.tolerance.get(),
            cap_signal: scaling.cap_signal,
        },
        by_demand: scaling.signal == system::Signal::Demand,
    })
}
