//! The engine beside three event loops written by hand: what it costs that the model comes from a file.
//!
//! `cargo bench -p highwater-sim --bench engine -- [--quick] [--events N] [--rounds N] [--model a|b|c|chat]`
//!
//! For each model it prints nanoseconds per event, events a second, a checksum of the answer, and the answer beside
//! theory. By-hand loop and engine take turns, so that what else the machine does falls on both, and the ratio is the
//! median over the pairs. Read ratios: the same run repeated moves by up to 30 % on a shared machine.

// Some of it is there for the tests beside theory.
#[allow(dead_code)]
mod baseline;

use baseline::Model;
use baseline::clock::timed;
use highwater_models::file::{NoFiles, Request, load_scenario, render_all};
use highwater_models::{SimTime, bundled};
use highwater_program::compile::compile;
use highwater_sim::world::{Control, simulate};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

/// The seed of every run: checksums are comparable between machines and versions.
const SEED: u64 = 1;

/// One timed run of one model.
#[derive(Copy, Clone)]
pub struct Measured {
    /// Time on a core, the reading of the file not included.
    pub took: Duration,
    /// Events that happened.
    pub events: u64,
    /// A digest of the answer.
    pub checksum: u64,
    /// Mean response time of what was served, in seconds.
    pub mean_response: f64,
}

/// What to run.
struct Options {
    /// Events per run, about.
    events: u64,
    /// Runs of each kind.
    rounds: usize,
    /// Only this model.
    model: Option<String>,
}

impl Options {
    /// A long run: about a second per model and round.
    const FULL: (u64, usize) = (10_000_000, 7);
    /// A run that only shows that everything still works.
    const QUICK: (u64, usize) = (200_000, 2);

    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (events, rounds) = Self::FULL;
        let mut options = Self {
            events,
            rounds,
            model: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => (options.events, options.rounds) = Self::QUICK,
                "--events" => options.events = count(&value()?)?,
                "--rounds" => options.rounds = count(&value()?)? as usize,
                "--model" => options.model = Some(value()?),
                // Cargo's own flag for every bench.
                "--bench" => {}
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }
}

fn count(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err(format!("{text} is not a count from 1")),
        Ok(number) => Ok(number),
    }
}

/// Runs the engine on `text`, a scenario file, up to `horizon`, with the statistics that every run keeps. Reading and
/// compiling the file is not timed.
fn engine_runner(model: &str, text: &str, horizon: SimTime) -> Option<Measured> {
    let settings = [format!("duration={}ms", horizon.nanos() / 1_000_000)];
    let mut request = Request::new(model, text).with_settings(&settings);
    // Its system is a bundled one.
    request.is_bundled = model == "chat";
    let loaded = load_scenario(request, &NoFiles, bundled::system);
    let Some(plan) = loaded.plan else {
        eprintln!("{}", render_all(&loaded.diagnostics, &loaded.sources, false));
        return None;
    };
    let model = compile(&plan);
    let (cancel, progress) = (AtomicBool::new(false), AtomicU64::new(0));
    let control = Control {
        cancel: &cancel,
        progress: &progress,
    };
    let (took, result) = timed(|| simulate(&model, SEED, 0, false, &control));
    let (record, _) = result.map_err(|error| eprintln!("{error}")).ok()?;
    let (mut responses, mut sum) = (0, 0);
    for cell in record.cells.iter().flatten() {
        responses += cell.latency.count();
        sum += cell.latency.sum();
    }
    Some(Measured {
        took,
        events: record.events,
        checksum: sum as u64 ^ record.events << 32,
        mean_response: sum as f64 / responses as f64 / 1e9,
    })
}

/// Runs the loop written by hand up to `horizon`.
fn baseline_runner(model: &Model, horizon: SimTime) -> Measured {
    let (took, outcome) = timed(|| (model.run)(SEED, horizon));
    Measured {
        took,
        events: outcome.events,
        checksum: outcome.checksum,
        mean_response: outcome.mean_response,
    }
}

fn main() -> ExitCode {
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let mut agreed = true;
    let wanted = |model: &Model| options.model.as_ref().is_none_or(|name| name == model.name);
    for model in baseline::models().iter().filter(|model| wanted(model)) {
        agreed &= compare(model, &options);
    }
    if options.model.as_deref().is_none_or(|name| name == "chat") {
        agreed &= chat(&options);
    }
    if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Events that a second of the plan's chat load brings.
const CHAT_EVENTS_PER_SECOND: f64 = 118.0;

/// The plan's chat request through the whole bundled system: no loop written by hand, no theory, only what it costs.
fn chat(options: &Options) -> bool {
    let horizon = SimTime::from_nanos((options.events as f64 / CHAT_EVENTS_PER_SECOND * 1e9) as u64);
    let text = include_str!("models/chat.toml");
    let run = |_| engine_runner("chat", text, horizon);
    let runs: Vec<Measured> = (0..options.rounds).filter_map(run).collect();
    println!("chat: the plan's chat request, {:.0} s simulated", horizon.seconds());
    runs.len() == options.rounds && print_runs("engine", &runs, None)
}

/// Runs one model in turns and prints what came out; whether every run of a kind gave the same answer.
fn compare(model: &Model, options: &Options) -> bool {
    let horizon = SimTime::from_nanos((options.events as f64 / model.events_per_second * 1e9) as u64);
    let mut by_hand = Vec::with_capacity(options.rounds);
    let mut engine = Vec::with_capacity(options.rounds);
    // The first run fetches code and memory and is not counted.
    baseline_runner(model, SimTime::from_nanos(horizon.nanos() / 10));
    for _ in 0..options.rounds {
        by_hand.push(baseline_runner(model, horizon));
        engine.extend(engine_runner(model.name, model.file, horizon));
    }
    println!("{}: {}, {:.0} s simulated", model.name, model.title, horizon.seconds());
    let mut agreed = print_runs("by hand", &by_hand, Some(model.theory));
    if !engine.is_empty() {
        agreed &= print_runs("engine", &engine, Some(model.theory));
        let ratios = by_hand.iter().zip(&engine);
        let ratio = median(ratios.map(|(hand, engine)| hand.took.as_secs_f64() / engine.took.as_secs_f64()));
        println!("  engine: {ratio:.2} of the speed by hand, for the same simulated time");
    }
    agreed
}

fn print_runs(who: &str, runs: &[Measured], theory: Option<f64>) -> bool {
    let per_event = median(runs.iter().map(|run| run.took.as_secs_f64() * 1e9 / run.events as f64));
    let Measured {
        events,
        checksum,
        mean_response,
        ..
    } = runs[0];
    println!(
        "  {who:8} {per_event:7.1} ns/event {:6.2} M events/s  {events} events  checksum {checksum:016x}  \
         mean response {mean_response:.4} s{}",
        1e3 / per_event,
        theory.map_or_else(String::new, |theory| format!(" (theory {theory:.4})")),
    );
    let same = runs.iter().all(|run| (run.events, run.checksum) == (events, checksum));
    if !same {
        println!("  {who}: runs of the same seed differ");
    }
    same
}

/// The median of at least one figure.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 {
        figures[middle]
    } else {
        (figures[middle - 1] + figures[middle]) / 2.0
    }
}
