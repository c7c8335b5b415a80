//! The product's statements in SQL that PostgreSQL and SQLite both understand.
//!
//! Owns: the tables and their versions, the text of each statement, and what its result means.
//! Never: connections and transactions.
//!
//! Each statement is one round trip, as a query of the system is.

use serde_json::{Value, json};

use super::Statement;

/// Where the version of the tables stands.
pub(super) const VERSION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS highwater_schema (only_one bigint PRIMARY KEY, version bigint NOT NULL)";
/// The version of the tables, if there are any.
pub(super) const VERSION: &str = "SELECT version FROM highwater_schema WHERE only_one = 1";
/// Notes the version; `$1`.
pub(super) const SET_VERSION: &str = "INSERT INTO highwater_schema (only_one, version) VALUES (1, $1)
    ON CONFLICT (only_one) DO UPDATE SET version = excluded.version";

/// What each version adds to the one before. A step that was published is never changed. `NUMBER` stands for the type of a
/// column that counts up by itself, which the two databases write differently.
pub(super) const STEPS: [&str; 1] = ["
    CREATE TABLE highwater_users (name text PRIMARY KEY);
    CREATE TABLE highwater_coaches (number bigint PRIMARY KEY, name text NOT NULL);
    WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < 999)
        INSERT INTO highwater_coaches (number, name) SELECT number, 'Coach ' || number FROM numbers;
    CREATE TABLE highwater_conversations (id text PRIMARY KEY, person text NOT NULL);
    CREATE TABLE highwater_messages (
        number NUMBER, id text NOT NULL UNIQUE, conversation text NOT NULL, role text NOT NULL, body text NOT NULL
    );
    CREATE INDEX highwater_messages_of ON highwater_messages (conversation, number);
    CREATE TABLE highwater_sign_ins (number NUMBER, person text NOT NULL);
    CREATE TABLE highwater_payments (event text PRIMARY KEY, person text NOT NULL);
    CREATE INDEX highwater_payments_of ON highwater_payments (person);
    CREATE TABLE highwater_others (
        kind text NOT NULL, key bigint NOT NULL, times bigint NOT NULL, PRIMARY KEY (kind, key)
    );
"];

/// The version that this program makes and understands.
pub(super) const NEWEST: i64 = STEPS.len() as i64;

/// The steps that tables of a version still need.
///
/// # Errors
/// When they are of a later version than this program knows.
pub(super) fn steps_from(version: i64) -> Result<&'static [&'static str], String> {
    let later = || format!("its tables are of version {version}, and this program knows them up to version {NEWEST}");
    let done = usize::try_from(version).map_err(|_| later())?;
    STEPS.get(done..).ok_or_else(later)
}

/// A value that goes in or comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// A word or a text.
    Text(String),
    /// A whole number.
    Number(i64),
}

impl Cell {
    /// Without the one character that PostgreSQL's texts cannot hold; what stands in its place is the mark for such.
    fn text(text: &str) -> Self {
        Self::Text(text.replace('\0', "\u{fffd}"))
    }

    /// All numbers of 64 bits have one; those that are too large for a sign are negative.
    fn number(number: u64) -> Self {
        Self::Number(number.cast_signed())
    }

    fn value(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
        }
    }
}

/// How many texts there are; see [`Query::number`].
pub(super) const QUERIES: usize = 10;

/// A statement as a database is asked it.
pub(super) struct Query {
    /// Number of its text, below [`QUERIES`]: by it a prepared statement is found again.
    pub number: usize,
    /// Its text, with `$1` and so on for the values.
    pub text: &'static str,
    /// The values.
    pub values: Vec<Cell>,
    /// Whether it may change something.
    pub writes: bool,
    /// Whether it gives rows; else their number counts.
    pub gives_rows: bool,
}

/// What a database gave.
pub(super) struct Found {
    /// Rows changed, or given.
    pub count: u64,
    /// Rows given.
    pub rows: Vec<Vec<Cell>>,
}

/// The query of a statement; none for the ends of a transaction.
pub(super) fn query(statement: &Statement) -> Option<Query> {
    let (number, text, values) = match statement {
        Statement::Begin | Statement::Commit | Statement::Rollback => return None,
        Statement::User { user } => (
            0,
            "INSERT INTO highwater_users (name) SELECT CAST($1 AS text)
                WHERE NOT EXISTS (SELECT 1 FROM highwater_users WHERE name = $1) ON CONFLICT DO NOTHING",
            vec![Cell::text(user)],
        ),
        Statement::Subscription { user } => (
            1,
            "SELECT event FROM highwater_payments WHERE person = $1 LIMIT 1",
            vec![Cell::text(user)],
        ),
        Statement::Coach { coach } => (
            2,
            "SELECT name FROM highwater_coaches WHERE number = $1",
            vec![Cell::number(*coach)],
        ),
        Statement::NewConversation { conversation, user } => (
            3,
            "INSERT INTO highwater_conversations (id, person) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            vec![Cell::text(conversation), Cell::text(user)],
        ),
        Statement::AddMessage {
            message,
            conversation,
            role,
            text,
        } => (
            4,
            "INSERT INTO highwater_messages (id, conversation, role, body) VALUES ($1, $2, $3, $4)
                ON CONFLICT DO NOTHING",
            vec![
                Cell::text(message),
                Cell::text(conversation),
                Cell::text(role),
                Cell::text(text),
            ],
        ),
        Statement::History { conversation, last } => (
            5,
            "SELECT role, body FROM highwater_messages WHERE conversation = $1 ORDER BY number DESC LIMIT $2",
            vec![Cell::text(conversation), Cell::Number(i64::from(*last))],
        ),
        Statement::SignIn { user } => (
            6,
            "INSERT INTO highwater_sign_ins (person) VALUES ($1)",
            vec![Cell::text(user)],
        ),
        Statement::Payment { event, user } => (
            7,
            "INSERT INTO highwater_payments (event, person) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            vec![Cell::text(event), Cell::text(user)],
        ),
        Statement::Read { kind, key } => (
            8,
            "SELECT times FROM highwater_others WHERE kind = $1 AND key = $2",
            vec![Cell::text(kind), Cell::number(*key)],
        ),
        Statement::Write { kind, key } => (
            9,
            "INSERT INTO highwater_others (kind, key, times) VALUES ($1, $2, 1)
                ON CONFLICT (kind, key) DO UPDATE SET times = highwater_others.times + 1 RETURNING times",
            vec![Cell::text(kind), Cell::number(*key)],
        ),
    };
    Some(Query {
        number,
        text,
        values,
        writes: !text.starts_with("SELECT"),
        gives_rows: text.starts_with("SELECT") || text.contains("RETURNING"),
    })
}

/// What a statement found, from what the database gave.
pub(super) fn answer(statement: &Statement, found: &Found) -> Value {
    let first = found.rows.first().and_then(|row| row.first()).map(Cell::value);
    match statement {
        Statement::Begin | Statement::Commit | Statement::Rollback | Statement::SignIn { .. } => Value::Null,
        Statement::User { user } => json!({ "user": user, "new": found.count > 0 }),
        Statement::Subscription { .. } => first.map_or(Value::Null, |_| json!({ "active": true })),
        Statement::Coach { coach } => first.map_or(Value::Null, |name| json!({ "coach": coach, "name": name })),
        Statement::NewConversation { .. } | Statement::AddMessage { .. } | Statement::Payment { .. } => {
            json!({ "known": found.count == 0 })
        }
        Statement::History { .. } => {
            let message = |row: &Vec<Cell>| match row.as_slice() {
                [role, text, ..] => json!({ "role": role.value(), "text": text.value() }),
                _ => Value::Null,
            };
            found.rows.iter().rev().map(message).collect()
        }
        Statement::Read { .. } | Statement::Write { .. } => {
            first.map_or(Value::Null, |times| json!({ "times": times }))
        }
    }
}
