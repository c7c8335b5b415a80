//! From what a user names to a study whose points are all valid.
//!
//! Owns: that a file wins over a name, that every point is read before one is run, and that each mistake is told once.
//! Never: what a file means, which points are run.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use highwater_models::bundled;
use highwater_models::file::study::{self, Beside, Design};
use highwater_models::file::{self, At, Diagnostic, Files, Sources, nearest};
use highwater_program::variants;
use highwater_sim::sweep;

use crate::environment;
use crate::failure::Failure;
use crate::scenario::Disk;

/// Most mistakes that are shown: a study of thousands of points can have thousands.
const MISTAKES: usize = 30;

/// The text that a name stands for, and whether it is a bundled one.
///
/// # Errors
/// When nothing goes by that name.
pub fn find(name: &str) -> Result<(String, bool), Failure> {
    if Path::new(name).is_file() {
        let text = Disk.read(name).map_err(|reason| Failure::Usage {
            message: format!("could not read `{name}`: {reason}"),
            help: "a study is a text file in TOML; `highwater list` shows the bundled ones".to_owned(),
        })?;
        return Ok((text, false));
    }
    if let Some(text) = bundled::study(name) {
        return Ok((text.to_owned(), true));
    }
    let looks_like_path = name.contains(['/', '\\']) || name.ends_with(".toml");
    let message = match (looks_like_path, Path::new(name).is_dir()) {
        (_, true) => format!("`{name}` is a folder, and a study is a file"),
        (true, _) => format!("there is no file `{name}`"),
        (false, _) => format!("there is no file and no bundled study `{name}`"),
    };
    let known = bundled::studies().iter().map(|study| study.name);
    let help = match nearest(name.trim_end_matches(".toml"), known) {
        _ if bundled::scenario(name).is_some() => format!("that is a scenario: `highwater run {name}`"),
        Some(near) => format!("did you mean `{near}`? `highwater list` shows every bundled study"),
        None => "`highwater list` shows every bundled study".to_owned(),
    };
    Err(Failure::Usage { message, help })
}

/// The names of bundled files, to suggest one.
pub fn names(files: &'static [bundled::Bundled]) -> Vec<&'static str> {
    files.iter().map(|file| file.name).collect()
}

fn colour() -> bool {
    environment::paint(io::stderr().is_terminal()) == highwater_report::paint::Paint::Ansi
}

/// Files as they were when they were read first: a point that is loaded again is the point that was checked.
#[derive(Debug, Default)]
pub struct Kept {
    texts: Mutex<BTreeMap<String, Result<String, String>>>,
}

impl Files for Kept {
    fn read(&self, path: &str) -> Result<String, String> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.entry(path.to_owned()).or_insert_with(|| Disk.read(path)).clone()
    }
}

/// What reading a point came to: the hash of its plan, and what is wrong with it.
type Checked = (Option<u64>, Vec<String>);

/// The study of that text.
///
/// # Errors
/// When it has mistakes: then with all of them.
pub fn read(name: &str, text: &str) -> Result<Design, Failure> {
    let loaded = study::load_study(name, text);
    loaded.design.ok_or_else(|| Failure::File {
        text: file::render_all(&loaded.diagnostics, &loaded.sources, colour()),
    })
}

/// Reads every point, so that no mistake shows only after an hour, and hands back the hashes of their plans.
///
/// # Errors
/// When a point has mistakes, or no point has a figure that is asked for: then with all of them.
pub fn check(study: &Design, beside: &Beside<'_>, jobs: usize) -> Result<Vec<u64>, Failure> {
    let count = study.points();
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<Checked>>> = (0..count).map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..jobs.min(count) {
            scope.spawn(|| {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    let Some(slot) = slots.get(point) else { return };
                    let checked = check_point(study, point, beside);
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
                }
            });
        }
    });
    let mut hashes = Vec::with_capacity(count);
    let mut told: Vec<String> = Vec::new();
    for slot in slots {
        let (hash, said) = slot
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .unwrap_or_default();
        hashes.extend(hash);
        for text in said {
            if !told.contains(&text) {
                told.push(text);
            }
        }
    }
    let mut is_whole = hashes.len() == count;
    if is_whole {
        let unknown = unknown_metrics(study, beside);
        is_whole = unknown.is_empty();
        told.extend(unknown);
    }
    let more = told.len().saturating_sub(MISTAKES);
    told.truncate(MISTAKES);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    let text = told.join("\n\n");
    if is_whole {
        if !text.is_empty() {
            eprintln!("{text}");
        }
        return Ok(hashes);
    }
    Err(Failure::File { text })
}

fn check_point(study: &Design, point: usize, beside: &Beside<'_>) -> Checked {
    let loaded = study.load(point, beside);
    let colour = colour();
    let mut said: Vec<String> = loaded
        .diagnostics
        .iter()
        .map(|one| one.to_text(&loaded.sources, colour))
        .collect();
    let Some(plan) = loaded.plan else { return (None, said) };
    let fixed = variants::check(&plan);
    said.extend(fixed.iter().map(|one| one.to_text(&loaded.sources, colour)));
    (fixed.is_empty().then_some(plan.hash), said)
}

/// Complaints about figures that no point has. Most often the first point has them all.
fn unknown_metrics(study: &Design, beside: &Beside<'_>) -> Vec<String> {
    // Those that nobody asked for are kept where there are some.
    let mut open: Vec<_> = study.asked().filter(|metric| metric.at != At::DEFAULT).collect();
    let mut known: Vec<String> = Vec::new();
    for point in 0..study.points() {
        let Some(plan) = study.load(point, beside).plan else {
            continue;
        };
        let found = sweep::known(&plan);
        let names: Vec<Vec<String>> = found.iter().map(|path| file::names_of(path)).collect();
        open.retain(|metric| {
            let asked = file::names_of(&metric.text);
            // Stages appear in a result only once somebody has been in them.
            !names.contains(&asked) && asked.first().is_none_or(|first| first != "breakdown")
        });
        if open.is_empty() {
            return Vec::new();
        }
        if known.is_empty() {
            known = found;
        }
        // What the first thousand points do not have is a slip.
        if point == 1000 {
            break;
        }
    }
    let colour = colour();
    let tell = |(diagnostic, sources): (Diagnostic, Sources)| diagnostic.to_text(&sources, colour);
    open.iter()
        .map(|metric| tell(study.unknown_metric(metric, &known)))
        .collect()
}
