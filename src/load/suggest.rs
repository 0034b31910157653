//! "Did you mean": the nearest valid word.

use crate::diagnostic::list;

/// The message for a rule that has the key `true` and no `on`.
pub(super) const READ_AS_TRUE: &str = "a YAML 1.1 program has read `on` as true";
/// The help for it: the word that YAML 1.1 programs don't change.
pub(super) const WRITE_EVENTS: &str = "write `events:`, which means the same as `on:`";

/// The maximum number of words to compare.
pub(super) const MAX_CANDIDATES: usize = 500;

/// The candidate closest to a word, if one is close enough to have been meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = fold(word);
    let limit = (folded.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(|candidate| candidate.chars().count().abs_diff(folded.len()) <= limit)
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A help line that suggests the closest candidate, or else names them all.
pub(super) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    one_of(candidates)
}

/// A help line that names all candidates, if there are few.
pub(super) fn one_of<'a>(candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const FEW: usize = 12;
    let all: Vec<_> = candidates.into_iter().take(FEW + 1).collect();
    (1..=FEW)
        .contains(&all.len())
        .then(|| format!("it can be {}", list(all, "or")))
}

/// Ignores case, `-` and spaces.
fn fold(word: &str) -> Vec<char> {
    word.chars()
        .take(64)
        .map(|c| match c {
            '-' | ' ' | '.' => '_',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// The number of insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut left_of_a = None;
    for (i, &from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        let mut left_of_b = None;
        for (j, &to) in b.iter().enumerate() {
            let at =
                |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&row, j) + usize::from(from != to);
            let mut best = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if left_of_a == Some(to) && left_of_b == Some(from) && j > 0 {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
            left_of_b = Some(to);
        }
        left_of_a = Some(from);
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let events = ["on_start", "on_stop", "on_role_change", "bootstrap"];
        for (word, expected) in [
            ("on_sart", Some("on_start")),
            ("on_satrt", Some("on_start")),
            ("on-role-change", Some("on_role_change")),
            ("OnRoleChange", Some("on_role_change")),
            ("bootstarp", Some("bootstrap")),
            ("promote", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, events), expected, "{word}");
        }
    }

    #[test]
    fn a_swap_counts_once() {
        let chars = |word: &str| word.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("form"), &chars("from")), 1);
        assert_eq!(distance(&chars("abc"), &chars("")), 3);
        assert_eq!(distance(&chars(""), &chars("ab")), 2);
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
    }
}
