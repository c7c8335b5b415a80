//! `highwater merge`: the shards of a study, put together to what one machine would have left.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use highwater_models::record::sweep::Design;
use highwater_report::again::Again;
use highwater_report::sweep::place;

use crate::arguments::{Format, Undecided};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journal::{self, Content, Lock, POINTS};
use crate::report::Wanted;
use crate::sweep::{Last, conclude};

/// Arguments of `highwater merge`.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct Merge {
    /// Folders of shards, or the folder that holds them
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Folder for the whole [default: the folder that holds the shards, where one is given]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub report: Wanted,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What a point that is not decided counts as
    #[arg(long, value_enum, default_value_t)]
    pub undecided: Undecided,
}

const CODES: &str = "\
Exit codes:
  0  done; the points that must hold do (`must_hold` in the study)
  1  done, and one of them does not, or is not decided
  2  the shards do not belong together, or some are missing
  3  could not finish, such as a full disk";

/// Runs the command.
///
/// # Errors
/// When the shards are not of one study or not complete, or the world does not play along.
pub fn run(arguments: &Merge) -> Result<Exit, Failure> {
    let shards = shards(&arguments.folders)?;
    let out = match (&arguments.out, &arguments.folders[..]) {
        (Some(out), _) => out.clone(),
        (None, [only]) => only.clone(),
        (None, _) => {
            return Err(Failure::Usage {
                message: "several folders are put together into a new one".to_owned(),
                help: "name it with `--out DIR`".to_owned(),
            });
        }
    };
    let whole = together(&shards)?;
    let reports = arguments.report.open()?;
    let lock = Lock::take(&out)?;
    let there = Content::read(&out)?;
    if there.design.is_some() && there.design != whole.design {
        return Err(Failure::Usage {
            message: format!("{} has points of another study", out.display()),
            help: "give another folder with `--out`".to_owned(),
        });
    }
    let folders = arguments.folders.iter();
    let again = folders.fold(Again::new("merge"), |again, folder| {
        again.word(&folder.to_string_lossy())
    });
    let last = Last {
        format: arguments.format,
        undecided: arguments.undecided,
        reports,
        again: again.text(),
    };
    conclude(&out, &whole, last, lock)
}

/// The folders with a journal: those given, and those below a given one that has none itself.
fn shards(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut shards: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let mut below: Vec<PathBuf> = Vec::new();
        let entries = fs::read_dir(folder).map_err(|error| Failure::Usage {
            message: format!("could not read the folder {}: {error}", folder.display()),
            help: "give the folders that `highwater sweep --shard` wrote, or the one that holds them".to_owned(),
        })?;
        for entry in entries {
            let path = entry
                .map_err(|error| journal::failure("read the folder", folder, &error))?
                .path();
            if path.join(POINTS).is_file() {
                below.push(path);
            }
        }
        // The folder's own journal is an earlier merge of those below.
        if below.is_empty() && folder.join(POINTS).is_file() {
            below.push(folder.clone());
        }
        if below.is_empty() {
            return Err(Failure::Usage {
                message: format!("neither {} nor a folder in it has a {POINTS}", folder.display()),
                help: "give the folders that `highwater sweep --shard` wrote, or the one that holds them".to_owned(),
            });
        }
        below.sort();
        shards.extend(below);
    }
    Ok(shards)
}

/// One journal of all.
fn together(shards: &[PathBuf]) -> Result<Content, Failure> {
    let mut whole = Content::default();
    let mut first: Option<&Path> = None;
    for folder in shards {
        let content = Content::read(folder)?;
        let Some(design) = content.design else {
            return Err(Failure::Usage {
                message: format!("{} is no journal of a study", folder.join(POINTS).display()),
                help: "run its shard again with `highwater sweep --restart`".to_owned(),
            });
        };
        match (&whole.design, first) {
            (Some(known), Some(first)) if *known != design => {
                return Err(Failure::Usage {
                    message: format!(
                        "{} and {} are not of one study: hashes {} and {}, Highwater {} and {}, seeds {} and {}",
                        first.display(),
                        folder.display(),
                        known.hash,
                        design.hash,
                        known.version,
                        design.version,
                        known.seed,
                        design.seed
                    ),
                    help: "all shards are run by one version, from the same files, with the same settings".to_owned(),
                });
            }
            _ => {
                whole.design = Some(design);
                first = first.or(Some(folder));
            }
        }
        for (point, line) in content.lines {
            if whole.lines.get(&point).is_some_and(|known| *known != line) {
                return Err(Failure::Usage {
                    message: format!(
                        "point {point} is in two shards, and differs: once in {}",
                        folder.display()
                    ),
                    help: "the same point gives the same bytes on any machine: one of the two was changed".to_owned(),
                });
            }
            whole.lines.insert(point, line);
        }
    }
    let Some(design) = &whole.design else { return Ok(whole) };
    let missing: Vec<usize> = (0..design.points())
        .filter(|point| !whole.lines.contains_key(point))
        .collect();
    if missing.is_empty() {
        return Ok(whole);
    }
    Err(Failure::Usage {
        message: format!(
            "{} of {} points are missing: {}",
            missing.len(),
            design.points(),
            listed(design, &missing)
        ),
        help: "the same `highwater sweep --shard` as before goes on where a shard stopped".to_owned(),
    })
}

/// Points as ranges, and where the first of them is.
fn listed(design: &Design, points: &[usize]) -> String {
    const RANGES: usize = 12;
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &point in points {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == point => *last = point,
            _ => ranges.push((point, point)),
        }
    }
    let texts = ranges.iter().take(RANGES).map(|&(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    });
    let mut text = texts.collect::<Vec<_>>().join(", ");
    if ranges.len() > RANGES {
        text.push_str(", …");
    }
    format!("{text} (the first is {})", place(design, points[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a list of five hundred numbers that nobody reads.
    #[test]
    fn missing_points_are_listed_as_ranges() {
        let design = Design::default();
        assert_eq!(
            listed(&design, &[0, 1, 2, 5, 7, 8]),
            "0-2, 5, 7-8 (the first is the only point)"
        );
        let many: Vec<usize> = (0..100).map(|point| point * 2).collect();
        assert!(listed(&design, &many).contains("22, … ("));
    }
}
