//! What changes over time: each plot a line, or a stack, of the timeline's windows with what happened marked in it.

use highwater_models::record::figures::Unit;

use super::{PARTS, Run};
use crate::number::{self, span_words};
use crate::plot::{Axis, Kind, Limit, Lines, Plot, Point, Series, Stacks};
use crate::words;

/// Lines in one plot: more cannot be told apart.
const LINES: usize = 5;

/// A column's highest value and the beginning of its window.
#[derive(Copy, Clone)]
struct Peak {
    value: f64,
    at: f64,
}

impl Run<'_> {
    /// The windows under load: whatever begins after it counts to the last one, which says nothing of its own time.
    fn rows(&self) -> &[Vec<f64>] {
        match &self.timeline.rows[..] {
            [under_load @ .., _] if !under_load.is_empty() => under_load,
            all => all,
        }
    }

    /// A column as a line, each value multiplied and at most so high.
    fn series(&self, column: &str, name: &str, times: f64, most: f64) -> Option<Series> {
        let number = self.timeline.column(column)?;
        let points = self.rows().iter().enumerate().map(|(row, cells)| {
            let (low, high) = self
                .timeline
                .ranges
                .get(row)
                .map_or((f64::NAN, f64::NAN), |ranges| ranges[number]);
            // Not a number stays none: that is what `min` would take for the other.
            // The means of the window in which measuring begins are those of a part of it.
            let from = row as f64 * self.timeline.window;
            let begins = self.summary.measured.0 > from && self.summary.measured.0 <= from + self.timeline.window;
            let times = |value: f64| {
                if begins {
                    f64::NAN
                } else if value.is_nan() {
                    value
                } else {
                    (value * times).min(most)
                }
            };
            Point {
                x: (row as f64 + 0.5) * self.timeline.window,
                y: times(cells[number]),
                low: times(low),
                high: times(high),
            }
        });
        Some(Series {
            name: name.to_owned(),
            points: points.collect(),
        })
    }

    /// Columns with that ending, the largest peaks first: name of the part and peak. Those that stay zero are left out.
    fn ending(&self, ending: &str) -> Vec<(String, Peak)> {
        let columns = self.timeline.columns.iter().enumerate();
        let mut found: Vec<(String, Peak)> = columns
            .filter_map(|(number, column)| Some((column.strip_suffix(ending)?.to_owned(), self.peak(number)?)))
            .filter(|(_, peak)| peak.value > 0.0)
            .collect();
        found.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
        found
    }

    fn peak(&self, column: usize) -> Option<Peak> {
        let rows = self.rows().iter().enumerate();
        rows.map(|(row, cells)| Peak {
            value: cells[column],
            at: row as f64 * self.timeline.window,
        })
        .filter(|peak| peak.value.is_finite())
        .reduce(|best, next| if next.value > best.value { next } else { best })
    }

    fn named_peak(&self, column: &str) -> Option<Peak> {
        self.peak(self.timeline.column(column)?)
    }

    /// Lines over time with all that happened.
    fn over_time(&self, y: Axis, series: Vec<Series>) -> Lines {
        Lines {
            phases: self.timeline.phases.clone(),
            marks: self.marks.clone(),
            ..Lines::new(Axis::clock(), y, series)
        }
    }

    /// What a line over time stands for.
    fn windows(&self) -> String {
        let window = span_words(self.timeline.window);
        let bands = match self.summary.replications {
            1 => "of the only replication".to_owned(),
            many => format!("the mean of {many} replications; the band reaches from the lowest to the highest of them"),
        };
        format!("A point is a window of {window}, {bands}. Requests count in the window in which they arrive.")
    }

    pub(super) fn load(&self) -> Option<Plot> {
        let offered = self.named_peak("offered").filter(|peak| peak.value > 0.0)?;
        let pace = Pace::of(offered.value / self.timeline.window);
        let times = pace.seconds / self.timeline.window;
        let series: Vec<Series> = [
            ("offered", "offered"),
            ("failed", "failed or given up"),
            ("succeeded", "useful: answered in time for the user"),
        ]
        .into_iter()
        .filter_map(|(column, name)| self.series(column, name, times, f64::INFINITY))
        .collect();
        let useful = self.named_peak("succeeded").map_or(0.0, |peak| peak.value);
        let whole = self.figure(&["requests", "offered"]);
        let share = self.figure(&["requests", "useful"]) / whole;
        let per = pace.per;
        let finding = format!(
            "At most {} requests {per} are offered, {}, and at most {} {per} are answered usefully. Over the run {} of all \
             requests are useful.",
            rate(offered.value * times),
            when(offered.at),
            rate(useful * times),
            number::percent(share)
        );
        let note = self.windows();
        let axis = Axis::new(&format!("requests {per}"), pace.unit);
        self.plot(
            "load",
            "Load and what becomes of it",
            finding,
            note,
            Kind::Lines(self.over_time(axis, series)),
        )
    }

    pub(super) fn latency(&self) -> Option<Plot> {
        let series: Vec<Series> = [("latency_p95", "95 % within"), ("latency_mean", "mean")]
            .into_iter()
            .filter_map(|(column, name)| self.series(column, name, 1.0, f64::INFINITY))
            .collect();
        let worst = self.named_peak("latency_p95")?;
        let limit = self.objective("p95").or_else(|| self.objective("mean"));
        let mut finding = format!(
            "Answers are slowest {}: then it takes {} until 95 % are there.",
            when(worst.at),
            span_words(worst.value)
        );
        let p95 = self.figure(&["latency", "p95"]);
        if p95.is_finite() {
            finding.push_str(&format!(" Over the run 95 % are answered within {}", span_words(p95)));
            if let Some(bound) = self.objective("p95") {
                finding.push_str(&format!("; it has to be {}", words::bound(bound)));
            }
            finding.push('.');
        }
        let mut lines = self.over_time(Axis::new("latency of useful requests", Unit::Seconds), series);
        lines.limits = limit
            .map(|objective| Limit {
                value: objective.target,
                label: format!("has to be: {} {}", words::objective(objective), words::bound(objective)),
            })
            .into_iter()
            .collect();
        let note = format!("{} A window in which nobody was answered is a gap.", self.windows());
        self.plot("latency", "Latency", finding, note, Kind::Lines(lines))
    }

    pub(super) fn errors_over_time(&self) -> Option<Plot> {
        let causes = self.causes();
        let column = |cause: &str| -> Option<Vec<f64>> {
            let number = self.timeline.column(cause)?;
            Some(self.rows().iter().map(|cells| cells[number]).collect())
        };
        let mut parts: Vec<(String, Vec<f64>)> = causes
            .iter()
            .filter_map(|(cause, _)| Some(((*cause).to_owned(), column(cause)?)))
            .collect();
        if parts.is_empty() {
            return None;
        }
        let rest = parts.split_off(parts.len().min(PARTS));
        let total: Vec<f64> = (0..self.rows().len())
            .map(|row| {
                parts
                    .iter()
                    .chain(&rest)
                    .map(|(_, values)| if values[row].is_finite() { values[row] } else { 0.0 })
                    .sum()
            })
            .collect();
        if !rest.is_empty() {
            let sum = |row: usize| rest.iter().map(|(_, values)| values[row]).sum();
            let name = format!("{} other causes", rest.len());
            parts.push((name, (0..self.rows().len()).map(sum).collect()));
        }
        let peak = (0..total.len()).max_by(|a, b| total[*a].total_cmp(&total[*b]))?;
        let pace = Pace::of(total[peak] / self.timeline.window);
        let (per, times) = (pace.per, pace.seconds / self.timeline.window);
        let values = parts.iter_mut().flat_map(|(_, values)| values);
        values.for_each(|value| *value *= times);
        let finding = format!(
            "Failures are most frequent {}: {} {per}. Over the run the most frequent cause is {}: {}.",
            when(peak as f64 * self.timeline.window),
            rate(total[peak] * times),
            causes[0].0,
            words::because_of_name(causes[0].0)
        );
        let kind = Kind::Stacks(Stacks {
            y: Axis::new(&format!("requests {per} that fail or are given up"), pace.unit),
            window: self.timeline.window,
            parts,
            phases: self.timeline.phases.clone(),
            marks: self.marks.clone(),
        });
        let note = "The mean of the replications, in the window in which the requests arrived.".to_owned();
        self.plot("errors-over-time", "Errors by cause, over time", finding, note, kind)
    }

    pub(super) fn utilization(&self) -> Option<Plot> {
        let mut parts = self.ending(".utilization");
        parts.truncate(LINES);
        let (first, peak) = parts.first()?;
        let finding = format!(
            "{first} is used the most at any time: {} {}.",
            number::percent(peak.value.min(1.0)),
            when(peak.at)
        );
        let over = parts.iter().any(|(_, peak)| peak.value > 1.0);
        let lines = self.over_time(
            Axis::new("share in use", Unit::Share),
            self.lines_of(&parts, ".utilization", 1.0),
        );
        // Threads beside an event loop use CPU that the loop cannot.
        let over = if over {
            " What threads beside an event loop take above 100 % is left out."
        } else {
            ""
        };
        let note = format!("{}{over}{}", self.windows(), self.most_of(&parts, ".utilization"));
        self.plot(
            "utilization-over-time",
            "Use of resources, over time",
            finding,
            note,
            Kind::Lines(lines),
        )
    }

    pub(super) fn queues(&self) -> Option<Plot> {
        let mut parts = self.ending(".queue");
        // A line that is hardly ever there is no finding.
        parts.retain(|(_, peak)| peak.value >= 0.05);
        parts.truncate(LINES);
        let (first, peak) = parts.first()?;
        let finding = format!(
            "The longest line is the one before {first}: {} on average {}.",
            number::count(peak.value),
            when(peak.at)
        );
        let lines = self.over_time(
            Axis::new("waiting, mean of each window", Unit::Count),
            self.lines_of(&parts, ".queue", f64::INFINITY),
        );
        let note = format!("{}{}", self.windows(), self.most_of(&parts, ".queue"));
        self.plot("queues", "Who waits where", finding, note, Kind::Lines(lines))
    }

    pub(super) fn instances(&self) -> Option<Plot> {
        let mut parts = self.ending(".instances");
        // A number that never changes is in the system's file.
        parts.retain(|(name, _)| {
            let Some(column) = self.timeline.column(&format!("{name}.instances")) else {
                return false;
            };
            let seen = || {
                self.rows()
                    .iter()
                    .map(|row| row[column])
                    .filter(|count| count.is_finite())
            };
            let first = seen().next();
            seen().any(|count| Some(count) != first)
        });
        parts.truncate(LINES);
        let (first, peak) = parts.first()?;
        let finding = format!(
            "{first} has the most instances that take requests {}: {}.",
            when(peak.at),
            number::count(peak.value)
        );
        let lines = self.over_time(
            Axis::new("instances that take requests", Unit::Count),
            self.lines_of(&parts, ".instances", f64::INFINITY),
        );
        self.plot("instances", "Instances", finding, self.windows(), Kind::Lines(lines))
    }

    pub(super) fn memory(&self) -> Option<Plot> {
        let mut parts = self.ending(".memory");
        parts.truncate(LINES);
        let (first, peak) = parts.first()?;
        let finding = format!(
            "An instance of {first} holds at most {} on average, {}.",
            number::value(peak.value, Unit::Bytes),
            when(peak.at)
        );
        let lines = self.over_time(
            Axis::new("memory of an instance", Unit::Bytes),
            self.lines_of(&parts, ".memory", f64::INFINITY),
        );
        self.plot("memory", "Memory", finding, self.windows(), Kind::Lines(lines))
    }

    fn lines_of(&self, parts: &[(String, Peak)], ending: &str, most: f64) -> Vec<Series> {
        parts
            .iter()
            .filter_map(|(name, _)| self.series(&format!("{name}{ending}"), name, 1.0, most))
            .collect()
    }

    /// How many of the columns are left out.
    fn most_of(&self, shown: &[(String, Peak)], ending: &str) -> String {
        let all = self.ending(ending).len();
        if shown.len() == LINES && all > LINES {
            format!(" The {} with the highest peaks of {all}.", shown.len())
        } else {
            String::new()
        }
    }
}

fn when(at: f64) -> String {
    if at <= 0.0 {
        "at the start".to_owned()
    } else {
        format!("after {}", span_words(at))
    }
}

/// So many in a time, without the words.
fn rate(count: f64) -> String {
    number::trim_zeros(&number::value(count, Unit::Count))
}

/// The time in which requests are counted: an hour where less than one in ten seconds comes.
struct Pace {
    per: &'static str,
    seconds: f64,
    unit: Unit,
}

impl Pace {
    const fn of(most_a_second: f64) -> Self {
        if most_a_second < 0.1 {
            Self {
                per: "an hour",
                seconds: 3600.0,
                unit: Unit::Count,
            }
        } else {
            Self {
                per: "a second",
                seconds: 1.0,
                unit: Unit::PerSecond,
            }
        }
    }
}
