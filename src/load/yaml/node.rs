//! The tree of a file: its values with their positions.

use std::ops::Range;
use std::rc::Rc;

use serde_json::{Map, Value};

/// A value and its byte range in the text. An alias shares the same value and is not a copy.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) struct Node {
    pub(in crate::load) range: Range<usize>,
    /// The end of a block scalar, whose range only covers the `|`.
    pub(in crate::load) end: usize,
    pub(in crate::load) data: Rc<Data>,
}

/// The content of a node.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) enum Data {
    Scalar(Value),
    /// A value whose error is already reported.
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
    /// The value; of duplicate keys the first counts.
    pub(in crate::load) fn to_value(&self) -> Value {
        match &*self.data {
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

    pub(super) fn new(range: Range<usize>, data: Data) -> Self {
        let end = range.end;
        let data = Rc::new(data);
        Self { range, end, data }
    }

    pub(super) fn size(&self) -> Size {
        let mut size = Size::default();
        match &*self.data {
            Data::Scalar(Value::String(text)) => size.bytes = text.len(),
            Data::Scalar(_) | Data::Bad => {}
            Data::List(items) => items.iter().for_each(|item| size.add(&item.size())),
            Data::Map(entries) => {
                for entry in entries {
                    size.values += 1;
                    size.bytes += entry.key.len();
                    size.add(&entry.value.size());
                }
            }
        }
        size.values += 1;
        size.levels += usize::from(matches!(*self.data, Data::List(_) | Data::Map(_)));
        size
    }
}

/// The size of a node.
#[derive(Default)]
pub(super) struct Size {
    pub(super) values: usize,
    pub(super) bytes: usize,
    pub(super) levels: usize,
}

impl Size {
    fn add(&mut self, inside: &Self) {
        self.values += inside.values;
        self.bytes += inside.bytes;
        self.levels = self.levels.max(inside.levels);
    }
}
