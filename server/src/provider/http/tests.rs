//! The client against the bundled upstream, and against answers that are none.
//!
//! The upstream's clock stands still at zero unless a test turns it, so that every figure is exact.

use std::sync::Arc;

use highwater_host::{Host, VirtualHost};
use highwater_models::SimTime;
use highwater_models::machine::provider_limit::{ProviderLimitConfig, ProviderWindow};
use highwater_workload::Sampler;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::provider::Luck;
use crate::upstream::account::{ModelTerms, Speed, Terms};
use crate::upstream::words::count;
use crate::upstream::{self, Account, Settings, Upstream};

struct Bench {
    host: Arc<VirtualHost>,
    account: Account,
    upstream: Upstream,
}

fn terms() -> Terms {
    let model = |name: &str, audio| ModelTerms {
        name: name.to_owned(),
        limit: None,
        tariff: None,
        speed: Some(Speed {
            audio,
            first: Sampler::constant(0.0),
            per_unit: None,
            answer: Sampler::constant(7.0),
        }),
    };
    Terms {
        name: "openai".to_owned(),
        limit: ProviderLimitConfig::UNLIMITED,
        concurrent: u32::MAX,
        fails: 0.0,
        timeout: SimSpan::from_secs(600),
        spend_limit: f64::INFINITY,
        models: vec![model("gpt-4", false), model("whisper-1", true)],
    }
}

async fn bench(terms: Terms) -> Bench {
    let host = VirtualHost::new();
    let account = Account::new(host.clone(), terms, 1);
    let mut settings = Settings::new(([127, 0, 0, 1], 0).into(), Secret::new("sk-test"));
    settings.secret = Some(Secret::new("operator"));
    let upstream = upstream::start(account.clone(), settings)
        .await
        .expect("a free port on loopback");
    Bench {
        host,
        account,
        upstream,
    }
}

impl Bench {
    fn provider(&self, bundled: bool) -> HttpProvider {
        provider(&self.upstream.base(), bundled)
    }

    async fn post(&self, path: &str, key: &str, body: Value) -> (u16, HeaderMap, Value) {
        let url = format!("http://{}{path}", self.upstream.address());
        let client = client(&base(&url).expect("an address"), None).expect("a client");
        let response = client
            .post(url)
            .bearer_auth(key)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.json().await.expect("JSON"))
    }

    /// Waits until so many calls are under way: whoever hangs up is noticed soon, not at once.
    async fn in_flight(&self, count: u32) {
        for _ in 0..2000 {
            if self.account.figures().in_flight == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} calls are under way, not {count}", self.account.figures().in_flight);
    }
}

fn provider(base: &str, bundled: bool) -> HttpProvider {
    HttpProvider::new(&HttpSettings {
        base: base.to_owned(),
        key: Some(Secret::new("sk-test")),
        bundled,
    })
    .expect("a provider")
}

fn question(stream: bool) -> Question {
    Question {
        model: "gpt-4".to_owned(),
        prompt: 700.25,
        answer_max: None,
        audio: false,
        stream,
        luck: Luck {
            answer: 100.0,
            first: SimSpan::ZERO,
            per_token: Some(SimSpan::ZERO),
            chance: 0.5,
        },
    }
}

async fn text_of(answer: Answering) -> Result<String, Refusal> {
    let mut text = answer.text;
    if let Some(mut rest) = answer.rest {
        while let Some(piece) = rest.next().await {
            text += &piece?;
        }
    }
    Ok(text)
}

// Lost if broken: what the bundled upstream is told of chance, and an answer that is the same in pieces and whole.
#[tokio::test]
async fn an_answer_comes_whole_and_in_pieces_with_the_callers_luck_or_without() {
    let bench = bench(terms()).await;
    let lucky = bench.provider(true);
    let whole = lucky.ask(&question(false)).await.expect("an answer");
    assert_eq!(whole.usage, Some((700.0, 100.0)));
    let whole = text_of(whole).await.expect("a text");
    assert_eq!(count(&whole), 100);
    let pieces = lucky.ask(&question(true)).await.expect("an answer");
    assert_eq!(pieces.text, words(0, 1));
    assert_eq!(text_of(pieces).await, Ok(whole));

    let own = bench.provider(false).ask(&question(false)).await.expect("an answer");
    assert_eq!(own.usage, Some((700.0, 7.0)));
    let bound = Question {
        answer_max: Some(3),
        ..question(true)
    };
    let own = bench.provider(false).ask(&bound).await.expect("an answer");
    assert_eq!(text_of(own).await, Ok(words(0, 3)));
    bench.in_flight(0).await;
}

// Lost if broken: how long a recording is, which is what it is charged and timed by.
#[tokio::test]
async fn a_recordings_length_is_the_callers_or_the_files() {
    let bench = bench(terms()).await;
    let recording = Question {
        model: "whisper-1".to_owned(),
        prompt: 90.0,
        audio: true,
        luck: Luck {
            answer: 0.0,
            ..question(false).luck
        },
        ..question(false)
    };
    for bundled in [true, false] {
        let answer = bench.provider(bundled).ask(&recording).await.expect("an answer");
        // A minute and a half, at 130 words a minute.
        assert_eq!(count(&answer.text), 195, "{bundled}");
    }
    // A model of one kind does nothing of the other.
    let chat = Question {
        model: "whisper-1".to_owned(),
        ..question(false)
    };
    let refusal = bench.provider(false).ask(&chat).await.err();
    assert!(
        matches!(&refusal, Some(Refusal::Other(text)) if text.starts_with("status 404")),
        "{refusal:?}"
    );
}

// Lost if broken: when a caller comes back, and what it is told of its limits.
#[tokio::test]
async fn limits_are_told_in_headers_and_refusals_in_the_providers_shape() {
    let mut terms = terms();
    terms.limit = ProviderLimitConfig {
        requests_per_minute: Some(2),
        tokens_per_minute: Some(90_000),
        refused_count: false,
        ..ProviderLimitConfig::UNLIMITED
    };
    let bench = bench(terms).await;
    let body = json!({ "model": "gpt-4", "messages": [{ "role": "user", "content": "one two three" }] });
    let (status, headers, answer) = bench.post("/v1/chat/completions", "sk-test", body.clone()).await;
    assert_eq!(status, 200);
    for (name, value) in [
        ("x-ratelimit-limit-requests", "2"),
        ("x-ratelimit-remaining-requests", "1"),
        ("x-ratelimit-reset-requests", "30s"),
        ("x-ratelimit-limit-tokens", "90000"),
        ("x-ratelimit-remaining-tokens", "89990"),
        // Ten tokens at 1,500 a second.
        ("x-ratelimit-reset-tokens", "7ms"),
    ] {
        assert_eq!(
            headers.get(name).and_then(|value| value.to_str().ok()),
            Some(value),
            "{name}"
        );
    }
    assert_eq!(answer["usage"]["prompt_tokens"], 3);
    assert_eq!(answer["object"], "chat.completion");

    bench.post("/v1/chat/completions", "sk-test", body.clone()).await;
    let (status, headers, answer) = bench.post("/v1/chat/completions", "sk-test", body).await;
    assert_eq!(status, 429);
    assert_eq!(headers["retry-after"], "30");
    assert_eq!(headers["retry-after-ms"], "30000");
    assert_eq!(headers["x-ratelimit-remaining-requests"], "0");
    assert_eq!(
        answer,
        json!({ "error": {
            "message": "Rate limit reached for gpt-4 on requests per min (RPM): Limit 2, Used 2, Requested 1. Please try again in 30s.",
            "type": "requests", "param": null, "code": "rate_limit_exceeded",
        }})
    );
    let refusal = bench.provider(true).ask(&question(false)).await.err();
    assert_eq!(
        refusal,
        Some(Refusal::RateLimited {
            retry_after: Some(SimSpan::from_secs(30))
        })
    );
    // Larger than the limit is: no wait helps, and none is told.
    let large = Question {
        answer_max: Some(90_000),
        ..question(false)
    };
    let refusal = bench.provider(true).ask(&large).await.err();
    assert_eq!(refusal, Some(Refusal::RateLimited { retry_after: None }));
    // Half a minute later one is there again: the clock is the system's.
    bench.host.run(SimTime::ZERO);
    turn_to(&bench.host, 30);
    assert!(bench.provider(true).ask(&question(false)).await.is_ok());
}

/// Turns the clock on.
fn turn_to(host: &Arc<VirtualHost>, seconds: u64) {
    let until = SimTime::ZERO + SimSpan::from_secs(seconds);
    let of_task = Arc::clone(host);
    host.spawn(Box::pin(async move { of_task.sleep_until(until).await }));
    host.run(until);
}

#[tokio::test]
async fn an_exact_wait_survives_its_way() {
    let mut terms = terms();
    terms.limit = ProviderLimitConfig {
        requests_per_minute: Some(7),
        request_burst: Some(1),
        refused_count: false,
        window: ProviderWindow::Bucket,
        ..ProviderLimitConfig::UNLIMITED
    };
    let bench = bench(terms).await;
    assert!(bench.provider(true).ask(&question(false)).await.is_ok());
    let refusal = bench.provider(true).ask(&question(false)).await.err();
    // A seventh of a minute, rounded up to the nanosecond.
    assert_eq!(
        refusal,
        Some(Refusal::RateLimited {
            retry_after: Some(SimSpan::from_nanos(8_571_428_572))
        })
    );
}

// Lost if broken: an account whose money is spent is asked again and again.
#[tokio::test]
async fn spent_money_wrong_keys_and_unknown_models_are_told_apart() {
    let mut terms = terms();
    terms.spend_limit = 0.0;
    let spent = bench(terms).await;
    assert_eq!(
        spent.provider(true).ask(&question(false)).await.err(),
        Some(Refusal::Quota)
    );

    let bench = bench(super::tests::terms()).await;
    let body = json!({ "model": "gpt-5", "messages": [{ "role": "user", "content": "x" }] });
    let (status, _, answer) = bench.post("/v1/chat/completions", "sk-test", body.clone()).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("model_not_found")));
    let (status, _, answer) = bench.post("/v1/chat/completions", "sk-wrong", body).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("invalid_api_key")));
    for body in [
        json!({}),
        json!({ "model": "gpt-4", "messages": [] }),
        json!({ "model": "gpt-4", "messages": [{ "content": 5 }] }),
        json!({ "model": "gpt-4", "n": 2, "messages": [{ "content": "x" }] }),
    ] {
        let (status, _, answer) = bench.post("/v1/chat/completions", "sk-test", body.clone()).await;
        assert_eq!(
            (status, &answer["error"]["type"]),
            (400, &json!("invalid_request_error")),
            "{body}"
        );
    }
    let long = json!({ "model": "gpt-4", "messages": [{ "content": "x".repeat(2 * 1024 * 1024) }] });
    let (status, _, _) = bench.post("/v1/chat/completions", "sk-test", long).await;
    assert_eq!(status, 413);
    assert_eq!(bench.account.figures().taken, 0);
}

// Lost if broken: faults that anybody can order, or that do not reach the caller.
#[tokio::test]
async fn faults_are_ordered_with_a_secret_and_end() {
    let bench = bench(terms()).await;
    let down = json!({ "down": {} });
    let (status, _, _) = bench.post("/faults", "sk-test", down.clone()).await;
    assert_eq!(status, 401);
    assert!(bench.provider(true).ask(&question(false)).await.is_ok());

    let (status, _, answer) = bench
        .post(
            "/faults",
            "operator",
            json!({ "errors": { "share": 0.51, "for": "30s" } }),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer,
        json!({ "faults": [{ "errors": { "share": 0.51, "for": "30s" } }] })
    );
    assert_eq!(
        bench.provider(true).ask(&question(false)).await.err(),
        Some(Refusal::Failed)
    );
    assert_eq!(
        bench.provider(true).ask(&question(true)).await.err(),
        Some(Refusal::Failed)
    );
    turn_to(&bench.host, 31);
    assert!(bench.provider(true).ask(&question(false)).await.is_ok());

    // One client, whose connection is open already.
    let provider = bench.provider(true);
    assert!(provider.ask(&question(false)).await.is_ok());
    bench.post("/faults", "operator", down).await;
    let refusal = provider.ask(&question(false)).await.err();
    assert!(matches!(refusal, Some(Refusal::Unreachable(_))), "{refusal:?}");
    let (status, _, _) = bench
        .post("/faults", "operator", json!({ "slow": { "factor": -1 } }))
        .await;
    assert_eq!(status, 400);
    bench.account.end_troubles();
    assert!(provider.ask(&question(false)).await.is_ok());
}

// Lost if broken: a place at the provider that nobody uses and nobody gets.
#[tokio::test]
async fn hanging_up_gives_the_place_back() {
    let mut terms = terms();
    terms.concurrent = 1;
    let bench = bench(terms).await;
    let provider = bench.provider(true);
    // An answer that never comes, as nobody turns the clock.
    let mut slow = question(false);
    slow.luck.first = SimSpan::from_secs(1);
    let mut asking = provider.ask(&slow);
    tokio::select! {
        _ = &mut asking => panic!("it does not answer"),
        () = bench.in_flight(1) => {}
    }
    // The only place is taken.
    let busy = provider.ask(&question(false)).await.err();
    assert_eq!(busy, Some(Refusal::RateLimited { retry_after: None }));
    drop(asking);
    bench.in_flight(0).await;

    // In the middle of an answer in pieces.
    let mut pieces = question(true);
    pieces.luck.per_token = Some(SimSpan::from_secs(1));
    let answer = provider.ask(&pieces).await.expect("its first piece");
    assert_eq!(bench.account.figures().in_flight, 1);
    drop(answer);
    bench.in_flight(0).await;
    assert!(provider.ask(&question(false)).await.is_ok());
}

/// A server that gives everybody the same bytes and closes the connection.
async fn stub(answer: &'static [u8], more: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer).await;
            let filler = vec![b'x'; 64 * 1024];
            for _ in 0..more {
                if socket.write_all(&filler).await.is_err() {
                    break;
                }
            }
            let _ = socket.shutdown().await;
        }
    });
    format!("http://{address}/v1")
}

async fn heard(answer: &'static [u8], stream: bool) -> Result<String, Refusal> {
    let base = stub(answer, 0).await;
    text_of(provider(&base, false).ask(&question(stream)).await?).await
}

macro_rules! http {
    ($status:literal, $body:literal) => {
        concat!("HTTP/1.1 ", $status, "\r\nconnection: close\r\n\r\n", $body).as_bytes()
    };
}

// Lost if broken: an answer that is none is taken for one, or ends the process.
#[tokio::test]
async fn answers_that_are_none_have_a_name() {
    let other = |answer: &Result<String, Refusal>| matches!(answer, Err(Refusal::Other(_)));
    let unreachable = |answer: &Result<String, Refusal>| matches!(answer, Err(Refusal::Unreachable(_)));

    let good = heard(http!("200 OK", r#"{"choices":[{"message":{"content":"hi"}}]}"#), false).await;
    assert_eq!(good, Ok("hi".to_owned()));
    for bad in [
        http!("200 OK", ""),
        http!("200 OK", "[1, 2"),
        http!("200 OK", r#"{"choices":[]}"#),
        http!("200 OK", r#"{"choices":[{"message":{"content":5}}]}"#),
        http!("302 Found", ""),
        http!("400 Bad Request", r#"{"error":{"message":"no"}}"#),
        http!("401 Unauthorized", "<html>"),
    ] {
        let answer = heard(bad, false).await;
        assert!(other(&answer), "{answer:?}");
    }
    for broken in [
        b"".as_slice(),
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"choices\"",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = heard(broken, false).await;
        assert!(unreachable(&answer), "{answer:?}");
    }
    assert_eq!(
        heard(http!("503 Service Unavailable", "busy"), false).await,
        Err(Refusal::Failed)
    );
    assert_eq!(
        heard(http!("429 Too Many Requests", "not json"), false).await,
        Err(Refusal::RateLimited { retry_after: None })
    );
    assert_eq!(
        heard(http!("429 x", r#"{"error":{"code":"insufficient_quota"}}"#), false).await,
        Err(Refusal::Quota)
    );

    let good = heard(
        http!("200 OK", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n: x\n\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\nmore"),
        true,
    )
    .await;
    assert_eq!(good, Ok("a".to_owned()));
    assert_eq!(
        heard(http!("200 OK", "data: [DONE]\n\n"), true).await,
        Ok(String::new())
    );
    for broken in [
        http!("200 OK", ""),
        http!("200 OK", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\nzz",
    ] {
        let answer = heard(broken, true).await;
        assert!(unreachable(&answer), "{answer:?}");
    }
    assert!(other(&heard(http!("200 OK", "data: {\n\n"), true).await));
    assert_eq!(
        heard(http!("200 OK", "data: {\"error\":{\"message\":\"x\"}}\n\n"), true).await,
        Err(Refusal::Failed)
    );
}

// Lost if broken: memory that a provider can fill.
#[tokio::test]
async fn answers_have_a_bound() {
    for stream in [false, true] {
        let base = stub(http!("200 OK", ""), 2 * ANSWER_MAX / (64 * 1024)).await;
        let answer = provider(&base, false)
            .ask(&question(stream))
            .await
            .map(|answer| answer.text);
        let is_refused =
            matches!(&answer, Err(Refusal::Unreachable(text) | Refusal::Other(text)) if text.contains("long"));
        assert!(is_refused, "{:?}", answer.err());
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_the_key_is_not_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let provider = provider(&format!("http://{address}/v1"), false);
    let refusal = provider.ask(&question(false)).await.err();
    let Some(Refusal::Unreachable(text)) = refusal else {
        panic!("{refusal:?}")
    };
    assert!(!text.contains("sk-test"), "{text}");
    assert!(!format!("{provider:?}").contains("sk-test"));
}

#[test]
fn when_to_come_back_is_read_from_whatever_header_there_is() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    for (headers, expected) in [
        (vec![], None),
        (vec![("retry-after", "2")], Some(2_000_000_000)),
        (vec![("retry-after", "0.5")], Some(500_000_000)),
        (vec![("retry-after-ms", "120"), ("retry-after", "2")], Some(120_000_000)),
        (vec![("retry-after-ms", "x"), ("retry-after", "2")], Some(2_000_000_000)),
        (vec![("retry-after", "-1")], None),
        (vec![("retry-after", "NaN")], None),
        (vec![("retry-after", "soon")], None),
        (
            vec![("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT")],
            Some(3_000_000_000),
        ),
        (vec![("retry-after", "Sun, 06 Nov 1994 08:49:30 GMT")], Some(0)),
    ] {
        let mut map = HeaderMap::new();
        for (name, value) in &headers {
            map.insert(*name, value.parse().expect("a value"));
        }
        assert_eq!(retry_after(&map, now), expected.map(SimSpan::from_nanos), "{headers:?}");
    }
}
