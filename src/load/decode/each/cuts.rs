//! A value of the rules file whose strings are cut where they use certain names.

use serde_json::Value;

use crate::load::problem::escape;
use crate::template::{Cut, Put, Syntax};

/// The strings that use the names, by their pointers in the value.
#[derive(Default)]
pub(in crate::load::decode) struct Cuts(Vec<(String, Cut)>);

impl Cuts {
    pub(in crate::load::decode) fn of(
        value: &Value,
        syntax: Syntax,
        wanted: impl Fn(&str) -> bool,
    ) -> Self {
        let mut cuts = Self::default();
        cuts.add(value, String::new(), syntax, &wanted);
        cuts
    }

    /// Adds the strings of a part.
    pub(super) fn add(
        &mut self,
        part: &Value,
        pointer: String,
        syntax: Syntax,
        wanted: &impl Fn(&str) -> bool,
    ) {
        match part {
            Value::String(text) => {
                self.0
                    .extend(Cut::new(text, syntax, wanted).map(|cut| (pointer, cut)));
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add(item, format!("{pointer}/{index}"), syntax, wanted);
                }
            }
            Value::Object(entries) => {
                for (key, value) in entries {
                    let pointer = format!("{pointer}/{}", escape(key));
                    self.add(value, pointer, syntax, wanted);
                }
            }
            _ => {}
        }
    }

    pub(in crate::load::decode) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names that the strings use.
    pub(in crate::load::decode) fn names(&self) -> impl Iterator<Item = &str> {
        self.uses().map(|(_, name, _)| name)
    }

    /// The names with the pointers of the strings that use them, and the attributes that they must have.
    pub(super) fn uses(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.0.iter().flat_map(|(pointer, cut)| {
            let uses = cut.uses();
            uses.map(move |(name, attribute)| (pointer.as_str(), name, attribute))
        })
    }

    /// The bytes of the strings in a value that they were inserted into.
    pub(super) fn bytes(&self, value: &Value) -> usize {
        let texts = self
            .0
            .iter()
            .filter_map(|(pointer, _)| value.pointer(pointer)?.as_str());
        texts.map(str::len).sum()
    }

    /// Returns true if the string at a pointer uses one of the names.
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.0.iter().any(|(known, _)| known == pointer)
    }

    /// The value with the names replaced.
    pub(in crate::load::decode) fn put_into<'p>(
        &self,
        value: &Value,
        put: impl Fn(&str) -> Option<Put<'p>>,
    ) -> Value {
        let mut value = value.clone();
        for (pointer, cut) in &self.0 {
            if let Some(place) = value.pointer_mut(pointer) {
                *place = cut.with(&put).into();
            }
        }
        value
    }
}
