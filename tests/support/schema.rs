//! JSON and its schemas.

use std::fs;

use serde_json::Value;

use super::program::root;

/// A schema in `schemas/`.
pub fn published(name: &str) -> Value {
    let text = fs::read_to_string(root().join("schemas").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Asserts that a value is valid for a schema.
#[track_caller]
pub fn assert_fits(schema: &Value, value: &Value) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?} in {value:#}");
}

/// Asserts the values at these JSON pointers.
#[track_caller]
pub fn has_values(value: &Value, expected: &Value) {
    for (pointer, expected) in expected.as_object().unwrap() {
        let found = value.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, expected, "{pointer} of {value:#}");
    }
}
