//! Tests of files as a whole: what loads, and what exactly is said about what does not.

use super::*;

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("no such file".to_owned())
    }
}

const COACHING: &str = include_str!("test_data/coaching.toml");
const SPIKE: &str = include_str!("test_data/viral-spike.toml");
const MM1: &str = include_str!("test_data/mm1.toml");

fn bundled(name: &str) -> Option<&'static str> {
    (name == "coaching").then_some(COACHING)
}

#[test]
fn show() {
    let dir = "/tmp/bad";
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let settings: Vec<String> = text.lines().filter_map(|l| l.strip_prefix("#--set ")).map(str::to_owned).collect();
        println!("======== {}", path.display());
        let loaded = load_scenario(Request::new("a.toml", text).with_settings(&settings), &NoFiles, bundled);
        println!("{}", render_all(&loaded.diagnostics, &loaded.sources, false));
    }
}
