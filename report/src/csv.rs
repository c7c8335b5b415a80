//! Results as CSV: `timeline.csv`, `requests.csv`, and every figure as one row.
//!
//! Owns: the columns.
//! Never: rounding (numbers are written in full) or opening files: the caller hands in where to write.
//! A cell is empty where nothing was observed.

use std::io::{self, Write};

use highwater_models::record::figures::Figures;
use highwater_models::record::requests;
use highwater_models::record::timeline::Timeline;
use highwater_sim::experiment::{RequestLog, RequestOutcome, RequestRow};

use crate::json;

/// Writes `timeline.csv`: `t` in seconds, then the timeline's columns, a row per window.
///
/// # Errors
/// Those of the writer.
pub fn timeline(timeline: &Timeline, out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_field("t")?;
    rows.write_record(&timeline.columns)?;
    for (index, row) in timeline.rows.iter().enumerate() {
        rows.write_field(cell(index as f64 * timeline.window))?;
        rows.write_record(row.iter().map(|&value| cell(value)))?;
    }
    rows.flush()
}

/// Writes every figure as a row `metric,unit,value,low,high`, in the order of the summary.
///
/// # Errors
/// Those of the writer.
pub fn figures(figures: &Figures, out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(["metric", "unit", "value", "low", "high"])?;
    for (path, figure) in figures.iter() {
        let bound = |end: Option<f64>| end.map_or_else(String::new, cell);
        rows.write_record([
            path.to_string(),
            json::unit_name(figure.unit).to_owned(),
            cell(figure.estimate.value),
            bound(figure.estimate.low),
            bound(figure.estimate.high),
        ])?;
    }
    rows.flush()
}

/// Writes a heading and rows of text.
///
/// # Errors
/// Those of the writer.
pub fn table<const COLUMNS: usize>(
    heading: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
    out: impl Write,
) -> io::Result<()> {
    let mut lines = csv::Writer::from_writer(out);
    lines.write_record(heading)?;
    for row in rows {
        lines.write_record(row)?;
    }
    lines.flush()
}

/// Writes `requests.csv`: a row per request, seconds by stage in the last columns.
///
/// # Errors
/// Those of the writer.
pub fn requests(log: &RequestLog, out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(
        requests::COLUMNS
            .iter()
            .copied()
            .chain(log.stages.iter().map(String::as_str)),
    )?;
    for row in &log.rows {
        for field in request(log, row) {
            rows.write_field(field)?;
        }
        for &seconds in &row.stages {
            rows.write_field(cell(seconds))?;
        }
        rows.write_record(None::<&[u8]>)?;
    }
    rows.flush()
}

fn request(log: &RequestLog, row: &RequestRow) -> [String; requests::COLUMNS.len()] {
    let name = |names: &[String], index: u16| names.get(usize::from(index)).cloned().unwrap_or_default();
    let status = match (row.outcome, row.cause) {
        (RequestOutcome::Useful, _) => Some(200),
        (RequestOutcome::Failed, Some(cause)) => cause.status(),
        _ => None,
    };
    [
        row.replication.to_string(),
        row.number.to_string(),
        cell(row.at),
        name(&log.sources, row.source),
        row.session.to_string(),
        row.user.to_string(),
        row.ip.to_string(),
        name(&log.classes, row.class),
        name(&log.endpoints, row.endpoint),
        row.phase.map_or_else(String::new, |phase| name(&log.phases, phase)),
        row.outcome.name().to_owned(),
        row.cause.map_or_else(String::new, |cause| cause.name().to_owned()),
        status.map_or_else(String::new, |status| status.to_string()),
        cell(row.latency),
        row.attempts.to_string(),
    ]
}

/// A number in its shortest form, nothing where there is none.
pub(crate) fn cell(value: f64) -> String {
    if value.is_finite() {
        // Adding zero turns negative zero into zero.
        (value + 0.0).to_string()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::Cause;
    use highwater_models::record::figures::{Estimate, Figure, FigureKind, Path, Unit};

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).expect("a vector takes everything");
        String::from_utf8(bytes).expect("text")
    }

    // Lost if broken: windows at the wrong time, or a zero where nothing was observed.
    #[test]
    fn a_window_is_a_row_that_begins_with_its_time() {
        let record = Timeline {
            window: 0.5,
            columns: vec!["offered".to_owned(), "latency_p95".to_owned()],
            rows: vec![vec![12.0, 0.25], vec![0.0, f64::NAN]],
            ..Timeline::default()
        };
        assert_eq!(
            written(|out| timeline(&record, out)),
            "t,offered,latency_p95\n0,12,0.25\n0.5,0,\n"
        );
    }

    // Lost if broken: spreadsheets that cannot tell an endpoint's dots from the path's.
    #[test]
    fn a_figure_is_a_row_with_its_path_and_unit() {
        let mut table = Figures::default();
        let mut add = |names: &[&str], unit, estimate| {
            let figure = Figure {
                kind: FigureKind::Estimate,
                unit,
                estimate,
                samples: Vec::new(),
            };
            table.insert(Path::new(names), figure);
        };
        add(
            &["endpoints", "a.b", "latency", "p95"],
            Unit::Seconds,
            Estimate {
                value: 0.25,
                low: Some(0.2),
                high: Some(0.3),
            },
        );
        add(
            &["goodput"],
            Unit::PerSecond,
            Estimate {
                value: f64::NAN,
                low: None,
                high: None,
            },
        );
        assert_eq!(
            written(|out| figures(&table, out)),
            "metric,unit,value,low,high\n\"endpoints.\"\"a.b\"\".latency.p95\",s,0.25,0.2,0.3\ngoodput,1/s,,,\n"
        );
    }

    // Lost if broken: the link between a failed request, its cause, and the status its client saw.
    #[test]
    fn a_request_is_a_row_with_its_outcome_and_stages() {
        let row = |outcome, cause, phase| RequestRow {
            replication: 0,
            number: 7,
            at: 1.5,
            source: 0,
            session: 3,
            user: 2,
            ip: 1,
            class: 0,
            endpoint: 0,
            phase,
            outcome,
            cause,
            latency: 0.25,
            attempts: 2,
            stages: vec![0.2, f64::NAN],
        };
        let log = RequestLog {
            sources: vec!["load".to_owned()],
            classes: vec!["user".to_owned()],
            endpoints: vec!["job".to_owned()],
            phases: vec!["peak".to_owned()],
            stages: vec!["wait.web".to_owned(), "cpu.web".to_owned()],
            rows: vec![
                row(RequestOutcome::Useful, None, Some(0)),
                row(RequestOutcome::Failed, Some(Cause::RateLimited), None),
                row(RequestOutcome::Abandoned, Some(Cause::ClientTimeout), None),
            ],
        };
        assert_eq!(
            written(|out| requests(&log, out)),
            concat!(
                "replication,n,t,source,session,user,ip,class,endpoint,phase,outcome,cause,status,latency,attempts,",
                "wait.web,cpu.web\n",
                "0,7,1.5,load,3,2,1,user,job,peak,useful,,200,0.25,2,0.2,\n",
                "0,7,1.5,load,3,2,1,user,job,,failed,rate_limited,429,0.25,2,0.2,\n",
                "0,7,1.5,load,3,2,1,user,job,,abandoned,client_timeout,,0.25,2,0.2,\n",
            )
        );
    }
}
