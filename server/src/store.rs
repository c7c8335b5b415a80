//! Where the product keeps what it must not lose.
//!
//! Owns: what the product asks of a database, and the ways in which a database says no. When a connection is opened, lent and
//! closed is the pool's decision, elsewhere.

use futures::future::BoxFuture;
use serde_json::Value;

/// What one query does. Which statement a step of an endpoint is follows from the endpoint, the kind of query and how
/// many of them came before.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// A transaction begins.
    Begin,
    /// It ends, and is kept.
    Commit,
    /// It ends, and never was.
    Rollback,
    /// A person's row; made when it is not there yet.
    User { user: String },
    /// Whether they pay.
    Subscription { user: String },
    /// A coach's page.
    Coach { coach: u64 },
    /// A conversation begins.
    NewConversation { conversation: String, user: String },
    /// A message is kept. The same `message` a second time changes nothing.
    AddMessage {
        message: String,
        conversation: String,
        role: &'static str,
        text: String,
    },
    /// The last messages of a conversation.
    History { conversation: String, last: u32 },
    /// A sign-in is noted.
    SignIn { user: String },
    /// A payment event is noted, unless it was before: then the value found says so (`{"known": true}`).
    Payment { event: String, user: String },
    /// A kind of query that the product does not know: a row is read.
    Read { kind: String, key: u64 },
    /// The same, and one is written.
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

/// A database.
pub trait Store: Send + Sync + 'static {
    /// Opens a connection.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, StoreError>>;
}

/// A connection; dropping it closes it.
pub trait Connection: Send + 'static {
    /// Runs a statement and gives what it found: null for nothing.
    fn run<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<Value, StoreError>>;

    /// Whether the other side has closed it.
    fn is_closed(&self) -> bool;
}
