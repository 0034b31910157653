//! The configuration files on the pages.

use std::fs;

use super::block::blocks;
use super::pages;
use crate::support::program::{program, root};

#[test]
fn rules_files_on_the_pages_have_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.yml");
    let mut seen = 0;
    for page in pages() {
        if page.name() == "docs/findings.md" {
            continue; // `explain` has its mistakes on purpose
        }
        for block in blocks(&page.text) {
            let whole = block.text.contains("version: 1\n") && block.text.contains("\nrules:\n");
            if block.language != "yaml" || !whole {
                continue;
            }
            fs::write(&path, &block.text).unwrap();
            let output = program().arg("check").arg(&path).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            let place = format!("{}:{}", page.name(), block.line);
            assert!(said.contains(": ok, "), "{place}: {said}");
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen}");
}

#[test]
fn yaml_on_the_pages_can_be_read() {
    for page in pages() {
        for block in blocks(&page.text) {
            if block.language == "yaml" && page.name() != "docs/findings.md" {
                let read = serde_yaml::from_str::<serde_json::Value>(&block.text);
                let place = format!("{}:{}", page.name(), block.line);
                assert!(read.is_ok(), "{place}: {read:?}");
            }
        }
    }
}

/// The files of the set-up are those that the tests with real servers use.
#[test]
fn the_set_up_is_the_tested_one() {
    let page = fs::read_to_string(root().join("docs/set-up.md")).unwrap();
    let shown: Vec<String> = blocks(&page).into_iter().map(|block| block.text).collect();
    for name in [
        "patroni.yml",
        "bootstrap.yml",
        "rules.yml",
        "barman-roles.sql",
        "barman.conf",
        "barman-server.conf",
        "pgpass",
    ] {
        let file = root().join("tests/real/templates").join(name);
        let file = fs::read_to_string(file).unwrap();
        let there = shown.iter().any(|text| text.trim_end() == file.trim_end());
        assert!(there, "no block of docs/set-up.md is {name}");
    }
}
