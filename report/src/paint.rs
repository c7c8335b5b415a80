//! Colour and weight for terminals.
//!
//! Owns: the few styles there are. Blue for good and orange for bad: those two are told apart with every common kind of
//! colour blindness, which green and red are not. No meaning is carried by colour alone; a reader without it loses
//! nothing but comfort.
//! Never: deciding whether there is a terminal. The caller says so.

/// Whether a text may hold escape sequences.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// Plain text, for files and pipes.
    #[default]
    Plain,
    /// Escape sequences of ANSI terminals.
    Ansi,
}

/// What a piece of text is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Normal,
    /// A heading.
    Heading,
    /// Beside the point: units, intervals.
    Faint,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Not known.
    Open,
}

impl Paint {
    /// Colour for a terminal whose user has not asked for none: `no_color` is the value of `NO_COLOR`, which counts
    /// when it is set and not empty (no-color.org).
    #[must_use]
    pub fn choose(is_terminal: bool, no_color: Option<&str>) -> Self {
        if is_terminal && no_color.is_none_or(str::is_empty) {
            Self::Ansi
        } else {
            Self::Plain
        }
    }

    /// The text in that style.
    #[must_use]
    pub fn text(self, style: Style, text: &str) -> String {
        // 33 and 208 of the 256 colours: a blue and an orange that are readable on black and on white.
        let code = match style {
            Style::Normal => return text.to_owned(),
            Style::Heading => "1",
            Style::Faint => "2",
            Style::Good => "38;5;33",
            Style::Bad => "1;38;5;208",
            Style::Open => "1",
        };
        match self {
            Self::Ansi if !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: escape sequences in files, or colour for those who asked for none.
    #[test]
    fn colour_needs_a_terminal_and_no_objection() {
        for (is_terminal, no_color, paint) in [
            (true, None, Paint::Ansi),
            (true, Some(""), Paint::Ansi),
            (true, Some("1"), Paint::Plain),
            (false, None, Paint::Plain),
        ] {
            assert_eq!(
                Paint::choose(is_terminal, no_color),
                paint,
                "{is_terminal} {no_color:?}"
            );
        }
    }
}
