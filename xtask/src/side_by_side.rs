//! `cargo xtask side-by-side SCENARIO`: the server up, a load test, the simulation, the comparison, the page.
//!
//! Owns: the order of the commands, and that whatever was started is stopped, by its id, also after Ctrl-C. `--all` runs the
//! scenarios of `examples/side-by-side` and writes `docs/fidelity.md` (`page`).
//! Never: a figure or a judgement of its own; those are `highwater compare`'s.

mod guard;
mod page;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use self::guard::Guarded;

/// What is asked of the command.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Scenarios: names or files.
    scenarios: Vec<String>,
    /// Whether they are those of the folder, and the page is written.
    all: bool,
    /// Seconds of the scenario that pass in one of the clock's.
    time_scale: f64,
    /// Load tests of each.
    repeats: u32,
    /// What counts as agreement.
    tolerance: String,
    /// Where everything goes.
    out: PathBuf,
    /// The root seed of all, instead of the scenario's.
    seed: Option<u64>,
    /// Where the programs are, if they are built already.
    programs: Option<PathBuf>,
}

/// Where the scenarios of `--all` are.
const FOLDER: &str = "examples/side-by-side";

/// The order of `--all`: what the rest stands on comes first.
const ALL: [&str; 8] = [
    "light",
    "pool-110",
    "llm-130",
    "limiters",
    "three-instances",
    "loop-95",
    "overload",
    "overload-hardened",
];

/// How long a server may take until it listens: PostgreSQL has to be set up.
const UP: Duration = Duration::from_secs(120);

/// When a server ends by itself, whatever happened to whoever started it.
const AT_MOST: &str = "30m";

impl Wanted {
    /// Reads the arguments after the command's name.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub fn read(arguments: &[&str]) -> Result<Self, String> {
        let mut wanted = Self {
            scenarios: Vec::new(),
            all: false,
            time_scale: 1.0,
            repeats: 1,
            tolerance: "10%".to_owned(),
            out: PathBuf::from("target/side-by-side"),
            seed: None,
            programs: None,
        };
        let mut arguments = arguments.iter();
        while let Some(&argument) = arguments.next() {
            let mut value = || arguments.next().copied().ok_or(format!("`{argument}` wants a value"));
            match argument {
                "--all" => wanted.all = true,
                "--time-scale" => wanted.time_scale = number(argument, value()?)?,
                "--repeats" => wanted.repeats = number(argument, value()?)?,
                "--seed" => wanted.seed = Some(number(argument, value()?)?),
                "--tolerance" => wanted.tolerance = value()?.to_owned(),
                "--programs" => wanted.programs = Some(PathBuf::from(value()?)),
                "--out" => wanted.out = PathBuf::from(value()?),
                flag if flag.starts_with('-') => return Err(format!("`{flag}` is not known")),
                scenario => wanted.scenarios.push(scenario.to_owned()),
            }
        }
        if !(wanted.time_scale > 0.0 && wanted.time_scale <= 1000.0) {
            return Err("`--time-scale` has to be above 0 and at most 1000".to_owned());
        }
        if !(1..=20).contains(&wanted.repeats) {
            return Err("`--repeats` has to be between 1 and 20".to_owned());
        }
        if wanted.all {
            let file = |name: &&str| format!("{FOLDER}/{name}.toml");
            wanted.scenarios.extend(ALL.iter().map(file));
        }
        if wanted.scenarios.is_empty() {
            return Err("name a scenario, or `--all`".to_owned());
        }
        Ok(wanted)
    }

    /// The seed as words of a command.
    fn seed(&self) -> Vec<String> {
        self.seed
            .map_or_else(Vec::new, |seed| vec!["--seed".to_owned(), seed.to_string()])
    }
}

fn number<T: std::str::FromStr>(flag: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("`{flag}` wants a number, not `{text}`"))
}

/// Runs the command. The exit code is 0 where everything agrees, 1 where something differs.
pub fn run(root: &Path, arguments: &[&str]) -> ExitCode {
    let wanted = match Wanted::read(arguments) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("side-by-side: {problem}\n\n{}", super::USAGE);
            return ExitCode::from(2);
        }
    };
    match all(root, &wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("side-by-side: {problem}");
            ExitCode::from(3)
        }
    }
}

fn all(root: &Path, wanted: &Wanted) -> Result<bool, String> {
    let programs = match &wanted.programs {
        Some(folder) => Programs::of(&std::path::absolute(folder).map_err(|error| error.to_string())?)?,
        None => Programs::build(root)?,
    };
    let mut rows = Vec::new();
    for scenario in &wanted.scenarios {
        rows.push(one(root, &programs, scenario, wanted)?);
    }
    if wanted.all {
        page::write(root, &rows, wanted.time_scale, wanted.repeats, &wanted.tolerance)?;
    }
    Ok(rows.iter().all(|row| row.agrees))
}

/// The three programs, built.
struct Programs {
    highwater: PathBuf,
    server: PathBuf,
    loadtest: PathBuf,
}

/// Packages, and the programs that they make.
const PROGRAMS: [(&str, &str); 3] = [
    ("highwater", "highwater"),
    ("highwater-server", "highwater-server"),
    ("highwater-loadtest", "highwater-loadtest"),
];

impl Programs {
    /// Builds them as they are released: a server that is slow by itself is not the one that is compared.
    fn build(root: &Path) -> Result<Self, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(root).args(["build", "--locked", "--release"]);
        for (package, program) in PROGRAMS {
            command.args(["-p", package, "--bin", program]);
        }
        // Its library is others' too, and comes without a network.
        command.args(["--features", "highwater-loadtest/generator"]);
        show("building", &command);
        let status = command.status().map_err(|error| format!("cargo: {error}"))?;
        if !status.success() {
            return Err(format!("the programs do not build ({status})"));
        }
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Self::of(&target.join("release"))
    }

    /// Those in a folder.
    fn of(folder: &Path) -> Result<Self, String> {
        let program = |name: &str| {
            let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if path.is_file() {
                Ok(path)
            } else {
                Err(format!("{} is not there", path.display()))
            }
        };
        Ok(Self {
            highwater: program(PROGRAMS[0].1)?,
            server: program(PROGRAMS[1].1)?,
            loadtest: program(PROGRAMS[2].1)?,
        })
    }
}

/// What came out for a scenario.
#[derive(Debug)]
pub struct Row {
    /// The file, or the name.
    pub scenario: String,
    /// What `highwater compare --format json` said.
    pub comparison: Value,
    /// Whether it agrees.
    pub agrees: bool,
    /// What the server says is real and what it emulates.
    pub server: Vec<String>,
}

fn one(root: &Path, programs: &Programs, scenario: &str, wanted: &Wanted) -> Result<Row, String> {
    let name = Path::new(scenario)
        .file_stem()
        .map_or_else(|| scenario.to_owned(), |name| name.to_string_lossy().into_owned());
    let out = root.join(&wanted.out).join(&name);
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    eprintln!("\n== {name}");
    let mut measured = Vec::new();
    let mut told = Vec::new();
    for repeat in 1..=wanted.repeats {
        // A server of its own for each run: pools, caches and limiters begin empty, as they do in a replication.
        let folder = out.join(format!("measured-{repeat}"));
        told = measure(root, programs, scenario, wanted, &folder)?;
        measured.push(folder);
    }
    let simulated = out.join("simulated");
    let mut simulate = Command::new(&programs.highwater);
    simulate
        .current_dir(root)
        .args([
            "run",
            scenario,
            "--requests",
            "--undecided",
            "pass",
            "--next-step",
            "off",
        ])
        .args(wanted.seed())
        .arg("--out")
        .arg(&simulated)
        .stdout(Stdio::null());
    // An objective that is missed is no matter here.
    step("simulating", &mut simulate, &[0, 1])?;
    let mut compare = Command::new(&programs.highwater);
    compare
        .current_dir(root)
        .arg("compare")
        .arg(&simulated)
        .arg(&measured[0])
        .args(["--tolerance", &wanted.tolerance])
        .arg("--out")
        .arg(&out)
        .arg("--report")
        .arg(out.join("report.html"));
    for folder in &measured[1..] {
        compare.arg("--measured-also").arg(folder);
    }
    let code = step("comparing", &mut compare, &[0, 1])?;
    let file = out.join("comparison.json");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Row {
        scenario: scenario.to_owned(),
        comparison: serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?,
        agrees: code == 0,
        server: told,
    })
}

/// A server, a load test against it, and the server's end; what the server said of itself.
fn measure(
    root: &Path,
    programs: &Programs,
    scenario: &str,
    wanted: &Wanted,
    folder: &Path,
) -> Result<Vec<String>, String> {
    let scale = wanted.time_scale.to_string();
    let mut command = Command::new(&programs.server);
    command
        .current_dir(root)
        .arg(scenario)
        .args(["--port", "0", "--format", "json", "--load-test"])
        .args(["--postgres", "temporary", "--redis", "temporary"])
        .args(["--time-scale", &scale, "--for", AT_MOST])
        .args(wanted.seed())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    show("starting", &command);
    let mut server = Guarded::start(command)?;
    let told = server.words();
    let port = listening(&mut server)?;
    let mut load = Command::new(&programs.loadtest);
    load.current_dir(root)
        .arg(scenario)
        .args(["--target", &format!("http://127.0.0.1:{port}")])
        .args(["--time-scale", &scale])
        .args(wanted.seed())
        .arg("--out")
        .arg(folder)
        .stdout(Stdio::null());
    let tested = step("load test", &mut load, &[0, 1]);
    let ended = server.stop();
    tested?;
    ended?;
    Ok(told.try_iter().collect())
}

/// Waits until a server says where it listens.
fn listening(server: &mut Guarded) -> Result<u64, String> {
    let out = server.output().ok_or("the server has no output")?;
    let (says, said) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let value: Option<Value> = serde_json::from_str(&line).ok();
            if let Some(port) = value.as_ref().and_then(|value| value["port"].as_u64()) {
                // Nobody listens any more where the server was given up.
                let _ = says.send(port);
            }
        }
    });
    said.recv_timeout(UP).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => format!("the server did not say within {} s where it listens", UP.as_secs()),
        mpsc::RecvTimeoutError::Disconnected => "the server ended before it listened; above is why".to_owned(),
    })
}

/// Runs a command that may end with one of these codes, and says with which.
fn step(doing: &str, command: &mut Command, codes: &[i32]) -> Result<i32, String> {
    show(doing, command);
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
    match status.code() {
        Some(code) if codes.contains(&code) => Ok(code),
        _ => Err(format!("{doing} failed ({status})")),
    }
}

fn show(doing: &str, command: &Command) {
    let words: Vec<&OsStr> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .collect();
    let line: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    eprintln!("-- {doing}: {}", line.join(" "));
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a run of twenty minutes of something else than was asked.
    #[test]
    fn arguments_are_read_or_refused() {
        let wanted = Wanted::read(&["a.toml", "--time-scale", "5", "--repeats", "3"]).unwrap();
        assert_eq!((wanted.time_scale, wanted.repeats, wanted.all), (5.0, 3, false));
        assert_eq!(wanted.scenarios, ["a.toml"]);
        assert_eq!(Wanted::read(&["--all"]).unwrap().scenarios.len(), ALL.len());
        for wrong in [
            &[][..],
            &["--time-scale"],
            &["a", "--time-scale", "0"],
            &["a", "--repeats", "0"],
            &["a", "--fast"],
            &["a", "--seed", "x"],
        ] {
            assert!(Wanted::read(wrong).is_err(), "{wrong:?}");
        }
    }

    // Lost if broken: `--all` names a scenario that is not there, or leaves one out.
    #[test]
    fn all_are_those_of_the_folder() {
        let folder = crate::root().join(FOLDER);
        let mut files: Vec<String> = fs::read_dir(folder)
            .expect("the folder")
            .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
            .filter(|name| name != "README")
            .collect();
        files.sort();
        let mut known = ALL.map(str::to_owned).to_vec();
        known.sort();
        assert_eq!(files, known);
    }
}
