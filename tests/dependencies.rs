//! The program's dependencies: each has a recorded reason, and an allowed licence.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::ended::Ended;
use crate::support::program::root;

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The names under a section of `Cargo.toml`.
fn section(manifest: &str, name: &str) -> BTreeSet<String> {
    let header = format!("[{name}]");
    manifest
        .lines()
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .collect()
}

/// The crates in the table under a heading of the page.
fn table(page: &str, heading: &str) -> BTreeSet<String> {
    page.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let page = read("docs/dependencies.md");
    for (dependencies, heading) in [
        ("dependencies", "## In the program"),
        ("dev-dependencies", "## In tests and measurements"),
    ] {
        let named = section(&manifest, dependencies);
        assert!(!named.is_empty());
        assert_eq!(
            named,
            table(&page, heading),
            "left: [{dependencies}] of Cargo.toml; right: `{heading}` in docs/dependencies.md"
        );
    }
}

/// The packages that the program and its tests are built from.
fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root());
    Ended::of(&mut cargo).exits(0).json()
}

#[test]
fn the_named_rust_is_new_enough_for_every_dependency() {
    let parse = |version: &str| -> Vec<u32> {
        let numbers = version.split('.').map(|number| number.parse().unwrap());
        numbers.chain([0]).take(3).collect()
    };
    let named = env!("CARGO_PKG_RUST_VERSION");
    let metadata = metadata();
    let newer: Vec<&Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| {
            let wanted = package["rust_version"].as_str();
            wanted.is_some_and(|wanted| parse(wanted) > parse(named))
        })
        .map(|package| &package["name"])
        .collect();
    assert!(newer.is_empty(), "{newer:?} need more than Rust {named}");
    for page in ["README.md", "CONTRIBUTING.md"] {
        let words = format!("Rust {named} or later");
        assert!(read(page).contains(&words), "{page} has no `{words}`");
    }
}

#[test]
fn every_licence_is_allowed() {
    let deny = read("deny.toml");
    let (_, list) = deny.split_once("allow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let allowed: Vec<&str> = list
        .split(", ")
        .map(|word| word.trim_matches('"'))
        .collect();
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| {
            let licence = package["license"].as_str().unwrap_or_default();
            !is_allowed(licence, &allowed)
        })
        .map(|package| format!("{} ({})", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml: {refused:?}");
}

/// Returns true if a licence expression can be satisfied with these licences. An expression with both `AND` and `OR` has
/// parentheses, without nesting.
fn is_allowed(licence: &str, allowed: &[&str]) -> bool {
    let licence = licence.replace('/', " OR ");
    let any = |alternatives: &str| {
        alternatives
            .split(" OR ")
            .any(|one| allowed.contains(&one.trim()))
    };
    licence
        .split(" AND ")
        .all(|part| any(part.trim().trim_matches(['(', ')'])))
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "ISC", "Unicode-3.0"];
    for (licence, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 OR MIT", true),
        ("MIT AND ISC", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(GPL-2.0-only OR Apache-2.0) AND Unicode-3.0", false),
        ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
        ("", false),
    ] {
        assert_eq!(is_allowed(licence, &allowed), expected, "{licence}");
    }
}
