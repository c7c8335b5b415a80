//! A simulation's input played through the platform, and what came out of both held side by side.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use futures::future::FutureExt;
use futures::stream::StreamExt;
use highwater_host::{Host, SharedHost, VirtualHost};
use highwater_models::bundled;
use highwater_models::file::{NoFiles, Request, load_scenario};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::compile::compile;
use highwater_program::model::{Model, STAGE_CLIENT, What, When};
use highwater_server::arrival::{Arrival, Payload, Person, Piece, stays};
use highwater_server::backend::{Backend, Order};
use highwater_server::platform::Platform;
use highwater_server::stub;
use highwater_sim::measure::Record;
use highwater_sim::trace::{Arrived, Ended, Trace};
use highwater_sim::world::{Control, simulate_traced};

/// The root seed of all.
pub const SEED: u64 = 7;

fn model_of(text: &str) -> Arc<Model> {
    let loaded = load_scenario(Request::new("parity", text), &NoFiles, bundled::system);
    let plan = loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    let mut model = compile(&plan);
    // Each look at a CPU that is under way rounds what it has done by now: none for a timeline.
    model.window = SimSpan::from_secs(3600);
    Arc::new(model)
}

fn simulate(model: &Model) -> (Record, Trace) {
    let (cancel, progress) = (AtomicBool::new(false), AtomicU64::new(0));
    let control = Control {
        cancel: &cancel,
        progress: &progress,
    };
    simulate_traced(model, SEED, 0, &control).unwrap_or_else(|error| panic!("{error}"))
}

/// An attempt's end as the platform tells it.
fn ended(arrived: &Arrived, at: SimTime, answer: highwater_server::arrival::Answer) -> Ended {
    Ended {
        at,
        key: arrived.key,
        cause: answer.cause,
        retry_after: answer.retry_after,
        stages: answer
            .stages
            .into_iter()
            .filter(|&(stage, _)| stage != STAGE_CLIENT)
            .collect(),
        place: answer.place,
    }
}

/// Sends the same attempts through the platform: their ends in order, and what it counted.
fn play(model: &Arc<Model>, trace: &Trace) -> (Vec<Ended>, HashMap<String, f64>) {
    let host = VirtualHost::new();
    let shared: SharedHost = host.clone();
    let platform = Platform::new(stub::parts(model, &shared, SEED));
    let ends = Arc::new(Mutex::new(Vec::new()));
    let gone: HashMap<u64, SimTime> = trace.gone.iter().map(|&(at, key)| (key.number(), at)).collect();
    for arrived in trace.arrived.clone() {
        let (host, platform, ends) = (host.clone(), platform.clone(), ends.clone());
        let gone = gone.get(&arrived.key.number()).copied();
        host.clone().spawn(Box::pin(async move {
            host.sleep_until(arrived.at).await;
            let client = match gone {
                Some(at) => host.sleep_until(at).boxed().shared(),
                None => stays(),
            };
            let arrival = Arrival {
                endpoint: arrived.endpoint,
                person: Person {
                    user: arrived.signed_in.then(|| format!("user-{}", arrived.person).into()),
                    number: arrived.person,
                    class: arrived.class,
                    address: arrived.ip,
                },
                draws: arrived.key,
                payload: Payload {
                    conversation: Some(arrived.session.to_string()),
                    ..Payload::default()
                },
                at: arrived.at,
                gone: client,
            };
            let mut answer = platform.serve(arrival).await;
            if let Some(mut pieces) = answer.pieces.take() {
                while let Some(piece) = pieces.next().await {
                    match piece {
                        Piece::Text(_) => {}
                        Piece::Whole(stages) => answer.stages = stages,
                        Piece::Broken(cause) => answer.cause = Some(cause),
                    }
                }
            }
            let end = ended(&arrived, host.now(), answer);
            ends.lock().expect("no task panics").push(end);
        }));
    }
    for happening in &model.happenings {
        let When::At(at) = happening.when else {
            panic!("an event that waits for an alert")
        };
        let service = |number: u16| model.services[number as usize].name.clone();
        let order = match happening.what {
            What::Crash(number, count) => Order::Crash {
                service: service(number),
                count,
            },
            What::RestartService(number) => Order::Restart {
                service: service(number),
            },
            What::Deploy(number) => Order::Deploy {
                service: service(number),
            },
            What::ForgetCache(_) => Order::ClearCache,
            ref other => panic!("no order does this: {other:?}"),
        };
        let (host_of, platform) = (host.clone(), platform.clone());
        host.spawn(Box::pin(async move {
            host_of.sleep_until(at).await;
            platform.order(order).expect("it can be done");
        }));
    }
    // Counted is what the simulation measures.
    let counted = Arc::new(Mutex::new(Vec::new()));
    let (until, into) = (model.measure_to, counted.clone());
    let (host_of, platform_of) = (host.clone(), platform.clone());
    host.spawn(Box::pin(async move {
        host_of.sleep_until(until).await;
        *into.lock().expect("no task panics") = platform_of.readings();
    }));
    host.run(model.end);
    let counted = std::mem::take(&mut *counted.lock().expect("no task panics"));
    let counted = counted.into_iter().filter(|it| it.is_count && it.instance.is_none());
    let counted = counted.map(|reading| (reading.name, reading.value)).collect();
    let ends = std::mem::take(&mut *ends.lock().expect("no task panics"));
    (ends, counted)
}

fn without_stages(end: &Ended) -> Ended {
    Ended {
        stages: Vec::new(),
        ..end.clone()
    }
}

/// A difference in words: the first few.
fn differences(model: &Model, trace: &Trace, ours: &[Ended]) -> Vec<String> {
    let by_key: HashMap<u64, &Ended> = ours.iter().map(|end| (end.key.number(), end)).collect();
    let mut found = Vec::new();
    let stage = |&(stage, span): &(u16, SimSpan)| format!("{} {} ns", model.stages[stage as usize], span.nanos());
    let words = |end: &Ended| {
        let stages: Vec<String> = end.stages.iter().map(stage).collect();
        let cause = end.cause.map_or("useful", Cause::name);
        let after = end.retry_after.map(SimSpan::nanos);
        format!(
            "{} ns {cause} {after:?} {:?} [{}]",
            end.at.nanos(),
            end.place,
            stages.join(", ")
        )
    };
    let gone: HashSet<u64> = trace.gone.iter().map(|(_, key)| key.number()).collect();
    for end in &trace.ended {
        let key = end.key.number();
        match by_key.get(&key) {
            Some(&our) if our == end => {}
            // Of time after its client has gone the simulation keeps no account.
            Some(our) if gone.contains(&key) && without_stages(our) == without_stages(end) => {}
            Some(our) => found.push(format!("sim {}\nbox {}", words(end), words(our))),
            None => found.push(format!("sim {}\nbox has none", words(end))),
        }
    }
    found
}

/// Holds the platform against the simulator; how many attempts ended, and how many of them for which cause.
pub fn agree(text: &str) -> (usize, HashMap<&'static str, usize>) {
    let model = model_of(text);
    let (record, trace) = simulate(&model);
    let (ours, counted) = play(&model, &trace);
    let found = differences(&model, &trace, &ours);
    let first: Vec<&String> = found.iter().take(5).collect();
    assert!(
        found.is_empty(),
        "{} of {} attempts differ:\n{}",
        found.len(),
        trace.ended.len(),
        first.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n\n")
    );
    assert_eq!(
        ours.len(),
        trace.ended.len(),
        "none ends that does not in the simulation"
    );
    let order = |ends: &[Ended]| ends.iter().map(|end| (end.at, end.key)).collect::<Vec<_>>();
    let sorted = |ends: &[Ended]| {
        let mut order = order(ends);
        order.sort_by_key(|&(at, key)| (at, key.number()));
        order
    };
    assert_eq!(sorted(&ours), sorted(&trace.ended), "in the same order");
    for (spec, limiter) in model.limiters.iter().zip(&record.limiters) {
        let name = &model.resources[spec.resource as usize].name;
        assert_eq!(counted[&format!("{name}.accepted")], limiter.accepted as f64, "{name}");
        assert_eq!(counted[&format!("{name}.refused")], limiter.refused as f64, "{name}");
    }
    for (spec, entry) in model.entries.iter().zip(&record.entries) {
        let cache = model.caches[spec.cache as usize].resource as usize;
        let name = format!("{}.{}", model.resources[cache].name, spec.name);
        assert_eq!(counted[&format!("{name}.hits")], entry.hits as f64, "{name}");
        assert_eq!(counted[&format!("{name}.misses")], entry.misses as f64, "{name}");
        assert_eq!(counted[&format!("{name}.joined")], entry.joined as f64, "{name}");
    }
    let mut causes = HashMap::new();
    for end in &ours {
        *causes.entry(end.cause.map_or("useful", Cause::name)).or_insert(0) += 1;
    }
    (ours.len(), causes)
}
