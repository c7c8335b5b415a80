//! Programs of the machine that parts of this project start: where they are, and what to install where they are not.
//!
//! Owns: the places that are looked at, and what a test does where a program is missing. Only the standard library is
//! used, so that `cargo xtask test` can have this file too.

use std::env;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A program that is not part of this project.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// PostgreSQL's server with `initdb`; what is found is the folder that has both.
    Postgres,
    /// `redis-server`.
    Redis,
    /// Node.js, for the packages that are held against ours, and for Artillery.
    Node,
    /// A Chromium that runs without a window.
    Chromium,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Redis, Self::Node, Self::Chromium];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
            Self::Node => "Node.js",
            Self::Chromium => "Chromium",
        }
    }

    /// The Debian package that has it.
    #[must_use]
    pub fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Redis => "redis-server",
            Self::Node => "nodejs",
            Self::Chromium => "chromium",
        }
    }

    /// The environment variable that says where it is: a folder for PostgreSQL, else a file.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "PG_BIN",
            Self::Redis => "REDIS_SERVER",
            Self::Node => "NODE",
            Self::Chromium => "CHROMIUM",
        }
    }

    /// Where it is: where its [variable](Program::variable) says, if that is set; else, for PostgreSQL, the newest version
    /// under `/usr/lib/postgresql`; else on the path.
    #[must_use]
    pub fn find(self) -> Option<PathBuf> {
        if let Some(place) = env::var_os(self.variable()).filter(|place| !place.is_empty()) {
            return Some(PathBuf::from(place)).filter(|place| match self {
                Self::Postgres => has_postgres(place),
                _ => place.is_file(),
            });
        }
        match self {
            Self::Postgres => newest_postgres(Path::new("/usr/lib/postgresql"))
                .or_else(|| folders().find(|folder| has_postgres(folder))),
            Self::Redis => on_path(&["redis-server", "valkey-server"]),
            Self::Node => on_path(&["node", "nodejs"]),
            Self::Chromium => on_path(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
        }
    }

    /// Where it is, or what is missing and how to get it.
    ///
    /// # Errors
    /// When it is not found.
    pub fn locate(self) -> Result<PathBuf, Missing> {
        self.find().ok_or(Missing(self))
    }

    /// For a test: where the program is. Where it is missing, says aloud that `test` is skipped; the test then returns.
    ///
    /// The words go to standard error itself, which the harness does not swallow, and to the file that the variable
    /// `HIGHWATER_SKIPS` names, if it does.
    ///
    /// # Panics
    /// Instead of skipping, where `HIGHWATER_NO_SKIPS` is `1`.
    #[must_use]
    pub fn or_skip(self, test: &str) -> Option<PathBuf> {
        match self.locate() {
            Ok(place) => Some(place),
            Err(missing) => {
                skip(test, &missing.to_string());
                None
            }
        }
    }
}

/// Says aloud that a test is skipped, and why; see [`Program::or_skip`].
///
/// # Panics
/// Where `HIGHWATER_NO_SKIPS` is `1`.
pub fn skip(test: &str, why: &str) {
    let forbidden = env::var_os("HIGHWATER_NO_SKIPS").is_some_and(|value| value == "1");
    assert!(!forbidden, "{test} may not be skipped (HIGHWATER_NO_SKIPS=1): {why}");
    let line = format!("SKIPPED: {test}: {why}\n");
    // Whoever does not listen misses it; there is nobody else to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os("HIGHWATER_SKIPS") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// A program is not there. Says what to install.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub Program);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(program) = self;
        if let Some(place) = env::var_os(program.variable()).filter(|place| !place.is_empty()) {
            let place = Path::new(&place).display();
            return write!(
                f,
                "{} is not at {place}, where {} says",
                program.name(),
                program.variable()
            );
        }
        let (places, kind) = match program {
            Program::Postgres => ("/usr/lib/postgresql/*/bin or ", "its folder of programs"),
            _ => ("", "it"),
        };
        write!(
            f,
            "{} is not found in {places}PATH; on Debian `apt-get install {}` brings it, elsewhere set {} to {kind}",
            program.name(),
            program.package(),
            program.variable()
        )
    }
}

impl std::error::Error for Missing {}

fn folders() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let of = |name: &&str| folders().map(|folder| folder.join(name)).find(|file| file.is_file());
    names.iter().find_map(of)
}

fn has_postgres(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

/// The `bin` of the highest version in a folder of versions.
fn newest_postgres(versions: &Path) -> Option<PathBuf> {
    let number = |folder: &Path| folder.file_name()?.to_str()?.split('.').next()?.parse::<u32>().ok();
    let found = std::fs::read_dir(versions)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()));
    let with_both = found.filter(|folder| has_postgres(&folder.join("bin")));
    with_both
        .max_by_key(|folder| number(folder))
        .map(|folder| folder.join("bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(folder: &Path) {
        std::fs::create_dir_all(folder).expect("a folder of the test");
        for name in ["postgres", "initdb"] {
            std::fs::write(folder.join(name), "").expect("a file of the test");
        }
    }

    /// By letters, version 9 would be newer than 15.
    #[test]
    fn of_several_versions_the_newest_is_taken_and_half_a_one_is_none() {
        let folder = env::temp_dir().join(format!("highwater-programs-{}", std::process::id()));
        for version in ["9.6", "15", "13"] {
            fake(&folder.join(version).join("bin"));
        }
        std::fs::create_dir_all(folder.join("17/bin")).expect("a folder of the test");
        std::fs::write(folder.join("17/bin/psql"), "").expect("a file of the test");
        let newest = newest_postgres(&folder);
        std::fs::remove_dir_all(&folder).expect("the test's own");
        assert_eq!(newest, Some(folder.join("15/bin")));
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_install() {
        for program in Program::ALL {
            let words = Missing(program).to_string();
            let told = words.contains(program.package()) || words.contains(program.variable());
            assert!(told && words.contains(program.name()), "{words}");
        }
    }
}
