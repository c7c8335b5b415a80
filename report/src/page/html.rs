//! A page as HTML.
//!
//! Owns: the elements. Well-formed as XML too, so that a test can read it.

use super::{Block, Item, Number, Page, Section, Tone, Verdict, style};
use crate::escape::markup;
use crate::paint::Style;
use crate::plot::{Plot, Size};
use crate::table::{Align, Table};

/// The page as one file.
#[must_use]
pub fn html(page: &Page) -> String {
    let mut out = String::with_capacity(1 << 16);
    let mut put = |text: &str| out.push_str(text);
    put("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    put("<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    let title = format!("{}: {}", page.title, page.verdict.word);
    put(&format!(
        "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
        markup(&title),
        style::sheet()
    ));
    put(&format!("<header>\n<h1>{}</h1>\n", markup(&page.title)));
    if !page.question.is_empty() {
        put(&format!("<p class=\"question\">{}</p>\n", prose(&page.question)));
    }
    put(&format!(
        "<p class=\"subject\">{}</p>\n</header>\n",
        prose(&page.subject)
    ));
    put(&verdict(&page.verdict));
    put(&numbers(&page.numbers));
    let sections: Vec<&Section> = page.sections.iter().filter(|section| !section.is_empty()).collect();
    put(&contents(&sections));
    for (number, section) in sections.iter().enumerate() {
        put(&format!(
            "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n",
            markup(&section.title),
            id = id(number)
        ));
        for block in &section.blocks {
            put(&self::block(block));
        }
        put("</section>\n");
    }
    put(&format!(
        "<footer>{}</footer>\n</main>\n</body>\n</html>\n",
        prose(&page.footer)
    ));
    out
}

fn id(section: usize) -> String {
    format!("s{}", section + 1)
}

/// A text with what stands between back quotes as code.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return markup(text);
    }
    let part = |(number, part): (usize, &&str)| {
        if number % 2 == 0 {
            markup(part)
        } else {
            format!("<code>{}</code>", markup(part))
        }
    };
    parts.iter().enumerate().map(part).collect()
}

fn verdict(verdict: &Verdict) -> String {
    let mark = match verdict.tone {
        Tone::Good => "✓ ",
        Tone::Bad => "✗ ",
        Tone::Open => "",
    };
    let mut text = format!(
        "<section class=\"verdict {}\" aria-labelledby=\"verdict\">\n<h2 id=\"verdict\">{mark}{}</h2>\n",
        tone(verdict.tone),
        markup(&verdict.word)
    );
    text.push_str(&format!("<p>{}</p>\n", prose(&verdict.sentences.join(" "))));
    if !verdict.next_step.is_empty() {
        text.push_str(&format!(
            "<p><strong>Next step:</strong> {}</p>\n",
            prose(&verdict.next_step)
        ));
    }
    text.push_str("</section>\n");
    text
}

const fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Open => "open",
    }
}

fn numbers(numbers: &[Number]) -> String {
    if numbers.is_empty() {
        return String::new();
    }
    let mut text = "<dl class=\"numbers\">\n".to_owned();
    for number in numbers {
        let (class, mark) = match number.tone {
            Some(Tone::Good) => (" good", " ✓"),
            Some(Tone::Bad) => (" bad", " ✗"),
            Some(Tone::Open) => ("", " ?"),
            None => ("", ""),
        };
        text.push_str(&format!(
            "<div><dt>{}</dt><dd class=\"value{class}\">{}{mark}</dd>",
            markup(&number.label),
            markup(&number.value)
        ));
        if !number.beside.is_empty() {
            text.push_str(&format!("<dd class=\"beside\">{}</dd>", markup(&number.beside)));
        }
        text.push_str("</div>\n");
    }
    text.push_str("</dl>\n");
    text
}

fn contents(sections: &[&Section]) -> String {
    if sections.len() < 3 {
        return String::new();
    }
    let mut text = "<nav aria-label=\"Contents\"><ul>\n".to_owned();
    for (number, section) in sections.iter().enumerate() {
        text.push_str(&format!(
            "<li><a href=\"#{}\">{}</a></li>\n",
            id(number),
            markup(&section.title)
        ));
    }
    text.push_str("</ul></nav>\n");
    text
}

fn block(block: &Block) -> String {
    if block.is_empty() {
        return String::new();
    }
    match block {
        Block::Text(text) => format!("<p>{}</p>\n", prose(text)),
        Block::Numbers(list) => numbers(list),
        Block::List(items) => list(items),
        Block::FoldedList(title, items) => format!(
            "<details>\n<summary>{} ({})</summary>\n{}</details>\n",
            markup(title),
            items.len(),
            list(items)
        ),
        Block::Table(shown) => cards(shown),
        Block::Folded(shown) => format!(
            "<details>\n<summary>{}</summary>\n{}</details>\n",
            markup(shown.title()),
            table(shown, shown.title())
        ),
        Block::Figure(plot) => figure(plot),
        Block::Command(line) => format!("<pre><code>{}</code></pre>\n", markup(line)),
        Block::Lines(text) => format!(
            "<pre><code>{}</code></pre>\n",
            text.lines().map(markup).collect::<Vec<_>>().join("\n")
        ),
        Block::Facts(facts) => pairs("facts", facts),
    }
}

fn list(items: &[Item]) -> String {
    let mut text = "<ul class=\"items\">\n".to_owned();
    for item in items {
        text.push_str("<li>");
        if !item.word.is_empty() {
            text.push_str(&format!(
                "<span class=\"word {}\">{}</span>",
                class(item.style),
                markup(&item.word)
            ));
        }
        text.push_str(&prose(&item.text));
        if !item.more.is_empty() {
            text.push_str(&pairs("more", &item.more));
        }
        text.push_str("</li>\n");
    }
    text.push_str("</ul>\n");
    text
}

fn pairs(class: &str, pairs: &[(String, String)]) -> String {
    let mut text = format!("<dl class=\"{class}\">");
    for (name, value) in pairs {
        text.push_str(&format!("<dt>{}</dt><dd>{}</dd>", markup(name), prose(value)));
    }
    text.push_str("</dl>\n");
    text
}

const fn class(style: Style) -> &'static str {
    match style {
        Style::Good => "good",
        Style::Bad => "bad",
        Style::Open => "open",
        Style::Faint => "faint",
        Style::Normal | Style::Heading => "",
    }
}

fn figure(plot: &Plot) -> String {
    let mut text = format!(
        "<figure>\n<figcaption><h3>{}</h3>\n<p>{}</p></figcaption>\n",
        markup(&plot.title),
        prose(&plot.finding)
    );
    for (class, size) in [("wide", Size::Wide), ("narrow", Size::Narrow)] {
        text.push_str(&format!("<div class=\"{class}\">{}</div>\n", plot.svg(size)));
    }
    if !plot.note.is_empty() {
        text.push_str(&format!("<p class=\"note\">{}</p>\n", prose(&plot.note)));
    }
    let data = plot.table();
    if !data.is_empty() {
        text.push_str(&format!(
            "<details>\n<summary>The same as a table</summary>\n{}</details>\n",
            table(&data, &plot.title)
        ));
    }
    text.push_str("</figure>\n");
    text
}

/// A table whose rows become cards on a phone; it has few columns, each worth reading.
fn cards(shown: &Table) -> String {
    grid(shown, shown.title(), true)
}

/// A table that scrolls where it is too wide, also by keyboard.
fn table(shown: &Table, title: &str) -> String {
    grid(shown, title, false)
}

fn grid(shown: &Table, title: &str, is_cards: bool) -> String {
    let columns = shown.columns();
    // What is laid out as cards is a table to those who do not see it.
    let role = |name: &str| {
        if is_cards {
            format!(" role=\"{name}\"")
        } else {
            String::new()
        }
    };
    let mut text = format!(
        "<div class=\"scroll{}\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table{}>\n<thead{}><tr{}>",
        if is_cards { " cards" } else { "" },
        markup(title),
        role("table"),
        role("rowgroup"),
        role("row")
    );
    for (align, heading) in &columns {
        let class = aligned(*align, "");
        text.push_str(&format!(
            "<th scope=\"col\"{}{class}>{}</th>",
            role("columnheader"),
            markup(heading)
        ));
    }
    text.push_str(&format!("</tr></thead>\n<tbody{}>\n", role("rowgroup")));
    for row in shown.rows() {
        text.push_str(&format!("<tr{}>", role("row")));
        for (number, ((words, style), (align, heading))) in row.iter().zip(&columns).enumerate() {
            let class = aligned(*align, class(*style));
            let words = prose(words);
            if number == 0 {
                text.push_str(&format!("<th scope=\"row\"{}{class}>{words}</th>", role("rowheader")));
                continue;
            }
            let name = if is_cards && !heading.is_empty() {
                format!(" data-name=\"{}\"", markup(heading))
            } else {
                String::new()
            };
            text.push_str(&format!("<td{}{name}{class}>{words}</td>", role("cell")));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n</div>\n");
    text
}

fn aligned(align: Align, more: &str) -> String {
    let side = if align == Align::Right { "right" } else { "" };
    let classes: Vec<&str> = [side, more].into_iter().filter(|class| !class.is_empty()).collect();
    if classes.is_empty() {
        String::new()
    } else {
        format!(" class=\"{}\"", classes.join(" "))
    }
}
