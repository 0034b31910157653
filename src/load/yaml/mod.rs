//! From YAML to JSON, with positions when they are needed.
//!
//! A file that is in order is read once, straight into JSON ([`plain`]). Positions cost several
//! times that, so they are made only when there is something to point at ([`tree`]).

mod align;
mod lines;
mod nesting;
mod numbers;
mod plain;
mod reader;
mod syntax;
mod tags;
mod tree;

use std::cell::Cell;
use std::ops::Range;

use serde_json::Value;

use crate::diagnostic::Code;

pub(super) use tree::{Data, Node};

/// How deeply values may be nested. A rules file needs eight levels.
const MAX_DEPTH: usize = 64;
/// How many values a file may have with its aliases written out.
const MAX_VALUES: usize = 1_000_000;
/// How many bytes of text a file may have with its aliases written out.
const MAX_BYTES: usize = 16 << 20;
/// The key that YAML 1.1 merges mappings with.
const MERGE_KEY: &str = "<<";

/// Something wrong with the YAML itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Where in the text, in bytes.
    pub(super) range: Range<usize>,
    pub(super) related: Option<(Range<usize>, &'static str)>,
}

impl Fault {
    fn new(code: Code, range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            range,
            related: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A file as far as it could be read.
pub(super) struct Reading {
    /// Its value, if there is any to go on with.
    pub(super) value: Option<Value>,
    /// Its tree, if it was made.
    pub(super) tree: Option<Node>,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
}

/// Reads a file: the fast way first.
pub(super) fn read(text: &str) -> Reading {
    if let Some(fault) = nesting::fault(text) {
        return Reading {
            value: None,
            tree: None,
            faults: vec![fault],
        };
    }
    if !tags::suspected(text)
        && let Some(value) = plain::read(skip_mark(text).1)
    {
        return Reading {
            value: Some(value),
            tree: None,
            faults: Vec::new(),
        };
    }
    let (tree, faults) = tree(text);
    Reading {
        value: tree.as_ref().map(Node::to_value),
        tree,
        faults,
    }
}

/// Reads a file with its positions.
pub(super) fn tree(text: &str) -> (Option<Node>, Vec<Fault>) {
    if let Some(fault) = nesting::fault(text) {
        return (None, vec![fault]);
    }
    let (skipped, rest) = skip_mark(text);
    let (mut tree, mut faults) = tree::read(rest);
    if skipped > 0 {
        let shift = |range: &mut Range<usize>| {
            range.start += skipped;
            range.end += skipped;
        };
        for fault in &mut faults {
            shift(&mut fault.range);
            if let Some((range, _)) = &mut fault.related {
                shift(range);
            }
        }
        if let Some(tree) = &mut tree {
            tree.each_range(&mut |range| shift(range));
        }
    }
    (tree, faults)
}

/// Where these bytes of a string value stand in the text.
pub(super) fn part_of(text: &str, node: &Node, part: &Range<usize>) -> Range<usize> {
    match &node.data {
        Data::Scalar(Value::String(value)) => align::part(text, &node.range, value, part),
        _ => node.range.clone(),
    }
}

/// A byte order mark is no part of the text, and the parser miscounts behind it.
fn skip_mark(text: &str) -> (usize, &str) {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => (text.len() - rest.len(), rest),
        None => (0, text),
    }
}

/// What is left of the limits on a file. The parser's own limit on aliases counts their uses and not
/// what they stand for, which can be quadratic.
struct Budget {
    values: Cell<usize>,
    bytes: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            values: Cell::new(MAX_VALUES),
            bytes: Cell::new(MAX_BYTES),
        }
    }
}

impl Budget {
    /// Counts one value with so many bytes of text; false if that is too much.
    fn take(&self, bytes: usize) -> bool {
        let values = self.values.get().checked_sub(1);
        let bytes = self.bytes.get().checked_sub(bytes);
        self.values.set(values.unwrap_or(0));
        self.bytes.set(bytes.unwrap_or(0));
        values.is_some() && bytes.is_some()
    }
}
