//! What the environment says: the only place that reads environment variables.

use std::path::PathBuf;

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

/// What a step of GitHub Actions knows about where it runs.
#[derive(Clone, Debug)]
pub struct Github {
    /// The repository's root: annotations name files below it.
    pub workspace: Option<PathBuf>,
    /// The file that a step's summary is added to.
    pub summary: Option<PathBuf>,
}

/// GitHub Actions, where this runs there (`GITHUB_ACTIONS` is `true`).
pub fn github() -> Option<Github> {
    let path = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    std::env::var("GITHUB_ACTIONS")
        .is_ok_and(|value| value == "true")
        .then(|| Github {
            workspace: path("GITHUB_WORKSPACE"),
            summary: path("GITHUB_STEP_SUMMARY"),
        })
}
