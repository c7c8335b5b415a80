//! Checked files as workflow commands of GitHub Actions, which marks the lines of a pull request with them.
//!
//! Owns: the commands and their escaping.
//! Never: finding out where it runs (`cli/`).
//! Source: "Workflow commands for GitHub Actions", docs.github.com, read 2026-11-24; the escapes are those of
//! `@actions/core`: `%`, CR and LF in data, `:` and `,` too in properties.

use highwater_models::file::PlaceData;
use highwater_models::record::summary::Objective;
use highwater_models::review::Severity;

use super::{Checked, needed};
use crate::number;
use crate::words;

/// One line for each mistake, contradiction, risk, and objective that is missed or open, the worst first within a file:
/// GitHub shows ten errors and ten warnings of a step. `is_pass` is whether an open objective passes. `path_of` turns a
/// file's name into the path from the repository's root, and is nothing for what is no file there, such as a bundled
/// scenario or a flag.
#[must_use]
pub fn lines(files: &[Checked], is_pass: bool, path_of: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut lines = Vec::new();
    for checked in files {
        let own = path_of(&checked.file);
        let place = |place: Option<&PlaceData>| -> Vec<(&'static str, String)> {
            let within = place.and_then(|place| Some((path_of(&place.file)?, place)));
            match (within, &own) {
                (Some((path, place)), _) => {
                    let mut properties = vec![
                        ("file", path),
                        ("line", place.line.to_string()),
                        ("endLine", place.end_line.max(place.line).to_string()),
                    ];
                    // Columns count only within one line.
                    if place.end_line == place.line {
                        properties.push(("col", place.column.to_string()));
                        properties.push(("endColumn", place.end_column.max(place.column + 1).to_string()));
                    }
                    properties
                }
                (None, Some(own)) => vec![("file", own.clone())],
                (None, None) => Vec::new(),
            }
        };
        for complaint in &checked.complaints {
            let data = &complaint.data;
            let mut said = data.message.clone();
            if !data.place.label.is_empty() {
                said.push_str(&format!(" ({})", data.place.label));
            }
            if let Some(help) = &data.help {
                said.push_str(&format!("\nhelp: {help}"));
            }
            lines.push(command(data.severity, place(Some(&data.place)), data.id, &said));
        }
        if let Some(trouble) = &checked.trouble {
            let said = format!("could not be run: {trouble}");
            lines.push(command("error", place(None), "unfinished", &said));
        }
        if let Some(run) = &checked.run {
            let places = run.places.iter().map(Option::as_ref).chain(std::iter::repeat(None));
            for ((objective, needed), at) in run.summary.objectives.iter().zip(&run.needed).zip(places) {
                let (level, word) = match objective.met {
                    Some(true) => continue,
                    Some(false) => ("error", "missed"),
                    None if is_pass => ("warning", "not decided"),
                    None => ("error", "not decided"),
                };
                let mut said = format!("{}: {}", checked.file, figures(objective));
                if let Some(sentence) = needed::sentence(objective, *needed) {
                    said.push_str(&format!("\n{sentence}"));
                }
                let title = format!("{} {word}", words::objective(objective));
                lines.push(command(level, place(at), &title, &said));
            }
        }
        for (severity, level) in [(Severity::Contradiction, "error"), (Severity::Risk, "warning")] {
            for (finding, at) in checked.findings(severity) {
                let said = format!("{}\n{}\ncure: {}", finding.title, finding.arithmetic, finding.cure);
                lines.push(command(level, place(at), finding.id, &said));
            }
        }
    }
    lines
}

/// "p95 latency: 2.41 s (95 % interval 2.29 to 2.53), has to be at most 2 s"
pub(super) fn figures(objective: &Objective) -> String {
    let cells = number::cells(&objective.value, objective.unit);
    let interval = if cells.interval.is_empty() {
        String::new()
    } else {
        format!(" (95 % interval {})", cells.interval)
    };
    format!(
        "{}: {}{interval}, has to be {}",
        words::objective(objective),
        cells.value,
        words::bound(objective)
    )
}

fn command(level: &str, properties: Vec<(&'static str, String)>, title: &str, message: &str) -> String {
    let properties: Vec<String> = properties
        .into_iter()
        .chain([("title", format!("Highwater: {title}"))])
        .map(|(name, value)| format!("{name}={}", property(&value)))
        .collect();
    format!("::{level} {}::{}", properties.join(","), data(message))
}

/// A message in a command: one line, whatever it holds.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value: nothing in it ends the property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a file name or message that ends the command early, or starts one of its own.
    #[test]
    fn nothing_in_a_text_ends_a_command() {
        assert_eq!(
            command(
                "error",
                vec![("file", "a,b:c%.toml".to_owned())],
                "x",
                "50 % of\r\n::stop-commands::a, b: c"
            ),
            "::error file=a%2Cb%3Ac%25.toml,title=Highwater%3A x::50 %25 of%0D%0A::stop-commands::a, b: c"
        );
    }
}
