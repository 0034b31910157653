//! Rules that do nothing on purpose, descriptions of rules, and excluded clusters: in every command.

use super::fitting;
use super::rule_tests::test_with;
use crate::support::folder::Folder;
use crate::support::node::Node;
use crate::support::text::has;
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

/// The rules with addresses.
fn rules() -> String {
    RULES
        .replace("BARMAN", "http://127.0.0.1:7480")
        .replace("PATRONI", "http://127.0.0.1:8008")
}

#[test]
fn a_callback_whose_rule_does_nothing_on_purpose_is_done() {
    let node = node();
    let call = ["run", "--format", "human", "on_start", "primary", "lab-1"];
    let idle = "rule `leave-the-lab-alone` does nothing on purpose";
    let ended = node.run(call).exits(0);
    let ended = ended.says(format!("done on_start primary lab-1: {idle}"));
    assert_eq!(ended.stdout, format!("{idle}\n"));
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
    let said = "nothing would be sent: rule `leave-the-lab-alone` does nothing on purpose\n";
    let why = "  leave-the-lab-alone fires, and does nothing on purpose\n    Thrown away every night.\n    Nobody backs it up.\n";
    node.run(["plan", "on_start", "primary", "lab-1"])
        .exits(0)
        .shows(said)
        .shows(why);
    let described = "to model `demo:n1`\n   Barman follows the <primary>\n   POST";
    node.run(["plan", "on_start", "primary", "main"])
        .exits(0)
        .shows(described);
    let excluded = "`cluster` wants *, !other, got other";
    node.run(["plan", "on_start", "primary", "other"])
        .exits(1)
        .shows(excluded);
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
    has(&text, idle);
    has(&text, "Barman follows the <primary>");
    for kind in [
        "cluster lab-db (as lab-db, lab-*, *)",
        "cluster other (as other, *)",
    ] {
        has(&text, kind);
    }
    let page = node.run(["matrix", "--format", "html"]).exits(0).stdout;
    for said in [
        "<b>leave-the-lab-alone</b> does nothing on purpose",
        "Thrown away every night.<br>\nNobody backs it up.",
        "Barman follows the &lt;primary&gt;",
    ] {
        has(&page, said);
    }
    fitting(
        "matrix.schema.json",
        &node.run(["matrix", "--format", "json"]).exits(0),
    );
}

#[test]
fn tests_know_it() {
    let test = |expected: &str| {
        let tests = format!(
            "version: 1\nrules: rules.yml\ngiven: {{cluster: lab-1, node: n1}}\ntests:\n  - {{name: a, event: on_start, role: primary, {expected}}}\n"
        );
        test_with(&rules(), &tests, &[])
    };
    test("fires: [leave-the-lab-alone]").exits(0);
    let why = "leave-the-lab-alone fires, and does nothing on purpose";
    test("fires: [follow]")
        .exits(1)
        .shows(why)
        .shows("Thrown away every night.");
}

#[test]
fn a_comparison_sees_what_is_no_longer_sent() {
    let old = rules();
    let new = old.replace("\"!other\"", "\"!other\", \"!m\"");
    let diff = |new: &str| {
        let folder = Folder::with(&[("old.yml", &old), ("new.yml", new)]);
        folder.run(["diff", "old.yml", "new.yml"])
    };
    diff(&new)
        .shows("on_start (primary), on_role_change (primary) in m")
        .shows("- removed: follow");
    let reworded = old.replace("Barman follows", "It follows");
    diff(&reworded.replace("events:", "on:")).starts("no difference in any of");
}
