//! A PostgreSQL of our own: an ephemeral cluster from the programs of this machine.
//!
//! Owns: its making, its settings, its roles, its start, and its end, which comes with this value whatever happens.
//! Never: tables.
//!
//! It listens on a port of the loopback address that the system chose, and lets in only who knows a secret made for it.
//! Without `fsync` a commit is in the hands of the operating system before it is acknowledged, but not on the disk: what is
//! acknowledged survives the death of any process, the server's included, and not that of the machine. With it, a commit
//! waits for the disk as it does in production.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use highwater_host::programs::Program;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use super::{Seats, StoreError};
use crate::daemon::{Account, Daemon, Folder, free_port, secret};

/// The accounts that it may run under when we are root, which it does not.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];
/// Connections of a cluster where the system sets no limit, and the most that one can have: each costs memory at the start.
pub const MOST: u32 = 2_000;
/// How long it may take to be ready.
const READY: Duration = Duration::from_secs(60);
/// Between two questions whether it is.
const ASK: Duration = Duration::from_millis(20);
/// How often another port is tried.
const TRIES: u32 = 5;

/// A cluster that runs.
pub struct Cluster {
    // In this order: the program ends before its folder goes.
    daemon: Option<Daemon>,
    folder: Folder,
    programs: PathBuf,
    settings: Vec<String>,
    port: u16,
    secret: String,
}

impl Cluster {
    /// Makes one and starts it. The role that it has for us is no superuser.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start: a sentence that says why.
    pub async fn start(seats: Seats, fsync: bool) -> Result<Self, StoreError> {
        let made = tokio::task::spawn_blocking(move || Self::make(seats, fsync)).await;
        let mut cluster = made.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        cluster.run().await?;
        cluster.admit().await?;
        Ok(cluster)
    }

    /// Its address for the application.
    #[must_use]
    pub fn address(&self) -> String {
        format!("postgres://app:{}@127.0.0.1:{}/postgres", self.secret, self.port)
    }

    /// Kills it as a fault would, without a chance to put anything in order. [`Cluster::restart`] starts it again.
    pub fn crash(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.crash();
        }
    }

    /// Starts it again after a crash, at the same port, with what it had acknowledged.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<(), StoreError> {
        self.crash();
        let until = Instant::now() + READY;
        loop {
            self.launch().map_err(|error| failed(&error))?;
            match self.wait().await {
                Ok(true) => return Ok(()),
                // Processes of the one that was killed may still hold its memory.
                Ok(false) if Instant::now() < until => {
                    self.crash();
                    tokio::time::sleep(ASK).await;
                }
                Ok(false) => return Err(self.complaint()),
                Err(error) => return Err(error),
            }
        }
    }

    fn make(seats: Seats, fsync: bool) -> io::Result<Self> {
        let programs = Program::Postgres.locate().map_err(io::Error::other)?;
        let folder = Folder::new(Account::unprivileged(&ACCOUNTS)?)?;
        let secret = secret()?;
        let file = folder.write("secret", &secret)?;
        let arguments: [&OsStr; 10] = [
            "-D".as_ref(),
            "data".as_ref(),
            "-U".as_ref(),
            "owner".as_ref(),
            // The server checks it as expensively as in production; that the client need not prove anything spares this
            // process, which is measured, milliseconds for each connection. It never leaves the machine.
            "--auth=password".as_ref(),
            "--encoding=UTF8".as_ref(),
            "--no-locale".as_ref(),
            "--no-sync".as_ref(),
            "--pwfile".as_ref(),
            file.as_os_str(),
        ];
        folder.run(&programs.join("initdb"), &arguments)?;
        let free = seats.free.min(MOST);
        let most = free.saturating_add(seats.kept).max(1);
        let switch = |on: bool| if on { "on" } else { "off" };
        Ok(Self {
            daemon: None,
            folder,
            programs,
            settings: vec![
                format!("max_connections={most}"),
                format!("superuser_reserved_connections={}", most.saturating_sub(free)),
                format!("fsync={}", switch(fsync)),
                format!("full_page_writes={}", switch(fsync)),
                "synchronous_commit=on".to_owned(),
                "shared_buffers=64MB".to_owned(),
                "listen_addresses=127.0.0.1".to_owned(),
                "unix_socket_directories=".to_owned(),
            ],
            port: 0,
            secret,
        })
    }

    /// Starts it on a port that is free, and waits until it answers.
    async fn run(&mut self) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            self.port = free_port().map_err(|error| failed(&error))?;
            self.launch().map_err(|error| failed(&error))?;
            if self.wait().await? {
                return Ok(());
            }
            // Somebody else may have taken the port.
            self.crash();
        }
        Err(self.complaint())
    }

    fn launch(&mut self) -> io::Result<()> {
        let port = self.port.to_string();
        let mut arguments: Vec<&OsStr> = vec!["-D".as_ref(), "data".as_ref(), "-p".as_ref(), port.as_ref()];
        for setting in &self.settings {
            arguments.extend([OsStr::new("-c"), setting.as_ref()]);
        }
        // QUIT is its immediate end: nothing here is worth a checkpoint.
        let daemon = Daemon::start(&self.folder, &self.programs.join("postgres"), &arguments, "QUIT")?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Whether it has come to answer; false when it ended before.
    async fn wait(&self) -> Result<bool, StoreError> {
        let until = Instant::now() + READY;
        let config = self.owner();
        loop {
            match config.connect(NoTls).await {
                Ok((client, connection)) => {
                    drop(client);
                    let _ = connection.await;
                    return Ok(true);
                }
                // It answers: all its places are taken.
                Err(error) if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) => return Ok(true),
                Err(_) => {}
            }
            if self.daemon.as_ref().is_none_or(Daemon::has_ended) {
                return Ok(false);
            }
            if Instant::now() > until {
                return Err(self.complaint());
            }
            tokio::time::sleep(ASK).await;
        }
    }

    /// Makes the application's role, with a schema of its own, and lets the log rest: it would have a line for every
    /// connection that is refused.
    async fn admit(&self) -> Result<(), StoreError> {
        let (client, connection) = self.owner().connect(NoTls).await.map_err(|error| failed(&error))?;
        let driver = tokio::spawn(connection);
        // The secret is hexadecimal digits.
        let role = format!("CREATE ROLE app LOGIN PASSWORD '{}'", self.secret);
        let words = [
            role.as_str(),
            "CREATE SCHEMA AUTHORIZATION app",
            "ALTER SYSTEM SET log_min_messages = 'panic'",
            "SELECT pg_reload_conf()",
        ];
        for word in words {
            client.batch_execute(word).await.map_err(|error| failed(&error))?;
        }
        drop(client);
        let _ = driver.await;
        Ok(())
    }

    fn owner(&self) -> Config {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user("owner")
            .password(&self.secret);
        config.dbname("postgres").connect_timeout(READY);
        config
    }

    fn complaint(&self) -> StoreError {
        failed(&format!("it does not start: {}", self.folder.last_words()))
    }
}

fn failed(why: &impl std::fmt::Display) -> StoreError {
    StoreError::Lost(format!("a temporary PostgreSQL: {why}"))
}
