//! What it costs and earns, the founder's words first and the bill below.
//!
//! Owns: the sentences and the table. A run without any price has neither.
//! Never: sums, rounding.

use highwater_models::record::figures::{Figures, Unit};
use highwater_models::record::summary::Summary;

use crate::number;
use crate::paint::Style;
use crate::table::{Align, Cell, Table};

/// From this share on an item is what a sum mostly is.
const MOSTLY: f64 = 0.5;

/// From so many seconds on a run is a month in itself.
const MONTH: f64 = 27.0 * 86_400.0;

/// The sentences; empty where nothing has a price.
#[must_use]
pub fn words(summary: &Summary) -> String {
    let figures = &summary.figures;
    let event = figures.value(&["cost", "event"]);
    let month = figures.value(&["cost", "month"]);
    if !event.is_finite() || !month.is_finite() {
        return String::new();
    }
    let seconds = summary.measured.1 - summary.measured.0;
    let mut sentences = Vec::new();
    let span = this_span(seconds);
    let most = mostly(summary).map_or_else(String::new, |(what, share)| format!(", mostly {what} ({share})"));
    sentences.push(format!("{span} cost {}{most}.", number::dollars(event)));
    if seconds < MONTH {
        sentences.push(format!(
            "If every hour of a month were like this, a month would cost {}.",
            number::dollars(month)
        ));
    }
    let profit = figures.value(&["cost", "profit"]);
    if profit.is_finite() {
        let revenue = figures.value(&["cost", "revenue"]);
        let (word, sum) = if profit < 0.0 {
            ("a loss", -profit)
        } else {
            ("a profit", profit)
        };
        sentences.push(format!(
            "Users bring {} a month after payment fees, so that {} of {} is left.",
            number::dollars(revenue),
            word,
            number::dollars(sum)
        ));
        sentences.push(break_even(figures.value(&["cost", "break_even_paying_share"])));
    } else {
        sentences.push(
            "Revenue is not known: it takes `money.users`, how many users are registered, and a `price` of their class."
                .to_owned(),
        );
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences.join(" ")
}

/// The bill, dearest item first; what costs nothing is left out.
#[must_use]
pub fn table(summary: &Summary) -> Table {
    let figures = &summary.figures;
    let mut table = Table::new(
        "Money",
        &[
            (Align::Right, "this run"),
            (Align::Right, "a month like it"),
            (Align::Left, "95 % interval"),
            (Align::Right, "share"),
            (Align::Left, "for"),
        ],
    );
    let total = figures.value(&["cost", "month"]);
    let month = |name: &str| figures.value(&["cost", "items", name, "month"]);
    let mut items: Vec<_> = summary.costs.iter().filter(|item| month(&item.name) > 0.0).collect();
    items.sort_by(|a, b| month(&b.name).total_cmp(&month(&a.name)));
    for item in items {
        let name = item.name.as_str();
        let (value, interval) = cells(figures, &["cost", "items", name, "month"]);
        table.row(
            name,
            vec![
                cells(figures, &["cost", "items", name, "event"]).0.into(),
                value.into(),
                Cell::new(Style::Faint, interval),
                number::percent(month(name) / total).into(),
                Cell::new(Style::Faint, item.what),
            ],
        );
    }
    for (name, event, month) in [
        ("all of it", Some("event"), "month"),
        ("for each registered user", None, "per_user"),
        ("revenue after fees", None, "revenue"),
        ("payment fees", None, "fees"),
        ("profit", None, "profit"),
    ] {
        if !figures.value(&["cost", month]).is_finite() {
            continue;
        }
        let (value, interval) = cells(figures, &["cost", month]);
        let event = event.map_or_else(String::new, |key| cells(figures, &["cost", key]).0);
        table.row(
            name,
            vec![
                event.into(),
                value.into(),
                Cell::new(Style::Faint, interval),
                "".into(),
                "".into(),
            ],
        );
    }
    table
}

fn cells(figures: &Figures, path: &[&str]) -> (String, String) {
    figures.get(path).map_or_else(Default::default, |figure| {
        let cells = number::cells(&figure.estimate, Unit::Dollars);
        (cells.value, cells.interval)
    })
}

/// What most of the cost is for, items for the same thing together, and its share.
fn mostly(summary: &Summary) -> Option<(&'static str, String)> {
    let total = summary.figures.value(&["cost", "month"]);
    let mut sums: Vec<(&'static str, f64)> = Vec::new();
    for item in &summary.costs {
        let month = summary.figures.value(&["cost", "items", &item.name, "month"]);
        match sums.iter_mut().find(|(what, _)| *what == item.what) {
            Some((_, sum)) => *sum += month,
            None => sums.push((item.what, month)),
        }
    }
    let (what, sum) = sums.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let share = sum / total;
    (share >= MOSTLY).then(|| (what, number::percent(share)))
}

fn this_span(seconds: f64) -> String {
    let near = |wanted: f64| (seconds - wanted).abs() < wanted * 1e-9;
    if near(3600.0) {
        "This hour".to_owned()
    } else if near(86_400.0) {
        "This day".to_owned()
    } else if (MONTH..=32.0 * 86_400.0).contains(&seconds) {
        "This month".to_owned()
    } else {
        format!("These {}", number::span_words(seconds))
    }
}

fn break_even(share: f64) -> String {
    if share > 1.0 {
        "Not even if every registered user paid would the costs be covered.".to_owned()
    } else if share.is_finite() {
        format!(
            "The costs are covered when {} of the registered users pay.",
            number::percent(share)
        )
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use highwater_models::record::summary::CostItem;

    fn bill(profit: Option<f64>) -> Summary {
        let mut summary = Summary {
            measured: (0.0, 3600.0),
            ..Summary::default()
        };
        for (name, what, event) in [
            ("web", "instances", 0.08),
            ("gpt-4", "LLM tokens", 0.7),
            ("gpt-3.5-turbo", "LLM tokens", 0.22),
        ] {
            summary.costs.push(CostItem {
                name: name.to_owned(),
                what,
                price: String::new(),
                source: String::new(),
            });
            sample::set(&mut summary, &["cost", "items", name, "event"], Unit::Dollars, event);
            sample::set(
                &mut summary,
                &["cost", "items", name, "month"],
                Unit::Dollars,
                event * 730.0,
            );
        }
        sample::set(&mut summary, &["cost", "event"], Unit::Dollars, 1.0);
        sample::set(&mut summary, &["cost", "month"], Unit::Dollars, 730.0);
        if let Some(profit) = profit {
            sample::set(&mut summary, &["cost", "revenue"], Unit::Dollars, 730.0 + profit);
            sample::set(&mut summary, &["cost", "profit"], Unit::Dollars, profit);
            let share = 730.0 / (730.0 + profit);
            sample::set(&mut summary, &["cost", "break_even_paying_share"], Unit::Share, share);
        }
        summary
    }

    // Lost if broken: the sentence that a founder reads first, and the mark on what is only a rate.
    #[test]
    fn the_founder_reads_what_it_cost_and_what_a_month_would() {
        assert_eq!(
            words(&bill(Some(1000.0))),
            "This hour cost $1.00, mostly LLM tokens (92.0 %). If every hour of a month were like this, a month would \
             cost $730.00. Users bring $1,730 a month after payment fees, so that a profit of $1,000 is left. The costs \
             are covered when 42.2 % of the registered users pay."
        );
        assert!(words(&bill(Some(-630.0))).ends_with(
            "so that a loss of $630.00 is left. Not even if every registered user paid would the costs be covered."
        ));
    }

    // Lost if broken: a reader without revenue who is not told what to set, or sentences where nothing has a price.
    #[test]
    fn unknown_revenue_names_the_key_and_no_price_says_nothing() {
        assert!(words(&bill(None)).contains("`money.users`"));
        assert_eq!(words(&Summary::default()), "");
        assert!(table(&Summary::default()).is_empty());
    }
}
