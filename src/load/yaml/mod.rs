//! From YAML to JSON, with positions when they are needed.
//!
//! A valid file is read once, straight into JSON ([`plain`]). Positions cost several
//! times that, so they are only computed when there is something to point at ([`tree`]).

mod events;
mod meaning;
mod node;
mod part;
mod plain;
mod scalar;
mod syntax;
mod tag;
mod tree;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use crate::diagnostic::Code;

pub(super) use node::{Data, Entry, Node};
pub(super) use tree::Careful;

/// The maximum nesting of values. A rules file needs eight levels.
const MAX_DEPTH: usize = 64;
/// The maximum number of values in a file with its aliases expanded.
const MAX_VALUES: usize = 1_000_000;
/// The maximum number of bytes of text in a file with its aliases expanded.
const MAX_BYTES: usize = 16 << 20;
/// The maximum number of comments without a space before them: the file is read again for each.
const MAX_GLUED: usize = 20;
const MERGE_KEY: &str = "<<";

/// An error in the YAML itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
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

    /// The value here has too many levels.
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

/// The readable part of a file.
pub(super) struct Reading {
    /// Its value, if it is usable.
    pub(super) value: Option<Value>,
    pub(super) faults: Vec<Fault>,
    /// The rest of the careful reading, if there was one.
    pub(super) careful: Option<Careful>,
}

/// Reads a file: the fast way first.
pub(super) fn read(text: &str) -> Reading {
    if !plain::needs_care(text)
        && let Some(value) = plain::read(skip_mark(text))
    {
        return Reading {
            value: Some(value),
            faults: Vec::new(),
            careful: None,
        };
    }
    let mut read = careful(text);
    let mut faults = std::mem::take(&mut read.faults);
    if faults.is_empty() {
        faults.extend(refused(text));
    }
    let tree = read.tree.as_ref().filter(|_| read.complete);
    Reading {
        value: tree.map(Node::to_value),
        faults,
        careful: Some(read),
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
        // To the fast reading, `[a]#b` is a list and a comment; without the comment, this one reads the list too.
        let comment = shown.get(at..).and_then(|rest| rest.lines().next());
        let length = comment.map_or(0, str::len);
        shown
            .to_mut()
            .replace_range(at..at + length, &" ".repeat(length));
        found = tree::read(&shown);
    }
    found
}

/// The fault of a text that only the fast reading's parser rejects. A text that either parser rejects must not
/// be valid.
fn refused(text: &str) -> Option<Fault> {
    let rest = skip_mark(text);
    let at = text.len() - rest.len() + plain::refused(rest)?;
    Some(syntax::refused(text, at))
}

/// The byte range in the text of these bytes of a string value.
pub(super) fn part_of(text: &str, node: &Node, bytes: &Range<usize>) -> Range<usize> {
    match &*node.data {
        Data::Scalar(Value::String(value)) => part::part(text, &node.range, value, bytes),
        _ => node.range.clone(),
    }
}

/// Skips a byte order mark, which is not part of the text.
fn skip_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The rest of the limits on a file. The parsers' own limits on aliases count uses, not
/// the expanded values, which can be quadratic.
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
    /// Counts values with this many bytes of text; returns false if that is too much.
    fn take(&mut self, values: usize, bytes: usize) -> bool {
        let values = self.values.checked_sub(values);
        let bytes = self.bytes.checked_sub(bytes);
        self.values = values.unwrap_or(0);
        self.bytes = bytes.unwrap_or(0);
        values.is_some() && bytes.is_some()
    }
}
