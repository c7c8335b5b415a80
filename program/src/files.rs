//! From what a user names to a checked plan: a file, or a bundled scenario or system.
//!
//! Owns: that a file wins over a name, what may have been meant by an unknown one, and reading files for
//! `highwater_models::file`, which opens none itself. Every command that takes a scenario or a system takes it this way.
//! Never: what a file means, and telling anybody about it.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use highwater_models::file::{self, CatalogueKind, Files, Loaded, LoadedSystem, Request, nearest};
use highwater_models::{bundled, catalogue};

use crate::variants;

/// A text that was found by its name.
#[derive(Clone, Debug)]
pub struct Found {
    /// The whole text.
    pub text: String,
    /// Whether it is a bundled one.
    pub is_bundled: bool,
}

/// Nothing goes by that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\nhelp: {}", self.message, self.help)
    }
}

/// Reads a scenario and its system, and says nothing: what is wrong with it is for the caller to tell.
#[must_use]
pub fn read(name: &str, found: Found, settings: &[String]) -> Loaded {
    let systems: Vec<&str> = bundled::systems().iter().map(|system| system.name).collect();
    let request = Request {
        name,
        text: found.text,
        settings,
        is_bundled: found.is_bundled,
        bundled_systems: &systems,
        catalogue: catalogue_names,
    };
    let mut loaded = file::load_scenario(request, &Disk, bundled::system);
    // What an event or a level sets is a mistake where another model would come of it.
    if let Some(plan) = &loaded.plan {
        let found = variants::check(plan);
        if !found.is_empty() {
            loaded.diagnostics = found;
            loaded.plan = None;
        }
    }
    loaded
}

/// The same with a system alone.
#[must_use]
pub fn read_system(name: &str, found: Found, settings: &[String]) -> LoadedSystem {
    let request = Request {
        name,
        text: found.text,
        settings,
        is_bundled: found.is_bundled,
        bundled_systems: &[],
        catalogue: catalogue_names,
    };
    file::load_system(request, &Disk)
}

/// Reads whatever a name stands for, a scenario or a system, as a plan: of a system alone it is one with nobody in it.
///
/// # Errors
/// When nothing goes by that name.
pub fn read_design(name: &str, settings: &[String]) -> Result<Loaded, NotFound> {
    let found = find_design(name)?;
    if file::is_scenario(&found.text) {
        return Ok(read(name, found, settings));
    }
    // A path is told from a bundled name by its slash.
    let system = match found.is_bundled || name.contains('/') {
        true => quoted(name),
        false => quoted(&format!("./{name}")),
    };
    // A plan has a flow; what nobody follows need make no sense.
    let system_alone = read_system(name, found.clone(), &[]).system;
    let first = system_alone.filter(|system| system.flow.is_empty()).and_then(|system| {
        let (endpoint, _) = system.endpoint.iter().next()?;
        Some(format!(
            "[flow.nobody]\nsteps = [ {{ request = {} }} ]\n",
            quoted(&endpoint.text)
        ))
    });
    let text = format!(
        "system = {system}\nduration = \"1h\"\nload = {{ rate = 0.0 }}\n{}",
        first.unwrap_or_default()
    );
    let alone = Found {
        text,
        is_bundled: found.is_bundled,
    };
    Ok(read("(a system alone)", alone, settings))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The text of a system or a scenario: a file, a bundled system, a bundled scenario.
///
/// # Errors
/// When nothing goes by that name.
pub fn find_design(name: &str) -> Result<Found, NotFound> {
    if !Path::new(name).is_file()
        && let Some(text) = bundled::system(name)
    {
        return Ok(Found {
            text: text.to_owned(),
            is_bundled: true,
        });
    }
    find(name).map_err(|failure| {
        let systems = bundled::systems().iter().map(|system| system.name);
        match nearest(name, systems) {
            Some(near) => NotFound {
                message: format!("there is no file and no bundled system or scenario `{name}`"),
                help: format!("did you mean `{near}`? `highwater list` shows every bundled file"),
            },
            None => failure,
        }
    })
}

/// The text of a scenario: a file, or a bundled one.
///
/// # Errors
/// When nothing goes by that name.
pub fn find(name: &str) -> Result<Found, NotFound> {
    if Path::new(name).is_file() {
        let text = Disk.read(name).map_err(|reason| NotFound {
            message: format!("could not read `{name}`: {reason}"),
            help: "a scenario is a text file in TOML; `highwater list` shows the bundled ones".to_owned(),
        })?;
        return Ok(Found {
            text,
            is_bundled: false,
        });
    }
    match bundled::scenario(name) {
        Some(text) => Ok(Found {
            text: text.to_owned(),
            is_bundled: true,
        }),
        None => Err(unknown(name)),
    }
}

/// Which plans and models an edition of the catalogue has.
#[must_use]
pub fn catalogue_names(edition: &file::Edition, kind: CatalogueKind) -> Option<Vec<&'static str>> {
    let edition = match edition {
        file::Edition::Latest => catalogue::Edition::latest(),
        // Written as dates are, the order of texts is the order of days: the edition that held on that day.
        file::Edition::Dated { year, month, day, .. } => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            let held = |edition: &&catalogue::Edition| edition.date() <= date.as_str();
            catalogue::Edition::all().iter().rev().find(held)?
        }
    };
    // A plan answers to its other names too.
    let with_aliases = |name: &'static String, aliases: &'static [String]| {
        std::iter::once(name.as_str()).chain(aliases.iter().map(String::as_str))
    };
    Some(match kind {
        CatalogueKind::ServicePlan => {
            let plans = edition.web_plans().iter();
            plans.flat_map(|plan| with_aliases(&plan.name, &plan.aliases)).collect()
        }
        CatalogueKind::DatabasePlan => {
            let plans = edition.database_plans().iter();
            plans.flat_map(|plan| with_aliases(&plan.name, &plan.aliases)).collect()
        }
        CatalogueKind::CachePlan => {
            let plans = edition.cache_plans().iter();
            plans.flat_map(|plan| with_aliases(&plan.name, &plan.aliases)).collect()
        }
        CatalogueKind::Model => edition.model_names(),
        CatalogueKind::Workspace => edition.workspace_names(),
    })
}

/// Neither a file nor a name: what may have been meant.
fn unknown(name: &str) -> NotFound {
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
    NotFound { message, help }
}

/// The file system.
pub struct Disk;

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
