//! Where the product keeps what it must not lose.
//!
//! Owns: what the product asks of a database, and the ways in which a database says no. When a connection is opened, lent and
//! closed is the pool's decision, elsewhere.

mod embedded;
mod postgres;
mod sql;
pub mod temporary;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use embedded::Embedded;
use postgres::Postgres;
use temporary::Cluster;

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// SQLite in this process, in a file, or in one that goes with the process where none is named.
    Embedded {
        /// The file; made where there is none.
        file: Option<PathBuf>,
    },
    /// A PostgreSQL by its address, such as `postgres://app:secret@127.0.0.1:5432/app`.
    Url(String),
    /// A PostgreSQL of this process's own, from the programs of this machine, gone with it.
    Temporary {
        /// Whether a commit waits for the disk. Without, what is acknowledged survives the death of any process, but not
        /// that of the machine.
        fsync: bool,
    },
}

/// How many connections a database takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Seats {
    /// For the application; [`u32::MAX`] for no limit.
    pub free: u32,
    /// Besides: reserved, or held by others.
    pub kept: u32,
}

impl Seats {
    /// As the system says.
    #[must_use]
    pub fn of(database: &highwater_program::model::Database) -> Self {
        Self {
            free: database.connections,
            kept: database.kept,
        }
    }
}

/// A database that is there, with its tables.
pub struct OpenedStore {
    /// It; what was started for it ends with it.
    pub store: Arc<dyn Store>,
    /// What it is, in words for an operator; and where its own limit is another than the system's, that too.
    pub note: String,
}

/// Opens the database of a choice and makes its tables where they are not there yet. An own or embedded one takes as many
/// connections as `seats` says; one known by an address has its own limit. To be called, and its answer used, inside of
/// tokio's runtime.
///
/// # Errors
/// When it cannot be reached or started: a sentence that says why.
pub async fn open(choice: &StoreChoice, seats: Seats) -> Result<OpenedStore, StoreError> {
    match choice {
        StoreChoice::Embedded { file } => {
            let (path, failed) = (file.clone(), |why: tokio::task::JoinError| {
                StoreError::Lost(why.to_string())
            });
            let opened = tokio::task::spawn_blocking(move || Embedded::open(path.as_deref(), seats)).await;
            let (store, version) = opened.map_err(failed)??;
            let place = file
                .as_ref()
                .map_or("in a temporary file".to_owned(), |file| file.display().to_string());
            let note = format!("SQLite {version}, {place}, {}", connections(i64::from(seats.free)));
            let store = Arc::new(store);
            Ok(OpenedStore { store, note })
        }
        StoreChoice::Url(address) => reach(address, None, seats).await,
        StoreChoice::Temporary { fsync } => {
            let cluster = Cluster::start(seats, *fsync).await?;
            let address = cluster.address();
            reach(&address, Some(cluster), seats).await
        }
    }
}

async fn reach(address: &str, cluster: Option<Cluster>, seats: Seats) -> Result<OpenedStore, StoreError> {
    let kind = if cluster.is_some() { "temporary " } else { "" };
    let (store, facts) = Postgres::open(address, cluster).await?;
    let mut note = format!(
        "{kind}PostgreSQL {} at {}, {}",
        facts.version,
        facts.place,
        connections(facts.free)
    );
    if seats.free != u32::MAX && i64::from(seats.free) != facts.free {
        note.push_str(&format!("; the system has {}", seats.free));
    }
    if facts.superuser {
        note.push_str("; as a superuser, whom the reserved connections are kept for: use another role");
    }
    let store = Arc::new(store);
    Ok(OpenedStore { store, note })
}

fn connections(free: i64) -> String {
    match free {
        1 => "1 connection for the application".to_owned(),
        free if free >= i64::from(u32::MAX) => "as many connections as are asked for".to_owned(),
        free => format!("{free} connections for the application"),
    }
}

/// The end of a transaction of which a statement has failed.
fn nothing_kept() -> StoreError {
    StoreError::Failed("a statement of the transaction has failed before, so nothing of it is kept".to_owned())
}

/// What one query does. Which statement a step of an endpoint is follows from the endpoint, the kind of query and how
/// many of them came before.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a statement's doc says what its fields are")]
pub enum Statement {
    /// A transaction begins.
    Begin,
    /// It ends, and is kept.
    Commit,
    /// It ends, and never was.
    Rollback,
    /// A person's row; made when it is not there yet: `{"user": "ann", "new": true}`.
    User { user: String },
    /// Whether they pay: `{"active": true}` once a payment was noted, else null.
    Subscription { user: String },
    /// A coach's page: `{"coach": 7, "name": "Coach 7"}`; null from number 1,000 on.
    Coach { coach: u64 },
    /// A conversation begins; the same a second time changes nothing: `{"known": false}`.
    NewConversation { conversation: String, user: String },
    /// A message is kept. The same `message` a second time changes nothing: `{"known": true}`.
    AddMessage {
        message: String,
        conversation: String,
        role: &'static str,
        text: String,
    },
    /// The last messages of a conversation, the oldest first: `[{"role": "user", "text": "Hello"}]`.
    History { conversation: String, last: u32 },
    /// A sign-in is noted.
    SignIn { user: String },
    /// A payment event is noted, and that the person pays, unless it was before: then the value says so (`{"known": true}`).
    Payment { event: String, user: String },
    /// A kind of query that the product does not know: a row is read, `{"times": 3}` where it was written, else null.
    Read { kind: String, key: u64 },
    /// The same, and one is written: how often by now.
    Write { kind: String, key: u64 },
}

/// Why a database said no.
#[derive(Clone, Debug, PartialEq)]
pub enum StoreError {
    /// It has no connection left for us.
    Refused,
    /// It cannot be reached, or the connection broke.
    Lost(String),
    /// The query failed.
    Failed(String),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused => f.write_str("the database has no connection left"),
            Self::Lost(why) => write!(f, "the database cannot be reached: {why}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StoreError {}

/// A database.
pub trait Store: Send + Sync + 'static {
    /// Opens a connection.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, StoreError>>;
}

/// A connection; dropping it closes it, and a transaction that has not ended never was.
///
/// In a transaction each statement sees what those before it wrote. After one has failed, all others of the transaction
/// fail, and so does its `Commit`: nothing of it is kept.
pub trait Connection: Send + 'static {
    /// Runs a statement and gives what it found: null for nothing.
    fn run<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<Value, StoreError>>;

    /// Whether the other side has closed it.
    fn is_closed(&self) -> bool;
}
