//! The load generator against the simulator: the same people come at the same moments and want the same things, and where
//! the server is the simulator's own model, the same comes of it. With the platform that the reference server runs, on a
//! virtual clock, to the nanosecond; over sockets as far as answers do not decide it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::{BoxFuture, FutureExt};
use futures::stream::StreamExt;
use highwater_host::{SharedHost, VirtualHost};
use highwater_loadtest::files;
use highwater_loadtest::log::{Ending, Log};
use highwater_loadtest::outcome::{Basis, Facts, outcome};
use highwater_loadtest::player::{Bounds, Player};
use highwater_loadtest::transport::{Attempt, Exchange, Head, Line, Lost, Rest, Transport};
use highwater_models::SimTime;
use highwater_models::file::{NoFiles, Plan, Request, load_scenario};
use highwater_program::compile::compile;
use highwater_program::model::Model;
use highwater_report::read;
use highwater_server::arrival::{Arrival, Payload, Person, Piece};
use highwater_server::backend::Backend;
use highwater_server::platform::Platform;
use highwater_server::stub;
use highwater_sim::compare::Origin;
use highwater_sim::experiment::{self, Options, RequestOutcome, RequestRow};
use highwater_workload::Key;

const SEED: u64 = 7;

fn plan_of(text: &str) -> Plan {
    let loaded = load_scenario(Request::new("load", text), &NoFiles, |_| None);
    loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn simulated(plan: &Plan) -> Vec<RequestRow> {
    let options = Options {
        seed: Some(SEED),
        replications: Some(1),
        jobs: 1,
        requests: true,
    };
    let outcome = experiment::run(plan, &options, &|_: f64| {}).unwrap_or_else(|error| panic!("{error}"));
    outcome.requests.expect("they were asked for").rows
}

/// The platform in this process.
struct InProcess {
    platform: Arc<Platform>,
    host: SharedHost,
    sessions: AtomicU64,
}

struct InProcessLine {
    platform: Arc<Platform>,
    host: SharedHost,
    session: u64,
}

impl Transport for InProcess {
    fn line(&self) -> Arc<dyn Line> {
        Arc::new(InProcessLine {
            platform: Arc::clone(&self.platform),
            host: Arc::clone(&self.host),
            session: self.sessions.fetch_add(1, Ordering::Relaxed),
        })
    }
}

impl Line for InProcessLine {
    fn send(&self, attempt: Attempt) -> BoxFuture<'static, Result<Exchange, Lost>> {
        let (goes, gone) = futures::channel::oneshot::channel::<()>();
        let arrival = Arrival {
            endpoint: attempt.endpoint,
            person: Person {
                user: attempt.signed_in.then(|| format!("user-{}", attempt.person).into()),
                number: attempt.person,
                class: attempt.class,
                address: attempt.ip,
            },
            draws: attempt.draws,
            payload: Payload {
                conversation: Some(self.session.to_string()),
                ..Payload::default()
            },
            at: self.host.now(),
            gone: gone.map(|_| ()).boxed().shared(),
        };
        // The work goes on without its client, as behind the server's sockets.
        let work = Arc::clone(&self.platform).serve(arrival);
        let (says, said) = futures::channel::oneshot::channel();
        self.host.spawn(
            async move {
                // Nobody listens any more where the client has given up.
                let _ = says.send(work.await);
            }
            .boxed(),
        );
        async move {
            let answer = said.await.expect("the work ends");
            let head = Head {
                cause: answer.cause,
                strange: None,
                stages: answer.stages.clone(),
                retry_after: answer.retry_after,
            };
            let pieces = answer.pieces;
            let rest = async move {
                let mut rest = Rest::default();
                if let Some(mut pieces) = pieces {
                    while let Some(piece) = pieces.next().await {
                        match piece {
                            Piece::Text(_) => {}
                            Piece::Whole(stages) => rest.stages = Some(stages),
                            Piece::Broken(cause) => rest.cause = Some(cause),
                        }
                    }
                }
                drop(goes);
                rest
            };
            Ok(Exchange {
                head,
                rest: rest.boxed(),
            })
        }
        .boxed()
    }
}

fn in_process(model: &Arc<Model>, host: SharedHost) -> Arc<dyn Transport> {
    Arc::new(InProcess {
        platform: Platform::new(stub::parts(model, &host, SEED)),
        host,
        sessions: AtomicU64::new(0),
    })
}

fn played_with(
    plan: &Plan,
    transport: impl Fn(&Arc<Model>, SharedHost) -> Arc<dyn Transport>,
    bounds: Bounds,
) -> (Log, Arc<Model>) {
    let model = Arc::new(compile(plan));
    let host = VirtualHost::new();
    let shared: SharedHost = host.clone();
    let transport = transport(&model, shared.clone());
    let root = Key::root(SEED, 0);
    let player = Player::new(Arc::clone(&model), root, shared.clone(), transport, bounds);
    let seen = Arc::new(Mutex::new(None));
    let (seen_of, play) = (Arc::clone(&seen), player.play());
    shared.spawn(
        async move {
            let log = play.await;
            *seen_of.lock().expect("no task panics") = Some(log.0);
        }
        .boxed(),
    );
    host.run(SimTime::NEVER);
    let log = seen.lock().expect("no task panics").take().expect("it has ended");
    (log, model)
}

/// Plays a scenario both ways; how many requests there were, and how many of them did not end well.
fn agree(text: &str) -> (usize, usize) {
    let plan = plan_of(text);
    let theirs = simulated(&plan);
    let (log, _) = played_with(&plan, in_process, Bounds::default());
    let mut ours: Vec<_> = log.rows.iter().filter(|row| row.ending != Ending::InFlight).collect();
    let mut theirs: Vec<_> = theirs.iter().collect();
    // Which of two sessions asks first at one instant is neither's business.
    ours.sort_by_key(|row| (row.at, row.source, row.session, row.endpoint));
    theirs.sort_by(|a, b| {
        a.at.total_cmp(&b.at)
            .then((a.source, a.session, a.endpoint).cmp(&(b.source, b.session, b.endpoint)))
    });
    for (number, (our, their)) in ours.iter().zip(&theirs).enumerate() {
        let outcome = match our.ending {
            Ending::Useful => RequestOutcome::Useful,
            Ending::Failed => RequestOutcome::Failed,
            Ending::Abandoned => RequestOutcome::Abandoned,
            Ending::InFlight => RequestOutcome::InFlight,
        };
        let of_ours = (
            (our.at.seconds(), our.source, our.session, our.user, our.ip),
            (u16::from(our.class), our.endpoint, outcome, our.cause),
            (our.latency.nanos() as f64 / 1e9, our.attempts),
        );
        let of_theirs = (
            (their.at, their.source, their.session, their.user, their.ip),
            (their.class, their.endpoint, their.outcome, their.cause),
            (their.latency, their.attempts),
        );
        assert_eq!(of_ours, of_theirs, "request {number}: ours, then the simulation's");
        if our.ending == Ending::Useful && our.attempts == 1 {
            for (stage, &seconds) in their.stages.iter().enumerate() {
                let own = our.stages.iter().find(|(own, _)| usize::from(*own) == stage);
                let own = own.map_or(0.0, |(_, span)| span.seconds());
                assert!(
                    (own - seconds).abs() < 1e-9,
                    "request {number}, stage {stage}: {own} s, simulated {seconds} s"
                );
            }
        }
    }
    assert_eq!(ours.len(), theirs.len());
    let bad = theirs
        .iter()
        .filter(|row| row.outcome != RequestOutcome::Useful)
        .count();
    (theirs.len(), bad)
}

const SYSTEM: &str = r#"
[system.service.web]
cores   = 1
runtime = "node"
SHED
[system.endpoint.browse]
kind  = "query"
steps = [ { cpu = { dist = "exponential", mean = "8ms" } } ]
[system.endpoint.write]
kind  = "mutation"
steps = [ { cpu = "3ms" }, { io = { dist = "exponential", mean = "120ms" } }, { cpu = "2ms" } ]
"#;

fn scenario(head: &str, shed: &str) -> String {
    format!(
        "duration = \"60s\"\nseed = {SEED}\n{head}{}",
        SYSTEM.replace("SHED", shed)
    )
}

// Lost if broken: a comparison of a measured run with a simulation would compare different people.
#[test]
fn an_open_stream_with_thoughts_choices_and_loops() {
    let (requests, _) = agree(&scenario(
        r#"
[load]
rate          = 6
people        = { count = 500, pick = "in_order" }
people_per_ip = 3
[system.client.browser]
rtt = { dist = "exponential", mean = "40ms" }
[system.flow.visit]
steps = [
  { request = "browse" },
  { think = { dist = "exponential", mean = "2s" } },
  { repeat = { times = { dist = "geometric", mean = 2 }, steps = [ { request = "write" }, { think = "500ms" } ] } },
  { choose = [ { weight = 2, steps = [ { request = "browse" } ] }, { weight = 1, steps = [ { request = "write" } ] } ] },
  { parallel = [ [ { request = "browse" } ], [ { think = "1s" }, { request = "write" } ] ] },
]
"#,
        "",
    ));
    assert!(requests > 1500, "{requests}");
}

// Lost if broken: retries, time-outs and impatience of a measured run are not those of the model.
#[test]
fn clients_that_give_up_come_back_and_press_again() {
    let (requests, bad) = agree(&scenario(
        r#"
[load]
rate = 66
[system.client.browser]
rtt          = { dist = "exponential", mean = "30ms" }
timeout      = "2s"
patience     = { dist = "exponential", mean = "4s" }
resend       = { probability = 0.3, after = { dist = "exponential", mean = "1s" } }
retry        = { max = 2, wait = { base = "200ms", jitter = "full" } }
retry_kinds  = ["query", "mutation"]
retry_budget = 0.2
retry_on     = ["client_timeout", "shed"]
[system.flow.visit]
steps = [ { request = "browse" }, { request = "write" } ]
"#,
        "shed = { in_hand = 60 }",
    ));
    assert!(requests > 3000 && bad > 100, "{requests} requests, {bad} bad");
}

// Lost if broken: so many users at once would not be the simulation's.
#[test]
fn a_closed_stream_follows_its_level() {
    let (requests, _) = agree(&scenario(
        r#"
[load]
users = { from = 1, to = 20 }
[system.flow.visit]
steps = [ { think = { dist = "exponential", mean = "1s" } }, { request = "browse" } ]
"#,
        "",
    ));
    assert!(requests > 300, "{requests}");
}

/// A server without a network: it answers at once, but for one second in which it does nothing.
struct Stalls(SharedHost, f64, f64);

impl Transport for Stalls {
    fn line(&self) -> Arc<dyn Line> {
        Arc::new(Self(Arc::clone(&self.0), self.1, self.2))
    }
}

impl Line for Stalls {
    fn send(&self, _: Attempt) -> BoxFuture<'static, Result<Exchange, Lost>> {
        let now = self.0.now();
        let is_stalled = now.seconds() >= self.1 && now.seconds() < self.2;
        let end = SimTime::from_nanos((self.2 * 1e9) as u64);
        let wait = self.0.sleep_until(if is_stalled { end } else { now });
        async move {
            wait.await;
            Ok(Exchange {
                head: Head::default(),
                rest: async { Rest::default() }.boxed(),
            })
        }
        .boxed()
    }
}

// Lost if broken: a server that stalls would look well, because those who were to ask meanwhile are not sent, or are
// counted from when they were. With 50 a second, even, all those of one second of ten wait for what is left of it.
#[test]
fn a_stall_is_seen_by_all_who_were_to_ask_meanwhile() {
    let plan = plan_of(
        r#"
duration = "10s"
[load]
rate    = 50
spacing = "even"
[system.service.web]
[system.endpoint.job]
steps = [ { io = "1ms" } ]
[system.flow.one]
steps = [ { request = "job" } ]
"#,
    );
    let (log, _) = played_with(&plan, |_, host| Arc::new(Stalls(host, 5.0, 6.0)), Bounds::default());
    let mut latencies: Vec<f64> = log.rows.iter().map(|row| row.latency.seconds()).collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[(share * latencies.len() as f64).ceil() as usize - 1];
    assert_eq!(at(0.89), 0.0);
    assert!((at(0.95) - 0.5).abs() < 0.03, "{}", at(0.95));
    assert!((at(0.99) - 0.9).abs() < 0.03, "{}", at(0.99));
}

// Lost if broken: a mistake in a rate would send for ever; or the same run twice would not be the same.
#[test]
fn a_run_ends_at_its_bound_and_is_the_same_each_time() {
    let plan = plan_of(&scenario(
        "[load]\nrate = 20\n[system.flow.visit]\nsteps = [ { request = \"browse\" } ]\n",
        "",
    ));
    let bounds = Bounds {
        requests: 100,
        load_factor: 3.0,
    };
    let run = || played_with(&plan, in_process, bounds).0.rows;
    let (one, other) = (run(), run());
    assert_eq!(one.len(), 100);
    assert_eq!(one, other);
    // Three times as many came: the hundredth after about 1.7 s. Five standard deviations of a Poisson count are 50.
    let last = one.last().expect("there are some").at.seconds();
    assert!((0.8..2.6).contains(&last), "{last}");
}

// Lost if broken: what a load test leaves is read by no other command, or read as something else.
#[test]
fn a_measured_run_is_read_as_one() {
    let plan = plan_of(&scenario(
        "[load]\nrate = 40\n[system.flow.visit]\nsteps = [ { request = \"browse\" } ]\n[objectives]\np95 = \"1s\"\nerrors = { shed = 0 }\n",
        "",
    ));
    let (log, model) = played_with(&plan, in_process, Bounds::default());
    let facts = Facts {
        target: "http://127.0.0.1:1".to_owned(),
        time_scale: 2.0,
        load_factor: 1.0,
        shared_luck: true,
        repeats: 1,
        stopped: None,
        connections: (1, 0),
        without_token: 0,
    };
    let found = outcome(&plan, &model, &log, &facts);
    let Basis::Batches(batches) = found.basis else {
        panic!("a steady run of 2400 requests has batches: {:?}", found.basis)
    };
    assert!(batches >= 10);
    let text = format!("{:#}", files::summary(&found, &facts));
    let (read, origin) = read::summary(&text, None).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(origin, Origin::Measurement);
    assert_eq!(
        (read.load_hash.as_str(), read.seed, read.replications),
        (found.summary.load_hash.as_str(), SEED, 1)
    );
    assert_eq!(read.objectives, found.summary.objectives);
    assert_eq!(read.objectives[1].met, Some(true), "none was shed");
    for (path, figure) in found.summary.figures.iter() {
        let other = read.figures.at(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!((other.kind, other.unit), (figure.kind, figure.unit), "{path}");
        assert_eq!(
            other.estimate.value.to_bits(),
            figure.estimate.value.to_bits(),
            "{path}"
        );
    }
    let told = read::facts(&text);
    assert_eq!(
        (told.target.as_str(), told.time_scale, told.lateness),
        ("http://127.0.0.1:1", 2.0, 0.0)
    );
    let mut rows = Vec::new();
    files::requests(&log, &model, &mut rows).expect("a vector takes everything");
    let requests = read::requests(rows.as_slice()).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(requests.damage, None);
    // The same figures as the simulation's where both have them: the server was its model.
    let options = Options {
        seed: Some(SEED),
        replications: Some(1),
        jobs: 1,
        requests: false,
    };
    let theirs = experiment::run(&plan, &options, &|_: f64| {}).unwrap_or_else(|error| panic!("{error}"));
    for path in [
        &["requests", "offered"][..],
        &["requests", "useful"],
        &["requests", "completed"],
        &["attempts", "offered"],
        &["sessions", "completed"],
        &["goodput"],
        &["latency", "mean"],
        &["latency", "max"],
        &["latency_server", "mean"],
        &["endpoints", "browse", "latency", "mean"],
        &["breakdown", "all", "cpu.web"],
    ] {
        let (own, their) = (found.summary.figures.value(path), theirs.summary.figures.value(path));
        assert!(
            (own - their).abs() <= 1e-9 * their.abs(),
            "{path:?}: {own}, simulated {their}"
        );
    }
}
