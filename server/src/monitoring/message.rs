//! What people are told: what is wrong, since when, the figure and its bound, what to do next.

use highwater_models::SimTime;
use highwater_models::file::system::AlertLevel;
use highwater_models::units::show_span;
use highwater_program::model::{Model, RuleSpec};

use super::advice::{advice, figure, meaning, reading};
use super::watcher::Seen;

/// The longest short text: one segment of a text message in the usual alphabet.
const SHORT_MAX: usize = 160;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The rule that speaks.
    pub rule: String,
    /// How bad it is.
    pub level: AlertLevel,
    /// One line.
    pub title: String,
    /// The whole.
    pub text: String,
    /// The whole in at most 160 plain characters.
    pub short: String,
}

impl Message {
    /// What a rule has to say after a look.
    #[must_use]
    pub fn new(model: &Model, rule: &RuleSpec, seen: &Seen, now: SimTime, again: bool) -> Self {
        let kind = reading(&rule.watch);
        let value = figure(kind, seen.reading);
        let bound = figure(kind, rule.config.threshold);
        let than = if rule.config.is_above { "above" } else { "below" };
        let level = match rule.level {
            AlertLevel::Info => "Info",
            AlertLevel::Warning => "Warning",
            AlertLevel::Critical => "Critical",
        };
        let still = if again { "still " } else { "" };
        let title = format!("{level}: {} is {still}{value}, {than} {bound}", rule.watch);
        let lasts = now.since(seen.since);
        let since = if lasts.nanos() == 0 {
            format!(
                "since this look, {} after the start",
                show_span(now.since(SimTime::ZERO))
            )
        } else {
            format!(
                "for {}, since {} after the start",
                show_span(lasts),
                show_span(seen.since.since(SimTime::ZERO))
            )
        };
        let part = rule.watch.rsplit_once('.').map_or("", |(part, _)| part);
        let resource = model.resources.iter().find(|resource| resource.name == part);
        let part_kind = resource.map_or("", |resource| resource.kind.name());
        let mut text = format!("{title}.\n");
        if let Some(kind) = kind {
            text += &format!("What it is: {}.\n", meaning(kind, part));
        }
        text += &format!("Rule `{}`: {than} {bound}. It has been so {since}.\n", rule.name);
        if let Some(kind) = kind {
            text += &format!("Next: {}", advice(kind, part_kind, rule.config.is_above));
        }
        let sign = if rule.config.is_above { '>' } else { '<' };
        let short = format!(
            "{} {} {value} {sign} {bound} for {} (rule {})",
            level.to_uppercase(),
            rule.watch,
            show_span(lasts),
            rule.name
        );
        Self {
            rule: rule.name.clone(),
            level: rule.level,
            title,
            text,
            short: plain(&short),
        }
    }
}

/// Characters of one byte, so many at most: any other would more than halve what a segment of a text message holds.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            ' '..='~' => letter,
            'µ' => 'u',
            _ => '?',
        })
        .take(SHORT_MAX)
        .collect()
}
