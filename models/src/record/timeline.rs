//! What happened in each window of time: the rows of `timeline.csv`.

/// Windows of one length, each with the mean over replications of every column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Length of a window in seconds.
    pub window: f64,
    /// Column names, without the time `t` that every row begins with.
    pub columns: Vec<String>,
    /// Row per window, from the start; a cell is NaN where nothing was observed.
    pub rows: Vec<Vec<f64>>,
}
