//! Files beside and below those of a rules directory that are not read, though they look like rules.

use std::fs::{self, DirEntry, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::read::{is_hidden, is_rules_file};

/// The number of files and directories that are looked at.
const MAX_ENTRIES: usize = 1000;
/// The levels of directories that are looked into.
const MAX_DEPTH: usize = 4;
/// The beginning of a file by which rules are told from something else.
const HEAD: u64 = 16 << 10;

/// Returns the files that look like rules and are not read with this directory: one for each of its sub-directories,
/// and each file with another ending. Nothing for a path that is no directory.
#[must_use]
pub fn ignored(directory: &Path) -> Vec<PathBuf> {
    let mut budget = MAX_ENTRIES;
    let mut found = Vec::new();
    for entry in entries(directory, &mut budget) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(first_below(&path, &mut budget, 1));
        } else if !is_rules_file(&path) && may_be_rules(&path) && looks_like_rules(&path) {
            found.push(path);
        }
    }
    found
}

/// The first file of rules in a directory or below it.
fn first_below(directory: &Path, budget: &mut usize, depth: usize) -> Option<PathBuf> {
    let mut folders = Vec::new();
    for entry in entries(directory, budget) {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(path);
        } else if may_be_rules(&path) && looks_like_rules(&path) {
            return Some(path);
        }
    }
    if depth == MAX_DEPTH {
        return None;
    }
    folders
        .iter()
        .find_map(|folder| first_below(folder, budget, depth + 1))
}

/// The entries that are not hidden, in the order of their names.
fn entries(directory: &Path, budget: &mut usize) -> Vec<DirEntry> {
    let all = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<_> = all
        .filter(|entry| !is_hidden(&entry.path()))
        .take(*budget)
        .collect();
    *budget -= entries.len();
    entries.sort_by_key(DirEntry::file_name);
    entries
}

/// Rules by another spelling of the ending, or without one. `rules.yml.bak` and its like are put aside on purpose.
fn may_be_rules(path: &Path) -> bool {
    path.extension().is_none_or(|extension| {
        let endings = ["yml", "yaml", "json", "conf"];
        endings
            .iter()
            .any(|ending| extension.eq_ignore_ascii_case(ending))
    })
}

/// Tells rules by their keys at the top, and tests of rules from them.
fn looks_like_rules(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let is_file = path.metadata().is_ok_and(|file| file.is_file());
    let read = |file: File| file.take(HEAD).read_to_end(&mut bytes);
    if !is_file || File::open(path).and_then(read).is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&bytes);
    let has = |key: &str| text.lines().any(|line| begins_with_key(line, key));
    let others = [
        "api", "apis", "vars", "defaults", "patroni", "clusters", "discover",
    ];
    let others = || others.iter().any(|key| has(key));
    !has("tests") && (has("rules") || has("version") && others())
}

/// Tells a line that a key at the top of a document is in, as YAML writes it or as JSON does.
fn begins_with_key(line: &str, key: &str) -> bool {
    let in_json = line.trim_start_matches(['{', ' ', '\t']);
    let in_json = in_json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_prefix(key));
    let in_yaml = line.strip_prefix(key);
    in_yaml.is_some_and(|rest| rest.starts_with(':'))
        || in_json.is_some_and(|rest| rest.starts_with("\":"))
}
