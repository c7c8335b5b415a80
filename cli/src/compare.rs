//! `highwater compare A B`: two scenarios run under one seed, or results that earlier runs left, side by side; a simulation
//! held against a measured run (`measured`).
//!
//! Owns: what A and B may be, and which settings go to which. Never: differences (`sim`), their words (`report`).

mod measured;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use highwater_models::file::Plan;
use highwater_report::again::Again;
use highwater_report::{compare as shown, read};
use highwater_sim::compare::{Comparison, Origin, Side, compare};
use highwater_sim::experiment::{self, Options};

use crate::arguments::{Format, Threads, with_profile};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Folder};
use crate::progress::Bar;
use crate::report::Wanted;
use crate::scenario;

/// Arguments of `highwater compare`.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct Arguments {
    /// What to compare with: a scenario (a file or a bundled name), or the folder of an earlier run's `--out`
    pub a: String,
    /// What to compare: likewise
    pub b: String,
    /// Override a setting on both sides: `load.rate=50` (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Override a setting of A alone (repeatable)
    #[arg(long = "set-a", value_name = "PATH=VALUE")]
    pub settings_a: Vec<String>,
    /// Override a setting of B alone (repeatable)
    #[arg(long = "set-b", value_name = "PATH=VALUE")]
    pub settings_b: Vec<String>,
    /// A profile of the system for both sides
    #[arg(long, value_name = "NAME", conflicts_with_all = ["profile_a", "profile_b"])]
    pub profile: Option<String>,
    /// A profile for A alone
    #[arg(long, value_name = "NAME")]
    pub profile_a: Option<String>,
    /// A profile for B alone
    #[arg(long, value_name = "NAME")]
    pub profile_b: Option<String>,
    /// Root seed of both sides; without it that of a folder, else of A's scenario
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Replications of both sides; without it those of a folder, else of A's scenario
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub replications: Option<u32>,
    #[command(flatten)]
    pub threads: Threads,
    /// A further measured run beside the one that is A or B (repeatable): the more, the surer
    #[arg(long, value_name = "DIR")]
    pub measured_also: Vec<PathBuf>,
    /// Against a measured run: how far off counts as agreement, of every figure or of one: `10%`, `10%,p95=5%` [default:
    /// no further than chance explains]
    #[arg(long, value_name = "SHARE")]
    pub tolerance: Option<measured::Tolerated>,
    /// Folder for comparison.json and comparison.csv
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub report: Wanted,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What the command fails on, for CI
    #[arg(long, value_enum, default_value_t)]
    pub fail_on: FailOn,
}

const CODES: &str = "\
Exit codes:
  0  done
  1  done, B is worse for sure, and `--fail-on worse` was given; against a measured run: something differs, or too little
     is known to say that it agrees
  2  a mistake in the command or in a file
  3  could not finish, such as a full disk";

/// What a comparison fails on.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Nothing: it only tells
    #[default]
    Never,
    /// A headline figure that is worse for sure, or an objective that was met and is missed
    Worse,
}

/// Runs the command.
///
/// # Errors
/// A mistake in the command or a file, or a world that does not play along.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (own_a, own_b) = own_of(arguments);
    nothing_set_in_a_result(&arguments.a, &own_a)?;
    nothing_set_in_a_result(&arguments.b, &own_b)?;
    if let Some(sides) = measured::sides(arguments)? {
        return measured::run(arguments, sides);
    }
    let a = Source::open(&arguments.a, &own_a, arguments)?;
    let b = Source::open(&arguments.b, &own_b, arguments)?;
    let folder = arguments.out.as_deref().map(Folder::open).transpose()?;
    let reports = arguments.report.open()?;
    let options = options(&a, &b, arguments);
    let (a, b) = (a.side("A", &options)?, b.side("B", &options)?);
    let found = compare(&a, &b);
    if let Some(folder) = folder {
        write(folder, &found)?;
    }
    reports.write(
        || shown::plots(&found),
        |plots| shown::page(&found, plots, &command(arguments)),
    )?;
    output::print(&text(&found, arguments.format)?)?;
    Ok(if arguments.fail_on == FailOn::Worse && found.is_worse() {
        Exit::Missed
    } else {
        Exit::Done
    })
}

/// What A and B each have of their own.
fn own_of(arguments: &Arguments) -> (Own, Own) {
    let own = |profile: &Option<String>, settings: &[String]| Own {
        profile: profile.clone(),
        settings: settings.to_vec(),
    };
    (
        own(&arguments.profile_a, &arguments.settings_a),
        own(&arguments.profile_b, &arguments.settings_b),
    )
}

/// The command that was given, as far as it decides the result.
fn command(arguments: &Arguments) -> String {
    words(arguments).text()
}

/// The same, to be gone on with.
fn words(arguments: &Arguments) -> Again {
    Again::new("compare")
        .word(&arguments.a)
        .word(&arguments.b)
        .flag("--profile", &arguments.profile)
        .flag("--profile-a", &arguments.profile_a)
        .flag("--profile-b", &arguments.profile_b)
        .flag("--set", &arguments.settings)
        .flag("--set-a", &arguments.settings_a)
        .flag("--set-b", &arguments.settings_b)
        .flag("--seed", arguments.seed)
        .flag("--replications", arguments.replications)
}

/// What one side has of its own.
#[derive(Clone, Debug)]
struct Own {
    profile: Option<String>,
    settings: Vec<String>,
}

/// Where a side comes from.
enum Source {
    /// A scenario that is to be run, and what it is called.
    Plan(Box<Plan>, String),
    /// The result of an earlier run.
    Left(Box<Side>),
}

/// A result is what it is, simulated or measured.
fn nothing_set_in_a_result(name: &str, own: &Own) -> Result<(), Failure> {
    if measured::is_result(name) && (own.profile.is_some() || !own.settings.is_empty()) {
        return Err(Failure::Usage {
            message: format!("`{name}` is a result, which has been run already: nothing can be set in it"),
            help: "name the scenario to run it with other settings".to_owned(),
        });
    }
    Ok(())
}

impl Source {
    fn open(name: &str, own: &Own, arguments: &Arguments) -> Result<Self, Failure> {
        if measured::is_result(name) {
            return left(name).map(|side| Self::Left(Box::new(side)));
        }
        let profile = own.profile.as_deref().or(arguments.profile.as_deref());
        let settings = with_profile(profile, &[&arguments.settings[..], &own.settings].concat());
        let plan = scenario::load(name, &settings)?;
        let mut called = name.to_owned();
        if let Some(profile) = &own.profile {
            called.push_str(&format!(" --profile {profile}"));
        }
        for setting in &own.settings {
            called.push_str(&format!(" --set {setting}"));
        }
        Ok(Self::Plan(Box::new(plan), called))
    }

    fn side(self, letter: &str, options: &Options) -> Result<Side, Failure> {
        let (plan, name) = match self {
            Self::Left(side) => return Ok(*side),
            Self::Plan(plan, name) => (plan, name),
        };
        let bar = Bar::new(&format!("{letter}: {}", plan.name));
        let outcome = experiment::run(&plan, options, &bar);
        bar.finish();
        let outcome = outcome.map_err(|error| Failure::World {
            doing: format!("finish the run of {letter}"),
            reason: error.to_string(),
        })?;
        Ok(Side {
            name,
            origin: Origin::Simulation,
            summary: outcome.summary,
        })
    }
}

/// Seed and replications are those of both sides, so that they can be paired: what the command says, else what a result
/// has that cannot be changed any more, else A's.
fn options(a: &Source, b: &Source, arguments: &Arguments) -> Options {
    let of = |source: &Source| match source {
        Source::Left(side) => (side.summary.seed, side.summary.replications),
        Source::Plan(plan, _) => (plan.scenario.seed, plan.scenario.replications),
    };
    let leading = match (a, b) {
        (Source::Plan(..), Source::Left(_)) => of(b),
        _ => of(a),
    };
    Options {
        seed: Some(arguments.seed.unwrap_or(leading.0)),
        replications: Some(arguments.replications.unwrap_or(leading.1)),
        jobs: arguments.threads.jobs(),
        requests: false,
    }
}

/// The result in a folder, or the one whose summary.json is named.
fn left(name: &str) -> Result<Side, Failure> {
    let summary = measured::summary_of(name);
    let text = measured::text_of(&summary)?;
    let beside = summary.with_file_name("replications.csv");
    let values = if beside.is_file() {
        Some(measured::text_of(&beside)?)
    } else {
        None
    };
    match read::summary(&text, values.as_deref()) {
        Ok((summary, origin)) => Ok(Side {
            name: name.to_owned(),
            origin,
            summary,
        }),
        Err(why) => Err(Failure::Usage {
            message: format!("{} cannot be compared: {why}", summary.display()),
            help: "a result is the folder that `highwater run SCENARIO --out DIR` leaves".to_owned(),
        }),
    }
}

/// Writes the comparison's files and says which.
fn write(mut folder: Folder, found: &Comparison) -> Result<(), Failure> {
    folder.write("comparison.json", |file| file.write_all(shown::json(found).as_bytes()))?;
    folder.write("comparison.csv", |file| shown::csv(found, file))?;
    for path in folder.commit()? {
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

fn text(found: &Comparison, format: Format) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(shown::render(found, environment::paint(io::stdout().is_terminal()))),
        Format::Json => Ok(shown::json(found)),
        Format::Csv => output::csv_text(|out| shown::csv(found, out)),
    }
}
