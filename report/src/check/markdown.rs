//! Checked files as Markdown, for the summary of a job or a comment on a pull request.
//!
//! Owns: order, tables, and that nothing from a file is read as Markdown or HTML by mistake.
//! Never: wording that other faces share.

use highwater_models::review::Severity;

use super::{Against, Checked, Run, Standing, change, headline, needed, text};
use crate::number;
use crate::review::counts;
use crate::verdict::verdict;
use crate::words;

/// Verdicts first, then file by file: objectives, the change against the baseline and what caused it, the review.
#[must_use]
pub fn render(files: &[Checked]) -> String {
    let mut text = format!("## Highwater: {}\n", sentence_case(&headline(files)));
    if files.len() > 1 {
        text.push_str("\n| | file | verdict |\n|---|---|---|\n");
        for file in files {
            let verdict = match &file.run {
                Some(run) => verdict(&run.summary).sentences.first().cloned().unwrap_or_default(),
                None => in_short(file),
            };
            text.push_str(&format!(
                "| {} {} | `{}` | {} |\n",
                file.standing().mark(),
                file.standing().text(),
                code(&file.file),
                cell(&verdict)
            ));
        }
    }
    for file in files {
        text.push('\n');
        text.push_str(&one(file));
    }
    text
}

fn sentence_case(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What there is to say of a file without a run.
pub(super) fn in_short(file: &Checked) -> String {
    match file.standing() {
        Standing::Invalid => file
            .errors()
            .next()
            .map_or_else(String::new, |first| first.data.message.clone()),
        Standing::Unfinished => file.trouble.clone().unwrap_or_default(),
        _ => file
            .review
            .as_ref()
            .map_or_else(String::new, |(review, _)| counts(review)),
    }
}

fn one(file: &Checked) -> String {
    let mut text = format!(
        "### {} `{}`: {}\n",
        file.standing().mark(),
        code(&file.file),
        file.standing().text()
    );
    if file.errors().next().is_some() {
        let all: Vec<String> = file.complaints.iter().map(|complaint| complaint.text.clone()).collect();
        text.push_str(&fenced(&all.join("\n\n")));
        return text;
    }
    if let Some(trouble) = &file.trouble {
        text.push_str(&format!("\nIt could not be run: {}.\n", inline(trouble)));
    }
    if let Some(run) = &file.run {
        text.push_str(&run_text(run));
    }
    text.push_str(&review(file));
    text
}

fn run_text(run: &Run) -> String {
    let summary = &run.summary;
    let mut text = format!("\n{}\n", inline(&verdict(summary).to_string()));
    if !summary.objectives.is_empty() {
        text.push_str("\n| | objective | has to be | is | 95 % interval |\n|---|---|---|--:|---|\n");
        for objective in &summary.objectives {
            let cells = number::cells(&objective.value, objective.unit);
            let (_, mark) = crate::terminal::mark(objective.met);
            text.push_str(&format!(
                "| {mark} | {} | {} | {} | {} |\n",
                cell(&words::objective(objective)),
                words::bound(objective),
                cells.value,
                cells.interval
            ));
        }
    }
    let mut notes: Vec<String> = summary
        .objectives
        .iter()
        .zip(&run.needed)
        .filter_map(|(objective, &needed)| needed::sentence(objective, needed))
        .collect();
    if run.looks > 1 {
        notes.push(text::looks(run));
    }
    for note in notes {
        text.push_str(&format!("\n- {}", inline(&note)));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    match &run.against {
        Against::Nothing => {}
        Against::NotInBaseline => text.push_str("\nThe baseline has no run of this scenario.\n"),
        Against::Change(found) => {
            text.push_str("\n**Against the baseline.** ");
            let sentences: Vec<String> = change::sentences(found).iter().map(|one| inline(one)).collect();
            text.push_str(&sentences.join("\n\n"));
            text.push('\n');
            let rows = change::rows(found);
            if !rows.is_empty() {
                text.push_str("\n| | | before | now | difference | 95 % interval of it |\n|---|---|--:|--:|--:|---|\n");
            }
            for row in rows {
                let [before, now, difference, interval] = row.cells;
                let difference = if row.is_worse {
                    format!("**{difference}**")
                } else {
                    difference
                };
                text.push_str(&format!(
                    "| {} | {} | {before} | {now} | {difference} | {interval} |\n",
                    row.word,
                    cell(&row.name)
                ));
            }
            text.push_str(&format!("\nCompared: {}.\n", change::pairing(found)));
        }
    }
    let warnings = summary.warnings.iter();
    let warnings: Vec<String> = warnings
        .map(|warning| format!("- **{}**: {}\n", warning.id, inline(&warning.text)))
        .collect();
    if !warnings.is_empty() {
        text.push_str(&folded(
            &format!("Ways in which a figure may mislead: {}", warnings.len()),
            &warnings.concat(),
        ));
    }
    text.push_str(&format!(
        "\n<sub>{} replications, seed {}, Highwater {}, model `{}`</sub>\n",
        summary.replications,
        summary.seed,
        inline(&summary.version),
        code(&summary.model_hash)
    ));
    text
}

/// Findings behind a fold, contradictions open.
fn review(file: &Checked) -> String {
    let Some((review, _)) = &file.review else {
        return String::new();
    };
    if review.findings.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (finding, _) in file.findings(Severity::Contradiction) {
        text.push_str(&format!(
            "\n- ✗ **{}** (`{}`): {}. Cure: {}",
            inline(&finding.title),
            finding.id,
            inline(&finding.arithmetic),
            inline(&finding.cure)
        ));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let mut others = String::new();
    for severity in [Severity::Risk, Severity::Note] {
        for (finding, _) in file.findings(severity) {
            others.push_str(&format!(
                "- {}: {} (`{}`)\n",
                severity.text(),
                inline(&finding.title),
                finding.id
            ));
        }
    }
    let heading = format!("Design review: {}", counts(review));
    if others.is_empty() {
        format!("\n{heading}\n{text}")
    } else {
        format!("{text}{}", folded(&heading, &others))
    }
}

fn folded(summary: &str, body: &str) -> String {
    format!(
        "\n<details><summary>{}</summary>\n\n{body}\n</details>\n",
        inline(summary)
    )
}

/// Text that is not to be taken for HTML or emphasis. What stands between marks of code stays as it is.
fn inline(text: &str) -> String {
    // A mark that nobody closes would swallow what follows: then none of them is one.
    let closed = text.matches('`').count().is_multiple_of(2);
    let mut safe = String::with_capacity(text.len());
    let mut is_code = false;
    for letter in text.chars() {
        match letter {
            '`' if closed => {
                is_code = !is_code;
                safe.push('`');
            }
            '\n' | '\r' => safe.push(' '),
            other if is_code => safe.push(other),
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            // A space without width keeps it from being a mention.
            '@' => safe.push_str("@\u{200B}"),
            '*' | '_' | '[' | ']' | '\\' | '`' => {
                safe.push('\\');
                safe.push(letter);
            }
            other => safe.push(other),
        }
    }
    safe
}

/// The same in a cell of a table.
fn cell(text: &str) -> String {
    inline(text).replace('|', "\\|")
}

/// A name within marks of code.
fn code(text: &str) -> String {
    text.replace(['`', '\n', '\r'], "'").replace('|', "\\|")
}

/// Lines as they are: the fence is longer than any in them.
fn fenced(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("\n{fence}text\n{text}\n{fence}\n")
}

#[cfg(test)]
mod unit {
    use super::*;

    // Lost if broken: a title that draws a picture or breaks a table in somebody's pull request.
    #[test]
    fn nothing_from_a_file_is_read_as_markup() {
        assert_eq!(
            inline("a <img src=x> & *b* [c](d)"),
            "a &lt;img src=x> &amp; \\*b\\* \\[c\\](d)"
        );
        assert_eq!(inline("use `web_1`, not `<b>`"), "use `web_1`, not `<b>`");
        assert_eq!(inline("one ` alone <b>"), "one \\` alone &lt;b>");
        assert_eq!(cell("a | b\nc"), "a \\| b c");
        assert_eq!(code("a`b|c"), "a'b\\|c");
        assert!(fenced("```\nx").starts_with("\n````text\n"));
    }
}
