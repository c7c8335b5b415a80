//! What must hold of any input at all: the properties that fuzz targets and property tests share.
//!
//! Owns: one function for each kind of file that a user hands in. Each panics when its property does not hold.
//! Never: where the inputs come from.

use std::sync::LazyLock;

use highwater_models::file::schema::FileKind;
use highwater_models::file::study::load_study;
use highwater_models::file::{
    Diagnostic, Files, LoadedSystem, Request, Sources, is_ours, is_scenario, load_scenario, load_system, place_in_text,
    render_all,
};
use highwater_models::review::review;
use highwater_models::{bundled, catalogue};
use highwater_program::variants;
use highwater_report::{baseline, schema};
use serde_json::Value;

use crate::json_schema;

/// Whatever file is asked for holds this text.
struct Always<'t>(&'t str);

impl Files for Always<'_> {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(self.0.to_owned())
    }
}

/// Places lie within their texts, and everything can be shown.
fn check_diagnostics(diagnostics: &[Diagnostic], sources: &Sources) {
    for diagnostic in diagnostics {
        let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary);
        for label in labels {
            let Some(text) = sources.text(label.at.source) else {
                continue;
            };
            let marked = text.get(label.at.start as usize..label.at.end as usize);
            assert!(marked.is_some(), "outside of its text: {diagnostic:?}");
        }
        let data = diagnostic.to_data(sources);
        assert!(data.place.line >= 1 && data.place.column >= 1, "{data:?}");
        assert!(!data.message.is_empty(), "{data:?}");
    }
    let _ = render_all(diagnostics, sources, false);
    let _ = render_all(diagnostics, sources, true);
}

/// A system file is refused with places, or can be reviewed; and what is accepted suits the schema.
///
/// # Panics
/// When it is neither, or an editor would mark what is right.
pub fn system(text: &str) {
    let _ = (is_ours(text), is_scenario(text));
    let _ = place_in_text("fuzz", text, "web.plan");
    let request = Request {
        catalogue: catalogue::names,
        ..Request::new("fuzz.system.toml", text)
    };
    let LoadedSystem {
        system,
        diagnostics,
        sources,
    } = load_system(request, &Always(""));
    check_diagnostics(&diagnostics, &sources);
    match system {
        Some(system) => {
            let _ = review(&system, None);
            json_schema::assert_valid(schema_of(FileKind::System), text);
        }
        None => assert!(diagnostics.iter().any(Diagnostic::is_error), "refused without a reason"),
    }
}

/// A scenario file with settings is refused with places, or becomes a plan; and what is accepted suits the schema.
///
/// # Panics
/// When it is neither, or an editor would mark what is right.
pub fn scenario(text: &str, settings: &[String], beside: &str) {
    let systems: Vec<&str> = bundled::systems().iter().map(|system| system.name).collect();
    let request = Request {
        bundled_systems: &systems,
        catalogue: catalogue::names,
        ..Request::new("fuzz.toml", text).with_settings(settings)
    };
    // Names of bundled systems are to be found as such, and not beside the file.
    let files: &dyn Files = if beside.is_empty() {
        &highwater_models::file::NoFiles
    } else {
        &Always(beside)
    };
    let loaded = load_scenario(request, files, bundled::system);
    check_diagnostics(&loaded.diagnostics, &loaded.sources);
    match loaded.plan {
        Some(plan) => {
            check_diagnostics(&variants::check(&plan), &loaded.sources);
            let found = review(&plan.system, Some(&plan.scenario));
            for finding in &found.findings {
                let _ = plan.place_of(&finding.subject);
            }
            let _ = plan.settings();
            if settings.is_empty() {
                json_schema::assert_valid(schema_of(FileKind::Scenario), text);
            }
        }
        None => assert!(
            loaded.diagnostics.iter().any(Diagnostic::is_error),
            "refused without a reason"
        ),
    }
}

/// The schema of a kind of file, made once.
fn schema_of(kind: FileKind) -> &'static Value {
    static SYSTEM: LazyLock<Value> = LazyLock::new(|| schema::schema(FileKind::System));
    static SCENARIO: LazyLock<Value> = LazyLock::new(|| schema::schema(FileKind::Scenario));
    static STUDY: LazyLock<Value> = LazyLock::new(|| schema::schema(FileKind::Study));
    match kind {
        FileKind::System => &SYSTEM,
        FileKind::Scenario => &SCENARIO,
        FileKind::Study => &STUDY,
    }
}

/// A study file is refused with places, or becomes a design; and what is accepted suits the schema.
///
/// # Panics
/// When it is neither, or an editor would mark what is right.
pub fn study(text: &str) {
    let loaded = load_study("fuzz.toml", text);
    check_diagnostics(&loaded.diagnostics, &loaded.sources);
    match loaded.design {
        Some(_) => json_schema::assert_valid(schema_of(FileKind::Study), text),
        None => assert!(
            loaded.diagnostics.iter().any(Diagnostic::is_error),
            "refused without a reason"
        ),
    }
}

/// The path and value of a `--set` flag lead somewhere or are refused on the flag.
///
/// # Panics
/// When neither is so.
pub fn setting(flag: &str) {
    let text = bundled::scenario("normal").expect("bundled");
    scenario(text, &[flag.to_owned()], "");
}

/// A recorded trace is refused with places, or its rows are in the order of time.
///
/// # Panics
/// When neither is so.
pub fn trace(text: &str) {
    let file = "duration = \"1m\"\nload = { trace = { file = \"t.csv\" } }\n\
                [system.endpoint.e]\nsteps = [ { io = \"1ms\" } ]\n";
    let loaded = load_scenario(Request::new("fuzz.toml", file), &Always(text), |_| None);
    check_diagnostics(&loaded.diagnostics, &loaded.sources);
    let Some(plan) = loaded.plan else {
        assert!(
            loaded.diagnostics.iter().any(Diagnostic::is_error),
            "refused without a reason"
        );
        return;
    };
    let trace = plan.scenario.load.as_ref().and_then(|load| load.trace.as_ref());
    let rows = &trace.expect("it was given").file.rows;
    assert!(rows.is_sorted_by_key(|row| row.at), "out of order");
}

/// A baseline is refused with a reason, or reads back as it was once it is written.
///
/// # Panics
/// When neither is so.
pub fn baseline(text: &str) {
    match baseline::read(text) {
        Err(reason) => assert!(!reason.is_empty()),
        Ok(read) => {
            let again = baseline::read(&baseline::text(&read)).unwrap_or_else(|reason| panic!("{reason}: {read:?}"));
            // Compared as text, since what was not observed equals nothing.
            assert_eq!(format!("{read:?}"), format!("{again:?}"));
        }
    }
}
