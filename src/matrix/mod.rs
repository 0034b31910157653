//! The whole table of what rules do: every cell of the space with its plan.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::evaluate::{EvaluateError, Step, Survey, Trace, survey};
use crate::model::{Event, Role, Rule, RuleSet};
use crate::space::{Cluster, Known, clusters, events};

/// Every cell of a rule set.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// What is known in every cell.
    pub known: Known,
    /// How many rules there are, for any cluster.
    pub rules: usize,
    /// The kinds of cluster that the rules tell apart.
    pub clusters: Vec<Cluster>,
    /// The cells: for each cluster, the events and roles in order.
    pub cells: Vec<Cell>,
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
    /// What would be sent and what can't be told, by the rules that are for this cluster.
    pub survey: Survey,
}

/// Looks into every cell. `wanted` are clusters to show besides those that the rules tell apart.
#[must_use]
pub fn matrix(rules: &RuleSet, known: Known, wanted: &[String]) -> Matrix {
    let clusters = clusters(&[rules], wanted);
    let cells = cells(rules, &known, &clusters);
    Matrix {
        known,
        rules: rules.rules.len(),
        clusters,
        cells,
    }
}

/// The cells of these clusters, in order.
fn cells(rules: &RuleSet, known: &Known, clusters: &[Cluster]) -> Vec<Cell> {
    let parts = Parts::of(rules);
    let mut cells = Vec::with_capacity(clusters.len() * events().count());
    for cluster in clusters {
        let rules = parts.of_cluster(cluster);
        cells.extend(events().map(|(event, role)| Cell {
            event,
            role,
            cluster: cluster.name.clone(),
            survey: survey(&rules, &known.facts(event, role, &cluster.name)),
        }));
    }
    cells
}

/// Rules by the clusters that they are for. A cell has only those of its cluster: with thousands of clusters that each
/// have rules of their own, every other would be there millions of times.
pub(crate) struct Parts<'a> {
    /// Everything but the rules.
    base: RuleSet,
    rules: &'a [Rule],
    /// The rules for any cluster, by their places.
    any: Vec<usize>,
    by_pattern: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(rules: &'a RuleSet) -> Self {
        let mut parts = Self {
            base: RuleSet {
                rules: Vec::new(),
                ..rules.clone()
            },
            rules: &rules.rules,
            any: Vec::new(),
            by_pattern: HashMap::new(),
        };
        for (index, rule) in rules.rules.iter().enumerate() {
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

    /// The rule set with only the rules for this kind of cluster.
    pub(crate) fn of_cluster(&self, cluster: &Cluster) -> RuleSet {
        let own = cluster.matches.iter();
        let own = own.filter_map(|pattern| self.by_pattern.get(pattern.as_str()));
        let mut places: Vec<usize> = own.flatten().chain(&self.any).copied().collect();
        places.sort_unstable();
        places.dedup();
        let rules = places.into_iter().filter_map(|index| self.rules.get(index));
        let rules = rules.filter(|rule| !rule.cluster.exclude(&cluster.name));
        RuleSet {
            rules: rules.cloned().collect(),
            ..self.base.clone()
        }
    }
}

impl Matrix {
    /// How many rules are for other clusters than these cells', and not in them.
    #[must_use]
    pub fn elsewhere(&self, cells: &[Cell]) -> usize {
        let here = cells.first().map_or(0, |cell| cell.survey.plan.trace.len());
        self.rules.saturating_sub(here)
    }

    /// Each cluster with its cells, in order.
    pub fn blocks(&self) -> impl Iterator<Item = (&Cluster, &[Cell])> {
        let each = events().count();
        self.clusters.iter().zip(self.cells.chunks(each))
    }

    /// The matrix as `schemas/matrix.schema.json` describes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "facts": self.known,
            "clusters": self.clusters,
            "cells": self.cells.iter().map(Cell::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Cell {
    fn to_json(&self) -> Value {
        let Survey { plan, unresolved } = &self.survey;
        json!({
            "event": self.event,
            "role": self.role,
            "cluster": self.cluster,
            "steps": plan.steps.iter().map(Step::to_json).collect::<Vec<_>>(),
            "unresolved": unresolved.iter().map(unresolved_json).collect::<Vec<_>>(),
            "trace": plan.trace.iter().map(Trace::to_json).collect::<Vec<_>>(),
        })
    }
}

fn unresolved_json(error: &EvaluateError) -> Value {
    json!({"rule": error.rule, "message": error.source.message})
}
