//! The next step at the end of `highwater run`: whether it is looked for, and the files behind its trials.
//!
//! Owns: the default, the command that a reader can repeat. Never: what is tried (`sim`), its words (`report`).

use std::sync::atomic::AtomicBool;

use highwater_models::file::Plan;
use highwater_report::again::Again;
use highwater_sim::experiment::Outcome;
use highwater_sim::probe::{self, Budget};

use crate::arguments::{Format, Run, Switch};
use crate::failure::Failure;
use crate::progress::Bar;
use crate::{run, scenario};

/// Looks for the next step of a run and puts it into its summary, where it is wanted. Whether it is does not depend on
/// the terminal: the same command leaves the same files.
///
/// # Errors
/// An error inside Highwater that a probe ran into.
pub fn add(outcome: &mut Outcome, plan: &Plan, settings: &[String], arguments: &Run) -> Result<(), Failure> {
    let wanted = arguments.next_step.unwrap_or(match arguments.format {
        Format::Table => Switch::On,
        Format::Json | Format::Csv => Switch::Off,
    });
    if wanted == Switch::Off {
        return Ok(());
    }
    let load = |more: &[String]| {
        let settings: Vec<String> = settings.iter().chain(more).cloned().collect();
        scenario::try_load(&arguments.scenario, &settings)
    };
    let bar = Bar::new("next step");
    let found = probe::next_step(
        plan,
        &outcome.summary,
        &run::options(arguments),
        Budget::of(outcome.summary.events),
        &load,
        &bar,
        &AtomicBool::new(false),
    );
    bar.finish();
    let mut found = found.map_err(|error| Failure::World {
        doing: "look for the next step (`--next-step off` leaves it)".to_owned(),
        reason: error.to_string(),
    })?;
    found.command = command(arguments);
    outcome.summary.next_step = Some(found);
    Ok(())
}

/// The command that was given, as far as it decides the result.
pub fn command(arguments: &Run) -> String {
    arguments
        .runs
        .again(Again::new("run").word(&arguments.scenario))
        .flag("--precision", &arguments.precision)
        .flag("--max-replications", arguments.max_replications)
        .text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::Parser;

    // Lost if broken: a report whose command gives another result than the report shows.
    #[test]
    fn the_command_has_all_that_decides_the_result() {
        let given = "highwater run peak --profile hardened --set web.instances=2 --seed 3 --precision mean=2% \
                     --max-replications 50";
        let parsed = Arguments::parse_from(given.split_whitespace().chain(["--jobs", "2", "--format", "json"]));
        let Command::Run(arguments) = parsed.command else {
            panic!("`run` is the command");
        };
        assert_eq!(command(&arguments), given);
    }
}
