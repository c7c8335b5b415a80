//! Rules and channels on a clock that is turned by hand, and the three services against a stub on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{BoxFuture, FutureExt};
use highwater_host::{Host, VirtualHost, WallHost};
use highwater_models::SimSpan;
use highwater_models::machine::alert::{AlertConfig, Repeat};
use highwater_models::machine::channel::ChannelConfig;
use highwater_program::model::{ChannelSpec, Gauge, Model, Resource, ResourceKind, RuleSpec};
use highwater_workload::Sampler;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::sender::{NotSent, SendGrid, Sender, Slack, Twilio};
use super::*;
use crate::arrival::{Answer, Arrival};
use crate::backend::{Order, Reading};
use crate::secret::Secret;

/// A backend with one figure, which goes by the look.
struct Figures {
    model: Model,
    values: Vec<f64>,
    looks: AtomicUsize,
    name: &'static str,
    is_count: bool,
}

impl Backend for Figures {
    fn model(&self) -> &Model {
        &self.model
    }

    fn serve(self: Arc<Self>, _arrival: Arrival) -> BoxFuture<'static, Answer> {
        futures::future::pending().boxed()
    }

    fn readings(&self) -> Vec<Reading> {
        let look = self.looks.fetch_add(1, Ordering::Relaxed);
        let value = self.values[look.min(self.values.len() - 1)];
        let reading = |instance, value, is_count| Reading {
            name: self.name.to_owned(),
            instance,
            value,
            is_count,
        };
        // One instance alone is not what a rule watches.
        vec![reading(None, value, self.is_count), reading(Some(0), 1e9, false)]
    }

    fn order(&self, _order: Order) -> Result<(), String> {
        Err("no".to_owned())
    }

    fn drain(&self, _deadline: SimSpan) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }
}

fn model(repeat: Repeat, lasting: u64, channel: ChannelConfig) -> Model {
    Model {
        resources: vec![Resource {
            name: "postgres".to_owned(),
            kind: ResourceKind::Database,
            limit: String::new(),
            capacity: 22.0,
            service: None,
        }],
        monitoring: Some(Spec {
            every: SimSpan::from_secs(60),
            rules: vec![RuleSpec {
                name: "connections".to_owned(),
                watch: "postgres.connections".to_owned(),
                gauge: Gauge::Nothing,
                level: AlertLevel::Critical,
                config: AlertConfig {
                    threshold: 20.0,
                    is_above: true,
                    lasting: SimSpan::from_secs(lasting),
                    repeat,
                },
                channels: vec![0],
            }],
            channels: vec![ChannelSpec {
                name: "ops".to_owned(),
                config: channel,
                delay: Sampler::constant(0.0),
            }],
            slow: u64::MAX,
            providers: 0,
        }),
        ..Model::default()
    }
}

fn figures(model: Model, values: &[f64]) -> Arc<Figures> {
    Arc::new(Figures {
        model,
        values: values.to_vec(),
        looks: AtomicUsize::new(0),
        name: "postgres.connections",
        is_count: false,
    })
}

/// Writes down what it is to send, with the time, and answers as it is told.
struct Book {
    host: Arc<VirtualHost>,
    sent: Mutex<Vec<(u64, Message)>>,
    answer: Box<dyn Fn(usize) -> Option<Result<(), NotSent>> + Send + Sync>,
}

impl Sender for Book {
    fn kind(&self) -> &'static str {
        "book"
    }

    fn send<'a>(&'a self, message: &'a Message, _copy: usize) -> BoxFuture<'a, Result<(), NotSent>> {
        let mut sent = self.sent.lock().expect("no test panics here");
        sent.push((self.host.now().nanos() / 1_000_000_000, message.clone()));
        match (self.answer)(sent.len()) {
            Some(answer) => futures::future::ready(answer).boxed(),
            None => futures::future::pending().boxed(),
        }
    }
}

/// What came of a run of so many minutes: what was sent, the log, and how everything stands.
type Ran = (Vec<(u64, Message)>, Vec<String>, Status);

fn run(
    backend: Arc<Figures>,
    minutes: u64,
    answer: impl Fn(usize) -> Option<Result<(), NotSent>> + Send + Sync + 'static,
) -> Ran {
    let host = VirtualHost::new();
    let book = Arc::new(Book {
        host: Arc::clone(&host),
        sent: Mutex::new(Vec::new()),
        answer: Box::new(answer),
    });
    let (log, lines) = log();
    let senders: Senders = [("ops".to_owned(), Arc::clone(&book) as Arc<dyn Sender>)].into();
    let monitoring = start(host.clone(), backend, senders, log).expect("there is a rule");
    host.run(SimTime::ZERO + SimSpan::from_secs(60 * minutes + 59));
    let status = monitoring.status();
    let sent = book.sent.lock().expect("no test panics here").clone();
    let lines = lines.lock().expect("no test panics here").clone();
    (sent, lines, status)
}

fn log() -> (Log, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let of_log = Arc::clone(&lines);
    let log: Log = Arc::new(move |line| of_log.lock().expect("no test panics here").push(line));
    (log, lines)
}

fn times(sent: &[(u64, Message)]) -> Vec<u64> {
    sent.iter().map(|(at, _)| at / 60).collect()
}

// Lost if broken: a night of messages about one thing, or none.
#[test]
fn a_rule_that_goes_on_firing_speaks_as_often_as_the_file_says() {
    let values = [20.0, 21.0, 22.0, 23.0, 22.0, 20.0, 21.0, f64::NAN];
    for (repeat, expected) in [
        (Repeat::EachLook, vec![2, 3, 4, 5, 7]),
        (Repeat::Once, vec![2, 7]),
        (Repeat::After(SimSpan::from_secs(120)), vec![2, 4, 7]),
    ] {
        let model = model(repeat, 0, ChannelConfig::default());
        let (sent, log, status) = run(figures(model, &values), 10, |_| Some(Ok(())));
        assert_eq!(times(&sent), expected, "{repeat:?}");
        assert_eq!(log.iter().filter(|line| line.contains("fires")).count(), 2, "{log:?}");
        assert_eq!(
            log.iter().filter(|line| line.contains("resolved")).count(),
            2,
            "{log:?}"
        );
        assert_eq!(
            (status.looks, status.rules[0].fired, status.rules[0].is_firing),
            (10, 2, false)
        );
        assert_eq!(
            (status.channels[0].sent, status.channels[0].lost),
            (expected.len() as u64, 0)
        );
    }
}

// Lost if broken: people who are told something else than what is wrong.
#[test]
fn a_message_says_what_since_when_how_much_and_what_next() {
    let model = model(Repeat::Once, 120, ChannelConfig::default());
    let (sent, _, _) = run(figures(model, &[0.0, 23.0]), 10, |_| Some(Ok(())));
    assert_eq!(times(&sent), [4]);
    let message = &sent[0].1;
    assert_eq!(message.title, "Critical: postgres.connections is 23, above 20");
    assert_eq!(
        message.text,
        "Critical: postgres.connections is 23, above 20.\n\
         What it is: connections at postgres.\n\
         Rule `connections`: above 20. It has been so for 2 min, since 2 min after the start.\n\
         Next: Connections run out for everybody: lower pool size times instances below the database's limit, or put a pooler \
         in between. Do not restart all instances at once: they all connect anew."
    );
    assert_eq!(
        message.short,
        "CRITICAL postgres.connections 23 > 20 for 2 min (rule connections)"
    );
    assert!(message.short.len() <= 160 && message.short.is_ascii());
}

// Lost if broken: a free offer that is used up and nobody knows.
#[test]
fn a_days_quota_stops_messages_and_each_is_logged() {
    let channel = ChannelConfig {
        per_day: 3,
        price: 0.5,
        segments: 2,
        ..ChannelConfig::default()
    };
    let (sent, log, status) = run(figures(model(Repeat::EachLook, 0, channel), &[30.0]), 5, |_| {
        Some(Ok(()))
    });
    assert_eq!(times(&sent), [1, 2, 3]);
    let lost = "ops: a message of `connections` is not sent: the day's messages are used up";
    assert_eq!(log.iter().filter(|line| *line == lost).count(), 2, "{log:?}");
    assert_eq!(
        (
            status.channels[0].sent,
            status.channels[0].lost,
            status.channels[0].cost
        ),
        (3, 2, 3.0)
    );
}

// Lost if broken: a service that is down for a moment loses the message, or one that is down for good is asked for ever.
#[test]
fn a_channel_that_is_down_is_tried_three_times_and_one_that_refuses_once() {
    let model = || model(Repeat::Once, 0, ChannelConfig::default());
    let down = || Some(Err(NotSent::Later("it answers 503".to_owned(), None)));
    let (sent, log, status) = run(figures(model(), &[30.0]), 3, move |_| down());
    // Waits of one second and of four.
    assert_eq!(sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [60, 61, 65]);
    let line = "ops: a message of `connections` is not sent: it answers 503 (tried 3 times)".to_owned();
    assert!(log.contains(&line), "{log:?}");
    assert_eq!((status.channels[0].sent, status.channels[0].lost), (0, 1));

    let (sent, _, status) = run(figures(model(), &[30.0]), 3, move |number| {
        if number < 3 { down() } else { Some(Ok(())) }
    });
    assert_eq!(
        (sent.len(), status.channels[0].sent, status.channels[0].lost),
        (3, 1, 0)
    );

    let (sent, _, status) = run(figures(model(), &[30.0]), 3, |_| {
        Some(Err(NotSent::Never("it does not take the key (401)".to_owned())))
    });
    assert_eq!((sent.len(), status.channels[0].lost), (1, 1));

    // It may ask for a longer wait, but not for an hour.
    let (sent, _, _) = run(figures(model(), &[30.0]), 9, |_| {
        Some(Err(NotSent::Later("429".to_owned(), Some(SimSpan::from_secs(3600)))))
    });
    assert_eq!(sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [60, 90, 120]);
}

// Lost if broken: a channel that hangs holds up the looks, or fills the memory with what waits for it.
#[test]
fn a_channel_that_hangs_holds_up_nothing_and_its_line_has_an_end() {
    let model = |every| {
        let mut model = model(Repeat::EachLook, 0, ChannelConfig::default());
        if let Some(monitoring) = &mut model.monitoring {
            monitoring.every = SimSpan::from_millis(every);
        }
        model
    };
    let (sent, log, status) = run(figures(model(60_000), &[30.0]), 2, |_| None);
    // Ten seconds a try, and the waits between.
    assert_eq!(
        sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
        [60, 71, 85, 120, 131, 145]
    );
    assert!(
        log.iter()
            .any(|line| line.ends_with("no answer within 10 seconds (tried 3 times)")),
        "{log:?}"
    );
    assert_eq!((status.looks, status.channels[0].lost), (2, 2));

    let (_, log, status) = run(figures(model(100), &[30.0]), 0, |_| None);
    assert_eq!(status.looks, 590);
    assert_eq!(status.channels[0].waiting, 32);
    assert!(
        log.iter().any(|line| line.ends_with("not sent: its line is full")),
        "{:?}",
        log.last()
    );
    assert_eq!(
        status.channels[0].sent + status.channels[0].lost + status.channels[0].waiting,
        590
    );
}

// Lost if broken: a rule that can never fire, and nobody knows.
#[test]
fn what_is_not_read_and_what_leads_nowhere_is_logged() {
    let mut backend = figures(model(Repeat::Once, 0, ChannelConfig::default()), &[30.0]);
    Arc::get_mut(&mut backend).expect("the only one").name = "postgres.cpu";
    let (sent, log, _) = run(backend, 2, |_| Some(Ok(())));
    assert!(sent.is_empty());
    assert_eq!(
        log,
        ["connections: the server does not read `postgres.connections`: the rule never fires"]
    );

    let host = VirtualHost::new();
    let (log, lines) = super::tests::log();
    let backend = figures(model(Repeat::Once, 0, ChannelConfig::default()), &[30.0]);
    let monitoring = start(host.clone(), backend, Senders::new(), log).expect("there is a rule");
    host.run(SimTime::ZERO + SimSpan::from_secs(200));
    assert_eq!(
        *lines.lock().expect("no test panics here"),
        [
            "nothing says where `ops` leads: what would go there is only logged",
            "connections: fires: Critical: postgres.connections is 30, above 20",
        ]
    );
    let status = monitoring.status();
    let kept: Vec<_> = status.lines.iter().map(|(at, _)| at.nanos() / 1_000_000_000).collect();
    assert_eq!(kept, [60]);
    assert_eq!((status.looks, status.channels[0].lost), (3, 1));
    let looks = status.looks;
    let shared = Arc::clone(&monitoring.shared);
    monitoring.stop();
    host.run(SimTime::ZERO + SimSpan::from_secs(400));
    assert_eq!(shared.rules().0, looks);
}

// Lost if broken: a count since the start is taken for what came since the last look.
#[test]
fn of_what_only_grows_a_rule_sees_what_has_come_since_the_last_look() {
    let mut backend = figures(
        model(Repeat::Once, 0, ChannelConfig::default()),
        &[15.0, 30.0, 51.0, 60.0],
    );
    Arc::get_mut(&mut backend).expect("the only one").is_count = true;
    let (sent, _, status) = run(backend, 4, |_| Some(Ok(())));
    assert_eq!(times(&sent), [3]);
    assert_eq!(status.rules[0].reading, 9.0);
}

/// A stub service: keeps what it is sent, and answers with these bytes; nothing at all where there are none.
async fn service(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(Mutex::new(Vec::new()));
    let of_task = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let requests = Arc::clone(&of_task);
            tokio::spawn(async move {
                let mut text = Vec::new();
                let mut buffer = [0; 4096];
                while !is_whole(&text) {
                    match socket.read(&mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(count) => text.extend_from_slice(&buffer[..count]),
                    }
                }
                let text = String::from_utf8_lossy(&text).into_owned();
                requests.lock().expect("no test panics here").push(text);
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
                let _ = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    (format!("http://{address}"), requests)
}

fn is_whole(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn message() -> Message {
    Message {
        rule: "cpu".to_owned(),
        level: AlertLevel::Warning,
        title: "Warning: web.cpu is 83 %".to_owned(),
        text: "Warning: web.cpu is 83 % & <more>".to_owned(),
        short: "WARNING web.cpu 83 % > 80 %".to_owned(),
    }
}

fn senders(base: &str) -> Vec<Arc<dyn Sender>> {
    let secret = Secret::new(format!("{base}/services/T0/B0/hidden"));
    let numbers = ["+15550101".to_owned(), "+15550102".to_owned()];
    let twilio = Twilio::new(
        base,
        "AC01".to_owned(),
        Secret::new("hidden"),
        "+15550100".to_owned(),
        numbers.into(),
    );
    let to = vec!["oncall@example.com".to_owned()];
    let sendgrid = SendGrid::new(base, Secret::new("hidden"), "alerts@example.com".to_owned(), to);
    vec![
        Arc::new(Slack::new(secret).expect("a webhook")),
        Arc::new(sendgrid.expect("a service")),
        Arc::new(twilio.expect("a service")),
    ]
}

// Lost if broken: a message in a shape that the service does not take.
#[tokio::test]
async fn each_service_gets_what_it_understands() {
    let (base, requests) = service(ACCEPTED).await;
    for sender in senders(&base) {
        for copy in 0..sender.copies() {
            assert_eq!(sender.send(&message(), copy).await, Ok(()), "{}", sender.kind());
        }
    }
    let requests = requests.lock().expect("no test panics here");
    let [slack, mail, first, second] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert!(slack.starts_with("POST /services/T0/B0/hidden HTTP/1.1\r\n"), "{slack}");
    assert!(
        slack.ends_with(r#"{"text":"Warning: web.cpu is 83 % &amp; &lt;more&gt;"}"#),
        "{slack}"
    );
    assert!(mail.starts_with("POST /v3/mail/send HTTP/1.1\r\n"), "{mail}");
    assert!(mail.contains("authorization: Bearer hidden\r\n"), "{mail}");
    let body: serde_json::Value = serde_json::from_str(mail.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    assert_eq!(
        body,
        serde_json::json!({
            "personalizations": [{ "to": [{ "email": "oncall@example.com" }] }],
            "from": { "email": "alerts@example.com" },
            "subject": "Warning: web.cpu is 83 %",
            "content": [{ "type": "text/plain", "value": "Warning: web.cpu is 83 % & <more>" }],
        })
    );
    assert!(
        first.starts_with("POST /2010-04-01/Accounts/AC01/Messages.json HTTP/1.1\r\n"),
        "{first}"
    );
    // AC01:hidden.
    assert!(first.contains("authorization: Basic QUMwMTpoaWRkZW4=\r\n"), "{first}");
    assert!(
        first.ends_with("To=%2B15550101&From=%2B15550100&Body=WARNING+web.cpu+83+%25+%3E+80+%25"),
        "{first}"
    );
    assert!(second.contains("To=%2B15550102&"), "{second}");
}

// Lost if broken: an error that is tried for ever or never, and a secret in a log.
#[tokio::test]
async fn what_a_service_answers_decides_whether_to_try_again_and_no_secret_is_told() {
    let five = Some(SimSpan::from_secs(5));
    for (answer, again, wait) in [
        (
            "HTTP/1.1 503 x\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhidden",
            true,
            None,
        ),
        (
            "HTTP/1.1 429 x\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            true,
            five,
        ),
        (
            "HTTP/1.1 401 x\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhidden",
            false,
            None,
        ),
        (
            "HTTP/1.1 404 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            false,
            None,
        ),
        (
            "HTTP/1.1 302 x\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            false,
            None,
        ),
        ("nonsense\r\n\r\n", true, None),
    ] {
        let (base, _) = service(answer).await;
        for sender in senders(&base) {
            let reason = match sender.send(&message(), 0).await {
                Err(NotSent::Later(reason, asked)) => {
                    assert!(again, "{answer}: {reason}");
                    assert_eq!(asked, wait, "{answer}");
                    reason
                }
                Err(NotSent::Never(reason)) => {
                    assert!(!again, "{answer}: {reason}");
                    reason
                }
                Ok(()) => panic!("{answer}"),
            };
            assert!(!reason.contains("hidden") && !reason.contains("services"), "{reason}");
        }
    }
    // Nobody is there at all.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    for sender in senders(&base) {
        let answer = sender.send(&message(), 0).await;
        let Err(NotSent::Later(reason, _)) = answer else {
            panic!("{answer:?}")
        };
        assert!(!reason.contains("hidden") && !reason.contains("127.0.0.1"), "{reason}");
    }
    let shown = format!("{:?}", Slack::new(Secret::new(format!("{base}/hidden"))));
    assert!(!shown.contains("hidden"), "{shown}");
}

// Lost if broken: all of it together on the wall's clock, a channel that hangs included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_walls_clock_messages_arrive_while_another_channel_hangs() {
    let (base, requests) = service(ACCEPTED).await;
    let (hung, hanging) = service("").await;
    let mut model = model(Repeat::Once, 0, ChannelConfig::default());
    if let Some(monitoring) = &mut model.monitoring {
        let mut other = monitoring.channels[0].clone();
        other.name = "hung".to_owned();
        monitoring.channels.insert(0, other);
        monitoring.rules[0].channels = vec![0, 1];
    }
    let host = WallHost::new(600.0).expect("a clock");
    let (log, lines) = log();
    let way = |base: &str| senders(base).swap_remove(0);
    let senders: Senders = [("hung".to_owned(), way(&hung)), ("ops".to_owned(), way(&base))].into();
    let backend = figures(model, &[30.0]);
    let monitoring = start(host, backend.clone(), senders, log).expect("there is a rule");
    let mut sent = 0;
    for _ in 0..2000 {
        sent = monitoring.status().channels[1].sent;
        // The looks go on, too.
        if sent > 0 && monitoring.status().looks > 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(sent, 1, "{:?}", lines.lock());
    assert_eq!(requests.lock().expect("no test panics here").len(), 1);
    let status = monitoring.status();
    assert_eq!((status.channels[0].waiting, status.channels[0].sent), (1, 0));
    assert!(hanging.lock().expect("no test panics here").len() <= 1);
}

// Lost if broken: where secrets come from, and that a mistake names the channel and not the secret.
#[test]
fn settings_say_where_channels_lead() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("a file");
    write("slack", "http://127.0.0.1:9/hidden\n");
    write("key", "SG.hidden\n");
    write("bad", "hidden without an address\n");
    write(
        "channels.toml",
        r#"
        [slack]
        slack = { url_file = "slack" }
        [email]
        sendgrid = { base = "http://127.0.0.1:9", key_file = "key", from = "a@example.com", to = [ "b@example.com" ] }
        [sms]
        twilio = { base = "http://127.0.0.1:9", account = "AC01", token_file = "key", from = "+1", to = [ "+2", "+3" ] }
        "#,
    );
    let senders = settings::read(&directory.path().join("channels.toml")).expect("settings");
    let kinds: Vec<_> = senders
        .iter()
        .map(|(name, sender)| (name.as_str(), sender.kind(), sender.copies()))
        .collect();
    assert_eq!(
        kinds,
        [("email", "e-mail", 1), ("slack", "slack", 1), ("sms", "sms", 2)]
    );
    for (text, part) in [
        (
            "[slack]\nslack = { url_file = \"none\" }",
            "channel `slack`: cannot read",
        ),
        (
            "[slack]\nslack = { url_file = \"bad\" }",
            "channel `slack`: not an address",
        ),
        ("[slack]\nslack = {}", "exactly one of `url_file` and `url_env`"),
        (
            "[slack]\nslack = { url = \"http://x/hidden\" }",
            "line 2: unknown field",
        ),
        ("[slack]\npager = {}", "unknown variant"),
        (
            "[x]\nslack = { url_env = \"HIGHWATER_NO_SUCH_VARIABLE\" }",
            "`HIGHWATER_NO_SUCH_VARIABLE` is not set",
        ),
        (
            "[x]\ntwilio = { base = \"http://x\", account = \"a/b\", token_file = \"key\", from = \"+1\", to = [\"+2\"] }",
            "`account` is letters and digits",
        ),
        (
            "[x]\nsendgrid = { base = \"http://x\", key_file = \"key\", from = \"a\", to = [] }",
            "`to` is empty",
        ),
    ] {
        let error = settings::parse(text, directory.path()).err().expect(text);
        assert!(error.contains(part), "{text}: {error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
