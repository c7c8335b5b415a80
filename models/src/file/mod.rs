//! System and scenario files: from text to checked, typed values, or to every mistake at once.
//!
//! Owns: the tables of the format, their reading and their checks, diagnostics, settings by path.
//! Never: the file system (texts are handed in), what a run does.
//!
//! ```
//! use highwater_models::file::{NoFiles, Request, load_scenario, render_all};
//!
//! let text = r#"
//! duration = "1h"
//! load = { rate = 5.0 }
//! [system.pool.servers]
//! max = 1
//! [system.endpoint.job]
//! steps = [ { take = { from = "server", for = "100ms" } } ]
//! "#;
//! let loaded = load_scenario(Request::new("queue.toml", text), &NoFiles, |_| None);
//! assert!(loaded.plan.is_none());
//! let said = render_all(&loaded.diagnostics, &loaded.sources, false);
//! assert!(said.contains(":7:29") && said.contains("did you mean `servers`?"));
//!
//! let loaded = load_scenario(Request::new("queue.toml", text.replace("server\"", "servers\"")), &NoFiles, |_| None);
//! assert_eq!(loaded.plan.unwrap().system.pool.get("servers").unwrap().max, 1);
//! ```

mod catalogue;
mod check;
mod check_scenario;
mod check_steps;
mod check_system;
mod diagnostic;
mod edit;
mod figure;
mod kind;
mod law;
mod list;
mod load;
mod name;
mod path;
mod plan;
mod quantity;
mod read;
pub mod reference;
mod rules;
pub mod scenario;
pub mod schema;
mod set;
mod settings_of;
mod shape;
pub mod step;
pub mod study;
mod suggest;
pub mod system;
mod table;
#[cfg(test)]
mod tests;
mod trace;
mod tree;
mod value;

pub use catalogue::{CatalogueKind, CatalogueNames, any_name};
pub use diagnostic::{Diagnostic, DiagnosticData, Label, PlaceData, Severity, Sources, render_all};
pub use edit::{write_setting, write_settings};
pub use kind::{is_ours, is_scenario};
pub use load::{Loaded, LoadedSystem, Request, load_scenario, load_system};
pub use name::{Name, Named};
pub use path::{names_of, parts_of};
pub use plan::Plan;
pub use quantity::{Law, Quantity, Spread, WeibullSpread};
pub use scenario::Scenario;
pub use settings_of::place_in_text;
pub use suggest::nearest;
pub use system::System;
pub use tree::{At, Key, Node, SourceId, Table, Value};
pub use value::{Backoff, Edition, Jitter, NumberFile, Popularity, Ramp, Retry, Setting, Settings, Weights};

/// How texts are had: the only way from here to the file system.
pub trait Files {
    /// The text of a file. `path` is relative to what [`Request::name`] is relative to: a path that stands in a file
    /// has been joined to the directory of that file.
    ///
    /// # Errors
    /// Why it cannot be had, in words to follow a colon: `no such file`.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// No file at all: for texts that stand alone.
#[derive(Copy, Clone, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("no such file".to_owned())
    }
}

/// A path as it stands in the file `from`: beside that file, unless it is absolute.
pub(crate) fn beside(from: &str, path: &str) -> String {
    let absolute = path.starts_with('/');
    match from.rfind('/') {
        Some(slash) if !absolute => format!("{}{path}", &from[..=slash]),
        _ => path.to_owned(),
    }
}
