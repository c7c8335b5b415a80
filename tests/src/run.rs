//! What tests share to run scenarios: texts to plans, plans to results, how sure a figure is, the built command.
//!
//! Owns: how sure a test has to be before it says that a figure agrees or not.
//! Never: an expected value.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64};

use highwater_models::file::{Loaded, NoFiles, Plan, Request, load_scenario, render_all};
use highwater_models::{bundled, catalogue};
use highwater_program::variants::Variants;
use highwater_sim::experiment::{self, Options, Outcome};
use highwater_sim::measure::Record;
use highwater_sim::world::{Control, SimulationError, simulate_variants};
use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// How sure an interval is. A suite of a hundred comparisons then cries wolf once in ten choices of seeds, and the seeds
/// are fixed.
pub const CONFIDENCE: f64 = 0.999;

/// Reads and checks a scenario with settings, as the command does, but without any file beside it.
#[must_use]
pub fn load(name: &str, text: &str, settings: &[&str], is_bundled: bool) -> Loaded {
    let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
    let systems: Vec<&str> = bundled::systems().iter().map(|system| system.name).collect();
    let request = Request {
        name,
        text: text.to_owned(),
        settings: &settings,
        is_bundled,
        bundled_systems: &systems,
        catalogue: catalogue::names,
    };
    load_scenario(request, &NoFiles, bundled::system)
}

/// The plan of a scenario that is right.
///
/// # Panics
/// When it is not, with what is wrong.
#[must_use]
pub fn plan(text: &str) -> Plan {
    expect(load("test.toml", text, &[], false))
}

/// The plan of a bundled scenario with settings.
///
/// # Panics
/// When there is none of that name, or a setting is wrong.
#[must_use]
pub fn bundled_plan(name: &str, settings: &[&str]) -> Plan {
    let text = bundled::scenario(name).unwrap_or_else(|| panic!("no bundled scenario `{name}`"));
    expect(load(name, text, settings, true))
}

fn expect(loaded: Loaded) -> Plan {
    let Loaded {
        plan,
        diagnostics,
        sources,
    } = loaded;
    plan.unwrap_or_else(|| panic!("{}", render_all(&diagnostics, &sources, false)))
}

/// Runs a plan on two threads.
///
/// # Panics
/// When the run does not finish.
#[must_use]
pub fn run(plan: &Plan) -> Outcome {
    run_with(
        plan,
        &Options {
            jobs: 2,
            ..Options::default()
        },
    )
}

/// Runs a plan.
///
/// # Panics
/// When the run does not finish.
#[must_use]
pub fn run_with(plan: &Plan, options: &Options) -> Outcome {
    experiment::run(plan, options, &|_: f64| {}).unwrap_or_else(|error| panic!("{}: {error}", plan.name))
}

/// One replication as the engine leaves it, without figures.
///
/// # Errors
/// When it does not finish: above all when its books do not close.
pub fn replicate(plan: &Plan, seed: u64) -> Result<Record, SimulationError> {
    let control = Control {
        cancel: &AtomicBool::new(false),
        progress: &AtomicU64::new(0),
    };
    simulate_variants(&Variants::new(plan), seed, 0, false, &control).map(|(record, _)| record)
}

/// A mean over replications and how far it may be off.
#[derive(Copy, Clone, Debug)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the width of the interval at [`CONFIDENCE`].
    pub half_width: f64,
}

impl Interval {
    /// Student's interval of independent observations.
    ///
    /// # Panics
    /// With fewer than two of them, or when one is not a number.
    #[must_use]
    pub fn of(samples: &[f64]) -> Self {
        assert!(samples.len() > 1, "an interval needs replications: {samples:?}");
        assert!(
            samples.iter().all(|sample| sample.is_finite()),
            "not observed: {samples:?}"
        );
        let count = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / count;
        let squares: f64 = samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum();
        let student = StudentsT::new(0.0, 1.0, count - 1.0).expect("a positive number of degrees of freedom");
        let quantile = student.inverse_cdf(0.5 + CONFIDENCE / 2.0);
        Self {
            mean,
            half_width: quantile * (squares / (count - 1.0) / count).sqrt(),
        }
    }
}

/// How many cases a property is tried on. They are the same in every run, so that a change is to blame for what breaks;
/// with `PROPTEST_CASES` set there are as many as it says, and others each time.
#[must_use]
pub fn random_cases(cases: u32) -> ProptestConfig {
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return config;
    }
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        ..config
    }
}

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package has a workspace around it")
}

/// The command, built from the sources as they are; the first to ask waits for it.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn highwater() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let binary = BUILT.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // The whole workspace is named so that dependencies have the features that its tests were built with.
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--workspace", "--bin", "highwater"])
            .current_dir(workspace())
            .status()
            .expect("cargo starts");
        assert!(status.success(), "the command does not build");
        // A test's own binary is in `deps` of the folder that binaries are in.
        let test = std::env::current_exe().expect("a test knows its file");
        let folder = test
            .parent()
            .and_then(Path::parent)
            .expect("tests are built below a profile's folder");
        folder.join(format!("highwater{}", std::env::consts::EXE_SUFFIX))
    });
    let mut command = Command::new(binary);
    command.env_remove("NO_COLOR");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: what every comparison with theory stands on.
    #[test]
    fn the_interval_is_students() {
        // t(0.9995, 4) = 8.610302, from a table.
        let interval = Interval::of(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(interval.mean, 3.0);
        assert!((interval.half_width - 8.610_302 * (2.5f64 / 5.0).sqrt()).abs() < 1e-4);
    }
}
