//! Notifications of an agent and of receipts.

use std::fs;

use patroni_barman::simulator::patroni::Cluster;
use rustix::process::Signal;

use super::RULES;
use crate::support::fleet::Fleet;
use crate::support::follow::{for_member, receiving};
use crate::support::listener::Listener;
use crate::support::node::Node;
use crate::support::wait::until;

/// A fleet with a receiver.
fn fleet(clusters: &[(&str, &str)]) -> (Fleet, Listener) {
    let (fleet, chat) = (Fleet::new(clusters), Listener::start());
    fleet.write_rules(&rules(&fleet, clusters, &chat));
    (fleet, chat)
}

/// The rules of such a fleet.
fn rules(fleet: &Fleet, clusters: &[(&str, &str)], chat: &Listener) -> String {
    let receiver = format!(
        "notify: [{{name: chat, after: 0s, webhook: {{url: \"{}\"}}}}]\nclusters:\n",
        chat.url
    );
    fleet.rules(clusters).replace("clusters:\n", &receiver)
}

#[test]
fn an_agent_tells_of_a_barman_that_cannot_be_reached_and_of_its_end() {
    let (fleet, chat) = fleet(&[("main", "east"), ("side", "west")]);
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
    let (fleet, chat) = fleet(&[("main", "east")]);
    fleet.tell_all("main", "silence");
    let mut agent = fleet.agent(&[]);
    chat.until_it_has(1);
    fleet.tell_all("main", "answer");
    agent.until_fine(&["main"]);
    chat.until_it_has(2);
    chat.was_told(&["unfinished open", "unfinished over"]);
}

#[test]
fn an_agent_does_not_tell_of_a_request_that_it_no_longer_tries() {
    let clusters = [
        ("main", "east"),
        ("n1", "east"),
        ("n2", "east"),
        ("n3", "east"),
        ("side", "west"),
    ];
    let (fleet, chat) = (Fleet::new(&clusters), Listener::start());
    let followed = [clusters[0], clusters[4]];
    let rules = rules(&fleet, &followed, &chat).replace("after: 0s", "after: 10s");
    // each member of `main` has a server of its own
    let (head, tail) = rules.split_once("  - name: follow-side").unwrap();
    let head = head.replace("{{ cluster }}", "{{ node }}");
    fleet.write_rules(&format!("{head}  - name: follow-side{tail}"));
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    let [east, west] = ["east", "west"].map(|host| fleet.world.barman(host).unwrap());
    east.set_faults("post:503+retry-after=60*1".parse().unwrap());
    fleet.world.tell("main", "promote n2").unwrap();
    agent.until_it_says("next attempt in 1 min");
    fleet.world.tell("main", "promote n3").unwrap();
    until(|| fleet.active("east", "n3") == "n3:n3");
    west.set_faults("post:503".parse().unwrap());
    fleet.world.tell("side", "promote n2").unwrap();
    chat.until_it_has(1);
    for told in chat.posted() {
        assert_eq!(told.body["cluster"], "side", "{:#}", told.body);
    }
}

#[test]
fn an_agent_tells_of_rules_that_it_cannot_read_again() {
    let (fleet, chat) = fleet(&[("main", "east")]);
    let good = fs::read_to_string(fleet.rules_path()).unwrap();
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
    let (fleet, chat) = fleet(&[("main", "east")]);
    fleet.world.barman("east").unwrap().take_down();
    fleet.run("once", &["agent", "--once"]).exits(3);
    chat.was_told(&["unfinished open"]);
}

#[test]
fn a_gap_is_told_and_is_over_when_a_backup_is_taken() {
    let world = receiving(Cluster::new("demo"));
    let barman = |what: &str| world.barman("barman").unwrap().tell(what).unwrap();
    let wal = |lsn: &str| world.tell("demo", &format!("wal {lsn}")).unwrap();
    wal("0/7000100");
    let chat = Listener::start();
    let rules = for_member(RULES, &world, "n2").replace("CHAT", &chat.url);
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
