//! The plots of a run: which there are, what each says, and which of many series it shows.
//!
//! Owns: the choice and the sentences. Every number in a sentence is one of the summary's or the timeline's, rounded by
//! `number.rs`. A plot with nothing to show is left out.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::{Objective, Recovery, Summary};
use highwater_models::record::timeline::Timeline;

use super::{Axis, Bar, Bars, Dots, Kind, Limit, Lines, Mark, Part, Plot, Point, Row, Series, Stacks};
use crate::number::{self, span_words};
use crate::words;

/// Lines in one plot: more cannot be told apart.
const LINES: usize = 5;

/// Parts of a stack; the rest is summed.
const PARTS: usize = 6;

/// Bars in one plot.
const BARS: usize = 12;

/// Alerts that are marked.
const ALERTS: usize = 4;

/// From this share of what there is a resource is called full.
const FULL: f64 = 0.9;

/// The plots of a run, in the order in which questions come up.
#[must_use]
pub fn of_run(summary: &Summary, timeline: &Timeline) -> Vec<Plot> {
    let run = Run {
        summary,
        timeline,
        marks: marks(summary, timeline),
    };
    let plots = [
        run.load(),
        run.latency(),
        run.errors_over_time(),
        run.errors(),
        run.percentiles(),
        run.stages(),
        run.busiest(),
        run.utilization(),
        run.queues(),
        run.instances(),
        run.memory(),
        run.cost(),
    ];
    plots.into_iter().flatten().collect()
}

/// What happened that a reader of a plot has to know.
fn marks(summary: &Summary, timeline: &Timeline) -> Vec<Mark> {
    let at = |from: f64, label: String| Mark { from, to: from, label };
    let mut marks: Vec<Mark> = timeline
        .faults
        .iter()
        .map(|fault| Mark {
            from: fault.from,
            to: fault.to,
            label: fault.name.clone(),
        })
        .collect();
    if summary.measured.0 > 0.0 {
        marks.push(at(summary.measured.0, "measured from here".to_owned()));
    }
    let mut alerts: Vec<(f64, &str)> = summary
        .alerts
        .rules
        .iter()
        .filter(|alert| alert.fired_in > 0 && alert.first_at.value.is_finite())
        .map(|alert| (alert.first_at.value, alert.name.as_str()))
        .collect();
    alerts.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Alerts that fire together are one mark.
    let mut groups: Vec<(f64, Vec<&str>)> = Vec::new();
    for (first, name) in alerts {
        match groups.last_mut() {
            Some((start, names)) if first - *start < 15.0 => names.push(name),
            _ => groups.push((first, vec![name])),
        }
    }
    for (first, names) in groups.into_iter().take(ALERTS) {
        let label = match names[..] {
            [only] => format!("alert: {only}"),
            [one, two] => format!("alerts: {one}, {two}"),
            _ => format!("alerts: {} and {} more", names[0], names.len() - 1),
        };
        marks.push(at(first, label));
    }
    let changes = summary.log.iter().filter(|entry| entry.subject == "settings");
    marks.extend(changes.take(ALERTS).map(|entry| at(entry.at, entry.text.clone())));
    if let Recovery::At(back) = &summary.recovery
        && back.value.is_finite()
    {
        marks.push(at(back.value, "back within objectives".to_owned()));
    }
    marks.sort_by(|a, b| a.from.total_cmp(&b.from));
    marks
}

struct Run<'a> {
    summary: &'a Summary,
    timeline: &'a Timeline,
    marks: Vec<Mark>,
}

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

    fn plot(&self, name: &str, title: &str, finding: String, note: String, kind: Kind) -> Option<Plot> {
        Some(Plot {
            name: name.to_owned(),
            title: title.to_owned(),
            finding,
            note,
            kind,
        })
    }

    fn load(&self) -> Option<Plot> {
        let a_second = 1.0 / self.timeline.window;
        let series: Vec<Series> = [
            ("offered", "offered"),
            ("failed", "failed or given up"),
            ("succeeded", "useful: answered in time for the user"),
        ]
        .into_iter()
        .filter_map(|(column, name)| self.series(column, name, a_second, f64::INFINITY))
        .collect();
        let offered = self.named_peak("offered").filter(|peak| peak.value > 0.0)?;
        let useful = self.named_peak("succeeded").map_or(0.0, |peak| peak.value);
        let whole = self.figure(&["requests", "offered"]);
        let share = self.figure(&["requests", "useful"]) / whole;
        let finding = format!(
            "At most {} requests a second are offered, {}, and at most {} a second are answered usefully. Over the run {} \
             of all requests are useful.",
            rate(offered.value * a_second),
            when(offered.at),
            rate(useful * a_second),
            number::percent(share)
        );
        let note = self.windows();
        let axis = Axis::new("requests a second", Unit::PerSecond);
        self.plot(
            "load",
            "Load and what becomes of it",
            finding,
            note,
            Kind::Lines(self.over_time(axis, series)),
        )
    }

    fn latency(&self) -> Option<Plot> {
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

    /// Causes with their counts, most frequent first.
    fn causes(&self) -> Vec<(&str, f64)> {
        let figures = &self.summary.figures;
        let mut causes: Vec<(&str, f64)> = figures
            .children(&["errors", "by_cause"])
            .into_iter()
            .map(|cause| (cause, figures.value(&["errors", "by_cause", cause])))
            .filter(|(_, count)| *count > 0.0)
            .collect();
        causes.sort_by(|a, b| b.1.total_cmp(&a.1));
        causes
    }

    fn errors_over_time(&self) -> Option<Plot> {
        let causes = self.causes();
        let a_second = 1.0 / self.timeline.window;
        let column = |cause: &str| -> Option<Vec<f64>> {
            let number = self.timeline.column(cause)?;
            Some(self.rows().iter().map(|cells| cells[number] * a_second).collect())
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
        let finding = format!(
            "Failures are most frequent {}: {} a second. Over the run the most frequent cause is {}: {}.",
            when(peak as f64 * self.timeline.window),
            rate(total[peak]),
            causes[0].0,
            words::because_of_name(causes[0].0)
        );
        let kind = Kind::Stacks(Stacks {
            y: Axis::new("requests a second that fail or are given up", Unit::PerSecond),
            window: self.timeline.window,
            parts,
            phases: self.timeline.phases.clone(),
            marks: self.marks.clone(),
        });
        let note = "The mean of the replications, in the window in which the requests arrived.".to_owned();
        self.plot("errors-over-time", "Errors by cause, over time", finding, note, kind)
    }

    fn errors(&self) -> Option<Plot> {
        let causes = self.causes();
        let (first, most) = *causes.first()?;
        let all: f64 = causes.iter().map(|(_, count)| count).sum();
        let offered = self.figure(&["requests", "offered"]);
        let bars = causes.iter().take(BARS).map(|(cause, count)| {
            let text = format!(
                "{} ({} of requests)",
                number::count(*count),
                number::percent(count / offered)
            );
            let estimate = self.estimate(&["errors", "by_cause", cause]);
            Bar {
                is_bad: true,
                ..Bar::new(cause, &estimate, text)
            }
        });
        let finding = match causes.len() {
            1 => format!(
                "All failures have one cause, {first}: {}.",
                words::because_of_name(first)
            ),
            many => format!(
                "Of {many} causes {first} is the most frequent, {} of all failures: {}.",
                number::percent(most / all),
                words::because_of_name(first)
            ),
        };
        let kind = Kind::Bars(Bars {
            x: Axis::new("", Unit::Count),
            parts: Vec::new(),
            bars: bars.collect(),
            most: None,
        });
        self.plot("errors-by-cause", "Errors by cause", finding, self.intervals(), kind)
    }

    fn percentiles(&self) -> Option<Plot> {
        let figures = &self.summary.figures;
        let row = |name: &str, prefix: &[&str]| Row {
            name: name.to_owned(),
            values: ["p50", "p95", "p99"]
                .iter()
                .map(|key| self.estimate(&[prefix, &["latency", key]].concat()))
                .collect(),
        };
        let p95 = |row: &Row| row.values[1].value;
        let mut endpoints: Vec<Row> = figures
            .children(&["endpoints"])
            .into_iter()
            .map(|name| row(name, &["endpoints", name]))
            .filter(|row| row.values.iter().any(|value| value.value.is_finite()))
            .collect();
        endpoints.sort_by(|a, b| p95(b).total_cmp(&p95(a)));
        endpoints.truncate(BARS);
        let mut rows = vec![row("all requests", &[])];
        if endpoints.len() > 1 {
            rows.append(&mut endpoints);
        }
        rows.retain(|row| row.values.iter().any(|value| value.value.is_finite()));
        let slowest = rows.get(1).or_else(|| rows.first())?;
        let times = ["half", "95 %", "99 %"].iter().zip(&slowest.values);
        let times: Vec<String> = times
            .filter(|(_, time)| time.value.is_finite())
            .map(|(share, time)| format!("{share} within {}", span_words(time.value)))
            .collect();
        let subject = if rows.len() > 1 {
            format!("The slowest endpoint is {}: of its requests", slowest.name)
        } else {
            "Of the requests".to_owned()
        };
        let finding = format!("{subject} {} are answered.", times.join(", "));
        let limits = self.objective("p95").map(|objective| Limit {
            value: objective.target,
            label: format!(
                "95 % have to be within {}",
                number::bound(objective.target, Unit::Seconds)
            ),
        });
        let kind = Kind::Dots(Dots {
            x: Axis::new("", Unit::Seconds).log(),
            series: ["half within", "95 % within", "99 % within"]
                .map(str::to_owned)
                .to_vec(),
            rows,
            limits: limits.into_iter().collect(),
        });
        let note = format!(
            "Useful requests only. {} Equal distances are equal ratios.",
            self.intervals()
        );
        self.plot("percentiles", "How long answers take", finding, note, kind)
    }

    fn stages(&self) -> Option<Plot> {
        let figures = &self.summary.figures;
        let seconds = |group: &str, stage: &str| {
            let value = figures.value(&["breakdown", group, stage]);
            if value.is_finite() { value.max(0.0) } else { 0.0 }
        };
        let mut stages = figures.children(&["breakdown", "all"]);
        for stage in figures.children(&["breakdown", "slowest"]) {
            if !stages.contains(&stage) {
                stages.push(stage);
            }
        }
        let total = |group: &str| stages.iter().map(|stage| seconds(group, stage)).sum::<f64>();
        let (all, slowest) = (total("all"), total("slowest"));
        if all <= 0.0 || slowest <= 0.0 {
            return None;
        }
        let weight = |stage: &str| (seconds("slowest", stage) / slowest).max(seconds("all", stage) / all);
        let mut order = stages.clone();
        order.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        let shown = order.len().min(PARTS);
        let bar = |name: &str, group: &str, whole: f64| {
            let mut parts: Vec<Part> = order[..shown]
                .iter()
                .enumerate()
                .map(|(of, stage)| Part {
                    of,
                    value: seconds(group, stage) / whole,
                })
                .collect();
            if shown < order.len() {
                let rest: f64 = order[shown..].iter().map(|stage| seconds(group, stage)).sum();
                parts.push(Part {
                    of: shown,
                    value: rest / whole,
                });
            }
            Bar {
                name: name.to_owned(),
                parts,
                interval: None,
                text: number::value(whole, Unit::Seconds),
                is_bad: false,
            }
        };
        let share = |group: &str, stage: &str, whole: f64| number::percent(seconds(group, stage) / whole);
        let mut parts: Vec<String> = order[..shown]
            .iter()
            .map(|stage| {
                format!(
                    "{}: {}, slowest {}",
                    words::stage(stage),
                    share("all", stage, all),
                    share("slowest", stage, slowest)
                )
            })
            .collect();
        if shown < order.len() {
            parts.push("everything else".to_owned());
        }
        let by = |group: &str| {
            let most = stages
                .iter()
                .max_by(|a, b| seconds(group, a).total_cmp(&seconds(group, b)));
            most.copied().unwrap_or_default()
        };
        let (usual, slow) = (by("all"), by("slowest"));
        let finding = format!(
            "Of the mean {} that a useful request takes, most is spent {} ({}); of the {} of the slowest 5 %, {} ({}).",
            span_words(all),
            words::spent(usual),
            share("all", usual, all),
            span_words(slowest),
            if slow == usual {
                "most there too".to_owned()
            } else {
                format!("most {}", words::spent(slow))
            },
            share("slowest", slow, slowest)
        );
        let kind = Kind::Bars(Bars {
            x: super::bars::shares(),
            parts,
            bars: vec![
                bar("all useful requests", "all", all),
                bar("the slowest 5 %", "slowest", slowest),
            ],
            most: Some(1.0),
        });
        let note = "Each bar is the whole of a request's time; the mean stands behind it.".to_owned();
        self.plot("stages", "Where the time goes", finding, note, kind)
    }

    /// Mean use of every resource that has a limit.
    fn busiest(&self) -> Option<Plot> {
        let figures = &self.summary.figures;
        let mut used: Vec<(&str, f64)> = figures
            .children(&["resources"])
            .into_iter()
            .map(|name| (name, figures.value(&["resources", name, "utilization"])))
            .filter(|(_, used)| used.is_finite())
            .collect();
        used.sort_by(|a, b| b.1.total_cmp(&a.1));
        used.truncate(BARS);
        let (first, most) = *used.first()?;
        let bars = used.iter().map(|(name, used)| {
            let text = if *used >= FULL {
                format!("{}, full", number::percent(*used))
            } else {
                number::percent(*used)
            };
            Bar {
                is_bad: *used >= FULL,
                ..Bar::new(name, &self.estimate(&["resources", name, "utilization"]), text)
            }
        });
        let full = used.iter().filter(|(_, used)| *used >= FULL).count();
        let finding = if full > 1 {
            format!(
                "{full} of {} resources with a limit are in use for {} of the run or more, {first} the most: {}.",
                used.len(),
                number::percent(FULL),
                number::percent(most)
            )
        } else {
            format!(
                "The most used resource is {first}: {} on average over the run.",
                number::percent(most)
            )
        };
        let kind = Kind::Bars(Bars {
            x: super::bars::shares(),
            parts: Vec::new(),
            bars: bars.collect(),
            most: Some(1.0),
        });
        self.plot(
            "utilization",
            "How much of each resource is used",
            finding,
            self.intervals(),
            kind,
        )
    }

    fn utilization(&self) -> Option<Plot> {
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

    fn queues(&self) -> Option<Plot> {
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

    fn instances(&self) -> Option<Plot> {
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

    fn memory(&self) -> Option<Plot> {
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

    fn cost(&self) -> Option<Plot> {
        let figures = &self.summary.figures;
        let month = |name: &str| figures.value(&["cost", "items", name, "month"]);
        let mut items: Vec<_> = self
            .summary
            .costs
            .iter()
            .filter(|item| month(&item.name) > 0.0)
            .collect();
        items.sort_by(|a, b| month(&b.name).total_cmp(&month(&a.name)));
        let all = figures.value(&["cost", "month"]);
        let first = items.first()?;
        let bars = items.iter().take(BARS).map(|item| {
            let name = format!("{}: {}", item.name, item.what);
            let value = month(&item.name);
            let text = format!("{} ({})", number::dollars(value), number::percent(value / all));
            Bar::new(&name, &self.estimate(&["cost", "items", &item.name, "month"]), text)
        });
        let finding = format!(
            "A month like this run costs {}; {} takes the most, {}.",
            number::dollars(all),
            first.name,
            number::percent(month(&first.name) / all)
        );
        let kind = Kind::Bars(Bars {
            x: Axis::new("", Unit::Dollars),
            parts: Vec::new(),
            bars: bars.collect(),
            most: None,
        });
        self.plot("cost", "What a month like this costs", finding, self.intervals(), kind)
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

    fn intervals(&self) -> String {
        if self.summary.replications > 1 {
            "Whiskers are 95 % intervals over the replications.".to_owned()
        } else {
            "One replication: there are no intervals.".to_owned()
        }
    }

    fn figure(&self, path: &[&str]) -> f64 {
        self.summary.figures.value(path)
    }

    fn estimate(&self, path: &[&str]) -> Estimate {
        self.summary.figures.get(path).map_or(
            Estimate {
                value: f64::NAN,
                low: None,
                high: None,
            },
            |figure| figure.estimate,
        )
    }

    fn objective(&self, name: &str) -> Option<&Objective> {
        let named = self.summary.objectives.iter().find(|objective| objective.name == name);
        named.filter(|objective| objective.unit == Unit::Seconds && objective.at_most)
    }
}

fn when(at: f64) -> String {
    if at <= 0.0 {
        "at the start".to_owned()
    } else {
        format!("after {}", span_words(at))
    }
}

/// So many a second, without the words.
fn rate(a_second: f64) -> String {
    number::trim_zeros(&number::value(a_second, Unit::Count))
}
