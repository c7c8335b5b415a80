//! Every number of a result under one path, with its uncertainty.
//!
//! Owns: the ordered table of figures from which `summary.json`, objectives, comparisons and tables are made.
//! Never: how an interval is computed (`sim/`), how a figure is shown (`report/`).

use std::collections::BTreeMap;
use std::fmt;

/// What a figure counts in; every figure is stored in these base units.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// A second to the minus one.
    PerSecond,
    /// A share of one.
    Share,
    /// A number of things.
    Count,
    /// Bytes.
    Bytes,
    /// US dollars.
    Dollars,
}

/// A mean over replications with its 95 % interval.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The mean over the replications that observed anything; NaN when none did.
    pub value: f64,
    /// Lower end of the interval; `None` with fewer than two observations.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Estimate {
    /// A figure that is known without error.
    #[must_use]
    pub const fn exact(value: f64) -> Self {
        Self {
            value,
            low: Some(value),
            high: Some(value),
        }
    }

    /// Half the interval's width, where there is one.
    #[must_use]
    pub fn half_width(&self) -> Option<f64> {
        Some((self.high? - self.low?) / 2.0)
    }
}

/// The place of a figure: names from the outside in, such as `["resources", "web", "cpu", "mean"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<String>);

impl Path {
    /// A path of these names.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        Self(names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// The path that [`Display`](fmt::Display) writes: names between dots, in quotes where they hold some.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut names = vec![String::new()];
        let mut quoted = false;
        for letter in text.chars() {
            match letter {
                '"' => quoted = !quoted,
                '.' if !quoted => names.push(String::new()),
                _ => {
                    if let Some(name) = names.last_mut() {
                        name.push(letter);
                    }
                }
            }
        }
        Self(names)
    }

    /// This path and one more name.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }
}

impl fmt::Display for Path {
    /// Dotted, names with a dot of their own quoted, as in files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') && !name.is_empty() {
                f.write_str(name)?;
            } else {
                write!(f, "\"{name}\"")?;
            }
        }
        Ok(())
    }
}

/// Whether a figure is printed bare or with its interval.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FigureKind {
    /// A count: printed as one number, the mean over replications.
    Count,
    /// An estimate: printed with its interval.
    Estimate,
}

/// One figure of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Count or estimate.
    pub kind: FigureKind,
    /// What it counts in.
    pub unit: Unit,
    /// Mean and interval over replications.
    pub estimate: Estimate,
    /// One value per replication, NaN where that replication observed nothing. Empty for a figure read from a file.
    pub samples: Vec<f64>,
}

/// All figures of a result, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    order: Vec<Path>,
    by_path: BTreeMap<Path, Figure>,
}

impl Figures {
    /// Adds a figure; a path holds one figure, so a second one replaces the first.
    pub fn insert(&mut self, path: Path, figure: Figure) {
        if self.by_path.insert(path.clone(), figure).is_none() {
            self.order.push(path);
        }
    }

    /// The figure at that path.
    #[must_use]
    pub fn get(&self, names: &[&str]) -> Option<&Figure> {
        self.by_path.get(&Path::new(names))
    }

    /// The figure at a path.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<&Figure> {
        self.by_path.get(path)
    }

    /// The value at that path; NaN where there is none.
    #[must_use]
    pub fn value(&self, names: &[&str]) -> f64 {
        self.get(names).map_or(f64::NAN, |figure| figure.estimate.value)
    }

    /// All figures in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Figure)> {
        self.order.iter().map(|path| (path, &self.by_path[path]))
    }

    /// The names right below a prefix, in order, each once: `children(&["endpoints"])` lists the endpoints.
    #[must_use]
    pub fn children(&self, prefix: &[&str]) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for path in &self.order {
            let below = path.0.len() > prefix.len() && path.0.iter().zip(prefix).all(|(a, b)| a == b);
            if below {
                let name = path.0[prefix.len()].as_str();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// How many figures there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
