//! A few pinned pictures, drawn without a window. `UPDATE_SNAPSHOTS=true` writes them anew.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use egui::Theme;
use egui_kittest::{Harness, SnapshotOptions, try_image_snapshot_options};
use highwater_gui::App;
use highwater_gui::command::Command;
use highwater_gui::state::View;

/// Something small whose every figure is the same everywhere.
const SCENARIO: &str = include_str!("places.toml");

/// Draws a view and holds it against its picture; says aloud where nothing can be drawn.
fn check(name: &str, theme: Theme, app: App, view: View) {
    let drawn = std::panic::catch_unwind(AssertUnwindSafe(move || {
        let mut harness = Harness::builder()
            .with_size([1280.0, 800.0])
            .with_max_steps(64)
            .with_theme(theme)
            .build_ui_state(|ui, app: &mut App| app.draw(ui), app);
        harness.run_steps(4);
        while harness.state().is_busy() {
            std::thread::sleep(Duration::from_millis(5));
        }
        harness.run_steps(2);
        harness.state_mut().want(Command::Show(view));
        harness.state_mut().want(Command::Dismiss);
        harness.run_steps(6);
        harness.render()
    }));
    let image = match drawn {
        Ok(Ok(image)) => image,
        Ok(Err(why)) => return skipped(&why),
        Err(_) => return skipped("no graphics driver"),
    };
    // Drivers differ in the last bit of edges.
    let options = SnapshotOptions::new().threshold(1.2).max_failed_pixels(400);
    try_image_snapshot_options(&image, name, &options).unwrap_or_else(|error| panic!("{error}"));
}

fn skipped(why: &str) {
    assert!(
        std::env::var("HIGHWATER_NO_SKIPS").as_deref() != Ok("1"),
        "nothing can be drawn here: {why}"
    );
    // `cargo xtask test` names at its end what was skipped.
    if let Some(list) = std::env::var_os("HIGHWATER_SKIPS") {
        use std::io::Write as _;
        let list = std::fs::OpenOptions::new().create(true).append(true).open(list);
        let _ = list.and_then(|mut list| writeln!(list, "pictures of the app: no graphics driver"));
    }
    println!("SKIPPED: {why}; install mesa-vulkan-drivers to draw without a graphics card");
}

fn opened() -> App {
    let folder = std::env::temp_dir().join(format!("highwater-pictures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder of our own");
    let path = folder.join("places.toml");
    std::fs::write(&path, SCENARIO).expect("a file of our own");
    App::new().opening(&path.display().to_string())
}

// Lost if broken: the look of the first view, in light.
#[test]
fn start_light() {
    check("start-light", Theme::Light, App::new(), View::Start);
}

// Lost if broken: the look of the view that the app is made for, in dark.
#[test]
fn explore_dark() {
    check("explore-dark", Theme::Dark, opened(), View::Explore);
}

// Lost if broken: lines, bands and axes of a plot.
#[test]
fn timelines_light() {
    check("timelines-light", Theme::Light, opened(), View::Timelines);
}
