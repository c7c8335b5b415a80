//! Why a command stopped, in words for standard error, with the exit code that goes with it.

use std::fmt;

use crate::exit::Exit;

/// Why a command stopped.
#[derive(Debug)]
pub enum Failure {
    /// A mistake in the command. One sentence, and what to do about it.
    Usage {
        /// What is wrong, without a full stop.
        message: String,
        /// What to do.
        help: String,
    },
    /// A file with mistakes, each already shown with its place.
    File {
        /// The diagnostics as text.
        text: String,
    },
    /// The world did not play along.
    World {
        /// What was being done: "write out/summary.json".
        doing: String,
        /// Why it failed.
        reason: String,
    },
}

impl Failure {
    /// The exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::File { .. } => Exit::Usage,
            Self::World { .. } => Exit::Unfinished,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, help } => write!(f, "error: {message}\nhelp: {help}"),
            Self::File { text } => f.write_str(text),
            Self::World { doing, reason } => write!(f, "error: could not {doing}: {reason}"),
        }
    }
}
