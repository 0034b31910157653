//! The page on reviewing rules is correct.

use std::fs;

use patroni_barman::source::Source;
use serde_json::Value;

use super::root;
use crate::support::program::program;

fn page() -> String {
    fs::read_to_string(root().join("docs/policy.md")).unwrap()
}

#[test]
fn its_test_file_passes_with_the_rules_that_it_is_about() {
    let page = page();
    let blocks = page.split("```yaml\n").skip(1);
    let tests = blocks
        .map(|block| block.split("```").next().unwrap())
        .find(|block| block.contains("scenarios:"))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::write(folder.path().join("tests/rules.yml"), tests).unwrap();
    let rules = root().join("rules/follow-the-primary.yml");
    fs::copy(rules, folder.path().join("rules.yml")).unwrap();
    let output = program()
        .current_dir(folder.path())
        .args(["test", "--fail-under", "100", "tests/"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
}

#[test]
fn what_it_shows_of_an_edit_is_what_is_said() {
    let old = root().join("rules/follow-the-primary.yml");
    let text = fs::read_to_string(&old).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new.yml");
    let edited = text
        .replace("on: [on_role_change, on_start]", "on: on_role_change")
        .replace("model: \"{{ cluster }}:", "model: \"{{ cluster }}-");
    fs::write(&new, edited).unwrap();
    let diff = program().arg("diff").args([&old, &new]).output().unwrap();
    let diff = String::from_utf8(diff.stdout).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(page().contains(diff.trim_end()), "{diff}");
    assert!(readme.contains(diff.trim_end()), "{diff}");
    let tested = program()
        .args(["test", "--rules"])
        .args([&new, &root().join("rules/tests/follow-the-primary.yml")])
        .output()
        .unwrap();
    let said = String::from_utf8(tested.stdout).unwrap();
    for line in [
        "FAIL  Barman ends up",
        "wanted - main: main:main-2",
        "got    + main: main:main-1",
    ] {
        assert!(readme.contains(line) && said.contains(line), "{said}");
    }
}

#[test]
fn it_names_every_key_of_a_test_file() {
    let schema = fs::read_to_string(root().join("schemas/rule-tests.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let page = page();
    let mut keys = Vec::new();
    collect(&schema, &mut keys);
    assert!(keys.len() > 30);
    for key in keys {
        assert!(
            page.contains(&format!("`{key}`")),
            "docs/policy.md has no `{key}`"
        );
    }
}

fn collect(schema: &Value, keys: &mut Vec<String>) {
    for (key, part) in schema.as_object().into_iter().flatten() {
        if key == "properties" {
            keys.extend(part.as_object().unwrap().keys().cloned());
        }
        if key != "examples" {
            collect(part, keys);
        }
    }
    for part in schema.as_array().into_iter().flatten() {
        collect(part, keys);
    }
}

/// The hooks call existing commands, with options that they accept.
#[test]
fn the_pre_commit_hooks_can_be_run() {
    let text = fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap();
    let hooks: Value = serde_yaml::from_str(&text).unwrap();
    for (hook, arguments) in [(0, "rules/recover.yml"), (1, "rules/tests")] {
        let entry = hooks[hook]["entry"].as_str().unwrap();
        let words: Vec<&str> = entry.split(' ').skip(1).collect();
        let output = program()
            .args(words)
            .arg(arguments)
            .current_dir(root())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{entry}");
    }
}

/// Files have the user's names in the output.
#[test]
fn a_source_is_called_as_the_user_calls_it() {
    let source = Source::new("here/tests.yml", "version: 1\nrules: nope.yml\ntests: []\n");
    let loaded = patroni_barman::rule_test::load(&source, None);
    assert_eq!(&*loaded.findings[0].place.file, "here/tests.yml");
    assert!(loaded.findings[0].message.contains("`here/nope.yml`"));
}
