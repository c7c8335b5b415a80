//! The nearest valid name to one that is not.
//!
//! Owns: what counts as near.
//! Never: which names are valid.

/// The candidate nearest to `wrong`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'c>(wrong: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if wrong.is_empty() {
        return None;
    }
    let folded = fold(wrong);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = fold(candidate);
        let mut distance = distance(&folded, &other);
        // A part of a longer name, or a longer name for a part, is a likely slip too, though many letters away.
        let part =
            folded.len() >= 3 && (other.starts_with(&folded[..]) || folded.starts_with(&other[..])) && other.len() >= 3;
        if part {
            distance = distance.min(2);
        }
        let allowed = if part {
            2
        } else {
            (folded.len().max(other.len()) / 3).max(1)
        };
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// “did you mean …?”, or the list of what there is, or nothing to say.
pub(crate) fn did_you_mean<'c>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
    what: &str,
) -> Option<String> {
    if let Some(near) = nearest(wrong, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = candidates.into_iter().map(|one| format!("`{one}`")).collect();
    if all.is_empty() {
        return None;
    }
    // A longer list hides what it should show.
    const SHOWN: usize = 24;
    let mut list = all[..all.len().min(SHOWN)].join(", ");
    if all.len() > SHOWN {
        list.push_str(", …");
    }
    Some(format!("{what}: {list}"))
}

/// How many letters must be changed, added, left out or swapped to make one name of the other; case does not count.
pub(crate) fn letters_apart(left: &str, right: &str) -> usize {
    distance(&fold(left), &fold(right))
}

/// Letters that differ only in case or in `-`, `_` and blanks are the same.
fn fold(text: &str) -> Vec<char> {
    // Longer names than this are not compared in full: the table below grows with the product of both lengths.
    const LONGEST: usize = 64;
    text.chars()
        .take(LONGEST)
        .flat_map(char::to_lowercase)
        .map(|letter| if matches!(letter, '-' | ' ') { '_' } else { letter })
        .collect()
}

/// How many letters must be changed, added, left out or swapped with their neighbour.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let mut least = (above[column + 1] + 1)
                .min(current[column] + 1)
                .min(above[column] + usize::from(a != b));
            if row > 0 && column > 0 && a == right[column - 1] && left[row - 1] == b {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    /// Without it, a slip of the finger is answered with a list to search instead of the name that was meant.
    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let names = [
            "max",
            "min",
            "idle_timeout",
            "timeout",
            "waiters",
            "max_uses",
            "round_robin",
        ];
        for (wrong, expected) in [
            ("mx", Some("max")),
            ("mni", Some("min")),
            ("Timeout", Some("timeout")),
            ("idle-timeout", Some("idle_timeout")),
            ("idel_timeout", Some("idle_timeout")),
            ("waiter", Some("waiters")),
            ("round", Some("round_robin")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, names), expected, "{wrong}");
        }
    }
}
