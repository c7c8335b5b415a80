//! Files as hands, editors and machines break them: each is refused with a place or read; nothing panics, and what is
//! read suits the schema. The same properties are fuzz targets (`fuzz/`).

use highwater_models::bundled;
use highwater_models::record::baseline::{Baseline, BaselineFigure, BaselineRun};
use highwater_models::record::figures::{Path, Unit};
use highwater_report::baseline;
use highwater_tests::fuzz;
use highwater_tests::run::random_cases;
use proptest::prelude::*;
use proptest::sample::Index;

/// One way to break a text.
#[derive(Clone, Debug)]
enum Slip {
    Delete(Index),
    Duplicate(Index),
    Swap(Index, Index),
    Cut(Index),
    /// Puts a piece in the place of a value.
    Value(Index, &'static str),
    /// Puts a piece somewhere within a line.
    Within(Index, Index, &'static str),
    /// Wraps a value into so many brackets.
    Nest(Index, usize, bool),
    /// Writes a value so many times behind itself.
    Huge(Index, usize),
    WindowsLines,
    Mark,
}

const PIECES: [&str; 26] = [
    "",
    "0",
    "-1",
    "1e308",
    "1e999",
    "nan",
    "inf",
    "99999999999999999999999",
    "0x10",
    "1_000",
    "true",
    "\"5s\"",
    "\"5 parsecs\"",
    "\"0.000000000001ns\"",
    "\"400d\"",
    "\"512 MB\"",
    "\"9000/min\"",
    "2025-12-10",
    "{}",
    "[]",
    "\"",
    "'''",
    "µ",
    "🙂",
    "\u{0}",
    "é\u{301}",
];

fn slip() -> impl Strategy<Value = Slip> {
    let at = any::<Index>;
    let piece = || prop::sample::select(&PIECES[..]);
    prop_oneof![
        3 => at().prop_map(Slip::Delete),
        2 => at().prop_map(Slip::Duplicate),
        2 => (at(), at()).prop_map(|(a, b)| Slip::Swap(a, b)),
        1 => at().prop_map(Slip::Cut),
        6 => (at(), piece()).prop_map(|(line, piece)| Slip::Value(line, piece)),
        4 => (at(), at(), piece()).prop_map(|(line, byte, piece)| Slip::Within(line, byte, piece)),
        1 => (at(), 1..3_000_usize, any::<bool>()).prop_map(|(line, depth, table)| Slip::Nest(line, depth, table)),
        1 => (at(), 1..20_000_usize).prop_map(|(line, times)| Slip::Huge(line, times)),
        1 => Just(Slip::WindowsLines),
        1 => Just(Slip::Mark),
    ]
}

fn broken(text: &str, slips: &[Slip]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (mut end, mut begin) = ("\n", "");
    for slip in slips {
        let count = lines.len().max(1);
        if lines.is_empty() {
            lines.push(String::new());
        }
        match slip {
            Slip::Delete(at) => {
                lines.remove(at.index(count));
            }
            Slip::Duplicate(at) => lines.insert(at.index(count), lines[at.index(count)].clone()),
            Slip::Swap(a, b) => lines.swap(a.index(count), b.index(count)),
            Slip::Cut(at) => lines.truncate(at.index(count) + 1),
            Slip::Value(at, piece) => with_value(&mut lines[at.index(count)], |_| (*piece).to_owned()),
            Slip::Within(at, byte, piece) => {
                let line = &mut lines[at.index(count)];
                let mut byte = byte.index(line.len() + 1);
                while !line.is_char_boundary(byte) {
                    byte -= 1;
                }
                line.insert_str(byte, piece);
            }
            Slip::Nest(at, depth, table) => with_value(&mut lines[at.index(count)], |value| {
                let (open, close) = if *table { ("{ a = ", " }") } else { ("[", "]") };
                format!("{}{value}{}", open.repeat(*depth), close.repeat(*depth))
            }),
            Slip::Huge(at, times) => with_value(&mut lines[at.index(count)], |value| {
                let letters: String = value.trim_matches('"').chars().take(20).collect();
                format!("\"{}\"", letters.repeat(*times))
            }),
            Slip::WindowsLines => end = "\r\n",
            Slip::Mark => begin = "\u{feff}",
        }
    }
    format!("{begin}{}{end}", lines.join(end))
}

fn with_value(line: &mut String, change: impl FnOnce(&str) -> String) {
    if let Some((key, value)) = line.clone().split_once('=') {
        *line = format!("{key}= {}", change(value.trim()));
    }
}

fn any_of(texts: Vec<&'static str>) -> impl Strategy<Value = String> {
    (prop::sample::select(texts), prop::collection::vec(slip(), 0..4)).prop_map(|(text, slips)| broken(text, &slips))
}

fn texts(files: &'static [bundled::Bundled]) -> Vec<&'static str> {
    files.iter().map(|file| file.text).collect()
}

const TRACE: &str =
    "at,flow,endpoint,class,user,ip,work\n1s,,e,,ann,10.0.0.1,0.2\n500ms,,e,,bob,,\n\"2s\",,e,,,,1e-3\n";

fn sample_baseline() -> String {
    baseline::text(&Baseline {
        version: "0.1.0".to_owned(),
        runs: vec![BaselineRun {
            file: "a.toml".to_owned(),
            scenario: "a".to_owned(),
            model_hash: "9f".to_owned(),
            seed: 1,
            replications: 2,
            settings: vec![("web.plan".to_owned(), "\"pro\"".to_owned())],
            figures: vec![BaselineFigure {
                path: Path::new(&["latency", "p95"]),
                unit: Unit::Seconds,
                samples: vec![1.0, f64::NAN],
            }],
            objectives: vec![("p95".to_owned(), None)],
            bottlenecks: vec!["web".to_owned()],
        }],
    })
}

proptest! {
    #![proptest_config(random_cases(400))]

    // Lost if broken: a panic, or an editor that marks what is right.
    #[test]
    fn a_broken_system_is_refused_with_its_places(text in any_of(texts(bundled::systems()))) {
        fuzz::system(&text);
    }

    // Lost if broken: the same of a scenario.
    #[test]
    fn a_broken_scenario_is_refused_with_its_places(text in any_of(texts(bundled::scenarios()))) {
        fuzz::scenario(&text, &[], "");
    }

    // Lost if broken: a flag that brings the command down.
    #[test]
    fn a_broken_setting_is_refused_on_its_flag(
        path in "[a-z.\"'0-9_-]{0,24}|web\\.[a-z_.]{1,12}|load\\.[a-z_.]{1,12}|openai\\.model\\.\"gpt-4\"\\.[a-z_]{1,12}",
        value in prop::sample::select(&PIECES[..]),
    ) {
        fuzz::setting(&format!("{path}={value}"));
        fuzz::setting(&path);
    }

    // Lost if broken: a recorded trace that brings the command down.
    #[test]
    fn a_broken_trace_is_refused_with_its_places(text in any_of(vec![TRACE])) {
        fuzz::trace(&text);
    }

    // Lost if broken: a baseline that a merge has torn brings the command down.
    #[test]
    fn a_broken_baseline_is_refused(slips in prop::collection::vec(slip(), 0..4)) {
        fuzz::baseline(&broken(&sample_baseline(), &slips));
    }

    // Lost if broken: a study that brings `sweep` down, or an editor that marks what is right.
    #[test]
    fn a_broken_study_is_refused_with_its_places(text in any_of(texts(bundled::studies()))) {
        fuzz::study(&text);
    }
}
