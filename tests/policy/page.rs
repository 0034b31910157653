//! The page on tests of rules is complete.

use std::fs;

use patroni_barman::source::Source;
use serde_json::Value;

use super::root;
use crate::support::program::program;

fn page() -> String {
    fs::read_to_string(root().join("docs/rule-tests.md")).unwrap()
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
            "docs/rule-tests.md has no `{key}`"
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
