//! Barman follows the cluster: the requests of callbacks and `reconcile`, and the things they leave alone.

mod backup;
mod bounded;
mod cluster;
mod diagnose;
mod patience;
mod python_tool;
mod receipt;
mod receiver;
mod recovery;
mod versions;

use patroni_barman::simulator::Config;
use serde_json::json;

use crate::support::follow::{demo, faulty, follow};
use crate::support::http::nowhere;
use crate::support::node::Node;

const RULES: &str = follow!("verify: applied, retry: {wait: 10ms, max_wait: 20ms, deadline: 2s}");

/// A Barman that points to n2.
fn barman() -> Config {
    demo("n2").operation_time(std::time::Duration::from_millis(20))
}

/// Node n1, the leader.
fn leader() -> Node {
    node(RULES)
}

/// The same with other rules.
fn node(rules: &str) -> Node {
    Node::new(rules).with_patroni("n1").with_barman(barman())
}

/// A node with this Barman that asks no Patroni, such as one on which the rules are old.
fn unfenced(name: &str, barman: &str) -> Node {
    let rules = RULES.replace("patroni: {url: \"PATRONI\"}\n", "");
    Node::new(&rules.replace("BARMAN", barman)).named(name)
}

/// The number of times that Barman's state was asked for.
fn looks(node: &Node) -> usize {
    let served = node.barman().served();
    served.iter().filter(|one| one.path == "/diagnose").count()
}

#[test]
fn the_leaders_own_lease_counts_more_than_a_name_on_the_command_line() {
    let node = leader();
    let named = [
        "run",
        "--node",
        "n1.example",
        "on_role_change",
        "primary",
        "demo",
    ];
    node.write_rules(&RULES.replace("demo:{{ node }}", "demo:n1"));
    node.run(named).exits(0);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn the_lease_of_another_member_behind_a_common_address_is_not_ones_own() {
    let node = leader();
    let other = crate::support::patroni::Patroni::start("n2", "n2");
    node.write_rules(&RULES.replace("PATRONI", &other.url));
    node.promoted().exits(5);
    assert_eq!(node.posts(), []);
}

#[test]
fn nothing_is_sent_for_a_role_that_is_lost_before_the_first_attempt() {
    let node = leader();
    node.patroni().leader("n2");
    node.promoted().exits(5);
    assert_eq!(node.posts(), []);
}

#[test]
fn the_patroni_of_another_cluster_is_refused_by_name() {
    let node = leader();
    let sentence = "is of cluster `demo`, not `other`; correct `patroni` in the rules file";
    node.run(["run", "--node", "n1", "on_role_change", "primary", "other"])
        .exits(2)
        .says(sentence);
    assert_eq!(node.posts(), []);
}

#[test]
fn a_silent_patroni_holds_up_nothing_but_a_callback_that_is_late() {
    let (silent, node) = (faulty("any:reset"), leader());
    node.write_rules(&RULES.replace("PATRONI", silent.url()));
    node.promoted().exits(0);
    assert_eq!(node.active(), "demo:n1");

    // an earlier request waits for Patroni, and stays pending
    node.misses_barman();
    let posts = node.posts().len();
    node.run(["reconcile"]).exits(3);
    assert_eq!(node.posts().len(), posts);
    assert_eq!(node.outcomes(), ["pending", "done"]);
}

#[test]
fn a_refusal_that_passes_is_outlived() {
    for faults in [
        "post:408*2",
        "post:429*2",
        "post:500*2",
        "post:502*2",
        "post:503*2",
        "post:fail*1",
    ] {
        let node = leader();
        node.write_rules(&RULES.replace("deadline: 2s", "deadline: 10s"));
        node.faults(faults);
        node.promoted().case(faults).exits(0);
        assert_eq!(node.active(), "demo:n1", "{faults}");
    }
}

#[test]
fn a_callback_without_a_rule_takes_up_what_is_pending_for_its_role() {
    let node = leader();
    node.misses_barman();
    node.event("on_reload", "primary").exits(1);
    assert_eq!(node.active(), "demo:n1");
    assert_eq!(node.outcomes(), ["done"]);
}

#[test]
fn a_pending_request_goes_with_its_rule() {
    let node = leader();
    node.misses_barman();
    node.write_rules(&RULES.replace("role: primary", "role: primary\n    enabled: false"));
    node.run(["reconcile"]).exits(1);
    assert_eq!(node.posts(), []);
    let request = node.newest();
    assert_eq!(request["outcome"], "superseded");
    assert_eq!(request["message"], "the rules no longer ask for it");
}

#[test]
fn a_newer_update_of_one_option_leaves_the_other_pending() {
    let rules = r#"# patroni_barman: allow(PB220, PB221) two events set one option
version: 1
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
defaults: {verify: none, retry: {wait: 10ms, max_wait: 20ms, deadline: 300ms}}
rules:
  - name: both
    on: on_start
    role: primary
    request: {type: config_update, changes: [{scope: server, server_name: demo, description: old, compression: gzip}]}
  - name: one
    on: on_restart
    role: primary
    request: {type: config_update, changes: [{scope: server, server_name: demo, description: new}]}
"#;
    let node = node(rules);
    node.barman().take_down();
    node.event("on_start", "primary").exits(3);
    node.event("on_restart", "primary").exits(3);
    node.barman().bring_up().unwrap();
    // two updates in one second have one ID: the next run sends the second one
    for _ in 0..20 {
        if node.outcomes() == ["done", "done"] {
            break;
        }
        node.run(["reconcile"]);
    }
    let sent: Vec<_> = node
        .posts()
        .iter()
        .filter(|served| served.status == Some(202))
        .map(|served| served.body["changes"][0].clone())
        .collect();
    let change = |option: &str, value: &str| json!({"scope": "server", "server_name": "demo", option: value});
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.contains(&change("compression", "gzip")), "{sent:?}");
    assert!(sent.contains(&change("description", "new")), "{sent:?}");
    assert_eq!(node.outcomes(), ["done", "done"]);
}

#[test]
fn a_barman_that_is_down_does_not_keep_another_from_following() {
    let down = nowhere();
    let request = "{type: config_switch, server: demo, model_name: \"demo:{{ node }}\"";
    let rules = RULES
        .replace(
            "api: {url",
            &format!("apis: {{dead: {{url: \"http://{down}\"}}}}\napi: {{url"),
        )
        .replace(
            &format!("request: {request}}}"),
            &format!("requests: [{request}, api: dead}}, {request}}}]"),
        );
    let node = node(&rules);
    let mut running = node.callback().start();
    running.until_it_says("done after");
    assert_eq!(node.active(), "demo:n1");
    running.end().exits(3);
}

#[test]
fn nothing_is_sent_while_no_member_leads() {
    let node = leader();
    node.patroni().leader("nobody");
    let sentence = "no member of `demo` holds the leader key; nothing is sent";
    node.run(["reconcile"]).exits(3).says(sentence);
    assert_eq!(node.posts(), []);
}

#[test]
fn a_patroni_that_does_not_tell_its_name_is_asked_in_other_ways() {
    let node = leader();
    node.patroni().is_older_than_3_2();
    node.run(["run", "on_role_change", "primary", "demo"])
        .exits(0);
    assert_eq!(node.active(), "demo:n1");
    node.run(["reconcile", "--node", "n1"]).exits(0);
}

#[test]
fn a_barman_that_follows_already_is_left_alone_unless_the_role_changed() {
    let node = Node::new(RULES)
        .with_patroni("n1")
        .with_barman(barman().active("demo", "demo:n1"));
    node.event("on_start", "primary").exits(0);
    assert_eq!(node.posts(), []);
    node.promoted().exits(0);
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn a_slot_that_another_receiver_uses_is_not_barmans() {
    let rules = RULES.replace("verify: applied", "verify: streaming, poll: {timeout: 3s}");
    let node = Node::new(&rules)
        .with_patroni("n1")
        .with_barman(barman().active("demo", "demo:n1"));
    node.patroni().walsenders(&["n2", "barman_receive_wal"]);
    node.event("on_start", "primary").exits(0);
    assert_eq!(node.posts(), []);
    node.patroni().walsenders(&["n2"]);
    node.event("on_start", "primary")
        .exits(2)
        .says("is in use, but not by Barman: the primary has no walsender `barman_receive_wal`");
    assert!(!node.posts().is_empty());
}

#[test]
fn the_second_look_corrects_what_arrives_late() {
    let node = leader();
    let arguments = ["run", "--second-look", "2s", "--node", "n1"];
    let call = node
        .call(arguments)
        .args(["on_role_change", "primary", "demo"]);
    let mut running = call.start();
    running.until_it_says("done after");
    // a request of the previous leader
    unfenced("n2", node.barman().url()).promoted().exits(0);
    assert_eq!(node.active(), "demo:n2");
    running.end().exits(0);
    assert_eq!(node.active(), "demo:n1");
}
