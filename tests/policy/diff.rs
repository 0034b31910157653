//! `diff`.

use serde_json::Value;

use super::{fitting, run};
use crate::support::ended::Ended;
use crate::support::folder::Folder;

use crate::support::text::has;

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

/// The first rule, and the second one, which is inserted before it.
const FOLLOW: &str = r#"  - name: follow
    on: on_role_change
    role: primary
    request: {type: config_switch, server: main, model_name: "main:{{ node }}"}
"#;

/// Each change with its cells, class and field.
#[allow(clippy::too_many_lines, reason = "a table")]
#[test]
fn each_kind_of_change_has_its_class_and_its_field() {
    let added = format!(
        "{OLD}  - name: more\n    on: on_stop\n    role: demoted\n    request: {{type: config_switch, server: main, reset: true}}\n"
    );
    let moved = format!("{}{FOLLOW}", OLD.replace(FOLLOW, ""));
    let in_recovery = |lines: &str| {
        let on = "    on: create_replica";
        OLD.replace(on, &format!("{on}{lines}"))
    };
    for same in [OLD.to_owned(), OLD.replace("# no", "")] {
        assert_eq!(cells(&compare(OLD, &same, &["--node", "NODE"])).len(), 0);
    }
    for (new, class, fields) in [
        (added, "added", &[][..]),
        (OLD.replace(FOLLOW, ""), "removed", &[]),
        (
            OLD.replace("main:{{", "main:x{{"),
            "changed",
            &["body.model_name"],
        ),
        (
            OLD.replace("latest", "oldest"),
            "changed",
            &["body.backup_id"],
        ),
        (
            OLD.replace("led by", "lead by"),
            "changed",
            &["body.changes[0].description"],
        ),
        (
            OLD.replace("switch, server: main", "switch, server: other"),
            "retargeted",
            &["url"],
        ),
        (
            OLD.replace("switch, server", "switch, api: paris, server"),
            "retargeted",
            &["api", "url"],
        ),
        (
            OLD.replace("server_name: main", "server_name: other"),
            "retargeted",
            &["body.changes[0].server_name"],
        ),
        (
            in_recovery("\n    retry: {attempts: 9}\n    poll: {every: 9s}"),
            "timing_only",
            &["retry.attempts", "poll.every"],
        ),
        (in_recovery("\n    verify: none"), "changed", &["verify"]),
        (
            OLD.replace("name: follow", "name: lead"),
            "renamed",
            &["rule"],
        ),
        (moved, "changed", &["position", "position"]),
        (
            OLD.replace("node != \"gone\"", "env.SITE == \"x\""),
            "undecided",
            &[],
        ),
        (
            OLD.replace("on: create_replica", "on: [create_replica, bootstrap]"),
            "added",
            &[],
        ),
    ] {
        let diff = compare(OLD, &new, &["--node", "NODE"]);
        let found = cells(&diff);
        assert_eq!(found.len(), 1, "{new}\n{diff:#}");
        let changes = found[0]["changes"].as_array().unwrap();
        assert_eq!(changes[0]["class"], class, "{diff:#}");
        let seen: Vec<&str> = changes
            .iter()
            .flat_map(|change| change["fields"].as_array().unwrap())
            .map(|field| field["field"].as_str().unwrap())
            .collect();
        assert_eq!(seen, fields, "{diff:#}");
    }
}

/// A recovery is awaited until it ends, and one with a timeout for exactly that time.
#[test]
fn a_recovery_has_no_timeout_unless_the_rules_set_one() {
    let with = |line: &str| format!("{OLD}{line}\n");
    let said = |defaults: &str| OLD.replacen("rules:", &format!("{defaults}\nrules:"), 1);
    for (new, count) in [
        (with("    poll: {timeout: 24h}"), 1),
        (with("    poll: {every: 5s}"), 0),
        (with("    poll: {timeout: 10m}"), 1),
        (said("defaults: {poll: {timeout: 10m}}"), 0),
        (said("defaults: {poll: {every: 5s}}"), 0),
    ] {
        let diff = compare(OLD, &new, &[]);
        assert_eq!(cells(&diff).len(), count, "{new}");
    }
}

/// The result of a rule about the node's name is unknown, but an edit of it is shown.
#[test]
fn an_edit_of_what_can_not_be_told_is_shown() {
    let old = OLD.replace("node != \"gone\"", "node == \"n1\"");
    for (new, part) in [
        (old.replace("led by", "lead by"), "steps"),
        (old.replace("\"n1\"", "\"n2\""), "when"),
        (old.replace("node == \"n1\"", "host == \"n1\""), "asks"),
    ] {
        let diff = compare(&old, &new, &[]);
        let change = &diff["cells"][0]["changes"][0];
        assert_eq!(change["class"], "undecided", "{diff:#}");
        let side = |side: &str| change[side]["unresolved"][part].clone();
        assert!(
            !side("old").is_null() && side("old") != side("new"),
            "{diff:#}"
        );
    }
    let new = old.replace("led by", "lead by");
    let diff = compare(&old, &new, &["--node", "n1"]);
    assert_eq!(
        diff["cells"][0]["changes"][0]["class"], "changed",
        "{diff:#}"
    );
    let diff = compare(&old, &new, &["--node", "n2"]);
    assert_eq!(cells(&diff).len(), 0);
    assert_eq!(diff["unseen"][0]["rule"], "tell");
    assert_eq!(diff["unseen"][0]["what"], "edited");
}

#[test]
fn edits_that_change_no_cell_are_named() {
    let with_condition = |clusters: &str| {
        let when = format!("role: primary\n    when: (cluster | lower) in {clusters}");
        OLD.replacen("role: primary", &when, 1)
    };
    for (old, new, unseen, settings) in [
        (with_condition("['a']"), with_condition("['b']"), 1, vec![]),
        (
            OLD.to_owned(),
            OLD.replacen("api: {", "api: {timeout: 3s, ca_file: /ca.pem, ", 1),
            0,
            vec!["api.ca_file", "api.timeout"],
        ),
        (
            OLD.to_owned(),
            OLD.replacen("rules:", "vars: {x: y}\nrules_fallback: none\nrules:", 1),
            0,
            vec!["rules_fallback", "vars.x"],
        ),
    ] {
        let diff = compare(&old, &new, &[]);
        assert_eq!(cells(&diff).len(), 0, "{new} {diff:#}");
        assert_eq!(diff["summary"]["same"], false);
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

/// Without Patroni, no request is fenced.
#[test]
fn the_fence_that_a_step_really_has_is_compared() {
    let with = "patroni: {url: \"http://127.0.0.1:8008\"}\nrules:";
    let diff = compare(&OLD.replacen("rules:", with, 1), OLD, &[]);
    let change = &diff["cells"][0]["changes"][0];
    assert_eq!(change["fields"][0]["field"], "fence", "{diff:#}");
    assert_eq!(change["fields"][0]["new"], "none");
    assert_eq!(diff["settings"][0]["setting"], "patroni.url");
}

/// `run` sends nothing at all while one rule fails.
#[test]
fn a_rule_that_fails_takes_all_others_with_it() {
    let broken = OLD.replacen(
        "server: main, model_name",
        "server: \"{{ servers[cluster] }}\", model_name",
        1,
    );
    let broken = broken.replacen("rules:", "vars: {servers: {billing: main}}\nrules:", 1);
    let classes = |old: &str, new: &str| -> Vec<String> {
        let diff = compare(old, new, &["--node", "n1"]);
        let cells = cells(&diff);
        let cell = cells.iter().find(|cell| cell["cluster"] == "CLUSTER");
        let changes = cell.unwrap()["changes"].as_array().unwrap().iter();
        let words =
            |change: &Value| ["class", "rule"].map(|key| change[key].as_str().unwrap().to_owned());
        changes.map(|change| words(change).join(" ")).collect()
    };
    assert_eq!(
        classes(OLD, &broken),
        ["breaks follow", "removed follow", "removed tell"]
    );
    assert_eq!(
        classes(&broken, OLD),
        ["mended follow", "added follow", "added tell"]
    );
    let text = diff(OLD, &broken, &["--node", "n1"]).exits(0).stdout;
    for line in [
        "\n  - breaks: follow fails: nothing is sent\n",
        "\n      now: follow: `servers[cluster]` is undefined\n",
        "\n  - in CLUSTER: the server `main` at `default` no longer follows the primary (on_role_change)\n",
        "\n  - in CLUSTER: `description` of the server `main` at `default` is no longer set (on_role_change)\n",
    ] {
        has(&text, line);
    }
}

/// Clusters named in a condition are compared like those in `cluster`.
#[test]
fn clusters_in_conditions_are_compared() {
    let old = OLD.replacen(
        "role: primary",
        "role: primary\n    when: cluster == 'billing'",
        1,
    );
    for (new, expected) in [
        (old.replace("'billing'", "'crm'"), vec!["billing", "crm"]),
        (old.replace("main:{{", "main-{{"), vec!["billing"]),
        (old.replace("follow", "other"), vec!["billing"]),
        (
            old.replace("cluster ==", "cluster !="),
            vec!["billing", "CLUSTER"],
        ),
    ] {
        let diff = compare(&old, &new, &[]);
        let changed = cells(&diff).iter();
        let changed: Vec<&str> = changed
            .map(|cell| cell["cluster"].as_str().unwrap())
            .collect();
        assert_eq!(changed, expected, "{new}");
    }
}

/// A renamed rule that no cell shows is recognised.
#[test]
fn a_rule_with_another_name_is_recognised() {
    let old = OLD.replacen("role: primary", "role: primary\n    when: env.A == 'x'", 1);
    let diff = compare(&old, &old.replace("name: follow", "name: lead"), &[]);
    assert_eq!(cells(&diff).len(), 0, "{diff:#}");
    let unseen = &diff["unseen"][0];
    assert_eq!(
        (&unseen["what"], &unseen["rule"], &unseen["was"]),
        (&"renamed".into(), &"lead".into(), &"follow".into())
    );
}

/// The comparison covers the clusters of both rule sets.
#[test]
fn clusters_that_only_one_side_names_are_compared() {
    let new = OLD.replace(
        "    on: create_replica",
        "    on: create_replica\n    cluster: [main-*]",
    );
    let diff = compare(OLD, &new, &[]);
    let changed = cells(&diff);
    assert_eq!(changed.len(), 1, "{diff:#}");
    assert_eq!(changed[0]["cluster"], "CLUSTER");
    assert_eq!(changed[0]["changes"][0]["class"], "removed");
}

#[test]
fn every_format_says_the_same() {
    let new = OLD.replace("latest", "oldest");
    let shown = |format| diff(OLD, &new, &["--format", format]).exits(0);
    shown("human")
        .starts("1 of 20 cells differ: 1 changed\n")
        .shows("create_replica (replica) in CLUSTER\n  ! changed: rebuild")
        .shows("body.backup_id: latest -> oldest");
    shown("markdown")
        .shows("```diff\n! changed: rebuild")
        .shows("-     body.backup_id: latest\n+     body.backup_id: oldest");
    shown("html").shows("<del>latest</del> → <ins>oldest</ins>");
}

/// Names and conditions may contain any text; none of it ends a line or is interpreted as Markdown.
#[test]
fn free_text_stays_on_its_line_and_is_no_markdown() {
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
    let condition = "env.SITE == \"<img src=y>\" or env.SITE == \"``\"";
    diff(&old, &new, &[])
        .exits(0)
        .shows("\n  ? undecided: **b** [l](http://e) `c` <img src=x>\n")
        .shows(format!(
            "\n      now: unknown: depends on `env.SITE`\n        when {condition}\n"
        ));
    diff(&old, &new, &["--format", "markdown"])
        .exits(0)
        .shows("\n**on_stop (demoted) in ``<b>`c`</b>``**\n")
        .shows(format!("\n        when {condition}\n"));
}

#[test]
fn the_exit_code_is_about_differences_only_when_asked() {
    let new = OLD.replace("latest", "oldest");
    diff(OLD, &new, &[]).exits(0);
    diff(OLD, &new, &["--exit-code"]).exits(1);
    diff(OLD, &new, &["--exit-code=cells"]).exits(1);
    diff(OLD, OLD, &["--exit-code"]).exits(0);
    diff(OLD, "version: 1\nrules: [{}]\n", &[]).exits(2);
    run(&["diff", "rules", "nowhere.yml"]).exits(2);
}

/// Any difference counts; only those in cells, if requested.
#[test]
fn any_difference_counts_for_the_gate() {
    let base = OLD.replacen(
        "role: primary",
        "role: primary\n    when: (cluster | lower) == 'a'",
        1,
    );
    let unknown = base.replace("(cluster | lower) == 'a'", "env.A == 'x'");
    for (old, new, in_cells) in [
        (base.clone(), base.replace("'a'", "'b'"), 0),
        (base.clone(), base.replace("name: follow", "name: lead"), 0),
        (unknown.clone(), unknown.replace("'x'", "'y'"), 1),
        (
            OLD.to_owned(),
            OLD.replacen("api: {", "api: {headers: {X-A: {env: A}}, ", 1),
            0,
        ),
        (
            OLD.to_owned(),
            OLD.replacen("api: {", "api: {timeout: 3s, ", 1),
            0,
        ),
        (
            OLD.to_owned(),
            OLD.replacen("rules:", "rules_fallback: none\nrules:", 1),
            0,
        ),
    ] {
        diff(&old, &new, &["--exit-code"]).case(&new).exits(1);
        let gate = diff(&old, &new, &["--exit-code=cells"]);
        gate.case(&new).exits(in_cells);
    }
}

/// A pull request may also add, remove or repair the rules.
#[test]
fn rules_can_be_compared_with_nothing() {
    let broken = OLD.replace("version: 1", "version: 9");
    let folder = Folder::with(&[
        ("empty.yml", "\n"),
        ("rules.yml", OLD),
        ("broken.yml", &broken),
    ]);
    let diff = |options: &str| {
        folder
            .run(format!("diff {options}").split(' '))
            .case(options)
    };
    for none in ["/dev/null", "empty.yml"] {
        diff(&format!("--exit-code {none} rules.yml"))
            .exits(1)
            .starts("2 of 20 cells differ: 2 added, 1 undecided\n");
        diff(&format!("--exit-code rules.yml {none}"))
            .exits(1)
            .shows("the server `main` at `default` no longer follows the primary");
    }
    for old in ["nowhere.yml", "broken.yml"] {
        diff(&format!("{old} rules.yml")).exits(2);
        diff(&format!("--allow-missing-old {old} rules.yml")).exits(0);
        diff(&format!("--allow-missing-old rules.yml {old}")).exits(2);
    }
}

/// Runs `diff` on two texts.
fn diff(old: &str, new: &str, options: &[&str]) -> Ended {
    let folder = Folder::with(&[("old.yml", old), ("new.yml", new)]);
    folder.run([&["diff", "old.yml", "new.yml"], options].concat())
}

/// The comparison of two texts as JSON, validated by its schema.
fn compare(old: &str, new: &str, options: &[&str]) -> Value {
    let options = [&["--format", "json"], options].concat();
    let ended = diff(old, new, &options).case(new).exits(0);
    fitting("diff.schema.json", &ended)
}

fn cells(diff: &Value) -> &[Value] {
    diff["cells"].as_array().unwrap()
}
