//! The file of a baseline: JSON, written by one run of `check` and read by later ones.
//!
//! Owns: its keys, and what is said of a file that is no baseline.
//! Never: rounding: figures are written so that they read back as the same numbers.

use highwater_models::record::baseline::{Baseline, BaselineFigure, BaselineRun};
use highwater_models::record::figures::Path;
use serde_json::{Map, Value, json};

use crate::json::{number, unit_name, unit_of_name};

/// What the file says that it is, and in which form.
const FORMAT: &str = "highwater-baseline";
/// Raised when a reader of the old form would misread the new one.
const FORM: u64 = 1;

/// The text of a baseline, a figure a line, so that version control shows what changed.
#[must_use]
pub fn text(baseline: &Baseline) -> String {
    let mut text = format!(
        "{{\n  \"format\": {},\n  \"form\": {FORM},\n  \"version\": {},\n  \"runs\": [",
        json!(FORMAT),
        json!(baseline.version)
    );
    for (index, run) in baseline.runs.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&run_text(run));
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn run_text(run: &BaselineRun) -> String {
    let entries = |entries: Vec<(String, Value)>| -> String {
        let lines: Vec<String> = entries
            .iter()
            .map(|(key, value)| format!("        {}: {value}", json!(key)))
            .collect();
        if lines.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{\n{}\n      }}", lines.join(",\n"))
        }
    };
    let settings = run.settings.iter();
    let settings = settings.map(|(path, value)| (path.clone(), json!(value))).collect();
    let figures = run.figures.iter().map(|figure| {
        let samples: Vec<Value> = figure.samples.iter().copied().map(number).collect();
        (
            figure.path.to_string(),
            json!({ "path": figure.path.0, "unit": unit_name(figure.unit), "samples": samples }),
        )
    });
    let objectives = run.objectives.iter();
    let objectives = objectives.map(|(name, met)| (name.clone(), json!(met))).collect();
    format!(
        "    {{\n      \"file\": {},\n      \"scenario\": {},\n      \"model_hash\": {},\n      \"seed\": {},\n      \
         \"replications\": {},\n      \"settings\": {},\n      \"figures\": {},\n      \"objectives\": {},\n      \
         \"bottlenecks\": {}\n    }}",
        json!(run.file),
        json!(run.scenario),
        json!(run.model_hash),
        run.seed,
        run.replications,
        entries(settings),
        entries(figures.collect()),
        entries(objectives),
        json!(run.bottlenecks),
    )
}

/// Reads a baseline.
///
/// # Errors
/// What is wrong with the text, in words to follow a colon.
pub fn read(text: &str) -> Result<Baseline, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let root = value.as_object().ok_or("it is JSON, but no baseline")?;
    if root.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(format!("it is JSON, but no baseline: `format` is not \"{FORMAT}\""));
    }
    match root.get("form").and_then(Value::as_u64) {
        Some(FORM) => {}
        Some(newer) if newer > FORM => {
            return Err(format!(
                "it was written by a newer Highwater (form {newer}, and this one reads {FORM})"
            ));
        }
        _ => return Err("it has no `form`".to_owned()),
    }
    let runs = root.get("runs").and_then(Value::as_array).ok_or("it has no `runs`")?;
    Ok(Baseline {
        version: word(root, "version")?,
        runs: runs.iter().map(run).collect::<Result<_, _>>()?,
    })
}

fn run(value: &Value) -> Result<BaselineRun, String> {
    let root = value.as_object().ok_or("one of its runs is no table")?;
    let file = word(root, "file")?;
    let whole = |key: &str| {
        let found = root.get(key).and_then(Value::as_u64);
        found.ok_or_else(|| format!("its run of `{file}` has no whole number `{key}`"))
    };
    let table = |key: &str| {
        let found = root.get(key).and_then(Value::as_object);
        found.ok_or_else(|| format!("its run of `{file}` has no table `{key}`"))
    };
    let replications = whole("replications")?;
    let settings = table("settings")?.iter().map(|(path, value)| {
        let value = value
            .as_str()
            .ok_or_else(|| format!("its setting `{path}` is no text"))?;
        Ok((path.clone(), value.to_owned()))
    });
    let figures = table("figures")?
        .iter()
        .map(|(name, value)| figure(name, value, replications));
    let objectives = table("objectives")?.iter().map(|(name, met)| match met {
        Value::Bool(met) => Ok((name.clone(), Some(*met))),
        Value::Null => Ok((name.clone(), None)),
        _ => Err(format!("its objective `{name}` is neither true, false nor null")),
    });
    let bottlenecks = root.get("bottlenecks").and_then(Value::as_array);
    let bottlenecks = bottlenecks.ok_or_else(|| format!("its run of `{file}` has no list `bottlenecks`"))?;
    let bottlenecks = bottlenecks.iter().map(|name| {
        let name = name.as_str().ok_or("one of its bottlenecks is no text")?;
        Ok::<_, String>(name.to_owned())
    });
    Ok(BaselineRun {
        scenario: word(root, "scenario")?,
        model_hash: word(root, "model_hash")?,
        seed: whole("seed")?,
        replications: u32::try_from(replications).map_err(|_| "it has more replications than can be".to_owned())?,
        settings: settings.collect::<Result<_, String>>()?,
        figures: figures.collect::<Result<_, String>>()?,
        objectives: objectives.collect::<Result<_, String>>()?,
        bottlenecks: bottlenecks.collect::<Result<_, String>>()?,
        file,
    })
}

fn figure(name: &str, value: &Value, replications: u64) -> Result<BaselineFigure, String> {
    let wrong = |what: &str| format!("its figure `{name}` {what}");
    let path = value.get("path").and_then(Value::as_array);
    let path: Option<Vec<String>> =
        path.and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    let unit = value.get("unit").and_then(Value::as_str).and_then(unit_of_name);
    let samples = value.get("samples").and_then(Value::as_array);
    let samples = samples
        .ok_or_else(|| wrong("has no `samples`"))?
        .iter()
        .map(|sample| match sample {
            Value::Null => Ok(f64::NAN),
            other => other.as_f64().ok_or_else(|| wrong("has a sample that is no number")),
        });
    let samples: Vec<f64> = samples.collect::<Result<_, _>>()?;
    if samples.len() as u64 != replications {
        return Err(wrong("does not have one sample for each replication"));
    }
    Ok(BaselineFigure {
        path: Path(path.ok_or_else(|| wrong("has no `path`"))?),
        unit: unit.ok_or_else(|| wrong("has no `unit` that is known"))?,
        samples,
    })
}

fn word(root: &Map<String, Value>, key: &str) -> Result<String, String> {
    let found = root.get(key).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| format!("it has no text `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::record::figures::Unit;

    fn sample() -> Baseline {
        Baseline {
            version: "0.1.0".to_owned(),
            runs: vec![BaselineRun {
                file: "a \"b\".toml".to_owned(),
                scenario: "a".to_owned(),
                model_hash: "9f".to_owned(),
                seed: u64::MAX,
                replications: 2,
                settings: vec![("web.plan".to_owned(), "\"pro\"".to_owned())],
                figures: vec![BaselineFigure {
                    path: Path::new(&["endpoints", "ai.chat", "latency", "p95"]),
                    unit: Unit::Seconds,
                    samples: vec![0.1 + 0.2, f64::NAN],
                }],
                objectives: vec![("p95".to_owned(), None), ("error_rate".to_owned(), Some(true))],
                bottlenecks: vec!["web".to_owned()],
            }],
        }
    }

    // Lost if broken: a difference that is the file's doing.
    #[test]
    fn what_is_written_reads_back_to_the_last_bit() {
        let (written, read) = (sample(), read(&text(&sample())).expect("a baseline"));
        assert_eq!(format!("{written:?}"), format!("{read:?}"));
        assert_eq!(
            written.runs[0].figures[0].samples[0].to_bits(),
            read.runs[0].figures[0].samples[0].to_bits()
        );
    }

    // Lost if broken: a stack of zeros compared with today's run because some other JSON file was named.
    #[test]
    fn anything_else_is_refused_with_the_reason() {
        let whole = text(&sample());
        for (wrong, said) in [
            ("".to_owned(), "it is not JSON"),
            ("[]".to_owned(), "no baseline"),
            ("{\"format\": \"other\"}".to_owned(), "`format`"),
            (whole.replace("\"form\": 1", "\"form\": 2"), "newer"),
            (
                whole.replace("\"seed\": 18446744073709551615", "\"seed\": -1"),
                "`seed`",
            ),
            (
                whole.replace("\"samples\":[", "\"samples\":[1.0,"),
                "one sample for each",
            ),
            (whole.replace("\"unit\":\"s\"", "\"unit\":\"weeks\""), "unit"),
            (whole[..whole.len() / 2].to_owned(), "it is not JSON"),
        ] {
            let error = read(&wrong).expect_err(&wrong);
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
