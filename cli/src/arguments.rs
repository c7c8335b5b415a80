//! The command line: commands, flags, and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use highwater_report::again::Again;

use crate::check::Check;
use crate::new::New;
use crate::precision::Asked;
use crate::schema::Schema;

/// How high can the water rise before a system breaks, what breaks first, and what raises the mark?
#[derive(Debug, Parser)]
#[command(name = "highwater", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

pub const EXIT_CODES: &str = "\
Exit codes:
  0  done, every objective met
  1  done, an objective missed or not decided
  2  a mistake in the command or in a file
  3  could not finish, such as a full disk";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate a scenario: verdict, tables, files
    Run(Run),
    /// Two runs side by side: what moved, by how much, whether it is sure
    Compare(Box<crate::compare::Arguments>),
    /// Run a study: many scenarios and settings, in parallel, interrupted and gone on with at will
    Sweep(crate::sweep::Sweep),
    /// Put the shards of a study together
    Merge(crate::merge::Merge),
    /// Check files for CI: are they valid, is the design in order, do the objectives hold?
    Check(Check),
    /// Write a commented system and scenario to start from, after six questions
    New(New),
    /// Show the bundled scenarios, studies and systems with the questions they ask
    List(List),
    /// Say what a setting means, and where a default or a price comes from
    Explain(Explain),
    /// Print the JSON Schema of a file kind, from which editors complete and check
    Schema(Schema),
    /// Hold the simulator against queueing theory: a hundred systems whose figures have a formula
    Validate(crate::validate::Validate),
    /// Run a system for real: the reference server (`highwater-server`)
    #[command(disable_help_flag = true)]
    Serve(crate::hand_over::Arguments),
    /// Play a scenario against a running server (`highwater-loadtest`)
    #[command(name = "loadtest", disable_help_flag = true)]
    LoadTest(crate::hand_over::Arguments),
    /// Open the desktop app (`highwater-gui`)
    #[command(disable_help_flag = true)]
    Gui(crate::hand_over::Arguments),
}

/// Arguments of `highwater run`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Run {
    /// A scenario file, or the name of a bundled scenario (`highwater list`); a file wins over a name
    pub scenario: String,
    #[command(flatten)]
    pub runs: Runs,
    /// As many replications as it takes to know p95 to `5%` of itself, or other figures: `mean=2%,error_rate=10%`
    #[arg(long, value_name = "SHARE", conflicts_with = "replications")]
    pub precision: Option<Asked>,
    /// Replications at most that `--precision` may take [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub max_replications: Option<u32>,
    #[command(flatten)]
    pub threads: Threads,
    /// Folder for summary.json, timeline.csv and replications.csv
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub report: crate::report::Wanted,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What an objective that is not decided counts as
    #[arg(long, value_enum, default_value_t)]
    pub undecided: Undecided,
    /// Whether the change that raises the mark most is looked for, by running the likeliest once more: at most twice the
    /// events of the run, half of them for a long one, and a few seconds for a short one [default: on for tables, off for json and csv]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub next_step: Option<Switch>,
    /// Write requests.csv too: one row per request
    #[arg(long, requires = "out")]
    pub requests: bool,
}

/// How scenarios are run, for the commands that run them as they are.
#[derive(Debug, Args)]
pub struct Runs {
    /// Override a setting by its path in the file: `web.plan=pro`, `load.rate=50` (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// A profile of the system, such as `hardened` (`highwater list`); short for `--set profile=NAME`
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Root seed, instead of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Independent replications, instead of the scenario's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub replications: Option<u32>,
}

impl Runs {
    /// All settings, the profile in front.
    pub fn settings(&self) -> Vec<String> {
        with_profile(self.profile.as_deref(), &self.settings)
    }

    /// The command with what decides the result of a run.
    pub fn again(&self, again: Again) -> Again {
        again
            .flag("--profile", &self.profile)
            .flag("--set", &self.settings)
            .flag("--seed", self.seed)
            .flag("--replications", self.replications)
    }
}

/// A profile as the first of the settings: those named one by one win over it.
pub fn with_profile(profile: Option<&str>, settings: &[String]) -> Vec<String> {
    let profile = profile.map(|name| format!("profile={name}"));
    profile.into_iter().chain(settings.iter().cloned()).collect()
}

/// How many threads a command may use.
#[derive(Debug, Args)]
pub struct Threads {
    /// Threads; the result is the same for any number [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl Threads {
    /// The number that was given; 0 for one per processor.
    pub fn jobs(&self) -> usize {
        self.jobs.map_or(0, usize::from)
    }
}

/// Arguments of `highwater list`.
#[derive(Debug, Args)]
pub struct List {
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `highwater explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A setting (`pool.timeout`), a table (`pool`), a figure of the catalogue (`starter`, `gpt-4`), or a rule of the
    /// design review (`single-instance`)
    pub key: String,
}

/// How results are printed.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// As in summary.json
    Json,
    /// One row per figure
    Csv,
}

/// On or off.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Do it
    On,
    /// Leave it
    Off,
}

/// What an undecided objective counts as.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Undecided {
    /// As missed
    #[default]
    Fail,
    /// As met
    Pass,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    // Lost if broken: a flag that panics the first time somebody types it.
    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
