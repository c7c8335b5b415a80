//! Hand-made summaries that the tests of every face share. The numbers are made up and belong to no system.

use highwater_models::record::figures::{Estimate, Figure, FigureKind, Path, Unit};
use highwater_models::record::summary::{
    Bottleneck, FirstFailure, LogEntry, Objective, Recovery, Resource, Summary, Warning,
};
use highwater_models::record::timeline::{Stretch, Timeline};

/// A value with an interval of plus and minus two per cent.
pub fn near(value: f64) -> Estimate {
    Estimate {
        value,
        low: Some(value * 0.98),
        high: Some(value * 1.02),
    }
}

pub fn set(summary: &mut Summary, names: &[&str], unit: Unit, value: f64) {
    let kind = if unit == Unit::Count {
        FigureKind::Count
    } else {
        FigureKind::Estimate
    };
    summary.figures.insert(
        Path::new(names),
        Figure {
            kind,
            unit,
            estimate: near(value),
            samples: Vec::new(),
        },
    );
}

pub fn objective(name: &str, target: f64, unit: Unit, value: f64, met: Option<bool>) -> Objective {
    Objective {
        name: name.to_owned(),
        target,
        at_most: true,
        unit,
        value: near(value),
        met,
    }
}

pub fn bottleneck(resource: &str, kind: &'static str, limit: &str, first_at: f64) -> Bottleneck {
    Bottleneck {
        resource: resource.to_owned(),
        kind,
        limit: limit.to_owned(),
        first_at: near(first_at),
        replications: 10,
        utilization: 0.99,
        latency_share: f64::NAN,
        latency_share_slowest: f64::NAN,
        because_of: None,
    }
}

pub fn failure(cause: &'static str, resource: &str, endpoint: &str, first_at: f64, share: f64) -> FirstFailure {
    FirstFailure {
        cause,
        resource: Some(resource.to_owned()),
        endpoint: endpoint.to_owned(),
        first_at: near(first_at),
        replications: 10,
        share,
    }
}

/// Two resources, no objectives, nothing wrong.
pub fn calm() -> Summary {
    let mut summary = Summary {
        scenario: "quiet-day".to_owned(),
        title: "A quiet day".to_owned(),
        question: "Does the smallest plan carry a quiet day?".to_owned(),
        system: "A product".to_owned(),
        version: "0.1.0".to_owned(),
        model_hash: "9f3c".to_owned(),
        seed: 1,
        replications: 10,
        simulated_seconds: 1800.0,
        events: 1_234_567,
        measured: (0.0, 1800.0),
        resources: vec![
            Resource {
                name: "web".to_owned(),
                kind: "service",
                limit: "0.5 CPU per instance".to_owned(),
            },
            Resource {
                name: "connections".to_owned(),
                kind: "pool",
                limit: "20 connections per process".to_owned(),
            },
        ],
        ..Summary::default()
    };
    for (names, unit, value) in [
        (&["requests", "offered"][..], Unit::Count, 10_000.0),
        (&["requests", "useful"], Unit::Count, 10_000.0),
        (&["requests", "failed"], Unit::Count, 0.0),
        (&["requests", "abandoned"], Unit::Count, 0.0),
        (&["requests", "in_flight"], Unit::Count, 0.0),
        (&["goodput"], Unit::PerSecond, 5.55),
        (&["latency", "mean"], Unit::Seconds, 0.31),
        (&["latency", "p50"], Unit::Seconds, 0.2),
        (&["latency", "p95"], Unit::Seconds, 1.2),
        (&["latency", "p99"], Unit::Seconds, 1.9),
        (&["errors", "rate"], Unit::Share, 0.0),
        (&["resources", "web", "utilization"], Unit::Share, 0.62),
        (&["resources", "web", "queue", "mean"], Unit::Count, 1.4),
        (&["resources", "web", "queue", "max"], Unit::Count, 12.0),
        (&["resources", "web", "wait", "p95"], Unit::Seconds, 0.06),
        (&["resources", "connections", "utilization"], Unit::Share, 0.21),
    ] {
        set(&mut summary, names, unit, value);
    }
    summary
}

/// A busy event loop in front of a full pool: requests fail and it does not come back.
pub fn broken() -> Summary {
    let mut summary = calm();
    summary.scenario = "spike".to_owned();
    summary.title = "A spike".to_owned();
    summary.question = "Does the smallest plan carry a spike?".to_owned();
    for (names, unit, value) in [
        (&["requests", "offered"][..], Unit::Count, 10_000.0),
        (&["requests", "useful"], Unit::Count, 8_400.0),
        (&["requests", "failed"], Unit::Count, 1_430.0),
        (&["requests", "abandoned"], Unit::Count, 170.0),
        (&["wasted"], Unit::Count, 150.0),
        (&["latency", "p95"], Unit::Seconds, 8.4),
        (&["errors", "rate"], Unit::Share, 0.143),
        (&["errors", "by_cause", "pool_timeout"], Unit::Count, 1_430.0),
        (
            &["endpoints", "aiChat.sendMessage", "requests", "offered"],
            Unit::Count,
            8_000.0,
        ),
        (
            &["endpoints", "aiChat.sendMessage", "requests", "useful"],
            Unit::Count,
            6_500.0,
        ),
        (
            &["endpoints", "aiChat.sendMessage", "latency", "p50"],
            Unit::Seconds,
            2.0,
        ),
        (
            &["endpoints", "aiChat.sendMessage", "latency", "p95"],
            Unit::Seconds,
            8.6,
        ),
        (
            &["endpoints", "aiChat.sendMessage", "errors", "rate"],
            Unit::Share,
            0.17,
        ),
        (
            &["endpoints", "user.profile", "requests", "offered"],
            Unit::Count,
            2_000.0,
        ),
        (&["endpoints", "user.profile", "latency", "p95"], Unit::Seconds, 3.1),
        (&["resources", "web", "utilization"], Unit::Share, 0.99),
        (&["breakdown", "all", "wait.web"], Unit::Seconds, 1.0),
        (&["breakdown", "all", "cpu.web"], Unit::Seconds, 0.25),
        (&["breakdown", "slowest", "wait.web"], Unit::Seconds, 7.0),
        (&["breakdown", "slowest", "cpu.web"], Unit::Seconds, 0.5),
    ] {
        set(&mut summary, names, unit, value);
    }
    summary.objectives = vec![
        objective("p95", 2.0, Unit::Seconds, 8.4, Some(false)),
        objective("error_rate", 0.01, Unit::Share, 0.143, Some(false)),
        objective("llm_rate_limit_errors", 0.0, Unit::Count, 0.0, Some(true)),
    ];
    let mut pool = bottleneck("connections", "pool", "20 connections per process", 192.0);
    pool.because_of = Some("web".to_owned());
    summary.bottlenecks = vec![bottleneck("web", "service", "0.5 CPU per instance", 150.0), pool];
    summary.failures = vec![failure(
        "pool_timeout",
        "connections",
        "aiChat.sendMessage",
        192.0,
        0.143,
    )];
    summary.recovery = Recovery::Never;
    summary.log = vec![LogEntry {
        at: 60.0,
        subject: "web".to_owned(),
        text: "1 to 2 instances: cpu 98 % against a target of 70 %".to_owned(),
    }];
    summary.warnings = vec![Warning {
        id: "still-growing",
        text: "The line before web was still growing at the end: a longer run gives longer waits.".to_owned(),
    }];
    summary
}

/// Twelve windows of ten seconds: a rise, a fault, failures, and a last window that says nothing.
pub fn timeline() -> Timeline {
    let columns = [
        "offered",
        "succeeded",
        "failed",
        "latency_mean",
        "latency_p95",
        "users",
        "web.queue",
        "web.utilization",
        "web.instances",
        "pool_timeout",
    ];
    let row = |window: usize| {
        let load = (window as f64 + 1.0) * 100.0;
        let failed = if window > 5 { load / 4.0 } else { 0.0 };
        let latency = if window == 3 {
            f64::NAN
        } else {
            0.2 * (window as f64 + 1.0)
        };
        let instances = if window > 6 { 2.0 } else { 1.0 };
        vec![
            load,
            load - failed,
            failed,
            latency,
            latency * 3.0,
            load / 5.0,
            failed / 10.0,
            (load / 800.0).min(1.0),
            instances,
            failed,
        ]
    };
    let rows: Vec<Vec<f64>> = (0..12).map(row).collect();
    let stretch = |name: &str, from: f64, to: f64| Stretch {
        name: name.to_owned(),
        from,
        to,
    };
    Timeline {
        window: 10.0,
        columns: columns.map(str::to_owned).to_vec(),
        ranges: rows
            .iter()
            .map(|row| row.iter().map(|value| (value * 0.9, value * 1.1)).collect())
            .collect(),
        rows,
        phases: vec![stretch("rise", 0.0, 60.0), stretch("peak", 60.0, 120.0)],
        faults: vec![stretch("postgres down", 60.0, 80.0)],
    }
}
