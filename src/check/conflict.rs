//! Requests of one event that set one target to different values.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Match, Target};

use super::cells::place;
use super::lint::{All, Kind, Lint};
use super::setting::Setting;
use super::table::Table;

/// The number of contradicted requests that are named.
const MOST_RELATED: usize = 4;

/// The number of a rule, and of the request in it.
type Number = (usize, usize);

/// The contradictions, by the later request.
#[derive(Default)]
pub(super) struct Conflicts {
    found: BTreeMap<Number, BTreeMap<Number, Clash>>,
}

/// Two requests that contradict each other in some cell.
struct Clash {
    sure: bool,
    target: Target,
    cell: usize,
    /// A cluster in which they contradict each other, if the rules name different ones.
    cluster: Option<String>,
    /// The values that the earlier and the later request set.
    values: (String, String),
}

impl<'r> Lint<'r> for Conflicts {
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        let mut by_target: HashMap<&Target, Vec<&Setting>> = HashMap::new();
        for setting in kind.settings {
            by_target.entry(&setting.target).or_default().push(setting);
        }
        for group in by_target.values().filter(|group| group.len() > 1) {
            let first = group.first().map(|setting| &setting.value);
            if group.iter().any(|setting| Some(&setting.value) != first) {
                self.look_at(kind.table, kind.name, group);
            }
        }
    }

    /// Returns a problem for each request that contradicts earlier ones.
    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (later, clashes) in &self.found {
            for sure in [true, false] {
                let these = clashes.iter().filter(|(_, clash)| clash.sure == sure);
                let these: Vec<_> = these.collect();
                problems.extend(problem(all.table, *later, &these));
            }
        }
        problems
    }
}

impl Conflicts {
    /// Compares the settings of one target, in order. Only settings that can add something are compared: not a
    /// second one with the same value and the same condition in the same cells, and not one whose
    /// condition fixes a fact to another value.
    fn look_at(&mut self, table: &Table<'_>, cluster: &str, group: &[&Setting]) {
        let key = commonest_fact(table, group);
        let mut by_fact: HashMap<Option<String>, Vec<&Setting>> = HashMap::new();
        let mut known = HashSet::new();
        for setting in group {
            let Some(rule) = table.rule(setting.rule) else {
                continue;
            };
            let fact = key.as_ref();
            let fact = fact.and_then(|key| fixed(table, setting.rule, key));
            let facts: Vec<&Option<String>> = match fact {
                None => by_fact.keys().collect(),
                Some(_) => vec![&fact, &None],
            };
            let others = facts.iter().filter_map(|fact| by_fact.get(fact)).flatten();
            for other in others {
                if self.is_full(setting) {
                    break;
                }
                self.compare(table, cluster, other, setting);
            }
            let when = rule.when.as_ref().map(|when| when.text.as_str());
            if known.insert((&setting.value, when, setting.may)) {
                by_fact.entry(fact).or_default().push(setting);
            }
        }
    }

    /// Returns true if more contradictions of a request would say nothing new.
    fn is_full(&self, later: &Setting) -> bool {
        let found = self.found.get(&(later.rule, later.request));
        found.is_some_and(|found| found.len() > MOST_RELATED * 4)
    }

    fn compare(&mut self, table: &Table<'_>, cluster: &str, earlier: &Setting, later: &Setting) {
        let both = earlier.may.and(later.may);
        let (one, other) = (earlier.rule, later.rule);
        if earlier.value == later.value || both.is_empty() {
            return;
        }
        // Under `match: first` no two rules fire together.
        if one != other && table.rules.matching == Match::First {
            return;
        }
        let numbers = |setting: &Setting| (setting.rule, setting.request);
        let known = self.found.get(&numbers(later));
        let known = known.and_then(|known| known.get(&numbers(earlier)));
        let sure = if one == other {
            both
        } else {
            earlier.sure.and(later.sure)
        };
        if known.is_some_and(|clash| clash.sure || sure.is_empty()) {
            return;
        }
        if one != other && exclude(table, one, other) {
            return;
        }
        let shown = if sure.is_empty() { both } else { sure };
        let clash = Clash {
            sure: !sure.is_empty(),
            target: later.target.clone(),
            cell: shown.first().unwrap_or_default(),
            cluster: overlap(table, one, other).then(|| cluster.to_owned()),
            values: (earlier.value.clone(), later.value.clone()),
        };
        let clashes = self.found.entry(numbers(later)).or_default();
        clashes.insert(numbers(earlier), clash);
    }
}

/// The fact that most conditions fix.
fn commonest_fact(table: &Table<'_>, group: &[&Setting]) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for premises in group
        .iter()
        .filter_map(|setting| table.premises(setting.rule))
    {
        for (fact, _) in premises.fixed() {
            *counts.entry(fact).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(fact, _)| fact)
}

/// The value that a rule's condition requires of a fact.
fn fixed(table: &Table<'_>, rule: usize, fact: &str) -> Option<String> {
    let premises = table.premises(rule)?;
    let mut fixed = premises.fixed();
    fixed.find(|(name, _)| name == fact).map(|(_, value)| value)
}

/// Returns true if the conditions of two rules never hold together.
fn exclude(table: &Table<'_>, one: usize, other: usize) -> bool {
    let (one, other) = (table.premises(one), table.premises(other));
    one.zip(other)
        .is_some_and(|(one, other)| one.exclude(&other))
}

fn problem(table: &Table<'_>, later: Number, clashes: &[(&Number, &Clash)]) -> Option<Problem> {
    let (earlier, clash) = clashes.first()?;
    let same_rule = earlier.0 == later.0;
    let (code, sets) = if clash.sure {
        (Code::Conflict, "sets")
    } else {
        (Code::PossibleConflict, "may set")
    };
    let help = match code {
        Code::Conflict if same_rule => "keep one of the two requests",
        Code::Conflict => "give one of the rules other events, roles or clusters, or a `when`",
        _ => {
            "give the rules conditions that never hold together, as `env.SITE == \"a\"` and `env.SITE == \"b\"`"
        }
    };
    let other = table.other_sender(later.0, earlier.0)?;
    let (before, after) = &clash.values;
    let message = format!(
        "on {}, this sets {} to {after}, and {other} {sets} it to {before}",
        place(clash.cell, clash.cluster.as_deref()),
        clash.target,
    );
    let spot = Spot::value(table.request_origin(later)?);
    let mut problem = Problem::new(code, spot, message).help(help);
    for (number, clash) in clashes.iter().take(MOST_RELATED) {
        let note = format!("{} here", clash.values.0);
        problem = problem.related(Spot::value(table.request_origin(**number)?), note);
    }
    Some(problem)
}

/// Returns true if only a comparison of the patterns of both rules shows that they share a cluster.
fn overlap(table: &Table<'_>, one: usize, other: usize) -> bool {
    let (Some(one), Some(other)) = (table.rule(one), table.rule(other)) else {
        return false;
    };
    let is_plain = one.cluster.are_any() || other.cluster.are_any();
    !is_plain && one.cluster != other.cluster
}
