//! The kinds of cluster that rules distinguish, with an example of each.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::kinds::kinds;
use super::named::named;
use crate::model::{Pattern, RuleSet};

/// The example of a cluster that no rule names.
const OTHERS: [&str; 3] = ["CLUSTER", "ANOTHER-CLUSTER", "A-CLUSTER-THAT-NO-RULE-NAMES"];

/// A kind of cluster: all those whose names match the same patterns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cluster {
    /// An example of its name.
    pub name: String,
    /// The patterns that match it, in the notation of the rules.
    pub matches: Vec<String>,
}

/// An example of every kind of cluster that these rule sets distinguish, in the order in which
/// they name them; last the kind that they don't name. `wanted` are additional names from the user.
#[must_use]
pub fn clusters(sets: &[&RuleSet], wanted: &[String]) -> Vec<Cluster> {
    let patterns = Patterns::of(sets);
    let stranger = patterns.stranger();
    let mut examples: Vec<String> = wanted.to_vec();
    examples.extend(patterns.names.iter().cloned());
    let kinds = kinds(&patterns.globs, &patterns.known, stranger);
    examples.extend(kinds.into_iter().map(|(_, name)| name));
    // If there are too many kinds to distinguish, every glob still has one.
    let filled = |glob: &&Pattern| {
        glob.as_str()
            .replace(['*', '?'], stranger.encode_utf8(&mut [0; 4]))
    };
    examples.extend(patterns.globs.iter().map(filled));
    examples.extend(OTHERS.map(str::to_owned));
    let longest = patterns.globs.iter().map(|glob| glob.as_str().len()).max();
    examples.push(stranger.to_string().repeat(longest.unwrap_or_default() + 1));
    let (mut kinds, mut named) = (HashSet::new(), HashSet::new());
    let mut found = Vec::new();
    for (index, name) in examples.iter().enumerate() {
        let matches = patterns.matching(name);
        // A name from the user is shown even if it equals another kind.
        let new = kinds.insert(matches.clone()) || index < wanted.len();
        if new && !name.is_empty() && named.insert(name) {
            found.push(Cluster {
                name: name.clone(),
                matches: matches.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    found.sort_by_key(|cluster| cluster.matches.is_empty());
    found
}

/// The patterns of the rules that match a name: two names with the same ones are of one kind.
#[must_use]
pub fn signature(sets: &[&RuleSet], name: &str) -> Vec<String> {
    let patterns = Patterns::of(sets);
    let matches = patterns.matching(name);
    matches.into_iter().map(str::to_owned).collect()
}

/// Every pattern once, in the rules' order.
struct Patterns<'a> {
    names: Vec<String>,
    known: HashSet<String>,
    globs: Vec<&'a Pattern>,
    /// The indices of the globs with this prefix before their first `*` or `?`: there may be one for every rule.
    by_start: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Patterns<'a> {
    fn of(sets: &[&'a RuleSet]) -> Self {
        let mut known = HashSet::new();
        let rules = sets.iter().flat_map(|set| &set.rules);
        let all = rules.flat_map(|rule| rule.cluster.patterns());
        let new = all.filter(|pattern| known.insert(pattern.as_str()));
        let (globs, names): (Vec<_>, Vec<_>) =
            new.partition(|pattern| pattern.as_str().contains(['*', '?']));
        let mut names: Vec<String> = names
            .into_iter()
            .map(|name| name.as_str().to_owned())
            .collect();
        let mut texts: HashSet<String> = known.into_iter().map(str::to_owned).collect();
        for name in sets.iter().flat_map(|set| named(set)) {
            if texts.insert(name.clone()) {
                names.push(name);
            }
        }
        let mut by_start: HashMap<_, Vec<_>> = HashMap::new();
        for (index, glob) in globs.iter().enumerate() {
            let start = glob.as_str().split(['*', '?']).next().unwrap_or_default();
            by_start.entry(start).or_default().push(index);
        }
        Self {
            names,
            known: texts,
            globs,
            by_start,
        }
    }

    /// A letter in no pattern, or a digit if possible.
    fn stranger(&self) -> char {
        let used: HashSet<char> = self.known.iter().flat_map(|text| text.chars()).collect();
        let likely = ('1'..='9').chain('a'..='z').chain('A'..='Z');
        let mut all = likely.chain('\u{a1}'..=char::MAX);
        all.find(|letter| !used.contains(letter)).unwrap_or('1')
    }

    fn matching(&self, name: &str) -> Vec<&str> {
        let whole = self.known.get(name).map(String::as_str);
        let whole = whole.filter(|name| !name.contains(['*', '?']));
        let starts = (0..=name.len()).filter_map(|end| self.by_start.get(name.get(..end)?));
        let mut globs: Vec<usize> = starts.flatten().copied().collect();
        globs.sort_unstable();
        let globs = globs.into_iter().filter_map(|index| self.globs.get(index));
        let globs = globs.filter(|glob| glob.matches(name));
        whole
            .into_iter()
            .chain(globs.map(|glob| glob.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clusters, Fence, OnFailure, Origin, Poll, Retry, Rule, Verify};

    fn set(patterns: &[&str]) -> RuleSet {
        let rule = Rule {
            name: "r".to_owned(),
            on: Vec::new(),
            events_key: "on",
            role: Vec::new(),
            description: None,
            cluster: Clusters::new(patterns.iter().copied()),
            when: None,
            enabled: true,
            requests: Vec::new(),
            retry: Retry::default(),
            poll: Poll::default(),
            fence: Fence::None,
            verify: Verify::None,
            on_failure: OnFailure::Stop,
            allow_older_timeline: false,
            own_verify: false,
            recovery_timeout: None,
            each: Vec::new(),
            origin: Origin::default(),
        };
        RuleSet {
            rules: vec![rule],
            ..RuleSet::default()
        }
    }

    fn names(patterns: &[&str]) -> Vec<String> {
        let found = clusters(&[&set(patterns)], &[]);
        found.into_iter().map(|cluster| cluster.name).collect()
    }

    #[test]
    fn every_kind_of_cluster_has_one_example() {
        for (patterns, expected) in [
            (&[][..], &["CLUSTER"][..]),
            (&["main"], &["main", "CLUSTER"]),
            (&["main-*", "main-1"], &["main-1", "main-2", "CLUSTER"]),
            (&["*"], &["1"]),
            (&["?", "*"], &["11", "1"]),
            (&["main-*", "main-?"], &["main-11", "main-1", "CLUSTER"]),
            (&["main-1", "main-?"], &["main-1", "main-2", "CLUSTER"]),
            (&["a*", "*b"], &["a1", "1b", "a1b", "CLUSTER"]),
            (&["CLUSTER"], &["CLUSTER", "ANOTHER-CLUSTER"]),
            (&["C*", "A*"], &["C1", "A1", "111"]),
        ] {
            assert_eq!(names(patterns), expected, "{patterns:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_there_besides() {
        let found = clusters(&[&set(&["main"])], &["mine".to_owned(), "main".to_owned()]);
        let names: Vec<_> = found.iter().map(|cluster| cluster.name.as_str()).collect();
        assert_eq!(names, ["main", "mine"]);
    }
}
