//! Checked files as a page.
//!
//! Owns: what is in it and in which order: how all files stand, then file by file the verdict, its objectives, the change
//! against the baseline, mistakes, and what the review found. Never: wording that other faces share.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::Objective;

use super::{Against, Checked, Run, Standing, change, headline, markdown, needed, text, worst};
use crate::page::{self, Block, Item, Page, Section, Tone, Verdict};
use crate::paint::Style;
use crate::plot::{Axis, Dots, Kind, Limit, Plot, Row};
use crate::table::{Align, Cell, Table};
use crate::terminal;
use crate::verdict::verdict;
use crate::words;

/// Objectives that are named as left out of the plot; the rest is counted.
const NAMED: usize = 6;

/// The page with its plots and the command that gives it again.
#[must_use]
pub fn page(files: &[Checked], plots: Vec<Plot>, again: &str, version: &str) -> Page {
    let mut all = Vec::new();
    if files.len() > 1 {
        all.push(Block::Table(overview(files)));
    }
    all.extend(plots.into_iter().map(|plot| Block::Figure(Box::new(plot))));
    let title = if files.len() > 1 { "All files" } else { "Objectives" };
    let mut sections = vec![Section::open(title, all)];
    sections.extend(files.iter().map(of_file));
    sections.push(Section::new(
        "How to run it again",
        vec![Block::Command(again.to_owned()), Block::Facts(provenance(files))],
    ));
    Page {
        title: match files {
            [only] if !only.title.is_empty() => only.title.clone(),
            [only] => only.file.clone(),
            many => format!("Check of {} files", many.len()),
        },
        question: String::new(),
        subject:
            "Is every file valid, is the design in order, do the objectives hold? Estimates stand with their 95 % \
                  intervals."
                .to_owned(),
        verdict: whole(files),
        numbers: Vec::new(),
        sections,
        footer: format!("Made by Highwater {version}."),
    }
}

/// How all files stand together.
fn whole(files: &[Checked]) -> Verdict {
    let word = match worst(files) {
        Standing::Holds => "It holds",
        Standing::Undecided => "Not decided",
        Standing::Broken => "It does not hold",
        Standing::Invalid => "There are mistakes",
        Standing::Unfinished => "It could not be run",
    };
    Verdict {
        tone: tone(worst(files)),
        word: word.to_owned(),
        sentences: match files {
            [only] => vec![in_short(only)],
            many => vec![headline(many)],
        },
        next_step: String::new(),
    }
}

const fn tone(standing: Standing) -> Tone {
    match standing {
        Standing::Holds => Tone::Good,
        Standing::Undecided => Tone::Open,
        Standing::Broken | Standing::Invalid | Standing::Unfinished => Tone::Bad,
    }
}

const fn style(standing: Standing) -> Style {
    match tone(standing) {
        Tone::Good => Style::Good,
        Tone::Bad => Style::Bad,
        Tone::Open => Style::Open,
    }
}

/// What there is to say of a file first.
fn in_short(file: &Checked) -> String {
    file.run.as_ref().map_or_else(
        || markdown::in_short(file),
        |run| verdict(&run.summary).sentences.first().cloned().unwrap_or_default(),
    )
}

fn overview(files: &[Checked]) -> Table {
    let mut table = Table::new("File", &[(Align::Left, ""), (Align::Left, "in short")]);
    for file in files {
        let standing = file.standing();
        table.row(
            file.file.as_str(),
            vec![
                Cell::new(style(standing), format!("{} {}", standing.mark(), standing.text())),
                in_short(file).into(),
            ],
        );
    }
    table
}

fn of_file(file: &Checked) -> Section {
    let standing = file.standing();
    let mut blocks = Vec::new();
    let complaints: Vec<&str> = file
        .complaints
        .iter()
        .map(|complaint| complaint.text.as_str())
        .collect();
    blocks.push(Block::Lines(complaints.join("\n\n")));
    if let Some(trouble) = &file.trouble {
        blocks.push(Block::Text(format!("It could not be run: {trouble}.")));
    }
    if let Some(run) = &file.run {
        blocks.extend(of_run(run));
    }
    if let Some((review, _)) = &file.review {
        blocks.extend(page::design(review));
    }
    Section::open(
        &format!("{} {}: {}", standing.mark(), file.file, standing.text()),
        blocks,
    )
}

fn plain(text: String) -> Item {
    Item {
        word: String::new(),
        style: Style::Normal,
        text,
        more: Vec::new(),
    }
}

fn of_run(run: &Run) -> Vec<Block> {
    let summary = &run.summary;
    let mut notes: Vec<String> = summary
        .objectives
        .iter()
        .zip(&run.needed)
        .filter_map(|(objective, &needed)| needed::sentence(objective, needed))
        .collect();
    if run.looks > 1 {
        notes.push(text::looks(run));
    }
    let mut blocks = vec![
        Block::Text(verdict(summary).to_string()),
        Block::Table(terminal::objectives(&summary.objectives)),
        Block::List(notes.into_iter().map(plain).collect()),
    ];
    match &run.against {
        Against::Nothing => {}
        Against::NotInBaseline => blocks.push(Block::Text("The baseline has no run of this scenario.".to_owned())),
        Against::Change(found) => {
            blocks.extend(change::sentences(found).into_iter().map(Block::Text));
            blocks.push(Block::Table(text::against(found)));
            blocks.push(Block::Text(format!("Compared: {}.", change::pairing(found))));
        }
    }
    let warnings = summary.warnings.iter();
    blocks.push(Block::FoldedList(
        "Ways in which a figure may mislead".to_owned(),
        warnings.map(|warning| plain(warning.text.clone())).collect(),
    ));
    blocks
}

/// What it takes to see that a run is of one model.
fn provenance(files: &[Checked]) -> Vec<(String, String)> {
    let fact = |file: &Checked| {
        let summary = &file.run.as_ref()?.summary;
        let said = format!(
            "{} replications, seed {}, model `{}`",
            summary.replications, summary.seed, summary.model_hash
        );
        Some((file.file.clone(), said))
    };
    files.iter().filter_map(fact).collect()
}

/// The plots of a check: how far each objective is from its bound.
#[must_use]
pub fn plots(files: &[Checked]) -> Vec<Plot> {
    let (mut rows, mut told, mut left_out) = (Vec::new(), [0_usize; 3], Vec::new());
    let runs = files.iter().filter_map(|file| Some((file, file.run.as_ref()?)));
    for (file, run) in runs {
        for objective in &run.summary.objectives {
            let name = match files {
                [_] => words::objective(objective),
                _ => format!("{}: {}", file.file, words::objective(objective)),
            }
            .replace('`', "");
            let Some(of_bound) = of_bound(objective) else {
                left_out.push(name);
                continue;
            };
            let series = match objective.met {
                Some(true) => 0,
                Some(false) => 1,
                None => 2,
            };
            told[series] += 1;
            let nowhere = Estimate {
                value: f64::NAN,
                low: None,
                high: None,
            };
            let mut values = vec![nowhere; 3];
            values[series] = of_bound;
            rows.push(Row { name, values });
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let [met, missed, open] = told;
    let more = left_out.len().saturating_sub(NAMED);
    left_out.truncate(NAMED);
    if more > 0 {
        left_out.push(format!("{more} more"));
    }
    let note = if left_out.is_empty() {
        String::new()
    } else {
        format!(
            " Not drawn, since a bound of none has no per cent and nothing has no place here: {}.",
            left_out.join(", ")
        )
    };
    vec![Plot {
        name: "objectives".to_owned(),
        title: "Objectives in per cent of their bounds".to_owned(),
        finding: format!(
            "{} {met} met, {missed} missed, {open} not decided.",
            match rows.len() {
                1 => "Of the one objective here".to_owned(),
                many => format!("Of the {many} objectives here"),
            }
        ),
        note: format!(
            "What has to be at most its bound belongs left of the line; what has to be at least its bound right of it. \
             The axis is logarithmic. Whiskers are 95 % intervals.{note}"
        ),
        kind: Kind::Dots(Dots {
            x: Axis::new("", Unit::Share).log(),
            series: ["met", "missed", "not decided"].map(str::to_owned).to_vec(),
            rows,
            limits: vec![Limit {
                value: 1.0,
                label: "the bound".to_owned(),
            }],
        }),
    }]
}

/// An objective's figure as a share of its bound; `None` where a logarithmic axis has no place for it.
fn of_bound(objective: &Objective) -> Option<Estimate> {
    let share = |value: f64| value / objective.target;
    let found = Estimate {
        value: share(objective.value.value),
        low: objective.value.low.map(share).filter(|low| *low > 0.0),
        high: objective.value.high.map(share),
    };
    (objective.target > 0.0 && found.value.is_finite() && found.value > 0.0).then_some(found)
}
