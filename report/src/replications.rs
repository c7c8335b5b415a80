//! `replications.csv`: every figure with its value in each replication, so that two runs can be compared in pairs from
//! their files alone.
//!
//! Owns: the columns, both ways. Never: rounding; a value reads back as the same number.
//!
//! A row per figure: `metric`, `unit`, then a column per replication, headed by its number from 0 as in `requests.csv`. A
//! cell is empty where that replication observed nothing.

use std::io::{self, Write};

use highwater_models::record::figures::{Figures, Path, Unit};

use crate::json;

/// The columns before the replications.
const FIRST: [&str; 2] = ["metric", "unit"];

/// Writes the values of all figures that have any.
///
/// # Errors
/// Those of the writer.
pub fn write(figures: &Figures, out: impl Write) -> io::Result<()> {
    let count = figures
        .iter()
        .map(|(_, figure)| figure.samples.len())
        .max()
        .unwrap_or(0);
    let mut rows = csv::Writer::from_writer(out);
    let numbers = (0..count).map(|number| number.to_string());
    rows.write_record(FIRST.map(str::to_owned).into_iter().chain(numbers))?;
    for (path, figure) in figures.iter().filter(|(_, figure)| !figure.samples.is_empty()) {
        rows.write_field(path.to_string())?;
        rows.write_field(json::unit_name(figure.unit))?;
        let cell = |number: usize| match figure.samples.get(number) {
            Some(value) if value.is_finite() => (value + 0.0).to_string(),
            _ => String::new(),
        };
        rows.write_record((0..count).map(cell))?;
    }
    rows.flush()
}

/// One figure's values, as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its path.
    pub path: Path,
    /// What it counts in.
    pub unit: Unit,
    /// A value per replication, NaN where the cell is empty.
    pub samples: Vec<f64>,
}

/// Reads the file's text.
///
/// # Errors
/// In words, what is wrong and in which line.
pub fn read(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = csv::Reader::from_reader(text.as_bytes());
    let heading = lines.headers().map_err(|error| error.to_string())?;
    if heading.iter().take(FIRST.len()).ne(FIRST) {
        return Err("its first line is not that of a replications.csv, `metric,unit,0,1,…`".to_owned());
    }
    let mut rows = Vec::new();
    for (index, record) in lines.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let wrong = |what: &str| format!("line {}: {what}", index + 2);
        let mut cells = record.iter();
        let (path, unit) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        let unit = json::unit_of_name(unit).ok_or_else(|| wrong(&format!("`{unit}` is no unit")))?;
        let samples = cells.map(|cell| match cell {
            "" => Ok(f64::NAN),
            number => number.parse().map_err(|_| wrong(&format!("`{number}` is no number"))),
        });
        rows.push(Row {
            path: Path::parse(path),
            unit,
            samples: samples.collect::<Result<_, _>>()?,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::record::figures::{Estimate, Figure, FigureKind};

    // Lost if broken: pairs from files that differ from those in memory by a rounding, a name or a missing replication.
    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let mut figures = Figures::default();
        for (path, samples) in [
            (
                &["endpoints", "a.b", "latency", "p95"][..],
                vec![0.1 + 0.2, f64::NAN, 1e-300],
            ),
            (&["goodput"], vec![1.0, 2.0, 1.0 / 3.0]),
            (&["read", "from", "a", "file"], vec![]),
        ] {
            let figure = Figure {
                kind: FigureKind::Estimate,
                unit: Unit::Seconds,
                estimate: Estimate::exact(1.0),
                samples,
            };
            figures.insert(Path::new(path), figure);
        }
        let mut bytes = Vec::new();
        write(&figures, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("metric,unit,0,1,2\n\"endpoints.\"\"a.b\"\".latency.p95\",s,0.30000000000000004,,"));
        let rows = read(&text).unwrap();
        assert_eq!(rows.len(), 2);
        for row in rows {
            let samples = &figures.at(&row.path).unwrap().samples;
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&row.samples), bits(samples));
        }
    }

    // Lost if broken: a file of something else is read as no figures at all.
    #[test]
    fn another_file_is_told_from_this_one() {
        assert!(read("t,offered\n0,12\n").unwrap_err().contains("first line"));
        assert_eq!(
            read("metric,unit,0\ngoodput,1/s,1\nx,furlong,2\n").unwrap_err(),
            "line 3: `furlong` is no unit"
        );
        assert_eq!(
            read("metric,unit,0\ngoodput,1/s,fast\n").unwrap_err(),
            "line 2: `fast` is no number"
        );
        assert!(read("metric,unit,0\ngoodput,1/s\n").is_err());
    }
}
