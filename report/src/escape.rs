//! Texts of files inside markup.
//!
//! Owns: what may not stand in HTML, SVG and Markdown as it is. Everything that comes from a file goes through here.

/// A text for HTML and SVG, inside an element or an attribute's quotes.
#[must_use]
pub fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            // XML has no way to write most of these, and what turns text around hides what it says.
            hidden if is_hidden(hidden) => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A text for Markdown as GitHub reads it, in one line: no markup of its own, no mention of a person, no link.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // A space without width keeps it from being a mention or the beginning of an address.
            '@' => escaped.push_str("@\u{200B}"),
            '\n' | '\r' | '\t' => escaped.push(' '),
            hidden if is_hidden(hidden) => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped.replace("://", ":\u{200B}//").replace("www.", "www\u{200B}.")
}

/// A text for a program that escapes it itself, such as a drawing: only what hides or turns is replaced.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| if is_hidden(letter) { '\u{FFFD}' } else { letter })
        .collect()
}

fn is_hidden(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a title in a file somebody sent that runs a script in the reader's browser.
    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            markup("<script>\"a\" & 'b'\u{1}\u{202E}</script>\n"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\u{FFFD}\u{FFFD}&lt;/script&gt; "
        );
    }

    // Lost if broken: a pull request's comment that mentions strangers, or a table broken by a bar in a name.
    #[test]
    fn markdown_of_a_text_is_that_text() {
        assert_eq!(
            markdown("a|b `c` *d* <img> @you #1 http://x"),
            "a\\|b \\`c\\` \\*d\\* &lt;img&gt; @\u{200B}you \\#1 http:\u{200B}//x"
        );
    }
}
