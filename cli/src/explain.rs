//! `highwater explain KEY`: what a setting means, and where a default or a figure of the catalogue comes from.

use std::io::{self, IsTerminal};

use highwater_models::catalogue;
use highwater_models::file::nearest;
use highwater_models::file::reference::{self, KeyReference, Standing, TableReference};
use highwater_models::review::{self, Rule};
use highwater_report::paint::{Paint, Style};
use highwater_report::table::wrap_after;

use crate::arguments::Explain;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// When nothing goes by that name, or standard output cannot be written.
pub fn run(arguments: &Explain) -> Result<Exit, Failure> {
    let paint = environment::paint(io::stdout().is_terminal());
    output::print(&text(&arguments.key, paint)?)?;
    Ok(Exit::Done)
}

/// Everything known under that name: settings first, then the catalogue.
fn text(name: &str, paint: Paint) -> Result<String, Failure> {
    let mut parts = Vec::new();
    let settings = reference::explain(name);
    if let Ok(found) = &settings {
        parts.extend(found.table.iter().map(|found| table(found, paint)));
        parts.extend(found.keys.iter().map(|(title, found)| key(title, found, paint)));
    }
    let figures = catalogue::explain(name);
    parts.extend(
        figures
            .chunk_by(|a, b| a.key == b.key)
            .map(|editions| figure(editions, paint)),
    );
    parts.extend(review::find(name.trim()).map(|found| rule(found, paint)));
    if parts.is_empty() {
        let near = settings.err().unwrap_or_default();
        return Err(unknown(name, &near));
    }
    Ok(parts.join("\n"))
}

fn table(table: &TableReference, paint: Paint) -> String {
    let mut text = format!("{} (table)\n", paint.text(Style::Heading, table.title));
    text.push_str(&indented(table.meaning));
    if table.one_key {
        text.push_str(&indented("takes exactly one of its keys"));
    }
    let widest = table.keys.iter().map(|key| key.key.len()).max().unwrap_or(0);
    for key in &table.keys {
        let lead = format!("  {:widest$}  ", key.key);
        text.push_str(&wrap_after(&lead, &format!("{}; {}", key.type_text, key.meaning)));
    }
    text
}

fn key(title: &str, key: &KeyReference, paint: Paint) -> String {
    let name = if title.is_empty() {
        key.key.to_owned()
    } else {
        format!("{title}.{}", key.key)
    };
    let mut text = format!("{} ({})\n", paint.text(Style::Heading, &name), key.type_text);
    text.push_str(&indented(key.meaning));
    let default = match (key.required, key.default) {
        (true, _) => "has to be given".to_owned(),
        (false, Some(default)) if key.default_text.is_empty() => format!("default: {default}"),
        (false, Some(default)) => format!("default: {default} ({})", key.default_text),
        (false, None) if key.default_text.is_empty() => "default: none".to_owned(),
        (false, None) => format!("default: none ({})", key.default_text),
    };
    text.push_str(&indented(&default));
    if let Some((least, most)) = key.range {
        text.push_str(&indented(&range(least, most)));
    }
    if !key.required {
        text.push_str(&indented(&standing(key.standing)));
    }
    text
}

/// Bounds of a setting in base units: seconds, bytes, shares, counts.
fn range(least: f64, most: f64) -> String {
    match (least.is_finite(), most.is_finite()) {
        (true, true) => format!("from {least} to {most}"),
        (true, false) => format!("at least {least}"),
        (false, true) => format!("at most {most}"),
        (false, false) => "any number".to_owned(),
    }
}

fn standing(standing: Standing) -> String {
    let word = standing.text();
    match standing {
        Standing::Defined => word.to_owned(),
        Standing::Documented { source, date } | Standing::Measured { source, date } => {
            format!("{word}: {source} ({date})")
        }
        Standing::Assumed { reason, date } => format!("{word}: {reason} ({date})"),
    }
}

/// A rule of the design review.
fn rule(rule: &Rule, paint: Paint) -> String {
    let name = paint.text(Style::Heading, rule.id);
    let mut text = format!("{name} (rule of the design review: {})\n", rule.severity.text());
    text.push_str(&indented(rule.meaning));
    text.push_str(&indented(&format!("rests on: {} ({})", rule.source, rule.date)));
    text.push_str(&indented(&format!(
        "to allow it: `[review] allow = {{ \"{}\" = \"reason\" }}` in the system file",
        rule.id
    )));
    text
}

/// A figure of the catalogue in each edition that has it.
fn figure(editions: &[catalogue::Explanation], paint: Paint) -> String {
    let Some(first) = editions.first() else {
        return String::new();
    };
    let mut text = format!("{} (catalogue)\n", paint.text(Style::Heading, &first.key));
    text.push_str(&indented(first.meaning));
    // Editions that say the same are said once.
    for same in editions.chunk_by(|a, b| said(a) == said(b)) {
        let dates: Vec<&str> = same.iter().map(|edition| edition.edition).collect();
        let heading = if dates.len() == 1 { "edition" } else { "editions" };
        let lead = format!("  {heading} {}: ", dates.join(", "));
        text.push_str(&wrap_after(&lead, &same.first().map(said).unwrap_or_default()));
    }
    text
}

/// What an edition says of a figure: the figure, how well it is known, and from where.
fn said(figure: &catalogue::Explanation) -> String {
    let value = format!("{} {}", figure.value, figure.unit);
    let note = figure.note.map_or_else(String::new, |note| format!(". {note}"));
    format!(
        "{}; {}: {} ({}){note}",
        value.trim_end(),
        figure.standing_text,
        figure.source,
        figure.date
    )
}

fn indented(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    wrap_after("  ", text)
}

fn unknown(name: &str, near: &[String]) -> Failure {
    let figures = catalogue::keys();
    let mut meant: Vec<String> = near.to_vec();
    meant.extend(nearest(name, figures.iter().map(AsRef::as_ref)).map(str::to_owned));
    meant.extend(nearest(name, review::ids()).map(str::to_owned));
    let help = match meant.as_slice() {
        [] => "settings are named as in the files, such as `pool.timeout` or `service.scaling`; figures of the \
               catalogue by their plan or model, such as `starter` or `gpt-4`"
            .to_owned(),
        meant => format!("did you mean `{}`?", meant.join("` or `")),
    };
    Failure::Usage {
        message: format!("nothing is known about `{name}`"),
        help,
    }
}
