//! Small pieces of text that rules share: paths, plurals, lists.

/// `1 process`, `4 processes`.
pub(super) fn many(count: u64, one: &str, several: &str) -> String {
    let number = crate::units::show_number(count as f64);
    format!("{number} {}", if count == 1 { one } else { several })
}

/// A name as a part of a setting's path: quoted where it has dots or blanks.
pub(super) fn part(name: &str) -> String {
    let is_bare = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
    if is_bare {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

/// The path of a resource's setting: `connections.max`.
pub(super) fn path(name: &str, key: &str) -> String {
    format!("{}.{key}", part(name))
}

/// A setting for the command line: `--set connections.max=5`.
pub(super) fn set(path: &str, value: impl std::fmt::Display) -> String {
    let setting = format!("{path}={value}");
    if setting.contains(['"', ' ', '{']) {
        return format!("--set '{setting}'");
    }
    format!("--set {setting}")
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [before @ .., last] => {
            let before: Vec<&str> = before.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", before.join(", "), last.as_ref())
        }
    }
}

/// Each name in backticks.
pub(super) fn ticked<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect()
}
