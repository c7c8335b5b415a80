//! The `highwater` command.
//!
//! Owns: arguments, files, progress, exit codes. Results go to standard output, everything else to standard error.
//! Never: what a result means (`sim/`) or how it reads (`report/`).

mod arguments;
mod check;
mod compare;
mod environment;
mod exit;
mod explain;
mod failure;
mod hand_over;
mod journal;
mod list;
mod merge;
mod new;
mod next_step;
mod output;
mod precision;
mod progress;
mod report;
mod run;
mod scenario;
mod schema;
mod shard;
mod study;
mod sweep;
mod validate;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;
use crate::hand_over::Program;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error).into(),
    };
    let ended = match &arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Sweep(arguments) => sweep::run(arguments),
        Command::Merge(arguments) => merge::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::New(arguments) => new::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Validate(arguments) => validate::run(arguments),
        Command::Serve(arguments) => hand_over::run(Program::Server, arguments),
        Command::LoadTest(arguments) => hand_over::run(Program::LoadTest, arguments),
        Command::Gui(arguments) => hand_over::run(Program::App, arguments),
    };
    let exit = ended.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        failure.exit()
    });
    exit.into()
}

/// Help, the version, or a mistake in the arguments.
fn usage(error: &clap::Error) -> Exit {
    // Nobody is left to tell when this cannot be written.
    let _ = error.print();
    if error.kind() == ErrorKind::InvalidSubcommand {
        let command = Arguments::command();
        let names: Vec<String> = command
            .get_subcommands()
            .map(|known| format!("`{}`", known.get_name()))
            .collect();
        eprintln!("\nThe commands are {} and `help`.", names.join(", "));
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    }
}
