//! Exit codes: what scripts and CI may rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and every objective is met; also when none was set.
    Done = 0,
    /// Done, and an objective is missed, or not decided and `--undecided pass` was not given.
    Missed = 1,
    /// A mistake in the command or in a file: nothing was run.
    Usage = 2,
    /// It could not finish: a folder that cannot be written, a full disk, an error inside Highwater.
    Unfinished = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
