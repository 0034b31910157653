//! The cells in which rules fire, for each kind of cluster and each rule.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use crate::model::{Match, Origin, Rule, RuleSet};
use crate::space::{Cluster, clusters};
use crate::template::{Premises, premises};

use super::cells::Cells;
use super::judge::Judge;

/// The maximum number of shadowing rules to remember.
const MOST_OWNERS: usize = 8;

/// The rules, with the kinds of cluster that they distinguish.
pub(super) struct Table<'r> {
    pub(super) rules: &'r RuleSet,
    pub(super) clusters: Vec<Cluster>,
    /// For each kind of cluster, its rules in order.
    of_cluster: Vec<Vec<usize>>,
    /// The number of rules in all kinds of cluster together.
    pairs: usize,
    /// For each rule, the cells that it names.
    cells: Vec<Cells>,
    /// For each rule, true if it names each of its clusters.
    names_clusters: Vec<bool>,
    /// The parts of conditions, by their text.
    premises: RefCell<HashMap<&'r str, Rc<Premises>>>,
}

/// The cells in which a rule fires in one kind of cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Firing {
    pub(super) rule: usize,
    /// The cells in which it may fire.
    pub(super) may: Cells,
    /// The cells in which it certainly fires.
    pub(super) sure: Cells,
    /// The cells in which it fires sooner or later, as far as known.
    pub(super) likely: Cells,
}

/// The results for a rule over all kinds of cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) cells: Cells,
    /// The cells in which its condition may be true.
    pub(super) could: Cells,
    /// The cells in which it may fire.
    pub(super) may: Cells,
    /// The cells in which its condition may be false.
    pub(super) doubtful: Cells,
    /// Some of the rules that fire instead of it.
    pub(super) taken_by: BTreeSet<usize>,
}

fn names_clusters(rule: &Rule) -> bool {
    let patterns = rule.cluster.named();
    let is_name = |pattern: &str| !pattern.contains(['*', '?']);
    !patterns.is_empty() && patterns.iter().all(|pattern| is_name(pattern.as_str()))
}

impl<'r> Table<'r> {
    pub(super) fn new(rules: &'r RuleSet) -> Self {
        let clusters = clusters(&[rules], &[]);
        let mut matching: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, cluster) in clusters.iter().enumerate() {
            for pattern in &cluster.matches {
                matching.entry(pattern).or_default().push(index);
            }
        }
        let mut of_cluster = vec![Vec::new(); clusters.len()];
        for (number, rule) in rules.rules.iter().enumerate() {
            if !rule.enabled {
                continue;
            }
            let excluded = rule.cluster.excluded();
            let excluded = excluded.filter_map(|(_, pattern)| matching.get(pattern.as_str()));
            let excluded: HashSet<usize> = excluded.flatten().copied().collect();
            let mut add = |cluster: usize| {
                if excluded.contains(&cluster) {
                    return;
                }
                let all: Option<&mut Vec<usize>> = of_cluster.get_mut(cluster);
                if let Some(all) = all.filter(|all| all.last() != Some(&number)) {
                    all.push(number);
                }
            };
            if rule.cluster.are_any() {
                (0..clusters.len()).for_each(&mut add);
            }
            for pattern in rule.cluster.named() {
                let matched = matching.get(pattern.as_str());
                matched.into_iter().flatten().copied().for_each(&mut add);
            }
        }
        let cells = rules.rules.iter().map(Cells::of).collect();
        Self {
            rules,
            clusters,
            pairs: of_cluster.iter().map(Vec::len).sum(),
            of_cluster,
            cells,
            names_clusters: rules.rules.iter().map(names_clusters).collect(),
            premises: RefCell::default(),
        }
    }

    /// The parts of a rule's condition, if it has one.
    pub(super) fn premises(&self, rule: usize) -> Option<Rc<Premises>> {
        let when = self.rule(rule)?.when.as_ref()?;
        let mut known = self.premises.borrow_mut();
        let found = known.entry(&when.text);
        let found = found.or_insert_with(|| Rc::new(premises(&when.text, &self.rules.vars)));
        Some(Rc::clone(found))
    }

    pub(super) fn rule(&self, number: usize) -> Option<&'r Rule> {
        self.rules.rules.get(number)
    }

    /// The place of a request, given the number of its rule and its own.
    pub(super) fn request_origin(&self, (rule, request): (usize, usize)) -> Option<&'r Origin> {
        let request = self.rule(rule)?.requests.get(request)?;
        Some(&request.origin)
    }

    /// The sender of another request, for a problem of a rule.
    pub(super) fn other_sender(&self, own: usize, other: usize) -> Option<String> {
        Some(if own == other {
            "another request of this rule".to_owned()
        } else {
            format!("the rule `{}`", self.rule(other)?.name)
        })
    }

    /// The name of a kind's only cluster; `None` if it takes too long to evaluate each rule in each cluster.
    pub(super) fn exact<'a>(&self, kind: &'a Cluster) -> Option<&'a str> {
        exact(kind).filter(|_| self.is_small())
    }

    fn is_small(&self) -> bool {
        const MOST: usize = 200_000;
        self.pairs <= MOST
    }

    /// The clusters that are a kind by themselves; none if there are too many to compare each text with.
    pub(super) fn named(&self) -> Vec<String> {
        const MOST: usize = 1_000;
        let names = self.clusters.iter().filter_map(exact).map(str::to_owned);
        let names: Vec<_> = names.take(MOST + 1).collect();
        // A cluster that is not treated by its name is not excluded either.
        if names.len() > MOST || !self.is_small() {
            Vec::new()
        } else {
            names
        }
    }

    /// The cells in which the rules fire in one kind of cluster, in order. Records what is seen of each rule.
    pub(super) fn firings(
        &self,
        cluster: usize,
        judge: &mut Judge<'r>,
        seen: &mut [Seen],
    ) -> Vec<Firing> {
        let example = self.clusters.get(cluster);
        let numbers = self.of_cluster.get(cluster).into_iter().flatten().copied();
        let mut taken = Taken::default();
        let mut firings = Vec::new();
        for number in numbers {
            let Some(rule) = self.rule(number) else {
                continue;
            };
            let (Some(cells), Some(seen)) = (self.cells.get(number), seen.get_mut(number)) else {
                continue;
            };
            if cells.is_empty() {
                continue;
            }
            let name = match example {
                Some(kind) if self.names_clusters.get(number) == Some(&true) => {
                    Some(kind.name.as_str())
                }
                other => other.and_then(|kind| self.exact(kind)),
            };
            let truth = judge.truth(rule, *cells, name);
            let could = cells.without(truth.no);
            let may = could.without(taken.cells);
            let sure = cells.and(truth.yes).without(taken.cells);
            seen.cells = seen.cells.or(*cells);
            seen.could = seen.could.or(could);
            seen.may = seen.may.or(may);
            seen.doubtful = seen.doubtful.or(cells.without(truth.yes));
            if self.rules.matching == Match::First {
                taken.owners(could, &mut seen.taken_by);
                taken.take(sure, number);
            }
            if !may.is_empty() {
                firings.push(Firing {
                    rule: number,
                    may,
                    sure,
                    likely: may.and(truth.yes.or(truth.open)),
                });
            }
        }
        firings
    }
}

/// The name of the only cluster of a kind.
fn exact(kind: &Cluster) -> Option<&str> {
    let is_named = kind.matches.contains(&kind.name) && !kind.name.contains(['*', '?']);
    is_named.then_some(kind.name.as_str())
}

/// The cells in which a rule certainly fires, under `match: first`.
#[derive(Default)]
struct Taken {
    cells: Cells,
    by: [usize; 32],
}

impl Taken {
    fn take(&mut self, cells: Cells, rule: usize) {
        self.cells = self.cells.or(cells);
        for index in cells.indices() {
            if let Some(owner) = self.by.get_mut(index) {
                *owner = rule;
            }
        }
    }

    fn owners(&self, cells: Cells, all: &mut BTreeSet<usize>) {
        for index in cells.and(self.cells).indices() {
            if all.len() >= MOST_OWNERS {
                return;
            }
            all.extend(self.by.get(index));
        }
    }
}
