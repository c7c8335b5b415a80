//! SQLite in this process, behind a gate that counts connections and refuses as PostgreSQL does.
//!
//! Owns: the gate, what a transaction has written so far, and the threads that work on the file: one that writes, a few that
//! read. None of it is done on a thread of the runtime.
//!
//! - What is acknowledged is on the disk: the write-ahead log is synced before (`synchronous = FULL`). Those who write at the
//!   same time share one sync, as PostgreSQL's group commit lets them.
//! - SQLite has one writer at a time, PostgreSQL one for each row. So a transaction holds no lock here, however long it lasts: its
//!   statements are kept aside, done again before each further one (and undone), and done for good by its commit. If one of
//!   them then gives something else than it did before, somebody has come between, and the commit fails.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::BoxFuture;
use rusqlite::types::{Type, Value as SqlValue};
use rusqlite::{Connection as Sqlite, OpenFlags, params_from_iter};
use serde_json::Value;
use tempfile::TempDir;

use super::sql::{self, Cell, Found};
use super::{Connection, Seats, Statement, Store, StoreError};

/// Threads that read. More would share two cores with what the requests are measured on.
const READERS: usize = 2;
/// Writes that share one sync at most.
const GROUP: usize = 256;
/// Statements of one transaction at most: they are done again for each further one.
const TRANSACTION: usize = 1_000;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(10);
/// A column that counts up by itself.
const NUMBER: &str = "INTEGER PRIMARY KEY";

type Outcome = Result<Value, StoreError>;

/// A statement of a transaction, and what it gave.
type Done = (Statement, Value);

/// What is to be done by a thread, and who waits for it.
struct Job {
    /// What the transaction did before.
    before: Vec<Done>,
    /// What is asked now; none for a commit.
    statement: Option<Statement>,
    /// Whether what is written stays.
    keeps: bool,
    reply: oneshot::Sender<Outcome>,
}

/// A file with our tables.
pub(super) struct Embedded {
    inner: Arc<Inner>,
}

struct Inner {
    seats: u32,
    taken: AtomicU32,
    /// None once it ends, so that the threads do too.
    queues: Mutex<Option<(Sender<Job>, Sender<Job>)>>,
    threads: Vec<JoinHandle<()>>,
}

impl Embedded {
    /// Opens a file, or one among the system's temporary files that goes with this value; and says SQLite's version.
    ///
    /// # Errors
    /// When it cannot be opened or its tables not be made.
    pub(super) fn open(file: Option<&Path>, seats: Seats) -> Result<(Self, &'static str), StoreError> {
        let lost = |error: std::io::Error| StoreError::Lost(error.to_string());
        let folder: Option<TempDir> = match file {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("highwater-").tempdir().map_err(lost)?),
        };
        let path = match (file, &folder) {
            (Some(file), _) => file.to_owned(),
            (None, Some(folder)) => folder.path().join("store.sqlite"),
            (None, None) => PathBuf::new(),
        };
        let mut writer = connect(&path).map_err(|error| lost_at(&path, &error))?;
        make_tables(&mut writer).map_err(|error| match error {
            Problem::Sql(error) => lost_at(&path, &error),
            Problem::Store(error) => error,
        })?;
        let (write, writes) = channel();
        let (read, reads) = channel();
        let mut threads = vec![start("store-writer", move || write_all(&mut writer, &writes)).map_err(lost)?];
        let reads = Arc::new(Mutex::new(reads));
        for _ in 0..READERS {
            let mut reader = connect(&path).map_err(|error| lost_at(&path, &error))?;
            let reads = Arc::clone(&reads);
            threads.push(start("store-reader", move || read_all(&mut reader, &reads)).map_err(lost)?);
        }
        let inner = Inner {
            seats: seats.free,
            taken: AtomicU32::new(0),
            queues: Mutex::new(Some((write, read))),
            threads,
        };
        // All who will ever open the file have it open: without a name it goes with the process, however that ends.
        drop(folder);
        let inner = Arc::new(inner);
        Ok((Self { inner }, rusqlite::version()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        *self.queues.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Store for Embedded {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, StoreError>> {
        let inner = &self.inner;
        let more = |taken: u32| (taken < inner.seats).then(|| taken + 1);
        let seat = inner.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let opened = seat.map_err(|_| StoreError::Refused).map(|_| {
            Box::new(Link {
                inner: Arc::clone(inner),
                transaction: None,
                pending: None,
            }) as Box<dyn Connection>
        });
        Box::pin(std::future::ready(opened))
    }
}

/// What a connection's transaction has done so far.
#[derive(Default)]
struct Transaction {
    done: Vec<Done>,
    failed: bool,
}

/// One connection: a place behind the gate.
struct Link {
    inner: Arc<Inner>,
    transaction: Option<Transaction>,
    /// The reply to a statement whose asker has gone; the next one waits for it, as on a real connection.
    pending: Option<oneshot::Receiver<Outcome>>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.inner.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Link {
    /// Has a job done, by the thread that writes if anything is to be written, if only to see what it would give.
    async fn ask(&mut self, before: Vec<Done>, statement: Option<Statement>, keeps: bool) -> Outcome {
        let gone = || StoreError::Lost("the thread that works on the file has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        let asks = statement.as_ref().and_then(sql::query);
        let writes = keeps || !before.is_empty() || asks.is_some_and(|query| query.writes);
        let job = Job {
            before,
            statement,
            keeps,
            reply,
        };
        {
            let queues = self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner);
            let (write, read) = queues.as_ref().ok_or_else(gone)?;
            (if writes { write } else { read }).send(job).map_err(|_| gone())?;
        }
        let answer = self.pending.insert(answer).await;
        self.pending = None;
        answer.map_err(|_| gone())?
    }

    async fn obey(&mut self, statement: &Statement) -> Outcome {
        match (statement, &mut self.transaction) {
            (Statement::Begin, transaction @ None) => *transaction = Some(Transaction::default()),
            (Statement::Begin, Some(_)) => {
                return Err(StoreError::Failed("a transaction is open already".to_owned()));
            }
            (Statement::Rollback, transaction) => *transaction = None,
            (Statement::Commit, transaction) => match transaction.take() {
                Some(Transaction { failed: true, .. }) => return Err(super::nothing_kept()),
                Some(Transaction { done, .. }) if !done.is_empty() => return self.ask(done, None, true).await,
                _ => {}
            },
            (statement, None) => {
                let writes = sql::query(statement).is_some_and(|query| query.writes);
                return self.ask(Vec::new(), Some(statement.clone()), writes).await;
            }
            (_, Some(Transaction { failed: true, .. })) => return Err(super::nothing_kept()),
            (statement, Some(transaction)) => {
                if transaction.done.len() >= TRANSACTION {
                    return Err(StoreError::Failed(format!(
                        "more than {TRANSACTION} statements in a transaction"
                    )));
                }
                let writes = sql::query(statement).is_some_and(|query| query.writes);
                let before = transaction.done.clone();
                let value = self.ask(before, Some(statement.clone()), false).await?;
                if writes && let Some(transaction) = &mut self.transaction {
                    transaction.done.push((statement.clone(), value.clone()));
                }
                return Ok(value);
            }
        }
        Ok(Value::Null)
    }
}

impl Connection for Link {
    fn run<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut in_doubt = false;
            if let Some(pending) = &mut self.pending {
                let _ = pending.await;
                self.pending = None;
                in_doubt = true;
            }
            if in_doubt && let Some(transaction) = &mut self.transaction {
                transaction.failed = true;
            }
            let result = self.obey(statement).await;
            if result.is_err()
                && let Some(transaction) = &mut self.transaction
            {
                transaction.failed = true;
            }
            result
        })
    }

    fn is_closed(&self) -> bool {
        false
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

fn connect(path: &Path) -> rusqlite::Result<Sqlite> {
    // Each connection stays with one thread.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Sqlite::open_with_flags(path, flags)?;
    file.busy_timeout(BUSY)?;
    file.pragma_update(None, "journal_mode", "wal")?;
    file.pragma_update(None, "synchronous", "full")?;
    // The log is opened with the first look at the file, and not later.
    file.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    file.set_prepared_statement_cache_capacity(2 * sql::QUERIES);
    Ok(file)
}

enum Problem {
    Sql(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn make_tables(file: &mut Sqlite) -> Result<(), Problem> {
    let transaction = file.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql::VERSION_TABLE)?;
    let version = transaction.query_row(sql::VERSION, [], |row| row.get(0));
    let version = match version {
        Err(rusqlite::Error::QueryReturnedNoRows) => 0,
        version => version?,
    };
    let steps = sql::steps_from(version).map_err(|why| Problem::Store(StoreError::Failed(why)))?;
    for step in steps {
        transaction.execute_batch(&step.replace("NUMBER", NUMBER))?;
    }
    if !steps.is_empty() {
        transaction.execute(sql::SET_VERSION, [sql::NEWEST])?;
    }
    transaction.commit()?;
    Ok(())
}

/// Does what is to be written until nobody can ask any more.
fn write_all(file: &mut Sqlite, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(GROUP - 1));
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(group.len());
        let done = in_one_go(file, &group, &mut outcomes);
        for (number, job) in group.into_iter().enumerate() {
            let outcome = match &done {
                Ok(()) => outcomes.get(number).cloned().unwrap_or(Ok(Value::Null)),
                Err(error) => Err(failed(error)),
            };
            // Whoever has gone does not want to know.
            let _ = job.reply.send(outcome);
        }
    }
}

/// Does all jobs in one transaction of the file, each for itself: what one of them fails at is undone, and no other's.
fn in_one_go(file: &mut Sqlite, group: &[Job], outcomes: &mut Vec<Outcome>) -> rusqlite::Result<()> {
    let mut transaction = file.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for job in group {
        let mut part = transaction.savepoint()?;
        let outcome = attempt(&part, job);
        if outcome.is_err() || !job.keeps {
            part.rollback()?;
        }
        part.commit()?;
        outcomes.push(outcome);
    }
    transaction.commit()
}

/// One job: what its transaction did before, again, and what is asked now.
fn attempt(file: &Sqlite, job: &Job) -> Outcome {
    for (statement, gave) in &job.before {
        if execute(file, statement)? != *gave {
            let why = "what the transaction did before would now give something else: somebody has come between";
            return Err(StoreError::Failed(why.to_owned()));
        }
    }
    job.statement
        .as_ref()
        .map_or(Ok(Value::Null), |statement| execute(file, statement))
}

/// Reads until nobody can ask any more.
fn read_all(file: &mut Sqlite, jobs: &Mutex<Receiver<Job>>) {
    loop {
        // Held while waiting: the other readers wait for the lock instead, and each job goes to one.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let outcome = attempt(file, &job);
        let _ = job.reply.send(outcome);
    }
}

fn execute(file: &Sqlite, statement: &Statement) -> Outcome {
    let Some(query) = sql::query(statement) else {
        return Ok(Value::Null);
    };
    let work = || {
        let mut prepared = file.prepare_cached(query.text)?;
        let values = params_from_iter(query.values.iter().map(Cell::sqlite));
        if !query.gives_rows {
            let count = prepared.execute(values)? as u64;
            let rows = Vec::new();
            return Ok(Found { count, rows });
        }
        let width = prepared.column_count();
        let rows = prepared.query_map(values, |row| (0..width).map(|number| cell(row, number)).collect())?;
        let rows = rows.collect::<rusqlite::Result<Vec<Vec<Cell>>>>()?;
        let count = rows.len() as u64;
        Ok(Found { count, rows })
    };
    work()
        .map(|found| sql::answer(statement, &found))
        .map_err(|error| failed(&error))
}

fn cell(row: &rusqlite::Row<'_>, number: usize) -> rusqlite::Result<Cell> {
    match row.get(number)? {
        SqlValue::Integer(value) => Ok(Cell::Number(value)),
        SqlValue::Text(text) => Ok(Cell::Text(text)),
        _ => Err(rusqlite::Error::InvalidColumnType(number, String::new(), Type::Blob)),
    }
}

impl Cell {
    fn sqlite(&self) -> SqlValue {
        match self {
            Self::Text(text) => SqlValue::Text(text.clone()),
            Self::Number(number) => SqlValue::Integer(*number),
        }
    }
}

fn failed(error: &rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

fn lost_at(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Lost(format!("{}: {error}", path.display()))
}
