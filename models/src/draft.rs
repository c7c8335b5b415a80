//! A system and a scenario to start from, made of six answers.
//!
//! Owns: the questions with their defaults, what is an answer to each, and the commented texts.
//! Never: asking (a terminal or a form does), files.
//!
//! Everything that nobody answered is assumed, and the texts say so beside each figure.

mod answer;
mod scenario;
mod system;
#[cfg(test)]
mod tests;

pub use answer::{Answers, Goal, Host, Metric, When, answers};

/// A question, in the order in which they are asked.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name, which is its flag too: `host`.
    pub key: &'static str,
    /// As it is asked.
    pub text: &'static str,
    /// What answers look like.
    pub hint: &'static str,
    /// The answer where none is given.
    pub default: &'static str,
}

/// The questions. People and when they come are one question to a reader and two flags to a script.
pub const QUESTIONS: [Question; 7] = [
    Question {
        key: "host",
        text: "Where does it run, and on which plan?",
        hint: "render:PLAN, or a machine of your own as \"2 cores, 4 GB\"",
        default: "render:starter",
    },
    Question {
        key: "database",
        text: "Which database stands behind it?",
        hint: "render:PLAN, a number of connections such as \"100 connections\", or none",
        default: "render:basic-1gb",
    },
    Question {
        key: "users",
        text: "How many people are registered?",
        hint: "a number",
        default: "500",
    },
    Question {
        key: "when",
        text: "And when do they come?",
        hint: "evenings, weekday evenings, office hours, or all day",
        default: "evenings",
    },
    Question {
        key: "llm",
        text: "Which language model answers them?",
        hint: "openai:MODEL, or none",
        default: "openai:gpt-6-luna",
    },
    Question {
        key: "payments",
        text: "Do they pay, and through whom?",
        hint: "stripe, or none",
        default: "none",
    },
    Question {
        key: "must-hold",
        text: "What must hold?",
        hint: "p50, p90, p95, p99, mean or max below a time; errors below a percentage; cost below dollars a month",
        default: "p95 < 2s, errors < 1%",
    },
];

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In a sentence, without a full stop.
    pub message: String,
    /// What would be an answer.
    pub help: String,
}

/// The two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The system file.
    pub system: String,
    /// The scenario file, which names the system file beside it.
    pub scenario: String,
}

/// Whether a text answers a question; the name of the question is one of [`QUESTIONS`].
///
/// # Errors
/// What is wrong with it.
pub fn check(key: &str, text: &str) -> Result<(), Mistake> {
    let mut answers = Answers::default();
    answers.take(key, text)
}

/// The texts of a system and a scenario. `name` is that of the files: the scenario names `NAME.system.toml`.
#[must_use]
pub fn draft(name: &str, answers: &Answers) -> Draft {
    Draft {
        system: aligned(&system::text(name, answers)),
        scenario: aligned(&scenario::text(name, answers)),
    }
}

/// Comments beside a value, one under the other where there is room.
fn aligned(text: &str) -> String {
    const COLUMN: usize = 40;
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match line.split_once("  # ") {
            Some((value, comment)) if !value.trim().is_empty() => {
                lines.push_str(&format!("{:COLUMN$}  # {comment}", value.trim_end()));
            }
            _ => lines.push_str(line),
        }
        lines.push('\n');
    }
    lines
}
