//! Rules as code: `matrix`, `diff` and `test`, through the program and against brute force.

mod diff;
mod expectations;
mod invariants;
mod matrix;
mod mutants;
mod mutation;
mod page;
mod purpose;
mod random;
mod rule_tests;
mod scenarios;
mod test_files;

use std::path::PathBuf;

use patroni_barman::load;
use patroni_barman::model::RuleSet;
use patroni_barman::source::Source;
use serde_json::Value;

use crate::support::program::{root, run, stdout};

/// The rules of a text.
pub fn rules(text: &str) -> RuleSet {
    let loaded = load::load(&[Source::new("rules.yml", text)]);
    loaded
        .rules
        .unwrap_or_else(|| panic!("{:#?}\n{text}", loaded.findings))
}

/// The shipped rules files.
pub fn shipped() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    assert!(files.len() >= 7);
    files
}

/// Asserts that a value is valid for a schema in `schemas/`.
pub fn assert_fits(schema: &str, value: &Value) {
    let text = std::fs::read_to_string(root().join("schemas").join(schema)).unwrap();
    let schema = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}
