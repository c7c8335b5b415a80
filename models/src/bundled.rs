//! The scenarios, studies and systems that ship inside the binary.
//!
//! Owns: their names and texts.
//! Never: reading them; a text is handed to `file` like any other.

/// A file that ships inside the binary.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Bundled {
    /// Name by which it is found: the path below `scenarios/`, below `scenarios/studies/` or below `scenarios/systems/`, without the ending.
    pub name: &'static str,
    /// The whole text.
    pub text: &'static str,
}

impl Bundled {
    /// The question that the file asks or answers: the comment it opens with, on one line.
    #[must_use]
    pub fn question(&self) -> String {
        let lines = self
            .text
            .lines()
            .map_while(|line| line.strip_prefix('#'))
            .map(str::trim);
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The profiles of a system, each with the comment above it on one line.
    #[must_use]
    pub fn profiles(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut comment: Vec<&str> = Vec::new();
        for line in self.text.lines() {
            if let Some(said) = line.strip_prefix('#') {
                comment.push(said.trim());
                continue;
            }
            let table = line.strip_prefix("[profile.").and_then(|rest| rest.split_once(']'));
            if let Some((name, _)) = table {
                found.push((name.to_owned(), comment.join(" ")));
            }
            comment.clear();
        }
        found
    }
}

macro_rules! bundle {
    ($directory:literal: $($name:literal),* $(,)?) => {
        &[$(Bundled {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $directory, $name, ".toml")),
        }),*]
    };
}

const SCENARIOS: &[Bundled] = bundle!("":
    "normal",
    "peak",
    "viral-spike",
    "crisis",
    "artillery-one-address",
    "artillery-many-addresses",
    "autoscale-25-connections",
    "transaction-over-llm",
    "provider-outage",
    "llm-slowdown-retry-storm",
    "cache-lost-at-peak",
    "database-restart",
    "abuse-one-address",
    "payments-in-the-spike",
    "deploy-at-peak",
    "uploads-on-512-mb",
    "spike-without-playbook",
    "spike-with-playbook",
    "growth-100",
    "growth-1000",
    "growth-10000",
    "growth-50000",
    "textbook/mm1",
    "textbook/mmc",
    "textbook/closed",
);

const STUDIES: &[Bundled] = bundle!("studies/": "growth-stages", "instances-and-pool", "load-curve");

const SYSTEMS: &[Bundled] = bundle!("systems/": "coaching");

/// Every scenario, in the order in which one would read them.
#[must_use]
pub fn scenarios() -> &'static [Bundled] {
    SCENARIOS
}

/// Every study.
#[must_use]
pub fn studies() -> &'static [Bundled] {
    STUDIES
}

/// The text of a study.
#[must_use]
pub fn study(name: &str) -> Option<&'static str> {
    find(STUDIES, name)
}

/// Every system.
#[must_use]
pub fn systems() -> &'static [Bundled] {
    SYSTEMS
}

/// The text of a scenario. Its last part is enough: `mm1` is `textbook/mm1`.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static str> {
    find(SCENARIOS, name)
}

/// The text of a system, as a scenario's `system` names it.
#[must_use]
pub fn system(name: &str) -> Option<&'static str> {
    find(SYSTEMS, name)
}

fn find(files: &[Bundled], name: &str) -> Option<&'static str> {
    let last = |file: &Bundled| file.name.rsplit('/').next() == Some(name);
    let found = files
        .iter()
        .find(|file| file.name == name)
        .or_else(|| files.iter().find(|file| last(file)));
    found.map(|file| file.text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::catalogue;
    use crate::file::study;
    use crate::file::{CatalogueKind, Edition, Files, Loaded, Request, load_scenario, load_system, render_all};

    /// A bundled scenario has nothing beside it.
    struct NoFiles;

    impl Files for NoFiles {
        fn read(&self, path: &str) -> Result<String, String> {
            Err(format!("a bundled file asked for {path}"))
        }
    }

    fn load(file: &Bundled, settings: &[String]) -> Loaded {
        let names: Vec<&str> = systems().iter().map(|system| system.name).collect();
        let request = Request {
            is_bundled: true,
            bundled_systems: &names,
            catalogue: catalogue::names,
            ..Request::new(file.name, file.text).with_settings(settings)
        };
        load_scenario(request, &NoFiles, system)
    }

    #[track_caller]
    fn check_settings(scenario: &str, settings: &[&str]) {
        let file = scenarios()
            .iter()
            .find(|file| file.name == scenario)
            .expect("a bundled scenario");
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let loaded = load(file, &settings);
        assert!(
            loaded.plan.is_some(),
            "{}",
            render_all(&loaded.diagnostics, &loaded.sources, false)
        );
    }

    /// A bundled file with a mistake in it is the worst first impression there is.
    #[test]
    fn every_file_loads_without_a_complaint() {
        for file in scenarios() {
            let loaded = load(file, &[]);
            assert_eq!(
                render_all(&loaded.diagnostics, &loaded.sources, false),
                "",
                "{}",
                file.name
            );
            let plan = loaded.plan.expect("no diagnostics, so a plan");
            assert_eq!(plan.question, file.question());
        }
        for file in systems() {
            let request = Request {
                catalogue: catalogue::names,
                ..Request::new(file.name, file.text)
            };
            let loaded = load_system(request, &NoFiles);
            assert_eq!(
                render_all(&loaded.diagnostics, &loaded.sources, false),
                "",
                "{}",
                file.name
            );
        }
    }

    /// A bundled study of which a point has a mistake stops before it begins.
    #[test]
    fn every_point_of_every_study_loads_without_a_complaint() {
        let scenario_names: Vec<&str> = scenarios().iter().map(|file| file.name).collect();
        let system_names: Vec<&str> = systems().iter().map(|file| file.name).collect();
        let beside = study::Beside {
            scenario,
            system,
            bundled_scenarios: &scenario_names,
            bundled_systems: &system_names,
            catalogue: catalogue::names,
            is_bundled: true,
            ..study::Beside::nothing()
        };
        for file in studies() {
            let loaded = study::load_study(file.name, file.text);
            assert_eq!(
                render_all(&loaded.diagnostics, &loaded.sources, false),
                "",
                "{}",
                file.name
            );
            let design = loaded.design.expect("no diagnostics, so a study");
            assert_eq!(design.question, file.question());
            for point in 0..design.points() {
                let loaded = design.load(point, &beside);
                assert_eq!(
                    render_all(&loaded.diagnostics, &loaded.sources, false),
                    "",
                    "{} {point}",
                    file.name
                );
            }
        }
    }

    /// The comments of the scenarios tell readers to try these.
    #[test]
    fn the_settings_that_the_comments_name_can_be_set() {
        check_settings("artillery-many-addresses", &["redis.plan=upstash-free"]);
        check_settings("autoscale-25-connections", &["connections.max=2"]);
    }

    /// A plan's name that the catalogue does not have would cost nothing and have no limits.
    #[test]
    fn the_catalogue_is_asked_for_every_plan() {
        let latest = |kind| catalogue::names(&Edition::Latest, kind).expect("there is a latest edition");
        assert!(latest(CatalogueKind::ServicePlan).contains(&"1c-2g"));
        assert!(latest(CatalogueKind::DatabasePlan).contains(&"pro-8gb"));
        assert!(latest(CatalogueKind::CachePlan).contains(&"upstash-free"));
        assert!(latest(CatalogueKind::Model).contains(&"gpt-6-luna"));
        let file = scenarios()
            .iter()
            .find(|file| file.name == "normal")
            .expect("a bundled scenario");
        for (setting, name) in [
            ("web.plan=standart", "standart"),
            ("postgres.plan=pro", "pro"),
            ("openai.use.chat=gpt-6-luna", "gpt-6-luna"),
        ] {
            let loaded = load(file, &[setting.to_owned()]);
            let text = render_all(&loaded.diagnostics, &loaded.sources, false);
            assert!(loaded.plan.is_none() && text.contains(name), "{setting}: {text:?}");
        }
    }

    /// A file that is written and not listed is never found by name, and nobody notices.
    #[test]
    fn every_file_in_the_folder_ships() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
        let names = |below: &str, prefix: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(folder.join(below)).expect("the folder is part of the repository");
            let names = entries.map(|entry| {
                entry
                    .expect("a readable folder")
                    .file_name()
                    .into_string()
                    .expect("a name")
            });
            names
                .filter_map(|name| Some(format!("{prefix}{}", name.strip_suffix(".toml")?)))
                .collect()
        };
        let shipped = |files: &[Bundled]| files.iter().map(|file| file.name.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(shipped(scenarios()), &names("", "") | &names("textbook", "textbook/"));
        assert_eq!(shipped(systems()), names("systems", ""));
        assert_eq!(shipped(studies()), names("studies", ""));
    }

    /// `highwater run viral-spike` is the first thing that a newcomer types.
    #[test]
    fn files_are_found_by_name() {
        for file in scenarios() {
            assert_eq!(scenario(file.name), Some(file.text));
        }
        assert!(system("coaching").is_some() && scenario("mm1") == scenario("textbook/mm1"));
        for nothing in ["", "textbook", "viral-spike.toml", "coaching", "m1"] {
            assert!(scenario(nothing).is_none(), "{nothing:?}");
        }
    }

    /// The scenarios are the manual: without its question a file is a heap of settings, and a list in the manual that says
    /// something else sends readers to the wrong one.
    #[test]
    fn every_file_opens_with_its_question_and_the_list_repeats_it() {
        let list = include_str!("../../scenarios/README.md");
        for file in scenarios().iter().chain(studies()) {
            let question = file.question();
            assert!(question.ends_with('?'), "{} opens with {question:?}", file.name);
            assert!(
                list.contains(&format!("| `{}.toml` | {question} |", file.name)),
                "{}: {question}",
                file.name
            );
            assert!(
                file.text.contains("\n# Look at: "),
                "{} does not say what to look at",
                file.name
            );
        }
    }
}
