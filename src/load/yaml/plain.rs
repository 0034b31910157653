//! The fast reading of a file in which nothing is wrong: YAML straight into JSON, no positions.
//!
//! It gives up at the first thing that JSON does not have or that is not allowed; the careful
//! reading ([`super::tree`]) then says what and where.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Budget, MAX_DEPTH, MERGE_KEY, numbers};

/// Reads a file. `None`: something is wrong with it.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let budget = Budget::default();
    let root = PlainValue {
        budget: &budget,
        depth: 0,
    };
    let value = root.deserialize(documents.next()?).ok()?;
    (documents.next().is_none() && !value.is_null()).then_some(value)
}

/// A value in the making.
#[derive(Clone, Copy)]
struct PlainValue<'a> {
    budget: &'a Budget,
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
            .take(bytes)
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
        let number = Number::from_f64(value).filter(|_| !numbers::may_be_integer(value));
        let number = number.ok_or_else(|| E::custom("not finite, or no float"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.count(value.len())?;
        if numbers::is_number(value) {
            return Err(E::custom("a number, unless it stands in quotes"));
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
        while let Some(key) = entries.next_key_seed(inside)? {
            let Value::String(key) = key else {
                return Err(A::Error::custom("key is not a string"));
            };
            let value = entries.next_value_seed(inside)?;
            if key == MERGE_KEY || map.insert(key, value).is_some() {
                return Err(A::Error::custom("merge or duplicate key"));
            }
        }
        Ok(Value::Object(map))
    }
}
