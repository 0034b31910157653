//! The Python tool's sub-commands, with features that it did not have: a fence, a look before sending, a ledger.

use patroni_barman::simulator::Config;
use std::time::Duration;

use super::{RULES, barman, leader};
use crate::support::call::Call;
use crate::support::node::Node;

/// `config-switch` of node n1 for this event.
fn switch<'a>(node: &'a Node, event: &str, patroni: bool) -> Call<'a> {
    let call = node.call(["--api-url", node.barman().url(), "config-switch"]);
    let call = call.args(["--barman-server", "demo", "--barman-model", "demo:n1"]);
    let call = call.args(["--switch-when", "promoted"]);
    let url = &node.patroni().url;
    let patroni = if patroni {
        vec!["--patroni-url", url.as_str()]
    } else {
        Vec::new()
    };
    call.args(patroni).args([event, "primary", "demo"])
}

#[test]
fn config_switch_is_fenced_where_it_knows_patroni() {
    let node = Node::new(RULES).with_patroni("n2").with_barman(barman());
    switch(&node, "on_role_change", true)
        .run()
        .exits(1)
        .says("no longer holds the leader key");
    assert_eq!(node.posts(), []);
    switch(&node, "on_role_change", false).run().exits(0);
    assert_eq!(node.active(), "demo:n1");
    node.patroni().leader("n1");
    switch(&node, "on_role_change", true).run().exits(0);
    assert_eq!(node.accepted("config_switch"), 2);
}

#[test]
fn config_switch_does_not_restart_a_receiver_at_a_start() {
    let node = leader();
    switch(&node, "on_start", false).run().exits(0);
    switch(&node, "on_start", false).run().exits(0);
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn recover_waits_for_what_an_earlier_call_began_in_the_same_directory() {
    let config = Config::default()
        .server("demo")
        .backup("demo", "20260101T000000")
        .operation_time(Duration::from_secs(4));
    let node = Node::new(RULES).with_patroni("n2").with_barman(config);
    let datadir = format!("--datadir={}", node.datadir().display());
    let recover = || {
        let call = node.call(["--api-url", node.barman().url(), "recover"]);
        let call = call.args(["--barman-server", "demo", "--ssh-command", "ssh n1"]);
        call.args(["--loop-wait", "1", &datadir])
    };
    let mut first = recover().start();
    first.until_it_says("created operation");
    first.kill();
    let second = recover().run();
    second
        .exits(0)
        .says("an earlier recovery into the same directory may still run");
    assert_eq!(node.accepted("recovery"), 2);
}
