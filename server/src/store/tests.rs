use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use highwater_host::programs::Program;
use serde_json::json;
use tokio::runtime::Runtime;

use super::*;

/// The bundled system's database: the platform's superusers keep three of its connections.
const PLAN: Seats = Seats { free: 22, kept: 3 };
/// Writers at once in the tests that kill.
const WRITERS: usize = 8;
/// Acknowledged messages after which they do.
const ACKNOWLEDGED: usize = 300;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn embedded(seats: Seats) -> Arc<dyn Store> {
    let choice = StoreChoice::Embedded { file: None };
    open(&choice, seats)
        .await
        .expect("SQLite is part of this program")
        .store
}

async fn cluster(seats: Seats) -> Cluster {
    Cluster::start(seats, false).await.expect("PostgreSQL is there")
}

async fn store_of(cluster: &Cluster) -> Arc<dyn Store> {
    let (store, _) = Postgres::open(&cluster.address(), None).await.expect("it runs");
    Arc::new(store)
}

async fn connect(store: &Arc<dyn Store>) -> Box<dyn Connection> {
    store.connect().await.expect("a place is free")
}

async fn run(connection: &mut Box<dyn Connection>, statement: Statement) -> Value {
    connection.run(&statement).await.expect("it works")
}

fn message(number: usize) -> Statement {
    Statement::AddMessage {
        message: format!("m{number}"),
        conversation: "c".to_owned(),
        role: "user",
        text: format!("text {number}"),
    }
}

fn payment(event: &str) -> Statement {
    let (event, user) = (event.to_owned(), "ann".to_owned());
    Statement::Payment { event, user }
}

async fn history(connection: &mut Box<dyn Connection>, last: u32) -> Vec<String> {
    let conversation = "c".to_owned();
    let found = run(connection, Statement::History { conversation, last }).await;
    let texts = found.as_array().expect("a list").iter();
    texts
        .map(|message| message["text"].as_str().expect("a text").to_owned())
        .collect()
}

/// What the product is told has to be the same, whichever database it has.
async fn check_statements(store: &Arc<dyn Store>) {
    let mut one = connect(store).await;
    let user = || "ann".to_owned();
    for new in [true, false] {
        let found = run(&mut one, Statement::User { user: user() }).await;
        assert_eq!(found, json!({ "user": "ann", "new": new }));
    }
    for (paid, known) in [(Value::Null, false), (json!({ "active": true }), true)] {
        assert_eq!(run(&mut one, Statement::Subscription { user: user() }).await, paid);
        assert_eq!(run(&mut one, payment("evt_1")).await, json!({ "known": known }));
    }
    let coach = run(&mut one, Statement::Coach { coach: 7 }).await;
    assert_eq!(coach, json!({ "coach": 7, "name": "Coach 7" }));
    assert_eq!(run(&mut one, Statement::Coach { coach: 1_000 }).await, Value::Null);
    assert_eq!(run(&mut one, Statement::Coach { coach: u64::MAX }).await, Value::Null);
    for known in [false, true] {
        let conversation = "c".to_owned();
        let statement = Statement::NewConversation {
            conversation,
            user: user(),
        };
        assert_eq!(run(&mut one, statement).await, json!({ "known": known }));
    }
    assert_eq!(history(&mut one, 5).await, Vec::<String>::new());
    for (number, known) in [(1, false), (2, false), (1, true), (3, false)] {
        assert_eq!(run(&mut one, message(number)).await, json!({ "known": known }));
    }
    assert_eq!(history(&mut one, 2).await, ["text 2", "text 3"]);
    assert_eq!(run(&mut one, Statement::SignIn { user: user() }).await, Value::Null);
    let (kind, key) = (|| "report".to_owned(), u64::MAX);
    assert_eq!(run(&mut one, Statement::Read { kind: kind(), key }).await, Value::Null);
    for times in 1..=2 {
        let found = run(&mut one, Statement::Write { kind: kind(), key }).await;
        assert_eq!(found, json!({ "times": times }));
    }
    assert_eq!(
        run(&mut one, Statement::Read { kind: kind(), key }).await,
        json!({ "times": 2 })
    );
    // A character that one of the databases cannot hold must not fail a message on it alone.
    let odd = Statement::AddMessage {
        message: "odd".to_owned(),
        conversation: "c".to_owned(),
        role: "user",
        text: "a\0b 'quoted' \"$1\" 🌊".to_owned(),
    };
    run(&mut one, odd).await;
    assert_eq!(history(&mut one, 1).await, ["a\u{fffd}b 'quoted' \"$1\" 🌊"]);
}

/// A transaction is kept whole or not at all, and its end never says more than is true.
async fn check_transactions(store: &Arc<dyn Store>) {
    let (mut one, mut two) = (connect(store).await, connect(store).await);
    let before = history(&mut one, 1_000).await.len();
    let count = async |connection: &mut Box<dyn Connection>| history(connection, 1_000).await.len() - before;
    run(&mut one, Statement::Begin).await;
    run(&mut one, message(101)).await;
    assert_eq!(
        run(&mut one, message(101)).await,
        json!({ "known": true }),
        "its own writes are seen"
    );
    assert_eq!((count(&mut one).await, count(&mut two).await), (1, 0));
    // Somebody else's write does not wait for the end of it.
    run(&mut two, message(102)).await;
    run(&mut one, Statement::Rollback).await;
    assert_eq!((count(&mut one).await, count(&mut two).await), (1, 1));
    run(&mut one, Statement::Begin).await;
    run(&mut one, message(103)).await;
    run(&mut one, Statement::Commit).await;
    assert_eq!(count(&mut two).await, 2);

    run(&mut one, Statement::Begin).await;
    run(&mut one, message(104)).await;
    assert!(one.run(&Statement::Begin).await.is_err());
    assert!(one.run(&message(105)).await.is_err(), "the transaction has failed");
    assert!(
        one.run(&Statement::Commit).await.is_err(),
        "nothing is acknowledged that is not kept"
    );
    assert_eq!(count(&mut two).await, 2);
    run(&mut one, message(106)).await;
    run(&mut one, Statement::Begin).await;
    run(&mut one, message(107)).await;
    drop(one);
    assert_eq!(
        count(&mut two).await,
        3,
        "what was open when the connection went never was"
    );
}

/// A payment provider sends an event again when it has heard nothing, also at the same moment.
async fn check_once_only(store: &Arc<dyn Store>) {
    let mut tasks = Vec::new();
    for _ in 0..WRITERS {
        let store = Arc::clone(store);
        tasks.push(tokio::spawn(async move {
            let mut connection = connect(&store).await;
            let paid = run(&mut connection, payment("evt_2")).await;
            let added = run(&mut connection, message(500)).await;
            [paid, added].map(|found| usize::from(found == json!({ "known": false })))
        }));
    }
    let mut new = [0, 0];
    for task in tasks {
        let found = task.await.expect("no task panics");
        new = [new[0] + found[0], new[1] + found[1]];
    }
    assert_eq!(new, [1, 1], "each was new to exactly one");
}

/// The limit that most verdicts about the plan turn on: 25 connections of which 22 are for the application.
async fn check_gate(store: &Arc<dyn Store>) {
    let mut held = Vec::new();
    while held.len() < 22 {
        // Those of the checks before may still be on their way out.
        match store.connect().await {
            Ok(connection) => held.push(connection),
            Err(StoreError::Refused) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(store.connect().await.err(), Some(StoreError::Refused));
    run(&mut held[21], Statement::Coach { coach: 1 }).await;
    held.pop();
    // The server is told at once; that it has heard shows when a place is free.
    let again = loop {
        match store.connect().await {
            Ok(connection) => break connection,
            Err(error) => assert_eq!(error, StoreError::Refused),
        }
    };
    assert!(!again.is_closed());
    assert_eq!(store.connect().await.err(), Some(StoreError::Refused));
}

/// Whoever gives up waiting for an answer leaves a connection that can still be used or closed.
async fn check_given_up(store: &Arc<dyn Store>) {
    let mut one = connect(store).await;
    run(&mut one, Statement::Begin).await;
    let statement = message(700);
    {
        let mut asking = one.run(&statement);
        let _ = futures::poll!(&mut asking);
    }
    // Whether that statement was done nobody knows, so the transaction is worth nothing.
    assert!(one.run(&Statement::Commit).await.is_err());
    assert_eq!(run(&mut one, message(700)).await, json!({ "known": false }));
}

async fn check_all(store: &Arc<dyn Store>) {
    check_statements(store).await;
    check_transactions(store).await;
    check_once_only(store).await;
    check_given_up(store).await;
    check_gate(store).await;
}

#[test]
fn the_embedded_database_does_what_the_product_needs_and_refuses_the_23rd_connection() {
    runtime().block_on(async { check_all(&embedded(PLAN).await).await });
}

#[test]
fn postgresql_does_what_the_product_needs_and_refuses_the_23rd_connection() {
    if Program::Postgres.or_skip("the store on PostgreSQL").is_none() {
        return;
    }
    runtime().block_on(async {
        let choice = StoreChoice::Temporary { fsync: false };
        let opened = open(&choice, PLAN).await.expect("PostgreSQL is there");
        let note = opened.note;
        assert!(note.starts_with("temporary PostgreSQL "), "{note}");
        assert!(note.ends_with(", 22 connections for the application"), "{note}");
        check_all(&opened.store).await;
    });
}

/// Two transactions that were both told a payment is new cannot both keep it.
#[test]
fn the_embedded_database_fails_a_commit_that_somebody_came_between() {
    runtime().block_on(async {
        let store = embedded(PLAN).await;
        let (mut one, mut two) = (connect(&store).await, connect(&store).await);
        for connection in [&mut one, &mut two] {
            run(connection, Statement::Begin).await;
            assert_eq!(run(connection, payment("evt")).await, json!({ "known": false }));
        }
        run(&mut two, Statement::Commit).await;
        let error = one.run(&Statement::Commit).await.expect_err("it is known by now");
        assert!(
            matches!(&error, StoreError::Failed(why) if why.contains("come between")),
            "{error}"
        );
        assert_eq!(run(&mut one, payment("evt")).await, json!({ "known": true }));
    });
}

/// A file of tomorrow's version must not be written by yesterday's program.
#[test]
fn tables_are_made_once_and_later_ones_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("store.sqlite");
    let choice = StoreChoice::Embedded {
        file: Some(file.clone()),
    };
    runtime().block_on(async {
        for known in [false, true] {
            let store = open(&choice, PLAN).await.expect("it opens").store;
            let mut connection = connect(&store).await;
            assert_eq!(run(&mut connection, message(1)).await, json!({ "known": known }));
        }
        let sqlite = rusqlite::Connection::open(&file).expect("it opens");
        sqlite
            .execute(sql::SET_VERSION, [sql::NEWEST + 1])
            .expect("it is written");
        let error = open(&choice, PLAN).await.err().expect("a later version");
        assert!(
            matches!(&error, StoreError::Failed(why) if why.contains("version 2")),
            "{error}"
        );
    });
}

#[test]
fn an_address_that_is_no_good_is_said_without_its_password() {
    runtime().block_on(async {
        let unreadable = "postgres://app:hush@127.0.0.1:notaport/app";
        let secured = "postgres://app:hush@127.0.0.1:1/app?sslmode=require";
        let nobody = "postgres://app:hush@127.0.0.1:1/app";
        for address in [unreadable, secured, nobody] {
            let error = open(&StoreChoice::Url(address.to_owned()), PLAN).await.err();
            let Some(StoreError::Lost(why)) = error else {
                panic!("{address}: {error:?}");
            };
            assert!(!why.contains("hush"), "{why}");
        }
    });
}

/// Writes messages on several connections until they fail, and gives the numbers of those acknowledged as they are.
async fn write_messages(
    store: &Arc<dyn Store>,
    acknowledged: std::sync::mpsc::Sender<usize>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let mut connections = Vec::new();
    for _ in 0..WRITERS {
        connections.push(connect(store).await);
    }
    let writer = |(first, mut connection): (usize, Box<dyn Connection>)| {
        let acknowledged = acknowledged.clone();
        tokio::spawn(async move {
            for number in (first..).step_by(WRITERS) {
                if connection.run(&message(number)).await.is_err() || acknowledged.send(number).is_err() {
                    return;
                }
            }
        })
    };
    connections.into_iter().enumerate().map(writer).collect()
}

async fn assert_there(store: &Arc<dyn Store>, acknowledged: &[usize]) {
    let mut connection = connect(store).await;
    for &number in acknowledged {
        let found = run(&mut connection, message(number)).await;
        assert_eq!(
            found,
            json!({ "known": true }),
            "message {number} was acknowledged and is lost"
        );
    }
}

/// The server's own death, under load: what it had said yes to is there when it is back.
#[test]
fn postgresql_killed_under_load_has_every_acknowledged_message() {
    if Program::Postgres.or_skip("PostgreSQL killed under load").is_none() {
        return;
    }
    runtime().block_on(async {
        let mut cluster = cluster(PLAN).await;
        let store = store_of(&cluster).await;
        let mut idle = connect(&store).await;
        let (sender, receiver) = std::sync::mpsc::channel();
        let writers = write_messages(&store, sender).await;
        let gather = tokio::task::spawn_blocking(move || {
            let first: Vec<usize> = receiver.iter().take(ACKNOWLEDGED).collect();
            (first, receiver)
        });
        let (mut acknowledged, receiver) = gather.await.expect("it does not panic");
        tokio::task::block_in_place(|| cluster.crash());
        for writer in writers {
            writer.await.expect("its connection broke, and it said so");
        }
        acknowledged.extend(receiver.try_iter());
        // A connection that nobody asked anything on notices too.
        while !idle.is_closed() {
            tokio::task::yield_now().await;
        }
        let lost = idle.run(&message(1)).await;
        assert!(matches!(lost, Err(StoreError::Lost(_))), "{lost:?}");
        let refused = store.connect().await.err();
        assert!(matches!(refused, Some(StoreError::Lost(_))), "{refused:?}");
        cluster.restart().await.expect("it recovers");
        assert_there(&store, &acknowledged).await;
    });
}

/// Run by the test below in a process of its own, which is then killed.
#[test]
#[ignore = "a part of another test"]
fn child_that_writes_until_it_is_killed() {
    let Some(file) = std::env::var_os("HIGHWATER_TEST_STORE") else {
        return;
    };
    let choice = StoreChoice::Embedded {
        file: Some(file.into()),
    };
    runtime().block_on(async {
        let store = open(&choice, PLAN).await.expect("it opens").store;
        let (sender, receiver) = std::sync::mpsc::channel();
        let _writers = write_messages(&store, sender).await;
        tokio::task::block_in_place(|| {
            for number in receiver {
                let line = format!("\nacknowledged {number}\n");
                if std::io::stdout().write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        });
    });
}

#[test]
fn the_embedded_database_killed_under_load_has_every_acknowledged_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("store.sqlite");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "store::tests::child_that_writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env("HIGHWATER_TEST_STORE", &file)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test again");
    let mut lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
    let mut acknowledged = Vec::new();
    let mut next = || -> Option<usize> {
        loop {
            let line = lines.next()?.ok()?;
            // The last line may be half a one.
            if let Some(number) = line.strip_prefix("acknowledged ") {
                return number.parse().ok();
            }
        }
    };
    while acknowledged.len() < ACKNOWLEDGED
        && let Some(number) = next()
    {
        acknowledged.push(number);
    }
    child.kill().expect("it runs");
    child.wait().expect("it is ours");
    assert!(acknowledged.len() >= ACKNOWLEDGED, "it stopped by itself");
    runtime().block_on(async {
        let choice = StoreChoice::Embedded { file: Some(file) };
        let store = open(&choice, PLAN).await.expect("it recovers").store;
        assert_there(&store, &acknowledged).await;
    });
}
