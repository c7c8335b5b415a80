//! How a quantity is read: the law, its figures, and which figures go with which law.
//!
//! Owns: the table of a quantity.
//! Never: what a law draws.

use super::diagnostic::Diagnostic;
use super::figure::{LONGEST, MANY};
use super::quantity::{Law, Quantity, Spread, WeibullSpread};
use super::read::{Read, Reader, Spec, Unit};
use super::reference::TableReference;
use super::schema::{Shape, table_shape};
use super::shape::place_in;
use super::table::{choice, table};
use super::tree::{Node, Value};
use super::value::NumberFile;

choice! {
    /// The laws by name.
    pub enum Dist {
        /// Mean.
        Exponential = "exponential",
        /// Mean and k.
        Erlang = "erlang",
        /// Mean and cv, or p50 and p95.
        Gamma = "gamma",
        /// Mean and cv, mean and shape, or p50 and p95.
        Weibull = "weibull",
        /// Mean and cv, or p50 and p95.
        Lognormal = "lognormal",
        /// Mean and shape.
        Pareto = "pareto",
        /// Min and max.
        Uniform = "uniform",
        /// Mean and cv.
        Hyperexponential = "hyperexponential",
        /// Mean.
        Geometric = "geometric",
        /// Parts.
        Mixture = "mixture",
        /// File or values.
        Empirical = "empirical",
        /// Values or file.
        Replay = "replay",
    }
}

choice! {
    /// The unit of the numbers in a file.
    pub enum FileUnit {
        /// Seconds.
        Seconds = "s",
        /// Thousandths of a second.
        Milliseconds = "ms",
        /// Millionths of a second.
        Microseconds = "us",
        /// Minutes.
        Minutes = "m",
        /// Hours.
        Hours = "h",
    }
}

table! {
    /// A length of time or a count that is drawn. A bare value is a constant.
    pub struct Figures = "quantity" {
        /// The law.
        dist: Dist = required,
        /// The mean.
        mean: Option<Figure> = none,
        /// Standard deviation over mean.
        cv: Option<f64> = none in 1e-3..=1e3,
        /// Stages of an Erlang law.
        k: Option<u32> = none in 1.0..=1e6,
        /// Of a Weibull or Pareto law.
        shape: Option<f64> = none in 1e-2..=1e3,
        /// Median; with p95, instead of mean and cv.
        p50: Option<Figure> = none,
        /// 95th percentile.
        p95: Option<Figure> = none,
        /// Smallest of a uniform law; else draws below become this.
        min: Option<Figure> = none,
        /// Largest of a uniform law; else draws above become this.
        max: Option<Figure> = none,
        /// Added to each draw.
        plus: Option<Figure> = none,
        /// Of a mixture.
        parts: Option<Vec<Part>> = none items 1..=1000,
        /// In this order, round and round, for `replay`; each equally likely, for `empirical`.
        values: Option<Vec<Figure>> = none items 1..=1000000,
        /// The same from a file, one value a line.
        file: Option<NumberFile> = none,
        /// Of the file's numbers, where they are times.
        unit: Option<FileUnit> = none "`s`",
    }
}

table! {
    /// A part of a mixture.
    pub struct Part = "quantity.parts" {
        /// How often, against the others.
        weight: f64 = required in 0.0..=1e9,
        /// What is drawn then.
        of: Quantity = required,
    }
}

/// A figure of a quantity in base units: seconds, or a count.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Figure(f64);

impl Read for Figure {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.unit_of(spec) {
            Unit::Time => reader.time(node, spec).map(|span| Self(span.seconds())),
            _ => reader.number(node, spec, (0.0, MANY), "a number").map(Self),
        }
    }

    fn shape(spec: &Spec) -> Shape {
        Shape::figure(spec, MANY)
    }

    fn type_text(_: &Spec) -> String {
        "value".to_owned()
    }
}

impl Read for Quantity {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let unit = reader.unit_of(spec);
        let Value::Table(_) = node.value else {
            return Figure::read(node, spec, reader).map(|figure| Self::constant(figure.0));
        };
        let before = reader.diagnostics.len();
        let figures = reader.with_unit(unit, |reader| Figures::read(node, &Spec::NONE, reader))?;
        // With a figure that could not be read, the ones that are left would be complained about for no reason.
        if reader.diagnostics.len() > before {
            return None;
        }
        figures
            .check_set(node, unit, reader)
            .then(|| figures.quantity(node, unit, reader))
            .flatten()
    }

    fn shape(spec: &Spec) -> Shape {
        Shape::figure(spec, MANY).or(table_shape::<Figures>())
    }

    fn type_text(spec: &Spec) -> String {
        match spec.unit {
            Unit::Time => "quantity of time",
            Unit::Count => "quantity",
            _ => "quantity",
        }
        .to_owned()
    }

    fn tables(tables: &mut Vec<TableReference>) {
        Figures::tables(tables);
    }
}

impl Dist {
    /// The sets of figures that define the law; cutting off and adding come on top.
    const fn sets(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Exponential | Self::Geometric => &[&["mean"]],
            Self::Erlang => &[&["mean", "k"]],
            Self::Gamma | Self::Lognormal => &[&["mean", "cv"], &["p50", "p95"]],
            Self::Weibull => &[&["mean", "cv"], &["mean", "shape"], &["p50", "p95"]],
            Self::Pareto => &[&["mean", "shape"]],
            Self::Uniform => &[&["min", "max"]],
            Self::Hyperexponential => &[&["mean", "cv"]],
            Self::Mixture => &[&["parts"]],
            Self::Empirical => &[&["file"], &["values"]],
            Self::Replay => &[&["values"], &["file"]],
        }
    }
}

impl Figures {
    /// The figures that are given, without those that go with every law.
    fn given(&self) -> Vec<&'static str> {
        let uniform = self.dist == Dist::Uniform;
        let all = [
            ("mean", self.mean.is_some()),
            ("cv", self.cv.is_some()),
            ("k", self.k.is_some()),
            ("shape", self.shape.is_some()),
            ("p50", self.p50.is_some()),
            ("p95", self.p95.is_some()),
            ("min", uniform && self.min.is_some()),
            ("max", uniform && self.max.is_some()),
            ("parts", self.parts.is_some()),
            ("values", self.values.is_some()),
            ("file", self.file.is_some()),
        ];
        all.into_iter()
            .filter(|(_, given)| *given)
            .map(|(key, _)| key)
            .collect()
    }

    /// Whether the figures are those of the law; complains when not.
    fn check_set(&self, node: &Node, unit: Unit, reader: &mut Reader<'_>) -> bool {
        let name = self.dist.text();
        let mut whole = true;
        if unit == Unit::Shape {
            whole &= self.check_shape_only(node, reader);
            if !whole {
                return false;
            }
        }
        if self.dist == Dist::Geometric && unit != Unit::Count {
            let message = format!(
                "{}: a geometric law counts 1, 2, 3 …, and this is no count",
                reader.here()
            );
            reader.report(Diagnostic::error(
                "quantity::wrong-law",
                message,
                place_in(node, "dist"),
                "not for this",
            ));
            return false;
        }
        // A shape alone has no mean, and the law is complete without it.
        let needed = |set: &[&'static str]| -> Vec<&'static str> {
            set.iter()
                .copied()
                .filter(|key| unit != Unit::Shape || *key != "mean")
                .collect()
        };
        let given = self.given();
        let sets: Vec<Vec<&'static str>> = self.dist.sets().iter().map(|set| needed(set)).collect();
        let overlap = |set: &Vec<&'static str>| set.iter().filter(|key| given.contains(key)).count();
        let mut best = &sets[0];
        for set in &sets {
            if overlap(set) > overlap(best) {
                best = set;
            }
        }
        let listed = |set: &Vec<&'static str>| {
            let keys: Vec<String> = set.iter().map(|key| format!("`{key}`")).collect();
            keys.join(" and ")
        };
        let choices: Vec<String> = sets.iter().map(listed).collect();
        let help = format!("a law `{name}` is given by {}", choices.join(", or by "));
        for key in given.iter().filter(|key| !best.contains(key)) {
            let message = format!("{}: `{key}` is too much", reader.here());
            let label = format!("no figure of this law `{name}`");
            reader.report(
                Diagnostic::error("quantity::surplus-figure", message, place_in(node, key), label).help(help.clone()),
            );
            whole = false;
        }
        let missing: Vec<&'static str> = best.iter().copied().filter(|key| !given.contains(key)).collect();
        if !missing.is_empty() {
            let message = format!("{} needs {}", reader.here(), listed(&missing));
            reader.report(
                Diagnostic::error("quantity::missing-figure", message, node.at, "not enough to draw from").help(help),
            );
            whole = false;
        }
        if self.unit.is_some() && (self.file.is_none() || unit != Unit::Time) {
            let message = format!("{}: `unit` is of a file of times", reader.here());
            let at = place_in(node, "unit");
            reader.report(Diagnostic::error(
                "quantity::surplus-figure",
                message,
                at,
                "there is none here",
            ));
            whole = false;
        }
        whole
    }

    /// Whether a shape says nothing about its mean; complains when it does.
    fn check_shape_only(&self, node: &Node, reader: &mut Reader<'_>) -> bool {
        let has_shape = !matches!(
            self.dist,
            Dist::Uniform | Dist::Geometric | Dist::Mixture | Dist::Empirical | Dist::Replay
        );
        if !has_shape {
            let message = format!(
                "{}: a law `{}` cannot be given without its mean",
                reader.here(),
                self.dist.text()
            );
            let help = "`exponential`, `erlang`, `gamma`, `weibull`, `lognormal`, `pareto` and `hyperexponential` can";
            let at = place_in(node, "dist");
            reader.report(Diagnostic::error("quantity::wrong-law", message, at, "not for this").help(help));
            return false;
        }
        let fixed = [
            ("mean", self.mean.is_some()),
            ("p50", self.p50.is_some()),
            ("p95", self.p95.is_some()),
            ("min", self.min.is_some()),
            ("max", self.max.is_some()),
            ("plus", self.plus.is_some()),
        ];
        let mut whole = true;
        for (key, _) in fixed.iter().filter(|(_, given)| *given) {
            let message = format!("{}: `{key}` is too much", reader.here());
            let label = "the mean comes from the rate";
            reader.report(Diagnostic::error(
                "quantity::surplus-figure",
                message,
                place_in(node, key),
                label,
            ));
            whole = false;
        }
        whole
    }

    /// The quantity, or `None` after a complaint about a figure that its law does not allow.
    fn quantity(self, node: &Node, unit: Unit, reader: &mut Reader<'_>) -> Option<Quantity> {
        let before = reader.diagnostics.len();
        let mut refuse = |key: &str, message: &str| {
            let message = format!("{}: {message}", reader.here());
            reader.report(Diagnostic::error(
                "quantity::bad-figure",
                message,
                place_in(node, key),
                "",
            ));
        };
        let mean = if unit == Unit::Shape {
            1.0
        } else {
            self.mean.map_or(0.0, |mean| mean.0)
        };
        let least = if self.dist == Dist::Geometric {
            1.0
        } else {
            f64::MIN_POSITIVE
        };
        if self.mean.is_some() && mean < least {
            let what = if self.dist == Dist::Geometric {
                "the mean must be at least 1"
            } else {
                "the mean must be above zero"
            };
            refuse("mean", what);
        }
        let (min, max) = (self.min.map(|min| min.0), self.max.map(|max| max.0));
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            refuse("max", "`max` is below `min`");
        }
        let spread = match (self.p50, self.p95) {
            (Some(p50), Some(p95)) => {
                if p50.0 <= 0.0 {
                    refuse("p50", "the median must be above zero");
                } else if p95.0 <= p50.0 {
                    refuse("p95", "`p95` must be above `p50`");
                }
                Spread::Quantiles { p50: p50.0, p95: p95.0 }
            }
            _ => Spread::MeanCv {
                mean,
                cv: self.cv.unwrap_or(1.0),
            },
        };
        let shape = self.shape.unwrap_or(1.0);
        let law = match self.dist {
            Dist::Exponential => Law::Exponential { mean },
            Dist::Erlang => Law::Erlang {
                mean,
                k: self.k.unwrap_or(1),
            },
            Dist::Gamma => Law::Gamma(spread),
            Dist::Lognormal => Law::Lognormal(spread),
            Dist::Weibull if self.shape.is_some() => Law::Weibull(WeibullSpread::MeanShape { mean, shape }),
            Dist::Weibull => Law::Weibull(WeibullSpread::Spread(spread)),
            Dist::Pareto => {
                if shape <= 1.0 {
                    refuse("shape", "a Pareto law with a shape of 1 or less has no mean");
                }
                Law::Pareto { mean, shape }
            }
            Dist::Uniform => Law::Uniform {
                min: min.unwrap_or(0.0),
                max: max.unwrap_or(0.0),
            },
            Dist::Hyperexponential => {
                let cv = self.cv.unwrap_or(1.0);
                if cv < 1.0 {
                    refuse(
                        "cv",
                        "a hyperexponential law has a cv of at least 1; `erlang` and `gamma` go below",
                    );
                }
                Law::Hyperexponential { mean, cv }
            }
            Dist::Geometric => Law::Geometric { mean },
            Dist::Mixture => {
                let parts: Vec<(f64, Quantity)> = self
                    .parts
                    .unwrap_or_default()
                    .into_iter()
                    .map(|part| (part.weight, part.of))
                    .collect();
                if parts.iter().all(|(weight, _)| *weight == 0.0) {
                    refuse("parts", "no part has a weight above zero");
                }
                Law::Mixture(parts)
            }
            Dist::Empirical | Dist::Replay => {
                let seconds = match self.unit.unwrap_or(FileUnit::Seconds) {
                    FileUnit::Microseconds => 1e-6,
                    FileUnit::Milliseconds => 1e-3,
                    FileUnit::Seconds => 1.0,
                    FileUnit::Minutes => 60.0,
                    FileUnit::Hours => 3600.0,
                };
                let scale = if unit == Unit::Time { seconds } else { 1.0 };
                let numbers: Vec<f64> = match (&self.values, &self.file) {
                    (Some(values), _) => values.iter().map(|value| value.0).collect(),
                    (None, Some(file)) => file.numbers.iter().map(|number| number * scale).collect(),
                    (None, None) => Vec::new(),
                };
                if unit == Unit::Time && numbers.iter().any(|&number| number > LONGEST) {
                    refuse("file", "a value is longer than 400 days");
                }
                if self.dist == Dist::Empirical {
                    Law::Empirical(numbers)
                } else {
                    Law::Replay(numbers)
                }
            }
        };
        let (min, max) = if self.dist == Dist::Uniform {
            (None, None)
        } else {
            (min, max)
        };
        let plus = self.plus.map_or(0.0, |plus| plus.0);
        (reader.diagnostics.len() == before).then_some(Quantity { law, min, max, plus })
    }
}
