//! `reconcile` and `status` cover the whole cluster, on any of its nodes.

use super::{RULES, barman, leader, node, unfenced};
use crate::support::node::Node;
use crate::support::patroni::Patroni;
use patroni_barman::simulator::Config;

/// A pass with an immediate second look.
const PASS: [&str; 3] = ["reconcile", "--second-look", "0s"];

/// Node n1, a replica of n2, which has its own Patroni; Barman has another server in addition to `demo`.
fn replica(rules: &str, config: Config) -> (Node, Patroni) {
    let node = Node::new(rules).with_patroni("n2").with_barman(config);
    let leader = Patroni::start("n2", "n2");
    node.patroni().lists("n2", &leader.url);
    (node, leader)
}

/// A Barman that still points to the previous leader.
fn stale() -> Config {
    barman().active("demo", "demo:n1")
}

/// Rules with a finding of `check` are used if a comment gives a reason.
const ALLOWED: &str = "# patroni_barman: allow(PB219) somebody has a reason\n";

#[test]
fn a_replica_corrects_what_the_leader_cannot() {
    let (node, _leader) = replica(RULES, stale());
    let status = node.json(&["status"], 1);
    assert_eq!(status["states"][0]["member"], "n2");
    assert_eq!(status["states"][0]["wanted_model"], "demo:n2");
    node.run(["reconcile", "--dry-run"]).exits(2);
    assert_eq!(node.posts(), []);

    node.run(PASS)
        .exits(0)
        .says("(for `n2`); sending the request");
    assert_eq!(node.active(), "demo:n2");
    let history = node.json(&["history"], 0);
    let request = &history["requests"][0];
    assert_eq!(
        [&request["node"], &request["source"], &request["outcome"]],
        ["n2", "reconcile", "done"]
    );
    node.run(PASS).exits(0);
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn the_leader_is_asked_before_its_server_is_corrected() {
    let (node, leader) = replica(RULES, stale());
    leader.leader("n1");
    let ended = node.run(PASS);
    assert_ne!(ended.exit, 0, "{}", ended.stdout);
    assert_eq!(node.posts(), []);
    // nothing is left pending: the next pass looks again
    assert_eq!(node.json(&["status"], 1)["pending"], serde_json::json!([]));
}

#[test]
fn a_pass_sends_no_update_for_another_member() {
    let rules = RULES.to_owned()
        + r#"  - name: describe
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_update, changes: [{scope: server, server_name: demo, description: "{{ node }} leads"}]}
"#;
    let (node, _leader) = replica(&rules, stale());
    node.run(PASS).exits(0);
    assert_eq!(node.posts_of("config_switch").len(), 1);
    assert_eq!(node.posts_of("config_update"), []);
}

#[test]
fn a_rule_that_needs_what_only_the_other_node_knows_is_left_to_it() {
    for fact in [
        "env.SITE | default('paris')",
        "host",
        "args.site | default('x')",
    ] {
        let rules = RULES.replace("{{ node }}", &format!("{{{{ {fact} }}}}"));
        let (node, _leader) = replica(&rules, stale());
        node.run(PASS).exits(1);
        assert_eq!(node.posts(), [], "{fact}");
    }
}

#[test]
fn what_members_want_differently_is_left_alone() {
    let rules = format!("{ALLOWED}{}", RULES.replace("role: primary", "role: any"));
    let (node, _leader) = replica(&rules, stale());
    let sentence = "the model of the server `demo` is wanted differently for `n1` (rule `follow`) and for `n2` (rule `follow`)";
    node.run(PASS).exits(2).says(sentence);
    assert_eq!(node.posts(), []);
    let status = node.json(&["status"], 1);
    assert_eq!(status["conflicts"][0], sentence);
}

#[test]
fn what_all_members_want_is_sent_once() {
    let rules = RULES
        .replace("role: primary", "role: any")
        .replace("demo:{{ node }}", "demo:n2");
    let (node, _leader) = replica(&rules, stale());
    node.run(PASS).exits(0);
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn a_target_that_something_else_keeps_setting_is_left_alone_after_three_corrections() {
    let node = leader();
    let other = unfenced("n2", node.barman().url());
    for _ in 0..3 {
        node.run(["reconcile"]).exits(0);
        assert_eq!(node.active(), "demo:n1");
        other.promoted().exits(0);
    }
    let posts = node.posts().len();
    node.run(["reconcile"])
        .exits(2)
        .says("corrected 3 times and something else keeps setting it");
    assert_eq!(node.posts().len(), posts);
    // a change of role is not a correction
    node.promoted().exits(0);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn another_patroni_answers_for_a_silent_local_one() {
    let leader = Patroni::start("n2", "n2");
    let rules = RULES.replace(
        "patroni: {url: \"PATRONI\"}",
        &format!(
            "patroni: {{urls: [\"http://127.0.0.1:1\", \"{}\"]}}",
            leader.url
        ),
    );
    let node = Node::new(&rules).with_barman(stale());
    node.run(PASS).exits(0);
    assert_eq!(node.active(), "demo:n2");
    assert_eq!(node.json(&["status"], 0)["node"], serde_json::Value::Null);
}

#[test]
fn a_member_that_is_not_listed_wants_nothing() {
    let rules = RULES.replace("role: primary", "role: replica");
    let node = node(&format!("{ALLOWED}{rules}"));
    let leader = Patroni::start("n2", "n1");
    node.patroni().lists("n2", &leader.url);
    node.run(["reconcile", "--node", "n7", "--second-look", "0s"])
        .says("lists no member `n7`")
        .never_says("demo:n7");
}
