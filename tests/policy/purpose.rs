//! Rules that do nothing on purpose, descriptions of rules, and excluded clusters: in every command.

use std::fs;

use serde_json::Value;

use super::assert_fits;
use crate::support::node::Node;
use crate::support::program::program;
use patroni_barman::simulator::Config;

const RULES: &str = r#"version: 1
match: first
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
rules:
  - name: leave-the-lab-alone
    description: |
      Thrown away every night.
      Nobody backs it up.
    events: [on_role_change, on_start]
    cluster: ["lab-*", "!lab-db"]
    request: none
  - name: leave-new-replicas-alone
    on: create_replica
    request: none
  - name: follow
    description: Barman follows the <primary>
    on: [on_role_change, on_start]
    role: primary
    cluster: ["*", "!other"]
    request: {type: config_switch, server: demo, model_name: "demo:n1"}
"#;

fn node() -> Node {
    let config = Config::default().server("demo").model("demo:n1");
    Node::new(RULES).with_patroni("n1").with_barman(config)
}

#[test]
fn a_callback_whose_rule_does_nothing_on_purpose_is_done() {
    let node = node();
    let call = ["run", "--format", "human", "on_start", "primary", "lab-1"];
    let ended = node.run(call).exits(0);
    assert_eq!(
        ended.stdout,
        "rule `leave-the-lab-alone` does nothing on purpose\n"
    );
    let said = "done on_start primary lab-1: rule `leave-the-lab-alone` does nothing on purpose";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    let json = node.json(&["run", "on_start", "primary", "lab-1"], 0);
    assert_eq!(
        (&json["outcome"], &json["exit_code"]),
        (&"done".into(), &0.into())
    );
    assert_eq!(json["trace"][0]["does_nothing"], true);
    assert_eq!(node.posts(), []);
    // excluded from one rule, and therefore handled by the other
    node.run(["run", "on_role_change", "primary", "lab-db"]);
    node.run(["run", "on_role_change", "primary", "other"])
        .exits(1);
}

/// Patroni takes exit code 0 as the sign of a filled directory.
#[test]
fn a_node_is_not_made_by_doing_nothing() {
    let node = node();
    node.create_replica().run().exits(1);
}

#[test]
fn plans_say_what_rules_are_for() {
    let node = node();
    let plan = node.run(["plan", "on_start", "primary", "lab-1"]).exits(0);
    let said = "nothing would be sent: rule `leave-the-lab-alone` does nothing on purpose\n";
    assert!(plan.stdout.contains(said), "{}", plan.stdout);
    let why = "  leave-the-lab-alone fires, and does nothing on purpose\n    Thrown away every night.\n    Nobody backs it up.\n";
    assert!(plan.stdout.contains(why), "{}", plan.stdout);
    let plan = node.run(["plan", "on_start", "primary", "main"]).exits(0);
    let described = "to model `demo:n1`\n   Barman follows the <primary>\n   POST";
    assert!(plan.stdout.contains(described), "{}", plan.stdout);
    let excluded = "`cluster` wants *, !other, got other";
    let plan = node.run(["plan", "on_start", "primary", "other"]).exits(1);
    assert!(plan.stdout.contains(excluded), "{}", plan.stdout);
    let json = node.json(&["plan", "on_start", "primary", "main"], 0);
    assert_eq!(
        json["trace"][2]["description"],
        "Barman follows the <primary>"
    );
    assert_eq!(json["trace"][2].get("does_nothing"), None);
}

#[test]
fn tables_say_it_too_and_have_a_cluster_of_every_kind() {
    let node = node();
    let text = node.run(["matrix"]).exits(0).stdout;
    let idle = "leave-the-lab-alone: does nothing on purpose\n     Thrown away every night.\n     Nobody backs it up.\n";
    assert!(text.contains(idle), "{text}");
    assert!(text.contains("Barman follows the <primary>"), "{text}");
    for kind in [
        "cluster lab-db (as lab-db, lab-*, *)",
        "cluster other (as other, *)",
    ] {
        assert!(text.contains(kind), "{kind}: {text}");
    }
    let page = node.run(["matrix", "--format", "html"]).exits(0).stdout;
    for said in [
        "<b>leave-the-lab-alone</b> does nothing on purpose",
        "Thrown away every night.<br>\nNobody backs it up.",
        "Barman follows the &lt;primary&gt;",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let json: Value = node.run(["matrix", "--format", "json"]).exits(0).json();
    assert_fits("matrix.schema.json", &json);
}

#[test]
fn tests_know_it() {
    let folder = tempfile::tempdir().unwrap();
    let rules = RULES
        .replace("BARMAN", "http://127.0.0.1:7480")
        .replace("PATRONI", "http://127.0.0.1:8008");
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    let test = |expected: &str| {
        let text = format!(
            "version: 1\nrules: rules.yml\ngiven: {{cluster: lab-1, node: n1}}\ntests:\n  - {{name: a, event: on_start, role: primary, {expected}}}\n"
        );
        fs::write(folder.path().join("rules_test.yml"), text).unwrap();
        let output = program()
            .args(["test", "rules_test.yml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, said) = test("fires: [leave-the-lab-alone]");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = test("fires: [follow]");
    assert_eq!(code, Some(1));
    let why = "leave-the-lab-alone fires, and does nothing on purpose";
    assert!(said.contains(why), "{said}");
    assert!(said.contains("Thrown away every night."), "{said}");
}

#[test]
fn a_comparison_sees_what_is_no_longer_sent() {
    let folder = tempfile::tempdir().unwrap();
    let old = RULES
        .replace("BARMAN", "http://127.0.0.1:7480")
        .replace("PATRONI", "http://127.0.0.1:8008");
    let new = old.replace("\"!other\"", "\"!other\", \"!m\"");
    fs::write(folder.path().join("old.yml"), &old).unwrap();
    let diff = |new: &str| {
        fs::write(folder.path().join("new.yml"), new).unwrap();
        let output = program()
            .args(["diff", "old.yml", "new.yml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = diff(&new);
    assert!(
        text.contains("on_start (primary), on_role_change (primary) in m"),
        "{text}"
    );
    assert!(text.contains("- removed: follow"), "{text}");
    let text = diff(
        &old.replace("Barman follows", "It follows")
            .replace("events:", "on:"),
    );
    assert!(text.starts_with("no difference in any of"), "{text}");
}
