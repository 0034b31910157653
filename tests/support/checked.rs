//! Rules files, and the findings of `check` in them.

use std::fs;
use std::path::{Path, PathBuf};

use patroni_barman::diagnostic::Code;
use serde_json::Value;

use super::ended::Ended;
use super::program::{program, root};

/// The output of `check` for some rules.
pub struct Checked {
    pub path: PathBuf,
    /// The output for people.
    pub text: String,
    pub code: i32,
    /// The output for programs.
    pub json: Value,
}

impl Checked {
    pub fn findings(&self) -> &[Value] {
        self.json["findings"].as_array().unwrap()
    }

    pub fn codes(&self) -> Vec<&str> {
        let code = |finding: &'_ Value| finding["code"].as_str().map(str::to_owned);
        let known = |code: String| Code::parse(&code).unwrap().as_str();
        self.findings().iter().filter_map(code).map(known).collect()
    }
}

/// A directory below `tests/diagnostics`.
pub fn folder(name: &str) -> PathBuf {
    root().join("tests/diagnostics").join(name)
}

/// The rules files and directories in such a directory, sorted by name.
pub fn rules_in(name: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "yml"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Runs `check` from the directory of the rules, so that its output contains no other path.
pub fn check(path: &Path) -> Checked {
    let run = |format: &str| {
        let mut command = program();
        command.current_dir(path.parent().unwrap());
        command.args(["check", "--format", format]);
        let ended = Ended::of(command.arg(path.file_name().unwrap()));
        assert_eq!(ended.stderr, "", "{}", path.display());
        ended
    };
    let (human, json) = (run("human"), run("json"));
    assert_eq!(human.exit, json.exit);
    Checked {
        path: path.to_owned(),
        code: human.exit,
        text: human.stdout,
        json: json.json(),
    }
}
