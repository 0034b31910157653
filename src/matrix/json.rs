//! The table for programs, written while its cells are computed.

use std::cell::RefCell;
use std::io;

use serde::Serialize;
use serde::ser::{SerializeSeq as _, Serializer};

use super::{Active, Cell, Matrix, Note};
use crate::evaluate::{EvaluateError, Preview, Step, Trace, Unresolved, UnresolvedView};
use crate::model::{Event, Role};
use crate::space::{Cluster, Known};

/// The most rules that are written, each counted in every cell: about 100 MB.
const MOST_TRACED: usize = 300_000;

/// The result of writing the cells.
#[derive(Default)]
struct Written {
    active: Active,
    /// The kinds of cluster left out.
    omitted: usize,
}

/// The output of `patroni_barman matrix --format json`: every event with every role that Patroni passes with it, in every kind of
/// cluster that the rules distinguish.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MatrixOutput<'m, 'r> {
    /// The facts known in every cell; those in capitals are placeholders for facts that only a callback knows.
    facts: &'m Known,
    /// An example of each kind of cluster that the rules distinguish.
    #[cfg_attr(test, schemars(length(min = 1)))]
    clusters: &'m [Cluster],
    /// The rules in order, with their places and the findings of `check`.
    rules: &'m [Note],
    /// For each cluster, its cells: the events and roles in order.
    #[serde(serialize_with = "cells")]
    #[cfg_attr(test, schemars(with = "Vec<CellView<'static>>"))]
    cells: Table<'m, 'r>,
    /// The number of kinds of cluster whose cells are left out, because there would be more than 300,000 entries in
    /// `trace`. `--cluster` names those to be written first.
    #[serde(serialize_with = "omitted")]
    #[cfg_attr(test, schemars(with = "usize"))]
    omitted: Table<'m, 'r>,
    /// The names of the rules without an effect in any cell; empty if cells are left out.
    #[serde(serialize_with = "silent")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    silent: Table<'m, 'r>,
}

/// A table whose cells are computed while they are written. What is known only after that is written last.
#[derive(Clone, Copy)]
struct Table<'m, 'r> {
    matrix: &'m Matrix<'r>,
    written: &'m RefCell<Written>,
}

impl Matrix<'_> {
    /// Writes the table for programs.
    pub fn write_json(&self, out: impl io::Write) -> io::Result<()> {
        let table = Table {
            matrix: self,
            written: &RefCell::default(),
        };
        let output = MatrixOutput {
            facts: &self.known,
            clusters: &self.clusters,
            rules: &self.notes,
            cells: table,
            omitted: table,
            silent: table,
        };
        Ok(output.serialize(&mut serde_json::Serializer::pretty(out))?)
    }
}

fn cells<S: Serializer>(table: &Table<'_, '_>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(None)?;
    let (mut traced, mut written) = (0, 0);
    for (_, cells) in table.matrix.blocks() {
        if traced > MOST_TRACED {
            break;
        }
        let rules = cells.iter().map(|cell| cell.preview.plan.trace.len());
        traced += rules.sum::<usize>();
        written += 1;
        table.written.borrow_mut().active.add(&cells);
        for cell in &cells {
            list.serialize_element(&CellView::of(cell))?;
        }
    }
    table.written.borrow_mut().omitted = table.matrix.clusters.len() - written;
    list.end()
}

fn omitted<S: Serializer>(table: &Table<'_, '_>, serializer: S) -> Result<S::Ok, S::Error> {
    table.written.borrow().omitted.serialize(serializer)
}

fn silent<S: Serializer>(table: &Table<'_, '_>, serializer: S) -> Result<S::Ok, S::Error> {
    let written = table.written.borrow();
    let silent = table.matrix.silent(&written.active);
    let silent = silent.filter(|_| written.omitted == 0);
    serializer.collect_seq(silent.map(|(rule, _)| &rule.name))
}

/// The result of one event with one role in one kind of cluster.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Cell"))]
struct CellView<'c> {
    /// The event.
    event: Event,
    /// The role.
    role: Role,
    /// Patroni's scope.
    cluster: &'c str,
    /// The requests to send, in order.
    steps: &'c [Step],
    /// The rules that fail whatever the unknown facts are. `run` sends nothing then.
    fails: Vec<Failing<'c>>,
    /// The rules whose result is unknown.
    unresolved: Vec<UnresolvedView<'c>>,
    /// For every rule that can match this cluster, in the file's order, the result.
    trace: &'c [Trace],
}

/// A rule that fails.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failing<'c> {
    /// The rule.
    pub rule: &'c str,
    /// The reason.
    pub message: &'c str,
}

impl<'c> CellView<'c> {
    fn of(cell: &'c Cell) -> Self {
        let Preview {
            plan,
            unresolved,
            failures,
        } = &cell.preview;
        Self {
            event: cell.event,
            role: cell.role,
            cluster: &cell.cluster,
            steps: &plan.steps,
            fails: failures.iter().map(Failing::of).collect(),
            unresolved: unresolved.iter().map(Unresolved::view).collect(),
            trace: &plan.trace,
        }
    }
}

impl<'c> Failing<'c> {
    fn of(error: &'c EvaluateError) -> Self {
        Self {
            rule: &error.rule,
            message: &error.source.message,
        }
    }
}
