//! `requests.csv`: a row for each request.
//!
//! Owns: its columns before those of the stages, the same for a simulated and a measured run.

/// The columns before the stages. Times are seconds; `user` and `ip` are numbers.
pub const COLUMNS: [&str; 15] = [
    "replication",
    "n",
    "t",
    "source",
    "session",
    "user",
    "ip",
    "class",
    "endpoint",
    "phase",
    "outcome",
    "cause",
    "status",
    "latency",
    "attempts",
];
