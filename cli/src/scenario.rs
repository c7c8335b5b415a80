//! From what a user names to a plan, for the commands: warnings go to standard error, mistakes become failures.
//!
//! Owns: how what was found is told. How it is found and read is `highwater_program::files`.

use std::io::{self, IsTerminal};

use highwater_models::file::{self, Diagnostic, Loaded, LoadedSystem, Plan, Sources, System};
use highwater_program::files::{self, Found, NotFound};
use highwater_report::paint::Paint;

pub use highwater_program::files::Disk;

use crate::environment;
use crate::failure::Failure;

impl From<NotFound> for Failure {
    fn from(NotFound { message, help }: NotFound) -> Self {
        Self::Usage { message, help }
    }
}

/// Loads a scenario with its settings. Warnings go to standard error.
///
/// # Errors
/// When there is no such scenario, or a file has mistakes: then with all of them.
pub fn load(name: &str, settings: &[String]) -> Result<Plan, Failure> {
    let loaded = files::read(name, files::find(name)?, settings);
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
    files::read(name, Found { text, is_bundled }, settings)
}

/// Loads a scenario as [`load`] does, and says nothing: a setting that does not fit it leaves nothing.
pub fn try_load(name: &str, settings: &[String]) -> Option<Plan> {
    files::read(name, files::find(name).ok()?, settings).plan
}

/// The same with a system alone.
pub fn read_system(name: &str, (text, is_bundled): (String, bool), settings: &[String]) -> LoadedSystem {
    files::read_system(name, Found { text, is_bundled }, settings)
}

/// The text of a system or a scenario, and whether it is a bundled one: a file, a bundled system, a bundled scenario.
///
/// # Errors
/// When nothing goes by that name.
pub fn find_design(name: &str) -> Result<(String, bool), Failure> {
    let Found { text, is_bundled } = files::find_design(name)?;
    Ok((text, is_bundled))
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
