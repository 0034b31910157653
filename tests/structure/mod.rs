//! Modules may import each other only in the order of a rule's way from YAML to HTTP.

mod graph;

use std::fs;
use std::path::{Path, PathBuf};

use self::graph::Graph;

/// Modules in import order.
const ORDER: [&str; 22] = [
    "source",
    "diagnostic",
    "model",
    "template",
    "load",
    "evaluate",
    "space",
    "check",
    "matrix",
    "diff",
    "http",
    "barman",
    "patroni",
    "dcs",
    "store",
    "execute",
    "agent",
    "simulator",
    "rule_test",
    "report",
    "alert",
    "cli",
];

#[test]
fn a_module_imports_only_from_those_before_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in files(&src) {
        let module = module_of(file.strip_prefix(&src).unwrap());
        if module == "lib" || module == "main" {
            continue;
        }
        let place = ORDER.iter().position(|name| *name == module);
        let place = place.unwrap_or_else(|| panic!("module `{module}` has no place in the order"));
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for imported in imports(line) {
                seen += 1;
                let found = ORDER.iter().position(|name| *name == imported);
                let number = number + 1;
                let file = file.display();
                assert!(
                    found.is_some_and(|found| found <= place),
                    "{file}:{number}: `{module}` imports from `{imported}`, which comes after it"
                );
            }
        }
    }
    assert!(
        seen > 50,
        "only {seen} imports seen: is `crate::` still how they are written?"
    );
}

#[test]
fn an_import_against_the_order_would_be_seen() {
    assert_eq!(imports("use crate::cli::run;"), ["cli"]);
    assert_eq!(
        imports("    crate::http::block_on(crate::model::x)"),
        ["http", "model"]
    );
}

#[test]
fn files_import_each_other_in_no_circle() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let circles = Graph::of(&src, &files(&src)).circles();
    assert!(
        circles.is_empty(),
        "each of these files imports from the next: {circles:#?}"
    );
}

#[test]
fn a_circle_of_files_would_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let mut all = vec![
        file("lib.rs", "pub mod a;\npub mod b;\n"),
        file("a/mod.rs", "mod c;\npub use c::{Made, self};\n"),
        file("a/c.rs", "pub struct Made;\n"),
        file("b.rs", "use crate::a::{\n    Made as Taken,\n};\n"),
    ];
    assert!(Graph::of(folder.path(), &all).circles().is_empty());
    all.push(file("a/c.rs", "use crate::b::Other;\npub struct Made;\n"));
    all.remove(2);
    assert_eq!(Graph::of(folder.path(), &all).circles(), [["a/c", "b"]]);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, here): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders
        .iter()
        .flat_map(|folder| files(folder))
        .collect::<Vec<_>>();
    here.into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .chain(below)
        .collect()
}

fn module_of(path: &Path) -> String {
    let first = path.components().next().unwrap();
    Path::new(first.as_os_str())
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// The modules named after `crate::` in a line; `crate::{…}` is not used.
fn imports(line: &str) -> Vec<&str> {
    assert!(
        !line.contains("crate::{"),
        "write one `use crate::…` for each module: {line}"
    );
    let name = |rest: &str| {
        rest.find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len())
    };
    line.split("crate::")
        .skip(1)
        .map(|rest| &rest[..name(rest)])
        .collect()
}
