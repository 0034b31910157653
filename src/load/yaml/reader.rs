//! What makes a [`Node`] of the parser's events: the visitors that fail on purpose.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Number, Value};

use super::lines::Lines;
use super::tags::{self, Kind};
use super::tree::{Data, Entry, Node};
use super::{Budget, Fault, MAX_DEPTH, MERGE_KEY, align, nesting, numbers};
use crate::diagnostic::Code;
use crate::load::MAX_FINDINGS;

/// What the visitors of one text share.
pub(super) struct Reader<'t> {
    text: &'t str,
    lines: Lines<'t>,
    budget: Budget,
    faults: RefCell<Vec<Fault>>,
    /// The numbers that stand as tags in the text, and what each stands in front of.
    tags: RefCell<Vec<(usize, Kind)>>,
    /// Where the last scalar was.
    last: Cell<usize>,
    /// Why the reading stops here, until its place is known.
    stop: Cell<Option<Code>>,
}

/// A scalar as its visitor saw it.
enum Seen {
    Value(Value),
    /// A string that stands in the text just like that.
    Verbatim(Range<usize>),
    /// A number that JSON does not have.
    Bad(&'static str),
}

const TOO_LARGE: &str = "this number is too large to be sent to pg-backup-api";

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            lines: Lines::new(text),
            budget: Budget::default(),
            faults: RefCell::default(),
            tags: RefCell::default(),
            last: Cell::default(),
            stop: Cell::default(),
        }
    }

    /// Reads a document; `None` if it has too much in it.
    pub(super) fn root<'de, D: Deserializer<'de>>(&self, document: D) -> Option<Node> {
        self.node(document, 0).ok()
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }

    pub(super) fn into_tags(self) -> Vec<(usize, Kind)> {
        self.tags.into_inner()
    }

    fn node<'de, D: Deserializer<'de>>(
        &self,
        deserializer: D,
        depth: usize,
    ) -> Result<Node, D::Error> {
        let seen = Cell::new(None);
        let visitor = NodeVisitor {
            reader: self,
            depth,
            seen: &seen,
        };
        let error = match deserializer.deserialize_any(visitor) {
            Ok(node) => return Ok(node),
            Err(error) => error,
        };
        let message = error.to_string();
        let start = self.lines.offset_in_message(&message);
        if let Some(code) = self.stop.take() {
            let range = start..align::token_end(self.text, start);
            self.fault(match code {
                Code::TooDeep => nesting::too_deep(range),
                _ => self.too_large(start),
            });
        }
        if let Some(seen) = seen.take() {
            self.last.set(start);
            return Ok(self.scalar(seen, start));
        }
        if message.contains("invalid value: string")
            && let Some(tag) = align::tag(self.text, start)
        {
            let empty = message.contains("invalid value: string \"\"");
            return Ok(self.misfit(tag, (!empty).then_some(start)));
        }
        // The parser has a limit of its own on aliases, and says nothing of the place.
        if self.faults.borrow().is_empty() {
            self.fault(self.too_large(self.last.get()));
        }
        Err(error)
    }

    fn too_large(&self, start: usize) -> Fault {
        let range = start..align::token_end(self.text, start);
        Fault::new(Code::TooLarge, range, "the file is too large from here on")
            .help("an alias (`*name`) repeats all that its anchor has: use less of them")
    }

    /// A scalar that is not what its tag says, and where it begins if it is not empty.
    fn misfit(&self, tag: Range<usize>, start: Option<usize>) -> Node {
        let word = self.text.get(tag.clone()).unwrap_or_default();
        let range = start.map(|start| align::scalar(self.text, start, &Value::Null));
        let range = range.unwrap_or(tag);
        let value = start.and_then(|_| self.text.get(range.clone()));
        let value = value.map_or_else(|| "an empty value".to_owned(), |value| format!("`{value}`"));
        self.fault(tags::misfit(word, range.clone(), &value));
        let data = Data::Bad;
        Node { range, data }
    }

    /// Whether YAML reads a number here that the parser has made something else of.
    fn is_number(&self, seen: &Seen, start: usize) -> bool {
        let text = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        match seen {
            Seen::Verbatim(range) => {
                let quoted = range.start != align::after_properties(self.text, start);
                let tagged = align::tag(self.text, start).is_some();
                !quoted && !tagged && numbers::is_number(text(range.clone()))
            }
            Seen::Value(value) => {
                let range = align::scalar(self.text, start, value);
                let number = value.as_number();
                number.is_some_and(|number| numbers::was_integer(number, text(range)))
            }
            Seen::Bad(_) => false,
        }
    }

    fn scalar(&self, seen: Seen, start: usize) -> Node {
        let seen = if self.is_number(&seen, start) {
            Seen::Bad(TOO_LARGE)
        } else {
            seen
        };
        let (data, range) = match seen {
            Seen::Verbatim(range) => {
                let value = self.text.get(range.clone()).unwrap_or_default();
                let data = Data::Scalar(Value::String(value.to_owned()));
                (data, align::with_quotes(self.text, range))
            }
            Seen::Value(value) => {
                let range = align::scalar(self.text, start, &value);
                (Data::Scalar(value), range)
            }
            Seen::Bad(message) => {
                let range = align::scalar(self.text, start, &Value::Null);
                self.fault(
                    Fault::new(Code::BadNumber, range.clone(), message)
                        .help("put it in quotes if it is meant as text"),
                );
                (Data::Bad, range)
            }
        };
        Node { range, data }
    }

    fn fault(&self, fault: Fault) {
        let mut faults = self.faults.borrow_mut();
        // An alias shows the same place again.
        if faults.len() < MAX_FINDINGS && !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// Where a list or mapping stands that begins with this part.
    fn around(&self, first: Option<&Range<usize>>, last: Option<&Range<usize>>) -> Range<usize> {
        match (first, last) {
            (Some(first), Some(last)) => {
                align::opening(self.text, first.start)..last.end.max(first.end)
            }
            _ => 0..0,
        }
    }

    /// A key, or why it is none.
    fn key(
        &self,
        key: Node,
        before: &HashMap<String, Range<usize>>,
    ) -> Option<(String, Range<usize>)> {
        let range = key.range;
        let fault = match key.data {
            Data::Scalar(Value::String(name)) if name == MERGE_KEY => {
                Fault::new(Code::MergeKey, range, "merge keys (`<<`) are not read")
                    .help("write the keys out; what all rules share can stand in `defaults`")
            }
            Data::Scalar(Value::String(name)) => {
                let Some(first) = before.get(&name) else {
                    return Some((name, range));
                };
                let mut fault = Fault::new(
                    Code::DuplicateKey,
                    range,
                    format!("the key `{name}` stands here twice"),
                )
                .help("keep one of them");
                fault.related = Some((first.clone(), "the first one is here"));
                fault
            }
            Data::Map(_) if align::is_template(self.text, range.start) => Fault::new(
                Code::KeyNotString,
                align::braces(self.text, range.start),
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
            // That is said already.
            Data::Bad => return None,
            Data::Scalar(_) => {
                let text = self.text.get(range.clone()).unwrap_or_default();
                let help = format!("put it in quotes: `\"{text}\"`");
                Fault::new(
                    Code::KeyNotString,
                    range,
                    format!("a key must be a string, and `{text}` is not"),
                )
                .help(help)
            }
        };
        self.fault(fault);
        None
    }
}

/// Reads one value.
struct NodeSeed<'a, 't> {
    reader: &'a Reader<'t>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.reader.node(deserializer, self.depth)
    }
}

/// Sees one value: a scalar is put into `seen`, and the error carries its place.
struct NodeVisitor<'a, 't> {
    reader: &'a Reader<'t>,
    depth: usize,
    seen: &'a Cell<Option<Seen>>,
}

impl<'t> NodeVisitor<'_, 't> {
    fn seen<E: Error>(&self, seen: Seen, bytes: usize) -> Result<Node, E> {
        self.count(bytes)?;
        self.seen.set(Some(seen));
        Err(E::custom(""))
    }

    fn count<E: Error>(&self, bytes: usize) -> Result<(), E> {
        if self.reader.budget.take(bytes) {
            return Ok(());
        }
        self.reader.stop.set(Some(Code::TooLarge));
        Err(E::custom(""))
    }

    fn inside<E: Error>(&self) -> Result<NodeSeed<'_, 't>, E> {
        if self.depth < MAX_DEPTH {
            return Ok(NodeSeed {
                reader: self.reader,
                depth: self.depth + 1,
            });
        }
        self.reader.stop.set(Some(Code::TooDeep));
        Err(E::custom(""))
    }
}

impl<'de> Visitor<'de> for NodeVisitor<'_, '_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.seen(Seen::Value(value.into()), 0)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.seen(Seen::Value(value.into()), 0)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.seen(Seen::Value(value.into()), 0)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Node, E> {
        self.seen(Seen::Bad(TOO_LARGE), 0)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Node, E> {
        self.seen(Seen::Bad(TOO_LARGE), 0)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        let seen = match Number::from_f64(value) {
            Some(number) => Seen::Value(Value::Number(number)),
            None => Seen::Bad("this number can't be sent to pg-backup-api"),
        };
        self.seen(seen, 0)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Node, E> {
        // A borrowed string is a part of the text.
        let start = (value.as_ptr() as usize).checked_sub(self.reader.text.as_ptr() as usize);
        let range = start.map(|start| start..start + value.len());
        match range.filter(|range| self.reader.text.get(range.clone()) == Some(value)) {
            Some(range) => self.seen(Seen::Verbatim(range), value.len()),
            None => self.visit_str(value),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        self.seen(Seen::Value(value.into()), value.len())
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.seen(Seen::Value(Value::Null), 0)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.seen(Seen::Value(Value::Null), 0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        self.count(0)?;
        let mut items: Vec<Node> = Vec::new();
        while let Some(item) = access.next_element_seed(self.inside()?)? {
            items.push(item);
        }
        let range = self.reader.around(
            items.first().map(|item| &item.range),
            items.last().map(|item| &item.range),
        );
        Ok(Node {
            range,
            data: Data::List(items),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        self.count(0)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut known = HashMap::new();
        let mut around: Option<(Range<usize>, Range<usize>)> = None;
        let mut bad = false;
        while let Some(key) = access.next_key_seed(self.inside()?)? {
            let key_range = key.range.clone();
            let braces = matches!(key.data, Data::Map(_));
            let key = self.reader.key(key, &known);
            bad |= braces && key.is_none();
            let value = access.next_value_seed(self.inside()?)?;
            let last = if value.range.is_empty() {
                key_range.clone()
            } else {
                value.range.clone()
            };
            around = Some(match around {
                Some((first, _)) => (first, last),
                None => (key_range, last),
            });
            if let Some((key, range)) = key {
                known.insert(key.clone(), range.clone());
                entries.push(Entry { key, range, value });
            }
        }
        let range = self.reader.around(
            around.as_ref().map(|(first, _)| first),
            around.as_ref().map(|(_, last)| last),
        );
        let data = if bad { Data::Bad } else { Data::Map(entries) };
        Ok(Node { range, data })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Node, A::Error> {
        let (tag, content) = access.variant::<String>()?;
        let mut node = content.newtype_variant_seed(NodeSeed {
            reader: self.reader,
            depth: self.depth,
        })?;
        let digits = tag.find(|c: char| !c.is_ascii_digit()).unwrap_or(tag.len());
        if let Some(Ok(number)) = tag.get(..digits).map(str::parse) {
            let mut tags = self.reader.tags.borrow_mut();
            tags.push((number, Kind::from(&node.data)));
        }
        if node.data == Data::Scalar(Value::Null) {
            // `!env.SITE == "x"` was meant as text.
            node.data = Data::Bad;
        }
        let tag = match tag.as_str() {
            "!" => "!".to_owned(),
            name => format!("!{name}"),
        };
        let before = self.reader.text.get(..node.range.start);
        let start = before.and_then(|text| text.rfind(&tag));
        let range = start.map_or_else(|| node.range.clone(), |start| start..start + tag.len());
        self.reader.fault(tags::unknown(&tag, range));
        Ok(node)
    }
}
