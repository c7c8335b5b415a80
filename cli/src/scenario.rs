//! From what a user names to a plan: a file, or a bundled scenario.
//!
//! Owns: that a file wins over a name, and reading files for `highwater_models::file`, which opens none itself.
//! Never: what a file means.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use highwater_models::bundled;
use highwater_models::file::{self, Files, Plan, Request, nearest};
use highwater_report::paint::Paint;

use crate::environment;
use crate::failure::Failure;

/// Loads a scenario with its settings. Warnings go to standard error.
///
/// # Errors
/// When there is no such scenario, or a file has mistakes: then with all of them.
pub fn load(name: &str, settings: &[String]) -> Result<Plan, Failure> {
    if !Path::new(name).is_file() && bundled::scenario(name).is_none() {
        return Err(unknown(name));
    }
    let request = Request {
        name: name.to_owned(),
        set: settings.to_vec(),
    };
    let loaded = file::load_scenario(&request, &Disk);
    let colour = environment::paint(io::stderr().is_terminal()) == Paint::Ansi;
    let text = file::render_all(&loaded.diagnostics, &loaded.sources, colour);
    match loaded.plan {
        Some(plan) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            Ok(plan)
        }
        None => Err(Failure::File { text }),
    }
}

/// Neither a file nor a name: what may have been meant.
fn unknown(name: &str) -> Failure {
    let looks_like_path = name.contains(['/', '\\']) || name.ends_with(".toml");
    let known = bundled::scenarios().iter().map(|scenario| scenario.name);
    // The bundled names' folders are rarely typed.
    let short = known.clone().filter_map(|name| name.rsplit('/').next());
    let message = match (looks_like_path, Path::new(name).is_dir()) {
        (_, true) => format!("`{name}` is a folder, and a scenario is a file"),
        (true, _) => format!("there is no file `{name}`"),
        (false, _) => format!("there is no file and no bundled scenario `{name}`"),
    };
    let meant = name.trim_end_matches(".toml");
    let help = match nearest(meant, known.chain(short)) {
        Some(near) => format!("did you mean `{near}`? `highwater list` shows every bundled scenario"),
        None => "`highwater list` shows every bundled scenario".to_owned(),
    };
    Failure::Usage { message, help }
}

/// The file system.
struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
            io::ErrorKind::InvalidData => "it is not text in UTF-8".to_owned(),
            _ => error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(name: &str) -> String {
        load(name, &[]).expect_err("unknown").to_string()
    }

    // Lost if broken: the way back from a slip of the finger.
    #[test]
    fn an_unknown_name_suggests_the_nearest() {
        assert_eq!(
            help("viral-spik"),
            "error: there is no file and no bundled scenario `viral-spik`\n\
             help: did you mean `viral-spike`? `highwater list` shows every bundled scenario"
        );
        assert_eq!(
            help("zzzzzzzzzzzz"),
            "error: there is no file and no bundled scenario `zzzzzzzzzzzz`\n\
             help: `highwater list` shows every bundled scenario"
        );
        assert!(help("no/such/file.toml").starts_with("error: there is no file `no/such/file.toml`\n"));
        assert!(help(".").starts_with("error: `.` is a folder"));
    }
}
