//! Rule tests of the catalogue: its form, its figures, and that no assumption poses as a fact.

use super::book::Book;
use super::edition::is_written;
use super::meaning::Meaning;
use super::*;

fn edition(name: &str) -> &'static Edition {
    Edition::named(name).unwrap_or_else(|| panic!("no edition {name}"))
}

/// A system file names its edition; if a name stopped working, every file with it would be refused.
#[test]
fn editions_go_by_their_dates_and_the_last_one_is_the_latest() {
    assert_eq!(Edition::names(), ["2025-12-10", "2026-11-24", "latest"]);
    for name in Edition::names() {
        assert!(Edition::named(name).is_some(), "{name}");
    }
    assert_eq!(edition("latest").date(), "2026-11-24");
    assert_eq!(Edition::latest().date(), "2026-11-24");
    assert!(Edition::named("2025-12-11").is_none());
}

/// A figure without a source cannot be defended before a founder who asks where it is from.
#[test]
fn every_figure_has_standing_date_and_source_and_each_assumption_says_why() {
    for edition in Edition::all() {
        assert!(edition.book.figures.len() > 200, "{}: figures got lost", edition.date());
        for (path, figure) in &edition.book.figures {
            let key = path.join(".");
            assert!(!figure.source.title.is_empty(), "{key} has no source");
            assert!(figure.source.date.len() >= 4, "{key} has no date");
            if figure.standing() == Standing::Assumed {
                assert!(figure.note.is_some(), "{key} is assumed and does not say why");
                assert!(!figure.source.third_party, "{key}: an assumption is nobody's copy");
            }
        }
    }
}

/// A line of meanings.toml that fits nothing is a figure that got lost or a name that was mistyped; two that fit the
/// same figure would let chance decide its unit.
#[test]
fn every_figure_has_one_meaning_and_every_meaning_a_figure() {
    let paths = || Edition::all().iter().flat_map(|edition| edition.book.figures.keys());
    for meaning in Meaning::all() {
        assert!(paths().any(|path| meaning.fits(path)), "nothing fits {meaning:?}");
        assert!(!meaning.meaning.is_empty(), "{meaning:?}");
    }
    for path in paths() {
        assert_eq!(
            Meaning::all().iter().filter(|meaning| meaning.fits(path)).count(),
            1,
            "{path:?}"
        );
    }
}

/// A source that is used nowhere hides the figure that once came from it.
#[test]
fn every_source_is_used() {
    let used = |id: &str| {
        Edition::all()
            .iter()
            .any(|edition| edition.book.figures.values().any(|figure| figure.source.id == id))
    };
    for id in Edition::all().iter().flat_map(|edition| edition.book.sources.keys()) {
        assert!(used(id), "no figure comes from {id}");
    }
}

#[track_caller]
fn check_standing(name: &str, standing: &str, keys: &[&str]) {
    for key in keys {
        let figure = edition(name).figure(key).unwrap_or_else(|| panic!("{name}: no {key}"));
        assert_eq!(figure.source.standing_text(), standing, "{name}: {key}");
    }
}

/// What nobody published must never be shown as documented.
#[test]
fn unpublished_figures_are_assumed_and_copies_are_called_copies() {
    for plan in edition("latest").database_plans() {
        assert_eq!(
            plan.cores.standing(),
            Standing::Assumed,
            "cores of {} are not published",
            plan.name
        );
    }
    for name in ["2025-12-10", "latest"] {
        check_standing(
            name,
            "assumed",
            &[
                "render.postgres.basic-4gb.price",
                "render.scaling.window",
                "render.scaling.down",
                "render.scaling.boot",
                "render.scaling.balance",
                "upstash.redis.upstash-free.max_connections",
                "upstash.redis.upstash-pay-as-you-go.max_connections",
                "openai.model.gpt-3.5-turbo.tier.4.tokens_per_minute",
                "openai.model.whisper-1.tier.4.requests_per_minute",
                "openai.model.whisper-1.per_audio_minute",
                "openai.model.gpt-4.first_token",
                "twilio.sms.rate",
                "node.base_memory",
                "node.request_cpu",
                "node.cpu_period",
                "postgres.connect",
                "postgres.query",
                "redis.rtt",
                "people.think",
            ],
        );
        check_standing(
            name,
            "documented (third party's copy)",
            &[
                "render.web.pro-plus.price",
                "render.web.pro-max.price",
                "render.web.pro-ultra.price",
                "render.postgres.free.price",
                "render.scaling.workspace",
                "openai.model.gpt-4o.price_in",
                "openai.model.gpt-4o-mini.price_out",
                "openai.model.whisper-1.price_audio_minute",
                "openai.model.gpt-4.tier.1.tokens_per_minute",
                "openai.model.gpt-4o.tier.5.tokens_per_minute",
                "upstash.redis.upstash-pay-as-you-go.price_per_100k_commands",
                "upstash.redis.upstash-fixed-1gb.price",
                "twilio.sms.price",
                "sendgrid.email.price",
                "stripe.card.share",
            ],
        );
        check_standing(
            name,
            "measured",
            &["openai.model.gpt-4-turbo.per_token", "express.request_cpu"],
        );
    }
    check_standing(
        "2025-12-10",
        "assumed",
        &["upstash.redis.upstash-free.commands_per_day"],
    );
    check_standing(
        "latest",
        "documented (third party's copy)",
        &[
            "openai.model.gpt-4.withdrawn",
            "openai.model.gpt-5.6-sol.price_in",
            "openai.model.gpt-6.1-sol.price_out",
            "openai.model.gpt-6.1-terra.price_in",
            "openai.model.gpt-6-luna.price_cached",
            "upstash.redis.upstash-free.commands_per_month",
            "render.workspace.pro.price",
        ],
    );
}

/// Memory decides when an instance is killed: a MB taken for a million bytes would kill it 5 % early.
#[test]
fn sizes_are_bytes_of_1024_to_the_kilo() {
    let edition = edition("2025-12-10");
    assert_eq!(edition.web_plan("starter").unwrap().memory.value, 512 * 1024 * 1024);
    assert_eq!(edition.web_plan("standard").unwrap().memory.value, 2 << 30);
    assert_eq!(edition.database_plan("basic-256mb").unwrap().memory.value, 256 << 20);
    assert_eq!(
        edition.cache_plan("starter").unwrap().memory.as_ref().unwrap().value,
        256 << 20
    );
}

/// The bill and the CPU limit of every simulated system stand on these rows.
#[test]
fn web_plans_have_the_published_cores_memory_and_price() {
    let rows = [
        ("free", 0.1, 512, 0.0),
        ("starter", 0.5, 512, 7.0),
        ("standard", 1.0, 2048, 25.0),
        ("pro", 2.0, 4096, 85.0),
        ("pro-plus", 4.0, 8192, 175.0),
        ("pro-max", 4.0, 16384, 225.0),
        ("pro-ultra", 8.0, 32768, 450.0),
    ];
    for edition in Edition::all() {
        assert_eq!(edition.web_plan_names(), rows.map(|row| row.0));
        for (name, cores, megabytes, price) in rows {
            let plan = edition.web_plan(name).unwrap();
            let found = (plan.cores.value, plan.memory.value >> 20, plan.price.value);
            assert_eq!(found, (cores, megabytes, price), "{name} in {}", edition.date());
        }
    }
}

/// The connection limit is the first thing that the coaching plan gets wrong.
#[test]
fn database_plans_have_the_published_connections_and_price() {
    let rows = [
        ("free", 256, 100, 0.0),
        ("basic-256mb", 256, 100, 6.0),
        ("basic-1gb", 1024, 100, 19.0),
        ("pro-4gb", 4096, 100, 55.0),
        ("basic-4gb", 4096, 100, 75.0),
        ("pro-8gb", 8192, 200, 100.0),
        ("accelerated-16gb", 16384, 400, 160.0),
        ("accelerated-32gb", 32768, 500, 350.0),
        ("accelerated-64gb", 65536, 500, 750.0),
        ("accelerated-128gb", 131_072, 500, 1500.0),
    ];
    assert_eq!(edition("latest").database_plan_names(), rows.map(|row| row.0));
    for (name, megabytes, connections, price) in rows {
        let plan = edition("latest").database_plan(name).unwrap();
        let found = (plan.memory.value >> 20, plan.max_connections.value, plan.price.value);
        assert_eq!(found, (megabytes, connections, price), "{name}");
    }
}

/// A free cache that runs out of commands takes the product down; the offer has changed between the editions.
#[test]
fn the_free_cache_counts_commands_by_day_and_later_by_month() {
    let quota = |name: &str| {
        let plan = edition(name).cache_plan("upstash-free").unwrap();
        (
            plan.commands_per_day.as_ref().map(|figure| figure.value),
            plan.commands_per_month.as_ref().map(|figure| figure.value),
        )
    };
    assert_eq!(quota("2025-12-10"), (Some(10_000), None));
    assert_eq!(quota("latest"), (None, Some(500_000)));
    let paid = edition("latest").cache_plan("upstash-payg").unwrap();
    assert_eq!(paid.name, "upstash-pay-as-you-go");
    assert_eq!(paid.price_per_100k_commands.as_ref().unwrap().value, 0.20);
    let own = edition("latest").cache_plan("pro-max").unwrap();
    assert_eq!(
        (own.max_connections.as_ref().unwrap().value, own.price.value),
        (20_000, 550.0)
    );
}

/// Renamed plans must not break old files, nor new names be understood before they existed.
#[test]
fn plans_go_by_their_other_names_too() {
    assert_eq!(edition("latest").web_plan("0.5c-512mb").unwrap().name, "starter");
    assert_eq!(edition("latest").web_plan("2c-4g").unwrap().name, "pro");
    assert_eq!(edition("2025-12-10").web_plan("pro plus").unwrap().name, "pro-plus");
    assert!(edition("2025-12-10").web_plan("1c-2g").is_none());
    assert!(edition("latest").web_plan("Starter").is_none());
}

/// Tokens are most of the product's bill.
#[test]
fn models_have_the_published_prices() {
    for (name, price_in, price_cached, price_out) in [
        ("gpt-4", 30.0, None, 60.0),
        ("gpt-4-turbo", 10.0, None, 30.0),
        ("gpt-4o", 2.5, Some(1.25), 10.0),
        ("gpt-4o-mini", 0.15, Some(0.075), 0.6),
        ("gpt-3.5-turbo", 0.5, None, 1.5),
        ("gpt-5.6-sol", 4.0, Some(0.4), 20.0),
        ("gpt-6.1-sol", 2.0, Some(0.1), 10.0),
        ("gpt-6.1-terra", 1.0, Some(0.05), 5.0),
        ("gpt-6-luna", 0.1, Some(0.01), 0.5),
    ] {
        let model = edition("latest").model(name).unwrap_or_else(|| panic!("no {name}"));
        let value = |figure: &Option<Figure<f64>>| figure.as_ref().map(|figure| figure.value);
        let found = (
            value(&model.price_in),
            value(&model.price_cached),
            value(&model.price_out),
        );
        assert_eq!(found, (Some(price_in), price_cached, Some(price_out)), "{name}");
        assert!(
            model.first_token.is_some() && model.per_token.is_some(),
            "{name} has no speed"
        );
    }
    assert!(edition("2025-12-10").model("gpt-6-luna").is_none());
}

/// The account's tier decides when the provider refuses; tokens bind long before requests.
#[test]
fn models_have_the_limits_of_each_tier() {
    for (name, tier, requests, tokens) in [
        ("gpt-4", 1, 500, Some(10_000)),
        ("gpt-4", 4, 10_000, Some(300_000)),
        ("gpt-4", 5, 10_000, Some(1_000_000)),
        ("gpt-4o", 2, 5_000, Some(450_000)),
        ("gpt-4o-mini", 5, 30_000, Some(150_000_000)),
        ("gpt-3.5-turbo", 3, 3_500, Some(4_000_000)),
        ("whisper-1", 5, 10_000, None),
    ] {
        let limits = edition("2025-12-10").model(name).unwrap().limits(tier).unwrap();
        assert_eq!(
            limits.requests_per_minute.as_ref().unwrap().value,
            requests,
            "{name} {tier}"
        );
        assert_eq!(
            limits.tokens_per_minute.as_ref().map(|figure| figure.value),
            tokens,
            "{name} {tier}"
        );
    }
    assert!(edition("2025-12-10").model("gpt-4").unwrap().limits(6).is_none());
    assert!(edition("latest").model("gpt-6-luna").unwrap().tiers().is_empty());
}

/// A plan that stands on a model which is gone has to be told so.
#[test]
fn withdrawn_models_say_since_when_and_what_instead() {
    let gone = edition("latest").model("gpt-4").unwrap();
    let withdrawal = gone.withdrawn.as_ref().unwrap();
    assert_eq!(withdrawal.date.value, "2026-10-23");
    assert_eq!(
        withdrawal.replacements.as_ref().unwrap().value,
        ["gpt-5.6-sol", "gpt-5.6-terra"]
    );
    assert!(gone.is_withdrawn_on("2026-10-23") && !gone.is_withdrawn_on("2026-10-22"));
    let going = edition("latest").model("gpt-4o").unwrap();
    assert!(!going.is_withdrawn_on(edition("latest").date()) && going.is_withdrawn_on("2027-01-14"));
    assert!(
        edition("latest")
            .model("whisper-1")
            .unwrap()
            .withdrawn
            .as_ref()
            .unwrap()
            .replacements
            .is_none()
    );
    for model in edition("2025-12-10").models() {
        assert!(
            model.withdrawn.is_none(),
            "{}: nothing was withdrawn on the plan's day",
            model.name
        );
    }
}

/// Look-ups by key serve `explain` and the bill; one that fails silently would bill nothing.
#[test]
fn any_figure_is_found_by_its_key() {
    let edition = edition("2025-12-10");
    for path in edition.book.figures.keys() {
        assert!(edition.figure(&path.join(".")).is_some(), "{path:?}");
    }
    assert_eq!(edition.number("twilio.sms.price").unwrap().value, 0.0083);
    assert_eq!(edition.number("stripe.card.share").unwrap().value, 0.029);
    assert_eq!(edition.number("render.bandwidth.price_per_gb").unwrap().value, 0.15);
    assert_eq!(
        edition
            .number("render.workspace.professional.price_per_member")
            .unwrap()
            .value,
        19.0
    );
    assert!(
        edition.number("render.scaling.workspace").is_none(),
        "a word is no number"
    );
    assert!(edition.figure("render.web.starter").is_none() && edition.figure("").is_none());
    assert_eq!(
        Edition::latest().number("render.workspace.pro.price").unwrap().value,
        25.0
    );
    assert!(
        Edition::latest()
            .figure("render.workspace.professional.price_per_member")
            .is_none()
    );
}

/// The queue's window depends on the version of its package.
#[test]
fn packages_have_the_version_of_the_edition() {
    let version = |name: &str, package: &str| edition(name).package(package).map(|figure| figure.value.to_string());
    assert_eq!(version("2025-12-10", "p-queue").as_deref(), Some("9.0.1"));
    assert_eq!(version("latest", "p-queue").as_deref(), Some("9.3.5"));
    assert_eq!(version("2025-12-10", "pg-pool").as_deref(), Some("3.10.1"));
    assert_eq!(version("latest", "openai").as_deref(), Some("7.57.0"));
    assert_eq!(version("2025-12-10", "drizzle-orm"), None);
}

#[test]
fn a_key_names_parts_of_a_path_in_their_order() {
    // Lost otherwise: a founder asks by the name that is in the file, not by a path nobody knows.
    let found = |key: &str| {
        explain(key)
            .into_iter()
            .map(|line| format!("{} {}", line.key, line.edition))
            .collect::<Vec<_>>()
    };
    let both = |key: &str| [format!("{key} 2025-12-10"), format!("{key} 2026-11-24")];
    assert_eq!(found("render.web.starter.price"), both("render.web.starter.price"));
    assert_eq!(
        found("render.starter.price"),
        [both("render.key-value.starter.price"), both("render.web.starter.price")].concat()
    );
    assert!(found("starter").len() > 10);
    assert!(
        found("gpt-4")
            .iter()
            .all(|line| line.starts_with("openai.model.gpt-4.")),
        "not gpt-4o, not gpt-4-turbo"
    );
    assert_eq!(found("gpt-4.price_in"), both("openai.model.gpt-4.price_in"));
    assert_eq!(
        found("GPT-3.5-turbo.price_out"),
        both("openai.model.gpt-3.5-turbo.price_out")
    );
    assert_eq!(found("0.5c-512mb.price"), ["render.web.starter.price 2026-11-24"]);
    assert!(found("workspace").contains(&"render.workspace.pro.price 2026-11-24".to_owned()));
    assert!(found("twilio.sms").contains(&"twilio.sms.price 2025-12-10".to_owned()));
    for nothing in [
        "",
        ".",
        "start",
        "price.starter",
        "starter.",
        "gpt-4.price",
        "render..web",
    ] {
        assert_eq!(found(nothing), [""; 0], "{nothing:?}");
    }
}

/// The words of an explanation are what a person decides by.
#[test]
fn an_explanation_says_what_in_which_unit_how_well_known_and_from_where() {
    let lines = explain("openai.model.gpt-4.per_token");
    let line = &lines[0];
    assert_eq!(
        (line.value.as_str(), line.unit, line.standing),
        ("mean 0.094, cv 0.2", "s", Standing::Assumed)
    );
    let lines = explain("upstash-free.commands_per_month");
    let line = &lines[0];
    assert_eq!(
        (line.value.as_str(), line.unit, line.date),
        ("500000", "commands/month", "2026-09-20")
    );
    assert_eq!(line.standing_text, "documented (third party's copy)");
    assert!(line.source.contains("upstash.com"), "{}", line.source);
    let lines = explain("gpt-4.replacements");
    assert_eq!(lines[0].value, "gpt-5.6-sol, gpt-5.6-terra");
    assert!(keys().iter().any(|key| key == "basic-1gb") && keys().iter().any(|key| key == "twilio.sms.price"));
}

#[test]
fn keys_are_compared_with_the_dots_inside_of_names() {
    // Lost otherwise: `gpt-4` would answer for `gpt-4.1-mini`.
    let path = ["model", "gpt-3.5-turbo", "price"].map(str::to_owned);
    for (key, expected) in [
        ("model.gpt-3.5-turbo.price", true),
        ("model.gpt-3.5-turbo", false),
        ("model.gpt-3.5-turbo.price.", false),
        ("model.gpt-3.5-turbo.price.in", false),
        ("model.gpt-3.5-turboprice", false),
        ("", false),
    ] {
        assert_eq!(is_written(&path, key), expected, "{key:?}");
    }
}

#[track_caller]
fn check_refused(text: &str, problem: &str) {
    const HEAD: &str = "date = \"2030-01-01\"\n";
    const SOURCE: &str = "\n[source.page]\ntitle = \"a page\"\ndate = \"2030\"\nstanding = \"documented\"\n";
    let first = Book::parse(&format!("{HEAD}{SOURCE}"), &[]).expect("sources alone are fine");
    let text = if text.starts_with("date") {
        text.to_owned()
    } else {
        format!("{HEAD}{text}{SOURCE}")
    };
    let found = Book::parse(&text, &[first]).and_then(Edition::typed).map(|_| ());
    assert!(
        found.as_ref().is_err_and(|found| found.contains(problem)),
        "expected {problem:?}, found {found:?}"
    );
}

/// Someone adds a figure in a hurry: each slip has to be caught by the tests, not by a founder.
#[test]
fn a_slip_in_the_data_is_refused() {
    check_refused("date = 2030", "date: expected a day");
    check_refused("date = \"2030-1-1\"", "date: expected a day");
    check_refused("inherits = \"1999-01-01\"", "no edition");
    check_refused("removed = [\"twilio.sms.price\"]", "there is no twilio.sms.price");
    check_refused("twilio.sms.price = 0.01", "twilio.sms.price: expected [value, source]");
    check_refused("twilio.sms.price = [0.01]", "expected [value, source]");
    check_refused("twilio.sms.price = [0.01, \"nowhere\"]", "no source nowhere");
    check_refused("twilio.sms.price = [\"0.01\", \"page\"]", "expected a number");
    check_refused("twilio.sms.price = [-0.01, \"page\"]", "not a possible figure");
    check_refused("twilio.sms.prize = [0.01, \"page\"]", "no line in meanings.toml fits");
    check_refused(
        "postgres.connect = [{ p50 = 2.0, p95 = 1.0 }, \"page\"]",
        "p95 not below it",
    );
    check_refused(
        "postgres.connect = [{ p50 = 2.0, cv = 1.0 }, \"page\"]",
        "p95 not below it",
    );
    check_refused(
        "render.web.mini.price = [1.0, \"page\"]",
        "render.web.mini.cores is missing",
    );
    check_refused("openai.model.m.withdrawn = [\"soon\", \"page\"]", "soon is not a day");
    check_refused(
        "openai.model.m.replacements = [[\"n\"], \"page\"]",
        "no withdrawn beside it",
    );
    check_refused(
        "openai.model.m.tier.1.requests_per_minute = [1.5, \"page\"]",
        "not a whole number",
    );
    check_refused(
        "source.other = { title = \"t\", date = \"2030\", standing = \"certain\" }",
        "expected documented",
    );
    check_refused(
        "source.other = { title = \"t\", date = \"May\", standing = \"assumed\" }",
        "neither a year",
    );
    check_refused(
        "source.other = { title = \"t\", date = \"2030\", standing = \"assumed\", page = 1 }",
        "unknown key page",
    );
}
