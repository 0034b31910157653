//! Files other than rules, read with the same care: YAML, schema, and positions.

use serde_json::Value;

use super::ignored::ONLY_IN_RULES;
use super::problem::Problem;
use super::schema::{RULE_TESTS_SCHEMA, Schema};
use super::{Locator, open, shape, sort, yaml};
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
    let rules = value.get("rules").is_some_and(Value::is_array);
    rules || ONLY_IN_RULES.iter().any(|key| value.get(key).is_some())
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
    let sources = std::slice::from_ref(source);
    let mut locator = Locator::new(sources);
    let mut found = Vec::new();
    let (value, _) = open(0, source, &mut locator, &mut found);
    if let Some(value) = &value {
        let problems = shape::problems_of(schema, value, 0).into_iter();
        found.extend(problems.filter_map(|problem| locator.finding(problem)));
    }
    sort(&mut found, sources);
    Document {
        value: value.filter(|_| found.is_empty()),
        findings: found,
    }
}
