//! What a run comes to as a whole: each plot a row of figures of the summary, with their intervals.

use highwater_models::record::figures::Unit;

use super::{PARTS, Run};
use crate::number::{self, span_words};
use crate::plot::bars::shares;
use crate::plot::{Axis, Bar, Bars, Dots, Kind, Limit, Part, Plot, Row};
use crate::words;

/// Bars in one plot.
const BARS: usize = 12;

/// From this share of what there is a resource is called full.
const FULL: f64 = 0.9;

impl Run<'_> {
    pub(super) fn errors(&self) -> Option<Plot> {
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

    pub(super) fn percentiles(&self) -> Option<Plot> {
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

    pub(super) fn stages(&self) -> Option<Plot> {
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
            x: shares(),
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
    pub(super) fn busiest(&self) -> Option<Plot> {
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
            x: shares(),
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

    pub(super) fn cost(&self) -> Option<Plot> {
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

    fn intervals(&self) -> String {
        if self.summary.replications > 1 {
            "Whiskers are 95 % intervals over the replications.".to_owned()
        } else {
            "One replication: there are no intervals.".to_owned()
        }
    }
}
