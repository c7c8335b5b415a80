//! `highwater-gui [SCENARIO]`: the window.
//!
//! Exit codes: 0 when it was closed, 2 without a display or for a mistake in the command.

use std::process::ExitCode;

use highwater_gui::app::{App, recent_file};
use highwater_gui::state::Look;

const USAGE: &str = "\
Usage: highwater-gui [SCENARIO]

Opens the desktop app, with a scenario where one is named: a file, or a bundled one such as `viral-spike`.

Options:
      --theme LOOK  light or dark, instead of what the system says
  -h, --help        Print this
  -V, --version     Print the version";

/// What the command says.
struct Arguments {
    scenario: Option<String>,
    look: Look,
}

/// Reads the command.
///
/// # Errors
/// What is wrong with it; or, as `Ok(None)`, that it has been answered.
fn arguments(given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut given = given.peekable();
    let mut found = Arguments {
        scenario: None,
        look: Look::System,
    };
    while let Some(word) = given.next() {
        match word.as_str() {
            "-h" | "--help" => {
                println!("{USAGE}");
                return Ok(None);
            }
            "-V" | "--version" => {
                println!("highwater-gui {}", env!("CARGO_PKG_VERSION"));
                return Ok(None);
            }
            "--theme" => {
                found.look = match given.next().as_deref() {
                    Some("light") => Look::Light,
                    Some("dark") => Look::Dark,
                    _ => return Err("`--theme` takes `light` or `dark`".to_owned()),
                }
            }
            flag if flag.starts_with('-') => return Err(format!("there is no option `{flag}`")),
            _ if found.scenario.is_some() => return Err(format!("one scenario at a time: what is `{word}`?")),
            _ => found.scenario = Some(word),
        }
    }
    Ok(Some(found))
}

fn main() -> ExitCode {
    let Arguments { scenario, look } = match arguments(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("error: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let variable = |name| std::env::var(name).ok();
    let recent = recent_file(variable("XDG_STATE_HOME").as_deref(), variable("HOME").as_deref());
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Highwater")
            .with_app_id("highwater")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([900.0, 600.0]),
        ..eframe::NativeOptions::default()
    };
    let start = |window: &eframe::CreationContext<'_>| -> Box<dyn eframe::App> {
        look.wear(&window.egui_ctx);
        let app = App::new().remembering(recent);
        Box::new(match &scenario {
            Some(name) => app.opening(name),
            None => app,
        })
    };
    match eframe::run_native("Highwater", options, Box::new(|window| Ok(start(window)))) {
        Ok(()) => ExitCode::SUCCESS,
        // Its own words name a place in a library.
        Err(eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_)) => {
            eprintln!(
                "error: there is no display to open a window on\n\
                 help: set DISPLAY or WAYLAND_DISPLAY; on a server, `highwater run SCENARIO` gives the same results"
            );
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!(
                "error: the window could not be opened: {error}\n\
                 help: it needs OpenGL; `LIBGL_ALWAYS_SOFTWARE=1` draws without a graphics card"
            );
            ExitCode::from(2)
        }
    }
}
