//! What is kept of runs so that later ones can be compared with them: figures replication by replication, settings,
//! what bound.
//!
//! Owns: the values of a baseline.
//! Never: its text (`report/`), comparing (`sim/`).

use super::figures::{Path, Unit};

/// Runs to compare later ones with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// Version of Highwater that made them: another one may draw differently.
    pub version: String,
    /// The runs, in the order in which they were made.
    pub runs: Vec<BaselineRun>,
}

impl Baseline {
    /// The run of a file: the one that was checked under that name, or else the only one of a scenario called so.
    #[must_use]
    pub fn run(&self, file: &str, scenario: &str) -> Option<&BaselineRun> {
        let same = self.runs.iter().find(|run| run.file == file);
        let mut named = self.runs.iter().filter(|run| run.scenario == scenario);
        same.or_else(|| named.next().filter(|_| named.next().is_none()))
    }
}

/// One run of a baseline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BaselineRun {
    /// What was checked: the path or the bundled name, as it was given.
    pub file: String,
    /// The scenario's name.
    pub scenario: String,
    /// Hash of the files and settings, as in the summary.
    pub model_hash: String,
    /// Root seed.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
    /// Every setting in force, by its path.
    pub settings: Vec<(String, String)>,
    /// Figures with one value for each replication; NaN where that observed nothing.
    pub figures: Vec<BaselineFigure>,
    /// Each objective, and whether it was met.
    pub objectives: Vec<(String, Option<bool>)>,
    /// Resources that reached their limit, in the order in which they did.
    pub bottlenecks: Vec<String>,
}

/// A figure of a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineFigure {
    /// Its place in the figures.
    pub path: Path,
    /// What it counts in.
    pub unit: Unit,
    /// One value per replication, in order.
    pub samples: Vec<f64>,
}

impl BaselineRun {
    /// The figure at a path.
    #[must_use]
    pub fn figure(&self, path: &Path) -> Option<&BaselineFigure> {
        self.figures.iter().find(|figure| figure.path == *path)
    }
}
