//! Answers as values.
//!
//! Owns: how each is read, and what is said of one that is none.
//! Never: what is made of them.

use super::{Mistake, QUESTIONS};
use crate::SimSpan;
use crate::catalogue::Edition;
use crate::file::nearest;
use crate::units::{self, Bytes};

/// The answers to every question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Where it runs.
    pub host: Host,
    /// Its database, if there is one.
    pub database: Option<Database>,
    /// Registered people.
    pub users: u64,
    /// When they come.
    pub when: When,
    /// The model's name, if there is one.
    pub llm: Option<String>,
    /// Whether they pay through Stripe.
    pub payments: bool,
    /// What must hold.
    pub must_hold: Vec<Goal>,
}

impl Default for Answers {
    /// The answers that the questions show as theirs.
    fn default() -> Self {
        let mut answers = Self {
            host: Host::Plan("starter".to_owned()),
            database: None,
            users: 500,
            when: When::Evenings,
            llm: None,
            payments: false,
            must_hold: Vec::new(),
        };
        for question in QUESTIONS {
            // A test reads each of them.
            let _ = answers.take(question.key, question.default);
        }
        answers
    }
}

/// Where a program runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Host {
    /// A plan of the catalogue.
    Plan(String),
    /// A machine of one's own.
    Own {
        /// Cores.
        cores: f64,
        /// Memory.
        memory: Bytes,
    },
}

/// A database server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A plan of the catalogue.
    Plan(String),
    /// Some other, that lets so many connections in.
    Other(u32),
}

/// When people come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Every evening.
    Evenings,
    /// Evenings from Monday to Friday.
    WeekdayEvenings,
    /// While offices are open.
    OfficeHours,
    /// At any hour alike.
    AllDay,
}

impl When {
    const ALL: [(&'static str, Self); 4] = [
        ("evenings", Self::Evenings),
        ("weekday evenings", Self::WeekdayEvenings),
        ("office hours", Self::OfficeHours),
        ("all day", Self::AllDay),
    ];

    /// As it is answered.
    #[must_use]
    pub fn text(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(_, when)| *when == self)
            .map_or("", |(text, _)| text)
    }
}

/// Something that must hold.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Goal {
    /// What is measured.
    pub metric: Metric,
    /// At most this much: seconds, a share, dollars.
    pub most: f64,
}

/// What a goal measures.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A figure of latency, by its key in a file: `p95`.
    Latency(&'static str),
    /// The share of requests that fail.
    Errors,
    /// Dollars a month.
    Cost,
}

/// Figures of latency that a goal may be about.
const LATENCIES: [&str; 6] = ["mean", "p50", "p90", "p95", "p99", "max"];

/// Reads all answers, those that are not given by their defaults.
///
/// # Errors
/// Each mistake with the question that it answers.
pub fn answers<'a>(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Answers, Vec<(String, Mistake)>> {
    let mut answers = Answers::default();
    let mut mistakes = Vec::new();
    for (key, text) in given {
        if let Err(mistake) = answers.take(key, text) {
            mistakes.push((key.to_owned(), mistake));
        }
    }
    if mistakes.is_empty() {
        Ok(answers)
    } else {
        Err(mistakes)
    }
}

impl Answers {
    /// Takes an answer to a question.
    ///
    /// # Errors
    /// What is wrong with it; the answer before it stays.
    pub fn take(&mut self, key: &str, text: &str) -> Result<(), Mistake> {
        let text = text.trim();
        match key {
            "host" => self.host = host(text)?,
            "database" => self.database = database(text)?,
            "users" => self.users = users(text)?,
            "when" => self.when = when(text)?,
            "llm" => self.llm = llm(text)?,
            "payments" => self.payments = payments(text)?,
            "must-hold" => self.must_hold = must_hold(text)?,
            other => {
                return Err(mistake(
                    format!("there is no question `{other}`"),
                    format!("the questions are {}", list(QUESTIONS.map(|question| question.key))),
                ));
            }
        }
        Ok(())
    }
}

fn mistake(message: impl Into<String>, help: impl Into<String>) -> Mistake {
    Mistake {
        message: message.into(),
        help: help.into(),
    }
}

fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn host(text: &str) -> Result<Host, Mistake> {
    if let Some(own) = own(text)? {
        return Ok(own);
    }
    let edition = Edition::latest();
    let plans = edition.web_plans().iter();
    let names = plans.flat_map(|plan| std::iter::once(&plan.name).chain(&plan.aliases));
    let name = plan(
        text,
        "plan for a web service",
        &names.map(String::as_str).collect::<Vec<_>>(),
    )?;
    Ok(Host::Plan(name))
}

/// "2 cores, 4 GB"; nothing where it does not look like that.
fn own(text: &str) -> Result<Option<Host>, Mistake> {
    let Some((cores, memory)) = text.split_once(',') else {
        return Ok(None);
    };
    let Some(cores) = ["cores", "core", "CPUs", "CPU", "cpus", "cpu"]
        .into_iter()
        .find_map(|word| cores.trim().strip_suffix(word))
    else {
        return Ok(None);
    };
    let help = "as in \"2 cores, 4 GB\"";
    let cores: f64 = cores
        .trim()
        .parse()
        .map_err(|_| mistake("the number of cores cannot be read", help))?;
    if !(0.05..=256.0).contains(&cores) {
        return Err(mistake("a machine has from 0.05 to 256 cores", help));
    }
    let memory = units::parse_bytes(memory).map_err(|_| mistake("the memory cannot be read", help))?;
    if !(64 << 20..=1 << 42).contains(&memory.get()) {
        return Err(mistake("a machine has from 64 MB to 4 TB of memory", help));
    }
    Ok(Some(Host::Own { cores, memory }))
}

/// The name after `render:`, or alone, if there is such a plan.
fn plan(text: &str, what: &str, names: &[&str]) -> Result<String, Mistake> {
    let name = match text.split_once(':') {
        Some((host, name)) if host.trim().eq_ignore_ascii_case("render") => name.trim(),
        Some((host, _)) => {
            return Err(mistake(
                format!("the catalogue has no plans of `{}`", host.trim()),
                "it has those of `render`; give the size of any other machine yourself",
            ));
        }
        None => text,
    };
    let name = name.to_lowercase();
    if names.contains(&name.as_str()) {
        return Ok(name);
    }
    let help = match nearest(&name, names.iter().copied()) {
        Some(near) => format!("did you mean `render:{near}`?"),
        None => format!("there are {}", list(names.iter().copied())),
    };
    Err(mistake(format!("there is no {what} `{name}`"), help))
}

fn database(text: &str) -> Result<Option<Database>, Mistake> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    if let Some(count) = text.strip_suffix("connections") {
        let count = count
            .trim()
            .parse::<u32>()
            .ok()
            .filter(|count| (5..=100_000).contains(count));
        return match count {
            Some(count) => Ok(Some(Database::Other(count))),
            None => Err(mistake(
                "the number of connections cannot be read, or is none from 5 to 100,000",
                "as in \"100 connections\"",
            )),
        };
    }
    let edition = Edition::latest();
    let plans = edition.database_plans().iter();
    let names = plans.flat_map(|plan| std::iter::once(&plan.name).chain(&plan.aliases));
    let name = plan(
        text,
        "plan for a database",
        &names.map(String::as_str).collect::<Vec<_>>(),
    )?;
    Ok(Some(Database::Plan(name)))
}

fn users(text: &str) -> Result<u64, Mistake> {
    const MOST: u64 = 10_000_000;
    let digits: String = text
        .chars()
        .filter(|letter| !matches!(letter, ',' | '_' | ' '))
        .collect();
    let count = digits.parse::<u64>().ok().filter(|count| (1..=MOST).contains(count));
    count.ok_or_else(|| {
        mistake(
            format!("`{text}` is no number of people from 1 to 10,000,000"),
            "as in 500: everybody who has an account, not those who are there at once",
        )
    })
}

fn when(text: &str) -> Result<When, Mistake> {
    let text = text.to_lowercase();
    let found = When::ALL.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, when)| when).ok_or_else(|| {
        let names = When::ALL.map(|(name, _)| name);
        let help = match nearest(&text, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", list(names)),
        };
        mistake(format!("`{text}` is none of the times that are known here"), help)
    })
}

fn llm(text: &str) -> Result<Option<String>, Mistake> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let name = match text.split_once(':') {
        Some((provider, name)) if provider.trim().eq_ignore_ascii_case("openai") => name.trim(),
        Some((provider, _)) => {
            return Err(mistake(
                format!("the catalogue has no models of `{}`", provider.trim()),
                "it has those of `openai`; take the nearest and change its figures in the file",
            ));
        }
        None => text,
    };
    let today = Edition::latest();
    let models = today.models().iter();
    // A model without a price for its answers writes none: it transcribes.
    let names: Vec<&str> = models
        .filter(|model| model.price_out.is_some() && !model.is_withdrawn_on(today.date()))
        .map(|model| model.name.as_str())
        .collect();
    if names.contains(&name) {
        return Ok(Some(name.to_owned()));
    }
    let gone = today.model(name).and_then(|model| model.withdrawn.as_ref());
    if let Some(gone) = gone {
        return Err(mistake(
            format!("`{name}` was shut down on {}", gone.date.value),
            format!("there are {}", list(names)),
        ));
    }
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `openai:{near}`?"),
        None => format!("there are {}", list(names.iter().copied())),
    };
    Err(mistake(format!("there is no language model `{name}`"), help))
}

fn payments(text: &str) -> Result<bool, Mistake> {
    match text.to_lowercase().as_str() {
        "stripe" => Ok(true),
        "none" | "no" => Ok(false),
        other => Err(mistake(
            format!("`{other}` is not known here"),
            "there are `stripe` and `none`",
        )),
    }
}

fn must_hold(text: &str) -> Result<Vec<Goal>, Mistake> {
    let mut goals: Vec<Goal> = Vec::new();
    for part in parts(text)
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        let goal = goal(part)?;
        if goals.iter().any(|other| other.metric == goal.metric) {
            return Err(mistake(
                format!("`{part}` comes after another bound of the same"),
                "give one bound",
            ));
        }
        goals.push(goal);
    }
    if goals.is_empty() {
        return Err(mistake("nothing is named", "as in \"p95 < 2s, errors < 1%\""));
    }
    Ok(goals)
}

/// The text at its commas; one between two digits sets thousands apart.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let thousands = before.is_ascii_digit() && letters.peek().is_some_and(char::is_ascii_digit);
        match parts.last_mut() {
            Some(part) if letter != ',' || thousands => part.push(letter),
            _ => parts.push(String::new()),
        }
        before = letter;
    }
    parts
}

/// "p95 < 2s"
fn goal(part: &str) -> Result<Goal, Mistake> {
    const HELP: &str = "as in \"p95 < 2s, errors < 1%, cost < $100\"";
    let Some((metric, bound)) = part.split_once('<') else {
        return Err(mistake(format!("`{part}` has no `<`"), HELP));
    };
    let (metric, bound) = (
        metric.trim().to_lowercase(),
        bound.trim().trim_start_matches('=').trim(),
    );
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite() && *value >= 0.0)
    };
    match metric.as_str() {
        "errors" | "error rate" | "error_rate" => {
            let share = match bound.strip_suffix('%') {
                Some(percent) => number(percent).map(|percent| percent / 100.0),
                None => number(bound),
            };
            share.filter(|share| *share <= 1.0).map(|most| Goal {
                metric: Metric::Errors,
                most,
            })
        }
        "cost" => {
            let bound = bound.trim_start_matches('$').replace([',', '_'], "");
            number(&bound).map(|most| Goal {
                metric: Metric::Cost,
                most,
            })
        }
        other => {
            let Some(latency) = LATENCIES.into_iter().find(|name| *name == other) else {
                let names = LATENCIES.into_iter().chain(["errors", "cost"]);
                let help = match nearest(other, names.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", list(names)),
                };
                return Err(mistake(format!("`{other}` is nothing that is measured here"), help));
            };
            let span = units::parse_span(bound).ok().filter(|span| *span > SimSpan::ZERO);
            span.map(|span| Goal {
                metric: Metric::Latency(latency),
                most: span.seconds(),
            })
        }
    }
    .ok_or_else(|| mistake(format!("`{bound}` is no bound for {metric}"), HELP))
}
