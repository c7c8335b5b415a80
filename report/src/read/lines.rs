//! The lines of a CSV file of any length, one after the other.
//!
//! Owns: what a line's cells are, and how long a line may be. Never: what cells mean.
//! A file that somebody else wrote may be broken, cut off or without line ends: memory is bounded by [`LONGEST`] all the
//! same. Names with a line break inside are not read; nothing of ours writes them.

use std::io::{self, BufRead, Read};

/// Bytes of a line at most: some hundred columns.
const LONGEST: u64 = 65_536;

/// Reads line by line.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    line: Vec<u8>,
    cells: Vec<String>,
    number: u64,
}

/// A line that was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its cells.
    Cells(&'a [String]),
    /// What is wrong with it.
    Broken(&'static str),
}

impl<R: BufRead> Lines<R> {
    /// From the beginning of a file.
    pub const fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            cells: Vec::new(),
            number: 0,
        }
    }

    /// The number of the line that was read last, from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not empty; `None` at the end.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.line.clear();
            let read = (&mut self.input).take(LONGEST).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 == LONGEST && self.line.last() != Some(&b'\n') {
                self.skip()?;
                return Ok(Some(Line::Broken("it is longer than any line of such a file")));
            }
            while matches!(self.line.last(), Some(b'\n' | b'\r')) {
                self.line.pop();
            }
            if self.line.is_empty() {
                continue;
            }
            break;
        }
        let Ok(text) = std::str::from_utf8(&self.line) else {
            return Ok(Some(Line::Broken("it is not text")));
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Some(if split(text, &mut self.cells) {
            Line::Cells(&self.cells)
        } else {
            Line::Broken("a quote is not closed")
        }))
    }

    /// Leaves out the rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(());
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

/// Puts the cells of a line into `cells`, whose memory is used again; false where a quote is not closed.
fn split(text: &str, cells: &mut Vec<String>) -> bool {
    let mut count = 0;
    let mut begin = |cells: &mut Vec<String>| {
        if cells.len() == count {
            cells.push(String::new());
        } else {
            cells[count].clear();
        }
        count += 1;
        count - 1
    };
    let mut cell = begin(cells);
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cells[cell].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cell = begin(cells),
            letter => cells[cell].push(letter),
        }
    }
    cells.truncate(cell + 1);
    !quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Result<Vec<String>, &'static str>> {
        let mut lines = Lines::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Cells(cells) => Ok(cells.to_vec()),
                Line::Broken(why) => Err(why),
            });
        }
        found
    }

    // Lost if broken: names in quotes, files of another system, and what is left of a file after a power cut.
    #[test]
    fn lines_are_read_as_they_were_written_and_broken_ones_are_told() {
        let cells = |list: &[&str]| Ok(list.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>());
        assert_eq!(
            all("\u{feff}a,\"b,c\",\"d\"\"e\"\r\n\r\n1,,3\n\"x\n2"),
            [
                cells(&["a", "b,c", "d\"e"]),
                cells(&["1", "", "3"]),
                Err("a quote is not closed"),
                cells(&["2"]),
            ]
        );
        assert!(all("").is_empty());
    }

    // Lost if broken: a file without line ends takes all memory there is.
    #[test]
    fn a_line_without_an_end_is_left_out() {
        let text = format!("{}\n1,2\n", "x".repeat(1_000_000));
        let found = all(&text);
        assert_eq!(found.len(), 2);
        assert!(found[0].is_err());
        assert_eq!(found[1], Ok(vec!["1".to_owned(), "2".to_owned()]));
    }
}
