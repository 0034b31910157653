//! The schema's verdict in words for operators.

mod annotation;
mod keys;
mod values;

pub(super) use keys::{meant, reserved_header};

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::MAX_FINDINGS;
use super::problem::{Detail, Problem, Spot, escape};
use super::schema::{REQUEST_SCHEMA, RULES_SCHEMA, Schema};
use crate::diagnostic::Code;
use crate::model::Origin;
use annotation::{Annotation, fill, kinds};

/// One schema violation: the value, its place, and the violated part of the schema.
struct Misfit<'a> {
    value: &'a Value,
    origin: Origin,
    /// The keyword's place in the schema, for example `/$defs/rule/then/not`.
    keyword: &'a str,
    /// The part of the schema that contains the keyword.
    schema: &'a Value,
    root: &'a Value,
}

pub(super) fn problems(value: &Value, file: usize) -> Vec<Problem> {
    problems_of(&RULES_SCHEMA, value, file)
}

/// All problems with the shape of a file that has this schema.
pub(super) fn problems_of(schema: &Schema, value: &Value, file: usize) -> Vec<Problem> {
    if schema.fits(value) {
        return Vec::new();
    }
    let mut found = misfits(schema, value, file);
    // A misspelt key is not missing as well.
    let meant: Vec<_> = found.iter().filter_map(keys::meant).collect();
    found.retain(|problem| !keys::missing(problem).is_some_and(|key| meant.contains(&key)));
    let places = |found: &[Problem], of: fn(&Problem) -> bool| -> Vec<Origin> {
        let found = found.iter().filter(|problem| of(problem));
        found.map(|problem| problem.spot.origin.clone()).collect()
    };
    // A value of the wrong type is not checked further.
    let is_type = |problem: &Problem| problem.detail == Detail::WrongType;
    let wrong = places(&found, is_type);
    found.retain(|problem| is_type(problem) || !wrong.contains(&problem.spot.origin));
    // Anything that depends on a missing key is unknown.
    let incomplete = places(&found, |problem| {
        matches!(problem.detail, Detail::MissingKey { decides: true, .. })
    });
    found.retain(|problem| {
        problem.code != Code::BadRequest || !incomplete.contains(&problem.spot.origin)
    });
    keys::merge_missing(found)
}

pub(super) fn body_problems(body: &Value) -> Vec<Problem> {
    if REQUEST_SCHEMA.fits(body) {
        return Vec::new();
    }
    misfits(&REQUEST_SCHEMA, body, 0)
}

fn misfits(schema: &Schema, value: &Value, file: usize) -> Vec<Problem> {
    let mut found = Vec::new();
    let schema = schema.compiled();
    let validator = schema.validator.iter();
    let errors = validator.flat_map(|validator| validator.iter_errors(value));
    for error in errors.take(MAX_FINDINGS) {
        let keyword = error.schema_path().as_str().to_owned();
        let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
        let misfit = Misfit {
            value: error.instance(),
            origin: Origin {
                file,
                pointer: error.instance_path().as_str().to_owned(),
            },
            keyword: &keyword,
            schema: schema.json.pointer(parent).unwrap_or(&Value::Null),
            root: &schema.json,
        };
        found.extend(misfit.problems(&error));
    }
    found
}

impl<'a> Misfit<'a> {
    fn problems(&self, error: &ValidationError<'_>) -> Vec<Problem> {
        if let Kind::AdditionalProperties { unexpected } = error.kind() {
            return unexpected
                .iter()
                .take(MAX_FINDINGS)
                .map(|key| self.unknown_key(key))
                .collect();
        }
        vec![self.problem(error)]
    }

    fn problem(&self, error: &ValidationError<'_>) -> Problem {
        match error.kind() {
            Kind::Required { property } => self.missing_key(property.as_str().unwrap_or_default()),
            Kind::Type { kind } => self.wrong_type(kind),
            Kind::Enum { options } => self.unknown_word(options),
            Kind::PropertyNames { error } => self.bad_key(error),
            _ => self.bad_value(error.kind()),
        }
    }

    /// The definition that contains the keyword, or the whole schema.
    fn definition(&self) -> &'a Value {
        let mut parts = self.keyword.split('/').skip(1);
        let name = match parts.next() {
            Some("$defs") => parts.next(),
            _ => None,
        };
        let definition = name.and_then(|name| self.root.get("$defs")?.get(name));
        definition.unwrap_or(self.root)
    }

    fn annotation(&self) -> Annotation<'a> {
        Annotation::of(self.definition())
    }

    fn says(&self) -> Annotation<'a> {
        let keyword = self.keyword.rsplit('/').next().unwrap_or_default();
        Annotation::of(self.schema).part(keyword)
    }

    /// The code for an invalid value.
    fn code(&self) -> Code {
        let near = self.says().code().or(Annotation::of(self.schema).code());
        near.or(self.annotation().code()).unwrap_or(Code::BadValue)
    }

    /// Replaces the placeholders in a text of the schema.
    fn fill(&self, text: &str) -> String {
        let (label, (name, _), value) = (self.label(), self.name(), self.word());
        fill(
            text,
            &[("label", &label), ("name", &name), ("value", &value)],
        )
    }

    /// The value without its quotes.
    fn word(&self) -> String {
        let text = self.value.as_str();
        text.map_or_else(|| self.value.to_string(), str::to_owned)
    }

    /// The schema's help for this value.
    fn own_help(&self) -> Option<String> {
        let help = self.says().help(kinds(self.value));
        help.map(|help| self.fill(help))
    }

    /// The last key on the way to the value, and true if the value is an item of its list.
    fn name(&self) -> (String, bool) {
        let mut item = false;
        for token in self.origin.pointer.rsplit('/') {
            if token.is_empty() {
                break;
            }
            if token.bytes().all(|byte| byte.is_ascii_digit()) {
                item = true;
            } else {
                return (token.replace("~1", "/").replace("~0", "~"), item);
            }
        }
        (String::new(), item)
    }

    /// The name of the value in a message.
    fn label(&self) -> String {
        let items = |name: &str| {
            let list = self.root.get("properties")?.get(name)?;
            Annotation::of(list.get("items")?).text("label")
        };
        match self.name() {
            (name, _) if name.is_empty() => {
                let label = Annotation::of(self.root).text("label");
                label.unwrap_or("the file").to_owned()
            }
            (name, true) => {
                items(&name).map_or_else(|| format!("an item of `{name}`"), str::to_owned)
            }
            (name, false) => format!("`{name}`"),
        }
    }

    /// The schema's own message for an invalid value.
    fn own_message(&self) -> Option<&'a str> {
        let message = |key: &str| self.schema.get(key).and_then(Value::as_str);
        let pattern = self.keyword.ends_with("/pattern");
        let own = pattern.then(|| message("patternErrorMessage")).flatten();
        own.or_else(|| message("errorMessage"))
    }

    fn value_spot(&self) -> Spot {
        Spot::value(&self.origin)
    }

    fn key_spot(&self, key: &str) -> Spot {
        Spot::key(&self.origin.child(escape(key)))
    }
}

/// The words that a schema allows, its own or those of the definition it refers to.
fn words<'a>(schema: &'a Value, root: &'a Value) -> impl Iterator<Item = &'a str> {
    let own = schema.get("enum");
    let words = own.or_else(|| {
        let definition = schema.pointer("/else/$ref")?.as_str()?.strip_prefix('#')?;
        root.pointer(definition)?.get("enum")
    });
    words.into_iter().flat_map(texts)
}

/// The strings in a list of the schema.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str)
}
