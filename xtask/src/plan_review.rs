//! `cargo xtask plan-review`: puts every claim of the bundled growth plan to the test and writes down what was found.
//!
//! Owns: `docs/plan-review.toml` (the claims) in, `docs/plan-review.md` (the findings) out.
//! Never: a figure of its own. Each stands in the JSON of a command that is printed beside it.
//!
//! A claim also says what its author found (`expect`) and why. When a result says otherwise the review fails, so that the
//! words beside the figures cannot go stale.

mod claim;
mod command;
mod page;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use claim::{Book, Claim};
use command::Commands;

const CLAIMS: &str = "docs/plan-review.toml";
const PAGE: &str = "docs/plan-review.md";

/// What to do with the claims.
#[derive(Copy, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Run every command and write the page.
    Write,
    /// Run the commands of the quick claims and compare them with the page.
    Quick,
}

/// Runs the review.
pub fn run(root: &Path, mode: Mode) -> ExitCode {
    match review(root, mode) {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in problems {
                eprintln!("plan review: {problem}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("plan review: {error}");
            ExitCode::FAILURE
        }
    }
}

fn review(root: &Path, mode: Mode) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(root.join(CLAIMS)).map_err(|error| format!("{CLAIMS}: {error}"))?;
    let book: Book = toml::from_str(&text).map_err(|error| format!("{CLAIMS}: {error}"))?;
    let mut commands = Commands::new(root, mode);
    let mut problems = Vec::new();
    let claims: Vec<&Claim> = book
        .claim
        .iter()
        .filter(|claim| mode == Mode::Write || claim.quick)
        .collect();
    let mut sections = Vec::new();
    for (number, claim) in claims.iter().enumerate() {
        eprintln!("plan review: {} of {}: {}", number + 1, claims.len(), claim.id);
        let mut findings = Vec::new();
        for case in &claim.case {
            let finding = case
                .find(&mut commands)
                .map_err(|error| format!("{}: {error}", claim.id))?;
            if finding.answer.name() != case.expect {
                problems.push(format!(
                    "{} ({}): expected \"{}\", found \"{}\" ({}). Look at it again, and rewrite the words in {CLAIMS}.",
                    claim.id,
                    case.name,
                    case.expect,
                    finding.answer.name(),
                    finding.figures.join("; ")
                ));
            }
            findings.push(finding);
        }
        sections.push(page::section(claim, &findings));
    }
    let page_path = root.join(PAGE);
    if mode == Mode::Write {
        let page = page::whole(&book, &sections);
        let temporary = page_path.with_extension("md.new");
        fs::write(&temporary, page).map_err(|error| format!("{PAGE}: {error}"))?;
        fs::rename(&temporary, &page_path).map_err(|error| format!("{PAGE}: {error}"))?;
        eprintln!("plan review: {} claims written to {PAGE}", book.claim.len());
    } else {
        let page = fs::read_to_string(&page_path).map_err(|error| format!("{PAGE}: {error}"))?;
        for (claim, section) in claims.iter().zip(&sections) {
            if !page.contains(section.as_str()) {
                problems.push(format!(
                    "{}: {PAGE} says something else than the command does; run `cargo xtask plan-review`. Now:\n{section}",
                    claim.id
                ));
            }
        }
    }
    Ok(problems)
}
