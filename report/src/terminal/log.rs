//! What happened during a run, in order.
//!
//! Owns: how much of the log is shown.

use highwater_models::record::summary::{LogEntry, Summary};

use crate::number;
use crate::paint::{Paint, Style};
use crate::table::wrap_after;

/// Entries of the log that are shown; the rest is counted.
const LOG_LINES: usize = 25;

/// How many entries of each subject are shown, from the first: the most with which all fit, so that a part that says a lot
/// does not keep the others from being heard.
fn shown_of_each(log: &[LogEntry]) -> usize {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for entry in log {
        match counts.iter_mut().find(|(subject, _)| *subject == entry.subject) {
            Some((_, count)) => *count += 1,
            None => counts.push((&entry.subject, 1)),
        }
    }
    let lines = |of_each: usize| counts.iter().map(|(_, count)| (*count).min(of_each)).sum::<usize>();
    let fits = (1..=LOG_LINES).rev().find(|&of_each| lines(of_each) <= LOG_LINES);
    fits.unwrap_or(1)
}

/// The entries that are shown, and how many more there are of whom.
pub fn shown(log: &[LogEntry]) -> (Vec<&LogEntry>, Vec<String>) {
    let of_each = shown_of_each(log);
    let mut seen: Vec<(&str, usize)> = Vec::new();
    let mut shown = Vec::new();
    for entry in log {
        let place = seen.iter().position(|(subject, _)| *subject == entry.subject);
        let place = place.unwrap_or_else(|| {
            seen.push((&entry.subject, 0));
            seen.len() - 1
        });
        seen[place].1 += 1;
        if seen[place].1 <= of_each {
            shown.push(entry);
        }
    }
    let more = seen
        .iter()
        .filter(|(_, count)| *count > of_each)
        .map(|(subject, count)| format!("{} of {subject}", number::count((count - of_each) as f64)))
        .collect();
    (shown, more)
}

/// What happened, in order.
pub fn section(summary: &Summary, paint: Paint) -> String {
    if summary.log.is_empty() {
        return String::new();
    }
    let title = if summary.replications > 1 {
        "What happened, in the first replication"
    } else {
        "What happened"
    };
    let mut text = format!("{}\n", paint.text(Style::Heading, title));
    let (shown, more) = shown(&summary.log);
    for entry in shown {
        let at = number::span_words(entry.at);
        text.push_str(&wrap_after(
            &format!("{at:>12}  "),
            &format!("{}: {}", entry.subject, entry.text),
        ));
    }
    if !more.is_empty() {
        text.push_str(&wrap_after(
            &format!("{:>14}", ""),
            &format!("and more, in `events_log` of summary.json: {}", more.join(", ")),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: the fault that a run is about stands nowhere, because something else changed a hundred times before it.
    #[test]
    fn a_talkative_part_leaves_room_for_the_others() {
        let entry = |at: f64, subject: &str| LogEntry {
            at,
            subject: subject.to_owned(),
            text: "says so".to_owned(),
        };
        let mut log: Vec<LogEntry> = (0..100).map(|n| entry(f64::from(n), "degradation")).collect();
        log.push(entry(100.0, "openai"));
        log.push(entry(101.0, "openai"));
        let of_each = shown_of_each(&log);
        assert_eq!(of_each, LOG_LINES - 2);
        let summary = Summary {
            log,
            ..crate::sample::calm()
        };
        let text = section(&summary, Paint::Plain);
        assert_eq!(text.matches(" degradation: says so").count(), of_each);
        assert_eq!(text.matches(" openai: says so").count(), 2);
        assert!(text.contains("77 of degradation"), "{text}");
    }
}
