//! Older programs: features that work with them, and an immediate explanation of those that do not.

use patroni_barman::simulator::Version;

use super::{RULES, barman, leader};
use crate::support::node::Node;

const SWITCH: &str = "{type: config_switch, server: demo, model_name: \"demo:{{ node }}\"}";

/// Node n1, the leader, with these versions of the API and of Barman.
fn node(rules: &str, api: Version, barman_version: Version) -> Node {
    let config = barman().api_version(api).barman_version(barman_version);
    Node::new(rules).with_patroni("n1").with_barman(config)
}

#[test]
fn an_api_before_2_1_0_is_named_at_once() {
    let update =
        "{type: config_update, changes: [{scope: server, server_name: demo, description: new}]}";
    for (request, kind) in [(SWITCH, "config_switch"), (update, "config_update")] {
        for api in [Version(2, 0, 0), Version(1, 3, 0)] {
            let node = node(&RULES.replace(SWITCH, request), api, Version(3, 9, 0));
            let why =
                format!("this pg-backup-api is older than 2.1.0 and has no `{kind}`; upgrade it");
            node.promoted().exits(2).says(&why);
            assert_eq!(node.posts().len(), 1);
            assert_eq!(node.outcomes(), ["pending"]);
        }
    }
}

#[test]
fn a_barman_before_3_10_is_named_at_once() {
    let why = "this is Barman 3.9.0; models need 3.10 or later";
    let node = node(RULES, Version(2, 1, 1), Version(3, 9, 0));
    node.promoted().exits(2).says(why);
    assert_eq!(node.posts().len(), 1);
    node.run(["check", "--online", "--node", "n1", "rules.yml"])
        .tells(why);
    node.run(["status", "--node", "n1"]).tells(why);
}

#[test]
fn an_api_that_does_not_fit_its_barman_is_named() {
    let why = "2.0.0 needs Barman before 3.10, 2.1.0 needs 3.10 or later";
    for (api, barman) in [
        (Version(2, 0, 0), Version(3, 10, 0)),
        (Version(2, 1, 0), Version(3, 9, 0)),
    ] {
        let node = node(RULES, api, barman);
        let status = node.run(["status", "--node", "n1"]);
        status.case(format!("{api}, {barman}")).tells(why);
    }
}

#[test]
fn a_patroni_before_3_2_is_followed() {
    let node = leader();
    node.patroni().is_older_than_3_2();
    let streaming = RULES.replace("verify: applied", "verify: streaming, poll: {timeout: 10s}");
    node.write_rules(&streaming);
    // the first attempt fails: the fence is asked again
    node.faults("post:503*1");
    node.promoted().exits(0);
    assert_eq!(node.active(), "demo:n1");
    for command in [
        &["status"][..],
        &["reconcile"],
        &["check", "--online", "rules.yml"],
    ] {
        node.run(command).case(format!("{command:?}")).exits(0);
    }
    node.patroni().leader("n2");
    node.promoted().exits(5);
}

#[test]
fn the_way_to_name_a_node_is_not_a_variable_that_patroni_takes_away() {
    let node = Node::new(&RULES.replace("patroni: {url: \"PATRONI\"}\n", "")).with_barman(barman());
    let way = "give `--node` in the callback's command (Patroni removes `PATRONI_NAME` from the environment)";
    node.run(["run", "on_role_change", "primary", "demo"])
        .exits(3)
        .says(way);
    assert_eq!(node.posts(), []);
}

#[test]
fn values_that_barman_shows_in_other_words_are_recognised() {
    let mut config = barman();
    let options = [
        ("last_backup_maximum_age", "1 DAY", "2 DAYS"),
        ("last_wal_maximum_age", "1 HOUR", "2 HOURS"),
        ("last_backup_minimum_size", "1 Mi", "2 Mi"),
    ];
    let mut change = String::new();
    for (option, before, value) in options {
        config = config.option("demo", option, before);
        change = format!("{change}, {option}: \"{value}\"");
    }
    let request =
        format!("{{type: config_update, changes: [{{scope: server, server_name: demo{change}}}]}}");
    let node = Node::new(&RULES.replace(SWITCH, &request))
        .with_patroni("n1")
        .with_barman(config);
    node.promoted().exits(0).never_says("does not show");
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.posts().len(), 1);
}
