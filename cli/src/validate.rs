//! `highwater validate`: the simulator against theory, on the machine that it runs on.

use std::io::{self, IsTerminal};
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use highwater_report::{csv, validation};
use highwater_sim::validate::{self, Case, Depth};

use crate::arguments::Threads;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;

/// Arguments of `highwater validate`.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct Validate {
    /// Only cases whose name or group contains this; all their figures are shown
    pub filter: Option<String>,
    /// Every case at seed 1 alone, a third as long, its intervals up to three times as wide
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub threads: Threads,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How the answer is printed.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// Every case with its file, its formulas' sources and all its runs
    Json,
    /// One row per figure and seed
    Csv,
    /// As docs/validation.md
    Markdown,
}

const CODES: &str = "\
Exit codes:
  0  every figure agrees with theory
  1  one does not
  2  a mistake in the command
  3  could not finish";

/// Runs the command.
///
/// # Errors
/// When no case has such a name, or a case cannot be run.
pub fn run(arguments: &Validate) -> Result<Exit, Failure> {
    let mut cases = validate::all();
    if let Some(filter) = &arguments.filter {
        let known = names(&cases);
        let wanted = filter.to_lowercase();
        cases.retain(|case| case.id.contains(&wanted) || case.group.name().to_lowercase().contains(&wanted));
        if cases.is_empty() {
            return Err(Failure::Usage {
                message: format!("no case of `validate` has `{filter}` in its name or group"),
                help: format!("the cases are {known}"),
            });
        }
    }
    let depth = if arguments.quick { Depth::Quick } else { Depth::Full };
    let bar = Bar::new("validate");
    let tested = validate::run(&cases, depth, arguments.threads.jobs(), &bar, &AtomicBool::new(false));
    bar.finish();
    let tested = tested.map_err(|error| Failure::World {
        doing: "run the cases".to_owned(),
        reason: error.to_string(),
    })?;
    let text = match arguments.format {
        Format::Table => {
            let paint = environment::paint(io::stdout().is_terminal());
            validation::render(&tested, depth, arguments.filter.is_some(), paint)
        }
        Format::Json => format!("{:#}\n", validation::value(&tested, depth)),
        Format::Csv => output::csv_text(|out| csv::table(validation::COLUMNS, validation::rows(&tested), out))?,
        Format::Markdown => validation::page(&tested, depth),
    };
    output::print(&text)?;
    let all_agree = tested.iter().all(validate::Tested::agrees);
    Ok(if all_agree { Exit::Done } else { Exit::Missed })
}

/// Every name, for a mistake in one.
fn names(cases: &[Case]) -> String {
    let names: Vec<&str> = cases.iter().map(|case| case.id).collect();
    names.join(", ")
}
