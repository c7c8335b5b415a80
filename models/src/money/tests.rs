//! Bills to the cent, as somebody would reckon them on paper.

use super::*;
use crate::catalogue::{Edition, names};
use crate::file::{NoFiles, Plan, Request, load_scenario};
use crate::{SimSpan, bundled};

/// The days of the coaching plan; its prices do not change any more.
const EDITION: &str = "2025-12-10";

fn plan(text: &str) -> Plan {
    let request = Request {
        catalogue: names,
        ..Request::new("test", text)
    };
    let loaded = load_scenario(request, &NoFiles, bundled::system);
    loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn system(text: &str) -> Plan {
    plan(&format!(
        "duration = \"1h\"\n[load]\nrate = 1.0\n[system]\ncatalogue = \"{EDITION}\"\n[system.endpoint.e]\nsteps = [{{ io = \"1ms\" }}]\n{text}"
    ))
}

fn tariff(plan: &Plan, models: &[&str]) -> Tariff {
    let edition = Edition::of(&plan.system.catalogue).expect("an edition");
    let models: Vec<String> = models.iter().map(|&name| name.to_owned()).collect();
    Tariff::of(&plan.system, edition, &[models])
}

#[track_caller]
fn check(bill: &Bill, expected: &[(&str, f64)]) {
    let items: Vec<(&str, f64)> = bill
        .items
        .iter()
        .map(|item| (item.name.as_str(), item.dollars))
        .collect();
    assert_eq!(items.len(), expected.len(), "{items:?}");
    for ((name, dollars), (wanted, sum)) in items.iter().zip(expected) {
        assert_eq!(name, wanted);
        assert!((dollars - sum).abs() < 1e-9, "{name}: {dollars}, by hand {sum}");
    }
}

const WHOLE: &str = r#"
[system.service.web]
plan = "starter"
[system.database.db]
plan = "basic-1gb"
storage = "12 GB"
[system.cache.redis]
plan = "upstash-pay-as-you-go"
[system.provider.openai]
[system.money]
recordings = { minute = "1 MB", kept = "730h", per_gb_month = 0.02 }
[system.money.month]
tracking = 26.0
[system.alerts.channel]
sms = { price = 0.0083, month = 1.15 }
"#;

// Lost if broken: the bill itself. Each line is reckoned on paper from the prices of the edition.
#[test]
fn a_month_s_bill_is_arithmetic() {
    let plan = system(WHOLE);
    let tariff = tariff(&plan, &["gpt-4", "whisper-1"]);
    let bill = tariff.bill(&Usage {
        seconds: MONTH_SECONDS,
        services: vec![InstanceUse {
            // One instance all month, and a second one for an hour.
            seconds: MONTH_SECONDS + 3600.0,
            dollars: None,
        }],
        caches: vec![1_250_000.0],
        models: vec![vec![
            ModelUse {
                prompt: 1_000_000.0,
                answer: 250_000.0,
                minutes: 0.0,
            },
            ModelUse {
                minutes: 1024.0,
                ..ModelUse::default()
            },
        ]],
        // 110 GB, of which 100 are included.
        outbound_bytes: 110.0 * 1024.0 * 1024.0 * 1024.0,
        messages: vec![100.0],
    });
    check(
        &bill,
        &[
            ("web", 7.0 + 7.0 / 730.0),
            // 12 GB are paid for as 15.
            ("db", 19.0 + 15.0 * 0.30),
            ("redis", 12.5 * 0.20),
            ("gpt-4", 30.0 + 15.0),
            ("whisper-1", 6.144),
            // A GB for a month.
            ("recordings", 0.02),
            ("bandwidth", 1.50),
            ("workspace", 0.0),
            ("sms", 0.83 + 1.15),
            ("tracking", 26.0),
        ],
    );
    assert!((bill.total() - bill.a_month()).abs() < 1e-9);
}

// Lost if broken: the bill of an event that does not add up to the bill of its month.
#[test]
fn an_hour_is_a_730th_of_its_month() {
    let plan = system(WHOLE);
    let tariff = tariff(&plan, &["gpt-4", "whisper-1"]);
    let gigabytes = 1024.0 * 1024.0 * 1024.0;
    let bill = tariff.bill(&Usage {
        seconds: 3600.0,
        services: vec![InstanceUse {
            seconds: 7200.0,
            dollars: None,
        }],
        outbound_bytes: 1000.0 / 730.0 * gigabytes,
        ..Usage::default()
    });
    let item = |name: &str| bill.item(name).map_or(f64::NAN, |item| item.dollars);
    assert!((item("web") - 14.0 / 730.0).abs() < 1e-12);
    assert!((item("tracking") - 26.0 / 730.0).abs() < 1e-12);
    // 900 GB a month beyond those included.
    assert!((item("bandwidth") * 730.0 - 135.0).abs() < 1e-9);
    assert!((bill.a_month() - bill.total() * 730.0).abs() < 1e-9);
}

// Lost if broken: a free amount charged from its last byte, or never.
#[test]
fn what_is_included_is_free_to_its_last_byte() {
    let plan = system("[system.service.web]\nplan = \"free\"\n");
    let tariff = tariff(&plan, &[]);
    let cost = |gigabytes: f64| {
        let usage = Usage {
            seconds: MONTH_SECONDS,
            outbound_bytes: gigabytes * 1024.0 * 1024.0 * 1024.0,
            ..Usage::default()
        };
        tariff.bill(&usage).total()
    };
    assert_eq!(cost(100.0), 0.0);
    assert!((cost(101.0) - 0.15).abs() < 1e-9);
}

// Lost if broken: autoscaling for nothing, as the coaching plan has it.
#[test]
fn autoscaling_needs_a_paid_workspace_unless_the_file_says_otherwise() {
    let month = |text: &str| {
        let plan = system(text);
        let usage = Usage {
            seconds: MONTH_SECONDS,
            ..Usage::default()
        };
        let bill = tariff(&plan, &[]).bill(&usage);
        bill.item("workspace").map_or(f64::NAN, |item| item.dollars)
    };
    let scaled = "[system.service.web]\nplan = \"pro\"\nscaling = { on = true, max = 2, cpu = 0.7 }\n";
    assert_eq!(month("[system.service.web]\nplan = \"pro\"\n"), 0.0);
    assert_eq!(month(scaled), 19.0);
    assert_eq!(month(&format!("{scaled}[system.money]\nmembers = 3\n")), 57.0);
    assert_eq!(month(&format!("{scaled}[system.money]\nworkspace = \"hobby\"\n")), 0.0);
    assert_eq!(month(&format!("{scaled}[system.money.month]\nworkspace = 4.0\n")), 4.0);
}

// Lost if broken: fees of those who pay nothing, or a break-even that forgets the fees.
#[test]
fn revenue_is_net_of_fees_and_break_even_is_where_it_meets_the_cost() {
    let plan = system(
        "[system.money]\nusers = 1000\npaying = 0.5\npayment = { share = 0.029, each = 0.30 }\n\
         [system.class]\npro = { share = 0.2, price = 29.0 }\nfree = {}\n",
    );
    let users = registered(&plan.system, &plan.scenario);
    assert_eq!(users, Some(1000));
    let revenue = Revenue::of(&plan.system, 1000.0);
    // 100 of 1,000 pay $29; of each $1.141 goes in fees.
    assert!((revenue.gross() - 2900.0).abs() < 1e-9);
    assert!((revenue.fees() - 114.1).abs() < 1e-9);
    assert!((revenue.net() - 2785.9).abs() < 1e-9);
    let share = revenue.break_even_share(1392.95).expect("somebody pays");
    assert!((share - 0.25).abs() < 1e-12);
    assert_eq!(Revenue { price: 0.0, ..revenue }.break_even_share(1.0), None);
}

// Lost if broken: a bill about the wrong number of people.
#[test]
fn registered_users_are_the_largest_population_that_is_named() {
    let of = |load: &str| {
        let plan = plan(&format!(
            "duration = \"1h\"\n{load}[system.endpoint.e]\nsteps = [{{ io = \"1ms\" }}]\n"
        ));
        registered(&plan.system, &plan.scenario)
    };
    assert_eq!(of("[load]\nrate = 1.0\n"), None);
    assert_eq!(of("[load]\nrate = 1.0\npeople = { count = 300 }\n"), Some(300));
    assert_eq!(of("[load]\nregistered = { from = 100, to = 900 }\n"), Some(900));
    assert_eq!(
        of("[source.a]\nrate = 1.0\npeople = { count = 5 }\n[source.b]\nrate = 1.0\npeople = { count = 70 }\n"),
        Some(70)
    );
}

// Lost if broken: a table of monthly costs that nothing can be held against. The usage is made up; the prices of the
// coaching plan's infrastructure at 100 users are the edition's.
#[test]
fn a_table_of_monthly_costs_can_be_checked_without_a_run() {
    let plan = system(
        "[system.service.web]\nplan = \"starter\"\n[system.database.db]\nplan = \"free\"\n\
         [system.cache.redis]\nplan = \"upstash-free\"\n[system.provider.openai]\n",
    );
    let tariff = tariff(&plan, &["gpt-4"]);
    // 100 users with 50 messages each of 700 tokens in and 200 out.
    let messages = 100.0 * 50.0;
    let bill = tariff.bill(&Usage {
        seconds: MONTH_SECONDS,
        services: vec![InstanceUse {
            seconds: MONTH_SECONDS,
            dollars: None,
        }],
        models: vec![vec![ModelUse {
            prompt: messages * 700.0,
            answer: messages * 200.0,
            minutes: 0.0,
        }]],
        ..Usage::default()
    });
    assert!((bill.total() - (7.0 + 105.0 + 60.0)).abs() < 1e-9);
    assert_eq!(bill.item("gpt-4").map(|item| item.what), Some(What::Tokens));
    assert!(
        bill.items
            .iter()
            .all(|item| !item.price.is_empty() && !item.source.is_empty())
    );
}

#[test]
fn a_month_is_a_twelfth_of_a_year() {
    assert_eq!(MONTH.nanos() * 12, SimSpan::from_secs(365 * 86_400).nanos());
    assert_eq!(MONTH.seconds(), MONTH_SECONDS);
}
