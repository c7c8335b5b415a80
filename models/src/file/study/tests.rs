//! Studies as texts: what points come of them, and what exactly is said about those that are wrong.

use super::{Beside, Design, LoadedStudy, load_study};
use crate::file::{Files, render_all};

const QUEUE: &str = r#"duration = "60s"
[load]
rate = 5.0
[system.pool.servers]
max = 1
[system.endpoint.job]
steps = [ { take = { from = "servers", for = "100ms" } } ]
[system.profile.wide]
"servers.max" = 7
"#;

/// The only file there is.
struct Queue;

impl Files for Queue {
    fn read(&self, path: &str) -> Result<String, String> {
        if path == "dir/queue.toml" {
            Ok(QUEUE.to_owned())
        } else {
            Err("no such file".to_owned())
        }
    }
}

fn beside() -> Beside<'static> {
    Beside {
        files: &Queue,
        ..Beside::nothing()
    }
}

/// Everything that is said about a study: of its own keys, and if these are right, of its points.
fn said(text: &str) -> String {
    let LoadedStudy {
        design,
        diagnostics,
        sources,
    } = load_study("dir/s.toml", text);
    let Some(design) = design else {
        return render_all(&diagnostics, &sources, false);
    };
    let mut told: Vec<String> = Vec::new();
    for point in 0..design.points() {
        let loaded = design.load(point, &beside());
        for diagnostic in &loaded.diagnostics {
            let text = diagnostic.to_text(&loaded.sources, false);
            if !told.contains(&text) {
                told.push(text);
            }
        }
    }
    told.join("\n\n")
}

fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = text.len() - text.trim_start_matches(' ').len();
    let lines: Vec<&str> = text.lines().map(|line| line.get(indent..).unwrap_or("")).collect();
    lines.join("\n").trim_end().to_owned()
}

#[track_caller]
fn check(text: &str, answer: &str) {
    let found = said(&(dedent(text) + "\n"));
    let answer = dedent(answer);
    assert!(found == answer, "said:\n{found}\n\nexpected:\n{answer}");
}

#[track_caller]
fn design(text: &str) -> Design {
    let loaded = load_study("dir/s.toml", &dedent(text));
    let said = render_all(&loaded.diagnostics, &loaded.sources, false);
    loaded.design.unwrap_or_else(|| panic!("{said}"))
}

/// The rate and the servers of each point.
#[track_caller]
fn points(text: &str) -> Vec<(f64, u32)> {
    let design = design(text);
    let point = |point: usize| {
        let loaded = design.load(point, &beside());
        let plan = loaded
            .plan
            .unwrap_or_else(|| panic!("{}", render_all(&loaded.diagnostics, &loaded.sources, false)));
        let rate = plan
            .scenario
            .load
            .and_then(|load| load.rate)
            .map_or(0.0, |rate| rate.from);
        (rate, plan.system.pool.get("servers").map_or(0, |pool| pool.max))
    };
    (0..design.points()).map(point).collect()
}

// Lost if broken: figures of one setting under the name of another.
#[test]
fn points_are_all_combinations_and_the_last_axis_goes_round_fastest() {
    let grid = r#"
        scenario = "queue"
        [[axis]]
        setting = "load.rate"
        values = [1, "120/min"]
        [[axis]]
        setting = "pool.servers.max"
        range = { from = 1, to = 4, factor = 2 }
    "#;
    assert_eq!(
        points(grid),
        [(1.0, 1), (1.0, 2), (1.0, 4), (2.0, 1), (2.0, 2), (2.0, 4)]
    );
    let zip = r#"
        scenario = "queue"
        set = { "load.rate" = 9 }
        [[axis]]
        zip = { "load.rate" = [1, 2], "servers.max" = [3, 4] }
    "#;
    assert_eq!(points(zip), [(1.0, 3), (2.0, 4)]);
    let list = r#"
        [set]
        "load.rate" = 9
        [[axis]]
        list = [ { scenario = "queue" }, { scenario = "queue.toml", profile = "wide" }, { scenario = "queue", "servers.max" = 2 } ]
        labels = ["a", "b", "c"]
    "#;
    assert_eq!(points(list), [(9.0, 1), (9.0, 7), (9.0, 2)]);
    assert_eq!(points("scenario = \"queue\"\nprofile = \"wide\""), [(5.0, 7)]);
}

// Lost if broken: 0.30000000000000004 in every table, or the last value of a range.
#[test]
fn a_range_has_the_values_that_a_person_would_write() {
    let labels = |range: &str| -> Vec<String> {
        let text = format!("scenario = \"queue\"\n[[axis]]\nsetting = \"load.rate\"\nrange = {range}");
        design(&text).axes[0]
            .levels
            .iter()
            .map(|level| level.label.clone())
            .collect()
    };
    assert_eq!(
        labels("{ from = 0.1, to = 0.5, step = 0.1 }"),
        ["0.1", "0.2", "0.3", "0.4", "0.5"]
    );
    assert_eq!(labels("{ from = 3, to = 1, step = -1 }"), ["3", "2", "1"]);
    assert_eq!(labels("{ from = 1, to = 900, factor = 10 }"), ["1", "10", "100"]);
    assert_eq!(
        labels("{ from = 0.001, to = 1, factor = 10 }"),
        ["0.001", "0.01", "0.1", "1"]
    );
    assert_eq!(labels("{ from = 2, to = 4 }"), ["2", "3", "4"]);
}

// Lost if broken: an interrupted study goes on with points of another one.
#[test]
fn the_hash_follows_everything_that_results_follow_from() {
    let base = "scenario = \"queue\"\n[[axis]]\nsetting = \"servers.max\"\nvalues = [1, 2]\n";
    let hash = |text: &str, seed: u64| {
        let design = design(text);
        let plans: Vec<u64> = (0..design.points())
            .map(|point| design.load(point, &beside()).plan.expect("a plan").hash)
            .collect();
        design.hash(&plans, seed, design.replications)
    };
    assert_eq!(
        hash(base, 1),
        hash(&format!("# a comment\n\n{base}").replace("# a comment\n", ""), 1)
    );
    for other in [
        base.replace("[1, 2]", "[1, 3]"),
        base.replace("scenario", "replications = 6\nscenario"),
        base.replace("scenario", "precision = 0.1\nscenario"),
        base.replace("scenario", "metrics = [\"goodput\"]\nscenario"),
        base.replace("scenario", "must_hold = \"one\"\nscenario"),
        base.replace("scenario", "set = { duration = \"61s\" }\nscenario"),
    ] {
        assert_ne!(hash(base, 1), hash(&other, 1), "{other}");
    }
    assert_ne!(hash(base, 1), hash(base, 2));
}

// Lost if broken: one mistake per try.
#[test]
fn all_mistakes_of_a_study_come_at_once() {
    check(
        r#"
        scenaro = "queue"
        must_hold = "all"
        replications = 0
        precision = { width = 2 }
        [[axis]]
        setting = "servers.max"
        [[axis]]
        values = [1, 2]
        [[axis]]
        setting = "load.rate"
        values = []
        range = { from = 5, to = 1 }
        [[axis]]
        setting = "load.rate"
        zip = { "load.rate" = [1, 2] }
        "#,
        r#"
        error[file::unknown-key]: the file has no key `scenaro`
         --> dir/s.toml:1:1
          |
        1 | scenaro = "queue"
          | ^^^^^^^ unknown key
          |
          = help: did you mean `scenario`?

        error[file::unknown-choice]: `must_hold` cannot be "all"
         --> dir/s.toml:2:13
          |
        2 | must_hold = "all"
          |             ^^^^^ expected one of "every", "one", "none"

        error[file::out-of-range]: `replications` must be at least 1
         --> dir/s.toml:3:16
          |
        3 | replications = 0
          |                ^ this is 0

        error[file::out-of-range]: `precision.width` must be at most 1
         --> dir/s.toml:4:23
          |
        4 | precision = { width = 2 }
          |                       ^ this is 2
          |
          = help: a share is from 0 to 1: write 0.05 for 5 %

        error[file::missing-key]: `axis.0` needs exactly one of `values`, `range`, `zip` and `list`
         --> dir/s.toml:5:1
          |
        5 | [[axis]]
          | ^^^^^^^^ none of them is here

        error[file::missing-key]: `axis.1` has `values` without `setting`
         --> dir/s.toml:8:10
          |
        8 | values = [1, 2]
          |          ^^^^^^ values of what?
          |
          = help: `setting` is a path as in `--set`: `setting = "web.instances"`

        error[file::empty]: `axis.2.values` must not be empty
          --> dir/s.toml:11:10
           |
        11 | values = []
           |          ^^ no values

        error[file::exclusive-keys]: `axis.2` has both `values` and `range`
          --> dir/s.toml:12:9
           |
        11 | values = []
           |          -- the other
        12 | range = { from = 5, to = 1 }
           |         ^^^^^^^^^^^^^^^^^^^^ not both
           |
           = help: it takes one of `values`, `range`, `zip` and `list`

        error[file::range-inverted]: `axis.2.range` never gets from 5 to 1
          --> dir/s.toml:12:26
           |
        12 | range = { from = 5, to = 1 }
           |                          ^ it leads away

        error[file::exclusive-keys]: `axis.3` has both `setting` and `zip`
          --> dir/s.toml:14:11
           |
        14 | setting = "load.rate"
           |           ^^^^^^^^^^^ not both
        15 | zip = { "load.rate" = [1, 2] }
           |       ------------------------ the other
           |
           = help: `zip` has the paths of its settings itself; a heading is `name`
        "#,
    );
}

// Lost if broken: a table of points that nobody meant.
#[test]
fn axes_that_do_not_fit_together_are_told() {
    check(
        r#"
        replications = 2
        [[axis]]
        zip = { "servers.max" = [1, 2], "load.rate" = [1, 2, 3], "x.y" = 4 }
        [[axis]]
        setting = "servers.max"
        values = [1, 1]
        labels = ["one"]
        [[axis]]
        setting = "servers.max"
        values = [1, 1]
        "#,
        r#"
        error[study::unequal]: the columns of a zip must have one length
         --> dir/s.toml:3:47
          |
        3 | zip = { "servers.max" = [1, 2], "load.rate" = [1, 2, 3], "x.y" = 4 }
          |                         ------ 2 values       ^^^^^^^^^ 3 values

        error[file::wrong-type]: `x.y` in a zip must be a list
         --> dir/s.toml:3:66
          |
        3 | zip = { "servers.max" = [1, 2], "load.rate" = [1, 2, 3], "x.y" = 4 }
          |                                                                  ^ this is a whole number
          |
          = help: a setting that does not vary stands in `[set]`

        error[study::unequal]: `servers.max` has 2 levels and 1 labels
         --> dir/s.toml:7:11
          |
        7 | labels = ["one"]
          |           ^^^^^ labels begin here
          |
          = help: one label for each level, in their order

        error[study::twice]: `servers.max` has the level `1` twice
          --> dir/s.toml:10:14
           |
        10 | values = [1, 1]
           |           -  ^ again
           |           |
           |           the first
           |
           = help: each level has a name of its own: `labels` gives them
        "#,
    );
    check(
        r#"
        set = { seed = 3 }
        [[axis]]
        setting = "servers.max"
        range = { from = 1, to = 500 }
        [[axis]]
        setting = "pool.servers.max"
        name = "again"
        range = { from = 1, to = 2000 }
        "#,
        r#"
        error[file::missing-key]: the study needs `scenario`
         --> dir/s.toml:1:1
          |
        1 | set = { seed = 3 }
          | ^ `scenario` is missing
          |
          = help: `scenario = "normal"` for all points, or an axis that sets `scenario` on each of its levels

        error[study::not-here]: `seed` is one for all points of a study
         --> dir/s.toml:1:9
          |
        1 | set = { seed = 3 }
          |         ^^^^ not of a point
          |
          = help: `seed` stands at the top of the study

        error[study::twice]: `pool.servers.max` is set twice for one point
         --> dir/s.toml:6:11
          |
        3 | setting = "servers.max"
          |           ------------- the first
        ...
        6 | setting = "pool.servers.max"
          |           ^^^^^^^^^^^^^^^^^^ again

        error[study::too-large]: the study has 500 × 2000 = 1000000 points
         --> dir/s.toml:7:8
          |
        7 | name = "again"
          |        ^^^^^^^ at most 100000
          |
          = help: fewer levels, or several axes that go on together as one `zip`
        "#,
    );
}

// Lost if broken: a wrong value is found an hour into the study, or blamed on the scenario.
#[test]
fn every_value_is_checked_as_the_setting_it_is() {
    check(
        r#"
        metrics = ["godput"]
        [[axis]]
        setting = "servers.max"
        values = [2, "two", -1]
        [[axis]]
        setting = "load.rat"
        values = [1]
        [[axis]]
        setting = "scenario"
        values = ["queue", "queu"]
        "#,
        r#"
        error[check::unknown-result]: there is no result `godput`
         --> dir/s.toml:1:12
          |
        1 | metrics = ["godput"]
          |            ^^^^^^^^ neither a resource nor a result
          |
          = help: did you mean `goodput`?

        error[file::unknown-key]: `load` has no key `rat`
         --> dir/s.toml:6:11
          |
        6 | setting = "load.rat"
          |           ^^^^^^^^^^ unknown key
          |
          = help: did you mean `rate`?

        error[check::unknown-name]: there is no scenario `queu`
          --> dir/s.toml:10:20
           |
        10 | values = ["queue", "queu"]
           |                    ^^^^^^ unknown name
           |
           = help: neither is it bundled, nor is there a file `dir/queu.toml`

        error[file::wrong-type]: `system.pool.servers.max` must be a whole number
         --> dir/s.toml:4:14
          |
        4 | values = [2, "two", -1]
          |              ^^^^^ this is text

        error[file::out-of-range]: `system.pool.servers.max` must be at least 1
         --> dir/s.toml:4:21
          |
        4 | values = [2, "two", -1]
          |                     ^^ this is -1
        "#,
    );
    check(
        "scenario = \"queue\"\nprofile = \"wid\"",
        r#"
        error[check::unknown-name]: the system has no profile `wid`
         --> dir/s.toml:2:11
          |
        2 | profile = "wid"
          |           ^^^^^ unknown profile
          |
          = help: did you mean `wide`?
        "#,
    );
}
