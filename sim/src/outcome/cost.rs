//! What a run cost, what a month of such hours would cost and earn.
//!
//! Owns: the paths under `cost`, and a provider's `cost`.
//! Never: how a bill is reckoned (that is `highwater_models::money`).
//!
//! Everything is about the measured span. `event` is what that span itself cost; every other sum is by the month, as if
//! every hour of a month were like it.

use highwater_models::money::{Bill, InstanceUse, MONTH, ModelUse, Usage};
use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::{CostItem, Warning};

use super::build::{Builder, ratio, seconds};
use super::caution::Caution;
use crate::interval::Intervals;
use crate::measure::Record;
use highwater_program::model::Model;

/// Nanoseconds of a month, times the thousandths of a dollar that rents are counted in.
const RENT: f64 = MONTH.nanos() as f64 * 1000.0;

/// What was used in a replication.
#[must_use]
pub fn usage(model: &Model, record: &Record) -> Usage {
    let outbound: u64 = record
        .cells
        .iter()
        .enumerate()
        .filter_map(|(index, cell)| {
            let (endpoint, _, _) = record.cell_names(index);
            let size = model.money.answers.get(endpoint)?;
            Some(cell.as_ref()?.completed * size)
        })
        .sum();
    let sent: f64 = record.providers.iter().map(|provider| provider.bytes_sent).sum();
    Usage {
        seconds: seconds(record),
        services: record
            .services
            .iter()
            .map(|service| InstanceUse {
                seconds: service.billed.measured_area() as f64 / 1e9,
                dollars: Some(service.rent.measured_area() as f64 / RENT),
            })
            .collect(),
        caches: record.caches.iter().map(|cache| cache.commands as f64).collect(),
        models: record
            .providers
            .iter()
            .map(|provider| {
                let models = provider.by_model.iter();
                models
                    .map(|&(_, prompt, answer, minutes)| ModelUse {
                        prompt,
                        answer,
                        minutes,
                    })
                    .collect()
            })
            .collect(),
        outbound_bytes: outbound as f64 + sent,
        messages: record
            .alerts
            .channels
            .iter()
            .map(|channel| channel.segments as f64)
            .collect(),
    }
}

/// Adds the figures, where anything has a price.
pub fn figures(build: &mut Builder, model: &Model) {
    let money = &model.money;
    if money.tariff.bill(&Usage::default()).items.is_empty() {
        return;
    }
    let usages: Vec<Usage> = build.records.iter().map(|record| usage(model, record)).collect();
    let bills: Vec<Bill> = usages.iter().map(|usage| money.tariff.bill(usage)).collect();
    let a_month = |bill: &Bill, sum: f64| {
        if bill.seconds > 0.0 {
            sum * bill.times_a_month()
        } else {
            f64::NAN
        }
    };
    let months: Vec<f64> = bills.iter().map(|bill| a_month(bill, bill.total())).collect();
    // Days that stand for others are paid for as often.
    let times = build.intervals.times;
    let events = bills.iter().map(|bill| bill.total() * times).collect();
    build.estimate(&["cost", "event"], Unit::Dollars, events);
    build.estimate(&["cost", "month"], Unit::Dollars, months.clone());
    let users = money.revenue.map_or(f64::NAN, |revenue| revenue.users);
    let per_user = months.iter().map(|month| ratio(*month, users)).collect();
    build.estimate(&["cost", "per_user"], Unit::Dollars, per_user);
    for item in items(model) {
        let of = |bill: &Bill| bill.item(&item.name).map_or(0.0, |item| item.dollars);
        let path = |key: &'static str| ["cost", "items", item.name.as_str(), key];
        let events = bills.iter().map(|bill| of(bill) * times).collect();
        build.estimate(&path("event"), Unit::Dollars, events);
        let months = bills.iter().map(|bill| a_month(bill, of(bill))).collect();
        build.estimate(&path("month"), Unit::Dollars, months);
    }
    // Without a price that anybody pays there is no revenue to speak of, as without users.
    let revenue = money.revenue.filter(|_| money.asks_users);
    let each = |of: fn(&highwater_models::money::Revenue) -> f64| -> Vec<f64> {
        vec![revenue.as_ref().map_or(f64::NAN, of); bills.len()]
    };
    build.estimate(&["cost", "revenue"], Unit::Dollars, each(|revenue| revenue.net()));
    build.estimate(&["cost", "fees"], Unit::Dollars, each(|revenue| revenue.fees()));
    let profits: Vec<f64> = months
        .iter()
        .map(|month| revenue.map_or(f64::NAN, |revenue| revenue.net() - month))
        .collect();
    let margins: Vec<f64> = profits
        .iter()
        .map(|profit| revenue.map_or(f64::NAN, |revenue| ratio(*profit, revenue.gross())))
        .map(|margin| if margin.is_finite() { margin } else { f64::NAN })
        .collect();
    signed(build, &["cost", "profit"], Unit::Dollars, profits);
    signed(build, &["cost", "margin"], Unit::Share, margins);
    let shares = months
        .iter()
        .map(|month| revenue.and_then(|revenue| revenue.break_even_share(*month)))
        .map(|share| share.unwrap_or(f64::NAN))
        .collect();
    signed(build, &["cost", "break_even_paying_share"], Unit::Share, shares);
    let instance_seconds = usages
        .iter()
        .map(|usage| usage.services.iter().map(|service| service.seconds).sum())
        .collect();
    build.counts(&["cost", "instance_seconds"], instance_seconds);
    providers(build, model, &usages);
}

/// What each provider and model cost in the measured span.
fn providers(build: &mut Builder, model: &Model, usages: &[Usage]) {
    for (number, provider) in model.providers.iter().enumerate() {
        let own = model.resources[usize::from(provider.resource)].name.as_str();
        let times = build.intervals.times;
        let cost = |usage: &Usage, index: usize| model.money.call(number, index, usage.models[number][index]) * times;
        let whole = usages.iter();
        let whole = whole.map(|usage| (0..provider.models.len()).map(|index| cost(usage, index)).sum());
        build.estimate(&["resources", own, "cost"], Unit::Dollars, whole.collect());
        for (index, spec) in provider.models.iter().enumerate() {
            let costs = usages.iter().map(|usage| cost(usage, index)).collect();
            let path = ["resources", own, "by_model", spec.name.as_str(), "cost"];
            build.estimate(&path, Unit::Dollars, costs);
        }
    }
}

/// The items of the bill, with their prices and where those come from.
#[must_use]
pub fn items(model: &Model) -> Vec<CostItem> {
    let bill = model.money.tariff.bill(&Usage::default());
    let items = bill.items.into_iter().map(|item| CostItem {
        name: item.name,
        what: item.what.words(),
        price: item.price,
        source: item.source,
    });
    items.collect()
}

/// What is missing for an objective about money.
#[must_use]
pub fn missing(model: &Model, cost: bool, profit: bool) -> Vec<Warning> {
    let money = &model.money;
    let mut found = Vec::new();
    if (cost || profit) && items(model).is_empty() {
        found.push("nothing in the system has a price: give its parts a `plan`, or set `money.month`");
    }
    if profit && !money.asks_users {
        found.push("nobody pays: set `class.NAME.price`");
    } else if profit && money.revenue.is_none() {
        found.push("it is not known how many users are registered: set `money.users`");
    }
    found
        .into_iter()
        .map(|text| Warning {
            id: Caution::MoneyUnknown.id(),
            text: format!("An objective about money stays undecided: {text}."),
        })
        .collect()
}

/// A figure that can be negative, so that its interval is not cut.
fn signed(build: &mut Builder, path: &[&str], unit: Unit, samples: Vec<f64>) {
    let estimate: Estimate = Intervals::estimate(build.intervals, &samples);
    build.estimated(path, unit, samples, estimate);
}

#[cfg(test)]
mod tests {
    use crate::outcome::{figures, sample};

    // Lost if broken: textbook queues would get a bill of nothing, and readers a section about money.
    #[test]
    fn a_system_without_prices_has_no_bill() {
        let model = sample::model();
        let figures = figures(&model, &[sample::record(&model, 10, 0)]);
        assert!(figures.children(&["cost"]).is_empty());
    }
}
