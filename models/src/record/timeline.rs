//! What happened in each window of time: the rows of `timeline.csv`, and what a plot of them shows beside them.

/// Windows of one length, each with the mean over replications of every column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Length of a window in seconds.
    pub window: f64,
    /// Column names, without the time `t` that every row begins with.
    pub columns: Vec<String>,
    /// Row per window, from the start; a cell is NaN where nothing was observed.
    pub rows: Vec<Vec<f64>>,
    /// The lowest and the highest of the replications for each cell of `rows`; empty where there was but one, or where
    /// they are not known.
    pub ranges: Vec<Vec<(f64, f64)>>,
    /// Phases of the load, in the order of the file.
    pub phases: Vec<Stretch>,
    /// What the scenario does to the system at a time of its own, in order of time. What waits for an alert, and changes
    /// of settings, are in the log.
    pub faults: Vec<Stretch>,
}

/// A stretch of time with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// What it is called, in a few words.
    pub name: String,
    /// Seconds from the start to its beginning.
    pub from: f64,
    /// Seconds to its end; equal to `from` where it has no length.
    pub to: f64,
}

impl Timeline {
    /// The number of a column; `None` where the run has none of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}
