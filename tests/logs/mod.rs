//! The log: the owner of each line, the fields for programs, and the output for the journal and for Patroni's own log.

mod history;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::follow::{demo, follow};
use crate::support::node::Node;
use crate::support::text::{has, starts};

const RULES: &str = follow!("retry: {wait: 1ms, max_wait: 2ms, deadline: 5s}");

const CALLBACK: [&str; 6] = ["run", "--node", "n1", "on_role_change", "primary", "demo"];

fn node() -> Node {
    let config = demo("n2").operation_time(Duration::from_millis(10));
    Node::new(RULES).with_patroni("n1").with_barman(config)
}

fn lines(log: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    log.lines().map(parse).collect()
}

#[test]
fn the_first_line_names_what_the_process_was_called_for_and_every_line_its_process() {
    let node = node();
    let running = node.call(CALLBACK).start();
    let process = running.id();
    let ended = running.end().exits(0);
    let mut log = ended.stderr.lines();
    let first = log.next().unwrap();
    let words =
        format!("INFO: [{process}] run on_role_change primary demo on n1, process {process}");
    assert!(first.ends_with(&words), "{first}");
    let prefix = format!("INFO: [{process}] rule `follow`: ");
    let mut rest = log.peekable();
    assert!(rest.peek().is_some());
    assert!(rest.all(|line| line.contains(&prefix)), "{}", ended.stderr);
}

#[test]
fn json_lines_have_fields() {
    let node = node();
    let running = node.call(CALLBACK).args(["--log-format", "json"]).start();
    let process = running.id();
    let lines = lines(&running.end().exits(0).stderr);
    for line in &lines {
        assert_eq!(line["pid"], process, "{line}");
        assert_eq!(line["event"], "on_role_change", "{line}");
        assert_eq!(line["role"], "primary", "{line}");
        assert_eq!(line["cluster"], "demo", "{line}");
        assert_eq!(line["member"], "n1", "{line}");
    }
    let last = lines.last().unwrap();
    assert_eq!(last["outcome"], "done");
    assert_eq!(last["rule"], "follow");
    assert_eq!(last["request"], "config_switch");
    assert_eq!(last["attempts"], 1);
    let sent = lines.iter().find(|line| line["attempt"] == 1).unwrap();
    assert_eq!(sent["server"], "demo");
    let created = lines.iter().find(|line| line["operation_id"].is_string());
    assert_eq!(created.unwrap()["operation_id"], last["operation_id"]);
}

#[test]
fn patroni_s_log_gets_the_log_and_no_result() {
    let node = node();
    let ended = node.run(CALLBACK).exits(0);
    assert_eq!(ended.stdout, "");
    let call = node.call(CALLBACK).args(["--format", "human"]);
    assert!(call.run().exits(0).stdout.starts_with("done\n"));
    let mut running = node.call(["reconcile", "--every", "10ms"]).start();
    running.until_it_says("reconcile primary demo on n1, process");
    running.kill();
    assert_eq!(running.end().stdout, "");
}

#[test]
fn reconcile_says_what_differed_and_history_who_decided() {
    let node = node();
    let ended = node.run(["reconcile"]).exits(0);
    let words = "WARNING: [";
    let line = ended
        .stderr
        .lines()
        .find(|line| line.contains(words))
        .unwrap();
    assert!(
        line.ends_with(
            "reconcile: rule `follow`: the active model of `demo` is `demo:n2` and not `demo:n1`; sending the request"
        ),
        "{line}"
    );
    node.run(CALLBACK).exits(0);
    let history = node.json(&["history"], 0);
    let sources = history["requests"].as_array().unwrap().iter();
    let sources: Vec<_> = sources.map(|one| one["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["callback", "reconcile"]);
}

#[test]
fn debug_shows_the_exchanges() {
    let node = node();
    let ended = node.call(CALLBACK).args(["--log-level", "debug"]).run();
    let url = node.barman().url();
    ended
        .exits(0)
        .says(format!(
            "POST {url}/servers/demo/operations {{\"type\":\"config_switch\""
        ))
        .says("/leader: 200 in ");
}

#[test]
fn an_unchanged_reason_is_said_once() {
    let node = node();
    node.write_rules(&RULES.replace("deadline: 5s", "deadline: 300ms"));
    node.barman().take_down();
    let ended = node.run(CALLBACK).exits(3);
    let said = ended
        .stderr
        .matches("connection refused; next attempt in")
        .count();
    assert_eq!(said, 1, "{}", ended.stderr);
}

#[test]
fn the_journal_gets_priorities_and_no_times() {
    let node = node();
    let path = node.folder().join("journal");
    let file = File::create(&path).unwrap();
    let stat = file.metadata().unwrap();
    let stream = format!("{}:{}", stat.dev(), stat.ino());
    let mut command = node.command(["reconcile"]);
    command.env("JOURNAL_STREAM", stream).stderr(file);
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    let log = fs::read_to_string(&path).unwrap();
    starts(&log, "<6>reconcile primary demo on n1, process ");
    has(&log, "\n<4>reconcile: rule `follow`: the active model");
    assert!(log.lines().all(|line| line.starts_with('<')), "{log}");
    // standard error that leads elsewhere is not the journal
    let call = node.call(["reconcile"]).env("JOURNAL_STREAM", "1:1");
    assert!(!call.run().exits(0).stderr.contains('<'));
}
