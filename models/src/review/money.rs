//! Money that the file leaves out or counts too kindly.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::set;
use crate::file::scenario::Arrivals;
use crate::units::{Usd, show_number, show_share, show_usd};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "card-fees-left-out",
        severity: Severity::Note,
        meaning: "Users pay and the file has no card fees: every payment is counted in full.",
        source: "stripe.com/pricing (third party's copy): 2.9 % + $0.30",
        date: "2026-09-20",
        check: fees,
    },
    Rule {
        id: "everybody-pays",
        severity: Severity::Note,
        meaning: "The file has every registered user pay. Profit moves with that share more than with any plan.",
        source: "by definition of `money.paying`",
        date: "2026-11-24",
        check: everybody,
    },
    Rule {
        id: "answers-cost-more-than-users-pay",
        severity: Severity::Risk,
        meaning: "What a user's calls of models cost a month is more than the user pays.",
        source: "the catalogue's prices of models; history of a conversation left out",
        date: "2026-11-24",
        check: answers,
    },
];

/// What a user pays a month on average over the classes, before the share of those who pay.
fn price(design: &Design<'_>) -> f64 {
    let given: f64 = design
        .system
        .class
        .iter()
        .filter_map(|(_, class)| class.share)
        .map(|share| share.get())
        .sum();
    let open = design
        .system
        .class
        .iter()
        .filter(|(_, class)| class.share.is_none())
        .count();
    let rest = (1.0 - given).max(0.0) / open.max(1) as f64;
    design
        .system
        .class
        .iter()
        .map(|(_, class)| class.share.map_or(rest, |share| share.get()) * class.price.dollars())
        .sum()
}

fn fees(design: &Design<'_>) -> Vec<Found> {
    let figure = |key: &str| design.edition.number(key).map(|figure| figure.value);
    let (Some(share), Some(each)) = (figure("stripe.card.share"), figure("stripe.card.each")) else {
        return Vec::new();
    };
    let price = price(design);
    if price <= 0.0 || design.system.money.payment.is_some() {
        return Vec::new();
    }
    let fee = price * share + each;
    vec![Found {
        subject: "money.payment".to_owned(),
        title: "card fees are left out".to_owned(),
        arithmetic: format!(
            "{} x {} + {} = {} of each payment, {}",
            show_usd(Usd::from_dollars(price)),
            show_share(share),
            show_usd(Usd::from_dollars(each)),
            show_usd(Usd::from_dollars(fee)),
            show_share(fee / price)
        ),
        cure: set("money.payment", format!("{{ share = {share}, each = {each:.2} }}")),
    }]
}

fn everybody(design: &Design<'_>) -> Vec<Found> {
    let price = price(design);
    if price <= 0.0 || design.system.money.paying.get() < 1.0 {
        return Vec::new();
    }
    vec![Found {
        subject: "money.paying".to_owned(),
        title: "every registered user is counted as paying".to_owned(),
        arithmetic: format!(
            "1,000 users x {} = {} a month; if one in twenty pays, {}",
            show_usd(Usd::from_dollars(price)),
            show_usd(Usd::from_dollars(price * 1000.0)),
            show_usd(Usd::from_dollars(price * 50.0))
        ),
        cure: format!("{}, or the share that you measured", set("money.paying", "0.05")),
    }]
}

fn answers(design: &Design<'_>) -> Vec<Found> {
    let Some(scenario) = design.scenario else {
        return Vec::new();
    };
    let pays = price(design) * design.system.money.paying.get();
    if pays <= 0.0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for ((name, load), stream) in scenario.streams().zip(&design.traffic.streams) {
        let is_registered = match load.arrivals() {
            Some(Arrivals::Registered(_)) => true,
            Some(Arrivals::Phases(phases)) => phases.iter().any(|phase| phase.registered.is_some()),
            _ => false,
        };
        if !is_registered {
            continue;
        }
        let sessions = load.day.as_ref().map_or(1.0, |day| day.sessions_per_user) * 30.0;
        let mut each = 0.0;
        for call in &design.calls {
            let times = stream.session.requests.get(call.endpoint).copied().unwrap_or(0.0);
            each += times * call.times * call.price(design).unwrap_or(0.0);
        }
        let cost = sessions * each;
        if cost > pays {
            found.push(Found {
                subject: format!("{name}.day.sessions_per_user"),
                title: "a user costs more than a user pays".to_owned(),
                arithmetic: format!(
                    "{} sessions a month x {} of models = {}; a registered user pays {} on average",
                    show_number(sessions),
                    show_usd(Usd::from_dollars(each)),
                    show_usd(Usd::from_dollars(cost)),
                    show_usd(Usd::from_dollars(pays))
                ),
                cure: "a cheaper model, a limit on messages of those who do not pay, or another price".to_owned(),
            });
        }
    }
    found
}
