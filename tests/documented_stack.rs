//! The documented configuration is the tested one.

use std::path::Path;

use crate::support::program::program;

const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/templates");

const DOCUMENTED: [&str; 7] = [
    "patroni.yml",
    "bootstrap.yml",
    "rules.yml",
    "barman-roles.sql",
    "barman.conf",
    "barman-server.conf",
    "pgpass",
];

#[test]
fn documentation_has_the_files_that_the_tests_run() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/patroni.md");
    let page = std::fs::read_to_string(page).expect("docs/patroni.md");
    let blocks: Vec<&str> = page
        .split("\n```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text)
        .collect();
    for name in DOCUMENTED {
        let file = std::fs::read_to_string(Path::new(TEMPLATES).join(name)).expect(name);
        assert!(
            blocks.contains(&file.trim_end()),
            "no block of docs/patroni.md is tests/real/templates/{name}"
        );
    }
}

#[test]
fn documented_rules_have_no_finding() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/templates/rules.yml");
    let output = program()
        .args(["check", "--format=json"])
        .arg(rules)
        .output()
        .expect("the program");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["findings"], serde_json::json!([]));
    assert_eq!(output.status.code(), Some(0));
}
