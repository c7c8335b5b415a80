//! `highwater-server`: the reference server, and the bundled model provider alone.
//!
//! Owns: arguments, files, secrets, signals, exit codes. Data goes to standard output, words to standard error.

mod arguments;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use highwater_host::{SharedHost, WallHost};
use highwater_models::file::{self, Plan};
use highwater_models::units;
use highwater_program::compile::compile;
use highwater_program::files;
use highwater_server::cache::CacheChoice;
use highwater_server::edge::{self, signature};
use highwater_server::monitoring;
use highwater_server::secret::Secret;
use highwater_server::serve::{self, Options, UpstreamChoice};
use highwater_server::store::StoreChoice;
use highwater_server::upstream::{self, Account, Terms};
use serde_json::json;

use crate::arguments::{Arguments, Command, Format, Listening, Serve, System, UpstreamArguments};

/// Stopped as told.
const DONE: u8 = 0;
/// A mistake in the command or in a file.
const USAGE: u8 = 2;
/// Could not start or go on.
const UNFINISHED: u8 = 3;

/// Why it does not run: what to say, and the exit code.
struct Failure {
    said: String,
    code: u8,
}

impl Failure {
    fn usage(said: impl Into<String>) -> Self {
        Self {
            said: said.into(),
            code: USAGE,
        }
    }

    fn world(said: impl Into<String>) -> Self {
        Self {
            said: format!("error: {}", said.into()),
            code: UNFINISHED,
        }
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to tell when this cannot be written.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => DONE.into(),
                _ => USAGE.into(),
            };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: could not start: {error}");
            return UNFINISHED.into();
        }
    };
    let ended = runtime.block_on(async {
        match arguments.command {
            Some(Command::Upstream(arguments)) => run_upstream(arguments).await,
            None => run_server(arguments.serve).await,
        }
    });
    // What still runs in the background ends here.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => DONE.into(),
        Err(failure) => {
            eprintln!("{}", failure.said);
            failure.code.into()
        }
    }
}

/// The plan of a scenario, or of a system that nobody comes to.
fn plan(system: &System) -> Result<Plan, Failure> {
    let profile = system.profile.iter().map(|name| format!("profile={name}"));
    let settings: Vec<String> = profile.chain(system.settings.iter().cloned()).collect();
    let loaded = files::read_design(system.name(), &settings).map_err(|failure| Failure::usage(failure.to_string()))?;
    let dumb = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    let text = file::render_all(
        &loaded.diagnostics,
        &loaded.sources,
        io::stderr().is_terminal() && !dumb,
    );
    match loaded.plan {
        Some(plan) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            Ok(plan)
        }
        None => Err(Failure::usage(text)),
    }
}

fn scale(system: &System) -> Result<f64, Failure> {
    let scale = system.time_scale;
    if scale.is_finite() && (0.001..=1000.0).contains(&scale) {
        Ok(scale)
    } else {
        Err(Failure::usage("error: `--time-scale` is between 0.001 and 1000"))
    }
}

fn span(flag: &str, text: &str) -> Result<Duration, Failure> {
    let span = units::parse_span(text).map_err(|_| {
        Failure::usage(format!(
            "error: `{flag}` is a length of time such as `30s` or `10m`, not `{text}`"
        ))
    })?;
    Ok(Duration::from_secs_f64(span.seconds()))
}

fn address(listening: &Listening) -> Result<SocketAddr, Failure> {
    if !listening.host.is_loopback() && !listening.allow_remote {
        return Err(Failure::usage(format!(
            "error: {} can be reached by others than this machine\nhelp: `--allow-remote` says that this is meant",
            listening.host
        )));
    }
    Ok(SocketAddr::new(listening.host, listening.port))
}

/// A secret from a file, else from the environment, else made by chance; and whether it was made.
fn secret(file: Option<&Path>, variable: &str) -> Result<(Secret, bool), Failure> {
    let usage = |reason: String| Failure::usage(format!("error: {reason}"));
    let given = match file {
        Some(file) => Some(Secret::from_file(file).map_err(usage)?),
        None if std::env::var_os(variable).is_some() => Some(Secret::from_env(variable).map_err(usage)?),
        None => None,
    };
    match given {
        Some(secret) => {
            let from = file.map_or_else(|| variable.to_owned(), |file| file.display().to_string());
            let secret = signature::long_enough(secret).map_err(|reason| usage(format!("{from}: {reason}")))?;
            Ok((secret, false))
        }
        None => Ok((signature::random().map_err(Failure::world)?, true)),
    }
}

/// `embedded`, `embedded:FILE`, an address, or one of its own.
fn store(arguments: &Serve) -> Result<StoreChoice, Failure> {
    match (arguments.store.as_deref(), arguments.postgres.as_deref()) {
        (None | Some("embedded"), None) => Ok(StoreChoice::Embedded { file: None }),
        (_, Some("temporary")) => Ok(StoreChoice::Temporary { fsync: false }),
        (_, Some("temporary:fsync")) => Ok(StoreChoice::Temporary { fsync: true }),
        (_, Some(url)) => Ok(StoreChoice::Url(url.to_owned())),
        (Some(text), None) => match text.strip_prefix("embedded:") {
            Some(file) if !file.is_empty() => Ok(StoreChoice::Embedded {
                file: Some(file.into()),
            }),
            _ => Err(Failure::usage(format!(
                "error: `--store` is `embedded` or `embedded:FILE`, not `{text}`"
            ))),
        },
    }
}

async fn run_server(arguments: Serve) -> Result<(), Failure> {
    let plan = plan(&arguments.system)?;
    let lasts = arguments
        .listening
        .lasts
        .as_deref()
        .map(|text| span("--for", text))
        .transpose()?;
    let title = plan.system.title.clone().unwrap_or_else(|| plan.system_name.clone());
    let (admin, admin_is_new) = secret(arguments.admin_secret_file.as_deref(), "HIGHWATER_ADMIN_SECRET")?;
    let (webhooks, webhooks_is_new) = secret(arguments.webhook_secret_file.as_deref(), "HIGHWATER_WEBHOOK_SECRET")?;
    let (tokens, _) = secret(arguments.token_secret_file.as_deref(), "HIGHWATER_TOKEN_SECRET")?;
    let mut settings = edge::Settings::new(title.clone()).map_err(Failure::world)?;
    settings.policy = edge::identity::Policy {
        guests: arguments.guests,
        load_test: arguments.load_test,
        trusts_forwarded: arguments.trust_forwarded,
        tokens,
    };
    settings.admin = admin.clone();
    settings.webhooks = webhooks.clone();
    settings.drain = span("--drain", &arguments.drain)?;
    settings.ceilings.connections = arguments.connections as usize;
    settings.ceilings.requests = 2 * arguments.connections as usize;
    let upstream = match arguments.upstream.as_str() {
        "bundled" => UpstreamChoice::Bundled,
        base => {
            let key = match arguments.api_key_file.as_deref() {
                Some(file) => Secret::from_file(file),
                None => Secret::from_env("OPENAI_API_KEY"),
            };
            let key = key.map_err(|reason| {
                Failure::usage(format!(
                    "error: the key of the model provider's account is missing: {reason}"
                ))
            })?;
            UpstreamChoice::Url {
                base: base.to_owned(),
                key,
            }
        }
    };
    let options = Options {
        address: address(&arguments.listening)?,
        scale: scale(&arguments.system)?,
        seed: arguments.system.seed,
        store: store(&arguments)?,
        cache: match arguments.redis.as_deref() {
            None => CacheChoice::Local,
            Some("temporary") => CacheChoice::Temporary,
            Some(url) => CacheChoice::Url(url.to_owned()),
        },
        upstream,
        senders: match arguments.channels.as_deref() {
            Some(file) => {
                monitoring::settings::read(file).map_err(|reason| Failure::usage(format!("error: {reason}")))?
            }
            None => monitoring::Senders::new(),
        },
        edge: settings,
    };
    let scale = options.scale;
    let mut signals = Signals::new()?;
    let server = tokio::select! {
        started = serve::start(&plan, options) => started.map_err(Failure::world)?,
        () = signals.told() => return Ok(()),
    };
    let at = server.address();
    let mut said = format!(
        "{title} listens on http://{at}; what it does is shown on http://{at}/dashboard.\nReal are sockets, tokens, signatures and every \
         wait; and\n"
    );
    for note in server.notes() {
        let _ = writeln!(said, "  {note}");
    }
    said.push_str(
        "Emulated are the instances with their processors, memory and event loops, after the system file's figures. ",
    );
    if scale != 1.0 {
        let _ = write!(said, "{scale} seconds of the system pass in one of the clock's. ");
    }
    if arguments.load_test {
        said.push_str("A load generator on this machine is believed whom it speaks for. ");
    }
    said.push_str(if arguments.guests {
        "People without a token are let in and counted by their address. "
    } else {
        "People without a token are refused (`--guests` lets them in). "
    });
    said.push_str("Ctrl-C or SIGTERM stops it in good order, a second one at once.");
    if admin_is_new {
        let _ = write!(said, "\nOperator's secret, made for this run: {}", admin.reveal());
    }
    if webhooks_is_new && server.has_endpoint("stripe.webhook") {
        let _ = write!(
            said,
            "\nSecret of payment events, made for this run: {}",
            webhooks.reveal()
        );
    }
    eprintln!("{said}");
    print_address(
        arguments.listening.format,
        at,
        json!({ "upstreams": server.upstreams() }),
    )?;
    signals.told_within(lasts).await;
    eprintln!("stopping: nothing new is taken, {} in hand", server.in_hand());
    tokio::select! {
        () = server.stop() => {
            eprintln!("stopped");
            Ok(())
        }
        () = signals.told() => Ok(()),
    }
}

async fn run_upstream(arguments: UpstreamArguments) -> Result<(), Failure> {
    let plan = plan(&arguments.system)?;
    let lasts = arguments
        .listening
        .lasts
        .as_deref()
        .map(|text| span("--for", text))
        .transpose()?;
    let model = compile(&plan);
    let name = |number: usize| &model.resources[usize::from(model.providers[number].resource)].name;
    let number = match &arguments.provider {
        None if model.providers.is_empty() => {
            return Err(Failure::usage("error: the system has no model provider"));
        }
        None => 0,
        Some(wanted) => (0..model.providers.len())
            .find(|&number| name(number) == wanted)
            .ok_or_else(|| Failure::usage(format!("error: the system has no model provider `{wanted}`")))?,
    };
    let (key, key_is_new) = secret(arguments.api_key_file.as_deref(), "HIGHWATER_API_KEY")?;
    let (admin, admin_is_new) = secret(arguments.admin_secret_file.as_deref(), "HIGHWATER_ADMIN_SECRET")?;
    let scale = scale(&arguments.system)?;
    let host: SharedHost =
        WallHost::new(scale).map_err(|error| Failure::world(format!("could not start the clock: {error}")))?;
    let terms = Terms::of(&model, number).ok_or_else(|| Failure::usage("error: the system has no such provider"))?;
    let account = Account::new(
        Arc::clone(&host),
        terms,
        arguments.system.seed.unwrap_or(plan.scenario.seed),
    );
    let mut settings = upstream::Settings::new(address(&arguments.listening)?, key.clone());
    settings.secret = Some(admin.clone());
    let mut signals = Signals::new()?;
    let listening = upstream::start(account, settings).await;
    let upstream = listening.map_err(|error| Failure::world(format!("could not listen: {error}")))?;
    let mut said = format!(
        "`{}` listens on {} as OpenAI's API does, with the limits and speed of the system file; it writes no sense. Ctrl-C or SIGTERM \
         stops it.",
        name(number),
        upstream.base()
    );
    if key_is_new {
        let _ = write!(said, "\nAPI key, made for this run: {}", key.reveal());
    }
    if admin_is_new {
        let _ = write!(said, "\nOperator's secret, made for this run: {}", admin.reveal());
    }
    eprintln!("{said}");
    print_address(
        arguments.listening.format,
        upstream.address(),
        json!({ "base": upstream.base() }),
    )?;
    signals.told_within(lasts).await;
    upstream.stop();
    eprintln!("stopped");
    Ok(())
}

/// One line for programs.
fn print_address(format: Format, address: SocketAddr, more: serde_json::Value) -> Result<(), Failure> {
    if format == Format::Table {
        return Ok(());
    }
    let mut line =
        json!({ "url": format!("http://{address}"), "host": address.ip().to_string(), "port": address.port() });
    if let (Some(line), serde_json::Value::Object(more)) = (line.as_object_mut(), more) {
        line.extend(more);
    }
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| Failure::world(format!("could not write to standard output: {error}")))
}

/// What the operating system says about stopping, from the moment on that this is made.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |error: io::Error| Failure::world(format!("could not listen to signals: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    /// Ends with the next signal.
    #[cfg(unix)]
    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Ends with the next interrupt.
    #[cfg(not(unix))]
    async fn told(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends with the next signal, or after so long.
    async fn told_within(&mut self, lasts: Option<Duration>) {
        match lasts {
            // An error says that the time is over.
            Some(lasts) => drop(tokio::time::timeout(lasts, self.told()).await),
            None => self.told().await,
        }
    }
}
