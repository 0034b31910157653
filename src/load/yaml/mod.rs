//! From YAML to JSON, with positions when they are needed.
//!
//! A file that is in order is read once, straight into JSON ([`plain`]). Positions cost several
//! times that, so they are made only when there is something to point at ([`tree`]).

mod events;
mod part;
mod plain;
mod scalar;
mod syntax;
mod tree;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use crate::diagnostic::Code;

pub(super) use tree::{Careful, Data, Entry, Node};

/// How deeply values may be nested. A rules file needs eight levels.
const MAX_DEPTH: usize = 64;
/// How many values a file may have with its aliases written out.
const MAX_VALUES: usize = 1_000_000;
/// How many bytes of text a file may have with its aliases written out.
const MAX_BYTES: usize = 16 << 20;
/// How many comments may have no space before them until that is an error: the file is read again for each.
const MAX_GLUED: usize = 20;
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

    /// What is here has too many levels.
    fn too_deep(range: Range<usize>) -> Self {
        Self::new(Code::TooDeep, range, "this is nested too deeply").help(format!(
            "{MAX_DEPTH} levels are allowed; does an alias stand inside its own anchor?"
        ))
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
    if !plain::needs_care(text)
        && let Some(value) = plain::read(skip_mark(text))
    {
        return Reading {
            value: Some(value),
            tree: None,
            faults: Vec::new(),
        };
    }
    let Careful {
        tree,
        complete,
        mut faults,
        ..
    } = careful(text);
    let tree = tree.filter(|_| complete);
    if faults.is_empty() {
        faults.extend(refused(text));
    }
    Reading {
        value: tree.as_ref().map(Node::to_value),
        tree,
        faults,
    }
}

/// Reads a file with its positions and comments.
pub(super) fn careful(text: &str) -> Careful {
    let mut found = tree::read(text);
    let mut shown = Cow::Borrowed(text);
    for _ in 0..MAX_GLUED {
        let Some(at) = found.glued else {
            break;
        };
        // `[a]#b` is a list and a comment to the fast reading; without the comment it is a list to this one as well.
        let comment = shown.get(at..).and_then(|rest| rest.lines().next());
        let length = comment.map_or(0, str::len);
        shown
            .to_mut()
            .replace_range(at..at + length, &" ".repeat(length));
        found = tree::read(&shown);
    }
    found
}

/// The fault of a text that only the parser of the fast reading refuses. Nothing that it refuses may be valid
/// because the other parser takes it.
fn refused(text: &str) -> Option<Fault> {
    let rest = skip_mark(text);
    let at = text.len() - rest.len() + plain::refused(rest)?;
    Some(syntax::refused(text, at))
}

/// Where these bytes of a string value stand in the text.
pub(super) fn part_of(text: &str, node: &Node, bytes: &Range<usize>) -> Range<usize> {
    match &*node.data {
        Data::Scalar(Value::String(value)) => part::part(text, &node.range, value, bytes),
        _ => node.range.clone(),
    }
}

/// A byte order mark is no part of the text.
fn skip_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// What is left of the limits on a file. The parsers' own limits on aliases count their uses and not
/// what they stand for, which can be quadratic.
struct Budget {
    values: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            values: MAX_VALUES,
            bytes: MAX_BYTES,
        }
    }
}

impl Budget {
    /// Counts values with so many bytes of text; false if that is too much.
    fn take(&mut self, values: usize, bytes: usize) -> bool {
        let values = self.values.checked_sub(values);
        let bytes = self.bytes.checked_sub(bytes);
        self.values = values.unwrap_or(0);
        self.bytes = bytes.unwrap_or(0);
        values.is_some() && bytes.is_some()
    }
}
