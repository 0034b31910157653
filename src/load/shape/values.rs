//! Values of the wrong type, and values that are not allowed.

use std::collections::HashMap;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::annotation::{Annotation, fill, kinds};
use super::{Misfit, texts, words};
use crate::diagnostic::Code;
use crate::load::problem::{Detail, Problem, Spot};
use crate::load::suggest::{did_you_mean, one_of};
use crate::model::duration;

impl Misfit<'_> {
    pub(super) fn wrong_type(&self, kind: &TypeKind) -> Problem {
        let label = self.label();
        let says = self.says();
        let own = says.message(kinds(self.value));
        // An empty value is not a wrong one.
        if let Some(message) = own.filter(|_| !self.value.is_null()) {
            let code = says.code().unwrap_or(Code::WrongType);
            return Problem::new(code, self.value_spot(), self.fill(message))
                .maybe_help(self.own_help())
                .detail(Detail::WrongType);
        }
        let types: Vec<&str> = match kind {
            TypeKind::Single(one) => vec![word_of(&one.to_string())],
            TypeKind::Multiple(several) => several
                .iter()
                .map(|one| word_of(&one.to_string()))
                .collect(),
        };
        let near = Annotation::of(self.schema).text("wanted");
        let wanted = near.or_else(|| self.annotation().text("wanted"));
        let wanted = wanted.map_or_else(|| any_of(&types), str::to_owned);
        let got = type_of(self.value);
        let is_item = self.name().1;
        let message = match self.value {
            Value::Null if is_item => format!("{label} is empty, and must be {wanted}"),
            Value::Null => format!("{label} has no value, and must be {wanted}"),
            _ if self.origin.pointer.is_empty() => {
                format!("{label} is {wanted}, and this is {got}")
            }
            _ => format!("{label} must be {wanted}, and this is {got}"),
        };
        Problem::new(Code::WrongType, self.value_spot(), message)
            .maybe_help(self.type_help(&types))
            .detail(Detail::WrongType)
    }

    fn type_help(&self, types: &[&str]) -> Option<String> {
        let text = types.contains(&"a string");
        let (name, is_item) = self.name();
        match self.value {
            Value::Null if is_item => {
                return Some("write something after the `-`, or delete it".to_owned());
            }
            Value::Null => {
                return Some(format!("write a value after `{name}:`, or delete the key"));
            }
            _ => {}
        }
        let mut words = words(self.schema, self.root).peekable();
        if words.peek().is_some() {
            return one_of(words);
        }
        // The help for a value does not apply to an item of a list.
        if let Some(help) = self.own_help().filter(|_| !is_item) {
            return Some(help);
        }
        match self.value {
            Value::Number(_) | Value::Bool(_) if text => {
                Some(format!("put it in quotes: `\"{}\"`", self.value))
            }
            Value::String(word) if types.contains(&"true or false") => {
                let folded = word.to_ascii_lowercase();
                let help = match folded.as_str() {
                    "yes" | "on" | "true" | "y" | "1" => "write `true`, without quotes",
                    "no" | "off" | "false" | "n" | "0" => "write `false`, without quotes",
                    _ => "write `true` or `false`",
                };
                Some(help.to_owned())
            }
            Value::String(text) if types.contains(&"a whole number") => {
                let number: u64 = text.parse().ok()?;
                Some(format!("write `{number}`, without quotes"))
            }
            Value::Object(_) if types.contains(&"a list") => {
                Some(format!("each item of `{name}` begins with `- `"))
            }
            Value::Object(_) if text => Some("if it is text, put it in quotes".to_owned()),
            _ => None,
        }
    }

    pub(super) fn unknown_word(&self, options: &Value) -> Problem {
        let word = self.word();
        let options: Vec<&str> = texts(options).collect();
        let says = self.says();
        let message = says.message(kinds(self.value));
        let message = self.fill(message.unwrap_or("{label} can't be `{value}`"));
        let code = says.code().unwrap_or(Code::UnknownWord);
        Problem::new(code, self.value_spot(), message).maybe_help(self.word_help(&word, &options))
    }

    fn word_help(&self, word: &str, options: &[&str]) -> Option<String> {
        if word.contains("{{") {
            return Some("no template is allowed here".to_owned());
        }
        let parts: Vec<_> = word
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .collect();
        if parts.len() > 1 && parts.iter().all(|part| options.contains(part)) {
            return Some(format!("write a list: `[{}]`", parts.join(", ")));
        }
        let near = Annotation::of(self.schema);
        if let (Some(excluded), Some(help)) = (word.strip_prefix('!'), near.text("excluded")) {
            let excluded = near.part("synonyms").text(excluded).unwrap_or(excluded);
            let others = options
                .iter()
                .filter(|option| **option != excluded && !near.lists("beside", option));
            let rest = others.copied().collect::<Vec<_>>().join(", ");
            return Some(fill(help, &[("rest", &rest)]));
        }
        if let Some(instead) = near.part("instead").text(word) {
            return Some(instead.to_owned());
        }
        let folded = word.to_ascii_lowercase().replace('-', "_");
        if let Some(instead) = near.part("instead").text(&folded) {
            return Some(instead.to_owned());
        }
        if let Some(help) = near.text("else") {
            return Some(help.to_owned());
        }
        match near.part("synonyms").text(&folded) {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => did_you_mean(word, options.iter().copied()),
        }
    }

    pub(super) fn bad_value(&self, kind: &Kind) -> Problem {
        let label = self.label();
        let own = self.own_message();
        let shown = match self.value {
            _ if self.annotation().is_secret() => "this".to_owned(),
            _ => format!("`{}`", self.word()),
        };
        let says = self.says();
        let said = says.message(kinds(self.value));
        let said = said.map(|message| self.fill(message));
        let is_empty = self.value.as_str().is_some_and(str::is_empty);
        let at_least = "write at least one item".to_owned();
        let (message, help) = match kind {
            Kind::MinLength { .. } | Kind::Pattern { .. } if is_empty => {
                let example = self.example_of(self.schema);
                let example = example.map(|example| format!(", for example `{example}`"));
                let help = format!("write a value{}", example.unwrap_or_default());
                let message = format!("{label} is empty");
                return Problem::new(self.code(), self.value_spot(), message).help(help);
            }
            Kind::Not { .. } => return self.not_both(),
            Kind::UniqueItems => return self.repeated_item(),
            Kind::Constant { .. } => (own.map(str::to_owned), None),
            Kind::MaxLength { limit } => {
                let message = format!("{label} is longer than {limit} characters");
                (Some(message), own.map(str::to_owned))
            }
            Kind::MaxItems { limit } => {
                (Some(format!("{label} has more than {limit} items")), None)
            }
            Kind::MaxProperties { limit } => {
                (Some(format!("{label} has more than {limit} keys")), None)
            }
            Kind::MinItems { .. } => (Some(format!("{label} is an empty list")), Some(at_least)),
            Kind::Minimum { limit } => (None, Some(format!("it is at least {limit}"))),
            Kind::Maximum { limit } => (None, Some(format!("it is at most {limit}"))),
            Kind::Pattern { .. } if says.text("suggest") == Some("duration") => (
                None,
                duration_meant(&self.word()).or_else(|| self.own_help()),
            ),
            _ => (None, own.map(str::to_owned)),
        };
        let message = said.or(message);
        let message = message.unwrap_or_else(|| format!("{label} can't be {shown}"));
        let own_help = self.own_help().filter(|_| says.text("suggest").is_none());
        Problem::new(self.code(), self.value_spot(), message).maybe_help(own_help.or(help))
    }

    /// Two keys that exclude each other.
    fn not_both(&self) -> Problem {
        let says = self.says();
        let key = self.schema.pointer("/not/required/0");
        let key = says.text("key").or_else(|| key?.as_str());
        let key = key.unwrap_or_default();
        let message = says.text("message").map_or_else(
            || format!("{} can't have `{key}` here", self.label()),
            str::to_owned,
        );
        let problem = Problem::new(self.code(), self.key_spot(key), message)
            .maybe_help(says.text("help").map(str::to_owned));
        match says.text("other") {
            Some(other) => problem.related(self.key_spot(other), format!("`{other}` is here")),
            None => problem,
        }
    }

    fn repeated_item(&self) -> Problem {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut seen = HashMap::new();
        let twice = items.iter().enumerate().find_map(|(index, item)| {
            let first = seen.insert(item.to_string(), index)?;
            Some((first, index, item))
        });
        let (first, second, item) = twice.unwrap_or((0, 0, &Value::Null));
        let spot = |index: usize| Spot::value(&self.origin.child(index));
        let item = item.as_str().unwrap_or_default();
        Problem::new(
            Code::RepeatedItem,
            spot(second),
            format!("`{item}` is listed twice in {}", self.label()),
        )
        .help("delete one of them")
        .related(spot(first), "the first one is here")
    }
}

/// The duration that was probably meant: `5` or `5 s` or `5sec` or `1m 30s`.
fn duration_meant(text: &str) -> Option<String> {
    let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let squeezed = squeezed.to_ascii_lowercase();
    let digits = squeezed
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(squeezed.len());
    let (number, unit) = squeezed.split_at(digits);
    let unit = match unit {
        "" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" | "hr" | "hrs" => "h",
        "day" | "days" => "d",
        "msec" | "millis" | "milliseconds" => "ms",
        other => other,
    };
    let meant = format!("{number}{unit}");
    let is_one = !number.is_empty() && duration::parse(&meant).is_some();
    is_one.then(|| format!("did you mean `{meant}`?"))
}

/// `a string, a number, true or false`: the types in words, simple ones first.
fn any_of(types: &[&str]) -> String {
    let order = [
        "a string",
        "a number",
        "a whole number",
        "true or false",
        "a list",
        "a mapping",
    ];
    let known: Vec<_> = order
        .into_iter()
        .filter(|word| types.contains(word))
        .collect();
    match known.as_slice() {
        [most @ .., last] if most.len() > 1 || last.contains(" or ") && !most.is_empty() => {
            format!("{}, {last}", most.join(", "))
        }
        known => known.join(" or "),
    }
}

/// A JSON type in words.
fn word_of(json_type: &str) -> &'static str {
    match json_type {
        "array" => "a list",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "null" => "null",
        "number" => "a number",
        "object" => "a mapping",
        _ => "a string",
    }
}

fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) => format!("`{value}`"),
        Value::Number(_) => format!("the number `{value}`"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}
