//! The fast reading of a valid file: YAML straight into JSON, without positions.
//!
//! It gives up at the first value that JSON does not have or that is not allowed; the careful
//! reading ([`super::tree`]) then reports what and where.

use std::cell::RefCell;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Budget, MAX_DEPTH, MERGE_KEY};

/// The maximum number of open brackets, and of signs in a row that may begin list items. Those in strings and comments
/// count as well, so there may be more of them than levels.
const MAX_OPEN: usize = 4 * MAX_DEPTH;

/// The parser reads integers beyond this as floats.
const LARGEST_INTEGER: f64 = 1e38;

/// Reads a file; `None` if it has an error.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let budget = RefCell::new(Budget::default());
    let root = PlainValue {
        budget: &budget,
        depth: 0,
    };
    let value = root.deserialize(documents.next()?).ok()?;
    (documents.next().is_none() && !value.is_null()).then_some(value)
}

/// The position at which the parser rejects this text, in bytes; `None` if it does not. It is only used for texts in
/// which the careful reading finds no error.
pub(super) fn refused(text: &str) -> Option<usize> {
    let document = serde_yaml::Deserializer::from_str(text).next()?;
    let error = IgnoredAny::deserialize(document).err()?;
    // The parser counts characters.
    let at = error.location().map_or(0, |location| location.index());
    let byte = text.char_indices().nth(at).map(|(byte, _)| byte);
    Some(byte.unwrap_or(text.len()))
}

/// Returns true for a text that this reading does not fully see, or that would take it too long: it ignores tags
/// like `!!name` and `!<name>`, its time grows with the square of the depth, and it ends lines where only YAML 1.1 does.
pub(super) fn needs_care(text: &str) -> bool {
    may_have_tags(text) || may_be_deep(text) || has_old_line_ends(text)
}

/// Returns true if a line of the text ends where only YAML 1.1 ends one.
pub(super) fn has_old_line_ends(text: &str) -> bool {
    !text.is_ascii() && text.contains(['\u{85}', '\u{2028}', '\u{2029}'])
}

fn may_have_tags(text: &str) -> bool {
    let tag = |(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().last());
        let begins = before.is_none_or(|c| c.is_whitespace() || "[{,:".contains(c));
        begins
            && text
                .get(at + 1..)
                .is_some_and(|rest| rest.starts_with(['!', '<']))
    };
    let mut directives = text.split('%').skip(1);
    directives.any(|rest| rest.starts_with("TAG")) || text.match_indices('!').any(tag)
}

fn may_be_deep(text: &str) -> bool {
    let (mut open, mut items): (usize, usize) = (0, 0);
    text.bytes().any(|byte| {
        match byte {
            b' ' | b'\t' => return false,
            // Each `- ` of a line begins a list, if nothing else is before it.
            b'-' | b'?' | b':' => items += 1,
            b'[' | b'{' => (open, items) = (open + 1, 0),
            b']' | b'}' => (open, items) = (open.saturating_sub(1), 0),
            _ => items = 0,
        }
        open > MAX_OPEN || items > MAX_OPEN
    })
}

/// Returns true for text that YAML reads as a number unless it is quoted: the parser turns a float that is not
/// finite into text, and an integer beyond 128 bits that is not decimal.
fn may_be_number(text: &str) -> bool {
    let integer = |prefix: &str, radix| {
        // With fewer digits the parser has read it.
        let digits = text.strip_prefix(prefix).filter(|rest| rest.len() > 32);
        digits.is_some_and(|digits| digits.chars().all(|c| c.is_digit(radix)))
    };
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let float = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.parse().is_ok_and(f64::is_infinite);
    float || integer("0x", 16) || integer("0o", 8)
}

/// Returns true for a key that YAML reads as something other than text unless it is quoted.
fn may_be_no_text(key: &str) -> bool {
    let unsigned = key.strip_prefix(['-', '+']).unwrap_or(key);
    match unsigned.as_bytes().first() {
        None | Some(b'.' | b'~') => true,
        Some(b'0'..=b'9') => {
            let radix = ["0x", "0o", "0b"];
            unsigned.parse::<f64>().is_ok() || radix.iter().any(|base| unsigned.starts_with(base))
        }
        _ => {
            let words = ["null", "true", "false"];
            words.iter().any(|word| key.eq_ignore_ascii_case(word))
        }
    }
}

/// A key under construction. Read as text whatever it is, which takes a fraction of the time.
struct PlainKey<'a>(&'a RefCell<Budget>);

impl<'de> DeserializeSeed<'de> for PlainKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for PlainKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that is text")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if !self.0.borrow_mut().take(1, key.len()) || may_be_no_text(key) {
            return Err(E::custom("too large, or perhaps no text"));
        }
        Ok(key.to_owned())
    }
}

/// A value under construction.
#[derive(Clone, Copy)]
struct PlainValue<'a> {
    budget: &'a RefCell<Budget>,
    depth: usize,
}

impl PlainValue<'_> {
    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    fn count<E: Error>(&self, bytes: usize) -> Result<(), E> {
        self.budget
            .borrow_mut()
            .take(1, bytes)
            .then_some(())
            .ok_or_else(|| E::custom("too large"))
    }
}

impl<'de> DeserializeSeed<'de> for PlainValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PlainValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.count(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.count(0)?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.count(0)?;
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.count(0)?;
        let number = Number::from_f64(value).filter(|_| value.abs() < LARGEST_INTEGER);
        let number = number.ok_or_else(|| E::custom("not finite, or no float"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.count(value.len())?;
        if may_be_number(value) {
            return Err(E::custom("a number, unless it is quoted"));
        }
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.count(0)?;
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.count(0)?;
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inside)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.count(0)?;
        let inside = self.inside()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(PlainKey(self.budget))? {
            let value = entries.next_value_seed(inside)?;
            if key == MERGE_KEY || map.insert(key, value).is_some() {
                return Err(A::Error::custom("merge or duplicate key"));
            }
        }
        Ok(Value::Object(map))
    }
}
