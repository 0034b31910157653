//! The careful reading: every value with its position, every comment, and every error.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use granit_parser::{ErrorKind, ScalarStyle, ScanError};
use serde_json::Value;

use super::events::{Events, Item, Part, TagAt};
use super::node::{Data, Entry, Node};
use super::part::{block_header, braces, is_template, token_end};
use super::scalar::{self, Bad};
use super::tag::{Kind, core};
use super::{Budget, Fault, MAX_DEPTH, MERGE_KEY, syntax};
use crate::diagnostic::Code;
use crate::load::MAX_FINDINGS;
use crate::load::suggest::{READ_AS_TRUE, WRITE_EVENTS};

/// The result of reading a text.
#[derive(Default)]
pub(in crate::load) struct Careful {
    /// Its tree, as far as it is readable.
    pub(in crate::load) tree: Option<Node>,
    /// True if that is all of it.
    pub(in crate::load) complete: bool,
    pub(in crate::load) faults: Vec<Fault>,
    /// The position of a comment without a space before it, at which the reading ends.
    pub(in crate::load) glued: Option<usize>,
    /// The byte ranges of its comments, as far as it is readable.
    pub(in crate::load) comments: Vec<Range<usize>>,
}

/// Reads a text as far as possible.
pub(super) fn read(text: &str) -> Careful {
    let mut builder = Builder {
        text,
        events: Events::new(text),
        faults: Vec::new(),
        anchors: HashMap::new(),
        budget: Budget::default(),
    };
    let tree = match builder.document() {
        Ok(tree) => tree.filter(|node| *node.data != Data::Scalar(Value::Null)),
        Err(TooMuch) => None,
    };
    let mut faults = builder.faults;
    let complete = builder.events.error.is_none();
    let mut glued = None;
    if let Some(error) = &builder.events.error {
        glued = glued_comment(text, error);
        faults = vec![syntax::fault(text, error, builder.events.opened())];
    }
    if tree.is_none() && faults.is_empty() {
        faults.push(empty(text));
    }
    Careful {
        tree,
        complete,
        faults,
        glued,
        comments: builder.events.comments,
    }
}

/// The `#` at which the parser stops because there is no space before it.
fn glued_comment(text: &str, error: &ScanError) -> Option<usize> {
    let at = error.marker().byte_offset()?;
    let comment = text.get(at..)?.starts_with('#');
    (comment && *error.kind() == ErrorKind::CommentNotSeparated).then_some(at)
}

fn empty(text: &str) -> Fault {
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    Fault::new(Code::Empty, 0..end, "there is nothing in this file")
        .help("begin it with `version: 1`")
}

/// There is too much in the file, and the fault is recorded.
struct TooMuch;

struct Builder<'t> {
    text: &'t str,
    events: Events<'t>,
    faults: Vec<Fault>,
    /// The values with anchors, as far as they are complete.
    anchors: HashMap<usize, Node>,
    budget: Budget,
}

impl<'t> Builder<'t> {
    /// Reads the first document; `None` if there is none.
    fn document(&mut self) -> Result<Option<Node>, TooMuch> {
        if !matches!(self.events.next().part, Part::Document { .. }) {
            return Ok(None);
        }
        let root = self.events.next();
        let root = self.node(root, 0)?;
        self.events.next();
        let next = self.events.next();
        if let Part::Document { explicit } = next.part {
            let (range, sign) = if explicit {
                (next.range, "---")
            } else {
                let start = next.range.start;
                (start..token_end(self.text, start), "...")
            };
            let message = "a second YAML document begins here";
            self.fault(Fault::new(Code::SeveralDocuments, range, message).help(format!(
                "one file is one document: take out the `{sign}`, or make two files in one directory"
            )));
        }
        Ok(root)
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FINDINGS {
            self.faults.push(fault);
        }
    }

    /// Counts one value; too many end the reading.
    fn count(&mut self, values: usize, bytes: usize, start: usize) -> Result<(), TooMuch> {
        if self.budget.take(values, bytes) {
            return Ok(());
        }
        let range = start..token_end(self.text, start);
        self.fault(
            Fault::new(Code::TooLarge, range, "the file is too large from here on")
                .help("an alias (`*name`) repeats all that its anchor has: use less of them"),
        );
        Err(TooMuch)
    }

    fn too_deep(&mut self, start: usize) -> TooMuch {
        let range = start..token_end(self.text, start);
        self.fault(Fault::too_deep(range));
        TooMuch
    }

    /// Reads the value that begins with this item; `None` if there is none.
    fn node(&mut self, item: Item<'t>, depth: usize) -> Result<Option<Node>, TooMuch> {
        let Item {
            part,
            range,
            anchor,
            tag,
            behind,
        } = item;
        let node = match part {
            Part::Alias(number) => return self.alias(number, range.start, depth).map(Some),
            Part::End | Part::Document { .. } | Part::Nothing => return Ok(None),
            Part::Scalar { value, style } => {
                self.count(1, value.len(), range.start)?;
                self.scalar(&value, style, range, behind, tag)
            }
            Part::List | Part::Map if depth >= MAX_DEPTH => return Err(self.too_deep(range.start)),
            Part::List => {
                self.count(1, 0, range.start)?;
                self.check_tag(tag, Kind::List);
                self.list(range.start, depth + 1)?
            }
            Part::Map => {
                self.count(1, 0, range.start)?;
                self.check_tag(tag, Kind::Map);
                self.map(range.start, depth + 1)?
            }
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(Some(node))
    }

    /// Repeats the value with this anchor.
    fn alias(&mut self, number: usize, start: usize, depth: usize) -> Result<Node, TooMuch> {
        // An alias without a value is inside its own anchor.
        let Some(size) = self.anchors.get(&number).map(Node::size) else {
            return Err(self.too_deep(start));
        };
        if depth + size.levels > MAX_DEPTH {
            return Err(self.too_deep(start));
        }
        self.count(size.values, size.bytes, start)?;
        let node = self.anchors.get(&number).cloned();
        node.ok_or(TooMuch)
    }

    fn list(&mut self, start: usize, depth: usize) -> Result<Node, TooMuch> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            let item = self.events.next();
            let Some(item) = self.node(item, depth)? else {
                break;
            };
            items.push(item);
        }
        let range = match (items.first(), items.last()) {
            // Without brackets it begins at its first item; the dash is not included.
            (Some(first), Some(last)) => {
                let bracket = self
                    .text
                    .get(start..)
                    .is_some_and(|rest| rest.starts_with('['));
                let start = if bracket { start } else { first.range.start };
                start..last.range.end.max(start)
            }
            _ => start..start,
        };
        Ok(Node::new(range, Data::List(items)))
    }

    fn map(&mut self, start: usize, depth: usize) -> Result<Node, TooMuch> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut known = HashMap::new();
        let mut end = start;
        let mut bad = false;
        let mut trues = Vec::new();
        loop {
            let key = self.events.next();
            let Some(key) = self.node(key, depth)? else {
                break;
            };
            end = end.max(key.range.end);
            let braces = matches!(*key.data, Data::Map(_));
            // The keys it would merge are not missing; nothing is known about them.
            bad |= matches!(&*key.data, Data::Scalar(Value::String(name)) if name == MERGE_KEY);
            let read_as_true = *key.data == Data::Scalar(Value::Bool(true));
            let place = key.range.clone();
            let key = self.key(key, &known);
            bad |= braces && key.is_none();
            let value = self.events.next();
            let Some(value) = self.node(value, depth)? else {
                break;
            };
            if !value.range.is_empty() {
                end = value.range.end.max(start);
            }
            if read_as_true {
                trues.push((place, value));
            } else if let Some((key, range)) = key {
                known.insert(key.clone(), range.clone());
                entries.push(Entry { key, range, value });
            }
        }
        self.read_as_true(trues, &mut entries);
        let data = if bad { Data::Bad } else { Data::Map(entries) };
        Ok(Node::new(start..end, data))
    }

    /// Interprets the keys `true` of a mapping: the `on` of a rule as read by YAML 1.1, or not a key at all.
    fn read_as_true(&mut self, keys: Vec<(Range<usize>, Node)>, entries: &mut Vec<Entry>) {
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        let rule = has("name") && !has("on") && !has("events");
        for (number, (range, value)) in keys.into_iter().enumerate() {
            if rule && number == 0 {
                let fault = Fault::new(Code::KeyNotString, range.clone(), READ_AS_TRUE);
                self.fault(fault.help(WRITE_EVENTS));
                let key = "on".to_owned();
                entries.push(Entry { key, range, value });
            } else {
                self.not_a_string(range);
            }
        }
    }

    fn not_a_string(&mut self, range: Range<usize>) {
        let text = self.text.get(range.clone()).unwrap_or_default();
        let help = format!("put it in quotes: `\"{text}\"`");
        let message = format!("a key must be a string, and `{text}` is not");
        self.fault(Fault::new(Code::KeyNotString, range, message).help(help));
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        range: Range<usize>,
        behind: usize,
        tag: Option<TagAt<'t>>,
    ) -> Node {
        let empty = range.is_empty() && style == ScalarStyle::Plain;
        let value = if empty { "" } else { value };
        let end = range.end;
        let range = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                block_header(self.text, behind, range.start).unwrap_or(range)
            }
            _ => range,
        };
        let place = tag.as_ref().map(|tag| tag.range.clone());
        let core = tag.as_ref().and_then(|tag| core(&tag.tag));
        // A wrong tag is treated as none.
        let core = core.filter(|(_, kind)| *kind == Kind::Scalar);
        let core = core.map(|(name, _)| *name);
        self.check_tag(tag, Kind::Scalar);
        let data = match scalar::read(value, style, core) {
            // `!env.SITE == "x"` was meant as text.
            Ok(Value::Null) if place.is_some() && core.is_none() => Data::Bad,
            Ok(value) => Data::Scalar(value),
            Err(Bad::Number(message)) => {
                self.fault(
                    Fault::new(Code::BadNumber, range.clone(), message)
                        .help("put it in quotes if it is meant as text"),
                );
                Data::Bad
            }
            Err(Bad::Misfit) => {
                let place = place.unwrap_or_else(|| range.clone());
                let written = self.text.get(range.clone()).unwrap_or_default();
                let (at, what) = if empty {
                    (place.clone(), "an empty value".to_owned())
                } else {
                    (range.clone(), format!("`{written}`"))
                };
                self.misfit(&place, at, &what);
                Data::Bad
            }
        };
        let data = Rc::new(data);
        Node { range, end, data }
    }

    /// Reports a tag that has no meaning, or not for the value it precedes.
    fn check_tag(&mut self, tag: Option<TagAt<'t>>, kind: Kind) {
        let Some(TagAt { tag, range }) = tag else {
            return;
        };
        match core(&tag) {
            Some((_, wanted)) if *wanted == kind => {}
            Some(_) => self.misfit(&range, range.clone(), kind.words()),
            None => {
                let written = self.text.get(range.clone()).unwrap_or_default();
                let message = format!("the tag `{written}` has no meaning here");
                self.fault(
                    Fault::new(Code::Tag, range, message)
                        .help("leave the tag out; text that begins with `!` goes in quotes"),
                );
            }
        }
    }

    fn misfit(&mut self, tag: &Range<usize>, range: Range<usize>, value: &str) {
        let tag = self.text.get(tag.clone()).unwrap_or_default();
        let message = format!("the tag `{tag}` does not fit {value}");
        self.fault(Fault::new(Code::Tag, range, message).help("leave the tag out"));
    }

    /// Returns a key, or reports why it is not one.
    fn key(
        &mut self,
        key: Node,
        before: &HashMap<String, Range<usize>>,
    ) -> Option<(String, Range<usize>)> {
        let range = key.range;
        let data = Rc::try_unwrap(key.data).unwrap_or_else(|data| (*data).clone());
        let fault = match data {
            Data::Scalar(Value::String(name)) if name == MERGE_KEY => {
                Fault::new(Code::MergeKey, range, "merge keys (`<<`) are not read")
                    .help("write the keys out; what all rules share can be in `defaults`")
            }
            Data::Scalar(Value::String(name)) => {
                let Some(first) = before.get(&name) else {
                    return Some((name, range));
                };
                let message = format!("the key `{name}` is duplicated");
                let mut fault =
                    Fault::new(Code::DuplicateKey, range, message).help("keep one of them");
                fault.related = Some((first.clone(), "the first one is here"));
                fault
            }
            Data::Map(_) if is_template(self.text, range.start) => Fault::new(
                Code::KeyNotString,
                braces(self.text, range.start - 1),
                "a `{{ … }}` without quotes is a YAML mapping and no template",
            )
            .help("put the whole value in quotes: `\"{{ … }}\"`"),
            Data::Map(_) | Data::List(_) => Fault::new(
                Code::KeyNotString,
                range,
                "a key must be a string, and this is a list or a mapping",
            ),
            Data::Scalar(Value::Null) => {
                Fault::new(Code::KeyNotString, range, "there is no key here")
                    .help("write a name before the `:`")
            }
            // The former is already reported, and the neighbours of the latter show what it is.
            Data::Bad | Data::Scalar(Value::Bool(true)) => return None,
            Data::Scalar(_) => {
                self.not_a_string(range);
                return None;
            }
        };
        self.fault(fault);
        None
    }
}
