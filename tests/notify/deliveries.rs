//! How receivers are told.

use std::fs;

use serde_json::json;

use super::{RULES, Stage};
use crate::support::listener::Answer;
use crate::support::schema::assert_fits;
use crate::support::text::{has, lacks, starts};
use crate::support::wait::until;

/// The rules with other keys of the receiver.
fn receiver(text: &str) -> String {
    RULES.replace(r#"{name: chat, webhook: {url: "CHAT"}}"#, text)
}

#[test]
fn a_command_gets_the_message_while_the_api_is_down() {
    let stage = Stage::new();
    let (input, output) = (stage.path("input"), stage.path("environment"));
    stage.write_rules(&receiver(&format!(
        r"{{name: mail, command: [/bin/sh, -c, 'cat > {input}; env > {output}', x]}}"
    )));
    stage.node.barman().take_down();
    stage.node.promoted().exits(3);
    let message: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(input).unwrap()).unwrap();
    assert_eq!(message["class"], "unfinished");
    let environment = fs::read_to_string(output).unwrap();
    for line in [
        "PATRONI_BARMAN_NOTIFY_CLASS=unfinished",
        "PATRONI_BARMAN_NOTIFY_STATE=open",
        "PATRONI_BARMAN_NOTIFY_CLUSTER=demo",
        "PATRONI_BARMAN_NOTIFY_ENDED=",
    ] {
        assert!(environment.lines().any(|one| one == line), "{environment}");
    }
}

#[test]
fn a_delivery_that_fails_is_made_by_the_next_process() {
    let stage = Stage::new();
    let (chat, node) = (&stage.chat, &stage.node);
    chat.answers(Answer::Status(503, "later"));
    node.barman().take_down();
    node.promoted()
        .exits(3)
        .says("notify: delivery to `chat` failed: it answered 503: later");
    chat.answers(Answer::Ok);
    // A callback that has nothing to ask for.
    node.event("on_reload", "primary");
    chat.was_told(&["unfinished open", "unfinished open"]);
    node.event("on_reload", "primary");
    chat.was_told(&["unfinished open", "unfinished open"]);
    node.barman().bring_up().unwrap();
    chat.answers(Answer::Status(500, ""));
    node.run(["reconcile"]).exits(0);
    chat.answers(Answer::Ok);
    node.event("on_reload", "primary").exits(1);
    node.event("on_reload", "primary").exits(1);
    let expected = [
        "unfinished open",
        "unfinished open",
        "unfinished over",
        "unfinished over",
    ];
    chat.was_told(&expected);
}

#[test]
fn what_was_never_told_is_not_told_when_it_is_over() {
    let stage = Stage::new();
    let (chat, node) = (&stage.chat, &stage.node);
    chat.answers(Answer::Status(503, "later"));
    node.misses_barman();
    chat.answers(Answer::Ok);
    node.run(["reconcile"]).exits(0);
    chat.was_told(&["unfinished open"]);
}

#[test]
fn a_process_that_is_killed_while_it_tells_loses_nothing() {
    let stage = Stage::new();
    let (chat, node) = (&stage.chat, &stage.node);
    chat.answers(Answer::Hang);
    node.barman().take_down();
    let mut callback = node.callback().start();
    assert!(callback.kill_when(|| chat.posted().len() == 1));
    chat.answers(Answer::Ok);
    node.run(["reconcile"]).exits(3);
    chat.was_told(&["unfinished open", "unfinished open"]);
    node.run(["reconcile"]).exits(3);
    chat.was_told(&["unfinished open", "unfinished open"]);
}

#[test]
fn two_processes_of_a_node_do_not_both_tell() {
    let stage = Stage::new();
    let (chat, node) = (&stage.chat, &stage.node);
    chat.answers(Answer::Hang);
    node.barman().take_down();
    let callback = node.callback().start();
    chat.until_it_has(1);
    node.run(["reconcile"]).exits(3);
    chat.answers(Answer::Ok);
    callback.end().exits(3);
    chat.was_told(&["unfinished open"]);
}

#[test]
fn a_receiver_that_hangs_changes_nothing() {
    let stage = Stage::with(&receiver(
        r#"{name: chat, timeout: 200ms, webhook: {url: "CHAT"}}"#,
    ));
    let (chat, node) = (&stage.chat, &stage.node);
    chat.answers(Answer::Hang);
    node.barman().take_down();
    node.promoted().exits(3).says("delivery to `chat` failed");
    node.barman().bring_up().unwrap();
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn a_command_that_hangs_is_killed_with_everything_that_it_started() {
    let stage = Stage::new();
    let pid = stage.path("pid");
    stage.write_rules(&receiver(&format!(
        "{{name: mail, timeout: 300ms, command: [/bin/sh, -c, 'sleep 1000 & echo $! > {pid}; wait']}}"
    )));
    stage.node.barman().take_down();
    stage
        .node
        .promoted()
        .exits(3)
        .says("delivery to `mail` failed: no answer within 300ms");
    let pid = fs::read_to_string(pid).unwrap();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    until(|| stat().is_ok_and(|stat| stat.contains(") Z")) || stat().is_err());
}

/// A stage whose callbacks try for longer than the receiver waits.
fn patient() -> Stage {
    let rules = receiver(r#"{name: chat, after: 100ms, webhook: {url: "CHAT"}}"#);
    Stage::with(&rules.replace("attempts: 2, ", ""))
}

#[test]
fn a_request_that_is_still_tried_is_told_beside_it() {
    let stage = patient();
    let (chat, node) = (&stage.chat, &stage.node);
    node.barman().take_down();
    let mut callback = node.callback().start();
    chat.until_it_has(1);
    callback.until_it_says("next attempt");
    chat.was_told(&["unfinished open"]);
    node.barman().bring_up().unwrap();
    callback.end().exits(0);
    chat.was_told(&["unfinished open", "unfinished over"]);
}

#[test]
fn a_callback_that_is_killed_while_it_tries_leaves_an_incident_that_ends() {
    let stage = patient();
    let (chat, node) = (&stage.chat, &stage.node);
    node.barman().take_down();
    let mut callback = node.callback().start();
    chat.until_it_has(1);
    callback.kill();
    node.barman().bring_up().unwrap();
    node.run(["reconcile"]).exits(0);
    let last = chat.told().pop().unwrap();
    assert_eq!(last, ("unfinished".to_owned(), "over".to_owned()));
}

#[test]
fn the_body_is_a_template_and_secrets_come_from_files() {
    let stage = Stage::new();
    let token = stage.file("token", "Bearer s3cret-token\n");
    let key = stage.file("key", "s3cret-body\n");
    let url = stage.file(
        "url",
        &format!("{}/services/s3cret-path?key=s3cret-key\n", stage.chat.url),
    );
    stage.write_rules(&receiver(&format!(
        "{{name: chat, webhook: {{url_file: {url}, headers: {{Authorization: {{file: {token}}}}},
           secret_files: {{key: {key}}},
           body: {{key: \"{{{{ secrets.key }}}}\", text: \"{{{{ summary }}}}\", done: \"{{{{ state == 'over' }}}}\", list: [\"{{{{ cluster | upper }}}}\"]}}}}}}"
    )));
    stage.chat.answers(Answer::Status(
        403,
        "no s3cret-key, s3cret-path, Bearer s3cret-token, s3cret-body",
    ));
    let node = &stage.node;
    node.barman().take_down();
    let ended = node
        .callback()
        .args(["--log-level", "debug"])
        .run()
        .exits(3);
    let posted = &stage.chat.posted()[0];
    starts(&posted.head, "POST /services/s3cret-path?key=s3cret-key ");
    has(&posted.head, "Bearer s3cret-token");
    assert_eq!(posted.body["key"], "s3cret-body");
    assert_eq!(posted.body["done"], json!(false));
    assert_eq!(posted.body["list"], json!(["DEMO"]));
    let text = posted.body["text"].as_str().unwrap();
    starts(
        text,
        "demo/n1: the model of the server `demo`: not done yet: ",
    );
    let said = ended.says("it answered 403").stderr;
    lacks(&said, "s3cret");
}

#[test]
fn receivers_are_tested_by_name_or_all_together() {
    let stage = Stage::new();
    let (chat, node) = (&stage.chat, &stage.node);
    stage.write_rules(&receiver(
        r#"{name: chat, webhook: {url: "CHAT"}}
  - {name: mail, command: [/bin/sh, -c, "echo broken >&2; exit 3"]}"#,
    ));
    let ended = node.run(["notify", "--test"]).exits(2);
    let expected = "chat: delivered\nmail: failed: `/bin/sh` ended with exit status: 3: broken\n";
    assert_eq!(ended.stdout, expected);
    chat.was_told(&["test open", "test over"]);
    node.run(["notify", "--test", "chat"]).exits(0);
    node.run(["notify", "--test", "nobody"])
        .exits(4)
        .says("there is no receiver `nobody`");
    node.run(["notify", "chat"]).exits(4);
    let schema = node.run(["schema", "notification"]).json();
    for one in chat.posted() {
        assert_fits(&schema, &one.body);
    }
}

#[test]
fn without_a_state_every_process_tells() {
    let stage = Stage::new();
    let (chat, node) = (&stage.chat, &stage.node);
    node.barman().take_down();
    let nowhere = "/proc/nowhere/state.db";
    for _ in 0..2 {
        let call = node.callback().env("PATRONI_BARMAN_STATE", nowhere);
        call.run().exits(3);
    }
    chat.was_told(&["unfinished open", "unfinished open"]);
}
