//! The text of a scenario to start from.

use super::answer::{Answers, Goal, Metric, When};
use crate::SimSpan;
use crate::units::write_span;

/// The scenario: the busiest hours of a day, and what must hold then.
pub(super) fn text(name: &str, answers: &Answers) -> String {
    let mut text = format!(
        "# Do {} registered people, {}, get what they came for?\n\n\
         # Run it:                    highwater run {name}.toml\n\
         # Try another setting:       highwater run {name}.toml --set web.instances=2\n\
         # Check it in CI:            highwater check {name}.toml\n\
         # What a setting means:      highwater explain load.day\n\
         # Where figures come from stands beside them: yours, documented (by the vendor), or assumed (nobody says so).\n\n\
         title        = {:?}\n\
         system       = \"{name}.system.toml\"\n",
        answers.users,
        phrase(answers.when),
        format!("{name}: the busiest hours")
    );
    let (starts, hours, shape) = busy(answers.when);
    text.push_str(&format!(
        "duration     = \"{hours}h\"                   # the busiest hours of the day alone: a limit shows there first\n\
         replications = 5                      # more of them narrow the intervals\n\n\
         # ---- who comes ----------------------------------------------------------------------------------------------\n\n\
         [load]\n\
         registered = {}                     # yours\n\
         day        = {{ sessions_per_user = 1.0, shape = \"{shape}\", starts_at = \"{starts}h\" }}   # assumed: one visit a day\n",
        answers.users
    ));
    if answers.when == When::WeekdayEvenings {
        text.push_str("week       = { shape = \"office\", starts_on = \"tuesday\" }   # assumed: a working day is busier than the mean of the week\n");
    }
    text.push_str("\n# ---- what must hold -----------------------------------------------------------------------------------------\n\n");
    text.push_str(&objectives(answers));
    text.push_str(
        "\n# ---- what is measured ---------------------------------------------------------------------------------------\n\n\
         [measure]\n\
         from = \"10m\"                          # until then it fills from nothing\n\n\
         # ---- what goes wrong: take the marks away to try -------------------------------------------------------------\n\n\
         # [[event]]\n\
         # at     = \"1h\"\n\
         # action = { deploy = \"web\" }\n",
    );
    if answers.llm.is_some() {
        text.push_str(
            "\n# [[event]]\n# at    = \"2h\"\n# fault = { slow = { target = \"openai\", factor = 3.0, for = \"20m\" } }\n",
        );
    }
    text
}

const fn phrase(when: When) -> &'static str {
    match when {
        When::Evenings => "most of them in the evening",
        When::WeekdayEvenings => "most of them on weekday evenings",
        When::OfficeHours => "most of them in office hours",
        When::AllDay => "at any hour of the day",
    }
}

/// When the busiest hours begin, how many they are, and the shape of the day.
const fn busy(when: When) -> (u32, u32, &'static str) {
    match when {
        When::Evenings | When::WeekdayEvenings => (19, 3, "evening"),
        When::OfficeHours => (9, 3, "office"),
        When::AllDay => (0, 3, "flat"),
    }
}

/// Goals of the whole run; a latency where a model answers is asked of the other pages, since no setting makes the
/// model answer faster.
fn objectives(answers: &Answers) -> String {
    let mut whole = String::new();
    let mut pages = String::new();
    for &Goal { metric, most } in &answers.must_hold {
        match metric {
            Metric::Latency(name) => {
                let line = format!("{name} = \"{}\"\n", write_span(SimSpan::from_seconds(most)));
                if answers.llm.is_some() {
                    pages.push_str(&line);
                } else {
                    whole.push_str(&line);
                }
            }
            Metric::Errors => whole.push_str(&format!("error_rate = {most}\n")),
            Metric::Cost => whole.push_str(&format!(
                "cost_month = {most:?}                 # a month of such hours: the quiet ones cost less\n"
            )),
        }
    }
    let mut text = format!("[objectives]\n{whole}");
    if !pages.is_empty() {
        text.push_str(&format!(
            "\n# An answer of the model takes as long as it takes: how fast it is to be is asked of the rest.\n\
             [objectives.endpoint.page]\n{pages}"
        ));
        text.push_str(
            "\n# Of the model's answers, what counts is when their first words come.\n\
             [objectives.metric]\n\"endpoints.chat.first_byte.p95\" = { below = 5.0 }   # assumed, in seconds\n",
        );
    }
    text
}
