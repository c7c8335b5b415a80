//! `highwater run`: simulate, show, write, and say by the exit code whether it holds.

use std::io::{self, IsTerminal};
use std::sync::atomic::AtomicBool;

use highwater_models::file::Plan;
use highwater_report::verdict::{Judgement, judge};
use highwater_report::{csv, json, page, plot, replications, terminal};
use highwater_sim::experiment::{self, ExperimentError, Options, Outcome};
use highwater_sim::precision::{self, Precision};

use crate::arguments::{Format, Run, Undecided};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::next_step;
use crate::output::{self, Folder};
use crate::progress::Bar;
use crate::scenario;

/// Runs the command.
///
/// # Errors
/// A mistake in the command or a file, or a world that does not play along.
pub fn run(arguments: &Run) -> Result<Exit, Failure> {
    let settings = arguments.runs.settings();
    let plan = scenario::load(&arguments.scenario, &settings)?;
    let folder = arguments.out.as_deref().map(Folder::open).transpose()?;
    let report = arguments.report.open()?;
    let mut outcome = simulate(&plan, arguments)?;
    next_step::add(&mut outcome, &plan, &settings, arguments)?;
    if let Some(folder) = folder {
        write(folder, &outcome)?;
    }
    report.write(
        || plot::of_run(&outcome.summary, &outcome.timeline),
        |plots| page::of_run(&outcome.summary, plots, &next_step::command(arguments)),
    )?;
    output::print(&text(&outcome, arguments.format)?)?;
    Ok(exit(judge(&outcome.summary.objectives), arguments.undecided))
}

fn simulate(plan: &Plan, arguments: &Run) -> Result<Outcome, Failure> {
    let options = options(arguments);
    let most = arguments.max_replications.unwrap_or(precision::MOST);
    let precision = match &arguments.precision {
        Some(asked) => Some(asked.precision(most)),
        None => plan
            .scenario
            .precision
            .filter(|_| arguments.runs.replications.is_none())
            .map(|share| Precision {
                most,
                ..Precision::of_p95(share.get())
            }),
    };
    let bar = Bar::new(&plan.name);
    let outcome = experiment::run_precisely(plan, &options, precision.as_ref(), &bar, &AtomicBool::new(false));
    bar.finish();
    outcome.map_err(|error| match error {
        ExperimentError::NoFigure { name } => Failure::Usage {
            message: format!("the result has no figure `{name}` whose precision could be asked for"),
            help: "the figures are those of `--format csv`, such as `latency.p95` or `endpoints.chat.errors.rate`"
                .to_owned(),
        },
        error => Failure::World {
            doing: "finish the run".to_owned(),
            reason: error.to_string(),
        },
    })
}

/// How the run was asked for.
pub fn options(arguments: &Run) -> Options {
    Options {
        seed: arguments.runs.seed,
        replications: arguments.runs.replications,
        jobs: arguments.threads.jobs(),
        requests: arguments.requests,
    }
}

/// Writes the result's files and says which.
fn write(mut folder: Folder, outcome: &Outcome) -> Result<(), Failure> {
    const REQUESTS: &str = "requests.csv";
    folder.write("summary.json", |file| {
        file.write_all(json::text(&outcome.summary).as_bytes())
    })?;
    folder.write("timeline.csv", |file| csv::timeline(&outcome.timeline, file))?;
    folder.write("replications.csv", |file| {
        replications::write(&outcome.summary.figures, file)
    })?;
    if let Some(requests) = &outcome.requests {
        folder.write(REQUESTS, |file| csv::requests(requests, file))?;
    }
    let stale = folder.file(REQUESTS);
    for path in folder.commit()? {
        eprintln!("wrote {}", path.display());
    }
    if outcome.requests.is_none() && stale.exists() {
        eprintln!("note: {} is from an earlier run", stale.display());
    }
    Ok(())
}

fn text(outcome: &Outcome, format: Format) -> Result<String, Failure> {
    match format {
        Format::Table => {
            let paint = environment::paint(io::stdout().is_terminal());
            Ok(terminal::render(&outcome.summary, paint))
        }
        Format::Json => Ok(json::text(&outcome.summary)),
        Format::Csv => output::csv_text(|out| csv::figures(&outcome.summary.figures, out)),
    }
}

/// The exit code of a run that finished.
const fn exit(judgement: Judgement, undecided: Undecided) -> Exit {
    match (judgement, undecided) {
        (Judgement::Holds | Judgement::NoObjectives, _) | (Judgement::Undecided, Undecided::Pass) => Exit::Done,
        (Judgement::Breaks, _) | (Judgement::Undecided, Undecided::Fail) => Exit::Missed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a pipeline that goes green on a missed objective.
    #[test]
    fn the_exit_code_follows_the_objectives() {
        for (judgement, undecided, code) in [
            (Judgement::Holds, Undecided::Fail, Exit::Done),
            (Judgement::NoObjectives, Undecided::Fail, Exit::Done),
            (Judgement::Undecided, Undecided::Fail, Exit::Missed),
            (Judgement::Undecided, Undecided::Pass, Exit::Done),
            (Judgement::Breaks, Undecided::Pass, Exit::Missed),
        ] {
            assert_eq!(exit(judgement, undecided), code, "{judgement:?} {undecided:?}");
        }
    }
}
