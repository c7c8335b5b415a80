//! A page as Markdown for a pull request, as GitHub reads it: what has to be seen at once, the rest behind folds.
//!
//! Plots are left out, since a comment cannot hold them: each becomes the sentence of what it says.

use super::{Block, Item, Number, Page, Section, Tone};
use crate::escape::{markdown as escaped, visible};
use crate::table::{Align, Table};

/// The comment.
#[must_use]
pub fn markdown(page: &Page) -> String {
    let mark = match page.verdict.tone {
        Tone::Good => "✅",
        Tone::Bad => "❌",
        Tone::Open => "❔",
    };
    let word = small(&page.verdict.word);
    let mut out = format!("## {mark} {}: {}\n\n", escaped(&page.title), escaped(&word));
    let mut put = |paragraph: &str| {
        if !paragraph.is_empty() {
            out.push_str(paragraph.trim_end());
            out.push_str("\n\n");
        }
    };
    put(&prose(&page.verdict.sentences.join(" ")));
    if !page.verdict.next_step.is_empty() {
        put(&format!("**Next step:** {}", prose(&page.verdict.next_step)));
    }
    put(&numbers(&page.numbers));
    for section in page.sections.iter().filter(|section| !section.is_empty()) {
        put(&self::section(section));
    }
    put(&format!("<sub>{}</sub>", prose(&page.subject)));
    put(&format!("<sub>{}</sub>", prose(&page.footer)));
    format!("{}\n", out.trim_end())
}

/// With a small letter in front, unless that letter is a name.
fn small(text: &str) -> String {
    let mut letters = text.chars();
    if letters.clone().nth(1).is_none_or(char::is_whitespace) {
        return text.to_owned();
    }
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A text with what stands between back quotes as code.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let part = |(number, part): (usize, &&str)| {
        if number % 2 == 0 {
            escaped(part)
        } else if part.is_empty() {
            String::new()
        } else {
            // Nothing in code is markup, but a bar would end a table's cell.
            format!("`{}`", visible(part).replace('|', "\\|"))
        }
    };
    parts.iter().enumerate().map(part).collect()
}

fn section(section: &Section) -> String {
    let blocks: Vec<String> = section
        .blocks
        .iter()
        .map(|part| block(part).trim_end().to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    let body = blocks.join("\n\n");
    if section.is_detail {
        format!(
            "<details><summary>{}</summary>\n\n{body}\n\n</details>",
            escaped(&section.title)
        )
    } else {
        format!("### {}\n\n{body}", escaped(&section.title))
    }
}

fn block(block: &Block) -> String {
    if block.is_empty() {
        return String::new();
    }
    match block {
        Block::Text(text) => prose(text),
        Block::Numbers(list) => numbers(list),
        Block::List(items) => items.iter().map(item).collect::<Vec<_>>().join("\n"),
        Block::FoldedList(title, items) => {
            let items: Vec<String> = items.iter().map(item).collect();
            format!("**{}**\n\n{}", escaped(title), items.join("\n"))
        }
        Block::Table(shown) => table(shown),
        Block::Folded(shown) => format!("**{}**\n\n{}", escaped(shown.title()), table(shown)),
        Block::Figure(plot) => format!("**{}.** {}", escaped(&plot.title), prose(&plot.finding)),
        Block::Command(line) => fenced("sh", line),
        Block::Lines(text) => fenced("text", text),
        Block::Facts(facts) => facts
            .iter()
            .map(|(name, value)| format!("- {}: {}", escaped(name), prose(value)))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

/// Lines as they are, behind a fence longer than any run of back quotes in them.
fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = text.lines().map(visible).collect();
    format!("{fence}{language}\n{}\n{fence}", lines.join("\n"))
}

fn item(item: &Item) -> String {
    let word = if item.word.is_empty() {
        String::new()
    } else {
        format!("**{}** ", escaped(&item.word))
    };
    let mut text = format!("- {word}{}", prose(&item.text));
    for (name, value) in &item.more {
        text.push_str(&format!("\n  - {}: {}", escaped(name), prose(value)));
    }
    text
}

fn numbers(numbers: &[Number]) -> String {
    let number = |number: &Number| {
        let mark = match number.tone {
            Some(Tone::Good) => " ✅",
            Some(Tone::Bad) => " ❌",
            Some(Tone::Open) => " ❔",
            None => "",
        };
        let beside = if number.beside.is_empty() {
            String::new()
        } else {
            format!(" ({})", escaped(&number.beside))
        };
        format!(
            "{} **{}**{mark}{beside}",
            escaped(&number.label),
            escaped(&number.value)
        )
    };
    numbers.iter().map(number).collect::<Vec<_>>().join(" · ")
}

fn table(shown: &Table) -> String {
    let columns = shown.columns();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(columns.iter().map(|(_, heading)| escaped(heading)).collect());
    let rule = |(align, _): &(Align, &str)| if *align == Align::Right { "--:" } else { "---" }.to_owned();
    text.push_str(&line(columns.iter().map(rule).collect()));
    for row in shown.rows() {
        text.push_str(&line(row.iter().map(|(words, _)| prose(words)).collect()));
    }
    text
}
