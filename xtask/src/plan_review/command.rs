//! Running the product's own command and reading its JSON, each command once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Mode;

/// Commands and what they printed.
pub struct Commands {
    root: PathBuf,
    release: bool,
    results: BTreeMap<String, Value>,
}

impl Commands {
    /// None run yet. The whole review is built for speed, the quick one with what the tests have built already.
    pub fn new(root: &Path, mode: Mode) -> Self {
        Self {
            root: root.to_owned(),
            release: mode == Mode::Write,
            results: BTreeMap::new(),
        }
    }

    /// The JSON that a command prints.
    pub fn result(&mut self, command: &str) -> Result<Value, String> {
        if let Some(known) = self.results.get(command) {
            return Ok(known.clone());
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut run = Command::new(cargo);
        run.current_dir(&self.root).args(["run", "--quiet", "--locked"]);
        if self.release {
            run.arg("--release");
        }
        run.arg("--")
            .args(command.split_whitespace())
            .args(["--format", "json"]);
        let output = run.stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
        // An objective that is missed is a finding and no failure.
        if !matches!(output.status.code(), Some(0 | 1)) {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`highwater {command}` failed ({}):\n{errors}", output.status));
        }
        let value: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("`highwater {command}` printed no JSON: {error}"))?;
        self.results.insert(command.to_owned(), value.clone());
        Ok(value)
    }
}
