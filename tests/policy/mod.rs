//! Rules as code: `matrix`, `diff` and `test`, through the program and against brute force.

mod diff;
mod html;
mod junit;
mod matrix;
mod mutation;
mod page;
mod random;
mod rule_tests;

use std::path::{Path, PathBuf};
use std::process::Output;

use patroni_barman::load;
use patroni_barman::model::RuleSet;
use patroni_barman::source::Source;
use serde_json::Value;

use crate::program::program;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program in the repository.
pub fn run(arguments: &[&str]) -> Output {
    program()
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

/// What the program printed, if it ended with this code.
pub fn stdout(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

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

/// Whether a value has the shape of a schema in `schemas/`.
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
