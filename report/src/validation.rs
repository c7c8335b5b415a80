//! The simulator beside theory: as tables, JSON, CSV, and as the page `docs/validation.md`.
//!
//! Owns: words and layout. Never: whether a figure agrees (`highwater_sim::validate`).

use highwater_models::record::figures::{Estimate, Unit};
use highwater_sim::validate::judge::MISS;
use highwater_sim::validate::{Case, CaseError, Depth, Expectation, Judged, Tested, Trial, Verdict};
use serde_json::{Value, json};

use crate::json;
use crate::number;
use crate::paint::{Paint, Style};
use crate::table::{Align, Cell, Table, wrap, wrap_after};
use crate::words::capital;

/// The columns of the CSV.
pub const COLUMNS: [&str; 16] = [
    "group",
    "case",
    "figure",
    "unit",
    "seed",
    "replications",
    "runs",
    "theory",
    "simulated",
    "low",
    "high",
    "difference",
    "half_widths",
    "half_width_allowed",
    "kind",
    "verdict",
];

/// The answer for people: a sentence, then a table for each group with the figure of each case that lies furthest from
/// theory; or, with `all`, every figure of every case with what it shows and its source.
#[must_use]
pub fn render(tested: &[Tested<'_>], depth: Depth, all: bool, paint: Paint) -> String {
    let is_good = tested.iter().all(Tested::agrees);
    let style = if is_good { Style::Good } else { Style::Bad };
    let mut text = paint.text(style, wrap(&summary(tested, depth), 0).trim_end());
    text.push('\n');
    if all {
        for tested in tested {
            text.push('\n');
            text.push_str(&in_full(tested, paint));
        }
    } else {
        text.push_str(&overview(tested, paint));
    }
    let bad: Vec<&Tested<'_>> = tested.iter().filter(|tested| !tested.agrees()).collect();
    if !all && !bad.is_empty() {
        text.push_str(&format!(
            "\n{}\n",
            paint.text(Style::Heading, "What does not agree, in full")
        ));
        for tested in bad {
            text.push('\n');
            text.push_str(&in_full(tested, paint));
        }
    }
    text.push('\n');
    text.push_str(&wrap(
        if all {
            "Each row is the seed whose figure lies furthest from theory. *Off by* is the difference as a share of \
             theory and in half-widths of the interval: from -1 to 1 it agrees. What chance has no part in is exact."
        } else {
            "Each row is the figure of its case that lies furthest from theory. *Off by* is the difference as a share \
             of theory and in half-widths of the interval: from -1 to 1 it agrees. What chance has no part in is exact. \
             `highwater validate NAME` shows all figures of a case, with what it shows and its source."
        },
        0,
    ));
    text
}

/// In a sentence or three: how many agree, how sure that is, and what was run a second time.
#[must_use]
pub fn summary(tested: &[Tested<'_>], depth: Depth) -> String {
    let cases = tested.len();
    let bad: Vec<&str> = tested
        .iter()
        .filter(|tested| !tested.agrees())
        .map(|tested| tested.case.id)
        .collect();
    let figures: usize = tested.iter().map(|tested| tested.case.checks.len()).sum();
    let exact = tested.iter().filter(|tested| tested.case.is_exact()).count();
    let seeds: Vec<String> = depth.seeds().iter().map(u64::to_string).collect();
    let seeds = match seeds.as_slice() {
        [only] => format!("seed {only}"),
        [first @ .., last] => format!("seeds {} and {last}", first.join(", ")),
        [] => String::new(),
    };
    let what = match (cases, bad.len()) {
        (1, 0) => "The case agrees with theory".to_owned(),
        (_, 0) => format!("All {cases} cases agree with theory"),
        (_, 1) => format!("1 case of {cases} does not agree with theory: {}", bad[0]),
        (_, many) => format!("{many} cases of {cases} do not agree with theory: {}", bad.join(", ")),
    };
    let sure = if exact == cases {
        "chance has no part in them".to_owned()
    } else {
        format!("each case with 99.9 % confidence, {exact} of them exactly")
    };
    let mut text = format!("{what} ({figures} figures at {seeds}; {sure}).");
    let firsts = tested.iter().flat_map(|tested| tested.trials.iter().flatten());
    let firsts: Vec<&Vec<Judged>> = firsts.filter_map(|trial| trial.first.as_ref()).collect();
    if !firsts.is_empty() {
        let differs = |figures: &&&Vec<Judged>| figures.iter().any(|judged| judged.verdict == Verdict::Differs);
        let outside = firsts.iter().filter(differs).count();
        text.push_str(&format!(
            " {} made a second time with a fresh seed and twice the length: {outside} because theory lay outside an interval, \
             which chance alone makes {} on average, and {} because an interval was too wide to tell.",
            match firsts.len() {
                1 => "1 of the runs was".to_owned(),
                many => format!("{many} of the runs were"),
            },
            number::count((cases - exact) as f64 * depth.seeds().len() as f64 * MISS),
            firsts.len() - outside,
        ));
    }
    text
}

fn overview(tested: &[Tested<'_>], paint: Paint) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < tested.len() {
        let group = tested[at].case.group;
        let to = at
            + tested[at..]
                .iter()
                .take_while(|tested| tested.case.group == group)
                .count();
        let mut table = Table::new(
            group.name(),
            &[
                (Align::Left, "furthest figure"),
                (Align::Right, "theory"),
                (Align::Right, "simulated"),
                (Align::Right, "off by"),
                (Align::Right, ""),
                (Align::Left, "verdict"),
            ],
        );
        for tested in &tested[at..to] {
            match furthest(tested) {
                Ok((_, judged)) => {
                    let [theory, simulated, _] = cells(judged);
                    table.row(
                        tested.case.id,
                        vec![
                            judged.reading.name().into(),
                            theory.into(),
                            simulated.into(),
                            share(judged).into(),
                            half_widths(judged).into(),
                            verdict(judged, tested),
                        ],
                    );
                }
                Err(error) => table.row(
                    tested.case.id,
                    vec![
                        first_line(error).into(),
                        "".into(),
                        "".into(),
                        "".into(),
                        "".into(),
                        Cell::new(Style::Bad, "could not be run"),
                    ],
                ),
            }
        }
        text.push('\n');
        text.push_str(&table.render(paint));
        at = to;
    }
    text
}

fn in_full(tested: &Tested<'_>, paint: Paint) -> String {
    let Case { id, shows, source, .. } = tested.case;
    let mut text = format!("{}\n", paint.text(Style::Heading, id));
    text.push_str(&wrap_after("  shows   ", shows));
    text.push_str(&wrap_after("  source  ", source));
    for trial in &tested.trials {
        if let Err(error) = trial {
            text.push_str(&format!("{error}\n"));
            return text;
        }
    }
    let mut table = Table::new(
        "  figure",
        &[
            (Align::Right, "theory"),
            (Align::Right, "simulated"),
            (Align::Left, "interval"),
            (Align::Right, "off by"),
            (Align::Right, ""),
            (Align::Left, "verdict"),
        ],
    );
    for number in 0..tested.case.checks.len() {
        let Some((_, judged)) = furthest_of(tested, number) else {
            continue;
        };
        let [theory, simulated, interval] = cells(judged);
        table.row(
            format!("  {}", judged.reading.name()),
            vec![
                theory.into(),
                simulated.into(),
                interval.into(),
                share(judged).into(),
                half_widths(judged).into(),
                verdict(judged, tested),
            ],
        );
    }
    text.push_str(&table.render(paint));
    text
}

/// The trial and the figure of a case that lie furthest from theory: those that do not agree before all others.
fn furthest<'t>(tested: &'t Tested<'_>) -> Result<(&'t Trial, &'t Judged), &'t CaseError> {
    for trial in &tested.trials {
        trial.as_ref()?;
    }
    let figures = (0..tested.case.checks.len()).filter_map(|number| furthest_of(tested, number));
    let furthest = figures.max_by(|(_, left), (_, right)| distance(left).total_cmp(&distance(right)));
    Ok(furthest.expect("a case has figures"))
}

/// The trial in which a figure lies furthest from theory.
fn furthest_of<'t>(tested: &'t Tested<'_>, number: usize) -> Option<(&'t Trial, &'t Judged)> {
    let trials = tested.trials.iter().flatten();
    let figures = trials.filter_map(|trial| Some((trial, trial.figures.get(number)?)));
    figures.max_by(|(_, left), (_, right)| distance(left).total_cmp(&distance(right)))
}

fn distance(judged: &Judged) -> f64 {
    match judged.verdict {
        Verdict::Agrees if judged.half_width == 0.0 => 0.0,
        Verdict::Agrees => judged.in_half_widths().abs(),
        _ => f64::INFINITY,
    }
}

/// Theory, the simulated value and its interval, all with the digits that the interval supports.
fn cells(judged: &Judged) -> [String; 3] {
    let around = |value: f64| Estimate {
        value,
        low: Some(value - judged.half_width),
        high: Some(value + judged.half_width),
    };
    let theory = judged.expectation.value();
    if judged.half_width == 0.0 {
        let exact = |value: f64| match judged.unit {
            // A cent is not exact enough.
            Unit::Dollars => format!("${value}"),
            unit => number::bound(value, unit),
        };
        return [exact(theory), exact(judged.simulated), String::new()];
    }
    let simulated = number::cells(&around(judged.simulated), judged.unit);
    [
        number::cells(&around(theory), judged.unit).value,
        simulated.value,
        simulated.interval,
    ]
}

fn share(judged: &Judged) -> String {
    if !judged.simulated.is_finite() {
        return String::new();
    }
    if judged.half_width == 0.0 && judged.verdict == Verdict::Agrees {
        return "0 %".to_owned();
    }
    format!("{:+.2} %", judged.difference() * 100.0)
}

fn half_widths(judged: &Judged) -> String {
    let off = judged.in_half_widths();
    if off.is_finite() {
        format!("{off:+.2}")
    } else {
        String::new()
    }
}

fn verdict(judged: &Judged, tested: &Tested<'_>) -> Cell {
    let again = if tested.second_runs() > 0 { ", second run" } else { "" };
    match (judged.verdict, judged.expectation) {
        (Verdict::Agrees, Expectation::Exact(_)) => Cell::new(Style::Good, "exact"),
        (Verdict::Agrees, _) => Cell::new(Style::Good, format!("agrees{again}")),
        (Verdict::Differs, _) => Cell::new(Style::Bad, "DIFFERS"),
        (Verdict::Vague, _) => Cell::new(Style::Bad, "TOO VAGUE"),
        (Verdict::Missing, _) => Cell::new(Style::Bad, "MISSING"),
    }
}

fn first_line(error: &CaseError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Everything, for programs.
#[must_use]
pub fn value(tested: &[Tested<'_>], depth: Depth) -> Value {
    let cases: Vec<Value> = tested
        .iter()
        .map(|tested| {
            let Case {
                group,
                id,
                shows,
                source,
                file,
                ..
            } = tested.case;
            let trials: Vec<Value> = tested.trials.iter().map(trial).collect();
            json!({
                "case": id,
                "group": group.name(),
                "shows": shows,
                "source": source,
                "agrees": tested.agrees(),
                "trials": trials,
                "file": file,
            })
        })
        .collect();
    json!({
        "agrees": tested.iter().all(Tested::agrees),
        "quick": depth == Depth::Quick,
        "seeds": depth.seeds(),
        "cases": cases,
    })
}

fn trial(trial: &Result<Trial, CaseError>) -> Value {
    let trial = match trial {
        Ok(trial) => trial,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let figures = |figures: &[Judged]| -> Vec<Value> {
        let figure = |judged: &Judged| {
            json!({
                "figure": judged.reading.name(),
                "unit": json::unit_name(judged.unit),
                "theory": judged.expectation.value(),
                "exact": matches!(judged.expectation, Expectation::Exact(_)),
                "simulated": finite(judged.simulated),
                "half_width": finite(judged.half_width),
                "half_width_allowed": judged.bound,
                "difference": finite(judged.difference()),
                "half_widths": finite(judged.in_half_widths()),
                "verdict": judged.verdict.name(),
            })
        };
        figures.iter().map(figure).collect()
    };
    json!({
        "seed": trial.seed,
        "replications": trial.replications,
        "agrees": trial.agrees(),
        "figures": figures(&trial.figures),
        "first_run": trial.first.as_deref().map(figures),
    })
}

fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

/// A row for each figure and seed.
#[must_use]
pub fn rows(tested: &[Tested<'_>]) -> Vec<[String; 16]> {
    let mut rows = Vec::new();
    for tested in tested {
        for trial in tested.trials.iter().flatten() {
            for judged in &trial.figures {
                rows.push(row(tested.case, trial, judged));
            }
        }
    }
    rows
}

fn row(case: &Case, trial: &Trial, judged: &Judged) -> [String; 16] {
    let cell = |value: f64| {
        if value.is_finite() {
            value.to_string()
        } else {
            String::new()
        }
    };
    let kind = match judged.expectation {
        Expectation::Exact(_) => "exact",
        Expectation::Mean { .. } => "mean",
    };
    [
        case.group.name().to_owned(),
        case.id.to_owned(),
        judged.reading.name(),
        json::unit_name(judged.unit).to_owned(),
        trial.seed.to_string(),
        trial.replications.to_string(),
        (1 + usize::from(trial.first.is_some())).to_string(),
        cell(judged.expectation.value()),
        cell(judged.simulated),
        cell(judged.simulated - judged.half_width),
        cell(judged.simulated + judged.half_width),
        cell(judged.difference()),
        cell(judged.in_half_widths()),
        cell(judged.bound),
        kind.to_owned(),
        judged.verdict.name().to_owned(),
    ]
}

/// The page `docs/validation.md`.
#[must_use]
pub fn page(tested: &[Tested<'_>], depth: Depth) -> String {
    let chancy = tested.iter().filter(|tested| !tested.case.is_exact()).count();
    let widest = tested.iter().flat_map(|tested| &tested.case.checks);
    let widest = widest.fold(0.0_f64, |widest, check| match check.expectation {
        Expectation::Mean { narrow, .. } => widest.max(narrow),
        Expectation::Exact(_) => widest,
    });
    let runs = format!("{chancy} × {}", depth.seeds().len());
    let expected = chancy as f64 * depth.seeds().len() as f64 * MISS;
    let mut text = PREFACE
        .replace("{widest}", &number::count(widest * 100.0))
        .replace("{cases}", &chancy.to_string())
        .replace("{runs}", &runs)
        .replace("{expected}", &format!("{expected:.2}"))
        .replace("{fails}", &format!("{:.5}", expected * MISS));
    text.push_str(&format!("\n## Today\n\n{}\n", summary(tested, depth)));
    let mut group = None;
    for tested in tested {
        if group != Some(tested.case.group) {
            group = Some(tested.case.group);
            text.push_str(&format!("\n## {}\n", tested.case.group.name()));
        }
        text.push_str(&section(tested));
    }
    text
}

fn section(tested: &Tested<'_>) -> String {
    let Case { id, shows, source, .. } = tested.case;
    let mut text = format!("\n### {id}\n\n{}. Source: {source}.\n\n", capital(shows));
    for trial in &tested.trials {
        if let Err(error) = trial {
            text.push_str(&format!("Could not be run: {}\n", first_line(error)));
            return text;
        }
    }
    text.push_str(
        "| figure | theory | simulated | interval | off by | in half-widths | |\n|---|---|---|---|---|---|---|\n",
    );
    for number in 0..tested.case.checks.len() {
        let Some((_, judged)) = furthest_of(tested, number) else {
            continue;
        };
        let [theory, simulated, interval] = cells(judged);
        text.push_str(&format!(
            "| `{}` | {theory} | {simulated} | {interval} | {} | {} | {} |\n",
            judged.reading.name(),
            share(judged),
            half_widths(judged),
            match (judged.verdict, judged.expectation) {
                (Verdict::Agrees, Expectation::Exact(_)) => "exact",
                (verdict, _) => verdict.name(),
            }
        ));
    }
    text
}

const PREFACE: &str = "# The simulator against theory

Written by `cargo xtask validation` from what `highwater validate` found; the page and the command have the same cases, which
a test sees to. The formulas are in `sim/src/validate/theory`, the cases in `sim/src/validate/cases`.

Each case is a file like any user's: a system of which everything else is ideal, a load, and figures that a formula or exact
numerics say. It is run at seeds 1, 2 and 3, with thirty independent replications unless it needs more. From these each figure has
a Student interval. A case with m figures takes each at 1 - 0.001 / m, so that the case as a whole holds with 99.9 %
(Bonferroni).

- A figure **agrees** when theory lies in its interval and the interval is narrow: no wider to each side than the share of
  the value that the case allows, {widest} % at most. A run that is too short or too noisy to tell cannot pass.
- A case that does not agree is run **a second time**, with a fresh seed and twice as many replications. Only that run counts.
- A figure that chance has no part in is **exact**: to a nanosecond, or a thousand-millionth of the value where that is more.

**How often would it cry wolf?** With {cases} cases that chance has a part in, theory lies outside an interval of a faultless
engine in {runs} × 0.001 = {expected} runs on average, and in the second run too with probability {runs} × 0.001 × 0.001 =
{fails}. A second run that an interval too wide called for says nothing against the engine. Seeds are fixed, so one version
gives one answer.

**Would it see a fault?** Models that are broken on purpose are kept as tests, `tests/tests/mutants.rs`: each fails its case, at
the figure that it has to fail at.

Below, each row is the seed whose figure lies furthest from theory. *Off by* is the difference as a share of theory, then in
half-widths of the interval: from -1 to 1 it agrees.
";

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_sim::validate::judge::judge_samples;
    use highwater_sim::validate::{Group, Reading};

    fn case() -> Case {
        Case::new(Group::OneServer, "mm1", "a queue", "a book")
            .mean("resources.servers.wait.mean", 0.1, 0.05)
            .exact("requests.offered", 3.0)
    }

    fn tested(case: &Case, middle: f64) -> Tested<'_> {
        let waits: Vec<f64> = (0..30).map(|n| middle + f64::from(n % 5 - 2) * 1e-3).collect();
        let mut figures = judge_samples(case, &[waits, vec![3.0, 3.0]], 1.0);
        figures[0].unit = Unit::Seconds;
        let trial = Trial {
            seed: 1,
            replications: 30,
            figures,
            first: None,
        };
        Tested {
            case,
            trials: vec![Ok(trial)],
        }
    }

    // Lost if broken: a disagreement that nobody notices in a page of agreement.
    #[test]
    fn what_does_not_agree_is_named_first_and_shown_in_full() {
        let case = case();
        let good = render(&[tested(&case, 0.1002)], Depth::Quick, false, Paint::Plain);
        assert!(
            good.starts_with("The case agrees with theory (2 figures at seed 1;"),
            "{good}"
        );
        assert!(
            good.contains("resources.servers.wait.mean") && good.contains("agrees"),
            "{good}"
        );
        let bad = render(&[tested(&case, 0.11)], Depth::Quick, false, Paint::Plain);
        assert!(bad.starts_with("1 case of 1 does not agree with theory: mm1"), "{bad}");
        assert!(bad.contains("DIFFERS") && bad.contains("a book"), "{bad}");
        assert!(
            bad.lines().all(|line| line.chars().count() <= crate::table::WIDTH),
            "{bad}"
        );
    }

    // Lost if broken: the columns of a spreadsheet, and a comparison that programs can repeat.
    #[test]
    fn programs_get_everything_unrounded() {
        let case = case();
        let tested = [tested(&case, 0.1)];
        let rows = rows(&tested);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0][2].as_str(), rows[0][15].as_str()),
            ("resources.servers.wait.mean", "agrees")
        );
        assert_eq!((rows[1][12].as_str(), rows[1][14].as_str()), ("", "exact"));
        let value = value(&tested, Depth::Quick);
        assert_eq!(value["cases"][0]["trials"][0]["figures"][0]["theory"], 0.1);
        assert_eq!(value["agrees"], true);
        assert_eq!(case.checks[0].reading, Reading::Figure("resources.servers.wait.mean"));
    }
}
