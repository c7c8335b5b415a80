//! What the environment says: the only place that reads environment variables.

use highwater_report::paint::Paint;

/// A variable of the environment, where it is set and text.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Colour or none for a stream that is, or is not, a terminal. `NO_COLOR` and `TERM=dumb` mean none.
pub fn paint(is_terminal: bool) -> Paint {
    let no_color = std::env::var("NO_COLOR").ok();
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    Paint::choose(is_terminal && !dumb, no_color.as_deref())
}
