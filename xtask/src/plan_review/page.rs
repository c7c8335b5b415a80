//! The page that people read.

use std::fmt::Write as _;

use super::claim::{Answer, Book, Claim, Finding};

/// A claim's section.
pub fn section(claim: &Claim, findings: &[Finding]) -> String {
    let mut text = format!("### {}\n\n", claim.says.trim());
    for (case, finding) in claim.case.iter().zip(findings) {
        let answer = match finding.answer {
            Answer::Shown => String::new(),
            answer => format!(" **{}**", answer.name()),
        };
        let figures = finding.figures.join("; ");
        let stop = if figures.is_empty() || figures.ends_with('.') {
            ""
        } else {
            "."
        };
        let space = if figures.is_empty() { "" } else { " " };
        let _ = writeln!(
            text,
            "- *{}*:{answer}{space}{figures}{stop} `highwater {}`",
            case.name, case.command
        );
    }
    let _ = write!(text, "\n{}\n", claim.because.trim());
    text
}

/// The whole page.
pub fn whole(book: &Book, sections: &[String]) -> String {
    let mut text = String::from("# The plan, put to the test\n\n");
    let _ = writeln!(
        text,
        "Written by `cargo xtask plan-review` from the results of the commands that stand beside each figure. \
         Intervals are 95 %.\n\n{}\n",
        book.preface.trim()
    );
    let mut table = String::from("| claim | found |\n|---|---|\n");
    for claim in &book.claim {
        let answers: Vec<String> = claim
            .case
            .iter()
            .filter(|case| case.expect != Answer::Shown.name())
            .map(|case| format!("{}: {}", case.name, case.expect))
            .collect();
        let answers = if answers.is_empty() {
            "figures below".to_owned()
        } else {
            answers.join("; ")
        };
        let _ = writeln!(table, "| {} | {} |", claim.says.trim().replace('|', "/"), answers);
    }
    text.push_str(&table);
    let mut part = "";
    for (claim, section) in book.claim.iter().zip(sections) {
        if claim.part != part {
            part = &claim.part;
            let _ = write!(text, "\n## {part}\n");
        }
        text.push('\n');
        text.push_str(section);
    }
    text
}
