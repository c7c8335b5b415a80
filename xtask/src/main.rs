//! The project's own chores: `cargo xtask test` runs every check that a change has to pass, `cargo xtask plan-review`
//! puts the bundled plan to the test, `cargo xtask validation` the simulator, `cargo xtask coverage` the intervals,
//! `cargo xtask conformance` records what the real packages decide, `cargo xtask side-by-side` holds the simulator against the
//! reference server, `cargo xtask tour` takes pictures of the desktop app.
//!
//! Owns: which checks there are and their order, cheapest first.
//! Never: a check of its own. Each step is a command that anybody can run by hand, and it is printed as such.

mod conformance;
mod needs;
mod plan_review;
mod side_by_side;
mod tour;
mod validation;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// One command and what it shows.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

/// The checks of `cargo xtask test`. A later step seldom means much when an earlier one has failed, so the first
/// failure ends the run.
const TEST: [Step; 5] = [
    Step {
        name: "format",
        arguments: &["fmt", "--all", "--check"],
        environment: &[],
    },
    Step {
        name: "lints",
        arguments: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        environment: &[],
    },
    Step {
        name: "documentation",
        arguments: &["doc", "--workspace", "--no-deps", "--locked"],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    Step {
        name: "tests",
        arguments: &["test", "--workspace", "--locked"],
        environment: &[],
    },
    Step {
        name: "plan review",
        arguments: &[
            "run",
            "--quiet",
            "--locked",
            "-p",
            "xtask",
            "--",
            "plan-review",
            "--quick",
        ],
        environment: &[],
    },
];

/// How often intervals hold known answers, a thousand experiments a case.
const COVERAGE: Step = Step {
    name: "coverage",
    arguments: &[
        "run",
        "--quiet",
        "--locked",
        "--release",
        "-p",
        "highwater-tests",
        "--example",
        "coverage",
        "--",
        "docs/coverage.md",
    ],
    environment: &[],
};

const USAGE: &str = "\
usage: cargo xtask test                   format, lints, documentation, every test, the plan review's quick claims
       cargo xtask plan-review            runs every claim of the plan and writes docs/plan-review.md (takes minutes)
       cargo xtask coverage               runs the coverage experiment and writes docs/coverage.md (takes minutes)
       cargo xtask plan-review --quick    runs the quick claims and compares them with the page
       cargo xtask validation             runs every case of `highwater validate` and writes docs/validation.md
       cargo xtask conformance            records the traces of the real packages anew (needs Node.js) and replays them
       cargo xtask side-by-side SCENARIO [--time-scale X] [--repeats N] [--tolerance 10%] [--seed N] [--out DIR]
                                          [--programs DIR]: the server, a load test, the simulation, a page with both
       cargo xtask side-by-side --all     the same for examples/side-by-side, and writes docs/fidelity.md (takes minutes)
       cargo xtask tour [FOLDER]          takes pictures of the desktop app on a display of its own (needs Xvfb)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test"] => {
            let needs = needs::Needs::prepare();
            let code = run(&TEST, &needs.environment());
            needs.report();
            code
        }
        ["plan-review"] => plan_review::run(root(), plan_review::Mode::Write),
        ["plan-review", "--quick"] => plan_review::run(root(), plan_review::Mode::Quick),
        ["validation"] => validation::run(root()),
        ["coverage"] => run(&[COVERAGE], &[]),
        ["conformance"] => conformance::run(root()),
        ["side-by-side", rest @ ..] => side_by_side::run(root(), rest),
        ["tour"] => tour::run(root(), None),
        ["tour", folder] => tour::run(root(), Some(folder)),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The workspace's folder.
fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Runs the steps in order up to the first that fails, all of them with some variables more.
fn run(steps: &[Step], environment: &[(&str, OsString)]) -> ExitCode {
    let started = Instant::now();
    for (index, step) in steps.iter().enumerate() {
        let place = format!("{} of {}", index + 1, steps.len());
        eprintln!("\n== {} ({place}): {}", step.name, line(step));
        let step_started = Instant::now();
        let problem = match command(step)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .status()
        {
            Ok(status) if status.success() => None,
            Ok(status) => Some(format!("failed ({status})")),
            Err(error) => Some(format!("could not be started: {error}")),
        };
        let seconds = step_started.elapsed().as_secs_f64();
        if let Some(problem) = problem {
            eprintln!(
                "\n== {} {problem} after {seconds:.1} s. To repeat it alone: {}",
                step.name,
                line(step)
            );
            return ExitCode::FAILURE;
        }
        eprintln!("== {} passed in {seconds:.1} s", step.name);
    }
    eprintln!(
        "\n== all {} steps passed in {:.1} s",
        steps.len(),
        started.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}

fn command(step: &Step) -> Command {
    // The cargo that runs this, so that a chosen toolchain stays chosen.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(step.arguments).envs(step.environment.iter().copied());
    command
}

/// The step as one types it.
fn line(step: &Step) -> String {
    let environment = step
        .environment
        .iter()
        .map(|(name, value)| format!("{name}='{value}' "));
    environment
        .chain(["cargo ".to_owned(), step.arguments.join(" ")])
        .collect()
}
