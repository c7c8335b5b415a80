//! `highwater list`: what ships with the command.

use std::io::{self, IsTerminal};

use highwater_models::bundled::{self, Bundled};
use highwater_report::paint::{Paint, Style};
use highwater_report::table::wrap_after;
use serde_json::{Value, json};

use crate::arguments::{Format, List};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(arguments: &List) -> Result<Exit, Failure> {
    let text = match arguments.format {
        Format::Table => table(environment::paint(io::stdout().is_terminal())),
        Format::Json => format!("{:#}\n", data()),
        Format::Csv => rows()?,
    };
    output::print(&text)?;
    Ok(Exit::Done)
}

/// The kinds of bundled file.
fn kinds() -> [(&'static str, &'static [Bundled]); 3] {
    [
        ("scenario", bundled::scenarios()),
        ("study", bundled::studies()),
        ("system", bundled::systems()),
    ]
}

fn table(paint: Paint) -> String {
    let mut text = String::new();
    let widest = kinds()
        .iter()
        .flat_map(|(_, files)| files.iter())
        .map(|file| file.name.len())
        .max()
        .unwrap_or(0);
    for (heading, (_, files)) in [
        "Scenarios: highwater run NAME",
        "Studies: highwater sweep NAME",
        "Systems: `system = \"NAME\"` in a scenario",
    ]
    .iter()
    .zip(kinds())
    {
        text.push_str(&paint.text(Style::Heading, heading));
        text.push('\n');
        for file in files {
            text.push_str(&wrap_after(&format!("  {:widest$}  ", file.name), &file.question()));
            for (profile, meaning) in file.profiles() {
                text.push_str(&wrap_after(&format!("    --profile {profile}  "), &meaning));
            }
        }
        text.push('\n');
    }
    text.pop();
    text
}

fn data() -> Value {
    let files = |files: &[Bundled]| -> Value {
        files
            .iter()
            .map(|file| json!({ "name": file.name, "question": file.question() }))
            .collect()
    };
    let systems: Value = bundled::systems()
        .iter()
        .map(|file| {
            let profiles = file.profiles().into_iter();
            let profiles: Value = profiles
                .map(|(name, meaning)| json!({ "name": name, "meaning": meaning }))
                .collect();
            json!({ "name": file.name, "question": file.question(), "profiles": profiles })
        })
        .collect();
    json!({ "scenarios": files(bundled::scenarios()), "studies": files(bundled::studies()), "systems": systems })
}

fn rows() -> Result<String, Failure> {
    output::csv_text(|out| {
        let rows = kinds().into_iter().flat_map(|(kind, files)| {
            files
                .iter()
                .map(move |file| [kind.to_owned(), file.name.to_owned(), file.question()])
        });
        highwater_report::csv::table(["kind", "name", "question"], rows, out)
    })
}
