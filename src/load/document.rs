//! Files other than rules, read with the same care: YAML, schema, and positions.

use serde_json::Value;

use super::problem::Problem;
use super::schema::{RULE_TESTS_SCHEMA, Schema};
use super::{Locator, at, shape, sort, yaml};
use crate::diagnostic::Finding;
use crate::source::Source;

/// A file as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its value; `None` if it has errors.
    pub value: Option<Value>,
    /// The findings, in the order of the lines.
    pub findings: Vec<Finding>,
}

/// Reads a file of rule tests.
pub fn read_rule_tests(source: &Source) -> Document {
    read(source, &RULE_TESTS_SCHEMA)
}

/// Returns true if a file has a top-level key.
pub fn has_key(source: &Source, key: &str) -> bool {
    let value = yaml::read(&source.text).value;
    value.is_some_and(|value| value.get(key).is_some())
}

/// Distinguishes rules from a test file next to them: they have `rules`, or a key that only a rules file has.
pub fn is_rules_file(source: &Source) -> bool {
    let value = yaml::read(&source.text).value.unwrap_or_default();
    let only_in_rules = [
        "api", "apis", "patroni", "clusters", "discover", "defaults", "vars",
    ];
    let rules = value.get("rules").is_some_and(Value::is_array);
    rules || only_in_rules.iter().any(|key| value.get(key).is_some())
}

/// Turns problems in one file into findings, in the order of its lines.
pub fn findings(source: &Source, problems: Vec<Problem>) -> Vec<Finding> {
    let sources = std::slice::from_ref(source);
    let mut locator = Locator::new(sources);
    let found = problems.into_iter();
    let mut findings: Vec<_> = found
        .filter_map(|problem| locator.finding(problem))
        .collect();
    sort(&mut findings, sources);
    findings
}

fn read(source: &Source, schema: &Schema) -> Document {
    let mut locator = Locator::new(std::slice::from_ref(source));
    let reading = yaml::read(&source.text);
    if let Some(read) = reading.careful.filter(|_| !reading.faults.is_empty()) {
        locator.put(0, read);
    }
    let faults = reading.faults.into_iter();
    let mut found: Vec<_> = faults
        .filter_map(|fault| at(&mut locator, 0, fault))
        .collect();
    if let Some(value) = &reading.value {
        let problems = shape::problems_of(schema, value, 0);
        found.extend(findings(source, problems));
    }
    let sources = std::slice::from_ref(source);
    sort(&mut found, sources);
    Document {
        value: reading.value.filter(|_| found.is_empty()),
        findings: found,
    }
}
