//! `cargo xtask validation`: writes `docs/validation.md` from what `highwater validate` finds.
//!
//! Owns: that the page is replaced only by a whole one, and only when every case agrees.
//! Never: a word of the page. The command prints it.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

const PAGE: &str = "docs/validation.md";

/// Runs the command and writes the page.
pub fn run(root: &Path) -> ExitCode {
    match write(root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("validation: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(root: &Path) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args([
            "run",
            "--release",
            "--quiet",
            "--locked",
            "--",
            "validate",
            "--format",
            "markdown",
        ])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!(
            "{PAGE} stays as it is: `highwater validate` ended with {}. Without `--format` it says which case does not \
             agree.",
            output.status
        ));
    }
    let temporary = root.join(format!("{PAGE}.tmp"));
    let written = fs::write(&temporary, &output.stdout).and_then(|()| fs::rename(&temporary, root.join(PAGE)));
    written.map_err(|error| format!("{PAGE}: {error}"))?;
    eprintln!("validation: wrote {PAGE}");
    Ok(())
}
