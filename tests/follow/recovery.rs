//! A recovery is sent once, and only its own end counts.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use patroni_barman::simulator::{Config, RecoverFiles};

use crate::support::call::Running;
use crate::support::ended::Ended;
use crate::support::follow::rebuild;
use crate::support::http::{Message, serve};
use crate::support::node::Node;
use crate::support::text::lacks;
use crate::support::wait::until;

const RULES: &str = concat!(
    "version: 1\napi: {url: \"BARMAN\", timeout: 1s}\npatroni: {url: \"PATRONI\"}\n",
    "defaults: {retry: {wait: 10ms, max_wait: 20ms, deadline: 400ms}}\nrules:\n",
    rebuild!()
);

fn barman() -> Config {
    Config::default()
        .server("demo")
        .backup("demo", "20260101T000000")
        .recover_files(RecoverFiles::Local)
        .operation_time(Duration::from_millis(20))
}

fn node(config: Config) -> Node {
    Node::new(RULES)
        .named("n2")
        .with_patroni("n1")
        .with_barman(config)
}

#[track_caller]
fn once(node: &Node, ended: &Ended, exit: i32) {
    assert_eq!(ended.exit, exit, "{}", ended.stderr);
    assert_eq!(node.accepted("recovery"), 1, "{}", ended.stderr);
}

#[test]
fn an_error_of_a_proxy_after_the_api_took_it_up_does_not_send_it_twice() {
    for status in ["503", "500", "429", "502"] {
        let node = node(barman());
        let faults = format!("post:{status}+accepted*1");
        node.faults(&faults);
        let ended = node.create_replica().run().case(status).exits(0);
        assert_eq!(node.posts().len(), 1, "{status}: {}", ended.stderr);
    }
}

#[test]
fn two_calls_for_one_directory_do_not_recover_at_once() {
    let node = node(barman().operation_time(Duration::from_secs(1)));
    let (first, second) = (node.create_replica(), node.create_replica());
    let first = first.start();
    until(|| !node.posts().is_empty());
    let second = second.start();
    until(|| node.posts().len() == 2);
    // the first one has ended when the second one is sent
    first.end().exits(0);
    let said = "an earlier recovery into the same directory may still run";
    second.end().exits(0).says(said);
}

#[test]
fn a_slash_at_the_end_names_the_same_directory() {
    let node = node(barman());
    let rules = RULES.replace("    request:", "    poll: {timeout: 200ms}\n    request:");
    node.write_rules(&rules);
    node.faults("poll:stuck");
    node.create_replica().run().exits(3);
    node.write_rules(&rules.replace("{{ datadir }}", "{{ datadir }}/"));
    let ended = node.create_replica().run();
    once(&node, &ended, 3);
}

#[test]
fn the_wait_for_an_earlier_one_leaves_time_for_the_request() {
    let node = node(barman().operation_time(Duration::from_secs(1)));
    let mut first = node.create_replica().start();
    until(|| node.accepted("recovery") == 1);
    first.until_it_says("created operation");
    first.kill();
    node.faults("post:slow=300ms");
    node.create_replica().run().exits(0).never_says("lost");
    assert_eq!(node.accepted("recovery"), 2);
}

#[test]
fn the_end_of_another_nodes_recovery_is_not_taken_for_ones_own() {
    let node = node(barman());
    node.faults("post:hang*1");
    std::fs::create_dir(node.datadir()).unwrap();
    std::fs::write(node.datadir().join("PG_VERSION"), "15\n").unwrap();
    let call = node.create_replica();
    let mut running = call.start();
    until(|| node.posts().len() == 1);
    another_nodes(&node).create_replica().run().exits(0);
    goes_on_looking(&node, &mut running);
    assert_eq!(node.accepted("recovery"), 1);
}

#[test]
fn what_an_earlier_recovery_made_is_no_proof() {
    let node = node(barman().operation_time(Duration::from_secs(1)));
    let (first, second) = (node.create_replica(), node.create_replica());
    let mut first = first.start();
    first.until_it_says("created operation");
    node.faults("post:hang*1");
    let mut second = second.start();
    // it has waited for the first one, whose files are new, and its own request never arrives
    until(|| node.posts().len() == 2);
    another_nodes(&node).create_replica().run().exits(0);
    goes_on_looking(&node, &mut second);
    assert_eq!(first.end().exit, 0);
    assert_eq!(node.accepted("recovery"), 2);
}

#[test]
fn a_directory_in_which_postgresql_was_started_meanwhile_is_left_alone() {
    let node = node(barman().operation_time(Duration::from_secs(2)));
    let (first, second) = (node.create_replica(), node.create_replica());
    let mut first = first.start();
    first.until_it_says("created operation");
    let mut second = second.start();
    second.until_it_says("an earlier recovery into the same directory may still run");
    std::fs::create_dir_all(node.datadir()).unwrap();
    let pid = std::process::id();
    std::fs::write(node.datadir().join("postmaster.pid"), format!("{pid}\n")).unwrap();
    let second = second.end().exits(2).says("a PostgreSQL runs in");
    once(&node, &second, 2);
}

#[test]
fn a_recovery_whose_time_is_up_still_holds_its_directory() {
    let node = node(barman());
    let rules = RULES.replace("    request:", "    poll: {timeout: 200ms}\n    request:");
    node.write_rules(&rules);
    node.barman().set_faults("poll:stuck".parse().unwrap());
    node.create_replica().run().exits(3);
    node.run(["reconcile"]).exits(3);
    node.create_replica()
        .run()
        .exits(3)
        .says("an earlier recovery into this directory");
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn a_recovery_that_may_still_run_is_not_forgotten_with_old_requests() {
    let node = node(barman());
    node.write_rules(&RULES.replace("rules:\n", "state: {keep: 1ms}\nrules:\n"));
    node.barman().set_faults("poll:stuck".parse().unwrap());
    let earlier = "an earlier recovery into the same directory may still run";
    for said in ["created operation", earlier, earlier] {
        let mut running = node.create_replica().start();
        running.until_it_says(said);
        running.kill();
    }
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn a_proxy_that_asks_for_patience_does_not_hide_the_end_for_an_hour() {
    let node = node(barman());
    node.write_rules(&RULES.replace("    request:", "    poll: {every: 100ms}\n    request:"));
    let faults = "poll:503+retry-after=3600*1";
    node.barman().set_faults(faults.parse().unwrap());
    let ended = node.create_replica().run();
    once(&node, &ended, 0);
}

#[test]
fn a_recovery_from_another_barman_holds_the_directory_too() {
    let node = node(barman().operation_time(Duration::from_secs(4)));
    let other = Node::new("").with_barman(barman());
    let rules = RULES
        .replace(
            "api: {url: \"BARMAN\", timeout: 1s}",
            &format!(
                "apis: {{paris: {{url: \"BARMAN\"}}, london: {{url: \"{}\"}}}}",
                other.barman().url()
            ),
        )
        .replace("request:", "request:\n      api: SITE");
    node.write_rules(&rules.replace("SITE", "paris"));
    let mut first = node.create_replica().start();
    first.until_it_says("created operation");
    first.kill();
    let rules = rules.replace("SITE", "london");
    node.write_rules(&rules.replace("paris", "lyon"));
    node.create_replica().run().exits(3).says(
        "which the rules no longer name, so its end is unknown; if it has ended, give it up with `patroni_barman forget 1`",
    );
    assert_eq!(other.posts(), []);

    node.write_rules(&rules);
    node.create_replica().run().exits(0);
    assert_eq!(other.accepted("recovery"), 1);
}

/// Another node with the same Barman.
fn another_nodes(node: &Node) -> Node {
    Node::new(&RULES.replace("BARMAN", node.barman().url()))
        .named("n3")
        .with_patroni("n1")
}

/// Asserts that it finds another node's operation, and looks at the list again: the end of that operation proves nothing.
#[track_caller]
fn goes_on_looking(node: &Node, running: &mut Running) {
    running.until_it_says("found operation");
    let lists = || {
        let served = node.barman().served();
        let list = "/servers/demo/operations";
        let lists = served
            .iter()
            .filter(|one| one.method == "GET" && one.path == list);
        lists.count()
    };
    let before = lists();
    until(|| lists() > before);
    running.kill();
    lacks(&running.log(), "done after");
}

#[test]
fn a_directory_that_is_not_empty_is_named_when_barman_refuses_it() {
    let node = node(barman().empty_only());
    std::fs::create_dir(node.datadir()).unwrap();
    std::fs::write(node.datadir().join("PG_VERSION"), "15\n").unwrap();
    let why = "was not empty, and since 3.15 Barman restores into empty directories only";
    node.create_replica().run().exits(2).says(why);
}

/// A proxy that closes each connection after one answer, without announcing it.
fn closing_proxy(behind: SocketAddr) -> String {
    let address = serve(move |mut client| {
        let mut server = TcpStream::connect(behind).unwrap();
        pass(&client, &mut server);
        pass(&server, &mut client);
    });
    format!("http://{address}")
}

/// Forwards one message.
fn pass(from: &TcpStream, to: &mut TcpStream) {
    if let Some(message) = Message::read(&mut BufReader::new(from)) {
        let _ = to.write_all(&message.bytes());
    }
}

#[test]
fn a_recovery_is_not_sent_over_a_connection_that_was_closed_meanwhile() {
    for _ in 0..5 {
        let node = node(barman());
        let proxy = closing_proxy(node.barman().address());
        node.write_rules(&RULES.replace("BARMAN", &proxy));
        let ended = node.create_replica().run().never_says("lost");
        once(&node, &ended, 0);
    }
}
