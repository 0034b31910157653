//! The imports between files, read from their `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The files of a crate by the path of their module, such as `["load", "yaml", "tree"]`.
pub struct Graph {
    modules: BTreeMap<Vec<String>, Module>,
}

#[derive(Default)]
struct Module {
    file: String,
    uses: Vec<Use>,
}

/// One imported item.
struct Use {
    path: Vec<String>,
    /// Its local name.
    name: String,
    /// True if it is re-exported, and not used by this file.
    passed_on: bool,
}

impl Graph {
    pub fn of(src: &Path, files: &[std::path::PathBuf]) -> Self {
        let mut modules = BTreeMap::new();
        for file in files {
            let below = file.strip_prefix(src).unwrap().with_extension("");
            let mut path: Vec<String> = below
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if matches!(path.last().map(String::as_str), Some("mod" | "lib")) {
                path.pop();
            }
            let text = fs::read_to_string(file).unwrap();
            let mut uses = uses(&text);
            for used in &mut uses {
                used.path = absolute(&used.path, &path);
            }
            let file = below.display().to_string();
            modules.insert(path, Module { file, uses });
        }
        Self { modules }
    }

    /// The files that a file imports from; a re-exported item counts for the file that defines it. The modules that
    /// contain the file don't count: their items are there for their parts.
    fn imports(&self, path: &[String]) -> BTreeSet<&Vec<String>> {
        let uses = self.modules[path].uses.iter();
        let uses = uses.filter(|used| !used.passed_on);
        let found = uses.filter_map(|used| self.made_in(&used.path, 8));
        found.filter(|found| !path.starts_with(found)).collect()
    }

    fn made_in(&self, used: &[String], steps: usize) -> Option<&Vec<String>> {
        let inner = (0..=used.len()).rev().map(|length| &used[..length]);
        let mut inner = inner;
        let (path, module) = inner.find_map(|path| self.modules.get_key_value(path))?;
        let Some(item) = used.get(path.len()).filter(|_| steps > 0) else {
            return Some(path);
        };
        match module.uses.iter().find(|used| used.name == *item) {
            Some(used) => self.made_in(&used.path, steps - 1),
            None => Some(path),
        }
    }

    /// Cycles of files, at least one of each strongly connected group.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let (mut found, mut done) = (Vec::new(), BTreeSet::new());
        for path in self.modules.keys() {
            self.search(path, &mut Vec::new(), &mut done, &mut found);
        }
        found
    }

    fn search<'a>(
        &'a self,
        path: &'a Vec<String>,
        way: &mut Vec<&'a Vec<String>>,
        done: &mut BTreeSet<&'a Vec<String>>,
        found: &mut Vec<Vec<String>>,
    ) {
        if let Some(start) = way.iter().position(|known| *known == path) {
            let circle = way[start..].iter();
            found.push(
                circle
                    .map(|path| self.modules[*path].file.clone())
                    .collect(),
            );
        } else if done.insert(path) {
            way.push(path);
            for next in self.imports(path) {
                self.search(next, way, done, found);
            }
            way.pop();
        }
    }
}

/// All imports of a text, except for its tests.
fn uses(text: &str) -> Vec<Use> {
    let text = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
    let mut found = Vec::new();
    for (part, passed_on) in statements(text) {
        let mut items = Vec::new();
        tree(&part, &[], &mut items);
        found.extend(items.into_iter().map(|(path, name)| Use {
            path,
            name,
            passed_on,
        }));
    }
    found
}

/// The text between `use` and `;` of each statement, without blanks, and true if it begins with `pub`.
fn statements(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut open: Option<(String, bool)> = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let public = ["pub ", "pub(super) ", "pub(crate) "];
        let private = public.iter().find_map(|word| line.strip_prefix(word));
        let begun = private.unwrap_or(line).strip_prefix("use ");
        let (piece, (mut whole, passed_on)) = match (open.take(), begun) {
            (None, Some(rest)) => (rest, (String::new(), private.is_some())),
            (Some(open), _) => (line, open),
            (None, None) => continue,
        };
        whole.push_str(&piece.replace(" as ", "=").replace(' ', ""));
        match whole.strip_suffix(';') {
            Some(done) => found.push((done.to_owned(), passed_on)),
            None => open = Some((whole, passed_on)),
        }
    }
    found
}

/// Splits `a::{b,c::d}` into its paths.
fn tree(text: &str, before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut path = before.to_vec();
    let mut rest = text;
    loop {
        if let Some(inner) = rest
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            for item in items(inner) {
                tree(item, &path, found);
            }
            return;
        }
        match rest.split_once("::") {
            Some((name, more)) => {
                path.push(name.to_owned());
                rest = more;
            }
            None => break,
        }
    }
    let (name, here) = rest.split_once('=').unwrap_or((rest, rest));
    let here = if name == "self" {
        path.last().cloned().unwrap_or_default()
    } else {
        path.push(name.to_owned());
        here.to_owned()
    };
    found.push((path, here));
}

/// Splits at commas outside inner braces.
fn items(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found.retain(|item| !item.is_empty());
    found
}

/// A path from the root of the crate.
fn absolute(used: &[String], module: &[String]) -> Vec<String> {
    if let Some("crate" | "patroni_barman") = used.first().map(String::as_str) {
        return used[1..].to_vec();
    }
    // below this module, or another crate
    let mut base = module.to_vec();
    let mut rest = used;
    while let Some((first, more)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => {
                base.pop();
            }
            _ => break,
        }
        rest = more;
    }
    base.extend(rest.iter().cloned());
    base
}
