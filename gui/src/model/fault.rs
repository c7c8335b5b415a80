//! What may go wrong, and what people do about it, as a form: each fills one event of a scenario.
//!
//! Owns: which events can be put together here and the text of each. Never: what an event does.

use highwater_models::SimSpan;
use highwater_models::file::Plan;
use highwater_models::file::scenario::{Action, Event, Fault as Wrong};
use highwater_models::units::write_span;

use crate::state::Fault;

/// A kind of event.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it is called.
    pub title: &'static str,
    /// What happens.
    pub meaning: &'static str,
    /// Kinds of parts that it can happen to; none for one that happens to all.
    pub targets: &'static [&'static str],
    /// Whether it lasts for a while.
    pub lasts: bool,
    /// What its factor is called; empty where it has none.
    pub factor: &'static str,
}

/// Everything that can be added.
pub const KINDS: [Kind; 9] = [
    Kind {
        title: "An outage",
        meaning: "Nothing answers there for a while.",
        targets: &["provider", "database", "cache", "service"],
        lasts: true,
        factor: "",
    },
    Kind {
        title: "A slowdown",
        meaning: "Everything there takes longer for a while.",
        targets: &["provider", "database", "cache", "service"],
        lasts: true,
        factor: "times as long",
    },
    Kind {
        title: "Errors",
        meaning: "A share of what is asked there fails for a while.",
        targets: &["provider", "database", "cache", "service"],
        lasts: true,
        factor: "% of requests fail",
    },
    Kind {
        title: "A crash",
        meaning: "An instance dies and boots again.",
        targets: &["service"],
        lasts: false,
        factor: "",
    },
    Kind {
        title: "More traffic",
        meaning: "More people come for a while.",
        targets: &[],
        lasts: true,
        factor: "times as many",
    },
    Kind {
        title: "A deploy",
        meaning: "A new version replaces the old one, side by side.",
        targets: &["service"],
        lasts: false,
        factor: "",
    },
    Kind {
        title: "A restart",
        meaning: "Somebody restarts it: it stops at once and comes back.",
        targets: &["service", "database", "cache"],
        lasts: false,
        factor: "",
    },
    Kind {
        title: "An emptied cache",
        meaning: "Somebody empties it: everything has to be fetched again.",
        targets: &["cache"],
        lasts: false,
        factor: "",
    },
    Kind {
        title: "Cut connections",
        meaning: "Every connection to the database is lost at once.",
        targets: &["database"],
        lasts: false,
        factor: "",
    },
];

/// The parts of a plan that a kind of event can happen to.
#[must_use]
pub fn targets(plan: &Plan, kind: &Kind) -> Vec<String> {
    fn names<T>(named: &highwater_models::file::Named<T>) -> Vec<String> {
        named.iter().map(|(name, _)| name.text.clone()).collect()
    }
    let system = &plan.system;
    let of = |kind: &&str| match *kind {
        "provider" => names(&system.provider),
        "database" => names(&system.database),
        "cache" => names(&system.cache),
        _ => names(&system.service),
    };
    kind.targets.iter().flat_map(of).collect()
}

/// The event as a file writes it.
#[must_use]
pub fn text(fault: &Fault) -> String {
    let span = |seconds: f64| format!("\"{}\"", write_span(SimSpan::from_seconds(seconds.max(1.0).round())));
    let name = format!("\"{}\"", fault.target.replace('\\', "\\\\").replace('"', "\\\""));
    let (target, lasts) = (format!("target = {name}"), format!("for = {}", span(fault.lasts)));
    let what = match KINDS.get(fault.kind).map_or("", |kind| kind.title) {
        "An outage" => format!("fault = {{ down = {{ {target}, {lasts} }} }}"),
        "A slowdown" => format!(
            "fault = {{ slow = {{ {target}, factor = {:?}, {lasts} }} }}",
            fault.factor.max(0.01)
        ),
        "Errors" => {
            let share = (fault.factor / 100.0).clamp(0.0, 1.0);
            format!("fault = {{ errors = {{ {target}, share = {share:?}, {lasts} }} }}")
        }
        "A crash" => format!("fault = {{ crash = {{ {target} }} }}"),
        "More traffic" => format!(
            "fault = {{ traffic = {{ factor = {:?}, {lasts} }} }}",
            fault.factor.max(0.0)
        ),
        "A deploy" => format!("action = {{ deploy = {name} }}"),
        "A restart" => format!("action = {{ restart = {name} }}"),
        "An emptied cache" => format!("action = {{ clear = {name} }}"),
        _ => format!("fault = {{ lost_connections = {{ {target} }} }}"),
    };
    let at = if fault.at < 1.0 {
        "\"0s\"".to_owned()
    } else {
        span(fault.at)
    };
    format!("[[event]]\nat = {at}\n{what}\n")
}

/// What a scenario does already, in a line each: when, and what.
#[must_use]
pub fn planned(plan: &Plan) -> Vec<(Option<f64>, String)> {
    plan.scenario
        .event
        .iter()
        .map(|event| (event.at.map(SimSpan::seconds), say(event)))
        .collect()
}

fn say(event: &Event) -> String {
    let lasts = |span: SimSpan| highwater_models::units::show_span(span);
    let rest =
        |span: Option<SimSpan>| span.map_or_else(|| "to the end".to_owned(), |span| format!("for {}", lasts(span)));
    let what = match (&event.fault, &event.action) {
        (Some(Wrong::Slow(slow)), _) => format!(
            "{} takes {} times as long {}",
            slow.target,
            slow.factor,
            rest(slow.r#for)
        ),
        (Some(Wrong::Errors(errors)), _) => format!(
            "{} of what is asked of {} fails {}",
            highwater_report::number::percent(errors.share.get()),
            errors.target,
            rest(errors.r#for)
        ),
        (Some(Wrong::Down(down)), _) => format!("{} does not answer for {}", down.target, lasts(down.r#for)),
        (Some(Wrong::Crash(crash)), _) => format!("an instance of {} dies", crash.target),
        (Some(Wrong::Forget(_)), _) => "something is forgotten".to_owned(),
        (Some(Wrong::LostConnections(lost)), _) => format!("all connections to {} are cut", lost.target),
        (Some(Wrong::Traffic(traffic)), _) => format!("{} times the traffic {}", traffic.factor, rest(traffic.r#for)),
        (None, Some(Action::Set(settings))) => {
            let all: Vec<String> = settings
                .entries
                .iter()
                .map(highwater_models::file::Setting::text)
                .collect();
            format!("somebody sets {}", all.join(", "))
        }
        (None, Some(Action::Restart(name))) => format!("somebody restarts {name}"),
        (None, Some(Action::Clear(name))) => format!("somebody empties {name}"),
        (None, Some(Action::Deploy(name))) => format!("{name} is deployed"),
        (None, Some(Action::Reset(name))) => format!("{name} goes back to the file's value"),
        (None, None) => "nothing".to_owned(),
    };
    match &event.when {
        Some(when) => format!("after the alert {}: {what}", when.alert),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;

    // Lost if broken: a form that writes events which no file takes.
    #[test]
    fn every_event_that_can_be_put_together_is_one() {
        let plan = open::bundled_plan("normal");
        let file = highwater_models::bundled::scenario("normal").expect("bundled");
        let before = plan.scenario.event.len();
        for (number, kind) in KINDS.iter().enumerate() {
            let targets = targets(&plan, kind);
            assert_eq!(targets.is_empty(), kind.targets.is_empty(), "{}", kind.title);
            let targets = if targets.is_empty() {
                vec![String::new()]
            } else {
                targets
            };
            for target in targets {
                let fault = Fault {
                    kind: number,
                    target,
                    ..Fault::default()
                };
                let text = format!("{file}\n{}", text(&fault));
                let loaded = open::read("normal", text.clone(), true, &[]);
                let said = highwater_models::file::render_all(&loaded.diagnostics, &loaded.sources, false);
                let plan = loaded.plan.unwrap_or_else(|| panic!("{said}"));
                let said = planned(&plan);
                assert_eq!(said.len(), before + 1, "{}", kind.title);
                assert!(
                    said.iter().any(|(at, what)| *at == Some(60.0) && what != "nothing"),
                    "{said:?}"
                );
            }
        }
    }
}
