//! A plot's data as a file for programs: every value as it was computed.
//!
//! Owns: its columns. Never: which plots there are, rounding.

use highwater_report::plot::{Kind, Plot};

/// The data of a plot as CSV.
#[must_use]
pub fn csv(plot: &Plot) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    match &plot.kind {
        Kind::Lines(lines) => {
            let first = if lines.x.is_clock {
                "seconds"
            } else {
                lines.x.label.as_str()
            };
            let mut head = vec![first.to_owned()];
            for series in &lines.series {
                head.extend(["", " low", " high"].map(|end| format!("{}{end}", series.name)));
            }
            rows.push(head);
            let longest = lines.series.iter().max_by_key(|series| series.points.len());
            for (number, point) in longest.iter().flat_map(|series| series.points.iter().enumerate()) {
                let mut row = vec![cell(point.x)];
                for series in &lines.series {
                    let point = series.points.get(number);
                    row.extend(match point {
                        Some(point) => [point.y, point.low, point.high].map(cell),
                        None => Default::default(),
                    });
                }
                rows.push(row);
            }
        }
        Kind::Stacks(stacks) => {
            let names = stacks.parts.iter().map(|(name, _)| name.clone());
            rows.push(std::iter::once("seconds".to_owned()).chain(names).collect());
            let count = stacks.parts.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
            for number in 0..count {
                let values = stacks
                    .parts
                    .iter()
                    .map(|(_, values)| cell(values.get(number).copied().unwrap_or(f64::NAN)));
                rows.push(
                    std::iter::once(cell(number as f64 * stacks.window))
                        .chain(values)
                        .collect(),
                );
            }
        }
        Kind::Bars(bars) => {
            let parts: Vec<String> = if bars.parts.is_empty() {
                vec!["value".to_owned()]
            } else {
                bars.parts.clone()
            };
            let head = std::iter::once("name".to_owned()).chain(parts.iter().cloned());
            rows.push(head.chain(["low".to_owned(), "high".to_owned()]).collect());
            for bar in &bars.bars {
                let mut values = vec![String::new(); parts.len()];
                for part in &bar.parts {
                    if let Some(value) = values.get_mut(if bars.parts.is_empty() { 0 } else { part.of }) {
                        *value = cell(part.value);
                    }
                }
                let (low, high) = bar.interval.unwrap_or((f64::NAN, f64::NAN));
                let ends = [cell(low), cell(high)];
                rows.push(std::iter::once(bar.name.clone()).chain(values).chain(ends).collect());
            }
        }
        Kind::Dots(dots) => {
            let mut head = vec!["name".to_owned()];
            for name in &dots.series {
                head.extend(["", " low", " high"].map(|end| format!("{name}{end}")));
            }
            rows.push(head);
            for row in &dots.rows {
                let values = row.values.iter().flat_map(|value| {
                    [
                        value.value,
                        value.low.unwrap_or(f64::NAN),
                        value.high.unwrap_or(f64::NAN),
                    ]
                    .map(cell)
                });
                rows.push(std::iter::once(row.name.clone()).chain(values).collect());
            }
        }
    }
    rows.iter().map(|row| line(row)).collect()
}

/// A number, and nothing where nothing was observed.
fn cell(value: f64) -> String {
    if value.is_nan() {
        String::new()
    } else {
        value.to_string()
    }
}

fn line(row: &[String]) -> String {
    let cells: Vec<String> = row
        .iter()
        .map(|cell| {
            if cell.contains([',', '"', '\n']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        })
        .collect();
    format!("{}\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::record::figures::Unit;
    use highwater_report::plot::{Axis, Lines, Point, Series};

    // Lost if broken: a file with columns that no longer belong to their names.
    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let series = |name: &str, values: &[f64]| Series {
            name: name.to_owned(),
            points: values
                .iter()
                .enumerate()
                .map(|(at, &value)| Point::at(at as f64, value))
                .collect(),
        };
        let kind = Kind::Lines(Lines::new(
            Axis::clock(),
            Axis::new("y", Unit::Count),
            vec![series("one, two", &[1.5, f64::NAN]), series("three", &[4.0])],
        ));
        let plot = Plot {
            name: String::new(),
            title: String::new(),
            finding: String::new(),
            note: String::new(),
            kind,
        };
        assert_eq!(
            csv(&plot),
            "seconds,\"one, two\",\"one, two low\",\"one, two high\",three,three low,three high\n0,1.5,,,4,,\n1,,,,,,\n"
        );
    }
}
