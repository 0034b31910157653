//! Files next to or below a rules directory's files that are not read, though they look like rules.

use std::fs::{self, DirEntry, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::read::{is_hidden, is_rules_file};

/// Keys of a rules file that no other file of this program has, except for `rules`.
pub(super) const ONLY_IN_RULES: [&str; 7] = [
    "api", "apis", "vars", "defaults", "patroni", "clusters", "discover",
];
/// The maximum number of files and directories to check.
const MAX_ENTRIES: usize = 1000;
/// The maximum depth of directories to search.
const MAX_DEPTH: usize = 4;
/// The number of bytes at the beginning of a file that are checked.
const HEAD: u64 = 16 << 10;

/// Returns the files that look like rules and are not read with this directory: one for each of its sub-directories,
/// and each file with another extension. Nothing for a path that is not a directory.
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

/// The entries that are not hidden, sorted by name.
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

/// Returns true for other spellings of the extension, or none. `rules.yml.bak` and the like are set aside on purpose.
fn may_be_rules(path: &Path) -> bool {
    path.extension().is_none_or(|extension| {
        let endings = ["yml", "yaml", "json", "conf"];
        endings
            .iter()
            .any(|ending| extension.eq_ignore_ascii_case(ending))
    })
}

/// Recognises rules by their top-level keys, and excludes rule tests.
fn looks_like_rules(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let is_file = path.metadata().is_ok_and(|file| file.is_file());
    let read = |file: File| file.take(HEAD).read_to_end(&mut bytes);
    if !is_file || File::open(path).and_then(read).is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&bytes);
    let has = |key: &str| text.lines().any(|line| begins_with_key(line, key));
    let others = || ONLY_IN_RULES.iter().any(|key| has(key));
    !has("tests") && (has("rules") || has("version") && others())
}

/// Returns true if a line has a top-level key, in YAML or JSON syntax.
fn begins_with_key(line: &str, key: &str) -> bool {
    let in_json = line.trim_start_matches(['{', ' ', '\t']);
    let in_json = in_json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_prefix(key));
    let in_yaml = line.strip_prefix(key);
    in_yaml.is_some_and(|rest| rest.starts_with(':'))
        || in_json.is_some_and(|rest| rest.starts_with("\":"))
}
