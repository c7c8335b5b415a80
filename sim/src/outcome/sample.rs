//! A small model and its records, made by hand. The numbers are made up and belong to no system.

use highwater_models::file::system::Balance;
use highwater_models::file::{Files, Plan, Request, load_scenario};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Sampler;

use crate::measure::Record;
use highwater_models::machine::processor::Limit;
use highwater_program::model::{
    Addresses, Coming, Endpoint, Model, Resource, ResourceKind, Runtime, Service, Source, Who,
};

/// Resources by number.
pub const WEB: usize = 0;
/// See [`WEB`].
pub const POOL: usize = 1;
/// See [`WEB`].
pub const DB: usize = 2;

/// Stages by number.
pub const WAIT_WEB: u16 = 3;
/// See [`WAIT_WEB`].
pub const CPU_WEB: u16 = 4;
/// See [`WAIT_WEB`].
pub const SERVICE_DB: u16 = 5;
/// See [`WAIT_WEB`].
pub const SERVICE_LLM: u16 = 6;

/// An event loop, a pool of 20 connections, a database, a model provider; two endpoints; no steps.
pub fn model() -> Model {
    let resource = |name: &str, kind, capacity, service| Resource {
        name: name.to_owned(),
        kind,
        limit: String::new(),
        capacity,
        service,
    };
    let endpoint = |name: &str| Endpoint {
        name: name.to_owned(),
        service: 0,
        start: 0,
        signs_in: false,
        is_query: true,
        feature: None,
        sheds: true,
    };
    Model {
        endpoints: vec![endpoint("chat"), endpoint("profile")],
        classes: vec!["user".to_owned()],
        phases: vec![String::new()],
        services: vec![web()],
        resources: vec![
            resource("web", ResourceKind::Service, 1.0, Some(0)),
            resource("connections", ResourceKind::Pool, 20.0, Some(0)),
            resource("db", ResourceKind::Database, 1.0, None),
            resource("llm", ResourceKind::Provider, f64::INFINITY, None),
        ],
        stages: [
            "client",
            "backoff",
            "io",
            "wait.web",
            "cpu.web",
            "service.db",
            "service.llm",
        ]
        .map(str::to_owned)
        .to_vec(),
        stage_resource: vec![None, None, None, Some(0), Some(0), Some(2), Some(3)],
        duration: SimTime::from_nanos(100_000_000_000),
        end: SimTime::from_nanos(200_000_000_000),
        measure_to: SimTime::from_nanos(100_000_000_000),
        window: SimSpan::from_secs(1),
        ..Model::default()
    }
}

fn web() -> Service {
    Service {
        plan: None,
        name: "web".to_owned(),
        resource: 0,
        runtime: Runtime::Node,
        cores: 1.0,
        limit: Limit::Shared,
        can_bind: true,
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
        health: highwater_models::machine::health::HealthConfig {
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
        wait_stage: WAIT_WEB,
        cpu_stage: CPU_WEB,
        slots: Vec::new(),
        pools: Vec::new(),
        queues: Vec::new(),
        limiters: Vec::new(),
    }
}

/// Makes the load one of two phases.
pub fn add_phases(model: &mut Model) {
    model.sources.push(Source {
        name: "load".to_owned(),
        coming: Coming::At(Vec::new()),
        batch: None,
        who: Who::New,
        people_of: 0,
        addresses: Addresses::Count(1),
        classes: Vec::new(),
        strangers: None,
        flows: Vec::new(),
        client: 0,
        signed_in: 0.0,
        first_phase: 0,
        phase_ends: vec![SimTime::from_nanos(50_000_000_000), model.duration],
    });
}

/// So many requests of the first endpoint, of which so many failed for want of a connection and the others took a second.
pub fn record(model: &Model, offered: u64, failed: u64) -> Record {
    let mut record = Record::new(model);
    let cell = record.cell(0, 0, 0);
    cell.offered = offered;
    cell.useful = offered - failed;
    cell.failed = failed;
    cell.by_cause[Cause::PoolTimeout as usize] = failed;
    for _ in 0..offered - failed {
        cell.latency.record(1_000_000_000);
    }
    record
}

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("no such file".to_owned())
    }
}

/// A plan of one endpoint on 2 servers, with these lines of a scenario before its system.
pub fn plan(lines: &str) -> Plan {
    let text = format!(
        r#"{lines}
[load]
rate = 5.0
[system.pool.servers]
max = 2
[system.endpoint.e]
steps = [ {{ take = {{ from = "servers", for = {{ dist = "exponential", mean = "100ms" }} }} }} ]
"#
    );
    let loaded = load_scenario(Request::new("sample", text), &NoFiles, |_| None);
    loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}
