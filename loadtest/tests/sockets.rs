//! The load generator over sockets, against a small server in this process that does what it is told: answers, breaks off,
//! talks nonsense, or says nothing. No test looks at how long anything took.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use highwater_host::{SharedHost, WallHost};
use highwater_loadtest::files;
use highwater_loadtest::log::{Ending, Log};
use highwater_loadtest::outcome::{self, Facts};
use highwater_loadtest::player::{Bounds, Player, Stop};
use highwater_loadtest::transport::connection::{Connections, Keep};
use highwater_loadtest::transport::http::{Http, Identity};
use highwater_models::Cause;
use highwater_models::file::{NoFiles, Plan, Request, load_scenario};
use highwater_program::compile::compile;
use highwater_program::model::Model;
use highwater_workload::Key;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
#[derive(Clone)]
enum Does {
    /// Answers with these bytes, and keeps the connection.
    Says(String),
    /// Answers with these bytes and closes the connection.
    Breaks(String),
    /// Waits for ever.
    Hangs,
}

/// What it has seen.
#[derive(Default)]
struct Seen {
    heads: Mutex<Vec<String>>,
    open: AtomicUsize,
    most: AtomicUsize,
    connections: AtomicUsize,
}

fn good() -> Does {
    let body = r#"{"result":{"data":{"conversation":"c1"}}}"#;
    Does::Says(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-highwater-cause: none\r\nserver-timing: io;dur=2.5\r\n\r\n{body}",
        body.len()
    ))
}

async fn serve(does: Does) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::new(Seen::default());
    let of_server = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, does) = (Arc::clone(&of_server), does.clone());
            tokio::spawn(async move {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let open = seen.open.fetch_add(1, Ordering::SeqCst) + 1;
                seen.most.fetch_max(open, Ordering::SeqCst);
                // A client that goes is no matter here.
                let _ = connection(stream, &seen, &does).await;
                seen.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (address, seen)
}

async fn connection(mut stream: TcpStream, seen: &Seen, does: &Does) -> std::io::Result<()> {
    let mut text = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&text[..end]).into_owned();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
                if text.len() >= end + 4 + length {
                    seen.heads.lock().expect("nobody panics").push(head);
                    break end + 4 + length;
                }
            }
            if stream.read_buf(&mut text).await? == 0 {
                return Ok(());
            }
        };
        text.drain(..end);
        match does {
            Does::Says(answer) => stream.write_all(answer.as_bytes()).await?,
            Does::Breaks(answer) => return stream.write_all(answer.as_bytes()).await,
            Does::Hangs => loop {
                if stream.read_buf(&mut text).await? == 0 {
                    return Ok(());
                }
            },
        }
    }
}

fn plan(client: &str) -> Plan {
    let text = format!(
        r#"
duration = "20s"
drain    = "5s"
[load]
rate    = 2
spacing = "even"
people  = {{ pick = "new" }}
[system.client.browser]
{client}
[system.service.web]
[system.endpoint."chat.read"]
kind  = "query"
steps = [ {{ io = "1ms" }} ]
[system.endpoint."chat.send"]
steps = [ {{ io = "1ms" }} ]
[system.flow.visit]
steps = [ {{ request = "chat.send" }}, {{ request = "chat.read" }}, {{ request = ["chat.read", "chat.send"] }} ]
"#
    );
    let loaded = load_scenario(Request::new("sockets", &text), &NoFiles, |_| None);
    loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

struct Played {
    log: Log,
    early: Option<Stop>,
    model: Arc<Model>,
    held_up: u64,
}

/// Twenty seconds of the system in a fifth of one.
async fn play(plan: &Plan, address: SocketAddr, keep: Keep, most: usize, bounds: Bounds) -> Played {
    let model = Arc::new(compile(plan));
    let host: SharedHost = WallHost::new(100.0).expect("a thread");
    let connections = Arc::new(Connections::new(vec![address], keep, most));
    let identity = Identity {
        shared_luck: true,
        ..Identity::default()
    };
    let transport = Http::new(&model, identity, address.to_string(), 100.0, Arc::clone(&connections));
    let root = Key::root(plan.scenario.seed, 0);
    let player = Player::new(Arc::clone(&model), root, host, Arc::new(transport), bounds);
    let (log, early) = player.play().await;
    Played {
        log,
        early,
        model,
        held_up: connections.held_up.load(Ordering::Relaxed),
    }
}

async fn against(does: Does, client: &str) -> (Played, Arc<Seen>) {
    let (address, seen) = serve(does).await;
    let played = play(&plan(client), address, Keep::Session, 1000, Bounds::default()).await;
    (played, seen)
}

fn causes(log: &Log) -> HashSet<Option<Cause>> {
    log.rows.iter().map(|row| row.cause).collect()
}

// Lost if broken: the server draws other luck than the simulator, counts everybody as one, or begins a conversation anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_told_who_asks_and_what_they_draw() {
    let (played, seen) = against(good(), "").await;
    let rows = &played.log.rows;
    // The first at once, then every half second, before the load ends; three requests each.
    assert_eq!(rows.len(), 3 * 40);
    assert_eq!(causes(&played.log), HashSet::from([None]));
    assert!(rows.iter().all(|row| row.attempts == 1 && row.first_byte.is_some()));
    let heads = seen.heads.lock().expect("nobody panics");
    let header = |head: &str, name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        line.unwrap_or_else(|| panic!("no {name} in {head}"))
    };
    let draws: HashSet<String> = heads.iter().map(|head| header(head, "x-highwater-draws: ")).collect();
    assert_eq!(draws.len(), rows.len(), "no two attempts draw the same");
    let key = Key::root(1, 0)
        .purpose(highwater_workload::stream::Purpose::Session)
        .child(0);
    let first = highwater_program::crowd::attempt_key(highwater_program::crowd::request_key(key, 0), 0);
    assert!(draws.contains(&format!("{:016x}", first.number())));
    let people: HashSet<String> = heads.iter().map(|head| header(head, "x-highwater-person: ")).collect();
    assert_eq!(people.len(), 40);
    let paths: HashSet<&str> = heads.iter().filter_map(|head| head.split(' ').nth(1)).collect();
    assert!(
        paths.contains("/api/trpc/chat.send") && paths.contains("/api/trpc/chat.read,chat.send?batch=1"),
        "{paths:?}"
    );
    let query = paths.iter().find(|path| path.starts_with("/api/trpc/chat.read?input="));
    assert!(
        query.is_some_and(|path| path.contains("conversationId%22%3A%22c1%22")),
        "{query:?}"
    );
    assert_eq!(seen.connections.load(Ordering::SeqCst), 40, "one for each session");
    let io = played
        .model
        .stages
        .iter()
        .position(|name| name == "io")
        .expect("a stage");
    let spent = |row: &highwater_loadtest::log::Row| {
        row.stages
            .iter()
            .find(|(stage, _)| usize::from(*stage) == io)
            .map(|(_, span)| span.seconds())
    };
    assert!(
        rows.iter().all(|row| spent(row) == Some(0.0025)),
        "what the server says of its time"
    );
}

// Lost if broken: a server that breaks down is taken for one that answers, or ends the generator.
#[tokio::test(flavor = "multi_thread")]
async fn broken_answers_are_lost_ones() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nnot all of it";
    for does in [
        Does::Breaks(String::new()),
        Does::Breaks("no HTTP at all\r\n\r\n".to_owned()),
        Does::Breaks(half.to_owned()),
        Does::Breaks("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: start\ndata: {}\n\n".to_owned()),
    ] {
        let (played, _) = against(does, "").await;
        assert_eq!(causes(&played.log), HashSet::from([Some(Cause::InstanceLost)]));
        assert!(played.log.rows.iter().all(|row| row.ending == Ending::Failed));
    }
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address");
    let played = play(&plan(""), gone, Keep::Session, 1000, Bounds::default()).await;
    assert_eq!(causes(&played.log), HashSet::from([Some(Cause::InstanceLost)]));
    assert!(played.log.readings.iter().all(|reading| reading.first_byte.is_none()));
}

// Lost if broken: refusals are not told apart, or what the server says that we do not know is not told at all.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_causes() {
    for (status, cause, expected) in [
        ("429 Too Many Requests", "rate_limited", Cause::RateLimited),
        ("500 Internal Server Error", "pool_timeout", Cause::PoolTimeout),
        ("503 Service Unavailable", "connections_full", Cause::Shed),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nx-highwater-cause: {cause}\r\n\r\n{{}}");
        let (played, _) = against(Does::Says(answer), "").await;
        assert_eq!(causes(&played.log), HashSet::from([Some(expected)]));
        assert_eq!(played.log.strange.contains_key(cause), cause == "connections_full");
        assert!(
            played.log.readings.iter().all(|reading| reading.first_byte.is_some()),
            "an answer all the same"
        );
    }
}

// Lost if broken: a server that never answers holds the generator for ever, or retries are not counted.
#[tokio::test(flavor = "multi_thread")]
async fn clients_give_up_on_a_server_that_never_answers() {
    let client = r#"
timeout     = "1s"
retry       = { max = 2, wait = { base = "100ms" } }
retry_kinds = ["query", "mutation"]
retry_on    = ["client_timeout"]
"#;
    let (played, seen) = against(Does::Hangs, client).await;
    assert_eq!(causes(&played.log), HashSet::from([Some(Cause::ClientTimeout)]));
    let rows = &played.log.rows;
    assert_eq!(rows.len(), 40, "whoever gives up asks for nothing more");
    assert!(
        rows.iter()
            .all(|row| row.ending == Ending::Abandoned && row.attempts == 3)
    );
    // Three times a second and the two waits, to the nanosecond: reckoned from what was to be.
    assert!(rows.iter().all(|row| row.latency.nanos() == 3_300_000_000));
    assert_eq!(played.log.readings.len(), 3 * 40);
    assert!(seen.heads.lock().expect("nobody panics").len() <= 3 * 40);
    // Without a client's time-out the run ends when its time is over, with all in hand.
    let (played, _) = against(Does::Hangs, "").await;
    let in_hand = |row: &highwater_loadtest::log::Row| row.ending == Ending::InFlight && row.attempts == 1;
    assert!(played.log.rows.iter().all(in_hand));
    assert_eq!(played.early, None);
}

// Lost if broken: a load test takes more of the machine than it was allowed to.
#[tokio::test(flavor = "multi_thread")]
async fn bounds_hold() {
    let (address, seen) = serve(good()).await;
    let played = play(&plan(""), address, Keep::None, 1, Bounds::default()).await;
    assert_eq!(played.log.rows.len(), 3 * 40);
    assert_eq!(causes(&played.log), HashSet::from([None]));
    // The server hears of a connection's end a moment later than its client.
    assert!(
        seen.connections.load(Ordering::SeqCst) == 3 * 40,
        "one for each attempt"
    );
    let (address, seen) = serve(Does::Hangs).await;
    let played = play(&plan(""), address, Keep::Session, 2, Bounds::default()).await;
    assert!(seen.most.load(Ordering::SeqCst) <= 2 && played.held_up > 0);
    let few = Bounds {
        requests: 10,
        ..Bounds::default()
    };
    let (address, seen) = serve(good()).await;
    let played = play(&plan(""), address, Keep::All, 100, few).await;
    assert_eq!((played.log.rows.len(), played.early), (10, Some(Stop::Requests)));
    assert!(seen.heads.lock().expect("nobody panics").len() <= 10);
}

// Lost if broken: an operator who stops a load test has nothing of it, or it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_keeps_what_was_measured() {
    let (address, seen) = serve(Does::Hangs).await;
    let scenario = plan("");
    let model = Arc::new(compile(&scenario));
    // As fast as the wall: the scenario itself would take twenty seconds.
    let host: SharedHost = WallHost::new(1.0).expect("a thread");
    let connections = Arc::new(Connections::new(vec![address], Keep::Session, 10));
    let transport = Http::new(&model, Identity::default(), address.to_string(), 1.0, connections);
    let player = Player::new(model, Key::root(1, 0), host, Arc::new(transport), Bounds::default());
    let playing = tokio::spawn(Arc::clone(&player).play());
    while seen.heads.lock().expect("nobody panics").is_empty() {
        tokio::task::yield_now().await;
    }
    player.stop(Stop::Told);
    let (log, early) = playing.await.expect("nobody panics");
    assert_eq!(early, Some(Stop::Told));
    assert!(!log.rows.is_empty() && log.rows.iter().all(|row| row.ending == Ending::InFlight));
}

// Lost if broken: no other command can read what a load test leaves.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_the_files_of_a_run() {
    let scenario = plan("");
    let (address, _) = serve(good()).await;
    let played = play(&scenario, address, Keep::All, 100, Bounds::default()).await;
    let facts = Facts {
        target: format!("http://{address}"),
        time_scale: 100.0,
        load_factor: 1.0,
        shared_luck: true,
        repeats: 1,
        stopped: None,
        connections: (1, 0),
        without_token: 0,
    };
    let found = outcome::outcome(&scenario, &played.model, &played.log, &facts);
    let summary = files::summary(&found, &facts);
    assert_eq!(summary["source"], "measured");
    assert_eq!(summary["requests"]["offered"], 120);
    assert_eq!(summary["requests"]["useful"], 120);
    assert_eq!(summary["sessions"]["completed"], 40);
    assert_eq!(summary["endpoints"]["chat.send"]["requests"]["offered"], 40);
    assert!(summary["latency"]["p95"]["value"].is_number());
    assert!(summary["lateness"]["p99"].is_number());
    let mut rows = Vec::new();
    files::requests(&played.log, &played.model, &mut rows).expect("a vector takes everything");
    let rows = String::from_utf8(rows).expect("text");
    assert_eq!(rows.lines().count(), 121);
    assert!(rows.starts_with(
        "replication,n,t,source,session,user,ip,class,endpoint,phase,outcome,cause,status,latency,attempts,client,"
    ));
    let mut windows = Vec::new();
    files::timeline(&found.timeline, &mut windows).expect("a vector takes everything");
    assert!(
        String::from_utf8(windows)
            .expect("text")
            .starts_with("t,offered,succeeded,failed,latency_mean,latency_p95")
    );
}
