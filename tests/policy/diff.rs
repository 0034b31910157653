//! `diff`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{assert_fits, stdout};

const OLD: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
apis: {paris: {url: "http://127.0.0.2:7480"}}
rules:
  - name: follow
    on: on_role_change
    role: primary
    request: {type: config_switch, server: main, model_name: "main:{{ node }}"}
  - name: tell
    on: on_role_change
    role: primary
    when: node != "gone"
    request: {type: config_update, changes: [{scope: server, server_name: main, description: "led by {{ node }}"}]}
  - name: rebuild
    on: create_replica
    request: {type: recovery, server: main, backup_id: latest, remote_ssh_command: ssh a, destination_directory: "{{ datadir }}"}
"#;

/// The first rule as it stands, and the second, to be put before it.
const FOLLOW: &str = r#"  - name: follow
    on: on_role_change
    role: primary
    request: {type: config_switch, server: main, model_name: "main:{{ node }}"}
"#;

/// Each change with the cells, the class and the field that it shows as.
#[allow(clippy::too_many_lines, reason = "a table")]
#[test]
fn each_kind_of_change_has_its_class_and_its_field() {
    let added = format!(
        "{OLD}  - name: more\n    on: on_stop\n    role: demoted\n    request: {{type: config_switch, server: main, reset: true}}\n"
    );
    let moved = format!("{}{FOLLOW}", OLD.replace(FOLLOW, ""));
    for (new, cells, class, fields) in [
        (OLD.to_owned(), 0, "", &[][..]),
        (OLD.replace("# no", ""), 0, "", &[]),
        (added, 1, "added", &[]),
        (OLD.replace(FOLLOW, ""), 1, "removed", &[]),
        (
            OLD.replace("main:{{", "main:x{{"),
            1,
            "changed",
            &["body.model_name"],
        ),
        (
            OLD.replace("latest", "oldest"),
            1,
            "changed",
            &["body.backup_id"],
        ),
        (
            OLD.replace("led by", "lead by"),
            1,
            "changed",
            &["body.changes[0].description"],
        ),
        (
            OLD.replace("switch, server: main", "switch, server: other"),
            1,
            "retargeted",
            &["url"],
        ),
        (
            OLD.replace("switch, server", "switch, api: paris, server"),
            1,
            "retargeted",
            &["api", "url"],
        ),
        (
            OLD.replace("server_name: main", "server_name: other"),
            1,
            "retargeted",
            &["body.changes[0].server_name"],
        ),
        (
            OLD.replace(
                "    on: create_replica",
                "    on: create_replica\n    retry: {attempts: 9}\n    poll: {every: 9s}",
            ),
            1,
            "timing_only",
            &["retry.attempts", "poll.every"],
        ),
        (
            OLD.replace(
                "    on: create_replica",
                "    on: create_replica\n    verify: none",
            ),
            1,
            "changed",
            &["verify"],
        ),
        (
            OLD.replace("name: follow", "name: lead"),
            1,
            "changed",
            &["rule"],
        ),
        (moved, 1, "changed", &["position", "position"]),
        (
            OLD.replace("node != \"gone\"", "env.SITE == \"x\""),
            1,
            "removed",
            &[],
        ),
        (
            OLD.replace(
                "    on: create_replica",
                "    on: [create_replica, bootstrap]",
            ),
            1,
            "added",
            &[],
        ),
    ] {
        let diff = compare(OLD, &new, &[]);
        let found = diff["cells"].as_array().unwrap();
        assert_eq!(found.len(), cells, "{new}\n{diff:#}");
        let Some(first) = found.first() else {
            continue;
        };
        let changes = first["changes"].as_array().unwrap();
        assert_eq!(changes[0]["class"], class, "{diff:#}");
        let seen: Vec<&str> = changes
            .iter()
            .flat_map(|change| change["fields"].as_array().unwrap())
            .map(|field| field["field"].as_str().unwrap())
            .collect();
        assert_eq!(seen, fields, "{diff:#}");
    }
}

/// A recovery is waited for until it ends, and one with a timeout for just that time.
#[test]
fn a_recovery_has_no_timeout_unless_the_rules_set_one() {
    let with = |line: &str| format!("{OLD}{line}\n");
    let said = |defaults: &str| OLD.replacen("rules:", &format!("{defaults}\nrules:"), 1);
    for (new, cells) in [
        (with("    poll: {timeout: 24h}"), 1),
        (with("    poll: {every: 5s}"), 0),
        (with("    poll: {timeout: 10m}"), 1),
        (said("defaults: {poll: {timeout: 10m}}"), 0),
        (said("defaults: {poll: {every: 5s}}"), 0),
    ] {
        let diff = compare(OLD, &new, &[]);
        assert_eq!(diff["cells"].as_array().unwrap().len(), cells, "{new}");
    }
}

/// A condition on the node's name is false in every cell, and still its rule may have been edited.
#[test]
fn an_edit_that_no_cell_shows_is_not_passed_over() {
    let old = OLD.replace("node != \"gone\"", "node == \"n1\"");
    let new = old.replace("led by", "lead by");
    let diff = compare(&old, &new, &[]);
    assert_eq!(diff["cells"].as_array().unwrap().len(), 0);
    assert_eq!(diff["unseen"][0]["rule"], "tell");
    assert_eq!(diff["unseen"][0]["what"], "edited");
    let diff = compare(&old, &new, &["--node", "n1"]);
    assert_eq!(diff["cells"].as_array().unwrap().len(), 1, "{diff:#}");
    assert_eq!(diff["unseen"].as_array().unwrap().len(), 0);
}

#[test]
fn edits_that_change_no_cell_are_named() {
    let with_condition = OLD.replacen("role: primary", "role: primary\n    when: node != 'n3'", 1);
    for (new, unseen, settings) in [
        (with_condition, 1, vec![]),
        (
            OLD.replacen(
                "rules:",
                "patroni: {url: \"http://127.0.0.1:8008\"}\nrules:",
                1,
            ),
            0,
            vec!["patroni.url"],
        ),
        (
            OLD.replacen("api: {", "api: {timeout: 3s, ca_file: /ca.pem, ", 1),
            0,
            vec!["api.ca_file", "api.timeout"],
        ),
        (
            OLD.replacen("rules:", "vars: {x: y}\nrules_fallback: none\nrules:", 1),
            0,
            vec!["rules_fallback", "vars.x"],
        ),
    ] {
        let diff = compare(OLD, &new, &[]);
        assert_eq!(diff["cells"].as_array().unwrap().len(), 0, "{new} {diff:#}");
        assert_eq!(
            diff["unseen"].as_array().unwrap().len(),
            unseen,
            "{new} {diff:#}"
        );
        let named = diff["settings"].as_array().unwrap().iter();
        let named: Vec<&str> = named.map(|one| one["setting"].as_str().unwrap()).collect();
        assert_eq!(named, settings, "{new}");
    }
}

/// What the change is in depends on both rule sets' clusters.
#[test]
fn clusters_that_only_one_side_names_are_compared() {
    let new = OLD.replace(
        "    on: create_replica",
        "    on: create_replica\n    cluster: [main-*]",
    );
    let diff = compare(OLD, &new, &[]);
    let changed = diff["cells"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "{diff:#}");
    assert_eq!(changed[0]["cluster"], "CLUSTER");
    assert_eq!(changed[0]["changes"][0]["class"], "removed");
}

#[test]
fn every_format_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path(), OLD, &OLD.replace("latest", "oldest"));
    let text = stdout(&["diff", &old, &new], 0);
    assert!(
        text.starts_with("1 of 20 cells differ: 1 changed\n"),
        "{text}"
    );
    assert!(
        text.contains("create_replica (replica) in CLUSTER\n  ! changed: rebuild"),
        "{text}"
    );
    assert!(text.contains("body.backup_id: latest -> oldest"), "{text}");
    let text = stdout(&["diff", "--format", "markdown", &old, &new], 0);
    assert!(text.contains("```diff\n! changed: rebuild"), "{text}");
    assert!(
        text.contains("-     body.backup_id: latest\n+     body.backup_id: oldest"),
        "{text}"
    );
    let text = stdout(&["diff", "--format", "html", &old, &new], 0);
    assert!(
        text.contains("<del>latest</del> → <ins>oldest</ins>"),
        "{text}"
    );
}

/// Names and conditions are whatever somebody wrote; nothing of them ends a line, and nothing is Markdown.
#[test]
fn free_text_stays_on_its_line_and_is_no_markdown() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = r#"  - name: "**b** [l](http://e) `c` <img src=x>"
    on: on_role_change
    cluster: "<b>`c`</b>"
    role: primary
    when: |
      env.SITE == "<img src=y>"
      or env.SITE == "``"
    request: {type: config_switch, server: main, model_name: first}
  - name: open
    on: on_stop
    cluster: "<b>`c`</b>"
    role: demoted
    request: {type: config_switch, server: main, reset: true}
"#;
    let old = format!("{OLD}{hostile}");
    let new = old
        .replace("first", "second")
        .replace("role: demoted", "role: replica");
    let (old, new) = files(folder.path(), &old, &new);
    let condition = "env.SITE == \"<img src=y>\" or env.SITE == \"``\"";
    let text = stdout(&["diff", &old, &new], 0);
    let line = format!("\n  ? **b** [l](http://e) `c` <img src=x>: edited, when {condition}\n");
    assert!(text.contains(&line), "{text}");
    let text = stdout(&["diff", "--format", "markdown", &old, &new], 0);
    for line in [
        "\n**on_stop (demoted) in ``<b>`c`</b>``**\n",
        &format!("\n- ``**b** [l](http://e) `c` <img src=x>``: edited, when ```{condition}```\n"),
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[test]
fn the_exit_code_is_about_differences_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path(), OLD, &OLD.replace("latest", "oldest"));
    stdout(&["diff", &old, &new], 0);
    stdout(&["diff", "--exit-code", &old, &new], 1);
    stdout(&["diff", "--exit-code", &old, &old], 0);
    fs::write(&new, "version: 1\nrules: [{}]\n").unwrap();
    stdout(&["diff", &old, &new], 2);
    stdout(&["diff", &old, "nowhere.yml"], 2);
}

fn files(folder: &Path, old: &str, new: &str) -> (String, String) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    (write("old.yml", old), write("new.yml", new))
}

/// The comparison of two texts as JSON, which has the shape of its schema.
fn compare(old: &str, new: &str, options: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path(), old, new);
    let arguments = [&["diff", "--format", "json", &old, &new], options].concat();
    let diff = serde_json::from_str(&stdout(&arguments, 0)).unwrap();
    assert_fits("diff.schema.json", &diff);
    diff
}
