//! The embedded JSON Schemas of this program's inputs and outputs.

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// The schema of a rules file.
pub const RULES: &str = include_str!("../../schemas/rules.schema.json");
/// The schema of a request's body to pg-backup-api.
pub const REQUEST: &str = include_str!("../../schemas/request.schema.json");

/// The schema of `plan --format json`.
pub const PLAN: &str = include_str!("../../schemas/plan.schema.json");

/// The schema of `run --format json`.
pub const RUN: &str = include_str!("../../schemas/run.schema.json");

/// The schema of `reconcile --format json`.
pub const RECONCILE: &str = include_str!("../../schemas/reconcile.schema.json");

/// The schema of `status --format json`.
pub const STATUS: &str = include_str!("../../schemas/status.schema.json");

/// The schema of `history --format json`.
pub const HISTORY: &str = include_str!("../../schemas/history.schema.json");

/// The schema of `/api/status` of `agent`.
pub const AGENT: &str = include_str!("../../schemas/agent.schema.json");

/// The message to the receivers of `notify`.
pub const NOTIFICATION: &str = include_str!("../../schemas/notification.schema.json");

/// The schema of `check --format json`.
pub const CHECK: &str = include_str!("../../schemas/check.schema.json");
/// The schema of a file of rule tests.
pub const RULE_TESTS: &str = include_str!("../../schemas/rule-tests.schema.json");
/// The schema of `test --format json`.
pub const TEST: &str = include_str!("../../schemas/test.schema.json");
/// The schema of `matrix --format json`.
pub const MATRIX: &str = include_str!("../../schemas/matrix.schema.json");
/// The schema of `diff --format json`.
pub const DIFF: &str = include_str!("../../schemas/diff.schema.json");

/// A schema: a callback only needs to know whether its rules are valid; everything else is prepared when they are not.
pub(super) struct Schema {
    fits: fn(&Value) -> bool,
    compiled: LazyLock<Compiled>,
}

/// The data that explains why a value is invalid.
pub(super) struct Compiled {
    /// The schema itself, for its titles and messages.
    pub(super) json: Value,
    /// `None` only if the embedded text is broken, which a test rules out.
    pub(super) validator: Option<Validator>,
}

pub(super) static RULES_SCHEMA: Schema = Schema {
    fits: RulesShape::is_valid,
    compiled: LazyLock::new(|| Compiled::new(RULES)),
};
pub(super) static REQUEST_SCHEMA: Schema = Schema {
    fits: RequestShape::is_valid,
    compiled: LazyLock::new(|| Compiled::new(REQUEST)),
};
/// Callbacks do not read rule tests, so their schema has no compiled form.
pub(super) static RULE_TESTS_SCHEMA: Schema = Schema {
    fits: |value| {
        let validator = RULE_TESTS_SCHEMA.compiled().validator.as_ref();
        validator.is_some_and(|validator| validator.is_valid(value))
    },
    compiled: LazyLock::new(|| Compiled::new(RULE_TESTS)),
};

// Compiled with the program: reading and compiling a schema takes longer than everything else that a
// callback does. Patterns would still be compiled at the start, so functions replace them.
#[jsonschema::validator(
    path = "schemas/compiled/rules.json",
    draft = Draft202012,
    validate_formats = true,
    ignore_unknown_formats = false,
    formats = {
        "api-name" => crate::load::pattern::api_name,
        "variable" => crate::load::pattern::variable,
        "words" => crate::load::pattern::words,
        "expression" => crate::load::pattern::expression,
        "name-or-template" => crate::load::pattern::name_or_template,
        "template" => crate::load::pattern::template,
        "model-or-template" => crate::load::pattern::model_or_template,
        "backup-or-template" => crate::load::pattern::backup_or_template,
        "token" => crate::load::pattern::token,
        "environment" => crate::load::pattern::environment,
        "duration" => crate::load::pattern::duration,
        "cluster-or-template" => crate::load::pattern::cluster_or_template,
        "line-or-template" => crate::load::pattern::line_or_template,
        "text-or-template" => crate::load::pattern::text_or_template,
    },
    methods = { is_valid = true, validate = false, iter_errors = false }
)]
struct RulesShape;

#[jsonschema::validator(
    path = "schemas/compiled/request.json",
    draft = Draft202012,
    validate_formats = true,
    ignore_unknown_formats = false,
    formats = {
        "name" => crate::load::pattern::name,
        "model" => crate::load::pattern::model,
        "backup" => crate::load::pattern::backup,
        "line" => crate::load::pattern::line,
        "text" => crate::load::pattern::text,
        "variable" => crate::load::pattern::variable,
    },
    methods = { is_valid = true, validate = false, iter_errors = false }
)]
struct RequestShape;

impl Schema {
    /// Returns true if the value is valid.
    pub(super) fn fits(&self, value: &Value) -> bool {
        (self.fits)(value)
    }

    /// The data that explains why it is not.
    pub(super) fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}

impl Compiled {
    fn new(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        let validator = jsonschema::draft202012::options()
            .with_pattern_options(PatternOptions::regex())
            .build(&json)
            .ok();
        Self { json, validator }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::pattern::PATTERNS;
    use super::*;

    #[test]
    fn the_embedded_schemas_are_schemas() {
        for schema in [&RULES_SCHEMA, &REQUEST_SCHEMA, &RULE_TESTS_SCHEMA] {
            assert!(schema.compiled().validator.is_some());
            assert!(!schema.fits(&Value::Null));
        }
    }

    /// A schema in its compiled form: without the parts that are only for people, and with the name of a
    /// function in place of each pattern.
    fn compiled_form(schema: &Value) -> Value {
        const WORDS: [&str; 8] = [
            "title",
            "description",
            "examples",
            "default",
            "errorMessage",
            "patternErrorMessage",
            "$comment",
            "x-finding",
        ];
        match schema {
            Value::Object(keywords) => keywords
                .iter()
                .filter(|(keyword, _)| !WORDS.contains(&keyword.as_str()))
                .map(|(keyword, value)| match (keyword.as_str(), value) {
                    ("pattern", Value::String(pattern)) => {
                        let function = PATTERNS.iter().find(|(known, ..)| known == pattern);
                        let (_, name, _) = function.unwrap_or_else(|| panic!("no `{pattern}`"));
                        ("format".to_owned(), (*name).into())
                    }
                    ("properties" | "$defs", Value::Object(parts)) => {
                        let parts = parts.iter();
                        let parts = parts.map(|(name, part)| (name.clone(), compiled_form(part)));
                        (keyword.clone(), parts.collect())
                    }
                    ("enum" | "const" | "required", value) => (keyword.clone(), value.clone()),
                    (_, value) => (keyword.clone(), compiled_form(value)),
                })
                .collect(),
            Value::Array(parts) => parts.iter().map(compiled_form).collect(),
            other => other.clone(),
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests says that the forms are to be written"
    )]
    fn the_compiled_forms_are_made_of_the_schemas() {
        for (schema, name) in [(RULES, "rules"), (REQUEST, "request")] {
            let schema: Value = serde_json::from_str(schema).unwrap();
            let form = format!("{:#}\n", compiled_form(&schema));
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/compiled/{name}.json"));
            if std::env::var_os("UPDATE_CASES").is_some() {
                fs::write(&path, &form).unwrap();
            }
            let kept = fs::read_to_string(&path).unwrap();
            assert!(
                kept == form,
                "`UPDATE_CASES=1 cargo test --lib compiled` writes {} anew",
                path.display()
            );
        }
    }

    #[test]
    fn both_forms_of_the_schema_say_the_same() {
        let mut seen = [0, 0];
        for folder in [
            "rules",
            "tests/diagnostics/cases",
            "tests/diagnostics/valid",
        ] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let value = fs::read_to_string(&path)
                    .ok()
                    .and_then(|text| serde_yaml::from_str::<Value>(&text).ok());
                let Some(value) = value else { continue };
                let fits = RULES_SCHEMA.fits(&value);
                let validator = RULES_SCHEMA.compiled().validator.as_ref().unwrap();
                assert_eq!(fits, validator.is_valid(&value), "{}", path.display());
                seen[usize::from(fits)] += 1;
            }
        }
        assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
    }
}
