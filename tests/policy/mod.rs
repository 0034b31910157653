//! Rules as code: `matrix`, `diff` and `test`, through the program and against brute force.

mod diff;
mod expectations;
mod invariants;
mod matrix;
mod mutants;
mod mutation;
mod page;
mod purpose;
pub mod random;
mod rule_tests;
mod scenarios;
mod test_files;

use std::path::PathBuf;

use patroni_barman::load;
use patroni_barman::model::RuleSet;
use patroni_barman::source::Source;
use serde_json::Value;

use crate::support::ended::Ended;
use crate::support::program::{root, run, stdout};
use crate::support::schema::{assert_fits, published};

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

/// A result, validated by a schema in `schemas/`.
#[track_caller]
pub fn fitting(schema: &str, ended: &Ended) -> Value {
    let json = ended.json();
    assert_fits(&published(schema), &json);
    json
}
