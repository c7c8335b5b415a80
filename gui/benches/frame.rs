//! How long a frame takes: logic and layout of the heaviest view, a month by the minute with ten instances, while a
//! simulation runs beside it. Drawing itself is the graphics card's.

use std::sync::Arc;
use std::time::Instant;

use egui_kittest::Harness;
use highwater_gui::App;
use highwater_gui::command::Command;
use highwater_gui::model::result::{Grade, Shown};
use highwater_gui::open;
use highwater_gui::state::View;
use highwater_models::Cause;
use highwater_models::bundled;
use highwater_models::record::timeline::{Stretch, Timeline};
use highwater_sim::experiment::{self, Options, Outcome};

/// Windows of a minute in 30 days.
const ROWS: usize = 43_200;
/// Frames that are measured.
const FRAMES: usize = 200;

fn main() {
    // `cargo test --benches` runs it with `--test`, which asks for no figures.
    let frames = if std::env::args().any(|word| word == "--test") {
        3
    } else {
        FRAMES
    };
    let shown = month();
    println!(
        "heaviest view: {ROWS} windows, {} charts, {} series",
        shown.charts.len(),
        shown.charts.iter().map(|chart| chart.series.len()).sum::<usize>()
    );
    for view in [View::Timelines, View::Map, View::Explore] {
        let mut app = App::new().opening("growth-10000");
        // It goes on simulating meanwhile.
        app.present(Arc::clone(&shown));
        app.want(Command::Show(view));
        let mut harness = Harness::builder()
            .with_size([1920.0, 1080.0])
            .build_ui_state(|ui, app: &mut App| app.draw(ui), app);
        harness.run_steps(5);
        let mut times: Vec<f64> = (0..frames)
            .map(|frame| {
                // A moment that moves, so that nothing stays as it was.
                harness.state_mut().want(Command::Seek(frame as f64 * 10_000.0));
                let zoom = 2_592_000.0 * (1.0 - frame as f64 / 300.0);
                harness.state_mut().want(Command::Zoom(Some((0.0, zoom))));
                let begun = (Instant::now(), busy());
                harness.step();
                // On a machine that does other things too, only the time that the thread itself ran says anything.
                match (begun.1, busy()) {
                    (Some(before), Some(after)) => (after - before) * 1e3,
                    _ => begun.0.elapsed().as_secs_f64() * 1e3,
                }
            })
            .collect();
        let runs = harness.state().is_busy();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "{:<16} median {:6.2} ms, 99 % within {:6.2} ms, longest {:6.2} ms{}",
            view.title(),
            at(0.5),
            at(0.99),
            at(1.0),
            if runs { ", beside a run" } else { "" }
        );
    }
}

/// Seconds that this thread has run, where the system counts them; `None` elsewhere.
fn busy() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos / 1e9)
}

/// A month with ten instances, made up: its size is what counts.
fn month() -> Arc<Shown> {
    let text = bundled::scenario("normal").expect("bundled");
    let settings = [
        "duration=20s".to_owned(),
        "load={ users = 5 }".to_owned(),
        "web.instances=10".to_owned(),
        "measure={}".to_owned(),
    ];
    let loaded = open::read("normal", text.to_owned(), true, &settings);
    let said = highwater_models::file::render_all(&loaded.diagnostics, &loaded.sources, false);
    let plan = loaded.plan.unwrap_or_else(|| panic!("{said}"));
    let options = Options {
        replications: Some(2),
        ..Options::default()
    };
    let mut outcome: Outcome = experiment::run(&plan, &options, &|_: f64| ()).expect("it runs");
    let columns = outcome.timeline.columns.clone();
    let wave = |row: usize, column: usize| {
        let day = (row as f64 / 1440.0 * std::f64::consts::TAU).sin() + 1.2;
        let noise = ((row * 7919 + column * 104_729) % 1000) as f64 / 1000.0;
        let most = if columns[column].ends_with("utilization") {
            0.4
        } else {
            40.0
        };
        day * most * (0.5 + noise)
    };
    for cause in Cause::ALL.iter().take(8) {
        if !outcome.timeline.columns.iter().any(|column| column == cause.name()) {
            outcome.timeline.columns.push(cause.name().to_owned());
        }
    }
    let columns = outcome.timeline.columns.clone();
    let wave = |row: usize, column: usize| wave(row, column.min(columns.len().saturating_sub(9)));
    let row = |row: usize| (0..columns.len()).map(|column| wave(row, column)).collect::<Vec<f64>>();
    outcome.timeline = Timeline {
        window: 60.0,
        rows: (0..ROWS).map(row).collect(),
        ranges: (0..ROWS)
            .map(|at| row(at).into_iter().map(|value| (value * 0.8, value * 1.2)).collect())
            .collect(),
        phases: Vec::new(),
        faults: vec![Stretch {
            name: "openai down".to_owned(),
            from: 864_000.0,
            to: 950_400.0,
        }],
        columns,
    };
    Arc::new(Shown::new(
        Arc::new(plan),
        outcome,
        Grade::Whole,
        "highwater run normal",
    ))
}
