//! Recorded arrivals: a CSV file with a header, one arrival a row.
//!
//! Owns: its columns and their reading, with the place of every mistake.
//! Never: whether a flow, endpoint or class of that name exists (that is `check.rs`).
//! Order: by time; rows of one moment in the order of the file.

use super::diagnostic::Diagnostic;
use super::scenario::TraceRow;
use super::suggest::did_you_mean;
use super::tree::{At, SourceId};
use crate::SimSpan;
use crate::units;

const COLUMNS: [&str; 7] = ["at", "flow", "endpoint", "class", "user", "ip", "work"];

/// More complaints about one file than this help nobody.
const COMPLAINTS_MAX: usize = 20;

/// Lines with their first byte, without line breaks.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let here = start;
        start += line.len() + 1;
        (here, line.strip_suffix('\r').unwrap_or(line))
    })
}

/// Reads a trace; mistakes are added to `mistakes`.
pub(crate) fn parse(text: &str, source: SourceId, path: &str, mistakes: &mut Vec<Diagnostic>) -> Vec<TraceRow> {
    let mut lines = lines(text).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let Some((start, header)) = lines.next() else {
        return Vec::new();
    };
    let columns = columns(start, header, source, path, mistakes);
    if !mistakes.is_empty() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for (start, line) in lines {
        let at = At::new(source, start..start + line.len());
        let cells = cells(line);
        if cells.len() != columns.len() {
            let message = format!(
                "a row of `{path}` has {} columns instead of {}",
                cells.len(),
                columns.len()
            );
            mistakes.push(Diagnostic::error("trace::columns", message, at, "this row"));
        } else {
            rows.extend(row(&columns, &cells, at, start, mistakes));
        }
        if mistakes.len() >= COMPLAINTS_MAX {
            break;
        }
    }
    rows.sort_by_key(|row| row.at);
    rows
}

/// Which column of [`COLUMNS`] each cell of a row is.
fn columns(start: usize, header: &str, source: SourceId, path: &str, mistakes: &mut Vec<Diagnostic>) -> Vec<usize> {
    let mut columns = Vec::new();
    for cell in cells(header) {
        let at = At::new(source, start + cell.start..start + cell.end);
        match COLUMNS.iter().position(|name| *name == cell.text) {
            Some(column) if columns.contains(&column) => {
                let message = format!("`{path}` has the column `{}` twice", cell.text);
                mistakes.push(Diagnostic::error("trace::columns", message, at, "again"));
            }
            Some(column) => columns.push(column),
            None => {
                let message = format!("`{path}` has an unknown column: `{}`", cell.text);
                let help = did_you_mean(&cell.text, COLUMNS, "the columns are");
                mistakes.push(Diagnostic::error("trace::columns", message, at, "unknown column").maybe_help(help));
            }
        }
    }
    if mistakes.is_empty() && !columns.contains(&0) {
        let at = At::new(source, start..start + header.len());
        let message = format!("`{path}` has no column `at`");
        mistakes.push(Diagnostic::error(
            "trace::columns",
            message,
            at,
            "the time of each arrival is needed",
        ));
    }
    columns
}

struct Cell {
    text: String,
    start: usize,
    end: usize,
}

/// The cells of a row. Quotes may stand around a cell; two within it stand for one.
fn cells(line: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut quoted = false;
    let mut start = 0;
    let ends = line.char_indices().filter(|&(_, letter)| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    });
    let ends: Vec<usize> = ends.map(|(byte, _)| byte).chain([line.len()]).collect();
    for end in ends {
        let written = line[start..end].trim();
        let inner = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let text = inner.map_or_else(|| written.to_owned(), |inner| inner.replace("\"\"", "\""));
        cells.push(Cell { text, start, end });
        start = end + 1;
    }
    cells
}

fn row(columns: &[usize], cells: &[Cell], at: At, start: usize, mistakes: &mut Vec<Diagnostic>) -> Option<TraceRow> {
    let mut row = TraceRow::default();
    let mut whole = true;
    for (&column, cell) in columns.iter().zip(cells) {
        let cell_at = At::new(at.source, start + cell.start..start + cell.end);
        let text = (!cell.text.is_empty()).then(|| cell.text.clone());
        match COLUMNS[column] {
            "at" => match seconds(&cell.text) {
                Some(span) => row.at = span,
                None => {
                    let message = "a time must be a number of seconds, or text with a unit";
                    mistakes.push(Diagnostic::error(
                        "trace::bad-value",
                        message,
                        cell_at,
                        "this is neither",
                    ));
                    whole = false;
                }
            },
            "work" => match cell.text.parse::<f64>() {
                _ if text.is_none() => {}
                Ok(work) if (0.0..=super::figure::LONGEST).contains(&work) => row.work = Some(work),
                _ => {
                    let message = "work must be a number of seconds";
                    mistakes.push(Diagnostic::error("trace::bad-value", message, cell_at, "this is none"));
                    whole = false;
                }
            },
            "flow" => row.flow = text,
            "endpoint" => row.endpoint = text,
            "class" => row.class = text,
            "user" => row.user = text,
            _ => row.ip = text,
        }
    }
    if row.flow.is_some() && row.endpoint.is_some() {
        let message = "a row names a flow or an endpoint, not both";
        mistakes.push(Diagnostic::error("trace::bad-value", message, at, "this row"));
        whole = false;
    }
    whole.then_some(row)
}

fn seconds(text: &str) -> Option<SimSpan> {
    let span = match text.parse::<f64>() {
        Ok(seconds) if (0.0..=super::figure::LONGEST).contains(&seconds) => SimSpan::from_seconds(seconds),
        Ok(_) => return None,
        Err(_) => units::parse_span(text).ok()?,
    };
    (span.seconds() <= super::figure::LONGEST).then_some(span)
}
