//! `timeline.csv` read back: what a plot of two runs wants.
//!
//! Owns: the way from columns to windows. Never: opening files.

use std::io::BufRead;

use highwater_models::record::timeline::Timeline;

use super::lines::{Line, Lines};

/// Windows at most: fifty times as many as a run leaves by itself.
const MOST: usize = 100_000;

/// Columns at most.
const COLUMNS: usize = 2000;

/// Reads a file; what follows a broken line is left out. Ranges, phases and faults are not in it.
///
/// # Errors
/// In words, when it is no such file or cannot be read.
pub fn timeline(input: impl BufRead) -> Result<Timeline, String> {
    let mut lines = Lines::new(input);
    let heading = match lines.next().map_err(|error| error.to_string())? {
        Some(Line::Cells(cells)) if cells.first().is_some_and(|first| first == "t") => cells.to_vec(),
        _ => return Err("its first line is not that of a timeline.csv, `t,offered,…`".to_owned()),
    };
    if heading.len() > COLUMNS {
        return Err("it has too many columns".to_owned());
    }
    let mut found = Timeline {
        columns: heading.iter().skip(1).cloned().collect(),
        ..Timeline::default()
    };
    let mut times = Vec::new();
    while found.rows.len() < MOST {
        let Ok(Some(Line::Cells(cells))) = lines.next() else {
            break;
        };
        let mut numbers = cells.iter().map(|cell| cell.parse::<f64>().unwrap_or(f64::NAN));
        let Some(time) = numbers.next().filter(|time| time.is_finite()) else {
            break;
        };
        let row: Vec<f64> = numbers.collect();
        if row.len() != found.columns.len() {
            break;
        }
        times.push(time);
        found.rows.push(row);
    }
    found.window = match times.as_slice() {
        [first, second, ..] if second > first => second - first,
        _ => return Err("it has fewer than two windows".to_owned()),
    };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: two timelines on one picture, each in another time.
    #[test]
    fn windows_are_read_up_to_where_the_file_was_cut_off() {
        let found = timeline("t,offered,latency_p95\n0,12,0.25\n0.5,0,\n1,3".as_bytes()).unwrap();
        assert_eq!((found.window, found.rows.len()), (0.5, 2));
        assert!(found.rows[1][1].is_nan());
        assert_eq!(found.column("latency_p95"), Some(1));
        assert!(timeline("metric,unit\n".as_bytes()).is_err());
        assert!(timeline("t,offered\n0,1\n".as_bytes()).is_err());
    }
}
