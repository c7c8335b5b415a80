//! `cargo xtask tour [FOLDER]`: opens the app on a display of its own, goes through its views and takes a picture of each.
//!
//! Owns: the order of the tour, its sizes and looks, waiting until a view has come to rest.
//! Never: what is shown. It needs Xvfb, xdotool and ImageMagick, and draws without a graphics card.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What is opened.
const SCENARIO: &str = "viral-spike";
/// Width and height of the window.
const SIZES: [(u32, u32); 2] = [(1280, 800), (1920, 1080)];
/// How it looks.
const LOOKS: [&str; 2] = ["light", "dark"];
/// The views by their names in files, in the order of the keys 1 to 9.
const VIEWS: [&str; 9] = [
    "start",
    "explore",
    "timelines",
    "map",
    "time",
    "compare",
    "growth",
    "faults",
    "take-away",
];
/// The longest that a view may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Takes the tour and says where the pictures are.
pub fn run(root: &Path, folder: Option<&str>) -> ExitCode {
    let folder = folder.map_or_else(|| root.join("target/tour"), PathBuf::from);
    match tour(root, &folder) {
        Ok(count) => {
            println!("{count} pictures in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("tour: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn tour(root: &Path, folder: &Path) -> Result<usize, String> {
    for program in ["Xvfb", "xdotool", "import"] {
        let found = Command::new(program)
            .arg("-help")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        found.map_err(|_| format!("{program} is missing: apt-get install xvfb xdotool imagemagick"))?;
    }
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let app = build(root)?;
    let display = Display::open(90, SIZES[SIZES.len() - 1])?;
    let mut window = display
        .command(&app)
        .args(["--theme", LOOKS[0], SCENARIO])
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .spawn()
        .map(Running)
        .map_err(|error| format!("{}: {error}", app.display()))?;
    let id = display.window()?;
    display.tell(&["windowmove", &id, "0", "0"])?;
    let mut count = 0;
    let mut before = Vec::new();
    for (width, height) in SIZES {
        display.tell(&["windowsize", &id, &width.to_string(), &height.to_string()])?;
        for look in LOOKS {
            if look != LOOKS[0] {
                display.tell(&["key", "ctrl+d"])?;
            }
            for (key, view) in VIEWS.iter().enumerate() {
                // Nothing is under the pointer.
                display.tell(&["mousemove", &(width - 3).to_string(), "50"])?;
                display.tell(&["windowfocus", &id])?;
                display.tell(&["key", &format!("ctrl+{}", key + 1)])?;
                let picture = folder.join(format!("{view}-{look}-{width}.png"));
                display.change(&id, &picture, &before)?;
                if *view == "map" {
                    seek(&display, (width, height))?;
                }
                // The first waits until everything has been simulated: what is left to do is told to the minute.
                display.rest(&id, &picture, if count == 0 { 40 } else { 2 })?;
                before = std::fs::read(&picture).map(|bytes| pixels(&bytes)).unwrap_or_default();
                count += 1;
            }
        }
        // And back to the first look.
        display.tell(&["key", "ctrl+d"])?;
    }
    window.stop();
    Ok(count)
}

/// Clicks into the small plot under the map, at two fifths of the run.
fn seek(display: &Display, (width, height): (u32, u32)) -> Result<(), String> {
    let at = (150 + (width - 150) * 9 / 20, height - 70);
    thread::sleep(Duration::from_millis(800));
    display.tell(&["mousemove", &at.0.to_string(), &at.1.to_string()])?;
    thread::sleep(Duration::from_millis(300));
    display.tell(&["click", "1"])?;
    thread::sleep(Duration::from_millis(300));
    display.tell(&["mousemove", &(width - 3).to_string(), "50"])
}

/// Builds the app and says where it is.
fn build(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--locked", "-p", "highwater-gui"])
        .current_dir(root)
        .status();
    match status {
        Ok(status) if status.success() => {}
        _ => return Err("the app could not be built".to_owned()),
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug/highwater-gui"))
}

/// A process that ends with its owner.
struct Running(Child);

impl Running {
    fn stop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A display that nobody sees.
struct Display {
    name: String,
    _server: Running,
}

impl Display {
    fn open(number: u32, (width, height): (u32, u32)) -> Result<Self, String> {
        let name = format!(":{number}");
        let server = Command::new("Xvfb")
            .args([
                &name,
                "-screen",
                "0",
                &format!("{width}x{height}x24"),
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Running)
            .map_err(|error| format!("Xvfb: {error}"))?;
        let display = Self { name, _server: server };
        let asked = || {
            display
                .command(Path::new("xdotool"))
                .arg("getdisplaygeometry")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
        };
        until(Duration::from_secs(20), "the display", || {
            asked().is_ok_and(|status| status.success())
        })?;
        Ok(display)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name).env_remove("WAYLAND_DISPLAY");
        command
    }

    fn tell(&self, words: &[&str]) -> Result<(), String> {
        let status = self.command(Path::new("xdotool")).args(words).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            _ => Err(format!("xdotool {} failed", words.join(" "))),
        }
    }

    /// The window of the app, once there is one.
    fn window(&self) -> Result<String, String> {
        let mut found = String::new();
        until(Duration::from_secs(60), "the window", || {
            let asked = self
                .command(Path::new("xdotool"))
                .args(["search", "--name", "^Highwater$"])
                .output();
            if let Ok(output) = asked {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                found = text.lines().last().unwrap_or_default().to_owned();
            }
            !found.is_empty()
        })?;
        Ok(found)
    }

    /// Waits until the window shows something else than before; not for ever, for two views may look alike.
    fn change(&self, window: &str, picture: &Path, before: &[u8]) -> Result<(), String> {
        for _ in 0..12 {
            thread::sleep(Duration::from_millis(400));
            if self.take(window, picture)? != before {
                break;
            }
        }
        Ok(())
    }

    /// Takes a picture and hands back its own part of it.
    fn take(&self, window: &str, picture: &Path) -> Result<Vec<u8>, String> {
        let taken = self
            .command(Path::new("import"))
            .args(["-window", window])
            .arg(picture)
            .status();
        match taken {
            Ok(status) if status.success() => {
                Ok(std::fs::read(picture).map(|bytes| pixels(&bytes)).unwrap_or_default())
            }
            _ => Err(format!("import could not take {}", picture.display())),
        }
    }

    /// Takes pictures until as many as that, one more than, look alike; the last one stays.
    fn rest(&self, window: &str, picture: &Path, alike: u32) -> Result<(), String> {
        let mut last = Vec::new();
        let mut same = 0;
        thread::sleep(Duration::from_millis(600));
        until(PATIENCE, "a view that comes to rest", || {
            let Ok(pixels) = self.take(window, picture) else {
                return false;
            };
            same = if pixels == last { same + 1 } else { 0 };
            last = pixels;
            same >= alike
        })
    }
}

/// The picture's own part of a PNG: its chunks of data.
fn pixels(png: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut rest = png.get(8..).unwrap_or_default();
    while let [a, b, c, d, name @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        if name.get(..4) == Some(b"IDAT") {
            data.extend_from_slice(name.get(4..4 + length).unwrap_or_default());
        }
        rest = name.get(4 + length + 4..).unwrap_or_default();
    }
    data
}

/// Asks again and again until it is so.
fn until(most: Duration, what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), String> {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > most {
            return Err(format!("waited for {what} in vain"));
        }
        thread::sleep(Duration::from_millis(700));
    }
    Ok(())
}
