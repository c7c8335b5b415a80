//! Which part of a study this process runs: said by `--shard`, or by the environment of whoever started many of them.
//!
//! Owns: the variables that say so, and what is a contradiction.
//! Never: reading the environment (`environment.rs`).
//!
//! Sources, read on 2026-11-24: kubernetes.io, "Indexed Job" (`JOB_COMPLETION_INDEX`; nothing says how many there are);
//! slurm.schedmd.com/job_array.html; docs.gitlab.com, "Predefined CI/CD variables"; circleci.com/docs/variables;
//! buildkite.com/docs, "Environment variables".

use std::fmt;
use std::str::FromStr;

use crate::failure::Failure;

/// One of several equal parts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: usize,
    /// At least one.
    count: usize,
}

impl Shard {
    /// The whole.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Whether it is everything.
    pub const fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Whether a point is of this part. Neighbours go to different parts, as they take about as long as one another.
    pub const fn has(self, point: usize) -> bool {
        point % self.count == self.index
    }

    /// The name of its folder: `shard-2-of-7`.
    pub fn folder(self) -> String {
        format!("shard-{}-of-{}", self.index + 1, self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

/// Most parts: more than any cluster starts at once.
const COUNT_MAX: usize = 100_000;

impl FromStr for Shard {
    type Err = String;

    /// `2/7` is the second of seven.
    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "a shard is written `2/7`: the second of seven";
        let (number, count) = text.split_once('/').ok_or(FORM)?;
        let (number, count): (usize, usize) = (
            number.trim().parse().map_err(|_| FORM)?,
            count.trim().parse().map_err(|_| FORM)?,
        );
        if number == 0 {
            return Err("shards are counted from 1".to_owned());
        }
        part(number - 1, count)
    }
}

fn part(index: usize, count: usize) -> Result<Shard, String> {
    if count == 0 || count > COUNT_MAX {
        return Err(format!("there may be 1 to {COUNT_MAX} shards, not {count}"));
    }
    if index >= count {
        return Err(format!("there is no shard {} of {count}", index + 1));
    }
    Ok(Shard { index, count })
}

/// A shard and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The shard.
    pub shard: Shard,
    /// In words, with the variables.
    pub from: String,
}

/// How a variable is looked up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How many shards there are where whoever starts them does not say.
const COUNT: &str = "HIGHWATER_SHARDS";
/// Which one this is, from 0, where no other variable says.
const INDEX: &str = "HIGHWATER_SHARD_INDEX";
/// Both at once, as in `--shard`.
const BOTH: &str = "HIGHWATER_SHARD";

/// Variables of a service that counts its jobs itself: who, index, first index, count.
const COUNTED: [(&str, &str, usize, &str); 3] = [
    ("GitLab's parallel jobs", "CI_NODE_INDEX", 1, "CI_NODE_TOTAL"),
    ("CircleCI's parallelism", "CIRCLE_NODE_INDEX", 0, "CIRCLE_NODE_TOTAL"),
    (
        "Buildkite's parallel jobs",
        "BUILDKITE_PARALLEL_JOB",
        0,
        "BUILDKITE_PARALLEL_JOB_COUNT",
    ),
];

/// The shard that the environment names, if it names one.
///
/// # Errors
/// When it contradicts itself: two that disagree, an index without a count, one that is no number or beyond the count.
pub fn from_environment(lookup: Lookup<'_>) -> Result<Option<Found>, Failure> {
    let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    let mut found: Vec<Found> = Vec::new();
    for source in [
        &own as &dyn Fn(Lookup<'_>) -> Result<Option<Found>, String>,
        &kubernetes,
        &slurm,
        &counted,
    ] {
        found.extend(source(&lookup).map_err(contradiction)?);
    }
    // A job of one part is what a service says of every job: it contradicts nobody.
    if found.iter().any(|found| !found.shard.is_whole()) {
        found.retain(|found| !found.shard.is_whole());
    }
    if let [first, rest @ ..] = &found[..]
        && let Some(other) = rest.iter().find(|other| other.shard != first.shard)
    {
        return Err(contradiction(format!(
            "{} says shard {} and {} says shard {}",
            first.from, first.shard, other.from, other.shard
        )));
    }
    Ok(found.into_iter().next())
}

fn contradiction(message: String) -> Failure {
    Failure::Usage {
        message: format!("the environment does not say which shard this is: {message}"),
        help: "say it with `--shard 2/7`; `--shard 1/1` runs the whole study here".to_owned(),
    }
}

/// The project's own variables.
fn own(lookup: Lookup<'_>) -> Result<Option<Found>, String> {
    if let Some(text) = lookup(BOTH) {
        let shard = text
            .parse()
            .map_err(|mistake| format!("{BOTH} is `{text}`, and {mistake}"))?;
        return Ok(Some(Found {
            shard,
            from: BOTH.to_owned(),
        }));
    }
    let Some(index) = lookup(INDEX) else { return Ok(None) };
    let count = lookup(COUNT).ok_or_else(|| format!("{INDEX} is set and {COUNT} is not"))?;
    shard(INDEX, &index, 0, COUNT, &count).map(|shard| {
        Some(Found {
            shard,
            from: format!("{INDEX} and {COUNT}"),
        })
    })
}

/// An indexed job knows which of its pods it is and not how many there are.
fn kubernetes(lookup: Lookup<'_>) -> Result<Option<Found>, String> {
    const NAME: &str = "JOB_COMPLETION_INDEX";
    let Some(index) = lookup(NAME) else { return Ok(None) };
    let count = lookup(COUNT).ok_or_else(|| {
        format!("{NAME} is set, and Kubernetes does not say how many there are: set {COUNT} to the job's `completions`")
    })?;
    shard(NAME, &index, 0, COUNT, &count).map(|shard| {
        Some(Found {
            shard,
            from: format!("Kubernetes' {NAME} and {COUNT}"),
        })
    })
}

/// An array of Slurm: its tasks are numbered from a first one in steps.
fn slurm(lookup: Lookup<'_>) -> Result<Option<Found>, String> {
    const NAME: &str = "SLURM_ARRAY_TASK_ID";
    let Some(id) = lookup(NAME) else { return Ok(None) };
    let read = |name: &str| -> Result<usize, String> {
        let text = lookup(name).ok_or_else(|| format!("{NAME} is set and {name} is not"))?;
        number(name, &text)
    };
    let id = number(NAME, &id)?;
    let (first, last, count) = (
        read("SLURM_ARRAY_TASK_MIN")?,
        read("SLURM_ARRAY_TASK_MAX")?,
        read("SLURM_ARRAY_TASK_COUNT")?,
    );
    let step = match lookup("SLURM_ARRAY_TASK_STEP") {
        Some(text) => number("SLURM_ARRAY_TASK_STEP", &text)?.max(1),
        None => 1,
    };
    let even = last >= first && (last - first) / step + 1 == count;
    let on_step = id >= first && id <= last && (id - first).is_multiple_of(step);
    if !even || !on_step {
        return Err(format!(
            "the tasks of the Slurm array are not evenly numbered: task {id}, {count} tasks from {first} to {last} in \
             steps of {step}"
        ));
    }
    Ok(Some(Found {
        shard: part((id - first) / step, count)?,
        from: format!("Slurm's {NAME} and its kin"),
    }))
}

/// Services that say both.
fn counted(lookup: Lookup<'_>) -> Result<Option<Found>, String> {
    let mut found: Option<Found> = None;
    for (who, index_name, first, count_name) in COUNTED {
        let (index, count) = (lookup(index_name), lookup(count_name));
        // GitLab gives every job a count, and an index only to those that are several.
        let (Some(index), Some(count)) = (&index, &count) else {
            match index {
                Some(_) => return Err(format!("{index_name} is set and {count_name} is not")),
                None => continue,
            }
        };
        let shard = shard(index_name, index, first, count_name, count)?;
        match &found {
            Some(other) if other.shard != shard && !shard.is_whole() && !other.shard.is_whole() => {
                return Err(format!(
                    "{} says shard {} and {who} say shard {shard}",
                    other.from, other.shard
                ));
            }
            Some(other) if !other.shard.is_whole() => {}
            _ => {
                found = Some(Found {
                    shard,
                    from: format!("{who} ({index_name} and {count_name})"),
                });
            }
        }
    }
    Ok(found)
}

fn shard(index_name: &str, index: &str, first: usize, count_name: &str, count: &str) -> Result<Shard, String> {
    let (index, count) = (number(index_name, index)?, number(count_name, count)?);
    index
        .checked_sub(first)
        .and_then(|from_zero| part(from_zero, count).ok())
        .ok_or_else(|| format!("{index_name} is {index} and {count_name} is {count}"))
}

fn number(name: &str, text: &str) -> Result<usize, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("{name} is `{text}`, which is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let lookup = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        match from_environment(&lookup) {
            Ok(found) => Ok(found.map(|found| found.shard.to_string())),
            Err(failure) => Err(failure.to_string()),
        }
    }

    // Lost if broken: parts of a study run twice and others never.
    #[test]
    fn each_environment_says_its_shard() {
        for (variables, shard) in [
            (&[][..], None),
            (&[("HIGHWATER_SHARD", "2/7")], Some("2/7")),
            (
                &[("HIGHWATER_SHARD_INDEX", "0"), ("HIGHWATER_SHARDS", "4")],
                Some("1/4"),
            ),
            (&[("JOB_COMPLETION_INDEX", "3"), ("HIGHWATER_SHARDS", "4")], Some("4/4")),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "12"),
                    ("SLURM_ARRAY_TASK_MIN", "10"),
                    ("SLURM_ARRAY_TASK_MAX", "18"),
                    ("SLURM_ARRAY_TASK_COUNT", "5"),
                    ("SLURM_ARRAY_TASK_STEP", "2"),
                ],
                Some("2/5"),
            ),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")], Some("1/3")),
            (&[("CI_NODE_TOTAL", "1")], None),
            (&[("CIRCLE_NODE_INDEX", "2"), ("CIRCLE_NODE_TOTAL", "3")], Some("3/3")),
            (
                &[("BUILDKITE_PARALLEL_JOB", "0"), ("BUILDKITE_PARALLEL_JOB_COUNT", "2")],
                Some("1/2"),
            ),
            // A service that runs every job as one of one does not contradict what is said beside it.
            (
                &[
                    ("CIRCLE_NODE_INDEX", "0"),
                    ("CIRCLE_NODE_TOTAL", "1"),
                    ("HIGHWATER_SHARD", "2/3"),
                ],
                Some("2/3"),
            ),
            (&[("HIGHWATER_SHARD", "")], None),
        ] {
            assert_eq!(found(variables), Ok(shard.map(str::to_owned)), "{variables:?}");
        }
    }

    // Lost if broken: a study of which parts are missing, and nobody was told.
    #[test]
    fn a_contradiction_is_an_error() {
        for (variables, said) in [
            (
                &[("JOB_COMPLETION_INDEX", "3")][..],
                "set HIGHWATER_SHARDS to the job's `completions`",
            ),
            (
                &[("JOB_COMPLETION_INDEX", "4"), ("HIGHWATER_SHARDS", "4")],
                "JOB_COMPLETION_INDEX is 4 and",
            ),
            (
                &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "3")],
                "CI_NODE_INDEX is 0 and CI_NODE_TOTAL is 3",
            ),
            (
                &[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "3")],
                "`x`, which is no number",
            ),
            (&[("CIRCLE_NODE_INDEX", "1")], "CIRCLE_NODE_TOTAL is not"),
            (&[("HIGHWATER_SHARD_INDEX", "1")], "HIGHWATER_SHARDS is not"),
            (&[("HIGHWATER_SHARD", "0/3")], "counted from 1"),
            (
                &[
                    ("HIGHWATER_SHARD", "1/3"),
                    ("CI_NODE_INDEX", "2"),
                    ("CI_NODE_TOTAL", "3"),
                ],
                "HIGHWATER_SHARD says shard 1/3 and GitLab's",
            ),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "7"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_MAX", "7"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                    ("SLURM_ARRAY_TASK_STEP", "1"),
                ],
                "not evenly numbered",
            ),
            (&[("SLURM_ARRAY_TASK_ID", "7")], "SLURM_ARRAY_TASK_MIN is not"),
        ] {
            let failure = found(variables).expect_err("a contradiction");
            assert!(
                failure.contains(said) && failure.contains("--shard"),
                "{variables:?}: {failure}"
            );
        }
    }

    // Lost if broken: a point that no part runs, or two.
    #[test]
    fn every_point_is_of_one_shard() {
        let shards: Vec<Shard> = (1..=7)
            .map(|number| format!("{number}/7").parse().expect("a shard"))
            .collect();
        for point in 0..1000 {
            assert_eq!(shards.iter().filter(|shard| shard.has(point)).count(), 1);
        }
        for text in ["", "1", "8/7", "1/0", "a/b", "1/1000000"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
