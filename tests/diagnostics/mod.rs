//! The findings of `check`: the recorded cases as a whole, files and directories, and the pages about findings. The target `cases`
//! runs each case by itself.

mod documents;
mod files;

use std::collections::BTreeSet;
use std::fs;

use patroni_barman::diagnostic::Code;

use crate::support::checked::{folder, rules_in};

/// The codes of `check`; `PB3…` are about test files.
fn of_rules() -> impl Iterator<Item = Code> {
    let all = Code::ALL.iter().copied();
    all.filter(|code| !code.as_str().starts_with("PB3"))
}

/// The code in the heading of a recorded finding.
fn recorded_code(line: &str) -> Option<String> {
    let (severity, rest) = line.split_once('[')?;
    let known = ["error", "warning", "note"].contains(&severity);
    let (code, _) = rest.split_once("]: ").filter(|_| known)?;
    Some(code.to_owned())
}

#[test]
fn every_kind_of_finding_has_a_case() {
    let cases = rules_in("cases");
    assert!(cases.len() >= 150);
    let mut seen = BTreeSet::new();
    for case in cases {
        let recorded = fs::read_to_string(case.with_extension("txt")).unwrap();
        seen.extend(recorded.lines().filter_map(recorded_code));
    }
    let alone = of_rules().filter(|code| !code.is_online());
    let all: BTreeSet<String> = alone.map(|code| code.as_str().to_owned()).collect();
    assert_eq!(seen, all);
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
fn some_cases_have_secrets() {
    let has_secret = |path: &std::path::PathBuf| {
        fs::read_to_string(path).is_ok_and(|text| text.contains("hunter"))
    };
    assert!(
        rules_in("cases")
            .iter()
            .filter(|path| has_secret(path))
            .count()
            >= 6
    );
}
