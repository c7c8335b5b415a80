//! From what a user names to a plan: a file, or a bundled scenario.
//!
//! Owns: that a file wins over a name, and reading files for `highwater_models::file`, which opens none itself.
//! Never: what a file means.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use highwater_models::bundled;
use highwater_models::file::{self, Diagnostic, Files, Loaded, LoadedSystem, Plan, Sources, System, nearest};
use highwater_program::load;
use highwater_report::paint::Paint;

use crate::environment;
use crate::failure::Failure;

/// Loads a scenario with its settings. Warnings go to standard error.
///
/// # Errors
/// When there is no such scenario, or a file has mistakes: then with all of them.
pub fn load(name: &str, settings: &[String]) -> Result<Plan, Failure> {
    let loaded = read(name, find(name)?, settings);
    told(loaded.plan, &loaded.diagnostics, &loaded.sources)
}

/// Loads a system alone, found by [`find_design`]. Warnings go to standard error.
///
/// # Errors
/// When the file has mistakes: then with all of them.
pub fn load_system(name: &str, found: (String, bool), settings: &[String]) -> Result<System, Failure> {
    let loaded = read_system(name, found, settings);
    told(loaded.system, &loaded.diagnostics, &loaded.sources)
}

/// Reads a scenario, found by [`find_design`], and says nothing: what is wrong with it is for the caller to tell.
pub fn read(name: &str, (text, is_bundled): (String, bool), settings: &[String]) -> Loaded {
    load::scenario(name, text, is_bundled, settings, &Disk)
}

/// Loads a scenario as [`load`] does, and says nothing: a setting that does not fit it leaves nothing.
pub fn try_load(name: &str, settings: &[String]) -> Option<Plan> {
    read(name, find(name).ok()?, settings).plan
}

/// The same with a system alone.
pub fn read_system(name: &str, (text, is_bundled): (String, bool), settings: &[String]) -> LoadedSystem {
    load::system(name, text, is_bundled, settings, &Disk)
}

/// What was read; its mistakes as a failure, or its warnings to standard error.
fn told<T>(read: Option<T>, diagnostics: &[Diagnostic], sources: &Sources) -> Result<T, Failure> {
    let colour = environment::paint(io::stderr().is_terminal()) == Paint::Ansi;
    let text = file::render_all(diagnostics, sources, colour);
    match read {
        Some(read) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            Ok(read)
        }
        None => Err(Failure::File { text }),
    }
}

/// The text of a system or a scenario, and whether it is a bundled one: a file, a bundled system, a bundled scenario.
///
/// # Errors
/// When nothing goes by that name.
pub fn find_design(name: &str) -> Result<(String, bool), Failure> {
    if !Path::new(name).is_file()
        && let Some(text) = bundled::system(name)
    {
        return Ok((text.to_owned(), true));
    }
    find(name).map_err(|failure| {
        let systems = bundled::systems().iter().map(|system| system.name);
        match nearest(name, systems) {
            Some(near) => Failure::Usage {
                message: format!("there is no file and no bundled system or scenario `{name}`"),
                help: format!("did you mean `{near}`? `highwater list` shows every bundled file"),
            },
            None => failure,
        }
    })
}

/// The text that a name stands for, and whether it is a bundled one.
fn find(name: &str) -> Result<(String, bool), Failure> {
    if Path::new(name).is_file() {
        let text = Disk.read(name).map_err(|reason| Failure::Usage {
            message: format!("could not read `{name}`: {reason}"),
            help: "a scenario is a text file in TOML; `highwater list` shows the bundled ones".to_owned(),
        })?;
        return Ok((text, false));
    }
    match bundled::scenario(name) {
        Some(text) => Ok((text.to_owned(), true)),
        None => Err(unknown(name)),
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
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(path).map_err(|error| load::why_unread(&error))
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
