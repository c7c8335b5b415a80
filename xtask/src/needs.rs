//! Programs that the tests need and this project does not bring: looked for before the tests, the servers installed where that can
//! be done without asking, and at the end the tests named that had to be skipped.
//!
//! Owns: what is installed, and what is said about it.
//! Never: starting a server. Each test starts its own, on a port of its own, and ends it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

// The same file as the tests', so that what is found here is found there.
#[allow(dead_code, reason = "what only tests use")]
#[path = "../../host/src/programs.rs"]
mod programs;

use programs::Program;

/// What is installed where it is missing. The others bring much along, and one version does not suit all.
const INSTALLED: [Program; 2] = [Program::Postgres, Program::Redis];

/// What pictures of the app are drawn with where there is no graphics card: its package, and what it brings.
const DRAWING: (&str, &str) = ("mesa-vulkan-drivers", "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json");

/// What a run of the tests is told, and where it says what it skips.
pub struct Needs {
    skips: PathBuf,
}

impl Needs {
    /// Looks for everything, and installs servers that are missing where this is root on a machine with `apt-get`.
    pub fn prepare() -> Self {
        eprintln!("== programs that tests start");
        // Where a variable names a wrong place, installing would not help.
        let is_missing = |program: &Program| program.find().is_none() && std::env::var_os(program.variable()).is_none();
        let mut missing: Vec<&str> = INSTALLED
            .iter()
            .filter(|program| is_missing(program))
            .map(|program| program.package())
            .collect();
        if !Path::new(DRAWING.1).exists() {
            missing.push(DRAWING.0);
        }
        if !missing.is_empty() {
            install(&missing);
        }
        for program in Program::ALL {
            match program.locate() {
                Ok(place) => eprintln!("{}: {}", program.name(), place.display()),
                Err(missing) => {
                    eprintln!("{missing}. Tests that need it are skipped, and fail where HIGHWATER_NO_SKIPS is 1.")
                }
            }
        }
        let skips = std::env::temp_dir().join(format!("highwater-skips-{}", std::process::id()));
        let _ = fs::remove_file(&skips);
        Self { skips }
    }

    /// What the tests find in their environment.
    pub fn environment(&self) -> [(&'static str, OsString); 1] {
        [("HIGHWATER_SKIPS", self.skips.clone().into())]
    }

    /// Names the tests that were skipped.
    pub fn report(self) {
        let skipped = fs::read_to_string(&self.skips).unwrap_or_default();
        let _ = fs::remove_file(&self.skips);
        let mut lines: Vec<&str> = skipped.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        if lines.is_empty() {
            return;
        }
        eprintln!("\n== skipped for want of a program: {}", lines.len());
        for line in lines {
            eprintln!("{line}");
        }
    }
}

/// Installs Debian packages, saying what is done; or says what would have to be.
fn install(packages: &[&str]) {
    let update = vec!["update"];
    let mut get = vec!["install", "-y", "--no-install-recommends"];
    get.extend(packages);
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let has_apt = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("apt-get").is_file()));
    if !(is_root && has_apt) {
        eprintln!(
            "{} missing, and not installed: that takes {}. On Debian: apt-get {} && apt-get {}",
            packages.join(" and "),
            if has_apt { "root" } else { "apt-get" },
            update.join(" "),
            get.join(" "),
        );
        return;
    }
    for arguments in [update, get] {
        eprintln!("installing what is missing: apt-get {}", arguments.join(" "));
        let status = Command::new("apt-get")
            .args(&arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => return eprintln!("apt-get failed ({status})"),
            Err(error) => return eprintln!("apt-get could not be started: {error}"),
        }
    }
}
