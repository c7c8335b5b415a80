//! `cargo xtask conformance`: records the traces of the real packages anew, renews the page about them and replays them.
//!
//! Owns: the order of the commands, and saying what is missing.
//! Never: what is recorded (`tests/conformance`) or compared (`tests/tests/conformance`).

use std::path::Path;
use std::process::{Command, ExitCode};

/// The recorders' folder in the workspace.
const FOLDER: &str = "tests/conformance";
/// The oldest Node that the packages run on.
const NODE: u32 = 20;

/// Records, renews and replays.
pub fn run(root: &Path) -> ExitCode {
    match conformance(root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("conformance: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn conformance(root: &Path) -> Result<(), String> {
    check_node()?;
    let folder = root.join(FOLDER);
    step(Command::new("npm").arg("ci").current_dir(&folder), "npm ci")?;
    step(
        Command::new("npm").args(["run", "record"]).current_dir(&folder),
        "npm run record",
    )?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let replay = ["test", "--locked", "-p", "highwater-tests", "--test", "conformance"];
    step(
        Command::new(cargo)
            .args(replay)
            .env("HIGHWATER_UPDATE", "1")
            .current_dir(root),
        "HIGHWATER_UPDATE=1 cargo test -p highwater-tests --test conformance",
    )
}

/// Whether there is a Node that is new enough, and npm.
fn check_node() -> Result<(), String> {
    let asked = |program: &str| {
        let output = Command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let without = "recording needs it; replaying what is recorded does not: \
                   cargo test -p highwater-tests --test conformance";
    let version = asked("node").ok_or_else(|| format!("Node.js is not installed ({without})"))?;
    let major = version.trim_start_matches('v').split('.').next();
    if major
        .and_then(|major| major.parse().ok())
        .is_none_or(|major: u32| major < NODE)
    {
        return Err(format!(
            "Node.js {version} is installed, {NODE} or newer is needed ({without})"
        ));
    }
    match asked("npm") {
        Some(_) => Ok(()),
        None => Err(format!("Node.js {version} is installed, but npm is not ({without})")),
    }
}

/// Runs a command and shows it.
fn step(command: &mut Command, shown: &str) -> Result<(), String> {
    eprintln!("\n== {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown} failed ({status})")),
        Err(error) => Err(format!("{shown} could not be started: {error}")),
    }
}
