//! The table for programs, written while its cells are computed.

use std::cell::RefCell;
use std::io;

use serde::Serialize;
use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::{Value, json};

use super::{Active, Cell, Matrix};
use crate::evaluate::{Because, EvaluateError, Step, Trace, Unresolved};
use crate::model::{Event, Role};

/// The most rules that are written, each counted in every cell: about 100 MB.
const MOST_TRACED: usize = 300_000;

/// The result of writing the cells.
#[derive(Default)]
struct Written {
    active: Active,
    /// The kinds of cluster left out.
    omitted: usize,
}

impl Matrix<'_> {
    /// Writes the table as `schemas/matrix.schema.json` describes it.
    pub fn write_json(&self, out: impl io::Write) -> io::Result<()> {
        let mut out = serde_json::Serializer::pretty(out);
        Ok(self.serialize(&mut out)?)
    }
}

impl Serialize for Matrix<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = RefCell::new(Written::default());
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("facts", &self.known)?;
        map.serialize_entry("clusters", &self.clusters)?;
        map.serialize_entry("rules", &self.notes)?;
        map.serialize_entry("cells", &Cells(self, &written))?;
        let Written { active, omitted } = written.into_inner();
        map.serialize_entry("omitted", &omitted)?;
        let silent: Vec<&str> = self
            .silent(&active)
            .filter(|_| omitted == 0)
            .map(|(rule, _)| rule.name.as_str())
            .collect();
        map.serialize_entry("silent", &silent)?;
        map.end()
    }
}

/// All cells, computed while they are written.
struct Cells<'m, 'r>(&'m Matrix<'r>, &'m RefCell<Written>);

impl Serialize for Cells<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let (mut traced, mut written) = (0, 0);
        for (_, cells) in self.0.blocks() {
            if traced > MOST_TRACED {
                break;
            }
            let rules = cells.iter().map(|cell| cell.preview.plan.trace.len());
            traced += rules.sum::<usize>();
            written += 1;
            self.1.borrow_mut().active.add(&cells);
            for cell in &cells {
                list.serialize_element(cell)?;
            }
        }
        self.1.borrow_mut().omitted = self.0.clusters.len() - written;
        list.end()
    }
}

#[derive(Serialize)]
struct CellView<'c> {
    event: Event,
    role: Role,
    cluster: &'c str,
    steps: &'c [Step],
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
            steps: &preview.plan.steps,
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
