//! `highwater schema KIND`: the JSON Schema that editors complete from.

use clap::{Args, ValueEnum};
use highwater_models::file::schema::FileKind;
use highwater_report::schema;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Arguments of `highwater schema`.
#[derive(Debug, Args)]
#[command(after_help = IN_AN_EDITOR)]
pub struct Schema {
    /// The kind of file
    pub kind: Kind,
}

const IN_AN_EDITOR: &str = "\
In an editor:
  highwater schema scenario > scenario.schema.json
and as the first line of a scenario
  #:schema ./scenario.schema.json
which taplo, Even Better TOML for VS Code and other editors of TOML understand.";

/// The kinds of file.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// What is deployed and how it is protected
    System,
    /// Who comes, what goes wrong, what must hold
    Scenario,
    /// Many scenarios, settings and profiles
    Study,
}

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(arguments: &Schema) -> Result<Exit, Failure> {
    let kind = match arguments.kind {
        Kind::System => FileKind::System,
        Kind::Scenario => FileKind::Scenario,
        Kind::Study => FileKind::Study,
    };
    output::print(&schema::text(kind))?;
    Ok(Exit::Done)
}
