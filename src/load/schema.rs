//! The JSON Schemas of what this program reads and sends, embedded.

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// The shape of a rules file.
pub const RULES: &str = include_str!("../../schemas/rules.schema.json");
/// The body of a request to pg-backup-api.
pub const REQUEST: &str = include_str!("../../schemas/request.schema.json");

/// What `plan --format json` prints.
pub const PLAN: &str = include_str!("../../schemas/plan.schema.json");

/// What `run --format json` prints.
pub const RUN: &str = include_str!("../../schemas/run.schema.json");

/// What `reconcile --format json` prints.
pub const RECONCILE: &str = include_str!("../../schemas/reconcile.schema.json");

/// What `status --format json` prints.
pub const STATUS: &str = include_str!("../../schemas/status.schema.json");

/// What `history --format json` prints.
pub const HISTORY: &str = include_str!("../../schemas/history.schema.json");

/// What `check --format json` prints.
pub const CHECK: &str = include_str!("../../schemas/check.schema.json");
/// The shape of a file of rule tests.
pub const RULE_TESTS: &str = include_str!("../../schemas/rule-tests.schema.json");
/// What `test --format json` prints.
pub const TEST: &str = include_str!("../../schemas/test.schema.json");
/// What `matrix --format json` prints.
pub const MATRIX: &str = include_str!("../../schemas/matrix.schema.json");
/// What `diff --format json` prints.
pub const DIFF: &str = include_str!("../../schemas/diff.schema.json");

/// A schema and what was compiled of it.
pub(super) struct Schema {
    /// The schema itself, for its titles and messages.
    pub(super) json: Value,
    /// None only if the embedded text is broken, which a test rules out.
    pub(super) validator: Option<Validator>,
}

pub(super) static RULES_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::new(RULES));
pub(super) static REQUEST_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::new(REQUEST));
pub(super) static RULE_TESTS_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::new(RULE_TESTS));

impl Schema {
    fn new(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        // The plain engine compiles several times as fast as the one with look-around, and no
        // pattern can make it slow.
        let validator = jsonschema::draft202012::options()
            .with_pattern_options(PatternOptions::regex())
            .build(&json)
            .ok();
        Self { json, validator }
    }

    /// Whether the value has the shape.
    pub(super) fn fits(&self, value: &Value) -> bool {
        self.validator
            .as_ref()
            .is_some_and(|validator| validator.is_valid(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_schemas_are_schemas() {
        for schema in [&RULES_SCHEMA, &REQUEST_SCHEMA, &RULE_TESTS_SCHEMA] {
            assert!(schema.validator.is_some());
            assert!(!schema.fits(&Value::Null));
        }
    }
}
