//! Keys that are unknown, missing or not allowed.

use serde_json::{Map, Value};

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;

use super::annotation::{Annotation, fill};
use super::{Misfit, texts, words};
use crate::diagnostic::{Code, list};
use crate::load::problem::{Detail, Problem, Spot};
use crate::load::suggest::nearest;
use crate::model::Origin;

impl<'a> Misfit<'a> {
    pub(super) fn unknown_key(&self, key: &str) -> Problem {
        let spot = self.key_spot(key);
        let problem = |message: String| Problem::new(Code::UnknownKey, spot, message);
        let own = self.annotation().part("unknown");
        if let Some(message) = own.text("message") {
            return problem(message.to_owned()).maybe_help(own.text("help").map(str::to_owned));
        }
        let refused = self.annotation().part("refused");
        if let Some(instead) = refused.part("keys").text(&key.replace('-', "_")) {
            let message = refused.text("message").unwrap_or("`{key}` can't be used");
            let meant = refused.part("meant").text(key).map(str::to_owned);
            return problem(fill(message, &[("key", key)]))
                .help(instead)
                .detail(Detail::UnknownKey { meant });
        }
        let meant = self.meant_key(key);
        problem(format!("{} has no key `{key}`", self.kind()))
            .maybe_help(self.key_help(key, meant.as_ref()))
            .detail(Detail::UnknownKey {
                meant: meant.map(|meant| meant.key().to_owned()),
            })
    }

    /// The key that was probably meant by an unknown one.
    fn meant_key(&self, key: &str) -> Option<Meant<'a>> {
        let synonym = self.annotation().part("synonyms").text(key);
        let similar = synonym.or_else(|| nearest(key, known_keys(self.schema)));
        similar.map(Meant::Key).or_else(|| {
            let mut properties = properties(self.schema)?.iter();
            let takes = |(_, property): &(&String, &Value)| {
                words(property, self.root).any(|word| word == key)
            };
            properties
                .find(takes)
                .map(|(name, _)| Meant::ValueOf(name.as_str()))
        })
    }

    fn key_help(&self, key: &str, meant: Option<&Meant<'a>>) -> Option<String> {
        match meant {
            Some(Meant::Key(meant)) => return Some(format!("did you mean `{meant}`?")),
            Some(Meant::ValueOf(name)) => {
                return Some(format!("`{key}` is a value of `{name}`: `{name}: {key}`"));
            }
            None => {}
        }
        if let Some(place) = self.elsewhere(key) {
            return Some(format!("`{key}` is a key of {place}"));
        }
        let mut known = known_keys(self.schema).peekable();
        known.peek()?;
        Some(format!("its keys are {}", list(known, "and")))
    }

    /// The mapping that has this key, if it is not this one.
    fn elsewhere(&self, key: &str) -> Option<&'a str> {
        let definitions = self.root.get("$defs").and_then(Value::as_object);
        let definitions = definitions.into_iter().flat_map(Map::values);
        std::iter::once(self.root)
            .chain(definitions)
            .filter(|definition| !std::ptr::eq(*definition, self.definition()))
            .filter(|definition| known_keys(definition).any(|known| known == key))
            .find_map(|definition| Annotation::of(definition).text("place"))
    }

    pub(super) fn missing_key(&self, key: &str) -> Problem {
        if let Some(depends) = self.depending() {
            let says = Annotation::of(depends).part("dependentRequired");
            return self.half(key, depends, says);
        }
        let own = Annotation::of(self.schema).part("required").part(key);
        let holder = self.kind();
        let label = |text: &str| fill(text, &[("label", &holder), ("key", key)]);
        let message = own
            .text("message")
            .unwrap_or("{label} needs the key `{key}`");
        let example = self
            .schema
            .pointer(&format!("/properties/{key}"))
            .and_then(|property| self.example_of(property));
        let help = match (own.text("help"), example) {
            (Some(help), _) => label(help),
            (_, Some(example)) => format!("add `{key}`, for example `{key}: {example}`"),
            _ => format!("add `{key}`"),
        };
        let decides = own.text("decides").is_some();
        Problem::new(
            own.code().unwrap_or(Code::MissingKey),
            self.value_spot(),
            label(message),
        )
        .help(help)
        .detail(Detail::MissingKey {
            key: own.text("key").unwrap_or(key).to_owned(),
            decides,
            also: own.text("also").map(str::to_owned),
            holder,
        })
    }

    /// The schema whose `dependentRequired` is violated.
    fn depending(&self) -> Option<&'a Value> {
        let (place, _) = self.keyword.split_once("/dependentRequired")?;
        self.root.pointer(place)
    }

    /// A key that has no use without another.
    fn half(&self, missing: &str, schema: &Value, says: Annotation<'_>) -> Problem {
        let wants = |(here, needed): &(&String, &Value)| {
            self.value.get(here.as_str()).is_some() && texts(needed).any(|key| key == missing)
        };
        let depends = schema.get("dependentRequired").and_then(Value::as_object);
        let here = depends.into_iter().flatten().find(wants);
        let here = here.map_or(missing, |(here, _)| here.as_str());
        let words = [("here", here), ("key", missing)];
        let text = |name: &str, default| fill(says.text(name).unwrap_or(default), &words);
        Problem::new(
            says.code().unwrap_or(Code::MissingKey),
            self.key_spot(here),
            text("message", "`{here}` has no effect without `{key}`"),
        )
        .help(text("help", "add `{key}`, or delete `{here}`"))
    }

    /// A key that the schema's pattern for keys does not allow.
    pub(super) fn bad_key(&self, error: &ValidationError<'_>) -> Problem {
        let key = error.instance().as_str().unwrap_or_default();
        let spot = self.key_spot(key);
        if matches!(error.kind(), Kind::Not { .. }) {
            return reserved_header(key, spot);
        }
        let names = self.schema.get("propertyNames").unwrap_or(self.schema);
        let says = Annotation::of(names);
        let what = says.text("label").unwrap_or("a key");
        let code = says.code().unwrap_or(Code::BadValue);
        let own = names.get("patternErrorMessage").and_then(Value::as_str);
        Problem::new(code, spot, format!("`{key}` can't be the name of {what}"))
            .maybe_help(own.map(str::to_owned))
    }

    /// The kind of this mapping.
    fn kind(&self) -> String {
        let definition = self.definition();
        let named = Some(definition).filter(|definition| !std::ptr::eq(*definition, self.root));
        let label = named.and_then(|definition| Annotation::of(definition).text("label"));
        label.map_or_else(|| self.label(), str::to_owned)
    }

    /// The first example of a key's value, its own or its definition's.
    pub(super) fn example_of(&self, schema: &Value) -> Option<String> {
        let own = schema.pointer("/examples/0").or_else(|| {
            let definition = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
            self.root.pointer(definition)?.pointer("/examples/0")
        })?;
        match own {
            Value::String(text) if text.contains("{{") => Some(format!("\"{text}\"")),
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The likely intention behind an unknown key.
enum Meant<'a> {
    /// Another key.
    Key(&'a str),
    /// A value of this key.
    ValueOf(&'a str),
}

impl Meant<'_> {
    const fn key(&self) -> &str {
        match self {
            Self::Key(key) | Self::ValueOf(key) => key,
        }
    }
}

/// A header that rules can't set.
pub(in crate::load) fn reserved_header(key: &str, spot: Spot) -> Problem {
    let message = format!("`headers` can't have `{key}`");
    Problem::new(Code::BadValue, spot, message).help(
        "it belongs to the connection or to the body, which this program looks after: leave it out",
    )
}

/// The mapping and the intended key of a finding about an unknown key.
pub(in crate::load) fn meant(problem: &Problem) -> Option<(Origin, String)> {
    let Detail::UnknownKey { meant: Some(meant) } = &problem.detail else {
        return None;
    };
    let origin = &problem.spot.origin;
    let (parent, _) = origin.pointer.rsplit_once('/')?;
    let origin = Origin {
        file: origin.file,
        pointer: parent.to_owned(),
    };
    Some((origin, meant.clone()))
}

/// The mapping and the key of a finding about a missing key.
pub(super) fn missing(problem: &Problem) -> Option<(Origin, String)> {
    match &problem.detail {
        Detail::MissingKey { key, .. } => Some((problem.spot.origin.clone(), key.clone())),
        _ => None,
    }
}

/// Merges the findings about missing keys in one mapping.
pub(super) fn merge_missing(found: Vec<Problem>) -> Vec<Problem> {
    /// A missing key, and its help even if others are missing.
    type Missing = (String, Option<String>);
    let mut merged: Vec<(Problem, Vec<Missing>)> = Vec::new();
    for problem in found {
        let key = match &problem.detail {
            Detail::MissingKey { key, also, .. } if problem.code == Code::MissingKey => {
                Some((key.clone(), also.clone()))
            }
            _ => None,
        };
        let same = |(before, keys): &&mut (Problem, Vec<Missing>)| {
            !keys.is_empty() && before.spot == problem.spot
        };
        match (key, merged.iter_mut().find(same)) {
            (Some(key), Some((_, keys))) => keys.push(key),
            (key, _) => merged.push((problem, key.into_iter().collect())),
        }
    }
    let finish = |(mut problem, missing): (Problem, Vec<Missing>)| {
        if let (Detail::MissingKey { holder, .. }, true) = (&problem.detail, missing.len() > 1) {
            let keys = list(missing.iter().map(|(key, _)| key.as_str()), "and");
            problem.message = format!("{holder} needs the keys {keys}");
            let also = missing.iter().filter_map(|(_, also)| also.as_deref());
            let help: Vec<_> = std::iter::once("add them").chain(also).collect();
            problem.help = Some(help.join("; "));
        }
        problem
    };
    merged.into_iter().map(finish).collect()
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

fn known_keys(schema: &Value) -> impl Iterator<Item = &str> {
    let properties = properties(schema).into_iter();
    properties.flat_map(Map::keys).map(String::as_str)
}
