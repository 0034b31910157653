//! Broken rules, each with all that `check` says about it: `cases/NAME.yml` (or a directory) and `cases/NAME.txt`.
//!
//! `UPDATE_CASES=1 cargo test --test integration diagnostics` writes the texts anew; read the difference
//! before it is committed.

mod documents;
mod files;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use patroni_barman::diagnostic::Code;
use serde_json::Value;

use crate::program::program;

/// What `check` said of some rules.
struct Checked {
    /// The file or directory.
    path: PathBuf,
    /// What it printed for people.
    text: String,
    /// Its exit code.
    code: i32,
    /// What it printed for programs.
    json: Value,
}

impl Checked {
    fn findings(&self) -> &[Value] {
        self.json["findings"].as_array().unwrap()
    }

    fn codes(&self) -> Vec<&str> {
        let code = |finding: &'_ Value| finding["code"].as_str().map(str::to_owned);
        let known = |code: String| Code::parse(&code).unwrap().as_str();
        self.findings().iter().filter_map(code).map(known).collect()
    }
}

static CASES: LazyLock<Vec<Checked>> = LazyLock::new(|| rules_in("cases"));
static VALID: LazyLock<Vec<Checked>> = LazyLock::new(|| rules_in("valid"));

/// The codes that `check` gives; `PB3…` are about files of tests.
fn of_rules() -> impl Iterator<Item = Code> {
    let all = Code::ALL.iter().copied();
    all.filter(|code| !code.as_str().starts_with("PB3"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder(name: &str) -> PathBuf {
    root().join("tests/diagnostics").join(name)
}

/// Checks the rules files and directories of a folder, in the order of their names.
fn rules_in(name: &str) -> Vec<Checked> {
    let mut found: Vec<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "yml"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found.iter().map(|path| check(path)).collect()
}

/// Runs `check` from the folder that the rules are in, so that its output has no other path in it.
fn check(path: &Path) -> Checked {
    let run = |format: &str| {
        let mut command = program();
        command.current_dir(path.parent().unwrap());
        command.args(["check", "--format", format]);
        let output = command.arg(path.file_name().unwrap()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, "", "{}", path.display());
        (String::from_utf8(output.stdout).unwrap(), output.status)
    };
    let (text, status) = run("human");
    let (json, same) = run("json");
    assert_eq!(status, same);
    Checked {
        path: path.to_owned(),
        text,
        code: status.code().expect("not ended by a signal"),
        json: serde_json::from_str(&json).unwrap(),
    }
}

#[test]
fn every_broken_file_is_explained_as_recorded() {
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    for case in CASES.iter() {
        let recorded = case.path.with_extension("txt");
        if update {
            fs::write(&recorded, &case.text).unwrap();
        }
        let expected = fs::read_to_string(&recorded).unwrap_or_default();
        if expected != case.text {
            wrong.push(format!("{}:\n{}", case.path.display(), case.text));
        }
    }
    let count = wrong.len();
    assert!(count == 0, "{count} differ:\n{}", wrong.join("\n"));
}

#[test]
fn no_broken_file_passes() {
    assert!(CASES.len() >= 150);
    for case in CASES.iter() {
        let errors = case.findings().iter().filter(|f| f["severity"] == "error");
        assert!(!case.findings().is_empty(), "{}", case.path.display());
        assert_eq!(
            case.code,
            i32::from(errors.count() > 0),
            "{}",
            case.path.display()
        );
    }
}

#[test]
fn a_file_in_order_gives_nothing() {
    for valid in VALID.iter() {
        assert_eq!(valid.findings(), &[] as &[Value], "{}", valid.text);
        assert_eq!(valid.code, 0, "{}", valid.path.display());
    }
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
    let seen: BTreeSet<&str> = CASES.iter().flat_map(Checked::codes).collect();
    let alone = of_rules().filter(|code| !code.needs_barman());
    let all: BTreeSet<&str> = alone.map(Code::as_str).collect();
    assert_eq!(seen, all);
}

/// Whether a checker that finds these codes in a case's rules would pass its record.
fn passes(case: &Checked, found: &[&str]) -> bool {
    let recorded = fs::read_to_string(case.path.with_extension("txt")).unwrap();
    let code = |line: &str| {
        let (severity, rest) = line.split_once('[')?;
        let known = ["error", "warning", "note"].contains(&severity);
        let (code, _) = rest.split_once("]: ").filter(|_| known)?;
        Some(code.to_owned())
    };
    recorded.lines().filter_map(code).eq(found.iter().copied())
}

#[test]
fn a_checker_that_misses_a_kind_of_finding_is_caught() {
    for case in CASES.iter() {
        assert!(passes(case, &case.codes()), "{}", case.path.display());
    }
    for missed in of_rules().filter(|code| !code.needs_barman()) {
        let misses = |case: &Checked| {
            let mut found = case.codes();
            found.retain(|code| *code != missed.as_str());
            !passes(case, &found)
        };
        assert!(CASES.iter().any(misses), "nobody would miss {missed}");
    }
}

#[test]
fn findings_as_json_fit_their_schema() {
    let schema = fs::read_to_string(root().join("schemas/check.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for case in CASES.iter().chain(VALID.iter()) {
        let errors: Vec<_> = validator
            .iter_errors(&case.json)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", case.path.display());
    }
}

#[test]
fn findings_come_in_the_order_of_the_text() {
    for case in CASES.iter() {
        let place = |finding: &Value| {
            let number = |key: &str| finding[key].as_u64().unwrap();
            let file = finding["file"].as_str().unwrap().to_owned();
            (file, number("line"), number("column"))
        };
        let places: Vec<_> = case.findings().iter().map(place).collect();
        assert!(places.is_sorted(), "{}: {places:?}", case.path.display());
    }
}

#[test]
fn no_secret_of_a_file_is_shown() {
    let mut with_secrets = 0;
    for case in CASES.iter().filter(|case| case.path.is_file()) {
        if fs::read_to_string(&case.path).unwrap().contains("hunter") {
            with_secrets += 1;
            let shown = format!("{}{}", case.text, case.json);
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }
    assert!(with_secrets >= 6);
}
