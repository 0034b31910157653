//! Data that outlives a callback: `reconcile`, `status`, `history`, the metrics and the last good rules, and the
//! JSON output of all commands.

mod forget;
mod gate;
mod left;
mod pending;

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::time::Duration;

use crate::support::ended::Ended;
use crate::support::follow::{demo, follow};
use crate::support::http;
use crate::support::node::Node;
use crate::support::program::full;
use crate::support::text::{has, lacks};

const RULES: &str = follow!("retry: {attempts: 2, wait: 10ms, max_wait: 10ms}");

/// Node n1, the leader, while Barman points to n2.
fn node() -> Node {
    let config = demo("n2")
        .server("archive")
        .model("archive:n1")
        .server("slow")
        .backup("slow", "20260101T000000")
        .operation_time(Duration::from_millis(50));
    Node::new(RULES).with_patroni("n1").with_barman(config)
}

const CALLBACK: [&str; 4] = ["run", "on_role_change", "primary", "demo"];

#[test]
fn every_output_for_programs_has_the_shape_of_its_schema() {
    let node = node();
    let plan = node.json(&["plan", "on_role_change", "primary", "demo"], 0);
    assert_eq!(plan["node"], "n1");
    assert_eq!(plan["steps"][0]["body"]["model_name"], "demo:n1");
    node.json(&["plan", "on_stop", "demoted", "demo"], 1);

    let status = node.json(&["status"], 1);
    assert_eq!(status["states"][0]["active_model"], "demo:n2");
    assert_eq!(status["states"][0]["wanted_model"], "demo:n1");

    node.barman().take_down();
    let run = node.json(&CALLBACK, 3);
    assert_eq!(run["outcome"], "unfinished");
    let status = node.json(&["status"], 1);
    assert_eq!(status["pending"][0]["outcome"], "pending");
    assert!(status["states"][0]["trouble"].is_string());

    node.barman().bring_up().unwrap();
    let reconciled = node.json(&["reconcile"], 0);
    assert_eq!(reconciled["steps"][0]["outcome"], "done");
    assert_eq!(node.active(), "demo:n1");
    let status = node.json(&["status"], 0);
    assert_eq!(status["as_wanted"], true);

    let history = node.json(&["history"], 0);
    assert_eq!(history["requests"][0]["outcome"], "done");
    assert_eq!(history["requests"][0]["attempts"], 3);
    assert_eq!(
        node.json(&["history", "--outcome", "failed"], 0)["requests"],
        serde_json::json!([])
    );
}

/// An API that refuses everything, with a message that changes the direction of writing and spans two lines.
fn refusing() -> String {
    let body = "{\"error\": \"no \u{202e}such\\n::error::server\"}";
    let address = http::answer(|_| http::response("404 NOT FOUND", body));
    format!("http://{address}")
}

#[test]
fn what_others_say_stays_on_its_line() {
    let node = node();
    node.write_rules(&RULES.replace("BARMAN", &refusing()));
    for (arguments, code) in [
        (
            &["plan", "--node", "\u{1b}[31m", "on_stop", "demoted", "demo"][..],
            1,
        ),
        (&[&CALLBACK[..], &["--format", "human"]].concat(), 2),
        (&["history"], 0),
        (&["status"], 1),
        (&["reconcile", "--dry-run"], 3),
    ] {
        let output = node
            .run(arguments)
            .case(format!("{arguments:?}"))
            .exits(code);
        let text = output.stdout;
        let raw = |c: char| c == '\u{202e}' || (c.is_control() && c != '\n');
        assert!(!text.contains(raw), "{arguments:?}: {text}");
        assert!(!text.contains("\n::error::"), "{arguments:?}: {text}");
        assert!(text.contains('\u{fffd}'), "{arguments:?}: {text}");
    }
}

#[test]
fn reconcile_sends_only_what_differs_and_nothing_when_dry() {
    let node = node();
    node.run(["reconcile", "--dry-run"])
        .exits(2)
        .starts("would send config_switch of `demo` to model `demo:n1`: the active model");
    assert_eq!(node.posts().len(), 0);

    node.run(["reconcile"]).exits(0);
    assert_eq!(node.posts().len(), 1);
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.posts().len(), 1);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn what_was_decided_for_a_role_that_is_gone_is_not_sent() {
    let node = node();
    node.barman().take_down();
    node.run(CALLBACK).exits(3);
    node.patroni().leader("n2");
    node.barman().bring_up().unwrap();
    // Barman already points to the new leader
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.posts().len(), 0);
    let request = node.newest();
    assert_eq!(request["outcome"], "superseded");
    assert_eq!(request["message"], "the node has another role now");
}

#[test]
fn a_change_of_role_supersedes_what_is_pending_even_if_no_rule_matches_it() {
    let node = node();
    node.barman().take_down();
    node.run(CALLBACK).exits(3);
    node.event("on_role_change", "replica").exits(1);
    assert_eq!(node.outcomes(), ["superseded"]);
}

#[test]
fn a_broken_file_does_not_keep_a_callback_from_its_last_good_rules() {
    let node = node();
    node.run(CALLBACK).exits(0);
    node.write_rules(&RULES.replace("role: primary", "role: primry"));
    node.run(CALLBACK)
        .exits(6)
        .says("rules.yml:8:11: error[PB")
        .says("the last good rules are used instead");
    // two operations in one second: the second may have been sent twice
    assert!(node.posts().len() >= 2);

    let text = node.metrics(6);
    has(&text, "\npatroni_barman_rules_valid 0\n");
    has(&text, "\npatroni_barman_pending{cluster=\"demo\"} 0\n");
}

#[test]
fn rules_that_want_no_fallback_have_none() {
    let node = node();
    let rules = format!("{RULES}rules_fallback: none\n");
    node.write_rules(&rules);
    node.run(CALLBACK).exits(0);
    node.write_rules(&rules.replace("role: primary", "role: primry"));
    node.run(CALLBACK).exits(4);
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn a_state_that_cannot_be_opened_is_said_and_the_request_is_sent() {
    let node = node();
    let state = "/proc/nowhere/state.db";
    node.call(CALLBACK)
        .env("PATRONI_BARMAN_STATE", state)
        .run()
        .exits(0)
        .says("the state `/proc/nowhere/state.db` can't be opened");
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn a_callback_that_asks_for_nothing_makes_no_database() {
    let node = node();
    node.event("on_stop", "demoted").exits(1);
    assert!(!node.folder().join("state/state.db").exists());
}

#[test]
fn a_dry_run_shows_what_is_pending_and_tells_by_its_exit_code() {
    let node = node();
    node.barman().take_down();
    node.run(CALLBACK).exits(3);
    // Barman is unreachable
    node.run(["reconcile", "--dry-run"]).exits(3);
    node.barman().bring_up().unwrap();
    let listed =
        "pending: config_switch of `demo` to model `demo:n1`, decided for on_role_change primary\n";
    node.run(["reconcile", "--dry-run"]).exits(2).starts(listed);
    let dry = node.run(["reconcile", "--dry-run", "--format", "json"]);
    let json = dry.json();
    assert_eq!(json["as_wanted"], false);
    assert_eq!(json["pending"].as_array().unwrap().len(), 1);
    assert_eq!(node.posts().len(), 0);
}

#[test]
fn a_link_that_points_to_a_broken_version_does_not_lose_the_last_good_rules() {
    let node = node();
    let folder = node.folder();
    for version in ["v1", "v2"] {
        fs::create_dir(folder.join(version)).unwrap();
    }
    fs::rename(node.rules(), folder.join("v1/rules.yml")).unwrap();
    fs::write(folder.join("v2/rules.yml"), "version: 1\nrulez: []\n").unwrap();
    let point = |version: &str| {
        let _ = fs::remove_file(folder.join("now"));
        std::os::unix::fs::symlink(version, folder.join("now")).unwrap();
    };
    point("v1");
    std::os::unix::fs::symlink("now/rules.yml", node.rules()).unwrap();
    node.run(CALLBACK).exits(0);
    point("v2");
    node.run(CALLBACK).exits(6);
    fs::remove_file(folder.join("now")).unwrap();
    node.run(CALLBACK).exits(6);
}

#[test]
fn a_callback_does_not_take_up_its_own_request_again() {
    let node = node();
    let rules = RULES.replace("wait: 10ms, max_wait: 10ms", "wait: 0s, max_wait: 0s");
    node.write_rules(&rules);
    node.run(CALLBACK).exits(0);
    let before = node.posts().len();
    for round in 1..=20 {
        node.faults("post:503*2");
        node.run(CALLBACK).exits(3);
        assert_eq!(node.posts().len(), before + 2 * round);
    }
}

#[test]
fn a_run_that_cannot_begin_is_measured_too() {
    let node = node();
    node.write_rules(&RULES.replace("PATRONI", "http://127.0.0.1:1"));
    has(&node.metrics(3), "\npatroni_barman_last_exit_code 3\n");
}

#[test]
fn a_broken_file_is_measured_also_if_the_run_cannot_begin() {
    let node = node();
    let nowhere = RULES.replace("PATRONI", "http://127.0.0.1:1");
    node.write_rules(&nowhere);
    has(&node.metrics(3), "\npatroni_barman_rules_valid 1\n");
    node.write_rules(&nowhere.replace("role: primary", "role: [primary"));
    let text = node.metrics(3);
    has(&text, "\npatroni_barman_rules_valid 0\n");
    has(&text, "\npatroni_barman_last_exit_code 3\n");
}

#[test]
fn metrics_make_no_database() {
    let node = node();
    node.write_rules("version: 2");
    let text = node.metrics(4);
    has(&text, "\npatroni_barman_rules_valid 0\n");
    lacks(&text, "\npatroni_barman_pending{");
    assert!(!node.folder().join("state/state.db").exists());
}

#[test]
fn metrics_take_the_place_of_nothing_but_a_file() {
    let node = node();
    let pipe = node.folder().join("pipe");
    crate::support::pipe::make(&pipe);
    let message = format!(
        "the metrics can't be written to `{}`: what is there is not a regular file",
        pipe.display()
    );
    node.run(["reconcile", "--metrics-file", pipe.to_str().unwrap()])
        .exits(0)
        .says(&message);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());

    let (file, link) = (node.folder().join("a.prom"), node.folder().join("b"));
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    node.run(["reconcile", "--metrics-file", link.to_str().unwrap()]);
    let text = fs::read_to_string(&link).unwrap();
    has(&text, "patroni_barman_last_exit_code 0");
}

#[test]
fn a_dry_run_whose_result_cannot_be_written_is_no_success() {
    let node = node();
    let run = "run --dry-run --node=n1 on_role_change primary main";
    for arguments in [run, "reconcile --dry-run"] {
        Ended::of(node.command(arguments.split(' ')).stdout(full()))
            .case(arguments)
            .exits(2)
            .says("the result can't be written");
    }
    assert_eq!(node.posts().len(), 0);
}

#[test]
fn a_state_that_cannot_be_read_is_not_as_wanted() {
    let node = node();
    node.run(CALLBACK).exits(0);
    node.run(["status"]).exits(0);
    node.spoil_state();
    node.run(["status"]).exits(1);
    node.run(["reconcile", "--dry-run"]).exits(3);
    node.run(CALLBACK).exits(0);
}
