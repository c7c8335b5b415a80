//! `highwater sweep`: run the points of a study, keep each as soon as it is finished, and show what they say together.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use clap::Args;
use highwater_models::bundled;
use highwater_models::file::study::{self as file, Beside, Design as Study};
use highwater_models::file::{At, Name, Plan};
use highwater_models::record::sweep::{Axis, Design, Level, Point, Precision};
use highwater_models::units::Share;
use highwater_program::files::catalogue_names;
use highwater_report::again::Again;
use highwater_report::sweep::plan::{Extent, progress, statement};
use highwater_report::sweep::{self as shown, is_met, is_missed};
use highwater_sim::experiment::Progress as _;
use highwater_sim::sweep::findings::findings;
use highwater_sim::sweep::{self, Settings, SweepError};

use crate::arguments::{Format, Threads, Undecided};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journal::{self, Content, Journal, Lock, POINTS};
use crate::output::{self, Folder};
use crate::precision;
use crate::progress::Bar;
use crate::report::{Reports, Wanted};
use crate::shard::{self, Shard};
use crate::study;

/// Arguments of `highwater sweep`.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct Sweep {
    /// A study file, or the name of a bundled study (`highwater list`); a file wins over a name
    pub study: String,
    /// Override a setting of every point by its path: `web.plan=pro`, `duration=10m` (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Root seed, instead of the study's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Independent replications of each point, instead of the study's (and of its precision)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub replications: Option<u32>,
    /// More replications of a point until its p95, or what the study's `precision` names, is known this well: `5%`
    #[arg(long, value_name = "SHARE", value_parser = precision::share, conflicts_with = "replications")]
    pub precision: Option<f64>,
    #[command(flatten)]
    pub threads: Threads,
    /// Folder for points.csv, wide.csv, summary.json and the journal points.jsonl, from which an interrupted study goes
    /// on [default: STUDY.sweep]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run the second of seven equal parts: `2/7`; `highwater merge` puts them together. Kubernetes' indexed jobs,
    /// Slurm's arrays and parallel jobs of GitLab, CircleCI and Buildkite say it themselves
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    #[command(flatten)]
    pub report: Wanted,
    /// Throw away what the folder has of this or another study
    #[arg(long)]
    pub restart: bool,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What a point that is not decided counts as
    #[arg(long, value_enum, default_value_t)]
    pub undecided: Undecided,
}

const CODES: &str = "\
Exit codes:
  0  done; the points that must hold do (`must_hold` in the study)
  1  done, and one of them does not, or is not decided
  2  a mistake in the command or in a file
  3  could not finish: what was finished is kept, and the same command goes on";

/// How often a log that is no terminal hears how far it is.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// Runs the command.
///
/// # Errors
/// A mistake in the command or a file, or a world that does not play along.
pub fn run(arguments: &Sweep) -> Result<Exit, Failure> {
    let (text, is_bundled) = study::find(&arguments.study)?;
    let mut study = study::read(&arguments.study, &text)?;
    if arguments.replications.is_some() {
        study.precision = None;
    } else if let Some(width) = arguments.precision {
        study.precision = Some(narrower(study.precision.take(), width));
    }
    let files = study::Kept::default();
    let (scenarios, systems) = (study::names(bundled::scenarios()), study::names(bundled::systems()));
    let beside = Beside {
        files: &files,
        scenario: bundled::scenario,
        system: bundled::system,
        bundled_scenarios: &scenarios,
        bundled_systems: &systems,
        catalogue: catalogue_names,
        is_bundled,
        settings: &arguments.settings,
    };
    let jobs = match arguments.threads.jobs() {
        0 => thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let hashes = study::check(&study, &beside, jobs)?;
    let design = design(&study, &hashes, arguments);
    let shard = which(arguments)?;
    let base = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.sweep", design.name)));
    let folder = if shard.is_whole() {
        base.clone()
    } else {
        base.join(shard.folder())
    };
    if !shard.is_whole() && arguments.report.is_any() {
        eprintln!("note: a shard has no report; `highwater merge --report` writes that of the whole");
    }
    let reports = arguments.report.open()?;
    let lock = Lock::take(&folder)?;
    let content = resume(&folder, &design, arguments.restart)?;
    let mine: Vec<usize> = (0..design.points()).filter(|&point| shard.has(point)).collect();
    let todo: Vec<usize> = mine
        .iter()
        .copied()
        .filter(|point| !content.lines.contains_key(point))
        .collect();
    let extent = Extent {
        mine: mine.len(),
        there: mine.len() - todo.len(),
        jobs,
    };
    eprintln!("{}: {}", design.name, statement(&design, &extent));
    eprintln!("results: {}", folder.display());
    if !todo.is_empty() {
        let journal = Journal::open(&folder, &design, &content)?;
        work(&study, &beside, &design, extent, &todo, journal)?;
    }
    let content = Content::read(&folder)?;
    if shard.is_whole() {
        let last = Last {
            format: arguments.format,
            undecided: arguments.undecided,
            reports,
            again: command(arguments),
        };
        return conclude(&folder, &content, last, lock);
    }
    let mut files = Folder::open(&folder)?;
    files.write(POINTS, |file| file.write_all(content.text().as_bytes()))?;
    files.commit()?;
    drop(lock);
    eprintln!(
        "shard {shard} is finished; when all are, `highwater merge {}` puts them together",
        base.display()
    );
    Ok(Exit::Done)
}

/// The command that was given, as far as it decides the result.
fn command(arguments: &Sweep) -> String {
    Again::new("sweep")
        .word(&arguments.study)
        .flag("--set", &arguments.settings)
        .flag("--seed", arguments.seed)
        .flag("--replications", arguments.replications)
        .flag("--precision", arguments.precision)
        .text()
}

/// What is to be done with a study that is complete.
#[derive(Debug)]
pub struct Last {
    /// What standard output gets.
    pub format: Format,
    /// What a point that is not decided counts as.
    pub undecided: Undecided,
    /// Reports that were asked for.
    pub reports: Reports,
    /// The command that gives the same again.
    pub again: String,
}

/// Writes the files of a study that is complete, shows it and judges it.
///
/// # Errors
/// Those of the file system and of standard output.
pub fn conclude(folder: &Path, content: &Content, last: Last, lock: Lock) -> Result<Exit, Failure> {
    let Some(design) = &content.design else {
        return Err(Failure::World {
            doing: format!("read {}", folder.join(POINTS).display()),
            reason: "it is no journal any more".to_owned(),
        });
    };
    let points = content.points();
    let found = findings(design, &points);
    let mut files = Folder::open(folder)?;
    files.write(POINTS, |file| file.write_all(content.text().as_bytes()))?;
    files.write("points.csv", |file| shown::csv::tidy(design, &points, file))?;
    files.write("wide.csv", |file| shown::csv::wide(design, &points, file))?;
    let summary = shown::json::text(design, &points, &found);
    files.write("summary.json", |file| file.write_all(summary.as_bytes()))?;
    for path in files.commit()? {
        eprintln!("wrote {}", path.display());
    }
    drop(lock);
    last.reports.write(
        || shown::plots(design, &points, &found),
        |plots| shown::page(design, &points, &found, plots, &last.again),
    )?;
    let text = match last.format {
        Format::Table => {
            let paint = environment::paint(io::stdout().is_terminal());
            shown::terminal::render(design, &points, &found, paint)
        }
        Format::Json => summary,
        Format::Csv => output::csv_text(|out| shown::csv::tidy(design, &points, out))?,
    };
    output::print(&text)?;
    let met = is_met(design, &points);
    let open_passes = last.undecided == Undecided::Pass && !is_missed(design, &points);
    Ok(if met || open_passes { Exit::Done } else { Exit::Missed })
}

/// The study's precision with another width, or that of p95 where it has none.
fn narrower(precision: Option<file::Precision>, width: f64) -> file::Precision {
    let width = Share::new(width).unwrap_or(Share::ALL);
    match precision {
        Some(precision) => file::Precision { width, ..precision },
        None => file::Precision {
            width,
            of: vec![Name {
                text: "latency.p95".to_owned(),
                at: At::DEFAULT,
            }],
            most: 100,
        },
    }
}

/// The shard that the command line names, or else the environment.
fn which(arguments: &Sweep) -> Result<Shard, Failure> {
    if let Some(shard) = arguments.shard {
        return Ok(shard);
    }
    let Some(found) = shard::from_environment(&environment::variable)? else {
        return Ok(Shard::WHOLE);
    };
    if !found.shard.is_whole() {
        eprintln!(
            "shard {}, as {} says; `--shard 1/1` runs the whole study",
            found.shard, found.from
        );
    }
    Ok(found.shard)
}

/// The design as results have it.
fn design(study: &Study, hashes: &[u64], arguments: &Sweep) -> Design {
    let seed = arguments.seed.unwrap_or(study.seed);
    let replications = arguments.replications.unwrap_or(study.replications);
    let axis = |axis: &file::Axis| Axis {
        name: axis.name.text.clone(),
        levels: axis
            .levels
            .iter()
            .map(|level| Level {
                label: level.label.clone(),
                settings: level
                    .settings
                    .iter()
                    .map(|setting| (setting.path_text(), study.value_text(setting)))
                    .collect(),
            })
            .collect(),
    };
    Design {
        name: study.name.clone(),
        title: study.title.clone(),
        question: study.question.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hash: format!("{:016x}", study.hash(hashes, seed, replications)),
        seed,
        replications,
        precision: study.precision.as_ref().map(|precision| Precision {
            width: precision.width.get(),
            of: precision.of.iter().map(|name| name.text.clone()).collect(),
            most: precision.most,
        }),
        must_hold: study.must_hold.text().to_owned(),
        axes: study.axes.iter().map(axis).collect(),
        metrics: study.metrics.iter().map(|name| name.text.clone()).collect(),
    }
}

/// What the folder has of this study already.
fn resume(folder: &Path, design: &Design, restart: bool) -> Result<Content, Failure> {
    if restart {
        journal::clear(folder)?;
    }
    let content = Content::read(folder)?;
    let Some(before) = &content.design else {
        let path = folder.join(POINTS);
        // A first line that was torn off held nothing yet; anything longer is somebody's.
        if content.torn > 0 && fs::read(&path).is_ok_and(|bytes| bytes.contains(&b'\n')) {
            return Err(Failure::Usage {
                message: format!("{} is no journal of a study", path.display()),
                help: "give another folder with `--out`, or throw it away with `--restart`".to_owned(),
            });
        }
        return Ok(content);
    };
    if before != design {
        return Err(Failure::Usage {
            message: format!(
                "{} has {} of {} points of another study: {}",
                folder.display(),
                content.lines.len(),
                before.points(),
                difference(before, design)
            ),
            help: "throw these away with `--restart`, or give another folder with `--out`".to_owned(),
        });
    }
    if content.torn > 0 {
        eprintln!(
            "note: the last point in {} was cut off and is run again",
            folder.join(POINTS).display()
        );
    }
    Ok(content)
}

/// What tells two studies apart, the plainest first.
fn difference(before: &Design, now: &Design) -> String {
    if before.name != now.name {
        return format!("of `{}`, not of `{}`", before.name, now.name);
    }
    if before.version != now.version {
        return format!("run by Highwater {}, and this is {}", before.version, now.version);
    }
    if before.seed != now.seed {
        return format!("its seed was {} and is {}", before.seed, now.seed);
    }
    if (before.replications, &before.precision) != (now.replications, &now.precision) {
        return "it had other replications or another precision".to_owned();
    }
    if before.axes != now.axes {
        return "its axes have changed since".to_owned();
    }
    if before.metrics != now.metrics {
        return "it kept other figures".to_owned();
    }
    "the study, a scenario, a system or a setting has changed since".to_owned()
}

/// Runs the points that are still to do.
fn work(
    study: &Study,
    beside: &Beside<'_>,
    design: &Design,
    extent: Extent,
    todo: &[usize],
    journal: Journal,
) -> Result<(), Failure> {
    let running = Running {
        study,
        beside,
        journal: Mutex::new(journal),
        extent,
        todo: todo.len(),
        done: AtomicUsize::new(0),
        bar: Bar::new(&design.name),
        is_log: !io::stderr().is_terminal(),
        began: Instant::now(),
        told: Mutex::new(Instant::now()),
    };
    let settings = Settings {
        seed: design.seed,
        replications: design.replications,
        precision: design.precision.as_ref().map(Into::into),
        metrics: design.metrics.clone(),
        jobs: extent.jobs,
    };
    let ended = sweep::run(todo, &settings, &running, &AtomicBool::new(false));
    running.bar.finish();
    ended.map_err(|error| Failure::World {
        doing: "finish the study".to_owned(),
        reason: match error {
            SweepError::Point { point, error } => format!("{}: {error}", shown::place(design, point)),
            SweepError::Caller(reason) => reason,
            SweepError::Cancelled => "stopped before the end".to_owned(),
        },
    })
}

/// A sweep under way.
struct Running<'a> {
    study: &'a Study,
    beside: &'a Beside<'a>,
    journal: Mutex<Journal>,
    extent: Extent,
    todo: usize,
    done: AtomicUsize,
    bar: Bar,
    is_log: bool,
    began: Instant,
    told: Mutex<Instant>,
}

impl sweep::Study for Running<'_> {
    fn plan(&self, point: usize) -> Result<Plan, String> {
        let loaded = self.study.load(point, self.beside);
        loaded
            .plan
            .ok_or_else(|| "a file has changed while the study was being read".to_owned())
    }

    fn finished(&self, point: Point) -> Result<(), String> {
        self.journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(&point)?;
        self.done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn progress(&self, points: f64) {
        self.bar.done(points / self.todo.max(1) as f64);
        if !self.is_log {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= TELL_EVERY {
            *told = Instant::now();
            let done = self.extent.there + self.done.load(Ordering::Relaxed);
            let seconds = self.began.elapsed().as_secs_f64();
            eprintln!("{}", progress(done, self.extent.mine, points, self.todo, seconds));
        }
    }
}
