//! Files: scenarios that are opened, and texts that are saved.
//!
//! Owns: the file system, as far as the app touches it. Never: what a file means.

use std::fs;
use std::path::Path;

use highwater_models::file::Loaded;
use highwater_program::files::{self, Found};
use highwater_sim::compare::Side;

use crate::document::{Document, Origin};

/// Opens what a user names: a file, or a bundled scenario.
///
/// # Errors
/// Why there is nothing to open, in a sentence.
pub fn open(name: &str) -> Result<Document, String> {
    let name = name.trim();
    if name.is_empty() {
        return Err("name a file first".to_owned());
    }
    let found = files::find(name).map_err(|missing| format!("{}: {}", missing.message, missing.help))?;
    let origin = if found.is_bundled {
        Origin::Bundled(name.to_owned())
    } else {
        Origin::File(name.to_owned())
    };
    Ok(Document::new(origin, found.text))
}

/// Reads a scenario's text, with what stands beside its file.
#[must_use]
pub fn read(name: &str, text: String, is_bundled: bool, settings: &[String]) -> Loaded {
    files::read(name, Found { text, is_bundled }, settings)
}

/// The result in a folder: of an earlier run, or of a load test.
///
/// # Errors
/// Why it cannot be compared, in a sentence.
pub fn result(name: &str) -> Result<Side, String> {
    let path = Path::new(name.trim());
    let summary = if path.is_dir() {
        path.join("summary.json")
    } else {
        path.to_owned()
    };
    let read =
        |path: &Path| fs::read_to_string(path).map_err(|error| format!("could not read {}: {error}", path.display()));
    let text = read(&summary)?;
    let beside = summary.with_file_name("replications.csv");
    let values = if beside.is_file() { Some(read(&beside)?) } else { None };
    let (summary, origin) = highwater_report::read::summary(&text, values.as_deref())
        .map_err(|why| format!("{} cannot be compared: {why}", summary.display()))?;
    Ok(Side {
        name: name.trim().to_owned(),
        origin,
        summary,
    })
}

/// Whether there is a file of that name already.
#[must_use]
pub fn is_there(path: &str) -> bool {
    Path::new(path).exists()
}

/// Writes a text; a file that is there is replaced in one step.
///
/// # Errors
/// Why it could not be written, in a sentence.
pub fn save(path: &str, bytes: &[u8]) -> Result<(), String> {
    let path = path.trim();
    if path.is_empty() {
        return Err("name a file first".to_owned());
    }
    let beside = format!("{path}.part");
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        format!("could not write `{path}`: {}", error)
    })
}

/// The plan of a bundled scenario, for tests.
#[cfg(test)]
pub(crate) fn bundled_plan(name: &str) -> highwater_models::file::Plan {
    let text = highwater_models::bundled::scenario(name).expect("a bundled scenario");
    read(name, text.to_owned(), true, &[]).plan.expect("it is right")
}
