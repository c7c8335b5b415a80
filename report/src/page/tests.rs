//! A page as a reader, a browser and a stranger with a title of his own see it.

use highwater_models::record::summary::{LogEntry, Summary, Warning};

use super::*;
use crate::plot;
use crate::sample;

/// Reads markup as XML and says what is wrong: tags that do not match, attributes without quotes, stray signs.
/// Returns the names of all elements in order.
fn elements(text: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut seen = Vec::new();
    let mut rest = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text);
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = rest[start..]
            .find('>')
            .unwrap_or_else(|| panic!("no end: {}", &rest[start..]))
            + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed");
            continue;
        }
        let is_empty = tag.ends_with('/');
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        check_attributes(name, attributes);
        seen.push(name.to_owned());
        if !is_empty {
            open.push(name.to_owned());
        }
        if name == "style" {
            // Its text is no markup.
            let end = rest.find("</style>").expect("an end of the style");
            rest = &rest[end..];
        }
    }
    assert_eq!(rest.trim(), "");
    assert!(open.is_empty(), "left open: {open:?}");
    seen
}

fn check_text(text: &str) {
    assert!(!text.contains('>'), "a stray sign in {text:?}");
    for (at, _) in text.match_indices('&') {
        let end = text[at..].find(';').unwrap_or_else(|| panic!("a stray & in {text:?}"));
        assert!(
            matches!(
                &text[at..=at + end],
                "&lt;" | "&gt;" | "&amp;" | "&quot;" | "&apos;" | "&#39;"
            ),
            "{text:?}"
        );
    }
    assert!(
        text.chars().all(|letter| letter == '\n' || !letter.is_control()),
        "{text:?}"
    );
}

fn check_attributes(name: &str, attributes: &str) {
    let mut rest = attributes.trim();
    let mut names: Vec<&str> = Vec::new();
    while !rest.is_empty() {
        let (attribute, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{name}: {attributes}"));
        assert!(
            attribute
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-'),
            "{name}: {attribute}"
        );
        assert!(!names.contains(&attribute), "{name}: two of {attribute}");
        names.push(attribute);
        assert!(
            !attribute.starts_with("on") && !["src", "srcset", "poster", "action", "data"].contains(&attribute),
            "{name}: {attribute}"
        );
        let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("{name}: {attributes}"));
        check_text(value);
        assert!(attribute != "href" || value.starts_with("#s"), "{name}: {value}");
        rest = after.trim_start();
    }
}

fn page(summary: &Summary) -> Page {
    of_run(
        summary,
        plot::of_run(summary, &sample::timeline()),
        "highwater run spike --seed 1",
    )
}

/// A summary whose every text is an attack.
fn hostile() -> Summary {
    let mut summary = sample::broken();
    for text in [
        &mut summary.title,
        &mut summary.question,
        &mut summary.system,
        &mut summary.model_hash,
    ] {
        *text = ATTACK.to_owned();
    }
    summary.log = vec![LogEntry {
        at: 1.0,
        subject: "settings".to_owned(),
        text: ATTACK.to_owned(),
    }];
    summary.warnings = vec![Warning {
        id: "a",
        text: ATTACK.to_owned(),
    }];
    summary.bottlenecks[0].limit = ATTACK.to_owned();
    summary.failures[0].endpoint = ATTACK.to_owned();
    summary.objectives[0].name = format!("endpoint.\"{ATTACK}\".p95");
    summary
}

// Lost if broken: browsers that guess what was meant, each in its own way.
#[test]
fn every_page_is_well_formed() {
    for summary in [sample::calm(), sample::broken(), hostile(), Summary::default()] {
        let seen = elements(&html(&page(&summary)));
        for (name, count) in [("html", 1), ("h1", 1), ("main", 1), ("title", 1)] {
            let found = seen.iter().filter(|element| *element == name).count();
            // A plot has a title too.
            assert!(found == count || name == "title" && found > count, "{name}: {found}");
        }
    }
}

/// A text that is an attack wherever it is not escaped.
pub(crate) const ATTACK: &str =
    "\"><script>alert('x')</script> `<img src=x onerror=y>` [a](http://evil.example) @you |\u{1}\u{202E}";

/// Well-formed, with all that a page has, and without anything of a file that is markup or is fetched.
pub(crate) fn assert_sound(page: &Page) {
    let text = html(page);
    let names = elements(&text);
    for name in ["html", "h1", "main"] {
        assert_eq!(names.iter().filter(|element| *element == name).count(), 1, "{name}");
    }
    for never in [
        "script", "img", "link", "iframe", "object", "image", "use", "form", "base", "a-",
    ] {
        assert!(!names.iter().any(|name| name == never), "{never}");
    }
    assert!(!text.contains("@import") && !text.contains("url("));
    assert!(!text.contains('\u{202E}') && !text.contains('\u{1}'));
    // Between back quotes Markdown has no markup: what is left has to be free of it.
    let text = markdown(page).replace("\\`", "");
    let outside: String = text.split('`').step_by(2).collect();
    for never in ["<script", "<img", "@you", "[a](", "\u{202E}", "\u{1}"] {
        assert!(!outside.contains(never), "{never}: {outside}");
    }
}

// Lost if broken: a report from a stranger that runs a script, asks a server, or says that its failures are somebody
// else's.
#[test]
fn nothing_of_a_file_is_markup_and_nothing_is_fetched() {
    for summary in [sample::broken(), hostile()] {
        assert_sound(&page(&summary));
    }
}

// Lost if broken: reports of one result that differ, and with them every comparison of two.
#[test]
fn the_same_result_gives_the_same_bytes() {
    let summary = sample::broken();
    assert_eq!(html(&page(&summary)), html(&page(&summary)));
    assert_eq!(markdown(&page(&summary)), markdown(&page(&summary)));
}

// Lost if broken: a page that a screen reader cannot walk through.
#[test]
fn headings_are_in_order_and_tables_have_heads() {
    let text = html(&page(&sample::broken()));
    assert!(text.contains("<html lang=\"en\">"));
    let mut level = 0;
    for name in elements(&text) {
        if let Some(digit) = name.strip_prefix('h').and_then(|digit| digit.parse::<u32>().ok()) {
            assert!(digit <= level + 1, "a heading {digit} below {level}");
            level = digit;
        }
    }
    let tables = text.matches("<table").count();
    assert!(tables > 5 && text.matches("<th scope=\"col\"").count() >= tables);
    assert_eq!(text.matches("<th ").count(), text.matches("<th scope=").count());
    assert_eq!(
        text.matches("<svg ").count(),
        text.matches("role=\"img\" aria-label=\"").count()
    );
    // Every table that scrolls can be reached by keyboard.
    assert_eq!(
        text.matches("class=\"scroll").count(),
        text.matches("tabindex=\"0\"").count()
    );
}

// Lost if broken: a founder who has to scroll for the verdict, or an engineer who cannot repeat what he reads.
#[test]
fn the_verdict_is_first_and_the_way_back_is_last() {
    let text = html(&page(&sample::broken()));
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}"));
    let order = [
        "✗ It does not hold",
        ">Objectives</h2>",
        ">What may mislead</h2>",
        ">Over time</h2>",
        ">All tables</h2>",
        "highwater run spike --seed 1",
        "Made by Highwater",
    ];
    assert!(
        order.windows(2).all(|pair| place(pair[0]) < place(pair[1])),
        "{order:?}"
    );
    assert!(text.contains("<td role=\"cell\" data-name=\"seed\"") || text.contains("<dt>seed</dt><dd>1</dd>"));
}

// Lost if broken: the comment in a pull request. Read it when it changes.
#[test]
fn markdown_reads_from_verdict_to_details() {
    insta::assert_snapshot!("broken", markdown(&page(&sample::broken())));
}

// Lost if broken: an empty section with its heading, or a page of nothing that is not a page.
#[test]
fn what_is_empty_is_left_out() {
    let text = html(&page(&Summary::default()));
    for heading in ["Money", "Alerts", "Design review", "What broke first"] {
        assert!(!text.contains(&format!(">{heading}</h2>")), "{heading}");
    }
}
