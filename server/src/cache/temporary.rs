//! A Redis of our own, from the program of this machine.
//!
//! Owns: its settings, its start, and its end, which comes with this value whatever happens.
//!
//! It listens on a port of the loopback address that the system chose, lets in only who knows a secret made for it, keeps
//! nothing on the disk, and drops the least recently used where its memory does not hold all.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use highwater_host::programs::Program;

use super::CacheError;
use crate::daemon::{Account, Daemon, Folder, free_port, secret};

/// The accounts that it may run under when we are root.
const ACCOUNTS: [&str; 2] = ["redis", "nobody"];
/// How long it may take to be ready.
const READY: Duration = Duration::from_secs(30);
/// Between two questions whether it is.
const ASK: Duration = Duration::from_millis(10);
/// How often another port is tried.
const TRIES: u32 = 5;
/// Memory that an empty server takes, which its own setting counts too.
const EMPTY: u64 = 2 << 20;

/// A Redis server that runs.
pub struct OwnRedis {
    // In this order: the program ends before its folder goes.
    daemon: Option<Daemon>,
    folder: Folder,
    program: PathBuf,
    memory: u64,
    port: u16,
    secret: String,
}

impl OwnRedis {
    /// Starts one for so many bytes of entries.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start: a sentence that says why.
    pub async fn start(memory: u64) -> Result<Self, CacheError> {
        let mut own = Self::make(memory).map_err(|error| failed(&error))?;
        for _ in 0..TRIES {
            own.port = free_port().map_err(|error| failed(&error))?;
            own.launch().map_err(|error| failed(&error))?;
            if own.wait().await? {
                return Ok(own);
            }
            // Somebody else may have taken the port.
            own.crash();
        }
        Err(own.complaint())
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.secret, self.port)
    }

    /// Kills it as a fault would. [`OwnRedis::restart`] starts it again.
    pub fn crash(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.crash();
        }
    }

    /// Starts it again after a crash, at the same port, and empty.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<(), CacheError> {
        self.crash();
        self.launch().map_err(|error| failed(&error))?;
        if self.wait().await? {
            return Ok(());
        }
        Err(self.complaint())
    }

    fn make(memory: u64) -> io::Result<Self> {
        let program = Program::Redis.locate().map_err(io::Error::other)?;
        let folder = Folder::new(Account::unprivileged(&ACCOUNTS)?)?;
        Ok(Self {
            daemon: None,
            folder,
            program,
            memory: memory.saturating_add(EMPTY),
            port: 0,
            secret: secret()?,
        })
    }

    fn launch(&mut self) -> io::Result<()> {
        let Self {
            port, secret, memory, ..
        } = self;
        // In a file, not among the arguments, which every user of the machine can read.
        let settings = format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {secret}\nsave \"\"\nappendonly no\ndaemonize no\n\
             loglevel warning\nmaxmemory {memory}\nmaxmemory-policy allkeys-lru\n"
        );
        let file = self.folder.write("settings", &settings)?;
        let daemon = Daemon::start(&self.folder, &self.program, &[OsStr::new(&file)], "TERM")?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Whether it has come to answer; false when it ended before.
    async fn wait(&self) -> Result<bool, CacheError> {
        let until = Instant::now() + READY;
        let client = redis::Client::open(self.address()).map_err(|error| failed(&error))?;
        loop {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
            {
                return Ok(true);
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

    fn complaint(&self) -> CacheError {
        failed(&format!("it does not start: {}", self.folder.last_words()))
    }
}

fn failed(why: &impl std::fmt::Display) -> CacheError {
    CacheError(format!("a temporary Redis: {why}"))
}
