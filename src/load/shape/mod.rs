//! The schema's verdict in an operator's words.

mod keys;
mod values;

pub(super) use keys::{meant, reserved_header};

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::MAX_FINDINGS;
use super::problem::{Problem, Spot};
use super::schema::{REQUEST_SCHEMA, RULES_SCHEMA, Schema};
use crate::diagnostic::Code;
use crate::model::Origin;

const RULES_FILE: &str = "a rules file";

/// What one error is about: the value, its place, and the part of the schema that it does not fit.
struct Misfit<'a> {
    /// The value.
    value: &'a Value,
    origin: Origin,
    /// The keyword's place in the schema, for example `/$defs/rule/then/not`.
    keyword: &'a str,
    /// What the keyword stands in.
    schema: &'a Value,
    /// The kind of file in words, for example `a rules file`.
    document: &'static str,
}

/// Everything about a file's shape that is wrong.
pub(super) fn problems(value: &Value, file: usize) -> Vec<Problem> {
    problems_of(&RULES_SCHEMA, value, file, RULES_FILE)
}

/// Everything that is wrong with the shape of a file that has this schema.
pub(super) fn problems_of(
    schema: &Schema,
    value: &Value,
    file: usize,
    document: &'static str,
) -> Vec<Problem> {
    if schema.fits(value) {
        return Vec::new();
    }
    let mut found = misfits(schema, value, file, document);
    // A key that is misspelt is not missing as well.
    let meant: Vec<_> = found.iter().filter_map(keys::meant).collect();
    found.retain(|problem| !keys::missing(problem).is_some_and(|key| meant.contains(&key)));
    // A value of the wrong type is of no use to look at further.
    let wrong: Vec<_> = found
        .iter()
        .filter(|problem| problem.code == Code::WrongType)
        .map(|problem| problem.spot.origin.clone())
        .collect();
    found
        .retain(|problem| problem.code == Code::WrongType || !wrong.contains(&problem.spot.origin));
    let incomplete: Vec<_> = found.iter().filter_map(keys::missing).collect();
    found.retain(|problem| {
        // Without a scope nobody knows which option is the name.
        problem.code != Code::BadRequest
            || !incomplete.contains(&(problem.spot.origin.clone(), "scope".to_owned()))
    });
    keys::merge_missing(found)
}

/// Everything about a request's body that is wrong.
pub(super) fn body_problems(body: &Value) -> Vec<Problem> {
    if REQUEST_SCHEMA.fits(body) {
        return Vec::new();
    }
    misfits(&REQUEST_SCHEMA, body, 0, RULES_FILE)
}

fn misfits(schema: &Schema, value: &Value, file: usize, document: &'static str) -> Vec<Problem> {
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
            document,
        };
        found.extend(misfit.problems(&error));
    }
    found
}

impl Misfit<'_> {
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

    /// The name of the definition that the keyword stands in, for example `rule`.
    fn definition(&self) -> &str {
        let mut parts = self.keyword.split('/').skip(1);
        match parts.next() {
            Some("$defs") => parts.next().unwrap_or_default(),
            _ => "",
        }
    }

    /// The last key on the way to the value, and whether the value is an item of its list.
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

    /// What to call the value in a message.
    fn label(&self) -> String {
        match self.name() {
            (name, _) if name.is_empty() => self.document.to_owned(),
            (name, true) if name == "rules" => "a rule".to_owned(),
            (name, true) => format!("an item of `{name}`"),
            (name, false) => format!("`{name}`"),
        }
    }

    /// What the schema itself says about a value that does not fit.
    fn own_message(&self) -> Option<&str> {
        let message = |key: &str| self.schema.get(key).and_then(Value::as_str);
        let pattern = self.keyword.ends_with("/pattern");
        let own = pattern.then(|| message("patternErrorMessage")).flatten();
        own.or_else(|| message("errorMessage"))
    }

    fn value_spot(&self) -> Spot {
        Spot::value(&self.origin)
    }

    /// Whether the value stands in a header, whose value must not be repeated.
    fn is_secret(&self) -> bool {
        self.origin.pointer.contains("/headers/")
    }
}
