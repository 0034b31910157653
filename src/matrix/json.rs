//! The table for programs, written while its cells are computed.

use std::cell::RefCell;
use std::io;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Value, json};

use super::{Active, Cell, Matrix};
use crate::evaluate::{Because, EvaluateError, Step, Trace, Unresolved};
use crate::model::{Event, Role};

impl Matrix<'_> {
    /// Writes the table as `schemas/matrix.schema.json` describes it.
    pub fn write_json(&self, out: impl io::Write) -> io::Result<()> {
        let mut out = serde_json::Serializer::pretty(out);
        Ok(self.serialize(&mut out)?)
    }
}

impl Serialize for Matrix<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let active = RefCell::new(Active::default());
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("facts", &self.known)?;
        map.serialize_entry("clusters", &self.clusters)?;
        map.serialize_entry("rules", &self.notes)?;
        map.serialize_entry("cells", &Cells(self, &active))?;
        let active = active.into_inner();
        let silent: Vec<&str> = self
            .silent(&active)
            .map(|(rule, _)| rule.name.as_str())
            .collect();
        map.serialize_entry("silent", &silent)?;
        map.end()
    }
}

/// All cells, computed while they are written.
struct Cells<'m, 'r>(&'m Matrix<'r>, &'m RefCell<Active>);

impl Serialize for Cells<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.blocks().flat_map(|(_, cells)| {
            self.1.borrow_mut().add(&cells);
            cells
        }))
    }
}

#[derive(Serialize)]
struct CellView<'c> {
    event: Event,
    role: Role,
    cluster: &'c str,
    steps: Vec<Value>,
    fails: Vec<Value>,
    unresolved: Vec<Value>,
    trace: Vec<TraceView<'c>>,
}

#[derive(Serialize)]
struct TraceView<'c> {
    rule: &'c str,
    fired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'c str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    does_nothing: bool,
    because: &'c Option<Because>,
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let preview = &self.preview;
        let view = CellView {
            event: self.event,
            role: self.role,
            cluster: &self.cluster,
            steps: preview.plan.steps.iter().map(Step::details).collect(),
            fails: preview.failures.iter().map(failure).collect(),
            unresolved: preview.unresolved.iter().map(Unresolved::to_json).collect(),
            trace: preview.plan.trace.iter().map(trace).collect(),
        };
        view.serialize(serializer)
    }
}

fn failure(error: &EvaluateError) -> Value {
    json!({"rule": error.rule, "message": error.source.message})
}

fn trace(trace: &Trace) -> TraceView<'_> {
    TraceView {
        rule: &trace.rule,
        fired: trace.fired(),
        description: trace.description.as_deref(),
        does_nothing: trace.does_nothing,
        because: &trace.because,
    }
}
