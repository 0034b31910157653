//! Temporary refusals, a leader that changes during a request, and a Patroni that stops answering.

use std::time::Duration;

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use super::{RULES, barman, leader, node};
use crate::support::follow::faulty;
use crate::support::node::Node;
use crate::support::wait::until;

const SWITCH: &str = "{type: config_switch, server: demo, model_name: \"demo:{{ node }}\"}";

#[test]
fn a_request_that_arrives_late_is_not_done_for_a_node_that_no_longer_leads() {
    let old = leader();
    old.faults("post:late=2s*1");
    let call = old.callback();
    let running = call.start();
    until(|| old.posts().len() == 1);
    old.patroni().leader("n2");
    let new = Node::new(&RULES.replace("BARMAN", old.barman().url()))
        .named("n2")
        .with_patroni("n2");
    new.promoted().exits(0);
    running.end().exits(5);
    assert_ne!(old.outcomes(), ["done"]);
    // it went to n1 after all; any pass of the new leader corrects it
    new.run(["reconcile"]).exits(0);
    assert_eq!(old.active(), "demo:n2");
}

#[test]
fn a_later_step_waits_for_a_patroni_that_is_silent() {
    let silent = faulty("any:reset");
    let rules = RULES
        .replace("PATRONI", silent.url())
        .replace(&format!("request: {SWITCH}"), &format!(
            "requests: [{SWITCH}, {{type: config_switch, server: other, model_name: \"other:{{{{ node }}}}\"}}]"
        ));
    let config = barman()
        .server("other")
        .model("other:n1")
        .operation_time(Duration::from_secs(3));
    let node = Node::new(&rules).with_barman(config);
    node.promoted().exits(3);
    assert_eq!(node.active(), "demo:n1");
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn one_refusal_of_what_stands_in_front_settles_nothing() {
    for faults in [
        "post:401+nginx*1",
        "post:403+nginx*1",
        "post:404+nginx*1",
        "post:407+nginx*1",
        "post:421*1",
        "post:425*1",
        "post:gone*1",
    ] {
        let node = leader();
        node.faults(faults);
        let first = node.promoted();
        if first.exit != 0 {
            assert_eq!(node.outcomes(), ["pending"], "{faults}: {}", first.stderr);
            node.event("on_reload", "primary").exits(1);
        }
        assert_eq!(node.outcomes(), ["done"], "{faults}");
        assert_eq!(node.active(), "demo:n1", "{faults}");
    }
}

#[test]
fn a_token_that_is_being_rewritten_is_waited_for() {
    let node = leader();
    let token = node.folder().join("token");
    std::fs::write(&token, "").unwrap();
    let api = format!(
        "headers: {{Authorization: {{file: \"{}\"}}}}",
        token.display()
    );
    node.write_rules(
        &RULES
            .replace("url: \"BARMAN\"", &format!("url: \"BARMAN\", {api}"))
            .replace("deadline: 2s", "deadline: 20s"),
    );
    let call = node.callback();
    let mut running = call.start();
    running.until_it_says("next attempt");
    std::fs::write(&token, "Bearer t0ken-of-the-test").unwrap();
    running.end().exits(0);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn an_update_that_is_not_verified_survives_one_refusal() {
    for fault in ["post:403+nginx*1", "post:gone*1", "post:fail*1"] {
        let update = "{type: config_update, changes: [{scope: server, server_name: demo, description: new}]}";
        let rules = RULES
            .replace("verify: applied", "verify: none")
            .replace("deadline: 2s", "deadline: 30s")
            .replace(SWITCH, update);
        let node = node(&rules);
        node.faults(fault);
        let first = node.promoted();
        let next = node.run(["reconcile"]);
        let said = format!("{}{}", first.stderr, next.stderr);
        assert_eq!(node.outcomes(), ["done"], "{fault}: {said}");
    }
}

#[test]
fn a_callback_killed_while_it_learns_its_name_is_made_good() {
    let silent = faulty("any:hang");
    let node = leader();
    node.write_rules(&RULES.replace("PATRONI", silent.url()));
    let call = node.call(["run", "on_role_change", "primary", "demo"]);
    let mut running = call.start();
    let is_asked = || !silent.served().is_empty();
    assert!(running.kill_when(is_asked), "{}", running.log());
    node.write_rules(RULES);
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn a_patroni_that_is_in_trouble_is_not_invalid_rules() {
    let broken = faulty("any:500*2");
    let node = leader();
    node.write_rules(&RULES.replace("PATRONI", broken.url()));
    let call = node.call(["run", "on_role_change", "primary", "demo"]);
    let mut running = call.start();
    until(|| broken.served().len() > 1 || !running.log().is_empty());
    let early = running.kill_when(|| broken.served().len() > 1);
    assert!(early, "{}", running.log());
}

#[test]
fn a_callback_that_is_stopped_does_not_hold_up_reconcile_for_ever() {
    let node = leader();
    node.faults("post:hang*1");
    let call = node.callback();
    let mut running = call.start();
    until(|| node.posts().len() == 1);
    let pid = Pid::from_raw(running.id().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    node.run(["reconcile"]).exits(3);
    assert_eq!(node.posts().len(), 1);
    // the claim on its request expires
    let state = Connection::open(node.state()).unwrap();
    state.execute("UPDATE intent SET claim_ms = 1", []).unwrap();
    drop(state);
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.active(), "demo:n1");
    running.kill();
}
