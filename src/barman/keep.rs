//! A part of a JSON document, extracted while the document is read, so that its size does not matter.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufReader, Read};

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The part to keep. Scalars are always kept.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keep<'a> {
    /// Everything.
    All,
    /// These keys of an object.
    Keys(&'a [(&'a str, Keep<'a>)]),
    /// A part of each entry of an object or list.
    Each(&'a Keep<'a>),
    /// One part of the entries with these names, another of all others.
    Named {
        names: &'a BTreeSet<String>,
        /// The part of those.
        these: &'a Keep<'a>,
        /// The part of the others.
        others: &'a Keep<'a>,
    },
}

/// The first bytes of a body that is not JSON, for the error message.
const HEAD: usize = 64 * 1024;

/// Reads a document and returns the kept part as JSON. A body that is not JSON is returned from its beginning.
pub(super) fn reduce(keep: Keep<'_>, source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut tee = Tee {
        source,
        head: Vec::new(),
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(HEAD, &mut tee));
    let kept = keep.deserialize(&mut json);
    match kept.and_then(|kept| json.end().map(|()| kept)) {
        Ok(kept) => Ok(kept.to_string().into_bytes()),
        Err(error) if error.is_io() => Err(error.into()),
        Err(_) => {
            drop(json);
            Ok(tee.head)
        }
    }
}

/// Keeps the first bytes of a body.
struct Tee<'a> {
    source: &'a mut dyn Read,
    head: Vec<u8>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let room = HEAD.saturating_sub(self.head.len()).min(count);
        self.head
            .extend_from_slice(buffer.get(..room).unwrap_or_default());
        Ok(count)
    }
}

impl Keep<'_> {
    /// The part of the value under a key; `None` if it is left out.
    fn under(self, key: &str) -> Option<Self> {
        match self {
            Self::All => Some(self),
            Self::Keys(keys) => keys
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, keep)| *keep),
            Self::Each(keep) => Some(*keep),
            Self::Named {
                names,
                these,
                others,
            } => Some(if names.contains(key) { *these } else { *others }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Self::All => Value::deserialize(deserializer),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        if let Self::Each(keep) = self {
            while let Some(entry) = list.next_element_seed(*keep)? {
                kept.push(entry);
            }
        } else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(kept.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match self.under(&key) {
                Some(keep) => {
                    kept.insert(key, map.next_value_seed(keep)?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(kept.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_part_is_left() {
        let names = BTreeSet::from(["a".to_owned()]);
        let id = Keep::Keys(&[("id", Keep::All)]);
        for (keep, document, part) in [
            (
                Keep::All,
                json!({"a": [1, {"b": null}]}),
                json!({"a": [1, {"b": null}]}),
            ),
            (
                id,
                json!({"id": {"x": 1}, "other": [1, 2]}),
                json!({"id": {"x": 1}}),
            ),
            (id, json!({"id": 1.5}), json!({"id": 1.5})),
            (id, json!(null), json!(null)),
            (id, json!([{"id": 1}]), json!([])),
            (
                Keep::Each(&id),
                json!([{"id": -1, "x": 2}, "text", 7, true]),
                json!([{"id": -1}, "text", 7, true]),
            ),
            (
                Keep::Each(&id),
                json!({"k": {"id": 1, "x": 2}}),
                json!({"k": {"id": 1}}),
            ),
            (
                Keep::Named {
                    names: &names,
                    these: &Keep::All,
                    others: &id,
                },
                json!({"a": {"x": 1}, "b": {"x": 1, "id": 2}, "c": {}}),
                json!({"a": {"x": 1}, "b": {"id": 2}, "c": {}}),
            ),
        ] {
            let text = document.to_string();
            let got = reduce(keep, &mut text.as_bytes()).unwrap();
            assert_eq!(
                serde_json::from_slice::<Value>(&got).unwrap(),
                part,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_json_comes_back_and_what_breaks_off_is_an_error() {
        for body in [
            "<html>",
            "",
            "{\"id\": 1} x",
            "{\"id\": ",
            "{\"x\": \u{7f}}",
        ] {
            let got = reduce(Keep::Keys(&[]), &mut body.as_bytes()).unwrap();
            assert_eq!(got, body.as_bytes(), "{body}");
        }
        let mut broken = "{\"x\": ".as_bytes().chain(Broken);
        assert!(reduce(Keep::All, &mut broken).is_err());
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
}
