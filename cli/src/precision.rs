//! `--precision`: which figures have to be known how well.
//!
//! Owns: reading it. Never: what it takes (`highwater_sim::precision`).

use std::fmt;
use std::str::FromStr;

use highwater_models::record::figures::Path;
use highwater_sim::precision::{Asked as Figure, Precision};

/// Short names of figures, and their paths.
const SHORT: [(&str, &[&str]); 9] = [
    ("mean", &["latency", "mean"]),
    ("p50", &["latency", "p50"]),
    ("p90", &["latency", "p90"]),
    ("p95", &["latency", "p95"]),
    ("p99", &["latency", "p99"]),
    ("error_rate", &["errors", "rate"]),
    ("throughput", &["throughput"]),
    ("goodput", &["goodput"]),
    ("cost_month", &["cost", "month"]),
];

/// What is asked: a share for the 95th percentile, or figures with a share each.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    figures: Vec<Figure>,
    text: String,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Asked {
    /// With so many replications at most.
    pub fn precision(&self, most: u32) -> Precision {
        Precision {
            asked: self.figures.clone(),
            most,
        }
    }
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self {
            figures: text.split(',').map(figure).collect::<Result<_, _>>()?,
            text: text.to_owned(),
        })
    }
}

fn figure(text: &str) -> Result<Figure, String> {
    let (name, text) = text.split_once('=').unwrap_or(("p95", text));
    Ok(Figure {
        path: path(name)?,
        share: share(text.trim())?,
    })
}

/// The path of a figure, by its short name or as it stands.
pub fn path(name: &str) -> Result<Vec<String>, String> {
    let name = name.trim();
    match SHORT.iter().find(|(short, _)| *short == name) {
        Some((_, path)) => Ok(path.iter().map(|&name| name.to_owned()).collect()),
        None if name.is_empty() => Err("a figure's name is missing before `=`".to_owned()),
        None => Ok(Path::parse(name).0),
    }
}

/// A share above zero: `5%`, `0.05`.
pub fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 0.01));
    let share = number.trim().parse::<f64>().ok().map(|number| number * unit);
    match share {
        Some(share) if (1e-4..=1.0).contains(&share) => Ok(share),
        Some(_) => Err(format!("`{text}` has to be between 0.01 % and 100 %")),
        None => Err(format!("`{text}` is no share: write `5%` or `0.05`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, f64)>, String> {
        let asked: Asked = text.parse()?;
        Ok(asked
            .figures
            .iter()
            .map(|figure| (figure.path.join("/"), figure.share))
            .collect())
    }

    // Lost if broken: a run would be as sure of something else than was asked.
    #[test]
    fn a_share_alone_is_for_p95_and_figures_go_by_short_names_or_paths() {
        let found = |name: &str, share: f64| (name.to_owned(), share);
        assert_eq!(read("5%").unwrap(), [found("latency/p95", 0.05)]);
        assert_eq!(
            read("mean = 2 %, endpoints.\"a.b\".errors.rate=0.1").unwrap(),
            [found("latency/mean", 0.02), found("endpoints/a.b/errors/rate", 0.1)]
        );
        for (text, part) in [
            ("5", "between"),
            ("0%", "between"),
            ("p95=few", "no share"),
            ("=5%", "missing"),
        ] {
            assert!(read(text).unwrap_err().contains(part), "{text}");
        }
    }
}
