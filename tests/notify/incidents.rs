//! What is an incident, and when it is over.

use std::fs;

use serde_json::json;

use super::{RULES, Stage};

use crate::support::schema::assert_fits;
use crate::support::text::has;

#[test]
fn a_request_that_is_not_done_is_told_once_and_once_that_it_is_over() {
    let stage = Stage::new();
    let Stage { chat, node } = &stage;
    node.barman().take_down();
    node.promoted().exits(3).says("connection refused");
    chat.was_told(&["unfinished open"]);
    node.run(["reconcile"]).exits(3);
    node.run(["reconcile"]).exits(3);
    chat.was_told(&["unfinished open"]);
    node.barman().bring_up().unwrap();
    node.run(["reconcile"]).exits(0);
    chat.was_told(&["unfinished open", "unfinished over"]);
    node.run(["reconcile"]).exits(0);
    node.promoted().exits(0);
    chat.was_told(&["unfinished open", "unfinished over"]);

    let posted = chat.posted();
    let (open, over) = (&posted[0].body, &posted[1].body);
    assert_eq!(open["cluster"], "demo");
    assert_eq!(open["member"], "n1");
    assert_eq!(open["subject"], "the model of the server `demo`");
    has(open["message"].as_str().unwrap(), "refused");
    assert_eq!(open["key"], over["key"]);
    assert_eq!(open["since"], over["since"]);
    assert_eq!(open["ended"], json!(null));
    let schema = node.run(["schema", "notification"]).json();
    for one in [open, over] {
        assert_fits(&schema, one);
    }
}

#[test]
fn a_request_that_failed_is_told_and_is_over_when_it_is_done() {
    let stage = Stage::new();
    let Stage { chat, node } = &stage;
    let rules = RULES.replace("demo:{{ node }}", "unknown:{{ node }}");
    stage.write_rules(&rules);
    node.promoted().exits(2);
    node.promoted().exits(2);
    chat.was_told(&["failed open"]);
    stage.write_rules(RULES);
    node.promoted().exits(0);
    chat.was_told(&["failed open", "failed over"]);
}

#[test]
fn a_request_that_another_role_made_void_is_over() {
    let stage = Stage::new();
    let Stage { chat, node } = &stage;
    node.barman().take_down();
    node.promoted().exits(3);
    node.patroni().leader("n2");
    node.event("on_role_change", "replica").exits(1);
    chat.was_told(&["unfinished open", "unfinished over"]);
}

#[test]
fn a_recovery_that_failed_is_over_when_the_member_runs() {
    let stage = Stage::new();
    let Stage { chat, node } = &stage;
    node.barman().take_down();
    node.create_replica().run().exits(3);
    chat.was_told(&["unfinished open"]);
    node.create_replica().run().exits(3);
    chat.was_told(&["unfinished open"]);
    let another = ["run", "--node", "n2", "on_start", "replica", "demo"];
    node.run(another).exits(1);
    chat.was_told(&["unfinished open"]);
    node.event("on_start", "replica").exits(1);
    chat.was_told(&["unfinished open", "unfinished over"]);
}

#[test]
fn rules_that_are_broken_are_told_once_and_once_that_they_are_mended() {
    let stage = Stage::new();
    let Stage { chat, node } = &stage;
    node.promoted().exits(0);
    let good = fs::read_to_string(node.rules()).unwrap();
    fs::write(
        node.rules(),
        good.replace("on: create_replica", "onn: create_replica"),
    )
    .unwrap();
    node.promoted().exits(6);
    node.event("on_reload", "primary").exits(6);
    node.run(["reconcile"]).exits(6);
    chat.was_told(&["last_good_rules open"]);
    assert_eq!(chat.posted()[0].body["cluster"], json!(null));
    fs::write(node.rules(), good).unwrap();
    node.event("on_reload", "primary").exits(1);
    chat.was_told(&["last_good_rules open", "last_good_rules over"]);
}

#[test]
fn something_else_that_keeps_changing_barman_is_told_once() {
    let stage = Stage::new();
    let Stage { chat, node } = &stage;
    let url = node.barman().url();
    let other = |model: &str| {
        let call = ["config-switch", "--api-url", url, "--switch-when", "always"];
        let model = ["--barman-server", "demo", "--barman-model", model];
        let event = ["on_role_change", "primary", "demo"];
        let call = node.call(call).args(model).args(event);
        call.env("PATRONI_BARMAN_STATE", &stage.path("other.db"))
            .run()
            .exits(0);
    };
    for _ in 0..3 {
        other("demo:n2");
        node.run(["reconcile"]).exits(0);
    }
    other("demo:n2");
    node.run(["reconcile"]).exits(2);
    node.run(["reconcile"]).exits(2);
    chat.was_told(&["fighting open"]);
    // It is quiet, but not for long.
    other("demo:n1");
    node.run(["reconcile"]).exits(0);
    chat.was_told(&["fighting open"]);
    node.run(["notify"]).exits(1).starts("fighting, for ");
}

#[test]
fn a_receiver_is_told_of_its_classes_only() {
    let rules = RULES.replace(
        r#"webhook: {url: "CHAT"}}"#,
        r#"webhook: {url: "CHAT"}, classes: [failed, gap]}"#,
    );
    let stage = Stage::with(&rules);
    let Stage { chat, node } = &stage;
    node.barman().take_down();
    node.promoted().exits(3);
    chat.was_told(&[]);
}

#[test]
fn open_incidents_are_listed() {
    let stage = Stage::new();
    let node = &stage.node;
    let empty = node.run(["notify"]).exits(0);
    assert_eq!(empty.stdout, "no incident is open\n");
    node.barman().take_down();
    node.promoted().exits(3);
    node.run(["notify"])
        .exits(1)
        .starts("unfinished, for ")
        .shows("demo/n1: the model of the server `demo`");
}

#[test]
fn rules_that_cannot_be_evaluated_are_told() {
    let stage = Stage::with(&RULES.replace("demo:{{ node }}", "demo:{{ env.SITE }}"));
    let Stage { chat, node } = &stage;
    node.promoted().exits(4);
    node.promoted().exits(4);
    chat.was_told(&["failed open"]);
    node.callback().env("SITE", "n1").run().exits(0);
    chat.was_told(&["failed open", "failed over"]);
}
