//! Architecture: what the crates' manifests promise. Dependencies run one way, and the crates that rules live in know
//! no clock, no chance and no network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each crate's folder and the crates of this project it may depend on. Folders that do not exist yet are no fault:
/// the table is the whole house.
const ALLOWED: [(&str, &[&str]); 14] = [
    // Targets of a workspace of its own, which call what the tests share.
    ("fuzz", &["highwater-tests"]),
    ("models", &[]),
    ("workload", &["highwater-models"]),
    ("program", &["highwater-models", "highwater-workload"]),
    ("sim", &["highwater-models", "highwater-workload", "highwater-program"]),
    ("host", &["highwater-models"]),
    (
        "server",
        &[
            "highwater-models",
            "highwater-workload",
            "highwater-program",
            "highwater-host",
        ],
    ),
    (
        "loadtest",
        &[
            "highwater-models",
            "highwater-workload",
            "highwater-program",
            "highwater-host",
        ],
    ),
    (
        "report",
        &[
            "highwater-models",
            "highwater-workload",
            "highwater-program",
            "highwater-sim",
            "highwater-loadtest",
        ],
    ),
    (
        "cli",
        &[
            "highwater-models",
            "highwater-workload",
            "highwater-program",
            "highwater-sim",
            "highwater-report",
            "highwater-loadtest",
        ],
    ),
    (
        "gui",
        &[
            "highwater-models",
            "highwater-workload",
            "highwater-program",
            "highwater-sim",
            "highwater-report",
            "highwater-loadtest",
        ],
    ),
    (
        "bench",
        &[
            "highwater-models",
            "highwater-workload",
            "highwater-program",
            "highwater-sim",
        ],
    ),
    // Tests that cross crates may see everything; no crate may see them.
    ("tests", &["*"]),
    ("xtask", &[]),
];

/// Libraries that the named folders must not draw in themselves: clocks, chance, tasks and networks.
const BANNED: [(&str, &[&str]); 6] = [
    (
        "models",
        &[
            "rand",
            "rand_distr",
            "rand_xoshiro",
            "tokio",
            "axum",
            "reqwest",
            "rayon",
            "chrono",
            "time",
            "jiff",
        ],
    ),
    (
        "workload",
        &["tokio", "axum", "reqwest", "rayon", "chrono", "time", "jiff"],
    ),
    (
        "program",
        &["tokio", "axum", "reqwest", "rayon", "chrono", "time", "jiff"],
    ),
    (
        "sim",
        &[
            "tokio",
            "axum",
            "reqwest",
            "hyper",
            "redis",
            "tokio-postgres",
            "chrono",
            "time",
            "jiff",
        ],
    ),
    ("report", &["tokio", "axum", "reqwest", "eframe"]),
    (
        "cli",
        &[
            "tokio",
            "axum",
            "reqwest",
            "hyper",
            "redis",
            "tokio-postgres",
            "rusqlite",
            "eframe",
            "egui",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ stands in the workspace")
        .to_owned()
}

/// The names under `[dependencies]` and its kin (targets too), by section. `[dev-dependencies]` are left out: a test of
/// a crate may use what it likes.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut here = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let of_build = section.ends_with("build-dependencies");
            here = section == "dependencies" || section.ends_with(".dependencies") || of_build;
            // `[dependencies.serde]` names its dependency in the heading.
            if let Some((_, name)) = section
                .split_once("dependencies.")
                .filter(|_| !section.starts_with("dev-"))
            {
                names.insert(name.trim_matches('"').to_owned());
            }
        } else if here && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                names.insert(name.trim_matches('"').to_owned());
            }
        }
    }
    names
}

/// Dependencies by folder, for every folder of the workspace that is a crate.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let root = root();
    let mut crates = BTreeMap::new();
    for entry in fs::read_dir(&root).expect("the workspace can be listed") {
        let path = entry.expect("an entry").path();
        let Ok(manifest) = fs::read_to_string(path.join("Cargo.toml")) else {
            continue;
        };
        let folder = path.file_name().expect("a name").to_string_lossy().into_owned();
        crates.insert(folder, dependencies(&manifest));
    }
    crates
}

// Lost if broken: the one direction. A rule that the simulator and the server share could drift into either.
#[test]
fn dependencies_run_one_way() {
    let crates = crates();
    assert!(crates.len() >= 7, "found only {:?}", crates.keys());
    for (folder, names) in crates {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == folder) else {
            panic!("`{folder}` is a crate that ALLOWED does not know: say what it may depend on");
        };
        for name in names.iter().filter(|name| name.starts_with("highwater")) {
            assert!(
                allowed.contains(&"*") || allowed.contains(&name.as_str()),
                "`{folder}` depends on `{name}`, which is against the direction"
            );
        }
    }
}

// Lost if broken: rules that cannot be driven by simulated time, results that cannot be repeated, and a first build that
// takes minutes because the command pulls in a server.
#[test]
fn each_crate_stays_out_of_what_it_must_not_know() {
    let crates = crates();
    for (folder, banned) in BANNED {
        for name in banned {
            assert!(
                !crates[folder].contains(*name),
                "`{folder}` must not depend on `{name}`"
            );
        }
    }
}

// Lost if broken: the lints that forbid clocks and environment reads where results are made.
#[test]
fn the_lints_against_ambient_state_stand_where_results_are_made() {
    for folder in ["models", "workload", "sim"] {
        let text = fs::read_to_string(root().join(folder).join("clippy.toml"))
            .unwrap_or_else(|error| panic!("{folder}/clippy.toml: {error}"));
        for method in ["std::time::Instant::now", "std::time::SystemTime::now", "std::env::var"] {
            assert!(text.contains(method), "{folder}/clippy.toml does not forbid {method}");
        }
    }
}

// Lost if broken: the check above, silently, by a manifest written in another style.
#[test]
fn every_way_of_writing_a_dependency_is_read() {
    let names = dependencies(
        r#"
[package]
name = "x"
[dependencies]
# a.remark = true
one.workspace = true
two = "1"
three = { path = "../three" }
[target.'cfg(unix)'.dependencies]
four = "1"
[dependencies.five]
version = "1"
[build-dependencies]
six = "1"
[dev-dependencies]
seven = "1"
[dev-dependencies.eight]
version = "1"
[features]
nine = []
"#,
    );
    let expected = ["five", "four", "one", "six", "three", "two"];
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
