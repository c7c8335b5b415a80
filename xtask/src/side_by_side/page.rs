//! `docs/fidelity.md`: how far simulation and reference server are apart.
//!
//! Owns: the page's words and table. Never: a figure of its own; all are from `comparison.json`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Row;

const PAGE: &str = "docs/fidelity.md";

/// The figures of the table: their paths and what stands above them.
const FIGURES: [(&str, &str); 5] = [
    ("latency.p50", "median"),
    ("latency.p95", "p95"),
    ("errors.rate", "errors"),
    ("goodput", "goodput"),
    ("latency.mean", "mean"),
];

/// Differences that are listed by name: ten per cent of the measured value, or a point of a share.
const LISTED: f64 = 0.1;

/// Writes the page, whole or not at all.
///
/// # Errors
/// Those of the file system.
pub fn write(root: &Path, rows: &[Row], time_scale: f64, repeats: u32, tolerance: &str) -> Result<(), String> {
    let temporary = root.join(format!("{PAGE}.tmp"));
    let text = text(rows, time_scale, repeats, tolerance);
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, root.join(PAGE)));
    written.map_err(|error| format!("{PAGE}: {error}"))?;
    eprintln!("side-by-side: wrote {PAGE}");
    Ok(())
}

fn text(rows: &[Row], time_scale: f64, repeats: u32, tolerance: &str) -> String {
    let mut page = String::from(
        "# How far simulation and reference server are apart\n\n\
         Each scenario of `examples/side-by-side` is simulated, and run for real: the load generator plays the same sessions against \
         the reference server, with a PostgreSQL and a Redis of its own. Written by\n\n\
         ```\n",
    );
    let mut command = "cargo xtask side-by-side --all".to_owned();
    if time_scale != 1.0 {
        let _ = write!(command, " --time-scale {time_scale}");
    }
    if repeats != 1 {
        let _ = write!(command, " --repeats {repeats}");
    }
    if tolerance != "10%" {
        let _ = write!(command, " --tolerance {tolerance}");
    }
    let _ = write!(
        page,
        "{command}\n```\n\nAn entry is *simulated / measured*. \"Agree\" counts figures whose difference may be chance (95 %) or is \
         within {tolerance} of the measured value, of all that both sides have. How that is found out: `docs/measured.md`.\n\n"
    );
    page.push_str("| scenario | agree |");
    for (_, heading) in FIGURES {
        let _ = write!(page, " {heading} |");
    }
    page.push_str("\n|---|---|");
    page.push_str(&"---|".repeat(FIGURES.len()));
    page.push('\n');
    for row in rows {
        let found = &row.comparison;
        let _ = write!(
            page,
            "| `{}` | {} of {} |",
            name(row),
            found["agreed"],
            found["compared"]
        );
        for (metric, _) in FIGURES {
            let _ = write!(
                page,
                " {} |",
                figure(found, metric).map_or_else(|| "-".to_owned(), both)
            );
        }
        page.push('\n');
    }
    for row in rows {
        let found = &row.comparison;
        let _ = write!(page, "\n## `{}`\n\n", name(row));
        let words = found["words"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let _ = writeln!(page, "{}", words.collect::<Vec<_>>().join(" "));
        let listed = listed(found);
        if !listed.is_empty() {
            page.push_str("\nDifferences of more than a tenth, or of a point:\n\n");
            for item in listed {
                let _ = writeln!(page, "- `{}`: {}", text_of(&item["metric"]), both(item));
            }
            if let Some((_, why)) = EXPLAINED.iter().find(|(scenario, _)| *scenario == name(row)) {
                let _ = writeln!(page, "\n{why}");
            }
        }
        let real = real(&row.server);
        if !real.is_empty() {
            let _ = writeln!(page, "\n{real}");
        }
    }
    page
}

/// Why a scenario's differences are what they are, where that is known. Without figures: those are the run's.
const EXPLAINED: [(&str, &str); 2] = [
    (
        "three-instances",
        "Why: how many of the database's connections each instance holds is settled by their rivalry in the first seconds, and kept, \
     for the connection given back last is lent first. Two runs of the same people part there and do not meet again, so what \
     they share says less than it seems to. The simulation's replications differ among themselves by as much: \
     `errors.rate` in `replications.csv` of `highwater run examples/side-by-side/three-instances.toml --out DIR`.",
    ),
    (
        "overload",
        "Why: where people give up before they have their answer, the simulation counts to throughput what was finished for nobody; a load \
     generator has hung up by then and cannot. Goodput is of those who waited, on both sides.",
    ),
];

/// What the server says is real and what it emulates: from the line that begins with the one to the sentence about the other.
fn real(lines: &[String]) -> String {
    let from = lines.iter().position(|line| line.starts_with("Real are"));
    let to = lines.iter().position(|line| line.starts_with("Emulated are"));
    let (Some(from), Some(to)) = (from, to) else {
        return String::new();
    };
    let Some(said) = lines.get(from..=to) else {
        return String::new();
    };
    let emulated = said.last().and_then(|line| line.split_inclusive(". ").next());
    // Ports are others each time, and say nothing.
    let mut parts = said[..said.len() - 1]
        .iter()
        .map(|line| line.trim().split(" at ").next().unwrap_or_default());
    let head = parts.next().unwrap_or_default();
    let list = parts.collect::<Vec<_>>().join("; ");
    format!("{head} {list}. {}", emulated.unwrap_or_default().trim())
}

fn name(row: &Row) -> String {
    let path = Path::new(&row.scenario);
    path.file_stem()
        .map_or_else(|| row.scenario.clone(), |name| name.to_string_lossy().into_owned())
}

const GROUPS: [&str; 5] = ["headline", "errors", "stages", "endpoints", "resources"];

fn all(found: &Value) -> impl Iterator<Item = &Value> {
    GROUPS.iter().filter_map(|group| found[*group].as_array()).flatten()
}

fn figure<'a>(found: &'a Value, metric: &str) -> Option<&'a Value> {
    all(found).find(|item| item["metric"] == metric)
}

/// Figures of the whole, causes and stages that differ by more than a tenth.
fn listed(found: &Value) -> Vec<&Value> {
    all(found)
        .filter(|item| item["verdict"] == "differs")
        .filter(|item| match item["unit"].as_str() {
            Some("share") => item["difference"]["value"]
                .as_f64()
                .is_some_and(|by| by.abs() > LISTED / 10.0),
            _ => item["ratio"].as_f64().is_none_or(|ratio| ratio.abs() > LISTED),
        })
        .collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// "2.41 s / 2.74 s".
fn both(item: &Value) -> String {
    let unit = text_of(&item["unit"]);
    let shown = |side: &str| {
        item[side]["value"]
            .as_f64()
            .map_or_else(|| "-".to_owned(), |value| shown(value, unit))
    };
    format!("{} / {}", shown("simulated"), shown("measured"))
}

/// A value with three digits that count.
fn shown(value: f64, unit: &str) -> String {
    let (value, sign) = match unit {
        "s" if value.abs() < 1.0 => (value * 1000.0, " ms"),
        "s" => (value, " s"),
        "share" => (value * 100.0, " %"),
        "1/s" => (value, "/s"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}{sign}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    // Lost if broken: a page that shows one run's figures under another's name, or hides what differs.
    #[test]
    fn a_row_says_what_was_found_and_what_differs() {
        let item = |metric: &str, unit: &str, one: f64, other: f64, verdict: &str| {
            json!({
                "metric": metric, "unit": unit, "verdict": verdict, "ratio": (one - other) / other,
                "simulated": { "value": one }, "measured": { "value": other }, "difference": { "value": one - other },
            })
        };
        let row = Row {
            scenario: "examples/side-by-side/light.toml".to_owned(),
            comparison: json!({
                "agreed": 14, "compared": 16, "words": ["It agrees.", "Nearly."],
                "headline": [
                    item("latency.p95", "s", 0.241, 0.25, "agrees"),
                    item("goodput", "1/s", 172.0, 156.0, "differs"),
                    item("errors.rate", "share", 0.1, 0.104, "differs"),
                ],
            }),
            agrees: false,
            server: [
                "alerts: logged",
                "Real are sockets; and",
                "  database `postgres`: temporary PostgreSQL at 127.0.0.1:1",
                "  cache `redis`: a map",
                "Emulated are the instances. Ctrl-C stops it.",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        let text = text(&[row], 2.0, 1, "10%");
        assert!(
            text.contains("| `light` | 14 of 16 | - | 241 ms / 250 ms | 10.0 % / 10.4 % | 172/s / 156/s | - |"),
            "{text}"
        );
        assert!(text.contains("--all --time-scale 2\n"), "{text}");
        assert!(text.contains("It agrees. Nearly."), "{text}");
        assert!(
            text.contains("- `goodput`: 172/s / 156/s") && !text.contains("- `errors.rate`"),
            "{text}"
        );
        let real = "Real are sockets; and database `postgres`: temporary PostgreSQL; cache `redis`: a map. Emulated are the instances.\n";
        assert!(text.contains(real), "{text}");
    }
}
