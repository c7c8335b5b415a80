//! Text by the number of its tokens: a token is one word.

/// What all text here is made of, over and over.
const WORDS: [&str; 24] = [
    "A", "plan", "that", "holds", "begins", "small:", "one", "step", "a", "day,", "written", "down", "and", "looked",
    "at", "again", "in", "the", "evening;", "what", "worked", "is", "kept.", "Then",
];

/// The most words that are made at once, whatever is asked for.
const WORDS_MAX: u64 = 200_000;

/// The words from one number to before another, so that pieces that are put together are the whole: every word but the
/// first of all has a space before it.
#[must_use]
pub fn words(from: u64, to: u64) -> String {
    let count = to.saturating_sub(from).min(WORDS_MAX);
    let mut text = String::with_capacity(count as usize * 6);
    for number in from..from + count {
        if number > 0 {
            text.push(' ');
        }
        text.push_str(WORDS[(number % WORDS.len() as u64) as usize]);
    }
    text
}

/// Words of a text: its tokens.
#[must_use]
pub fn count(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: an answer in pieces that is not the answer that came whole, or has another number of tokens.
    #[test]
    fn pieces_put_together_are_the_whole() {
        let whole = words(0, 100);
        assert_eq!(count(&whole), 100);
        let pieces: String = [(0, 1), (1, 1), (1, 30), (30, 100)]
            .map(|(from, to)| words(from, to))
            .concat();
        assert_eq!(pieces, whole);
        assert_eq!(words(5, 5), "");
        assert_eq!(count(&words(0, u64::MAX)), WORDS_MAX);
        assert_eq!(count(&words(u64::MAX - 1, u64::MAX)), 1);
    }
}
