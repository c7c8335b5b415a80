//! `highwater check PATH...`: files valid, designs in order, objectives met? For CI.
//!
//! Owns: which files are meant, running them, where the results go, the exit code.
//! Never: judging or wording.

mod design;
mod target;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use highwater_models::file::{Diagnostic, PlaceData, Plan, Sources, place_in_text};
use highwater_models::record::baseline::{Baseline, BaselineRun};
use highwater_models::review::{Review, review};
use highwater_report::again::Again;
use highwater_report::check::{self, Against, Checked, Complaint, Kind, Run, Standing, annotations, junit, markdown};
use highwater_report::{baseline, csv};
use highwater_sim::change;
use highwater_sim::decide::{self, Needed};
use highwater_sim::experiment::{self, Options, Outcome};

use crate::arguments::{Format, Runs, Threads, Undecided};
use crate::environment::{self, Github};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Single};
use crate::progress::Bar;
use crate::report::Wanted;
use crate::scenario;
use target::Target;

/// Arguments of `highwater check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_CODES)]
pub struct Check {
    /// Scenarios and systems: files, folders (every .toml file below), or bundled names (`highwater list`)
    #[arg(value_name = "PATH", required_unless_present = "design")]
    pub paths: Vec<String>,
    /// Only review the design of this system or scenario, without simulating, and show the whole review
    #[arg(long, value_name = "SYSTEM", conflicts_with_all = ["paths", "baseline", "write_baseline", "junit", "markdown", "report", "plots"])]
    pub design: Option<String>,
    #[command(flatten)]
    pub runs: Runs,
    /// Where an objective is not decided, go on with more replications until it is, up to this many
    #[arg(long, value_name = "MAX", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub decide: Option<u32>,
    #[command(flatten)]
    pub threads: Threads,
    /// What an objective that is not decided counts as
    #[arg(long, value_enum, default_value_t)]
    pub undecided: Undecided,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Write JUnit XML: a test for each file's validity, rule of the design review, and objective
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write Markdown for a pull request
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    #[command(flatten)]
    pub report: Wanted,
    /// Compare with the runs that this file keeps: what changed, and what changed with it
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Keep these runs as a baseline for later ones
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Mark lines of a pull request by workflow commands on standard error
    #[arg(long, value_enum, default_value_t)]
    pub annotations: Annotations,
}

/// Whether lines of a pull request are marked.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Annotations {
    /// As GitHub does where GITHUB_ACTIONS is `true`, and the Markdown goes into the step's summary there
    #[default]
    Auto,
    /// As GitHub does
    Github,
    /// Not, and nothing goes into a step's summary
    None,
}

const CHECK_CODES: &str = "\
Exit codes, the highest of all files:
  0  every file is valid, no design contradicts itself, every objective is met
  1  an objective is missed or not decided (`--undecided pass` to allow), or a design contradicts itself
  2  a mistake in the command or in a file
  3  could not finish, such as a full disk";

/// Runs the command.
///
/// # Errors
/// A mistake in the command, or a world that does not play along. Mistakes in the files are results here.
pub fn run(arguments: &Check) -> Result<Exit, Failure> {
    if let Some(design) = &arguments.design {
        return design::run(design, &arguments.runs.settings, arguments.format);
    }
    let targets = target::targets(&arguments.paths)?;
    let before = arguments.baseline.as_deref().map(read_baseline).transpose()?;
    let github = environment::github().filter(|_| arguments.annotations != Annotations::None);
    let open = |path: &Option<PathBuf>| path.as_deref().map(Single::open).transpose();
    let outputs = (
        open(&arguments.junit)?,
        open(&arguments.markdown)?,
        open(&arguments.write_baseline)?,
    );
    let reports = arguments.report.open()?;
    let mut kept = Vec::new();
    let files: Vec<Checked> = targets
        .into_iter()
        .map(|target| checked(target, arguments, before.as_ref(), &mut kept))
        .collect();

    output::print(&text(&files, arguments.format)?)?;
    let is_pass = arguments.undecided == Undecided::Pass;
    if let Some(out) = outputs.0 {
        let text = junit::text(&files, is_pass).map_err(|error| Failure::World {
            doing: "write JUnit XML".to_owned(),
            reason: error.to_string(),
        })?;
        out.write(&text)?;
    }
    let summary = markdown::render(&files);
    reports.write_with(
        || check::plots(&files),
        |plots| check::page(&files, plots, &command(arguments), env!("CARGO_PKG_VERSION")),
        |_| summary.clone(),
    )?;
    if let Some(out) = outputs.1 {
        out.write(&summary)?;
    }
    if let Some(path) = github.as_ref().and_then(|github| github.summary.as_deref()) {
        output::append(path, &summary)?;
        eprintln!("added to the step's summary (`--annotations none` leaves that out)");
    }
    if arguments.annotations == Annotations::Github || github.is_some() {
        for line in annotations::lines(&files, is_pass, &|name| repository_path(name, github.as_ref())) {
            eprintln!("{line}");
        }
    }
    if let Some(out) = outputs.2 {
        write_baseline(out, &files, kept)?;
    }
    Ok(exit(check::worst(&files), arguments.undecided))
}

/// The command that was given, as far as it decides the result.
fn command(arguments: &Check) -> String {
    let again = arguments
        .paths
        .iter()
        .fold(Again::new("check"), |again, path| again.word(path));
    arguments
        .runs
        .again(again)
        .flag("--decide", arguments.decide)
        .flag("--baseline", arguments.baseline.iter().map(|path| path.display()))
        .text()
}

const fn exit(standing: Standing, undecided: Undecided) -> Exit {
    match (standing, undecided) {
        (Standing::Holds, _) | (Standing::Undecided, Undecided::Pass) => Exit::Done,
        (Standing::Undecided, Undecided::Fail) | (Standing::Broken, _) => Exit::Missed,
        (Standing::Invalid, _) => Exit::Usage,
        (Standing::Unfinished, _) => Exit::Unfinished,
    }
}

fn text(files: &[Checked], format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Table => check::render(files, environment::paint(io::stdout().is_terminal())),
        Format::Json => format!("{:#}\n", check::json(files)),
        Format::Csv => output::csv_text(|out| csv::table(check::HEADER, check::rows(files), out))?,
    })
}

/// Checks one file; a scenario's run is added to what a baseline keeps.
fn checked(target: Target, arguments: &Check, before: Option<&Baseline>, kept: &mut Vec<BaselineRun>) -> Checked {
    let Target {
        name,
        text,
        is_bundled,
        kind,
    } = target;
    let mut file = Checked {
        file: name.clone(),
        kind,
        title: String::new(),
        complaints: Vec::new(),
        review: None,
        run: None,
        trouble: None,
    };
    if kind == Kind::System {
        let loaded = scenario::read_system(&name, (text.clone(), is_bundled), &arguments.runs.settings);
        file.complaints = complaints(&loaded.diagnostics, &loaded.sources);
        if let Some(system) = loaded.system {
            file.title = system.title.clone().unwrap_or_default();
            let found = review(&system, None);
            let places = places(&found, |setting| place_in_text(&name, &text, setting));
            file.review = Some((found, places));
        }
        return file;
    }
    let loaded = scenario::read(&name, (text, is_bundled), &arguments.runs.settings());
    file.complaints = complaints(&loaded.diagnostics, &loaded.sources);
    let Some(plan) = loaded.plan else { return file };
    file.title = plan.scenario.title.clone().unwrap_or_else(|| plan.name.clone());
    let found = review(&plan.system, Some(&plan.scenario));
    let places = places(&found, |setting| {
        plan.place_of(setting).or_else(|| plan.place_of_system())
    });
    file.review = Some((found, places));
    match decided(&plan, arguments) {
        Ok((outcome, needed, looks)) => {
            let run = change::kept(&name, &plan, &outcome.summary);
            file.run = Some(Run {
                places: outcome
                    .summary
                    .objectives
                    .iter()
                    .map(|objective| plan.place_of(&format!("objectives.{}", objective.name)))
                    .collect(),
                against: against(before, &run, &outcome.summary.version),
                summary: outcome.summary,
                needed,
                looks,
            });
            kept.push(run);
        }
        Err(error) => file.trouble = Some(error),
    }
    file
}

fn complaints(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Complaint> {
    diagnostics
        .iter()
        .map(|diagnostic| Complaint {
            data: diagnostic.to_data(sources),
            text: diagnostic.to_text(sources, false),
        })
        .collect()
}

fn places(review: &Review, place_of: impl Fn(&str) -> Option<PlaceData>) -> Vec<Option<PlaceData>> {
    let findings = review.findings.iter();
    findings.map(|finding| place_of(&finding.subject)).collect()
}

/// Simulates, with `--decide` again and again with more replications until nothing is open.
fn decided(plan: &Plan, arguments: &Check) -> Result<(Outcome, Vec<Needed>, u32), String> {
    let mut looks = 0;
    let mut replications = arguments.runs.replications;
    loop {
        looks += 1;
        let outcome = simulate(plan, arguments, replications)?;
        let count = outcome.summary.replications;
        let objectives = outcome.summary.objectives.iter();
        let needed: Vec<Needed> = objectives.map(|objective| decide::needed(objective, count)).collect();
        let is_open = needed.iter().any(|needed| *needed != Needed::Nothing);
        match arguments.decide {
            Some(most) if is_open && count < most => replications = Some(decide::next(&needed, count, most)),
            _ => return Ok((outcome, needed, looks)),
        }
    }
}

fn simulate(plan: &Plan, arguments: &Check, replications: Option<u32>) -> Result<Outcome, String> {
    let options = Options {
        seed: arguments.runs.seed,
        replications,
        jobs: arguments.threads.jobs(),
        requests: false,
    };
    let bar = Bar::new(&plan.name);
    let outcome = experiment::run(plan, &options, &bar);
    bar.finish();
    outcome.map_err(|error| error.to_string())
}

fn against(before: Option<&Baseline>, now: &BaselineRun, version: &str) -> Against {
    let Some(baseline) = before else {
        return Against::Nothing;
    };
    baseline
        .run(&now.file, &now.scenario)
        .map_or(Against::NotInBaseline, |before| {
            Against::Change(Box::new(change::change(baseline, before, version, now)))
        })
}

fn read_baseline(path: &Path) -> Result<Baseline, Failure> {
    let mistake = |reason: String| Failure::Usage {
        message: format!("`{}` cannot serve as a baseline: {reason}", path.display()),
        help: "`highwater check PATH --write-baseline FILE` writes one".to_owned(),
    };
    let text = fs::read_to_string(path).map_err(|error| {
        mistake(match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::InvalidData => "it is not text in UTF-8".to_owned(),
            _ => error.to_string(),
        })
    })?;
    baseline::read(&text).map_err(mistake)
}

/// Writes the baseline, unless a file could not be run: half a baseline would make the next comparison silent.
fn write_baseline(out: Single, files: &[Checked], runs: Vec<BaselineRun>) -> Result<(), Failure> {
    let without = files
        .iter()
        .find(|file| matches!(file.standing(), Standing::Invalid | Standing::Unfinished));
    if let Some(file) = without {
        eprintln!("note: no baseline was written, since {} was not run", file.file);
        return Ok(());
    }
    if runs.is_empty() {
        eprintln!("note: no baseline was written, since no scenario was run");
        return Ok(());
    }
    out.write(&baseline::text(&Baseline {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        runs,
    }))
}

/// The path of a file from the repository's root, as annotations need it; nothing for what is no file.
fn repository_path(name: &str, github: Option<&Github>) -> Option<String> {
    let path = Path::new(name);
    if !path.is_file() {
        return None;
    }
    let workspace = github.and_then(|github| github.workspace.as_deref());
    let below = workspace.and_then(|workspace| {
        let (whole, workspace) = (fs::canonicalize(path).ok()?, fs::canonicalize(workspace).ok()?);
        whole.strip_prefix(workspace).ok().map(Path::to_owned)
    });
    Some(below.unwrap_or_else(|| path.to_owned()).display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a pipeline that goes green on a missed objective or a broken file.
    #[test]
    fn the_exit_code_is_that_of_the_worst_file() {
        for (standing, undecided, code) in [
            (Standing::Holds, Undecided::Fail, Exit::Done),
            (Standing::Undecided, Undecided::Fail, Exit::Missed),
            (Standing::Undecided, Undecided::Pass, Exit::Done),
            (Standing::Broken, Undecided::Pass, Exit::Missed),
            (Standing::Invalid, Undecided::Pass, Exit::Usage),
            (Standing::Unfinished, Undecided::Pass, Exit::Unfinished),
        ] {
            assert_eq!(exit(standing, undecided), code, "{standing:?} {undecided:?}");
        }
    }
}
