//! The next step in words and as JSON.
//!
//! Owns: the sentences. Never: what was tried, and what is better (`highwater_sim::probe`).

use highwater_models::record::figures::Estimate;
use highwater_models::record::next_step::{Answer, Effect, NextStep, Step, Tried, Why};
use serde_json::{Value, json};

use crate::json::{estimate, number as json_number, unit_name};
use crate::number;
use crate::paint::{Paint, Style};
use crate::table::wrap;
use crate::words::figure;

/// What every sentence begins with.
const HEAD: &str = "Next step";

/// The paragraph below a verdict; empty where no next step was looked for. The command stands on a line of its own, whole,
/// so that it can be copied.
#[must_use]
pub fn paragraph(found: Option<&NextStep>, paint: Paint) -> String {
    let Some(found) = found else { return String::new() };
    let text = wrap(&words(found), 0);
    let rest = text.strip_prefix(HEAD).unwrap_or(&text);
    let command = command(found).map_or_else(String::new, |command| format!("  {command}\n"));
    format!("{}{rest}{command}", paint.text(Style::Heading, HEAD))
}

/// The sentences for a page that has a heading of its own for them, the command in marks of code at their end.
#[must_use]
pub fn sentence(found: &NextStep) -> String {
    let words = words(found);
    let words = words
        .strip_prefix(HEAD)
        .map_or(words.as_str(), |rest| rest.trim_start_matches([':', ' ']));
    command(found).map_or_else(|| words.to_owned(), |command| format!("{words} `{command}`"))
}

/// The sentences, without the command.
#[must_use]
pub fn words(found: &NextStep) -> String {
    match &found.answer {
        Answer::Change(step) => {
            let unsure = if step.sure {
                ""
            } else {
                " That is not sure yet: more replications would tell."
            };
            format!("{HEAD}: {}: {}.{unsure} Try it:", change(step), effect(step))
        }
        Answer::Save(step) => format!(
            "{HEAD}: none is needed, and {} holds too: {}. Try it:",
            change(step),
            step.cost.as_ref().map_or_else(String::new, cost)
        ),
        Answer::Nothing => match found.tried.len() {
            0 => format!("{HEAD}: none is needed. Everything holds."),
            1 => format!(
                "{HEAD}: none is needed. Everything holds, and would not with {}.",
                settings(&found.tried[0].settings)
            ),
            many => {
                format!("{HEAD}: none is needed. Everything holds, and would not with any of {many} cheaper settings.")
            }
        },
        Answer::NoneHelps(nearest) => {
            let nearest = nearest.as_ref().map_or_else(String::new, |step| {
                if step.sure {
                    format!(" The best of them is {}: {}.", change(step), effect(step))
                } else {
                    let label = figure(&step.effect.path);
                    format!(
                        " The best of them is {}: what it does to the {label} may be chance.",
                        change(step)
                    )
                }
            });
            format!("{HEAD}: {}.{nearest}", none_of(found))
        }
        Answer::NothingToTry => {
            format!(
                "{HEAD}: there is nothing to try: no setting of the parts that hold requests up, no cure that the review names."
            )
        }
        Answer::TooLong { probe } => format!(
            "{HEAD}: not looked for. One trial takes {} events, and all of them together may take {}.",
            number::count(*probe as f64),
            number::count(found.budget as f64)
        ),
    }
}

fn none_of(found: &NextStep) -> String {
    let more = match found.left_out {
        0 => String::new(),
        1 => ", and 1 more would have passed the budget".to_owned(),
        many => format!(", and {many} more would have passed the budget"),
    };
    match found.tried.len() {
        0 => format!("no single change could be tried{more}"),
        1 => format!("the one change that was tried does not help{more}"),
        many => format!("none of the {many} single changes that were tried helps{more}"),
    }
}

/// What to change: "`connections.max=8` (from 20)".
fn change(step: &Step) -> String {
    let from = step.from.as_ref().map(|from| format!(" (from {from})"));
    let why = match &step.why {
        Why::Review(rule) => Some(format!(" (which the review names: {rule})")),
        Why::Profile(name) => Some(format!(" (a protection of the profile `{name}`)")),
        Why::Limit(_) | Why::Cheaper(_) => None,
    };
    format!("{}{}", settings(&step.settings), from.or(why).unwrap_or_default())
}

fn settings(settings: &[String]) -> String {
    let named: Vec<String> = settings
        .iter()
        .map(|setting| format!("`{}`", shortened(setting)))
        .collect();
    named.join(" with ")
}

/// A setting in a sentence; the command has it whole.
fn shortened(setting: &str) -> String {
    match setting.split_once('=') {
        Some((path, value)) if value.chars().count() > 30 => format!("{path}={{ … }}"),
        _ => setting.to_owned(),
    }
}

/// What it does: the figure, the objectives that turn, the cost.
fn effect(step: &Step) -> String {
    let mut parts = vec![moves(&step.effect, step.pairs)];
    let (before, after) = step.met;
    if before != after {
        let of = step.objectives;
        parts.push(format!("{after} of {of} objectives hold instead of {before}"));
    } else if after < step.objectives {
        let of = step.objectives;
        parts.push(match (after, of) {
            (0, 1) => "the objective is still missed".to_owned(),
            (0, of) => format!("still none of the {of} objectives holds"),
            (some, of) => format!("still {some} of {of} objectives hold"),
        });
    }
    if let Some(money) = &step.cost
        && money.path != step.effect.path
    {
        parts.push(cost(money));
    }
    parts.join("; ")
}

/// "the error rate falls from 82.3 % to 66.7 % (-15.6 points, between -16.2 and -15.1)".
fn moves(effect: &Effect, pairs: u32) -> String {
    let value = |value: f64| number::trim_zeros(&number::value(value, effect.unit));
    let label = figure(&effect.path);
    if !effect.difference.value.is_finite() {
        return format!("what it does to the {label} cannot be said");
    }
    if effect.difference.value == 0.0 {
        return format!("the {label} stays at {}", value(effect.before));
    }
    let verb = if effect.difference.value < 0.0 {
        "falls"
    } else {
        "rises"
    };
    let cells = number::difference(&effect.difference, effect.unit);
    let sure = match (pairs, cells.interval.is_empty()) {
        (0 | 1, _) => " in the only replication".to_owned(),
        (_, true) => String::new(),
        (_, false) => format!(
            " ({}, between {})",
            cells.value,
            cells.interval.replace(" to ", " and ")
        ),
    };
    format!(
        "the {label} {verb} from {} to {}{sure}",
        value(effect.before),
        value(effect.after)
    )
}

/// "a month like it costs $18.00 more".
fn cost(effect: &Effect) -> String {
    let difference = effect.difference.value;
    if !difference.is_finite() {
        return "what it costs cannot be said".to_owned();
    }
    if difference == 0.0 {
        return "it costs nothing".to_owned();
    }
    let word = if difference < 0.0 { "less" } else { "more" };
    let open = is_open(&effect.difference);
    let range = match (effect.difference.low, effect.difference.high) {
        (Some(low), Some(high)) if open => format!(
            ", which is not sure (between {} and {})",
            number::dollars(low),
            number::dollars(high)
        ),
        _ => String::new(),
    };
    format!(
        "a month like it costs {} {word}{range}",
        number::dollars(difference.abs())
    )
}

fn is_open(difference: &Estimate) -> bool {
    match (difference.low, difference.high) {
        (Some(low), Some(high)) => low < 0.0 && high > 0.0,
        _ => false,
    }
}

/// The run's command with the change added; `None` where there is no change to try or no command known.
#[must_use]
pub fn command(found: &NextStep) -> Option<String> {
    let (Answer::Change(step) | Answer::Save(step)) = &found.answer else {
        return None;
    };
    let set = step.settings.iter().map(|setting| format!(" --set {}", shell(setting)));
    (!found.command.is_empty()).then(|| format!("{}{}", found.command, set.collect::<String>()))
}

/// A word as a shell takes it.
#[must_use]
pub fn shell(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-.=/:,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// For `summary.json`: `null` where no next step was looked for.
#[must_use]
pub fn value(found: Option<&NextStep>) -> Value {
    let Some(found) = found else { return Value::Null };
    let (answer, step) = match &found.answer {
        Answer::Change(step) => ("change", Some(step)),
        Answer::Save(step) => ("save", Some(step)),
        Answer::Nothing => ("nothing", None),
        Answer::NoneHelps(step) => ("none_helps", step.as_ref()),
        Answer::NothingToTry => ("nothing_to_try", None),
        Answer::TooLong { .. } => ("too_long", None),
    };
    json!({
        "answer": answer,
        "words": words(found),
        "command": command(found),
        "step": step.map(self::step),
        "tried": found.tried.iter().map(tried).collect::<Vec<_>>(),
        "left_out": found.left_out,
        "events": found.events,
        "budget": found.budget,
    })
}

fn step(step: &Step) -> Value {
    json!({
        "settings": step.settings,
        "from": step.from,
        "why": why(&step.why),
        "pairs": step.pairs,
        "sure": step.sure,
        "effect": effect_value(&step.effect),
        "cost": step.cost.as_ref().map(effect_value),
        "objectives": { "of": step.objectives, "before": step.met.0, "after": step.met.1 },
    })
}

fn effect_value(effect: &Effect) -> Value {
    json!({
        "metric": effect.path.to_string(),
        "unit": unit_name(effect.unit),
        "before": json_number(effect.before),
        "after": json_number(effect.after),
        "difference": estimate(&effect.difference),
    })
}

fn why(why: &Why) -> Value {
    match why {
        Why::Limit(resource) => json!({ "limit": resource }),
        Why::Review(rule) => json!({ "review": rule }),
        Why::Profile(name) => json!({ "profile": name }),
        Why::Cheaper(resource) => json!({ "cheaper": resource }),
    }
}

fn tried(tried: &Tried) -> Value {
    json!({
        "settings": tried.settings,
        "why": why(&tried.why),
        "met": tried.met,
        "useful": json_number(tried.useful),
        "cost_month": json_number(tried.cost),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::record::figures::{Path, Unit};

    fn effect_of(path: &[&str], unit: Unit, before: f64, after: f64, half: f64) -> Effect {
        Effect {
            path: Path::new(path),
            unit,
            before,
            after,
            difference: Estimate {
                value: after - before,
                low: Some(after - before - half),
                high: Some(after - before + half),
            },
        }
    }

    fn smaller_pool() -> Step {
        Step {
            settings: vec!["connections.max=8".to_owned()],
            from: Some("20".to_owned()),
            why: Why::Limit("connections".to_owned()),
            pairs: 4,
            effect: effect_of(&["errors", "rate"], Unit::Share, 0.82, 0.61, 0.02),
            sure: true,
            met: (1, 1),
            objectives: 3,
            cost: Some(effect_of(&["cost", "month"], Unit::Dollars, 50.0, 50.0, 0.0)),
        }
    }

    fn of(answer: Answer) -> NextStep {
        NextStep {
            answer,
            tried: Vec::new(),
            left_out: 0,
            budget: 150_000_000,
            events: 0,
            command: "highwater run viral-spike".to_owned(),
        }
    }

    // Lost if broken: what a reader does next, what it brings, what it costs, and how to try it. Read it when it changes.
    #[test]
    fn a_step_says_what_it_does_what_it_costs_and_how_to_try_it() {
        assert_eq!(
            paragraph(Some(&of(Answer::Change(smaller_pool()))), Paint::Plain),
            "Next step: `connections.max=8` (from 20): the error rate falls from 82 % to 61 % (-21.0 points,\nbetween \
             -23.0 and -19.0); still 1 of 3 objectives hold; it costs nothing. Try it:\n  highwater run viral-spike --set connections.max=8\n"
        );
        let mut step = smaller_pool();
        step.met = (1, 2);
        step.sure = false;
        step.from = None;
        step.why = Why::Review("pool-sum");
        step.cost = Some(effect_of(&["cost", "month"], Unit::Dollars, 50.0, 68.0, 1.0));
        assert_eq!(
            words(&of(Answer::Change(step))),
            "Next step: `connections.max=8` (which the review names: pool-sum): the error rate falls from 82 % to 61 % \
             (-21.0 points, between -23.0 and -19.0); 2 of 3 objectives hold instead of 1; a month like it costs $18.00 more. \
             That is not sure yet: more replications would tell. Try it:"
        );
    }

    // Lost if broken: a healthy run that sends its reader looking, or a hopeless one that promises.
    #[test]
    fn nothing_to_do_and_nothing_that_helps_are_said() {
        assert_eq!(
            words(&of(Answer::Nothing)),
            "Next step: none is needed. Everything holds."
        );
        let mut step = smaller_pool();
        step.settings = vec!["web.plan=starter".to_owned()];
        step.from = Some("standard".to_owned());
        step.cost = Some(effect_of(&["cost", "month"], Unit::Dollars, 50.0, 32.0, 0.0));
        assert_eq!(
            words(&of(Answer::Save(step.clone()))),
            "Next step: none is needed, and `web.plan=starter` (from standard) holds too: a month like it costs $18.00 \
             less. Try it:"
        );
        let mut none = of(Answer::NoneHelps(Some(step)));
        none.left_out = 7;
        none.tried = vec![
            Tried {
                settings: vec!["a=1".to_owned()],
                why: Why::Limit("a".to_owned()),
                met: 0,
                useful: 0.5,
                cost: f64::NAN,
            };
            3
        ];
        assert_eq!(
            words(&none),
            "Next step: none of the 3 single changes that were tried helps, and 7 more would have passed the budget. The \
             best of them is `web.plan=starter` (from standard): the error rate falls from 82 % to 61 % (-21.0 points, \
             between -23.0 and -19.0); still 1 of 3 objectives hold; a month like it costs $18.00 less."
        );
        assert_eq!(
            words(&of(Answer::TooLong { probe: 90_000_000 })),
            "Next step: not looked for. One trial takes 90,000,000 events, and all of them together may take 150,000,000."
        );
        assert_eq!(paragraph(None, Paint::Plain), "");
        assert_eq!(value(None), Value::Null);
    }

    // Lost if broken: a command that a shell takes apart.
    #[test]
    fn a_command_survives_the_shell() {
        let mut step = smaller_pool();
        step.settings = vec![
            r#"pooler.b={ database = "postgres", max = 18, mode = "transaction", clients = 500 }"#.to_owned(),
            "connections.database=b".to_owned(),
        ];
        let found = of(Answer::Change(step));
        assert_eq!(
            command(&found).unwrap(),
            r#"highwater run viral-spike --set 'pooler.b={ database = "postgres", max = 18, mode = "transaction", clients = 500 }' --set connections.database=b"#
        );
        assert!(words(&found).starts_with("Next step: `pooler.b={ … }` with `connections.database=b` (from 20): "));
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(value(Some(&found))["answer"], "change");
        assert_eq!(value(Some(&found))["step"]["effect"]["metric"], "errors.rate");
    }
}
