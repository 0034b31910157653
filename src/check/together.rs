//! The rules that take longest together.
//!
//! Rules whose conditions require different values of one fact never fire together. So the facts are fixed one after the other:
//! for each value of a fact, only the rules that allow it remain. Rules that no fact connects are
//! examined separately, which keeps this short for realistic rules; for others there is a limit, beyond
//! which the result may be too long but never too short.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::template::Asked;

use super::table::Table;

/// The maximum number of rules to examine, counted each time.
const MOST_LOOKS: usize = 1_000_000;

/// Rules that may fire together.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// Their total time, one after the other.
    pub(super) time: Duration,
    pub(super) rules: Vec<usize>,
}

impl Group {
    fn join(&mut self, other: Self) {
        self.time = self.time.saturating_add(other.time);
        self.rules.extend(other.rules);
    }
}

/// The conditions' requirements, and the times of the rules.
pub(super) struct Together {
    /// For each rule, its longest time.
    times: Vec<Duration>,
    /// For each rule, the facts in its condition and the values it requires.
    asked: Vec<Vec<(usize, Asked)>>,
    /// For each fact, true while it is fixed.
    settled: Vec<bool>,
    looks_left: usize,
}

/// The remaining rules once a fact is fixed.
enum Left {
    ForEach(Vec<Vec<usize>>),
    /// Too many to examine each; these take at least as long as any of them.
    AtMost(Group),
}

impl Together {
    pub(super) fn new(table: &Table<'_>, times: Vec<Duration>) -> Self {
        let mut facts: HashMap<String, usize> = HashMap::new();
        let mut all = Vec::new();
        for rule in 0..table.rules.rules.len() {
            let mut asked = Vec::new();
            let premises = table.premises(rule);
            for (fact, what) in premises.iter().flat_map(|premises| premises.common()) {
                let next = facts.len();
                asked.push((*facts.entry(fact).or_insert(next), what));
            }
            all.push(asked);
        }
        Self {
            times,
            asked: all,
            settled: vec![false; facts.len()],
            looks_left: MOST_LOOKS,
        }
    }

    pub(super) fn time(&self, rule: usize) -> Duration {
        self.times.get(rule).copied().unwrap_or_default()
    }

    /// These rules, one after the other.
    pub(super) fn all(&self, rules: &[usize]) -> Group {
        let times = rules.iter().map(|rule| self.time(*rule));
        Group {
            time: times.fold(Duration::ZERO, Duration::saturating_add),
            rules: rules.to_vec(),
        }
    }

    /// The rules that may fire together and take longest.
    pub(super) fn longest(&mut self, rules: &[usize]) -> Group {
        let mut longest = Group::default();
        for tied in self.tied(rules) {
            longest.join(self.longest_of_tied(&tied));
        }
        longest
    }

    fn longest_of_tied(&mut self, rules: &[usize]) -> Group {
        let Some(fact) = self.commonest(rules) else {
            return self.all(rules);
        };
        let each = match self.left(rules, fact) {
            Left::ForEach(each) => each,
            Left::AtMost(group) => return group,
        };
        let looks: usize = each.iter().map(Vec::len).sum();
        self.looks_left = self.looks_left.saturating_sub(looks + rules.len());
        self.settle(fact, true);
        let mut longest = Group::default();
        for left in &each {
            if self.all(left).time > longest.time {
                let group = self.longest(left);
                if group.time > longest.time {
                    longest = group;
                }
            }
        }
        self.settle(fact, false);
        longest
    }

    fn settle(&mut self, fact: usize, settled: bool) {
        if let Some(place) = self.settled.get_mut(fact) {
            *place = settled;
        }
    }

    /// The facts in a rule's condition that are not yet fixed.
    fn open(&self, rule: usize) -> impl Iterator<Item = (usize, &Asked)> {
        let asked = self.asked.get(rule).into_iter().flatten();
        let is_open = |fact: usize| self.settled.get(fact) == Some(&false);
        asked
            .filter(move |(fact, _)| is_open(*fact))
            .map(|(fact, asked)| (*fact, asked))
    }

    /// The rules in groups that share no fact.
    fn tied(&self, rules: &[usize]) -> Vec<Vec<usize>> {
        let mut by_fact: HashMap<usize, Vec<usize>> = HashMap::new();
        for rule in rules {
            for (fact, _) in self.open(*rule) {
                by_fact.entry(fact).or_default().push(*rule);
            }
        }
        let mut seen = HashSet::new();
        let mut groups = Vec::new();
        for first in rules {
            let mut group = Vec::new();
            let mut next = vec![*first];
            while let Some(rule) = next.pop() {
                if seen.insert(rule) {
                    group.push(rule);
                    let tied = self
                        .open(rule)
                        .filter_map(|(fact, _)| by_fact.remove(&fact));
                    next.extend(tied.flatten());
                }
            }
            if !group.is_empty() {
                groups.push(group);
            }
        }
        groups
    }

    /// The open fact that most conditions use.
    fn commonest(&self, rules: &[usize]) -> Option<usize> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (fact, _) in rules.iter().flat_map(|rule| self.open(*rule)) {
            *counts.entry(fact).or_default() += 1;
        }
        let commonest = counts.into_iter().max_by_key(|(_, count)| *count);
        commonest.map(|(fact, _)| fact)
    }

    /// The remaining rules for each value of the fact.
    fn left(&self, rules: &[usize], fact: usize) -> Left {
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        // These don't name the value they want, so they also apply to one that no rule names.
        let mut others: Vec<(usize, Option<&Asked>)> = Vec::new();
        for rule in rules {
            match self.open(*rule).find(|(open, _)| *open == fact) {
                Some((_, Asked::OneOf(texts))) => {
                    for text in texts {
                        let of_text = named.entry(text).or_default();
                        if of_text.last() != Some(rule) {
                            of_text.push(*rule);
                        }
                    }
                }
                asked => others.push((*rule, asked.map(|(_, asked)| asked))),
            }
        }
        let unnamed: Vec<usize> = others.iter().map(|(rule, _)| *rule).collect();
        let looks = named.values().map(Vec::len).sum::<usize>() + others.len() * (named.len() + 1);
        if looks > self.looks_left {
            let groups = named.values().map(|rules| self.all(rules));
            let mut most = groups.max_by_key(|group| group.time).unwrap_or_default();
            most.join(self.all(&unnamed));
            return Left::AtMost(most);
        }
        let mut each = vec![unnamed];
        for (text, mut rules) in named {
            let allow = |asked: Option<&Asked>| asked.is_none_or(|asked| asked.allows(text));
            rules.extend(
                others
                    .iter()
                    .filter(|(_, asked)| allow(*asked))
                    .map(|(rule, _)| *rule),
            );
            each.push(rules);
        }
        Left::ForEach(each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;
    use crate::source::Source;

    /// Rules with these conditions, each taking one second.
    fn together(conditions: &[String]) -> Together {
        let mut text = "version: 1\napi: {url: \"http://b\"}\nrules:\n".to_owned();
        for (number, when) in conditions.iter().enumerate() {
            let rule = format!(
                "  - {{name: r{number}, on: on_stop, role: primary, when: '{when}', request: {{type: config_switch, server: s, reset: true}}}}\n"
            );
            text.push_str(&rule);
        }
        let rules = load::load(&[Source::new("rules.yml", text)]).rules.unwrap();
        Together::new(
            &Table::new(&rules),
            vec![Duration::from_secs(1); conditions.len()],
        )
    }

    /// Every kind of condition on every two of three facts, or a sample, compared with trying all values of the facts.
    #[test]
    fn the_longest_is_what_trying_every_value_finds() {
        let texts = ["a", "b", "c", "other"];
        let mut seed = 7_usize;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..300 {
            let mut conditions = Vec::new();
            let mut wanted: Vec<Vec<(usize, bool, usize)>> = Vec::new();
            for _ in 0..=next(6) {
                let parts: Vec<_> = (0..=next(2))
                    .map(|_| (next(3), next(2) == 0, next(3)))
                    .collect();
                let part = |(fact, equal, text): &(usize, bool, usize)| {
                    let sign = if *equal { "==" } else { "!=" };
                    format!("env.F{fact} {sign} \"{}\"", texts[*text])
                };
                conditions.push(parts.iter().map(part).collect::<Vec<_>>().join(" and "));
                wanted.push(parts);
            }
            let fires = |values: &[usize; 3], parts: &Vec<(usize, bool, usize)>| {
                let holds =
                    |(fact, equal, text): &(usize, bool, usize)| (values[*fact] == *text) == *equal;
                parts.iter().all(holds)
            };
            let all = (0..64).map(|n| [n % 4, n / 4 % 4, n / 16]);
            let most = all
                .map(|values| wanted.iter().filter(|parts| fires(&values, parts)).count())
                .max()
                .unwrap();
            let rules: Vec<usize> = (0..conditions.len()).collect();
            let mut exact = together(&conditions);
            let found = exact.longest(&rules);
            assert_eq!(
                usize::try_from(found.time.as_secs()),
                Ok(most),
                "{conditions:?}"
            );
            assert_eq!(found.rules.len(), most, "{conditions:?}");
            // Beyond the limit the result may be greater, but never smaller.
            let mut limited = together(&conditions);
            limited.looks_left = 0;
            assert!(limited.longest(&rules).time >= found.time, "{conditions:?}");
        }
    }
}
