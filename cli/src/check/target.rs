//! Which files are meant by the paths of a command: files, folders with every file below, bundled names.
//!
//! Owns: the order (as given; within a folder by name), and what is passed over.
//! Never: whether a file is right.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use highwater_models::file::{is_ours, is_scenario};
use highwater_report::check::Kind;

use crate::failure::Failure;
use crate::scenario;

/// A file to check.
#[derive(Debug)]
pub struct Target {
    /// The path or the bundled name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Whether it is a bundled one.
    pub is_bundled: bool,
    /// What it is.
    pub kind: Kind,
}

/// Folders that hold no files of a project's own.
const NOT_OURS: [&str; 2] = ["target", "node_modules"];

/// The files that are meant, each once.
///
/// # Errors
/// When nothing goes by a name, a folder holds none, or one cannot be read.
pub fn targets(paths: &[String]) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> = Vec::new();
    let mut names = BTreeSet::new();
    for path in paths {
        let found = if Path::new(path).is_dir() {
            in_folder(Path::new(path))?
        } else {
            let (text, is_bundled) = scenario::find_design(path)?;
            vec![target(path.clone(), text, is_bundled)]
        };
        targets.extend(found.into_iter().filter(|target| names.insert(target.name.clone())));
    }
    Ok(targets)
}

fn target(name: String, text: String, is_bundled: bool) -> Target {
    let kind = if is_scenario(&text) {
        Kind::Scenario
    } else {
        Kind::System
    };
    Target {
        name,
        text,
        is_bundled,
        kind,
    }
}

/// Every file of ours below a folder.
fn in_folder(folder: &Path) -> Result<Vec<Target>, Failure> {
    let mut files = Vec::new();
    walk(folder, &mut files).map_err(|error| Failure::World {
        doing: format!("look through {}", folder.display()),
        reason: error.to_string(),
    })?;
    let mut targets = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let (text, _) = scenario::find_design(&name)?;
        if is_ours(&text) {
            targets.push(target(name, text, false));
        } else {
            eprintln!("note: passed over {name}, which is neither a scenario nor a system");
        }
    }
    if targets.is_empty() {
        return Err(Failure::Usage {
            message: format!(
                "there is no scenario and no system in the folder `{}`",
                folder.display()
            ),
            help: "files end in .toml; `highwater new NAME` writes a pair to start from".to_owned(),
        });
    }
    Ok(targets)
}

/// Adds the .toml files below a folder, by name. Links to folders are not followed: they may lead back.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_hidden = name.starts_with('.');
        let kind = entry.file_type()?;
        if kind.is_dir() && !is_hidden && !NOT_OURS.contains(&&*name) {
            walk(&entry.path(), files)?;
        } else if !kind.is_dir() && !is_hidden && name.ends_with(".toml") && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
