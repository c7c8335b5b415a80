//! The model provider's account: models that go, tokens, retries, prices.

use std::collections::BTreeSet;

use super::average::{mean, of_latency};
use super::call::Call;
use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{list, path, set, ticked};
use crate::catalogue::{Edition, Model};
use crate::file::Jitter;
use crate::file::system::{Provider, RetryAfter};
use crate::units::{Usd, show_number, show_seconds, show_usd};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "model-withdrawn",
        severity: Severity::Contradiction,
        meaning: "A model in use is shut down by the date of the catalogue's edition.",
        source: "OpenAI, deprecations (third party's copy)",
        date: "2026-10-28",
        check: withdrawn,
    },
    Rule {
        id: "model-leaves",
        severity: Severity::Risk,
        meaning: "A model in use has a date on which it is shut down, later than the catalogue's edition.",
        source: "OpenAI, deprecations (third party's copy)",
        date: "2026-10-28",
        check: leaves,
    },
    Rule {
        id: "tokens-bind-before-requests",
        severity: Severity::Risk,
        meaning: "The account's limit on tokens is reached long before its limit on requests: the number that was \
                  planned with is not the one that refuses.",
        source: "OpenAI, rate-limits guide: whichever limit is hit first",
        date: "2026-11-24",
        check: tokens_first,
    },
    Rule {
        id: "retries-inside-one-window",
        severity: Severity::Risk,
        meaning: "After a 429 all retries are spent within a few seconds of a limit that comes back over a minute: they \
                  use the limit up and help nobody.",
        source: "openai 7.57.0 client.js; OpenAI, rate-limits guide: refused requests count",
        date: "2026-11-24",
        check: retries_in_window,
    },
    Rule {
        id: "spend-ceiling-within-the-month",
        severity: Severity::Risk,
        meaning: "At the account's own limit on tokens, the monthly ceiling of its usage tier is reached in less than a \
                  month. Then every call fails with `insufficient_quota`, which no retry cures.",
        source: "OpenAI, rate-limits guide (third party's copy): tiers and ceilings",
        date: "2026-11-24",
        check: spend_ceiling,
    },
    Rule {
        id: "model-faster-than-measured",
        severity: Severity::Note,
        meaning: "The file has a model answer at more than twice the speed that the catalogue's sources measured.",
        source: "the catalogue's entry of the model: `highwater explain MODEL`",
        date: "2026-11-24",
        check: faster_than_measured,
    },
    Rule {
        id: "model-without-price",
        severity: Severity::Note,
        meaning: "Neither the file nor the catalogue has a price of a model in use: its cost is missing from every bill.",
        source: "the catalogue",
        date: "2026-11-24",
        check: without_price,
    },
];

/// Models in use, each once: those that steps ask for and those that a role names, a level of degradation's too.
fn used<'a>(design: &Design<'a>) -> Vec<(String, &'a str)> {
    let mut seen = BTreeSet::new();
    let mut used = Vec::new();
    let mut add = |subject: String, model: &'a str| {
        if seen.insert(model) {
            used.push((subject, model));
        }
    };
    for (name, provider) in design.system.provider.iter() {
        for (role, model) in provider.r#use.iter() {
            add(
                path(name.as_str(), &format!("use.{}", super::words::part(role.as_str()))),
                model.as_str(),
            );
        }
    }
    for call in &design.calls {
        add(format!("endpoint.{}", super::words::part(call.endpoint)), call.model);
    }
    for level in design
        .system
        .degradation
        .iter()
        .flat_map(|degradation| &degradation.level)
    {
        for setting in &level.set.entries {
            if let crate::file::Value::Text(text) = &setting.value.value
                && setting.path.iter().any(|part| part == "use")
            {
                add(format!("degradation.level {}", level.name), text);
            }
        }
    }
    used
}

/// The day on which a model goes, as far as any edition knows.
fn last_day(model: &str) -> Option<(&'static Model, &'static str)> {
    let editions = Edition::all().iter().rev();
    editions
        .filter_map(|edition| edition.model(model))
        .find_map(|model| Some((model, model.withdrawn.as_ref()?.date.value.as_str())))
}

fn withdrawn(design: &Design<'_>) -> Vec<Found> {
    going(design, |edition, day| day <= edition, "is shut down")
}

fn leaves(design: &Design<'_>) -> Vec<Found> {
    going(design, |edition, day| day > edition, "will be shut down")
}

fn going(design: &Design<'_>, is_so: fn(&str, &str) -> bool, word: &str) -> Vec<Found> {
    let edition = design.edition.date();
    let mut found = Vec::new();
    for (subject, name) in used(design) {
        let Some((model, day)) = last_day(name).filter(|(_, day)| is_so(edition, day)) else {
            continue;
        };
        let replacements = model
            .withdrawn
            .as_ref()
            .and_then(|withdrawal| withdrawal.replacements.as_ref())
            .map(|names| names.value.clone())
            .unwrap_or_default();
        let cure = match replacements.first() {
            Some(first) if subject.contains(".use.") && design.edition.model(first).is_some() => {
                let others = list(&ticked(&replacements));
                format!("{}; the provider names {others}", set(&subject, first))
            }
            Some(_) => format!(
                "the provider names {} (`catalogue = \"latest\"` has them)",
                list(&ticked(&replacements))
            ),
            None => "the provider names no successor: choose one and try it before that day".to_owned(),
        };
        found.push(Found {
            title: format!("`{name}` {word} on {day}"),
            arithmetic: format!("the catalogue's edition is that of {edition}"),
            cure,
            subject,
        });
    }
    found
}

/// Calls of a provider that take tokens, with their weight in an average session.
fn calls_of<'a, 'd>(design: &'d Design<'a>, provider: &str) -> Vec<(&'d Call<'a>, f64)> {
    let calls = design
        .calls
        .iter()
        .filter(|call| call.provider == provider && call.charged > 0.0);
    let weighted: Vec<(&Call<'a>, f64)> = calls
        .map(|call| (call, design.traffic.requests_of(call.endpoint) * call.times))
        .collect();
    // Without traffic to them, all calls count alike.
    if weighted.iter().all(|(_, weight)| *weight <= 0.0) {
        return weighted.into_iter().map(|(call, _)| (call, 1.0)).collect();
    }
    weighted.into_iter().filter(|(_, weight)| *weight > 0.0).collect()
}

fn weighted_mean(calls: &[(&Call<'_>, f64)], value: impl Fn(&Call<'_>) -> f64) -> f64 {
    let total: f64 = calls.iter().map(|(_, weight)| weight).sum();
    let sum: f64 = calls.iter().map(|(call, weight)| weight * value(call)).sum();
    if total > 0.0 { sum / total } else { 0.0 }
}

/// Tokens that the limit is charged for a call, on average.
pub(super) fn tokens_per_call(design: &Design<'_>, provider: &str) -> Option<f64> {
    let calls = calls_of(design, provider);
    let tokens = weighted_mean(&calls, |call| call.charged);
    (tokens > 0.0).then_some(tokens)
}

/// `700 of the prompt + 200 of the answer`.
pub(super) fn tokens_text(design: &Design<'_>, provider: &str) -> String {
    let calls = calls_of(design, provider);
    let prompt = weighted_mean(&calls, |call| call.prompt);
    let charged = weighted_mean(&calls, |call| call.charged);
    let more = if calls.iter().any(|(call, _)| call.has_history) {
        ", history left out"
    } else {
        ""
    };
    format!(
        "{} prompt + {} answer = {} tokens a call{more}",
        show_number(prompt),
        show_number(charged - prompt),
        show_number(charged)
    )
}

fn tokens_first(design: &Design<'_>) -> Vec<Found> {
    /// Nearer to each other than this, the two limits go well together.
    const FAR: f64 = 2.0;
    let mut found = Vec::new();
    for (name, provider) in design.system.provider.iter() {
        let (Some(requests), Some(tokens), Some(each)) = (
            provider.requests_per_minute,
            provider.tokens_per_minute,
            tokens_per_call(design, name.as_str()),
        ) else {
            continue;
        };
        let calls = tokens as f64 / each;
        if calls * FAR <= requests as f64 {
            found.push(Found {
                subject: path(name.as_str(), "tokens_per_minute"),
                title: format!(
                    "`{name}` lets {} calls a minute through, not {}: its tokens run out first",
                    show_number(calls),
                    show_number(requests as f64)
                ),
                arithmetic: format!(
                    "{}; {} tokens a minute / {} = {}",
                    tokens_text(design, name.as_str()),
                    show_number(tokens as f64),
                    show_number(each),
                    show_number(calls)
                ),
                cure:
                    "plan with the smaller number: shorter prompts and histories, `answer_max`, a model with a higher \
                       limit, or a higher usage tier"
                        .to_owned(),
            });
        }
    }
    found
}

/// Seconds that all waits of a retry take together, without what an answer asks for.
fn waits(provider: &Provider) -> f64 {
    let Some(wait) = &provider.retry.wait else { return 0.0 };
    let mut next = wait.base.seconds();
    let mut total = 0.0;
    for _ in 0..provider.retry.max.min(64) {
        let one = wait.cap.map_or(next, |cap| next.min(cap.seconds()));
        total += if wait.jitter == Jitter::Full { one / 2.0 } else { one };
        next *= wait.factor;
    }
    total
}

fn retries_in_window(design: &Design<'_>) -> Vec<Found> {
    /// The limits are a minute's. Retries that reach over half of it have a chance.
    const WINDOW: f64 = 60.0;
    let mut found = Vec::new();
    for (name, provider) in design.system.provider.iter() {
        let is_limited = provider.requests_per_minute.is_some() || provider.tokens_per_minute.is_some();
        let told = provider.retry.honour_retry_after && provider.retry_after != RetryAfter::None;
        let spent = waits(provider);
        if !is_limited || told || provider.retry.max == 0 || spent >= WINDOW / 2.0 {
            continue;
        }
        found.push(Found {
            subject: path(name.as_str(), "retry"),
            title: format!("retries at `{name}` are over long before its limit comes back"),
            arithmetic: format!(
                "{} retries within {}; the limit is a minute's, and refused requests count too",
                provider.retry.max,
                show_seconds(spent)
            ),
            cure: if provider.retry.honour_retry_after {
                "wait for the time in the headers `x-ratelimit-reset-*`, or refuse before the provider does: a queue \
                 with a cap below its limit"
                    .to_owned()
            } else {
                set(&path(name.as_str(), "retry.honour_retry_after"), true)
            },
        });
    }
    found
}

fn spend_ceiling(design: &Design<'_>) -> Vec<Found> {
    const MINUTES_OF_A_MONTH: f64 = 30.0 * 24.0 * 60.0;
    let mut found = Vec::new();
    for (name, provider) in design.system.provider.iter() {
        let calls = calls_of(design, name.as_str());
        let (Some(tokens), Some(each), Some((first, _))) = (
            provider.tokens_per_minute,
            tokens_per_call(design, name.as_str()),
            calls.first(),
        ) else {
            continue;
        };
        let limits = design.edition.model(first.model).map(Model::tiers).unwrap_or_default();
        let Some(tier) = limits.iter().find(|limits| {
            limits
                .tokens_per_minute
                .as_ref()
                .is_some_and(|known| known.value == tokens)
        }) else {
            continue;
        };
        let Some(ceiling) = design.edition.number(&format!("openai.tier.{}.spend_max", tier.tier)) else {
            continue;
        };
        if calls.iter().any(|(call, _)| call.price(design).is_none()) {
            continue;
        }
        let price = weighted_mean(&calls, |call| call.price(design).unwrap_or(0.0));
        let minutes = ceiling.value / (price * tokens as f64 / each);
        if price > 0.0 && minutes < MINUTES_OF_A_MONTH {
            found.push(Found {
                subject: path(name.as_str(), "tokens_per_minute"),
                title: format!(
                    "the month's ceiling of `{name}` is spent after {} at its own limit on tokens",
                    show_seconds(minutes * 60.0)
                ),
                arithmetic: format!(
                    "these limits are those of tier {}, which may spend {} a month; a call costs {}, so {} calls",
                    tier.tier,
                    show_usd(Usd::from_dollars(ceiling.value)),
                    show_usd(Usd::from_dollars(price)),
                    show_number(ceiling.value / price)
                ),
                cure:
                    "ask for a higher ceiling before the launch, alert on the month's spending at half of it, or use \
                       a cheaper model"
                        .to_owned(),
            });
        }
    }
    found
}

fn faster_than_measured(design: &Design<'_>) -> Vec<Found> {
    const FAR: f64 = 2.0;
    let mut found = Vec::new();
    for (provider_name, provider) in design.system.provider.iter() {
        for (name, model) in provider.model.iter() {
            let Some(given) = model.per_token.as_ref().and_then(mean) else {
                continue;
            };
            let Some(known) = design
                .edition
                .model(name.as_str())
                .and_then(|model| model.per_token.as_ref())
            else {
                continue;
            };
            let measured = of_latency(&known.value);
            if given * FAR < measured {
                let path = format!(
                    "{}.model.{}.per_token",
                    super::words::part(provider_name.as_str()),
                    super::words::part(name.as_str())
                );
                found.push(Found {
                    title: format!("`{name}` answers faster in the file than anybody measured"),
                    arithmetic: format!(
                        "{} a token in the file, {} in the catalogue: 200 tokens in {} or in {}",
                        show_seconds(given),
                        show_seconds(measured),
                        show_seconds(given * 200.0),
                        show_seconds(measured * 200.0)
                    ),
                    cure: format!(
                        "leave it out, or run both: {}",
                        set(&path, format!("{}ms", measured * 1000.0))
                    ),
                    subject: path,
                });
            }
        }
    }
    found
}

fn without_price(design: &Design<'_>) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let unknown = design
        .calls
        .iter()
        .filter(|call| call.price(design).is_none() && seen.insert((call.provider, call.model)));
    unknown
        .map(|call| Found {
            subject: format!(
                "{}.model.{}",
                super::words::part(call.provider),
                super::words::part(call.model)
            ),
            title: format!("nobody knows what `{}` costs", call.model),
            arithmetic: "no price in the file and none in the catalogue: it counts as $0".to_owned(),
            cure: format!(
                "give its price: `[provider.{}.model]` with `price_in` and `price_out`, or `price_audio_minute`",
                call.provider
            ),
        })
        .collect()
}
