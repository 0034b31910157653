//! The careful reading: every value with its place, and everything that is wrong.
//!
//! The parser tells positions only in its errors. So every scalar is read by a visitor that keeps the
//! value and then fails on purpose: the error says where the scalar begins, and the parser goes on
//! with what comes next. A list or mapping must not fail; it begins where its first part does.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::reader::Reader;
use super::{Fault, align, syntax, tags};
use crate::diagnostic::Code;

/// A value and where it stands in the text, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) struct Node {
    pub(in crate::load) range: Range<usize>,
    pub(in crate::load) data: Data,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) enum Data {
    Scalar(Value),
    /// Something that was found to be wrong already.
    Bad,
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) struct Entry {
    pub(in crate::load) key: String,
    pub(in crate::load) range: Range<usize>,
    pub(in crate::load) value: Node,
}

impl Node {
    /// The value; of keys that stand twice the first counts.
    pub(in crate::load) fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::Bad => Value::Null,
            Data::List(items) => items.iter().map(Self::to_value).collect(),
            Data::Map(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    if !map.contains_key(&entry.key) {
                        map.insert(entry.key.clone(), entry.value.to_value());
                    }
                }
                Value::Object(map)
            }
        }
    }

    /// Calls for every range in the tree.
    pub(in crate::load) fn each_range(&mut self, call: &mut dyn FnMut(&mut Range<usize>)) {
        call(&mut self.range);
        match &mut self.data {
            Data::Scalar(_) | Data::Bad => {}
            Data::List(items) => items.iter_mut().for_each(|item| item.each_range(call)),
            Data::Map(entries) => {
                for entry in entries {
                    call(&mut entry.range);
                    entry.value.each_range(call);
                }
            }
        }
    }
}

/// Reads a text as far as possible.
pub(super) fn read(text: &str) -> (Option<Node>, Vec<Fault>) {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(document) = documents.next() else {
        return (None, vec![empty(text)]);
    };
    // The reading below stops at the root if that is a scalar, so the syntax is looked at first.
    if let Err(error) = IgnoredAny::deserialize(document) {
        return (None, vec![syntax::fault(text, &error)]);
    }
    let several = documents.next().is_some();
    let reader = Reader::new(text);
    let node = serde_yaml::Deserializer::from_str(text)
        .next()
        .and_then(|document| reader.root(document));
    let mut faults = reader.into_faults();
    if tags::suspected(text) {
        faults.extend(tags::faults(text));
    }
    let node = node.filter(|node| node.data != Data::Scalar(Value::Null));
    match &node {
        _ if several => faults.push(second_document(text)),
        None if faults.is_empty() => faults.push(empty(text)),
        _ => {}
    }
    (node, faults)
}

fn empty(text: &str) -> Fault {
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    Fault::new(Code::Empty, 0..end, "there is nothing in this file")
        .help("a rules file begins with `version: 1`")
}

fn second_document(text: &str) -> Fault {
    let range = second_begins(text).unwrap_or(0..0);
    let help = if text.get(range.clone()) == Some("---") {
        "one file is one document: take out the `---`, or make two files in one directory"
    } else {
        "one file is one document: take out the `...`, or make two files in one directory"
    };
    let message = "a second YAML document begins here";
    Fault::new(Code::SeveralDocuments, range, message).help(help)
}

/// Where a document begins behind the first one: at its `---`, or behind the `...` that ends the first one.
fn second_begins(text: &str) -> Option<Range<usize>> {
    let mut begun = false;
    let mut ended = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let marker = |sign: &str| {
            let rest = line.strip_prefix(sign);
            rest.is_some_and(|rest| rest.trim_start().len() < rest.len() || rest.is_empty())
        };
        let content = line.trim_start();
        let nothing = content.is_empty() || content.starts_with('#');
        let directive = line.starts_with('%') && (ended || !begun);
        if marker("---") && begun {
            return Some(start..start + 3);
        } else if marker("...") {
            ended = begun;
        } else if !nothing && !directive {
            if ended {
                let start = start + line.len() - content.len();
                return Some(start..align::token_end(text, start));
            }
            begun = true;
        }
        start += line.len();
    }
    None
}
