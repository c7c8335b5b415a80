//! `highwater check --design`: the review of a system, or of a scenario with its system, without running anything.

use std::io::{self, IsTerminal};

use highwater_models::file::{System, is_scenario};
use highwater_models::review::{self, Review};
use highwater_report::{csv, review as shown};

use crate::arguments::Format;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::scenario;

/// Reviews the design of that name and shows the whole review.
///
/// # Errors
/// A mistake in the command or in a file.
pub fn run(name: &str, settings: &[String], format: Format) -> Result<Exit, Failure> {
    let (title, review) = reviewed(name, settings)?;
    let text = match format {
        Format::Table => shown::render(&title, &review, environment::paint(io::stdout().is_terminal())),
        Format::Json => format!("{:#}\n", shown::whole(&title, &review)),
        Format::Csv => output::csv_text(|out| {
            let header = ["id", "severity", "where", "title", "arithmetic", "cure"];
            csv::table(header, shown::rows(&review), out)
        })?,
    };
    output::print(&text)?;
    Ok(if review.is_consistent() {
        Exit::Done
    } else {
        Exit::Missed
    })
}

/// The title of what was reviewed, and what came of it.
fn reviewed(name: &str, settings: &[String]) -> Result<(String, Review), Failure> {
    let found = scenario::find_design(name)?;
    if is_scenario(&found.0) {
        let plan = scenario::load(name, settings)?;
        let title = plan.scenario.title.clone().unwrap_or_else(|| plan.name.clone());
        return Ok((title, review::review(&plan.system, Some(&plan.scenario))));
    }
    let system: System = scenario::load_system(name, found, settings)?;
    let title = system.title.clone().unwrap_or_else(|| name.to_owned());
    Ok((title, review::review(&system, None)))
}
