//! Columns of text, aligned, within a width.
//!
//! Owns: padding, and shortening names that do not fit.
//! Never: what the cells say. Widths are counted in characters, which is right for the scripts that names are written
//! in here; double-width ones would come out ragged, not wrong.

use crate::paint::{Paint, Style};

/// No line of a report is longer than this.
pub const WIDTH: usize = 100;

/// A name is never shortened below this.
const SHORTEST_NAME: usize = 12;

/// Blanks between two columns.
const GAP: usize = 2;

/// Where a column's text stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Align {
    /// Names and words.
    Left,
    /// Numbers with their units.
    Right,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text in a style.
    #[must_use]
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Style::Normal, text)
    }
}

/// A table with a heading over each column. Columns in which every cell is empty are left out.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    columns: Vec<(Align, String)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table. The first column's heading is the table's title.
    #[must_use]
    pub fn new(title: &str, columns: &[(Align, &str)]) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns
                .iter()
                .map(|(align, heading)| (*align, (*heading).to_owned()))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: the name in the first column, then a cell for each further column.
    ///
    /// # Panics
    /// When the number of cells is not that of the columns.
    pub fn row(&mut self, name: impl Into<Cell>, cells: Vec<Cell>) {
        assert_eq!(cells.len(), self.columns.len(), "cells of a row in `{}`", self.title);
        let mut row = vec![name.into()];
        row.extend(cells);
        self.rows.push(row);
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What is in it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The columns that are shown, the first one's heading being the title.
    #[must_use]
    pub fn columns(&self) -> Vec<(Align, &str)> {
        let all = std::iter::once((Align::Left, self.title.as_str()))
            .chain(self.columns.iter().map(|(align, heading)| (*align, heading.as_str())));
        let shown = self.shown();
        all.enumerate()
            .filter(|(column, _)| shown.contains(column))
            .map(|(_, heading)| heading)
            .collect()
    }

    /// The rows with a cell for each column that is shown: its words and what they are.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<(&str, Style)>> {
        let shown = self.shown();
        self.rows
            .iter()
            .map(|row| {
                shown
                    .iter()
                    .map(|&column| (row[column].text.as_str(), row[column].style))
                    .collect()
            })
            .collect()
    }

    /// The first column and those in which any cell says something.
    fn shown(&self) -> Vec<usize> {
        (0..=self.columns.len())
            .filter(|&column| column == 0 || self.rows.iter().any(|row| !row[column].text.is_empty()))
            .collect()
    }

    /// Whether every cell is shown whole within the width of a report.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.widths().iter().sum::<usize>() + GAP * self.shown().len().saturating_sub(1) <= WIDTH
    }

    /// How much the longest cell of each column that is shown takes.
    fn widths(&self) -> Vec<usize> {
        let headings = std::iter::once(&self.title).chain(self.columns.iter().map(|(_, heading)| heading));
        let headings: Vec<usize> = headings.map(|heading| length(heading)).collect();
        let longest = |column: usize| {
            let cells = self.rows.iter().map(|row| length(&row[column].text));
            cells.fold(headings[column], usize::max)
        };
        self.shown().into_iter().map(longest).collect()
    }

    /// The lines of the table, each with its line end.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let heading = |text: &str| Cell::new(Style::Heading, text);
        let mut lines = vec![
            std::iter::once(heading(&self.title))
                .chain(self.columns.iter().map(|(_, text)| heading(text)))
                .collect::<Vec<_>>(),
        ];
        lines.extend(self.rows.iter().cloned());
        let aligns: Vec<Align> = std::iter::once(Align::Left)
            .chain(self.columns.iter().map(|(align, _)| *align))
            .collect();
        let shown = self.shown();
        let mut widths = self.widths();
        fit(&mut widths, &shown, &aligns);

        let mut text = String::new();
        for line in &lines {
            let mut pending = 0;
            for (index, (&column, &width)) in shown.iter().zip(&widths).enumerate() {
                let cell = &line[column];
                let words = shorten(&cell.text, width);
                let blanks = width - length(&words);
                let before = if aligns[column] == Align::Right { blanks } else { 0 };
                pending += before + if index > 0 { GAP } else { 0 };
                if !words.is_empty() {
                    // Blanks are written only when something follows: no line ends in them.
                    text.extend(std::iter::repeat_n(' ', pending));
                    text.push_str(&paint.text(cell.style, &words));
                    pending = 0;
                }
                pending += blanks - before;
            }
            text.push('\n');
        }
        text
    }
}

/// Takes from the widest column of words until the line fits. Numbers are never shortened.
fn fit(widths: &mut [usize], shown: &[usize], aligns: &[Align]) {
    loop {
        let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let Some(excess) = total.checked_sub(WIDTH).filter(|&excess| excess > 0) else {
            return;
        };
        let widest = (0..widths.len())
            .filter(|&index| aligns[shown[index]] == Align::Left && widths[index] > SHORTEST_NAME)
            .max_by_key(|&index| widths[index]);
        let Some(widest) = widest else { return };
        widths[widest] -= excess.min(widths[widest] - SHORTEST_NAME);
    }
}

/// The text in at most so many characters: the middle of a name goes, since its ends tell names apart.
fn shorten(text: &str, width: usize) -> String {
    let length = length(text);
    if length <= width {
        return text.to_owned();
    }
    let tail = (width - 1) / 2;
    let head = width - 1 - tail;
    let letters: Vec<char> = text.chars().collect();
    letters[..head]
        .iter()
        .chain(std::iter::once(&'…'))
        .chain(&letters[length - tail..])
        .collect()
}

/// Characters in a text.
fn length(text: &str) -> usize {
    text.chars().count()
}

/// A text in lines of at most [`WIDTH`] characters, broken between words, later lines indented.
#[must_use]
pub fn wrap(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let needed = length(word);
        if used > 0 && used + 1 + needed > WIDTH {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        } else if used > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += needed;
    }
    lines.push('\n');
    lines
}

/// A text after a lead, its later lines under its first one. The lead is never broken and must not be empty.
#[must_use]
pub fn wrap_after(lead: &str, text: &str) -> String {
    let blanks = length(lead);
    // A word as wide as the lead keeps its place while the lines are broken.
    let placeholder = "\u{1}".repeat(blanks.saturating_sub(1));
    let lines = wrap(&format!("{placeholder} {text}"), blanks);
    lines.replacen(&format!("{placeholder} "), lead, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: numbers that cannot be compared down a column.
    #[test]
    fn numbers_stand_under_each_other_and_lines_end_in_no_blanks() {
        let mut table = Table::new(
            "Fruit",
            &[(Align::Right, "weight"), (Align::Left, "colour"), (Align::Left, "note")],
        );
        table.row("apple", vec!["120 g".into(), "red".into(), "".into()]);
        table.row("watermelon", vec!["3.5 kg".into(), "".into(), "".into()]);
        assert_eq!(
            table.render(Paint::Plain),
            concat!(
                "Fruit       weight  colour\n",
                "apple        120 g  red\n",
                "watermelon  3.5 kg\n",
            )
        );
    }

    // Lost if broken: tables that wrap in a terminal, or names cut where they differ.
    #[test]
    fn a_long_name_gives_way_in_the_middle() {
        let mut table = Table::new("Endpoint", &[(Align::Right, "p95")]);
        let name = format!("first.{}.last", "middle".repeat(20));
        table.row(name, vec!["2.41 s".into()]);
        let text = table.render(Paint::Plain);
        let row = text.lines().nth(1).expect("a row");
        assert_eq!(row.chars().count(), WIDTH);
        assert!(
            row.starts_with("first.") && row.ends_with(".last  2.41 s") && row.contains('…'),
            "{row}"
        );
    }

    // Lost if broken: colour that shifts the columns.
    #[test]
    fn paint_takes_no_room() {
        let mut table = Table::new("A", &[(Align::Right, "b")]);
        table.row(Cell::new(Style::Bad, "x"), vec!["1".into()]);
        let painted = table.render(Paint::Ansi);
        assert!(painted.contains("\u{1b}[1;38;5;208mx\u{1b}[0m  1\n"), "{painted:?}");
    }

    // Lost if broken: warnings that run over the edge.
    #[test]
    fn words_wrap_at_the_width() {
        let text = wrap(&"word ".repeat(50), 4);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with("    word")));
    }
}
