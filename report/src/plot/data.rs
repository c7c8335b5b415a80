//! What a plot shows as a table, for those who do not see it and those who want the numbers.

use highwater_models::record::figures::{Estimate, Unit};

use super::axis::Axis;
use super::lines::Point;
use super::thin::thin;
use super::{Bars, Dots, Kind, Lines, Plot, Stacks};
use crate::number::{self, span_words};
use crate::paint::Style;
use crate::table::{Align, Cell, Table};

/// Rows of a table over time: enough to follow a day, few enough to read.
const ROWS: usize = 30;

impl Plot {
    /// What it shows, in rows.
    #[must_use]
    pub fn table(&self) -> Table {
        match &self.kind {
            Kind::Lines(lines) => of_lines(lines),
            Kind::Stacks(stacks) => of_stacks(stacks),
            Kind::Bars(bars) => of_bars(bars),
            Kind::Dots(dots) => of_dots(dots),
        }
    }
}

fn over(axis: &Axis, columns: &[&str]) -> Table {
    let first = if axis.is_clock {
        "Around"
    } else if axis.label.is_empty() {
        "At"
    } else {
        &axis.label
    };
    let columns: Vec<(Align, &str)> = columns.iter().map(|name| (Align::Right, *name)).collect();
    Table::new(first, &columns)
}

fn at(axis: &Axis, x: f64) -> String {
    if axis.is_clock {
        return span_words(x);
    }
    let name = if x >= 0.0 { axis.names.get(x as usize) } else { None };
    name.cloned().unwrap_or_else(|| number::bound(x, axis.unit))
}

fn of_lines(lines: &Lines) -> Table {
    let names: Vec<&str> = lines.series.iter().map(|series| series.name.as_str()).collect();
    let mut table = over(&lines.x, &names);
    // Lines over a setting are short and need not have the same places.
    let mut places: Vec<f64> = Vec::new();
    let all: Vec<Vec<Point>> = lines
        .series
        .iter()
        .map(|series| {
            if lines.has_markers {
                series.points.clone()
            } else {
                thin(&series.points, 2.0 * ROWS as f64)
            }
        })
        .collect();
    for point in all.iter().flatten() {
        if point.x.is_finite() && !places.contains(&point.x) {
            places.push(point.x);
        }
    }
    places.sort_by(f64::total_cmp);
    for x in places {
        let cells = all.iter().map(|points| {
            let point = points.iter().find(|point| point.x == x);
            Cell::from(point.map_or_else(String::new, |point| with_band(point, lines.y.unit)))
        });
        table.row(at(&lines.x, x), cells.collect());
    }
    table
}

fn with_band(point: &Point, unit: Unit) -> String {
    let estimate = Estimate {
        value: point.y,
        low: Some(point.low).filter(|low| low.is_finite()),
        high: Some(point.high).filter(|high| high.is_finite()),
    };
    let cells = number::cells(&estimate, unit);
    if cells.interval.is_empty() {
        cells.value
    } else {
        format!("{} ({})", cells.value, cells.interval)
    }
}

fn of_stacks(stacks: &Stacks) -> Table {
    let names: Vec<&str> = stacks.parts.iter().map(|(name, _)| name.as_str()).collect();
    let mut table = over(&Axis::clock(), &names);
    let columns: Vec<Vec<Point>> = stacks
        .parts
        .iter()
        .map(|(_, values)| {
            let points: Vec<Point> = values
                .iter()
                .enumerate()
                .map(|(number, value)| Point::at((number as f64 + 0.5) * stacks.window, *value))
                .collect();
            thin(&points, 2.0 * ROWS as f64)
        })
        .collect();
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    for row in 0..rows {
        let time = columns
            .iter()
            .find_map(|points| points.get(row))
            .map_or(0.0, |point| point.x);
        let cells = columns.iter().map(|points| {
            let value = points.get(row).map_or(f64::NAN, |point| point.y);
            Cell::from(number::value(value, stacks.y.unit))
        });
        table.row(span_words(time), cells.collect());
    }
    table
}

fn of_bars(bars: &Bars) -> Table {
    if bars.parts.is_empty() {
        let mut table = Table::new("Name", &[(Align::Right, "value"), (Align::Left, "95 % interval")]);
        for bar in &bars.bars {
            let value = bar.parts.first().map_or(f64::NAN, |part| part.value);
            let cells = number::cells(
                &Estimate {
                    value,
                    low: bar.interval.map(|(low, _)| low),
                    high: bar.interval.map(|(_, high)| high),
                },
                bars.x.unit,
            );
            let style = if bar.is_bad { Style::Bad } else { Style::Normal };
            table.row(
                bar.name.as_str(),
                vec![
                    Cell::new(style, bar.text.as_str()),
                    Cell::new(Style::Faint, cells.interval),
                ],
            );
        }
        return table;
    }
    let columns: Vec<(Align, &str)> = bars.bars.iter().map(|bar| (Align::Right, bar.name.as_str())).collect();
    let mut table = Table::new("Part", &columns);
    for (number, name) in bars.parts.iter().enumerate() {
        let cells = bars.bars.iter().map(|bar| {
            let part = bar.parts.iter().find(|part| part.of == number);
            Cell::from(part.map_or_else(String::new, |part| number::value(part.value, bars.x.unit)))
        });
        table.row(name.as_str(), cells.collect());
    }
    table
}

fn of_dots(dots: &Dots) -> Table {
    let columns: Vec<(Align, &str)> = dots.series.iter().map(|name| (Align::Right, name.as_str())).collect();
    let mut table = Table::new("Name", &columns);
    for row in &dots.rows {
        let cells = (0..dots.series.len()).map(|series| {
            let Some(value) = row.values.get(series) else {
                return Cell::from("");
            };
            Cell::from(with_band(
                &Point {
                    x: 0.0,
                    y: value.value,
                    low: value.low.unwrap_or(f64::NAN),
                    high: value.high.unwrap_or(f64::NAN),
                },
                dots.x.unit,
            ))
        });
        table.row(row.name.as_str(), cells.collect());
    }
    table
}
