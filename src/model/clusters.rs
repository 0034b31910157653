//! The clusters that a rule is for.

use std::collections::HashSet;
use std::fmt;

use super::Pattern;

/// The names and globs of a rule's clusters, and the exclusions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clusters {
    named: Vec<Pattern>,
    /// The names among them: there may be thousands.
    names: HashSet<String>,
    /// Each exclusion with its index in the list.
    excluded: Vec<(usize, Pattern)>,
}

impl Clusters {
    /// The sign before a pattern that excludes.
    pub const EXCLUDES: char = '!';

    /// The clusters given by these words in the notation of the rules file.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut clusters = Self::default();
        for (index, word) in words.into_iter().enumerate() {
            if let Some(text) = word.strip_prefix(Self::EXCLUDES) {
                clusters.excluded.push((index, Pattern::new(text)));
                continue;
            }
            let pattern = Pattern::new(word);
            if !pattern.is_glob() {
                clusters.names.insert(word.to_owned());
            }
            clusters.named.push(pattern);
        }
        clusters
    }

    /// Returns true if the rule names no cluster, and applies to all.
    pub fn are_any(&self) -> bool {
        self.named.is_empty()
    }

    /// Returns true if the rule applies to the cluster with this name.
    pub fn include(&self, name: &str) -> bool {
        let has_globs = self.names.len() < self.named.len();
        let mut globs = self.named.iter().filter(|_| has_globs);
        let named = self.names.contains(name) || globs.any(|pattern| pattern.matches(name));
        (named || self.are_any()) && !self.exclude(name)
    }

    /// Returns true if the cluster with this name is excluded, whatever includes it.
    pub fn exclude(&self, name: &str) -> bool {
        self.excluded().any(|(_, pattern)| pattern.matches(name))
    }

    /// The patterns of the clusters that the rule applies to.
    pub fn named(&self) -> &[Pattern] {
        &self.named
    }

    /// The patterns of the excluded clusters, each with its index in the list.
    pub fn excluded(&self) -> impl Iterator<Item = (usize, &Pattern)> {
        self.excluded
            .iter()
            .map(|(index, pattern)| (*index, pattern))
    }

    /// The patterns in the notation of the rules file, with the excluded ones at the end.
    pub fn words(&self) -> Vec<String> {
        let named = self.named.iter().map(ToString::to_string);
        let excluded = self
            .excluded()
            .map(|(_, pattern)| format!("{}{pattern}", Self::EXCLUDES));
        named.chain(excluded).collect()
    }

    /// Every pattern, of both kinds.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let excluded = self.excluded().map(|(_, pattern)| pattern);
        self.named.iter().chain(excluded)
    }
}

impl fmt::Display for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::Clusters;

    #[test]
    fn an_excluded_cluster_is_out_whatever_names_it() {
        let clusters = Clusters::new(["*", "!lab-*", "!old"]);
        for (name, expected) in [
            ("main", true),
            ("lab-1", false),
            ("old", false),
            ("lab", true),
        ] {
            assert_eq!(clusters.include(name), expected, "{name}");
        }
        assert_eq!(clusters.to_string(), "*, !lab-*, !old");
        assert!(Clusters::new([]).include("main"));
    }
}
