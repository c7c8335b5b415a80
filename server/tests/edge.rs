//! What comes from outside and is not as it should be, each refused with a name of its own; and who is let in.
//!
//! The platform behind is a small stand-in that answers, waits or breaks down by the name of the endpoint.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{BoxFuture, FutureExt};
use highwater_host::WallHost;
use highwater_models::file::{NoFiles, Request, load_scenario};
use highwater_models::{Cause, SimSpan};
use highwater_program::compile::compile;
use highwater_program::model::Model;
use highwater_server::arrival::{Answer, Arrival, Piece};
use highwater_server::backend::{Backend, Order, Reading};
use highwater_server::edge::token::{self, Claims};
use highwater_server::edge::{self, Ceilings, Running, Settings, webhook};
use highwater_server::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a test waits for what has to happen. It is never waited for where all is well.
const PATIENCE: Duration = Duration::from_secs(30);

const SYSTEM: &str = r#"
duration = "1h"
load = { rate = 1.0 }
[flow.all]
steps = [ { request = "quick" } ]
[system.class.free]
[system.endpoint.quick]
kind = "query"
steps = [ { io = "1ms" } ]
[system.endpoint.waits]
steps = [ { io = "1ms" } ]
[system.endpoint.streams]
steps = [ { io = "1ms" } ]
[system.endpoint.busy]
steps = [ { io = "1ms" } ]
[system.endpoint.breaks]
steps = [ { io = "1ms" } ]
[system.endpoint."auth.signIn"]
signs_in = true
steps = [ { io = "1ms" } ]
[system.endpoint."stripe.webhook"]
steps = [ { io = "1ms" } ]
"#;

/// Answers by the endpoint's name.
struct StandIn {
    model: Model,
    events: Mutex<BTreeSet<String>>,
    /// Those that wait are answered when this is sent to.
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    seen: Mutex<Vec<Arrival>>,
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(cause: Option<Cause>, body: Value) -> Answer {
    Answer {
        cause,
        retry_after: cause.map(|_| SimSpan::from_nanos(2_500_000_000)),
        body,
        pieces: None,
        signs_in: false,
        stages: vec![(2, SimSpan::from_nanos(1_500_000))],
        place: Some((3, 7)),
    }
}

impl Backend for StandIn {
    fn model(&self) -> &Model {
        &self.model
    }

    fn serve(self: Arc<Self>, arrival: Arrival) -> BoxFuture<'static, Answer> {
        async move {
            let name = self.model.endpoints[usize::from(arrival.endpoint)].name.clone();
            lock(&self.seen).push(arrival.clone());
            match name.as_str() {
                "waits" => {
                    let (sender, told) = oneshot::channel();
                    lock(&self.waiting).push(sender);
                    let _ = told.await;
                    answer(None, json!("waited"))
                }
                "busy" => answer(Some(Cause::RateLimited), Value::Null),
                "breaks" => panic!("as the test wants it"),
                "streams" => {
                    let (pieces, receiver) = futures::channel::mpsc::unbounded();
                    for piece in [
                        Piece::Text("one ".to_owned()),
                        Piece::Text("two".to_owned()),
                        Piece::Whole(vec![(2, SimSpan::from_nanos(9_000_000))]),
                    ] {
                        pieces.unbounded_send(piece).expect("somebody listens");
                    }
                    Answer {
                        pieces: Some(receiver),
                        ..answer(None, json!({ "conversation": "c" }))
                    }
                }
                "auth.signIn" => Answer {
                    signs_in: true,
                    ..answer(None, json!({}))
                },
                "stripe.webhook" => {
                    let event = arrival.payload.event.clone().expect("a number");
                    let is_new = lock(&self.events).insert(event);
                    answer(None, json!({ "known": !is_new }))
                }
                _ => answer(None, json!({ "user": arrival.person.user.as_deref() })),
            }
        }
        .boxed()
    }

    fn readings(&self) -> Vec<Reading> {
        let reading = |name: &str, instance, is_count| Reading {
            name: name.to_owned(),
            instance,
            value: 0.5,
            is_count,
        };
        vec![
            reading("web.cpu", None, false),
            reading("web.cpu", Some(0), false),
            reading("web.boots", None, true),
        ]
    }

    fn order(&self, order: Order) -> Result<(), String> {
        match order {
            Order::Instances { count: 0, .. } => Err("none at all is no choice".to_owned()),
            _ => Ok(()),
        }
    }

    fn drain(&self, _deadline: SimSpan) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }
}

const ADMIN: &str = "administrators-secret";
const WEBHOOKS: &str = "whsec_0123456789abcdef";
const TOKENS: &str = "tokens-0123456789abcdef";

struct Site {
    running: Running,
    address: SocketAddr,
    backend: Arc<StandIn>,
}

/// A server with the settings that a test changes.
async fn site(change: impl FnOnce(&mut Settings)) -> Site {
    let loaded = load_scenario(Request::new("edge.toml", SYSTEM), &NoFiles, |_| None);
    let plan = loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    let backend = Arc::new(StandIn {
        model: compile(&plan),
        events: Mutex::default(),
        waiting: Mutex::default(),
        seen: Mutex::default(),
    });
    let mut settings = Settings::new("A test").expect("chance");
    settings.admin = Secret::new(ADMIN);
    settings.webhooks = Secret::new(WEBHOOKS);
    settings.policy.tokens = Secret::new(TOKENS);
    change(&mut settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = WallHost::new(1.0).expect("a clock");
    let running = edge::start(backend.clone(), host, listener, settings).expect("it starts");
    let address = running.address();
    Site {
        running,
        address,
        backend,
    }
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value);
        values.next()
    }

    /// The status, and the cause in header and body alike.
    #[track_caller]
    fn is_refusal(&self, status: u16, cause: &str) {
        assert_eq!(
            (self.status, self.header("x-highwater-cause")),
            (status, Some(cause)),
            "{self:?}"
        );
        let body = self.json();
        let error = if body.is_array() {
            &body[0]["error"]
        } else {
            &body["error"]
        };
        assert_eq!(error["data"]["cause"], cause, "{self:?}");
        assert_eq!(error["data"]["httpStatus"], status, "{self:?}");
        assert!(
            error["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{self:?}"
        );
    }
}

/// All that comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("an end");
    // Whoever is refused may find the connection broken after the answer.
    assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head in {text:?}"));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    Reply {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

impl Site {
    async fn send(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        stream
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        rest(&mut self.send(&text).await).await
    }

    async fn post(&self, path: &str, headers: &str, body: &str) -> Reply {
        self.ask("POST", path, headers, body).await
    }

    /// Waits until so many requests wait inside.
    async fn until_waiting(&self, count: usize) {
        let waits = async {
            while lock(&self.backend.waiting).len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waits).await.expect("they wait");
    }

    fn let_go(&self) {
        lock(&self.backend.waiting).drain(..).for_each(|waiting| {
            let _ = waiting.send(());
        });
    }

    /// How often it turned something away for a reason, once that is at least once.
    async fn turned_away(&self, cause: &'static str) -> u64 {
        let counted = async {
            loop {
                let times = self.running.edge().metrics().times_turned_away(cause);
                if times > 0 {
                    return times;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, counted).await.expect("it is counted")
    }
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn issue(secret: &str, class: &str, exp: u64) -> String {
    let claims = Claims {
        sub: "user-7".to_owned(),
        class: class.to_owned(),
        exp,
    };
    bearer(&token::issue(&Secret::new(secret), &claims))
}

// Lost if broken: anybody acts as anybody.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_of_ours_that_has_not_expired_lets_in() {
    let site = site(|_| ()).await;
    let soon = token::now() + 3600;
    let good = site.post("/api/trpc/quick", &issue(TOKENS, "free", soon), "{}").await;
    assert_eq!(good.status, 200);
    assert_eq!(good.json(), json!({ "result": { "data": { "user": "user-7" } } }));
    assert_eq!(good.header("server-timing"), Some("io;dur=1.500000"));
    assert_eq!(good.header("x-highwater-instance"), Some("3.7"));
    assert_eq!(lock(&site.backend.seen)[0].person.number, 7);
    for (bad, why) in [
        (issue(TOKENS, "free", token::now()), "expired"),
        (issue("another-0123456789abcdef", "free", soon), "signature"),
        (issue(TOKENS, "gold", soon), "not one of"),
        (bearer("nonsense"), "not one of"),
        (String::new(), "a token is needed"),
    ] {
        let reply = site.post("/api/trpc/quick", &bad, "{}").await;
        reply.is_refusal(401, "unauthorized");
        assert!(reply.body.contains(why), "{why}: {reply:?}");
    }
    assert_eq!(lock(&site.backend.seen).len(), 1, "nobody else got through");
}

// Lost if broken: guests where none are wanted, or counted as one and the same.
#[tokio::test(flavor = "multi_thread")]
async fn guests_are_counted_by_their_address_where_they_are_allowed() {
    let strict = site(|_| ()).await;
    strict
        .post("/api/trpc/quick", "", "{}")
        .await
        .is_refusal(401, "unauthorized");
    let open = site(|settings| settings.policy.guests = true).await;
    let forged = "x-forwarded-for: 10.0.0.9\r\nx-highwater-person: 5\r\n";
    assert_eq!(open.post("/api/trpc/quick", forged, "{}").await.status, 200);
    let person = lock(&open.backend.seen)[0].person.clone();
    assert_eq!(
        (person.user, person.number, person.address),
        (None, 0x7f00_0001, 0x7f00_0001)
    );
    let proxied = site(|settings| {
        settings.policy.guests = true;
        settings.policy.trusts_forwarded = true;
    })
    .await;
    // The last address is the one that the proxy has seen; those before it anybody may have written.
    assert_eq!(
        proxied
            .post("/api/trpc/quick", "x-forwarded-for: 1.1.1.1, 10.0.0.9\r\n", "{}")
            .await
            .status,
        200
    );
    assert_eq!(lock(&proxied.backend.seen)[0].person.number, 0x0a00_0009);
    // Signing in gives a token that is good.
    let signed = open.post("/api/trpc/auth.signIn", "", "").await.json();
    let token = signed["result"]["data"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(strict.post("/api/trpc/quick", &bearer(&token), "{}").await.status, 200);
}

// Lost if broken: a load test that is not about the people and draws that the simulation is about.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_generator_is_believed_only_where_it_is_allowed() {
    let headers = "x-highwater-person: 281474976710661\r\nx-highwater-ip: 9\r\nx-highwater-class: 0\r\nx-highwater-draws: \
                   00ff\r\n";
    let closed = site(|_| ()).await;
    closed
        .post("/api/trpc/quick", headers, "{}")
        .await
        .is_refusal(401, "unauthorized");
    let open = site(|settings| settings.policy.load_test = true).await;
    assert_eq!(open.post("/api/trpc/quick", headers, "{}").await.status, 200);
    let arrival = lock(&open.backend.seen)[0].clone();
    assert_eq!((arrival.person.number, arrival.person.address), ((1 << 48) | 5, 9));
    assert_eq!((arrival.draws.number(), arrival.person.user.is_some()), (255, true));
    let wrong = "x-highwater-person: 5\r\nx-highwater-class: 9\r\n";
    open.post("/api/trpc/quick", wrong, "{}")
        .await
        .is_refusal(400, "bad_json");
}

// Lost if broken: payments that anybody makes up, or that are booked twice.
#[tokio::test(flavor = "multi_thread")]
async fn forged_and_stale_webhooks_are_refused_and_a_replay_changes_nothing() {
    let site = site(|settings| settings.policy.guests = true).await;
    let body = r#"{"id":"evt_1","data":{"object":{"customer":"user-3"}}}"#;
    let signed = |secret: &str, at: u64| {
        let signature = webhook::signature(&Secret::new(secret), at, body.as_bytes());
        format!("stripe-signature: {signature}\r\n")
    };
    let now = token::now();
    let path = "/api/stripe/webhook";
    site.post(path, "", body).await.is_refusal(400, "bad_signature");
    site.post(path, &signed("whsec_another_secret", now), body)
        .await
        .is_refusal(400, "bad_signature");
    site.post(path, &signed(WEBHOOKS, now), &body.replace("evt_1", "evt_2"))
        .await
        .is_refusal(400, "bad_signature");
    site.post(path, &signed(WEBHOOKS, now - 301), body)
        .await
        .is_refusal(400, "stale_signature");
    // Nor is there another way in.
    site.post("/api/trpc/stripe.webhook", "", body)
        .await
        .is_refusal(404, "not_found");
    assert!(lock(&site.backend.seen).is_empty());
    let first = site.post(path, &signed(WEBHOOKS, now), body).await;
    let again = site.post(path, &signed(WEBHOOKS, now), body).await;
    let known = |reply: &Reply| (reply.status, reply.json()["result"]["data"]["known"].clone());
    assert_eq!(
        (known(&first), known(&again)),
        ((200, json!(false)), (200, json!(true)))
    );
    assert_eq!(lock(&site.backend.seen)[0].person.number, 3);
}

// Lost if broken: memory that whoever likes may fill, and pages that are told nothing of their mistake.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_malformed_or_unknown_is_refused() {
    let site = site(|settings| {
        settings.policy.guests = true;
        settings.ceilings.body = 1000;
        settings.ceilings.upload = 5000;
        settings.ceilings.header_bytes = 2000;
    })
    .await;
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(1000));
    site.post("/api/trpc/quick", "", &long)
        .await
        .is_refusal(413, "body_too_large");
    // Without a length given in advance.
    let chunk = "x".repeat(600);
    let chunked = format!(
        "POST /api/trpc/quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: \
         chunked\r\n\r\n258\r\n{chunk}\r\n258\r\n{chunk}\r\n0\r\n\r\n"
    );
    rest(&mut site.send(&chunked).await)
        .await
        .is_refusal(413, "body_too_large");
    let audio = "content-type: audio/webm\r\n";
    assert_eq!(site.post("/api/trpc/quick", audio, &"x".repeat(5000)).await.status, 200);
    assert_eq!(lock(&site.backend.seen)[0].payload.upload, 5000);
    site.post("/api/trpc/quick", audio, &"x".repeat(5001))
        .await
        .is_refusal(413, "body_too_large");
    for bad in [
        "{",
        "[1, 2]",
        "nonsense",
        "\u{7f}",
        r#"{"message": 1e999}"#,
        r#"{"message": []}"#,
    ] {
        site.post("/api/trpc/quick", "", bad).await.is_refusal(400, "bad_json");
    }
    let many = format!("x-many: {}\r\n", "x".repeat(2000));
    site.post("/api/trpc/quick", &many, "{}")
        .await
        .is_refusal(431, "headers_too_large");
    site.post("/api/trpc/other", "", "{}")
        .await
        .is_refusal(404, "not_found");
    site.ask("GET", "/nothing", "", "").await.is_refusal(404, "not_found");
    // What changes something is not for `GET`, which anybody's page may cause.
    site.ask("GET", "/api/trpc/waits", "", "")
        .await
        .is_refusal(405, "wrong_method");
    site.ask("DELETE", "/health", "", "")
        .await
        .is_refusal(405, "wrong_method");
    assert_eq!(
        site.ask("GET", "/api/trpc/quick?input=%7B%7D", "", "").await.status,
        200
    );
}

// Lost if broken: connections that whoever likes may hold, a byte a minute.
#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_and_slow_bodies_are_refused() {
    let site = site(|settings| {
        settings.policy.guests = true;
        settings.ceilings.header_time = Duration::from_millis(300);
        settings.ceilings.body_time = Duration::from_millis(300);
    })
    .await;
    let mut head = site.send("POST /api/trpc/quick HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
    rest(&mut head).await.is_refusal(408, "headers_timeout");
    assert_eq!(site.turned_away("headers_timeout").await, 1);
    let mut body = site
        .send("POST /api/trpc/quick HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{\"message\":")
        .await;
    rest(&mut body).await.is_refusal(408, "body_timeout");
    assert!(lock(&site.backend.seen).is_empty());
}

// Lost if broken: a ceiling that is reached and looks like a fault of the network, or is none.
#[tokio::test(flavor = "multi_thread")]
async fn ceilings_on_connections_and_requests_have_names() {
    let few = site(|settings| {
        settings.policy.guests = true;
        settings.ceilings.connections = 2;
    })
    .await;
    let wait = "POST /api/trpc/waits HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (mut one, mut two) = (few.send(wait).await, few.send(wait).await);
    few.until_waiting(2).await;
    let third = few.post("/api/trpc/quick", "", "{}").await;
    third.is_refusal(503, "connections_full");
    assert_eq!(third.header("retry-after"), Some("1"));
    few.let_go();
    assert_eq!((rest(&mut one).await.status, rest(&mut two).await.status), (200, 200));
    assert_eq!(few.turned_away("connections_full").await, 1);

    let busy = site(|settings| {
        settings.policy.guests = true;
        settings.ceilings.requests = 1;
    })
    .await;
    let mut one = busy.send(wait).await;
    busy.until_waiting(1).await;
    busy.post("/api/trpc/quick", "", "{}")
        .await
        .is_refusal(503, "requests_full");
    busy.let_go();
    assert_eq!(rest(&mut one).await.status, 200);
}

// Lost if broken: causes that the load generator and people cannot tell apart, and one panic that takes all with it.
#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_by_cause_and_a_panic_is_one_of_them() {
    let site = site(|settings| settings.policy.guests = true).await;
    let busy = site.post("/api/trpc/busy", "", "").await;
    busy.is_refusal(429, "rate_limited");
    assert_eq!(busy.header("retry-after"), Some("3"), "whole seconds, rounded up");
    assert_eq!(busy.header("x-highwater-retry-after-ms"), Some("2500.000"));
    site.post("/api/trpc/breaks", "", "").await.is_refusal(500, "internal");
    assert_eq!(site.post("/api/trpc/quick", "", "").await.status, 200);
    let both = site.post("/api/trpc/quick,busy?batch=1", "", "{}").await;
    assert_eq!(both.status, 207);
    let parts = both.json();
    assert_eq!(parts[0]["result"]["data"]["user"], Value::Null);
    assert_eq!(parts[1]["error"]["data"]["cause"], "rate_limited");
    let metrics = site.ask("GET", "/metrics", "", "").await.body;
    for line in [
        r#"highwater_requests_total{endpoint="busy",status="429",cause="rate_limited"} 2"#,
        r#"highwater_requests_total{endpoint="breaks",status="500",cause="internal"} 1"#,
        r#"highwater_request_seconds_count{endpoint="quick"} 2"#,
        r#"highwater_reading{name="web.cpu",in_instance="0"} 0.5"#,
        r#"highwater_counted_total{name="web.boots",in_instance=""} 0.5"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing from\n{metrics}");
    }
}

// Lost if broken: an answer that comes in pieces arrives in one, or nobody hears where the time went.
#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_is_server_sent_events() {
    let site = site(|settings| settings.policy.guests = true).await;
    let reply = site.post("/api/trpc/streams", "", "").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("text/event-stream"))
    );
    let events: Vec<(&str, Value)> = reply
        .body
        .split("event: ")
        .skip(1)
        .map(|event| {
            let (name, rest) = event.split_once('\n').expect("a name");
            let data = rest
                .split_once("data: ")
                .expect("data")
                .1
                .lines()
                .next()
                .expect("a line");
            (name, serde_json::from_str(data).expect("JSON"))
        })
        .collect();
    let expected = [
        ("start", json!({ "result": { "data": { "conversation": "c" } } })),
        ("text", json!({ "text": "one " })),
        ("text", json!({ "text": "two" })),
        ("end", json!({ "serverTiming": "io;dur=9.000000" })),
    ];
    assert_eq!(events, expected);
    // In a batch there is one answer.
    let whole = site.post("/api/trpc/streams,quick?batch=1", "", "{}").await;
    assert_eq!(whole.json()[0]["result"]["data"]["text"], "one two");
}

// Lost if broken: anybody restarts the service.
#[tokio::test(flavor = "multi_thread")]
async fn orders_need_the_secret() {
    let site = site(|settings| settings.policy.guests = true).await;
    for headers in [String::new(), bearer("wrong"), issue(TOKENS, "free", token::now() + 60)] {
        site.post("/admin/restart", &headers, "{}")
            .await
            .is_refusal(401, "unauthorized");
        site.ask("GET", "/admin/state", &headers, "")
            .await
            .is_refusal(401, "unauthorized");
    }
    let known = bearer(ADMIN);
    // There is no service in this system, but the order arrives.
    assert_eq!(
        site.post("/admin/restart", &known, "").await.json(),
        json!({ "done": "restart" })
    );
    site.post("/admin/instances", &known, r#"{"count":0}"#)
        .await
        .is_refusal(409, "not_possible");
    site.post("/admin/instances", &known, r#"{"cuont":1}"#)
        .await
        .is_refusal(400, "bad_json");
    site.post("/admin/explode", &known, "")
        .await
        .is_refusal(404, "not_found");
    let state = site.ask("GET", "/admin/state", &known, "").await.json();
    assert_eq!(state["readings"]["instances"]["0"]["web.cpu"], 0.5);
    let tokens = site
        .post("/admin/tokens", &known, r#"{"first":5,"count":3,"class":"free"}"#)
        .await
        .json();
    let last = &tokens["tokens"][2];
    assert_eq!(last["user"], "user-7");
    let header = bearer(last["token"].as_str().expect("a token"));
    assert_eq!(
        site.post("/api/trpc/quick", &header, "").await.json()["result"]["data"]["user"],
        "user-7"
    );
    site.post("/admin/tokens", &known, r#"{"count":10001}"#)
        .await
        .is_refusal(400, "bad_json");
}

// Lost if broken: a page that fetches from elsewhere, or that others can put in theirs.
#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_is_one_page_that_fetches_nothing_else() {
    let site = site(|_| ()).await;
    let page = site.ask("GET", "/dashboard", "", "").await;
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    for foreign in ["http://", "https://", "//cdn", "@import", "url("] {
        let found = page.body.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(foreign), "{foreign}");
    }
    let mut events = site.send("GET /dashboard/events HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("event: look") {
        let read = tokio::time::timeout(PATIENCE, events.read(&mut buffer))
            .await
            .expect("news")
            .expect("read");
        assert_ne!(read, 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(
        text.contains("event: hello") && text.contains("\"title\":\"A test\""),
        "{text}"
    );
    // The stream ends when the server does.
    site.running.stop().await;
}

// Lost if broken: work that is thrown away because somebody closed a window, or that goes on for nobody where it should stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_is_told_and_its_work_goes_on() {
    let site = site(|settings| settings.policy.guests = true).await;
    let stream = site
        .send("POST /api/trpc/waits HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        .await;
    site.until_waiting(1).await;
    let arrival = lock(&site.backend.seen)[0].clone();
    assert!(arrival.gone.clone().now_or_never().is_none(), "it is still there");
    drop(stream);
    tokio::time::timeout(PATIENCE, arrival.gone).await.expect("it is told");
    assert_eq!(site.running.edge().metrics().levels().in_hand(), 1, "the work goes on");
    site.let_go();
    let ends = async {
        while site.running.edge().metrics().levels().in_hand() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ends).await.expect("the work ends");
    // Whoever has been answered has not gone.
    assert_eq!(site.post("/api/trpc/quick", "", "").await.status, 200);
    let answered = lock(&site.backend.seen)[1].clone();
    assert!(answered.gone.now_or_never().is_none());
}

// Lost if broken: ceilings that are lowered by accident below what the product needs.
#[test]
fn the_usual_ceilings_take_what_the_product_sends() {
    let usual = Ceilings::default();
    assert!(usual.upload >= 25 * 1024 * 1024 && usual.body >= 100 * 1024 && usual.connections >= 5000);
}
