//! `highwater compare` where one side was measured: a simulation held against a real run.
//!
//! Owns: which side is the measured one, reading what runs left, and the exit code. Never: differences (`sim`), their words
//! (`report`).

use std::fs::{self, File};
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use highwater_models::file::Plan;
use highwater_models::record::figures::Path as FigurePath;
use highwater_report::compare::measured as shown;
use highwater_report::read;
use highwater_sim::compare::Origin;
use highwater_sim::compare::measured::trace::Trace;
use highwater_sim::compare::measured::{Agreement, Run, Tolerance, hold};
use highwater_sim::experiment::{self, Options};

use super::{Arguments, Source, own_of};
use crate::arguments::Format;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Folder};
use crate::precision;
use crate::progress::Bar;

/// Bytes of a summary or of the values by replication at most: a hundred times the largest of ours.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What differences count as none: `10%` of every figure, `p95=5%` of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerated {
    tolerance: Tolerance,
    text: String,
}

impl FromStr for Tolerated {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut tolerance = Tolerance::default();
        for part in text.split(',') {
            match part.split_once('=') {
                None => tolerance.all = precision::share(part.trim())?,
                Some((name, share)) => {
                    let path = FigurePath(precision::path(name)?);
                    tolerance.own.push((path, precision::share(share.trim())?));
                }
            }
        }
        Ok(Self {
            tolerance,
            text: text.to_owned(),
        })
    }
}

/// Both sides, once it is known which was measured.
pub struct Sides {
    /// What was simulated, or is to be.
    simulated: Simulated,
    /// The measured runs.
    measured: Vec<Run>,
}

enum Simulated {
    Left(Box<Run>),
    Plan(Box<Plan>, String),
}

/// The sides, where exactly one of the two was measured; `None` where it is a matter of two simulations, or of two measured
/// runs.
///
/// # Errors
/// When a result cannot be read.
pub fn sides(arguments: &Arguments) -> Result<Option<Sides>, Failure> {
    let origin = |name: &str| -> Result<Option<Origin>, Failure> {
        if is_result(name) {
            origin(&summary_of(name)).map(Some)
        } else {
            Ok(None)
        }
    };
    let is_measured = |found: Option<Origin>| found == Some(Origin::Measurement);
    let (a, b) = (is_measured(origin(&arguments.a)?), is_measured(origin(&arguments.b)?));
    let (simulated, measured, own) = match (a, b) {
        (false, true) => (&arguments.a, &arguments.b, own_of(arguments).0),
        (true, false) => (&arguments.b, &arguments.a, own_of(arguments).1),
        _ => {
            if !arguments.measured_also.is_empty() || arguments.tolerance.is_some() {
                return Err(Failure::Usage {
                    message: "`--measured-also` and `--tolerance` go with a simulation and a measured run".to_owned(),
                    help: "a measured run is the folder that `highwater loadtest SCENARIO --out DIR` leaves".to_owned(),
                });
            }
            return Ok(None);
        }
    };
    let mut runs = vec![load(measured)?.0];
    for name in &arguments.measured_also {
        let (run, origin) = load(&name.to_string_lossy())?;
        if origin != Origin::Measurement {
            return Err(Failure::Usage {
                message: format!("`{}` was simulated", name.display()),
                help: "`--measured-also` takes further measured runs of the same scenario".to_owned(),
            });
        }
        runs.push(run);
    }
    let simulated = match Source::open(simulated, &own, arguments)? {
        Source::Left(_) => Simulated::Left(Box::new(load(simulated)?.0)),
        Source::Plan(plan, name) => Simulated::Plan(plan, name),
    };
    Ok(Some(Sides {
        simulated,
        measured: runs,
    }))
}

/// Runs the command.
///
/// # Errors
/// A world that does not play along.
pub fn run(arguments: &Arguments, sides: Sides) -> Result<Exit, Failure> {
    let folder = arguments.out.as_deref().map(Folder::open).transpose()?;
    let reports = arguments.report.open()?;
    let simulated = match sides.simulated {
        Simulated::Left(run) => *run,
        Simulated::Plan(plan, name) => simulate(&plan, name, &sides.measured, arguments)?,
    };
    let tolerance = arguments
        .tolerance
        .as_ref()
        .map(|given| given.tolerance.clone())
        .unwrap_or_default();
    let found = hold(&simulated, &sides.measured, &tolerance);
    if let Some(mut folder) = folder {
        folder.write("comparison.json", |file| {
            io::Write::write_all(file, shown::json(&found).as_bytes())
        })?;
        folder.write("comparison.csv", |file| shown::csv(&found, file))?;
        for path in folder.commit()? {
            eprintln!("wrote {}", path.display());
        }
    }
    reports.write(
        || shown::plots(&found),
        |plots| shown::page(&found, plots, &command(arguments)),
    )?;
    output::print(&text(&found, arguments.format)?)?;
    Ok(if found.agrees() { Exit::Done } else { Exit::Missed })
}

/// Simulates what was measured: under its seed, request by request.
fn simulate(plan: &Plan, name: String, measured: &[Run], arguments: &Arguments) -> Result<Run, Failure> {
    let seed = measured.first().map(|run| run.summary.seed);
    let options = Options {
        seed: arguments.seed.or(seed),
        replications: arguments.replications,
        jobs: arguments.threads.jobs(),
        requests: true,
    };
    let bar = Bar::new(&format!("simulating {}", plan.name));
    let outcome = experiment::run(plan, &options, &bar);
    bar.finish();
    let outcome = outcome.map_err(|error| Failure::World {
        doing: "finish the simulation".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Run {
        name,
        trace: outcome.requests.as_ref().map(Trace::from),
        summary: outcome.summary,
        timeline: Some(outcome.timeline),
        ..Run::default()
    })
}

fn text(found: &Agreement, format: Format) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(shown::render(found, environment::paint(io::stdout().is_terminal()))),
        Format::Json => Ok(shown::json(found)),
        Format::Csv => output::csv_text(|out| shown::csv(found, out)),
    }
}

/// The command that was given, as far as it decides the result.
fn command(arguments: &Arguments) -> String {
    let also = arguments.measured_also.iter().map(|path| path.display());
    let tolerance = arguments.tolerance.as_ref().map(|given| given.text.as_str());
    super::words(arguments)
        .flag("--measured-also", also)
        .flag("--tolerance", tolerance)
        .text()
}

/// Whether a side is what an earlier run left.
pub fn is_result(name: &str) -> bool {
    let path = Path::new(name);
    path.is_dir() || (path.is_file() && name.ends_with(".json"))
}

/// The summary of a folder, or the one that is named.
pub fn summary_of(name: &str) -> PathBuf {
    let path = Path::new(name);
    if path.is_dir() {
        path.join("summary.json")
    } else {
        path.to_owned()
    }
}

/// Why a result cannot be read.
fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::Usage {
        message: format!("{} cannot be compared: {why}", path.display()),
        help: "a result is the folder that `highwater run SCENARIO --out DIR` or `highwater loadtest` leaves"
            .to_owned(),
    }
}

/// A file that has to fit into memory.
pub fn text_of(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > LARGEST => Err(unreadable(path, "it is larger than any result")),
        Ok(_) => Ok(text),
        Err(error) => Err(unreadable(path, &error.to_string())),
    }
}

fn origin(summary: &Path) -> Result<Origin, Failure> {
    let text = text_of(summary)?;
    read::summary(&text, None)
        .map(|(_, origin)| origin)
        .map_err(|why| unreadable(summary, &why))
}

/// What a run left, as far as it can be read: without its summary there is nothing to compare, whatever else is missing is
/// told.
fn load(name: &str) -> Result<(Run, Origin), Failure> {
    let path = summary_of(name);
    let text = text_of(&path)?;
    let mut missing = Vec::new();
    let beside = path.with_file_name("replications.csv");
    let values = if beside.is_file() {
        Some(text_of(&beside)?)
    } else {
        None
    };
    let (summary, origin) = match read::summary(&text, values.as_deref()) {
        Ok(found) => found,
        // Values that do not belong to the summary are worth less than none.
        Err(why) if values.is_some() => {
            missing.push(why);
            read::summary(&text, None).map_err(|why| unreadable(&path, &why))?
        }
        Err(why) => return Err(unreadable(&path, &why)),
    };
    let open = |file: &str| -> Option<Result<BufReader<File>, String>> {
        let path = path.with_file_name(file);
        fs::metadata(&path).is_ok_and(|found| found.is_file()).then(|| {
            File::open(&path)
                .map(|file| BufReader::with_capacity(1 << 18, file))
                .map_err(|error| error.to_string())
        })
    };
    let trace = match open("requests.csv").map(|file| file.and_then(read::requests)) {
        None => None,
        Some(Ok(found)) => {
            missing.extend(found.damage);
            Some(found.trace)
        }
        Some(Err(why)) => {
            missing.push(format!("its requests.csv cannot be read: {why}"));
            None
        }
    };
    let timeline = match open("timeline.csv").map(|file| file.and_then(read::timeline)) {
        None => None,
        Some(Ok(found)) => Some(found),
        Some(Err(why)) => {
            missing.push(format!("its timeline.csv cannot be read: {why}"));
            None
        }
    };
    let run = Run {
        name: name.to_owned(),
        summary,
        trace,
        timeline,
        facts: read::facts(&text),
        missing,
    };
    Ok((run, origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a check in CI tolerates another figure than was meant, or everything.
    #[test]
    fn a_tolerance_is_for_all_figures_or_for_one() {
        let read = |text: &str| text.parse::<Tolerated>().map(|given| given.tolerance);
        let found = read("10%, p95=5%").unwrap();
        assert_eq!(found.all, 0.1);
        assert_eq!(found.own, [(FigurePath::new(&["latency", "p95"]), 0.05)]);
        for wrong in ["", "much", "p95=", "=5%", "300%"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
