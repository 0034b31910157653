//! The sets of globs that one name can match at once, each with such a name.
//!
//! All globs are read in parallel, like automata, over the letters that they contain and one that none of them does: any
//! other letter would lead to the same state. So every possible set is found, unless there are too many.

use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::model::Pattern;

/// The maximum number of positions to examine in all globs. Globs that overlap in every possible way have more sets than anyone
/// could read.
const MOST_LOOKS: usize = 5_000_000;

/// The maximum number of sets beyond the number of globs.
const MOST_OVERLAPS: usize = 1_000;

/// For every set of globs that one name can match, an example of such a name: the shortest one with the `stranger`, a letter
/// in no pattern; if there is none, the shortest that is not among `names`. The sets with the fewest globs
/// come first.
pub(super) fn kinds(
    globs: &[&Pattern],
    names: &HashSet<String>,
    stranger: char,
) -> Vec<(Vec<usize>, String)> {
    let globs: Vec<Vec<char>> = globs
        .iter()
        .map(|glob| glob.as_str().chars().collect())
        .collect();
    let mut found: BTreeMap<(usize, Vec<usize>), (bool, String)> = BTreeMap::new();
    let start = Reading::start(&globs);
    let mut seen = HashSet::from([(start.clone(), false)]);
    let mut queue = VecDeque::from([(start, String::new())]);
    let mut looks = 0;
    while let Some((reading, name)) = queue.pop_front() {
        let has_stranger = name.contains(stranger);
        let set = reading.at_end(&globs);
        if !set.is_empty() && !name.is_empty() && !names.contains(name.as_str()) {
            let best = found.entry((set.len(), set));
            let best = best.or_insert_with(|| (has_stranger, name.clone()));
            if has_stranger && !best.0 {
                *best = (true, name.clone());
            }
        }
        let mut letters = reading.letters(&globs);
        letters.insert(0, stranger);
        let fits = |letter: &char| is_part_of_scope(*letter, name.is_empty());
        for letter in letters.into_iter().filter(fits) {
            looks += reading.0.len();
            let next = reading.after(letter, &globs);
            let key = (next, has_stranger || letter == stranger);
            if looks > MOST_LOOKS || found.len() > globs.len() + MOST_OVERLAPS {
                return examples(found);
            }
            if !key.0.0.is_empty() && seen.insert(key.clone()) {
                queue.push_back((key.0, format!("{name}{letter}")));
            }
        }
    }
    examples(found)
}

/// Returns true if a scope can contain this character. Barman accepts no name that begins with a hyphen, and servers are often
/// named after the scope.
fn is_part_of_scope(letter: char, at_start: bool) -> bool {
    match letter {
        '/' => false,
        '-' | '.' => !at_start,
        letter => !letter.is_whitespace() && !letter.is_control(),
    }
}

fn examples(found: BTreeMap<(usize, Vec<usize>), (bool, String)>) -> Vec<(Vec<usize>, String)> {
    found
        .into_iter()
        .map(|((_, set), (_, name))| (set, name))
        .collect()
}

/// The positions in all globs that a name has reached, in order: the glob, and the number of its characters passed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Reading(Vec<(usize, usize)>);

impl Reading {
    fn start(globs: &[Vec<char>]) -> Self {
        Self::of((0..globs.len()).map(|glob| (glob, 0)), globs)
    }

    /// These positions, and those after a `*`, which can match nothing.
    fn of(places: impl Iterator<Item = (usize, usize)>, globs: &[Vec<char>]) -> Self {
        let mut all = Vec::new();
        for (glob, mut at) in places {
            all.push((glob, at));
            while character(globs, glob, at) == Some('*') {
                at += 1;
                all.push((glob, at));
            }
        }
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    fn after(&self, letter: char, globs: &[Vec<char>]) -> Self {
        let next = self
            .0
            .iter()
            .filter_map(|(glob, at)| match character(globs, *glob, *at)? {
                '*' => Some((*glob, *at)),
                '?' => Some((*glob, at + 1)),
                wanted => (wanted == letter).then_some((*glob, at + 1)),
            });
        Self::of(next, globs)
    }

    /// The letters with a different result than any other letter.
    fn letters(&self, globs: &[Vec<char>]) -> Vec<char> {
        let here = self.0.iter();
        let mut letters: Vec<char> = here
            .filter_map(|(glob, at)| character(globs, *glob, *at))
            .filter(|letter| !matches!(letter, '*' | '?'))
            .collect();
        letters.sort_unstable();
        letters.dedup();
        letters
    }

    /// The globs that match the name.
    fn at_end(&self, globs: &[Vec<char>]) -> Vec<usize> {
        let places = self.0.iter();
        let ended =
            places.filter(|(glob, at)| globs.get(*glob).is_some_and(|all| *at == all.len()));
        ended.map(|(glob, _)| *glob).collect()
    }
}

fn character(globs: &[Vec<char>], glob: usize, at: usize) -> Option<char> {
    globs.get(glob)?.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(globs: &[&str], names: &[&str]) -> Vec<(Vec<usize>, String)> {
        let globs: Vec<Pattern> = globs.iter().map(|glob| Pattern::new(*glob)).collect();
        let globs: Vec<&Pattern> = globs.iter().collect();
        kinds(
            &globs,
            &names.iter().map(|name| (*name).to_owned()).collect(),
            '7',
        )
    }

    #[test]
    fn every_overlap_is_found() {
        for (globs, names, expected) in [
            (&["main-?"][..], &["main-1"][..], &["main-7"][..]),
            (&["pg-?", "*-2"], &[], &["pg-7", "7-2", "pg-2"]),
            (&["a?", "?b"], &[], &["a7", "7b", "ab"]),
            (&["a?", "?b"], &["ab"], &["a7", "7b"]),
            (&["*", "?"], &[], &["77", "7"]),
            (&["a*", "ab*"], &["a"], &["a7", "ab7"]),
        ] {
            let found = found(globs, names);
            let names: Vec<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
            assert_eq!(names, expected, "{globs:?}");
        }
        let three = found(&["pg-*", "*-eu-*", "*-test"], &[]);
        let sets: Vec<Vec<usize>> = three.into_iter().map(|(set, _)| set).collect();
        let all = [
            vec![0],
            vec![1],
            vec![2],
            vec![0, 1],
            vec![0, 2],
            vec![1, 2],
            vec![0, 1, 2],
        ];
        assert_eq!(sets, all);
    }

    #[test]
    fn an_example_is_what_its_globs_match() {
        let globs = ["a*b?c", "*b*", "?a*", "*", "**?", "c*c"];
        for (set, name) in found(&globs, &[]) {
            let matching = globs.iter().enumerate();
            let matching = matching.filter(|(_, glob)| Pattern::new(**glob).matches(&name));
            assert_eq!(
                set,
                matching.map(|(index, _)| index).collect::<Vec<_>>(),
                "{name}"
            );
        }
    }

    #[test]
    fn too_many_overlaps_come_to_an_end() {
        let globs: Vec<String> = ('a'..='z').map(|letter| format!("*{letter}*")).collect();
        let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
        assert!(found(&globs, &[]).len() > globs.len());
    }
}
