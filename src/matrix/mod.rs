//! The whole table of the rules' effects: every cell of the space with its plan.
//!
//! Cells are computed while they are read: there may be millions of them.

mod json;
mod notes;

use std::collections::{HashMap, HashSet};

use crate::evaluate::{Preview, Previewer};
use crate::model::{Event, Role, Rule, RuleSet};
use crate::space::{Cluster, Known, clusters, events};

pub use json::{Failing, MatrixOutput};
pub use notes::{Note, notes};

/// The table of a rule set.
#[derive(Debug)]
pub struct Matrix<'r> {
    /// The facts of every cell.
    pub known: Known,
    /// The kinds of cluster that the rules distinguish.
    pub clusters: Vec<Cluster>,
    /// The places of the rules and the findings of `check` about them, in their order.
    pub notes: Vec<Note>,
    parts: Parts<'r>,
}

/// One event with one role in one kind of cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The event.
    pub event: Event,
    /// The role.
    pub role: Role,
    /// The cluster's name.
    pub cluster: String,
    /// The outcome with the rules for this cluster.
    pub preview: Preview,
}

/// The rules that have, or may have, an effect in some cell.
#[derive(Debug, Default)]
pub struct Active(HashSet<String>);

impl<'r> Matrix<'r> {
    /// The table of these rules. `wanted` are clusters to show in addition to those that the rules distinguish.
    pub fn new(rules: &'r RuleSet, known: Known, wanted: &[String], notes: Vec<Note>) -> Self {
        Self {
            known,
            clusters: clusters(&[rules], wanted),
            notes,
            parts: Parts::of(rules),
        }
    }

    /// The table's rules.
    pub const fn rules(&self) -> &'r RuleSet {
        self.parts.set
    }

    /// Each cluster with its cells: the events and roles in order.
    pub fn blocks(&self) -> impl Iterator<Item = (&Cluster, Vec<Cell>)> {
        self.clusters.iter().map(|cluster| {
            let rules = self.parts.of_cluster(cluster);
            let cells = events().map(|(event, role)| Cell {
                event,
                role,
                cluster: cluster.name.clone(),
                preview: self
                    .parts
                    .preview(&rules, &self.known, event, role, cluster),
            });
            (cluster, cells.collect())
        })
    }

    /// The number of rules that are only for other clusters than that of these cells.
    pub fn elsewhere(&self, cells: &[Cell]) -> usize {
        let here = cells
            .first()
            .map_or(0, |cell| cell.preview.plan.trace.len());
        self.rules().rules.len().saturating_sub(here)
    }

    /// The rules without an effect in any cell, each with its note.
    pub fn silent<'m>(&'m self, active: &'m Active) -> impl Iterator<Item = (&'r Rule, &'m Note)> {
        let rules = self.rules().rules.iter().zip(&self.notes);
        rules.filter(|(rule, _)| !active.0.contains(&rule.name))
    }

    /// The note of a rule.
    pub fn note(&self, rule: &str) -> Option<&Note> {
        let index = self.parts.by_name.get(rule)?;
        self.notes.get(*index)
    }
}

impl Active {
    /// Adds the active rules in these cells.
    pub fn add(&mut self, cells: &[Cell]) {
        for cell in cells {
            let Preview {
                plan,
                unresolved,
                failures,
            } = &cell.preview;
            let fired = plan.trace.iter().filter(|trace| trace.fired());
            let names = fired
                .map(|trace| &trace.rule)
                .chain(unresolved.iter().map(|one| &one.rule))
                .chain(failures.iter().map(|one| &one.rule));
            for name in names {
                if !self.0.contains(name) {
                    self.0.insert(name.clone());
                }
            }
        }
    }
}

/// Rules by their clusters. A cell only has those of its cluster: with thousands of clusters that each
/// have their own rules, all the others would be repeated millions of times.
#[derive(Debug)]
pub(crate) struct Parts<'r> {
    set: &'r RuleSet,
    previewer: Previewer<'r>,
    /// The rules for any cluster, by their indices.
    any: Vec<usize>,
    by_pattern: HashMap<&'r str, Vec<usize>>,
    by_name: HashMap<&'r str, usize>,
}

impl<'r> Parts<'r> {
    pub(crate) fn of(set: &'r RuleSet) -> Self {
        let mut parts = Self {
            set,
            previewer: Previewer::new(set),
            any: Vec::new(),
            by_pattern: HashMap::new(),
            by_name: HashMap::new(),
        };
        for (index, rule) in set.rules.iter().enumerate() {
            parts.by_name.insert(&rule.name, index);
            if rule.cluster.are_any() {
                parts.any.push(index);
            }
            for pattern in rule.cluster.named() {
                let rules = parts.by_pattern.entry(pattern.as_str()).or_default();
                rules.push(index);
            }
        }
        parts
    }

    /// The rules for this kind of cluster.
    pub(crate) fn of_cluster(&self, cluster: &Cluster) -> Vec<&'r Rule> {
        let own = cluster.matches.iter();
        let own = own.filter_map(|pattern| self.by_pattern.get(pattern.as_str()));
        let mut places: Vec<usize> = own.flatten().chain(&self.any).copied().collect();
        places.sort_unstable();
        places.dedup();
        places
            .into_iter()
            .filter_map(|index| self.set.rules.get(index))
            .filter(|rule| !rule.cluster.exclude(&cluster.name))
            .collect()
    }

    pub(crate) fn preview(
        &self,
        rules: &[&'r Rule],
        known: &Known,
        event: Event,
        role: Role,
        cluster: &Cluster,
    ) -> Preview {
        let facts = known.facts(event, role, &cluster.name);
        self.previewer
            .preview(rules, &facts, &known.unknown(event, role))
    }
}
