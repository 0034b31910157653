//! The schema's messages about invalid values: its `x-finding`.
//!
//! The published schemas have them next to `errorMessage`, which editors show. Nothing here knows the name of a
//! definition. An `x-finding` is in a definition or in the part of it that a keyword belongs to:
//!
//! - `label`: the name of the value in messages; `place`: the mapping in a help line, if that differs.
//! - `code`: the code of findings here, unless a keyword has its own.
//! - `wanted`: the type in messages. `secret`: the value is not repeated.
//! - `synonyms`: other words for a known one. `instead`: the replacement for a word.
//! - `refused`: keys that users write for a reason, with the alternative, and the key that then does not count as missing (`meant`).
//! - `else`: the help for any other word.
//! - `excluded`: the help for a word after a `!`, with `{rest}` for the other words except those of `beside`.
//! - The name of a keyword, with `code`, `message` and `help`, or `message_for` and `help_for` by the kind of the value.
//!   `required` has one for each key (`key`: its name when a misspelt key is found; `decides`: nothing else can be
//!   checked without it; `also`: the help even if other keys are missing), `unknown` is for unknown keys. `not` has the `key` that is
//!   shown and the `other` one. `suggest` names a computed help.

use serde_json::Value;

use crate::diagnostic::Code;

/// An `x-finding`, or a part of one; empty if the schema has none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Annotation<'a>(Option<&'a Value>);

impl<'a> Annotation<'a> {
    pub(super) fn of(schema: &'a Value) -> Self {
        Self(schema.get("x-finding"))
    }

    pub(super) fn part(self, key: &str) -> Self {
        Self(self.0.and_then(|value| value.get(key)))
    }

    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.0?.get(key)?.as_str()
    }

    pub(super) fn code(self) -> Option<Code> {
        self.text("code").and_then(Code::parse)
    }

    pub(super) fn is_secret(self) -> bool {
        self.0.and_then(|value| value.get("secret")) == Some(&Value::Bool(true))
    }

    /// Returns true if the list under a key contains this word.
    pub(super) fn lists(self, key: &str, word: &str) -> bool {
        let list = self.0.and_then(|value| value.get(key)?.as_array());
        list.is_some_and(|list| list.iter().any(|known| known == word))
    }

    /// The message for a value of this kind.
    pub(super) fn message(self, kinds: [&str; 2]) -> Option<&'a str> {
        self.by_kind("message", "message_for", kinds)
    }

    /// The help for a value of this kind.
    pub(super) fn help(self, kinds: [&str; 2]) -> Option<&'a str> {
        self.by_kind("help", "help_for", kinds)
    }

    fn by_kind(self, all: &str, special: &str, kinds: [&str; 2]) -> Option<&'a str> {
        let special = self.part(special);
        let found = kinds.into_iter().find_map(|kind| special.text(kind));
        found.or_else(|| self.text(all))
    }
}

/// The kinds of a value in `message_for` and `help_for`, the more specific one first.
pub(super) const fn kinds(value: &Value) -> [&'static str; 2] {
    match value {
        Value::Null => ["null", "null"],
        Value::Bool(true) => ["true", "boolean"],
        Value::Bool(false) => ["false", "boolean"],
        Value::Number(_) => ["number", "number"],
        Value::String(_) => ["string", "string"],
        Value::Array(_) => ["array", "array"],
        Value::Object(_) => ["object", "object"],
    }
}

/// Replaces `{name}` in a text.
pub(super) fn fill(text: &str, words: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        filled.push_str(before);
        let word = words.iter().find_map(|(name, word)| {
            let after = place.strip_prefix('{')?.strip_prefix(name)?;
            Some((*word, after.strip_prefix('}')?))
        });
        let (word, after) = word.unwrap_or_else(|| place.split_at(1));
        filled.push_str(word);
        rest = after;
    }
    filled.push_str(rest);
    filled
}
