//! The whole table of what rules do: every cell of the space with its plan.

use serde_json::{Value, json};

use crate::evaluate::{EvaluateError, Step, Survey, Trace, survey};
use crate::model::{Event, Role, RuleSet};
use crate::space::{Cluster, Known, clusters, events};

/// Every cell of a rule set.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// What is known in every cell.
    pub known: Known,
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
    /// What would be sent, and what can't be told.
    pub survey: Survey,
}

/// Looks into every cell. `wanted` are clusters to show besides those that the rules tell apart.
#[must_use]
pub fn matrix(rules: &RuleSet, known: Known, wanted: &[String]) -> Matrix {
    let clusters = clusters(&[rules], wanted);
    let cells = cells(rules, &known, &clusters);
    Matrix {
        known,
        clusters,
        cells,
    }
}

/// The cells of these clusters, in order.
#[must_use]
pub fn cells(rules: &RuleSet, known: &Known, clusters: &[Cluster]) -> Vec<Cell> {
    let cell = |cluster: &Cluster, (event, role)| Cell {
        event,
        role,
        cluster: cluster.name.clone(),
        survey: survey(rules, &known.facts(event, role, &cluster.name)),
    };
    clusters
        .iter()
        .flat_map(|cluster| events().map(move |at| cell(cluster, at)))
        .collect()
}

impl Matrix {
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
