//! `highwater new NAME`: asks what is to be known and writes a system and a scenario to start from.
//!
//! Owns: asking at a terminal, flags for scripts, files that are never overwritten by mistake.
//! Never: what an answer means or what is made of it (`highwater_models::draft`).

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use clap::Args;
use highwater_models::draft::{self, Answers, Mistake, QUESTIONS};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Folder;

/// Arguments of `highwater new`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct New {
    /// Name of the two files, NAME.system.toml and NAME.toml; may have a folder in front
    pub name: String,
    /// Where it runs: `render:standard`, or "2 cores, 4 GB"
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Its database: `render:basic-1gb`, "100 connections", or none
    #[arg(long, value_name = "DATABASE")]
    pub database: Option<String>,
    /// People who are registered
    #[arg(long, value_name = "N")]
    pub users: Option<String>,
    /// When they come: evenings, weekday evenings, office hours, all day
    #[arg(long, value_name = "TIMES")]
    pub when: Option<String>,
    /// The language model: `openai:gpt-6-luna`, or none
    #[arg(long, value_name = "MODEL")]
    pub llm: Option<String>,
    /// Payments: stripe or none
    #[arg(long, value_name = "PAYMENTS")]
    pub payments: Option<String>,
    /// What must hold: "p95 < 2s, errors < 1%, cost < $100"
    #[arg(long, value_name = "BOUNDS")]
    pub must_hold: Option<String>,
    /// Take the default wherever a flag is missing, and ask nothing
    #[arg(long)]
    pub yes: bool,
    /// Overwrite files of that name
    #[arg(long)]
    pub force: bool,
}

const EXAMPLE: &str = "\
Example:
  highwater new shop --host render:standard --users 500 --when \"weekday evenings\" --llm none --yes";

impl New {
    /// The answer that a flag gives to each question, in the order of the questions.
    fn given(&self) -> [Option<&str>; QUESTIONS.len()] {
        QUESTIONS.map(|question| {
            match question.key {
                "host" => &self.host,
                "database" => &self.database,
                "users" => &self.users,
                "when" => &self.when,
                "llm" => &self.llm,
                "payments" => &self.payments,
                _ => &self.must_hold,
            }
            .as_deref()
        })
    }
}

/// Runs the command.
///
/// # Errors
/// A mistake in an answer, a file that is there already, or a folder that cannot be written.
pub fn run(arguments: &New) -> Result<Exit, Failure> {
    let files = files(&arguments.name, arguments.force)?;
    let mut answers = taken(&arguments.given())?;
    let open: Vec<usize> = (0..QUESTIONS.len())
        .filter(|&index| arguments.given()[index].is_none())
        .collect();
    if !arguments.yes && !open.is_empty() {
        if !io::stdin().is_terminal() {
            return Err(nobody_to_ask(&open));
        }
        ask(&mut answers, &open, &mut io::stdin().lock(), &mut io::stderr().lock())?;
    }
    let draft = draft::draft(&files.stem, &answers);
    let mut folder = Folder::open(&files.folder)?;
    folder.write(&files.system, |file| file.write_all(draft.system.as_bytes()))?;
    folder.write(&files.scenario, |file| file.write_all(draft.scenario.as_bytes()))?;
    for path in folder.commit()? {
        eprintln!("wrote {}", path.strip_prefix(".").unwrap_or(&path).display());
    }
    let scenario = files.folder.join(&files.scenario);
    let scenario = scenario.strip_prefix(".").unwrap_or(&scenario).display();
    eprintln!("\nNext:\n  highwater run {scenario}\n  highwater check {scenario}");
    Ok(Exit::Done)
}

/// The two files of a name.
struct Names {
    folder: std::path::PathBuf,
    stem: String,
    system: String,
    scenario: String,
}

fn files(name: &str, force: bool) -> Result<Names, Failure> {
    let path = Path::new(name);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new(".")).to_owned();
    let stem = path.file_name().and_then(|stem| stem.to_str()).unwrap_or_default();
    let stem = stem.strip_suffix(".toml").unwrap_or(stem);
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    // A name with other letters would have to be quoted wherever it is written.
    if stem.is_empty() || stem.starts_with('.') || !stem.chars().all(is_plain) || stem.len() > 100 {
        return Err(Failure::Usage {
            message: format!("`{name}` cannot be the name of files"),
            help: "letters, digits, `-` and `_`, as in `highwater new my-shop`".to_owned(),
        });
    }
    let names = Names {
        stem: stem.to_owned(),
        system: format!("{stem}.system.toml"),
        scenario: format!("{stem}.toml"),
        folder,
    };
    for file in [&names.system, &names.scenario] {
        let path = names.folder.join(file);
        if path.exists() && !force {
            let shown = path.strip_prefix(".").unwrap_or(&path).display().to_string();
            return Err(Failure::Usage {
                message: format!("there is a file `{shown}` already"),
                help: "take another name, or `--force` to overwrite it".to_owned(),
            });
        }
    }
    Ok(names)
}

/// The answers of the flags, the defaults elsewhere; every mistake at once.
fn taken(given: &[Option<&str>]) -> Result<Answers, Failure> {
    let given = QUESTIONS.iter().zip(given);
    let given = given.filter_map(|(question, given)| Some((question.key, (*given)?)));
    draft::answers(given).map_err(|mistakes| {
        let lines: Vec<String> = mistakes
            .iter()
            .map(|(key, Mistake { message, help })| format!("error: --{key}: {message}\nhelp: {help}"))
            .collect();
        Failure::File {
            text: lines.join("\n\n"),
        }
    })
}

fn nobody_to_ask(open: &[usize]) -> Failure {
    let flags: Vec<String> = open
        .iter()
        .map(|&index| format!("--{} (\"{}\")", QUESTIONS[index].key, QUESTIONS[index].default))
        .collect();
    Failure::Usage {
        message: "there is no terminal to ask at, and some questions are open".to_owned(),
        help: format!(
            "answer them by flags, or take the defaults in brackets by `--yes`: {}",
            flags.join(", ")
        ),
    }
}

/// Asks what is open, again where an answer is none. An empty line takes the default.
fn ask(
    answers: &mut Answers,
    open: &[usize],
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<(), Failure> {
    let world = |error: io::Error| Failure::World {
        doing: "ask".to_owned(),
        reason: error.to_string(),
    };
    writeln!(
        output,
        "Enter takes the answer in brackets; every file can be changed later."
    )
    .map_err(world)?;
    for &index in open {
        let question = QUESTIONS[index];
        writeln!(output, "\n{}\n  {}", question.text, question.hint).map_err(world)?;
        loop {
            write!(output, "  [{}] ", question.default).map_err(world)?;
            output.flush().map_err(world)?;
            let mut line = String::new();
            if input.read_line(&mut line).map_err(world)? == 0 {
                return Err(Failure::World {
                    doing: "ask".to_owned(),
                    reason: "the answers ended; nothing was written".to_owned(),
                });
            }
            let answer = if line.trim().is_empty() {
                question.default
            } else {
                &line
            };
            match answers.take(question.key, answer) {
                Ok(()) => break,
                Err(Mistake { message, help }) => writeln!(output, "  {message}: {help}").map_err(world)?,
            }
        }
    }
    writeln!(output).map_err(world)
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::draft::Host;

    fn asked(lines: &str, open: &[usize]) -> (Result<Answers, Failure>, String) {
        let mut answers = Answers::default();
        let mut output = Vec::new();
        let ended = ask(&mut answers, open, &mut lines.as_bytes(), &mut output);
        (ended.map(|()| answers), String::from_utf8(output).expect("text"))
    }

    // Lost if broken: a slip that costs all the answers before it, or a default that is not taken.
    #[test]
    fn a_wrong_answer_is_asked_again_and_an_empty_one_is_the_default() {
        let (answers, said) = asked("render:standart\nrender:standard\n\n", &[0, 2]);
        let answers = answers.expect("answered");
        assert_eq!(answers.host, Host::Plan("standard".to_owned()));
        assert_eq!(answers.users, 500);
        assert!(said.contains("did you mean `render:standard`?"), "{said}");
        assert_eq!(said.matches("Where does it run").count(), 1, "{said}");
        assert!(!said.contains("Which database"), "{said}");
    }

    // Lost if broken: files made of answers that nobody gave.
    #[test]
    fn answers_that_end_early_write_nothing() {
        let (answers, _) = asked("\n", &[0, 1]);
        assert!(
            answers
                .expect_err("no answer")
                .to_string()
                .contains("nothing was written")
        );
    }
}
