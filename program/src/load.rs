//! A scenario or a system as every face reads it: with the bundled ones and the catalogue at hand.
//!
//! Owns: what stands beside a file, and that settings which take hold later leave the same model.
//! Never: files (a reader is handed in), showing what is wrong.

use std::io;

use highwater_models::file::{self, CatalogueKind, Files, Loaded, LoadedSystem, Request};
use highwater_models::{bundled, catalogue};

use crate::variants;

/// Reads a scenario with its settings, each `path=value`. `name` is its path, or its bundled name.
#[must_use]
pub fn scenario(name: &str, text: String, is_bundled: bool, settings: &[String], files: &dyn Files) -> Loaded {
    let systems: Vec<&str> = bundled::systems().iter().map(|system| system.name).collect();
    let request = Request {
        name,
        text,
        settings,
        is_bundled,
        bundled_systems: &systems,
        catalogue: catalogue_names,
    };
    let mut loaded = file::load_scenario(request, files, bundled::system);
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

/// Reads a system alone.
#[must_use]
pub fn system(name: &str, text: String, is_bundled: bool, settings: &[String], files: &dyn Files) -> LoadedSystem {
    let request = Request {
        name,
        text,
        settings,
        is_bundled,
        bundled_systems: &[],
        catalogue: catalogue_names,
    };
    file::load_system(request, files)
}

/// Why a file could not be read, in words to follow a colon.
#[must_use]
pub fn why_unread(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::InvalidData => "it is not text in UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// Which plans and models an edition of the catalogue has; a plan under each of its names.
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
