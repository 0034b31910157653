//! Notifications of an agent and of receipts.

use std::fs;

use patroni_barman::simulator::World;
use patroni_barman::simulator::patroni::Cluster;
use rustix::process::Signal;

use super::RULES;
use crate::support::fleet::Fleet;
use crate::support::follow::demo;
use crate::support::listener::Listener;
use crate::support::node::Node;

/// The rules of a fleet, with a receiver.
fn with_receiver(fleet: &Fleet, clusters: &[(&str, &str)], chat: &Listener) -> String {
    let receiver = format!(
        "notify: [{{name: chat, after: 0s, webhook: {{url: \"{}\"}}}}]\nclusters:\n",
        chat.url
    );
    fleet.rules(clusters).replace("clusters:\n", &receiver)
}

#[test]
fn an_agent_tells_of_a_barman_that_cannot_be_reached_and_of_its_end() {
    let clusters = [("main", "east"), ("side", "west")];
    let (fleet, chat) = (Fleet::new(&clusters), Listener::start());
    fleet.write_rules(&with_receiver(&fleet, &clusters, &chat));
    fleet.world.barman("west").unwrap().take_down();
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    chat.until_it_has(1);
    fleet.world.barman("west").unwrap().bring_up().unwrap();
    agent.until_fine(&["side"]);
    chat.until_it_has(2);
    chat.was_told(&["unfinished open", "unfinished over"]);
    assert!(
        chat.posted()
            .iter()
            .all(|one| one.body["cluster"] == "side")
    );
}

#[test]
fn an_agent_tells_of_a_cluster_that_is_silent() {
    let clusters = [("main", "east")];
    let (fleet, chat) = (Fleet::new(&clusters), Listener::start());
    fleet.write_rules(&with_receiver(&fleet, &clusters, &chat));
    let all = |what: &str| {
        for member in ["n1", "n2", "n3"] {
            let order = format!("{what} {member}");
            fleet.world.tell("main", &order).unwrap();
        }
    };
    all("silence");
    let mut agent = fleet.agent(&[]);
    chat.until_it_has(1);
    all("answer");
    agent.until_fine(&["main"]);
    chat.until_it_has(2);
    chat.was_told(&["unfinished open", "unfinished over"]);
}

#[test]
fn an_agent_tells_of_rules_that_it_cannot_read_again() {
    let clusters = [("main", "east")];
    let (fleet, chat) = (Fleet::new(&clusters), Listener::start());
    let good = with_receiver(&fleet, &clusters, &chat);
    fleet.write_rules(&good);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    fleet.write_rules("version: 1\nrules: 7\n");
    agent.signal(Signal::HUP);
    chat.until_it_has(1);
    fleet.write_rules(&good);
    agent.signal(Signal::HUP);
    chat.until_it_has(2);
    chat.was_told(&["last_good_rules open", "last_good_rules over"]);
}

#[test]
fn an_agent_that_passes_once_waits_for_its_receivers() {
    let clusters = [("main", "east")];
    let (fleet, chat) = (Fleet::new(&clusters), Listener::start());
    fleet.write_rules(&with_receiver(&fleet, &clusters, &chat));
    fleet.world.barman("east").unwrap().take_down();
    let once = fleet
        .command("once", &["agent", "--once"])
        .output()
        .unwrap();
    assert_eq!(once.status.code(), Some(3));
    chat.was_told(&["unfinished open"]);
}

#[test]
fn a_gap_is_told_and_is_over_when_a_backup_is_taken() {
    let barman = demo("n1")
        .option("demo", "slot_name", "barman")
        .backup("demo", "20260101T000000");
    let cluster = Cluster::new("demo").member("n1").member("n2");
    let world = World::start(vec![cluster], [("barman".to_owned(), barman)]).unwrap();
    let barman = |what: &str| world.barman("barman").unwrap().tell(what).unwrap();
    let wal = |lsn: &str| world.tell("demo", &format!("wal {lsn}")).unwrap();
    wal("0/7000100");
    let chat = Listener::start();
    let rules = RULES
        .replace("BARMAN", world.barman("barman").unwrap().url())
        .replace("PATRONI", world.url("demo", "n2").unwrap())
        .replace("CHAT", &chat.url);
    let node = Node::new(&rules).named("n2");
    // Barman's receiver dies, the leader goes on and is lost, and an operator has the receiver begin anew.
    barman("kill-receiver demo");
    wal("0/9A3F0D8");
    world.tell("demo", "promote n2").unwrap();
    wal("0/A000100");
    barman("lose-wal demo");
    let callback = ["run", "--node", "n2", "--second-look", "1ms"];
    node.call(callback)
        .args(["on_role_change", "primary", "demo"])
        .run()
        .exits(0);
    wal("0/C000100");
    let pass = ["reconcile", "--node", "n2", "--second-look", "0s"];
    node.run(pass);
    chat.was_told(&["gap open"]);
    let told = chat.posted()[0].body.clone();
    assert!(
        told["message"].as_str().unwrap().starts_with("GAP from "),
        "{told:#}"
    );
    assert_eq!(
        told["subject"],
        "the WAL of the server `demo` from timeline 1 to 2"
    );
    barman("back-up demo 20991231T235959");
    node.run(pass);
    node.run(pass);
    chat.was_told(&["gap open", "gap over"]);
    fs::metadata(node.state()).unwrap();
}
