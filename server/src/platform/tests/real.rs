//! Parts that take time of their own, beside the time that is worked out.

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use highwater_host::pause;

use super::*;
use crate::arrival::Piece;
use crate::provider::{Answering, Provider, Question, Refusal};
use crate::store::{Connection, Statement, Store, StoreError};

/// A database each of whose answers takes so long.
struct Slow {
    store: Arc<MemoryStore>,
    host: SharedHost,
    takes: SimSpan,
    /// Statements after which the connection breaks.
    breaks_after: u32,
}

struct SlowConnection {
    connection: Box<dyn Connection>,
    host: SharedHost,
    takes: SimSpan,
    left: u32,
}

impl Store for Slow {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, StoreError>> {
        async move {
            pause(&*self.host, self.takes).await;
            let connection = SlowConnection {
                connection: self.store.connect().await?,
                host: self.host.clone(),
                takes: self.takes,
                left: self.breaks_after,
            };
            Ok(Box::new(connection) as Box<dyn Connection>)
        }
        .boxed()
    }
}

impl Connection for SlowConnection {
    fn run<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<serde_json::Value, StoreError>> {
        async move {
            pause(&*self.host, self.takes).await;
            if self.left == 0 {
                return Err(StoreError::Lost("cut".to_owned()));
            }
            self.left -= 1;
            self.connection.run(statement).await
        }
        .boxed()
    }

    fn is_closed(&self) -> bool {
        self.left == 0
    }
}

/// A round trip of 2 ms and 5 ms for a new connection; one core.
pub(super) const DATABASE: &str = r#"
[system.database.postgres]
cores           = 1
max_connections = 25
rtt             = "2ms"
connect         = "5ms"
[system.pool.connections]
database = "postgres"
max      = 2
timeout  = "1s"
"#;

/// A run on a slow database, and the database.
fn slow(steps: &str, connections: u32, takes: u64, breaks_after: u32) -> (Run, Arc<MemoryStore>) {
    slow_with("[system.endpoint.job]", steps, connections, takes, breaks_after)
}

fn slow_with(head: &str, steps: &str, connections: u32, takes: u64, breaks_after: u32) -> (Run, Arc<MemoryStore>) {
    let model = model(&format!("{head}\nsteps = {steps}\n{DATABASE}"));
    let store = MemoryStore::new(connections);
    let slow_store = store.clone();
    let run = Run::with(&model, move |parts| {
        let slow = Slow {
            store: slow_store,
            host: parts.host.clone(),
            takes: SimSpan::from_millis(takes),
            breaks_after,
        };
        Parts {
            stores: vec![Arc::new(slow)],
            ..parts
        }
    });
    (run, store)
}

#[test]
fn a_step_ends_when_both_the_real_one_and_the_worked_out_one_have() {
    let steps = r#"[ { query = { cpu = "1ms", wait = "10ms" } } ]"#;
    // The real ones are quicker. To the server 1, the connection at 6; the query there at 7, worked on until 8, found at
    // 18, back at 19.
    let (quick, _) = slow(steps, 25, 2, u32::MAX);
    quick.ask(0, millis(0));
    assert_eq!(quick.until(millis(1000)), [(0, 19.0, None)]);
    // They take 30: the connection is there at 31, the query there at 32 and its answer at 62.
    let (slow, store) = slow(steps, 25, 30, u32::MAX);
    slow.ask(0, millis(0));
    // The next one finds the connection open: there at 101, its answer at 131.
    slow.ask(1, millis(100));
    assert_eq!(slow.until(millis(1000)), [(0, 62.0, None), (1, 131.0, None)]);
    assert_eq!(store.connections(), (1, 1, 0));
}

#[test]
fn a_refusal_of_the_database_is_real() {
    let (run, store) = slow(r#"[ { query = { cpu = "1ms" } } ]"#, 0, 30, u32::MAX);
    run.ask(0, millis(0));
    // At the server at 1, which says no at 31; back at 32.
    assert_eq!(run.until(millis(1000)), [(0, 32.0, Some(Cause::ConnectionRefused))]);
    assert_eq!(store.connections(), (0, 0, 1));
}

#[test]
fn a_connection_that_breaks_is_replaced() {
    let (run, store) = slow(r#"[ { query = { cpu = "1ms" } } ]"#, 25, 0, 1);
    for number in 0..4 {
        run.ask(number, millis(100 * number));
    }
    let causes: Vec<Option<Cause>> = run.until(millis(1000)).into_iter().map(|(_, _, cause)| cause).collect();
    let lost = Some(Cause::DatabaseUnavailable);
    assert_eq!(causes, [None, lost, None, lost]);
    assert_eq!(store.connections().1, 1, "never two at a time");
}

#[test]
fn a_process_that_does_not_handle_the_error_of_an_idle_connection_dies_of_it() {
    for (crashes, died) in [(false, 0.0), (true, 1.0)] {
        let service = format!("[system.service.web]\ncrash_on_database_error = {crashes}\n[system.endpoint.job]");
        let (run, _) = slow_with(&service, r#"[ { query = { cpu = "1ms" } } ]"#, 25, 0, 1);
        // Two connections, each good for one statement; the next one finds out about both.
        [0, 0, 100]
            .iter()
            .enumerate()
            .for_each(|(number, &at)| run.ask(number as u64, millis(at)));
        assert_eq!(run.until(millis(1000)).len(), 3);
        let readings = run.platform.readings();
        let deaths = readings.iter().find(|it| it.name == "web.deaths").map(|it| it.value);
        assert_eq!(deaths, Some(died));
    }
}

#[test]
fn a_transaction_is_kept_before_its_answer_or_never_was() {
    let query = r#"{ query = { cpu = "1ms" } }"#;
    let steps = format!("[ {{ transaction = {{ steps = [ {query}, {query}, {{ fail = 0.5 }} ] }} }} ]");
    let (run, store) = slow(&steps, 25, 4, u32::MAX);
    for number in 0..20 {
        run.ask(number, millis(100 * number));
    }
    let ends = run.until(millis(5000));
    let ran: Vec<&str> = store.statements().iter().map(word).collect();
    let good = ends.iter().filter(|(_, _, cause)| cause.is_none()).count();
    assert!((1..20).contains(&good), "{good} of 20 at a chance of a half");
    let expected: Vec<&str> = ends
        .iter()
        .flat_map(|(_, _, cause)| match cause {
            None => ["begin", "read", "read", "commit"],
            Some(_) => ["begin", "read", "read", "rollback"],
        })
        .collect();
    assert_eq!(ran, expected);
    // There at 2 where the connection is open; the first statement and the one that begins take 8, the other 2 + 4, the end
    // 4: what was kept was kept before the answer.
    let last = ends
        .iter()
        .rev()
        .find(|(_, _, cause)| cause.is_none())
        .expect("one is kept");
    assert_eq!(last.1 - 100.0 * last.0 as f64, 1.0 + 8.0 + 1.0 + 4.0 + 4.0);
}

fn word(statement: &Statement) -> &'static str {
    match statement {
        Statement::Begin => "begin",
        Statement::Commit => "commit",
        Statement::Rollback => "rollback",
        Statement::Read { .. } => "read",
        _ => "other",
    }
}

// ---- models ---------------------------------------------------------------------------------------------------------

/// A provider that takes its own time, and sends its answer in three pieces.
struct Own {
    host: SharedHost,
    takes: SimSpan,
}

impl Provider for Own {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answering, Refusal>> {
        async move {
            pause(&*self.host, self.takes).await;
            let host = self.host.clone();
            let rest = futures::stream::iter(["two", "three"]).then(move |piece| {
                let host = host.clone();
                async move {
                    pause(&*host, SimSpan::from_millis(10)).await;
                    Ok(piece.to_owned())
                }
            });
            Ok(Answering {
                usage: None,
                text: "one".to_owned(),
                rest: question.stream.then(|| rest.boxed()),
            })
        }
        .boxed()
    }

    fn keeps_time(&self) -> bool {
        true
    }
}

fn asks_a_model(stream: bool, takes: u64) -> Run {
    let model = model(&format!(
        r#"
[system.endpoint.job]
steps = [ {{ llm = {{ provider = "p", model = "m", prompt = 10, answer = 100, stream = {stream} }} }} ]
[system.provider.p]
timeout = "500ms"
retry   = {{ max = 0 }}
[system.provider.p.model.m]
first_token = "100ms"
per_token   = "1ms"
"#
    ));
    Run::with(&model, |parts| {
        let own = Own {
            host: parts.host.clone(),
            takes: SimSpan::from_millis(takes),
        };
        Parts {
            providers: vec![Arc::new(own)],
            ..parts
        }
    })
}

#[test]
fn a_provider_that_keeps_its_own_time_is_waited_for_up_to_the_time_out() {
    let run = asks_a_model(false, 70);
    run.ask(0, millis(0));
    assert_eq!(run.until(millis(1000)), [(0, 70.0, None)]);
    let run = asks_a_model(false, 700);
    run.ask(0, millis(0));
    assert_eq!(run.until(millis(1000)), [(0, 500.0, Some(Cause::LlmTimeout))]);
}

#[test]
fn pieces_go_on_as_they_come() {
    let run = asks_a_model(true, 70);
    run.ask(0, millis(0));
    run.host.run(millis(1000));
    let (_, at, mut answer) = run.answers.lock().expect("no test panics").pop().expect("one");
    assert_eq!((at, answer.cause), (70.0, None));
    let pieces = answer.pieces.take().expect("in pieces");
    let pieces: Vec<Piece> = futures::executor::block_on(pieces.collect());
    let texts: Vec<Piece> = ["one", "two", "three"]
        .map(|text| Piece::Text(text.to_owned()))
        .to_vec();
    assert_eq!(pieces[..3], texts);
    let Piece::Whole(stages) = &pieces[3] else {
        panic!("{pieces:?}")
    };
    assert_eq!(pieces.len(), 4);
    let sum: u64 = stages.iter().map(|(_, span)| span.nanos()).sum();
    assert_eq!(sum, 90_000_000);
}

// Lost if broken: a client that closes the page in the middle of an answer keeps the model writing.
#[test]
fn a_client_that_goes_in_the_middle_of_an_answer_is_heard_of() {
    let model = model(
        r#"
[system.service.web]
cancel = true
[system.endpoint.job]
steps = [ { llm = { provider = "p", model = "m", prompt = 10, answer = 100, stream = true } } ]
[system.provider.p.model.m]
first_token = "100ms"
per_token   = "10ms"
"#,
    );
    for goes_at in [600, 5000] {
        let run = Run::new(&model);
        let host = run.host.clone();
        let gone = async move { host.sleep_until(millis(goes_at)).await };
        run.ask_with(Arrival {
            gone: gone.boxed().shared(),
            ..arrival(0, millis(0))
        });
        run.host.run(millis(10_000));
        let (_, at, mut answer) = run.answers.lock().expect("no test panics").pop().expect("one");
        assert_eq!(at, 100.0);
        let pieces = answer.pieces.take().expect("in pieces");
        let pieces: Vec<Piece> = futures::executor::block_on(pieces.collect());
        let broken = pieces.last() == Some(&Piece::Broken(Cause::ClientTimeout));
        assert_eq!(broken, goes_at < 1100, "{pieces:?}");
        let readings = run.platform.readings();
        let in_flight = readings.iter().find(|it| it.name == "p.in_flight").map(|it| it.value);
        assert_eq!(in_flight, Some(0.0));
    }
}
