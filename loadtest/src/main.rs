//! `highwater-loadtest`: plays a scenario against a running server.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use highwater_host::{Host, WallHost};
use highwater_loadtest::log::Log;
use highwater_loadtest::outcome::{self, Facts};
use highwater_loadtest::player::{Bounds, Player, Progress, Stop};
use highwater_loadtest::target::{Refused, Target, people};
use highwater_loadtest::transport::connection::{Connections, Keep};
use highwater_loadtest::transport::http::{Http, Identity};
use highwater_loadtest::{files, verdict};
use highwater_models::file::{Diagnostic, Plan, render_all};
use highwater_program::compile::compile;
use highwater_program::files as found;
use highwater_program::model::Model;
use highwater_workload::Key;

/// Plays a scenario against a running server: the same people come at the same moments as in its simulation.
#[derive(Debug, Parser)]
#[command(
    name = "highwater-loadtest",
    version,
    arg_required_else_help = true,
    after_help = "\
Exit codes:
  0  done, and every objective is met
  1  done, and an objective is missed, or not decided (`--undecided pass` to allow)
  2  a mistake in the command or in a file
  3  could not finish: a server out of reach, a full disk"
)]
struct Arguments {
    /// A scenario: a file, or the name of a bundled one (`highwater list`); a file wins over a name
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    target: String,
    /// Load a server that is not on this machine: say so only of your own
    #[arg(long)]
    i_own_this_target: bool,
    /// Override a setting by its path in the file: `load.rate=20` (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    settings: Vec<String>,
    /// For so long, instead of the scenario's duration
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Root seed, instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// So many times as many people
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = positive)]
    load_factor: f64,
    /// Seconds of the system that pass in one of the clock's; the server needs the same
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = positive)]
    time_scale: f64,
    /// So many runs one after another; intervals are then taken from how they differ
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// Tell the server whom each request is from and what its steps draw, so that both runs share their luck [default: where
    /// the server is on this machine and takes it (`highwater-server --load-test`)]
    #[arg(long, conflicts_with = "no_shared_luck")]
    shared_luck: bool,
    /// Come as anybody else would: with tokens, or as guests
    #[arg(long)]
    no_shared_luck: bool,
    /// The file with the operator's secret of the server, for tokens [default: the variable HIGHWATER_ADMIN_SECRET]
    #[arg(long, value_name = "FILE")]
    admin_secret_file: Option<PathBuf>,
    /// The file with the secret that payment events are signed with [default: the variable HIGHWATER_WEBHOOK_SECRET]
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,
    /// What a connection is kept for
    #[arg(long, value_enum, default_value_t)]
    connections: Kept,
    /// Open connections at most
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_connections: u32,
    /// Requests at most; with the last one the run ends
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=20_000_000))]
    max_requests: u64,
    /// The folder for summary.json, timeline.csv and requests.csv
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// What an objective that is not decided means for the exit code
    #[arg(long, value_enum, default_value_t)]
    undecided: Undecided,
}

#[derive(Copy, Clone, Debug, Default, ValueEnum)]
enum Kept {
    /// a session's next requests, and closed with it
    #[default]
    Session,
    /// anybody's next request
    All,
    /// one attempt
    None,
}

#[derive(Copy, Clone, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Csv,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Undecided {
    #[default]
    Fail,
    Pass,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() && (1e-3..=1e4).contains(&number) {
        Ok(number)
    } else {
        Err("a number from 0.001 to 10000".to_owned())
    }
}

/// Why there is no result.
enum Failure {
    Usage(String),
    World(String),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Usage(why) => Self::Usage(why),
            Refused::Unreachable(why) => Self::World(why),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(is_met) => ExitCode::from(u8::from(!is_met)),
        Err(Failure::Usage(why)) => {
            eprintln!("{}", with_error(&why));
            ExitCode::from(2)
        }
        Err(Failure::World(why)) => {
            eprintln!("{}", with_error(&why));
            ExitCode::from(3)
        }
    }
}

/// Diagnostics begin with the word already.
fn with_error(why: &str) -> String {
    if why.starts_with("error") {
        why.to_owned()
    } else {
        format!("error: {why}")
    }
}

fn secret(file: Option<&PathBuf>, variable: &str) -> Result<Option<String>, Failure> {
    let text = match file {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| Failure::Usage(format!("`{}` cannot be read: {error}", path.display())))?,
        ),
        None => std::env::var(variable).ok(),
    };
    let text = text.map(|text| text.trim().to_owned());
    Ok(text.filter(|text| !text.is_empty()))
}

fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    let found = found::find(&arguments.scenario).map_err(|missing| Failure::Usage(missing.to_string()))?;
    let mut settings = arguments.settings.clone();
    settings.extend(arguments.duration.iter().map(|duration| format!("duration={duration}")));
    let loaded = found::read(&arguments.scenario, found, &settings);
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = render_all(&loaded.diagnostics, &loaded.sources, colour);
    match loaded.plan {
        Some(mut plan) if !loaded.diagnostics.iter().any(Diagnostic::is_error) => {
            if !text.is_empty() {
                eprintln!("{}", text.trim_end());
            }
            // Not a setting: under another seed it is still the same model.
            plan.scenario.seed = arguments.seed.unwrap_or(plan.scenario.seed);
            Ok(plan)
        }
        _ => Err(Failure::Usage(text.trim_end().to_owned())),
    }
}

fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let plan = plan(arguments)?;
    let target = Target::parse(&arguments.target, arguments.i_own_this_target)?;
    let model = Arc::new(compile(&plan));
    if model.days.is_some() {
        return Err(Failure::Usage(
            "the scenario runs some days of many, which a load test cannot skip to; give it a `duration`".to_owned(),
        ));
    }
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::World(format!("the folder `{}` cannot be made: {error}", folder.display())))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::World(format!("the load generator cannot start: {error}")))?;
    let (log, facts) = runtime.block_on(measure(arguments, &plan, &model, &target))?;
    // Requests that are still in hand are nobody's any more.
    runtime.shutdown_background();
    let found = outcome::outcome(&plan, &model, &log, &facts);
    if let Some(folder) = &arguments.out {
        files::write(folder, &found, &facts, &log, &model)
            .map_err(|(path, error)| Failure::World(format!("`{path}` cannot be written: {error}")))?;
        for name in ["summary.json", "timeline.csv", "requests.csv"] {
            eprintln!("wrote {}", folder.join(name).display());
        }
    }
    let text = match arguments.format {
        Format::Table => verdict::text(&found, &facts),
        Format::Json => format!("{:#}\n", files::summary(&found, &facts)),
        Format::Csv => {
            let mut bytes = Vec::new();
            files::timeline(&found.timeline, &mut bytes).map_err(|error| Failure::World(error.to_string()))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(Failure::World(format!("standard output cannot be written: {error}")));
    }
    for warning in &found.summary.warnings {
        eprintln!("warning[{}]: {}", warning.id, warning.text);
    }
    let is_met = found.summary.objectives.iter().all(|objective| match objective.met {
        Some(met) => met,
        None => arguments.undecided == Undecided::Pass,
    });
    Ok(is_met)
}

async fn measure(
    arguments: &Arguments,
    plan: &Plan,
    model: &Arc<Model>,
    target: &Target,
) -> Result<(Log, Facts), Failure> {
    let admin = secret(arguments.admin_secret_file.as_ref(), "HIGHWATER_ADMIN_SECRET")?;
    let webhook_secret = secret(arguments.webhook_secret_file.as_ref(), "HIGHWATER_WEBHOOK_SECRET")?;
    for words in target.look(model, arguments.time_scale, admin.as_deref()).await? {
        eprintln!("note: {words}");
    }
    let shared_luck = if arguments.no_shared_luck {
        false
    } else if target.is_here() {
        let believes = target.believes().await?;
        if arguments.shared_luck && !believes {
            return Err(Failure::Usage(
                "the server does not believe a generator whom it speaks for: start it with --load-test".to_owned(),
            ));
        }
        if !believes {
            eprintln!("note: the server takes no shared luck (start it with --load-test); it draws its own");
        }
        believes
    } else if arguments.shared_luck {
        return Err(Failure::Usage(
            "luck is shared only with a server on this machine: no other believes it".to_owned(),
        ));
    } else {
        false
    };
    let root = |repeat| Key::root(plan.scenario.seed, repeat);
    let tokens = match (&admin, shared_luck) {
        (Some(secret), false) => {
            let mut people: Vec<(u64, u8)> = (0..arguments.repeats)
                .flat_map(|repeat| people(model, root(repeat), arguments.load_factor))
                .collect();
            people.sort_unstable();
            people.dedup_by_key(|person| person.0);
            eprintln!("fetching tokens for {} people", people.len());
            target.tokens(&people, model, secret).await?
        }
        (None, false) => {
            eprintln!("note: without the administrator's secret everybody comes as a guest");
            Default::default()
        }
        _ => Default::default(),
    };
    let without_token = Arc::<AtomicU64>::default();
    let identity = Identity {
        shared_luck,
        tokens,
        webhook_secret,
        without_token: Arc::clone(&without_token),
    };
    let keep = match arguments.connections {
        Kept::Session => Keep::Session,
        Kept::All => Keep::All,
        Kept::None => Keep::None,
    };
    let connections = Arc::new(Connections::new(
        target.addresses.clone(),
        keep,
        arguments.max_connections as usize,
    ));
    let transport = Arc::new(Http::new(
        model,
        identity,
        target.host.clone(),
        arguments.time_scale,
        Arc::clone(&connections),
    ));
    let mut log = Log::default();
    let mut stopped = None;
    let mut ran = 0;
    for repeat in 0..arguments.repeats {
        let world = |error: io::Error| Failure::World(format!("the clock cannot start: {error}"));
        let host = WallHost::new(arguments.time_scale).map_err(world)?;
        let bounds = Bounds {
            requests: arguments.max_requests.saturating_sub(log.rows.len() as u64),
            load_factor: arguments.load_factor,
        };
        let player = Player::new(
            Arc::clone(model),
            root(repeat),
            Arc::clone(&host) as _,
            Arc::clone(&transport) as _,
            bounds,
        );
        let watching = tokio::spawn(watch(
            player.progress(),
            host,
            Arc::clone(model),
            repeat,
            arguments.repeats,
        ));
        let told = Arc::clone(&player);
        let interrupted = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                told.stop(Stop::Told);
            }
        });
        let (seen, early) = player.play().await;
        watching.abort();
        interrupted.abort();
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        log.append(seen, repeat);
        ran = repeat + 1;
        if early.is_some() {
            stopped = early;
            break;
        }
    }
    let facts = Facts {
        target: target.url.clone(),
        time_scale: arguments.time_scale,
        load_factor: arguments.load_factor,
        shared_luck,
        repeats: ran,
        stopped,
        connections: (
            connections.opened.load(Ordering::Relaxed),
            connections.held_up.load(Ordering::Relaxed),
        ),
        without_token: without_token.load(Ordering::Relaxed),
    };
    Ok((log, facts))
}

/// A line on standard error that says how far it is, where that is a terminal.
async fn watch(progress: Arc<Progress>, host: Arc<WallHost>, model: Arc<Model>, repeat: u32, of: u32) {
    if !io::stderr().is_terminal() {
        return;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = host.now().seconds();
        let whole = model.duration.seconds();
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (offered, useful, failed) = (read(&progress.offered), read(&progress.useful), read(&progress.failed));
        let left = (whole - now) / host.scale();
        let ends = if left > 0.0 {
            format!("about {left:.0} s left")
        } else {
            "the last ones end".to_owned()
        };
        let run = if of > 1 {
            format!("run {} of {of}  ", repeat + 1)
        } else {
            String::new()
        };
        eprint!(
            "\r\x1b[K{run}{:.0} of {whole:.0} s  {offered} requests  {useful} answered  {failed} failed  {} in hand  {ends}",
            now.min(whole),
            offered.saturating_sub(useful + failed)
        );
        let _ = io::stderr().flush();
    }
}
