//! Broken rules, each with all that is said about it: `cases/NAME.yml` (or a directory) and `cases/NAME.txt`.
//!
//! `UPDATE_CASES=1 cargo test diagnostics` writes the texts anew; read the difference before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use patroni_barman::check;
use patroni_barman::diagnostic::{Code, Finding};
use patroni_barman::load::{self, schema};
use patroni_barman::report::{Colour, findings};
use patroni_barman::source::Source;
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/diagnostics")
        .join(name)
}

/// The rules files and directories of a folder, in the order of their names.
fn rules_in(name: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "yml"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Reads rules under names without the place where they happen to be.
fn read(path: &Path) -> Vec<Source> {
    let parent = path.parent().unwrap();
    let short = |source: Source| {
        let name = Path::new(&*source.name).strip_prefix(parent).unwrap();
        Source::new(name.to_str().unwrap(), source.text)
    };
    let sources = load::read(path).unwrap();
    sources.into_iter().map(short).collect()
}

fn findings_of(sources: &[Source]) -> (Vec<Finding>, String) {
    let found = check::findings(sources);
    let text = findings::human(&found, sources, Colour::Never);
    (found, text)
}

#[test]
fn every_broken_file_is_explained_as_recorded() {
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    for path in rules_in("cases") {
        let (found, text) = findings_of(&read(&path));
        let recorded = path.with_extension("txt");
        if update {
            fs::write(&recorded, &text).unwrap();
        }
        let expected = fs::read_to_string(&recorded).unwrap_or_default();
        if found.is_empty() || expected != text {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn nothing_is_recorded_that_has_no_case() {
    for entry in fs::read_dir(folder("cases")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let (file, directory) = (path.with_extension("yml"), path.with_extension(""));
            assert!(file.exists() || directory.exists(), "{}", path.display());
        }
    }
}

#[test]
fn every_kind_of_finding_has_a_case() {
    let seen: BTreeSet<Code> = rules_in("cases")
        .iter()
        .flat_map(|path| findings_of(&read(path)).0)
        .map(|finding| finding.code)
        .collect();
    let all: BTreeSet<Code> = Code::ALL.iter().copied().collect();
    assert_eq!(seen, all);
}

#[test]
fn a_file_in_order_gives_nothing() {
    for path in rules_in("valid") {
        let sources = read(&path);
        assert_eq!(findings_of(&sources).1, "", "{}", path.display());
        assert!(load::load(&sources).rules.is_some(), "{}", path.display());
    }
}

#[test]
fn findings_as_json_fit_their_schema() {
    let schema: Value = serde_json::from_str(schema::CHECK).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for path in rules_in("cases").iter().chain(&rules_in("valid")) {
        let json = findings::json(&findings_of(&read(path)).0);
        let errors: Vec<_> = validator
            .iter_errors(&json)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

#[test]
fn findings_come_in_the_order_of_the_text() {
    for path in rules_in("cases") {
        let places: Vec<_> = findings_of(&read(&path))
            .0
            .into_iter()
            .map(|finding| (finding.place.file, finding.place.position))
            .collect();
        assert!(places.is_sorted(), "{}", path.display());
    }
}
