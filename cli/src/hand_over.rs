//! Commands with a binary of their own, which the command stays light without: the server, the load generator, the app.
//!
//! Owns: where such a binary is looked for (beside this one, then on the search path), and what is said when it is missing.
//! Never: what it does; arguments, standard streams and exit code pass through as they are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;

/// Whatever the other binary takes.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Arguments of the other program; `--help` among them shows its own
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    rest: Vec<OsString>,
}

/// A program that a command hands over to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// `highwater serve`.
    Server,
    /// `highwater loadtest`.
    LoadTest,
    /// `highwater gui`.
    App,
}

impl Program {
    const fn binary(self) -> &'static str {
        match self {
            Self::Server => "highwater-server",
            Self::LoadTest => "highwater-loadtest",
            Self::App => "highwater-gui",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Server => "the reference server",
            Self::LoadTest => "the load generator",
            Self::App => "the desktop app",
        }
    }

    /// Exactly the command that builds it; each is a package by the name of its binary.
    fn build(self) -> String {
        format!("cargo build --release -p {}{}", self.binary(), self.features())
    }

    /// What cargo has to be told beside the package: the load generator's network is a feature, for others use its library.
    const fn features(self) -> &'static str {
        match self {
            Self::LoadTest => " --features generator",
            Self::Server | Self::App => "",
        }
    }
}

/// Runs the program and takes over its exit code.
///
/// # Errors
/// When it is not there or does not start.
pub fn run(program: Program, arguments: &Arguments) -> Result<Exit, Failure> {
    let beside = std::env::current_exe().ok();
    let path = std::env::var_os("PATH");
    let Some(binary) = find(program.binary(), beside.as_deref(), path.as_deref()) else {
        return Err(Failure::World {
            doing: format!("start {}", program.what()),
            reason: format!(
                "`{binary}` is neither beside this program nor on the search path\n\
                 help: build it with `{build}`; or, from the sources, `cargo run --release -p {binary}{features} -- ...`",
                binary = program.binary(),
                build = program.build(),
                features = program.features()
            ),
        });
    };
    let world = |reason: String| Failure::World {
        doing: format!("start {}", binary.display()),
        reason,
    };
    let mut command = Command::new(&binary);
    command.args(&arguments.rest);
    // Where one process can become another, signals meant for it reach it.
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(world(command.exec().to_string()))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(|error| world(error.to_string()))?;
        // What another program ended with, exactly.
        std::process::exit(status.code().unwrap_or(Exit::Unfinished as i32))
    }
}

/// The first file of that name: beside the running program, then in each folder of the search path.
fn find(name: &str, running: Option<&Path>, path: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let beside = running.and_then(Path::parent).map(Path::to_owned);
    // An empty entry stands for the working folder, in which a program is only found by a path.
    let folders = path
        .into_iter()
        .flat_map(std::env::split_paths)
        .filter(|folder| !folder.as_os_str().is_empty());
    beside
        .into_iter()
        .chain(folders)
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: an old server on the search path that runs instead of the one built with the command.
    #[test]
    fn what_stands_beside_the_command_wins_over_the_search_path() {
        let (beside, path) = (
            tempfile::tempdir().expect("a folder"),
            tempfile::tempdir().expect("a folder"),
        );
        let running = beside.path().join("highwater");
        let search = std::env::join_paths([path.path()]).expect("a path");
        let found = || find("highwater-server", Some(&running), Some(&search));
        assert_eq!(found(), None);
        let name = format!("highwater-server{}", std::env::consts::EXE_SUFFIX);
        let on_path = path.path().join(&name);
        std::fs::write(&on_path, "").expect("written");
        assert_eq!(found(), Some(on_path));
        let own = beside.path().join(&name);
        std::fs::write(&own, "").expect("written");
        assert_eq!(found(), Some(own));
    }
}
