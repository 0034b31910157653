//! The receipt of a change of timeline in `status` and `history`.

use std::fs;

use patroni_barman::simulator::patroni::Cluster;
use patroni_barman::simulator::{Version, World};
use serde_json::{Value, json};

use super::{RULES, unfenced};
use crate::support::follow::{for_member, receiving};
use crate::support::node::Node;
use crate::support::text::has;

/// Two nodes of a cluster with controlled WAL, and a Barman with a backup.
struct Stage {
    world: World,
    nodes: [Node; 2],
}

impl Stage {
    fn new() -> Self {
        Self::with(Cluster::new("demo"))
    }

    fn with(cluster: Cluster) -> Self {
        let world = receiving(cluster);
        let node = |name: &str| Node::new(&for_member(RULES, &world, name)).named(name);
        let nodes = [node("n1"), node("n2")];
        Self { world, nodes }
    }

    fn node(&self, name: &str) -> &Node {
        let [first, second] = &self.nodes;
        if name == "n1" { first } else { second }
    }

    fn wal(&self, lsn: &str) {
        self.world.tell("demo", &format!("wal {lsn}")).unwrap();
    }

    fn barman(&self, what: &str) {
        self.world.barman("barman").unwrap().tell(what).unwrap();
    }

    fn promote(&self, name: &str) {
        self.world.tell("demo", &format!("promote {name}")).unwrap();
    }

    /// Promotes a member and runs its callback to the end.
    fn fail_over(&self, name: &str) {
        self.promote(name);
        self.call_back(name);
    }

    fn call_back(&self, name: &str) {
        let options = ["run", "--node", name, "--second-look", "1ms"];
        let call = self.node(name).call(options);
        let call = call.args(["on_role_change", "primary", "demo"]);
        call.run().exits(0);
    }

    /// Runs a pass on a node; other tests check the exit code.
    fn pass(&self, name: &str) {
        self.node(name)
            .run(["reconcile", "--node", name, "--second-look", "0s"]);
    }

    /// The records of a node, oldest first.
    fn receipts(&self, name: &str) -> Vec<Value> {
        let history = self.node(name).json(&["history"], 0);
        let mut all = history["receipts"].as_array().unwrap().clone();
        all.reverse();
        all
    }

    fn verdicts(&self, name: &str) -> Vec<(u64, String)> {
        let verdict = |one: &Value| {
            let timeline = one["timeline"].as_u64().unwrap();
            (timeline, one["verdict"].as_str().unwrap().to_owned())
        };
        self.receipts(name).iter().map(verdict).collect()
    }

    fn status(&self, name: &str, exit: i32) -> Value {
        self.node(name).json(&["status", "--node", name], exit)
    }
}

fn continuous(timelines: impl IntoIterator<Item = u64>) -> Vec<(u64, String)> {
    let verdict = |timeline| (timeline, "continuous".to_owned());
    timelines.into_iter().map(verdict).collect()
}

#[test]
fn a_clean_switchover_is_continuous() {
    let stage = Stage::new();
    stage.wal("0/9A3F0D8");
    stage.fail_over("n2");
    let receipts = stage.receipts("n2");
    let receipt = &receipts[0];
    assert_eq!(receipts.len(), 1, "{receipts:#?}");
    for (key, expected) in [
        ("verdict", json!("continuous")),
        ("from_timeline", json!(1)),
        ("timeline", json!(2)),
        ("switch_lsn", json!("0/9A3F0D8")),
        ("leader", json!("n2")),
        ("backup", json!("20260101T000000")),
        ("needs_backup", json!(false)),
    ] {
        assert_eq!(receipt[key], expected, "{key}");
    }
    let status = stage.status("n2", 0);
    assert_eq!(status["receipts"][0], *receipt);
    assert_eq!(status["receipts_unknown"], Value::Null);
    let sentence = "`demo`: timeline 1 to 2 at 0/9A3F0D8: continuous, and restorable from backup 20260101T000000";
    let node = stage.node("n2");
    node.run(["status", "--node", "n2"]).shows(sentence);
    node.run(["history"]).shows(sentence);
}

#[test]
fn the_other_node_and_an_idle_cluster_come_to_the_same() {
    let stage = Stage::new();
    stage.fail_over("n2");
    for _ in 0..3 {
        stage.pass("n1");
        stage.pass("n2");
    }
    assert_eq!(stage.verdicts("n1"), continuous([2]));
    assert_eq!(stage.verdicts("n2"), continuous([2]));
}

#[test]
fn a_switch_at_the_boundary_of_a_segment_is_continuous() {
    let stage = Stage::new();
    stage.wal("0/8000000");
    stage.fail_over("n2");
    stage.wal("0/8000060");
    stage.pass("n2");
    assert_eq!(stage.verdicts("n2"), continuous([2]));
}

/// On an idle cluster, with several failovers in a segment, and on a busy one.
#[test]
fn thirty_failovers_in_a_row_raise_no_alarm() {
    std::thread::scope(|scope| {
        for step in [0x300, 0x60_0000, 0x2A0_0000] {
            scope.spawn(move || thirty_failovers(step));
        }
    });
}

fn thirty_failovers(step: u64) {
    let stage = Stage::new();
    for round in 0..30_u64 {
        stage.fail_over(if round.is_multiple_of(2) { "n2" } else { "n1" });
        let at = 0x0600_0028 + (round + 1) * step;
        stage.wal(&format!("{:X}/{:X}", at >> 32, at & 0xFFFF_FFFF));
    }
    stage.pass("n1");
    for name in ["n1", "n2"] {
        for (timeline, verdict) in stage.verdicts(name) {
            let place = format!("timeline {timeline} on {name}, {step:X} each");
            assert_eq!(verdict, "continuous", "{place}");
        }
    }
    assert_eq!(stage.verdicts("n1").len(), 30);
}

/// Barman's receiver dies, and the leader writes more WAL and is lost.
fn without_a_receiver() -> Stage {
    let stage = Stage::new();
    stage.wal("0/7000100");
    stage.pass("n1");
    stage.barman("kill-receiver demo");
    stage.wal("0/9A3F0D8");
    stage.promote("n2");
    stage
}

/// Then an operator resets the receiver.
fn with_a_gap() -> Stage {
    let stage = without_a_receiver();
    stage.wal("0/A000100");
    stage.barman("lose-wal demo");
    stage.call_back("n2");
    stage.wal("0/C000100");
    stage.pass("n2");
    stage
}

#[test]
fn a_gap_has_its_positions_until_a_backup_closes_it() {
    let stage = with_a_gap();
    let receipt = &stage.receipts("n2")[0];
    assert_eq!(receipt["verdict"], "gap", "{receipt:#}");
    assert_eq!(
        receipt["gap"],
        json!({"begin": "0/7000000", "end": "0/9A3F0D8"})
    );
    assert_eq!(
        [&receipt["backup"], &receipt["needs_backup"]],
        [&Value::Null, &json!(true)]
    );
    let ended = stage.node("n2").run(["status", "--node", "n2"]).exits(1);
    for part in [
        "GAP from 0/7000000 to 0/9A3F0D8",
        "`barman backup demo`",
        "CRITICAL",
    ] {
        has(&ended.stdout, part);
    }
    // every node reports it
    stage.pass("n1");
    assert_eq!(stage.receipts("n1")[0]["gap"], receipt["gap"]);

    stage.barman("back-up demo 20991231T235959");
    stage.pass("n2");
    let receipt = &stage.receipts("n2")[0];
    assert_eq!(receipt["verdict"], "gap");
    assert_eq!(receipt["backup"], "20991231T235959");
    assert_eq!(receipt["needs_backup"], false);
    stage.status("n2", 0);
}

#[test]
fn metrics_have_the_verdict() {
    let stage = with_a_gap();
    let text = stage.node("n2").metrics(0);
    for line in [
        "patroni_barman_receipt{cluster=\"demo\",api=\"default\",server=\"demo\",verdict=\"gap\"} 1",
        "patroni_barman_receipt{cluster=\"demo\",api=\"default\",server=\"demo\",verdict=\"continuous\"} 0",
        "patroni_barman_receipt_needs_backup{cluster=\"demo\",api=\"default\",server=\"demo\"} 1",
    ] {
        has(&text, line);
    }
}

#[test]
fn what_is_unknown_is_looked_at_again() {
    let stage = without_a_receiver();
    stage.node("n2").run(["status", "--node", "n2"]);
    let status = stage.status("n2", 1);
    let receipt = &status["receipts"][0];
    assert_eq!(receipt["verdict"], "unknown", "{receipt:#}");
    assert_eq!(receipt["may_tell"], "later_pass");
    let reason = "timeline 1 ended at 0/9A3F0D8, and the last file of it in the archive is `000000010000000000000006`";
    assert_eq!(receipt["reason"], reason);
    let database = stage.node("n2").state();
    assert!(!database.exists(), "status writes nothing down");
    stage.call_back("n2");
    assert_eq!(stage.verdicts("n2"), continuous([2]));
}

#[test]
fn what_nobody_saw_is_not_guessed() {
    let stage = Stage::new();
    stage.wal("0/7000100");
    stage.promote("n2");
    stage.wal("0/C000100");
    // Barman is switched by hand, long before the next pass
    let barman = stage.world.barman("barman").unwrap();
    unfenced("n2", barman.url()).promoted().exits(0);
    stage.wal("0/E000100");
    let rules = for_member(RULES, &stage.world, "n2");
    stage.node("n2").write_rules(&rules);
    stage.barman("kill-receiver demo");
    stage.pass("n2");
    let receipt = &stage.receipts("n2")[0];
    assert_eq!(receipt["verdict"], "unknown", "{receipt:#}");
    assert_eq!(receipt["may_tell"], "nothing");
    assert_eq!(receipt["needs_backup"], true);
    stage.pass("n1");
    assert_eq!(stage.receipts("n1")[0]["may_tell"], "other_node");
}

#[test]
fn without_patronis_history_nothing_is_judged() {
    let stage = Stage::new();
    stage.world.tell("demo", "fault n2 /history:503").unwrap();
    stage.fail_over("n2");
    assert_eq!(stage.receipts("n2"), Vec::<Value>::new());
    let status = stage.status("n2", 0);
    assert_eq!(status["receipts"], json!([]));
    let why = status["receipts_unknown"].as_str().unwrap();
    has(why, "a list of timelines");
    stage.world.tell("demo", "fault n2 /history:ok").unwrap();
    stage.pass("n2");
    assert_eq!(stage.verdicts("n2"), continuous([2]));
}

#[test]
fn patroni_before_3_2_is_judged_too() {
    let stage = Stage::with(Cluster::new("demo").of_version(Version(3, 0, 4)));
    stage.wal("0/9A3F0D8");
    stage.fail_over("n2");
    assert_eq!(stage.verdicts("n2"), continuous([2]));
}

#[test]
fn a_standby_cluster_is_not_judged() {
    let stage = Stage::new();
    stage.fail_over("n2");
    stage.world.tell("demo", "standby-cluster on").unwrap();
    let rules = fs::read_to_string(stage.node("n2").rules()).unwrap();
    let node = stage.node("n2");
    node.write_rules(&rules.replace("role: primary", "role: [primary, standby_leader]"));
    let status = node.json(&["status", "--node", "n2"], 0);
    let why = status["receipts_unknown"].as_str().unwrap();
    has(why, "standby cluster");
    assert_eq!(status["receipts"][0]["verdict"], "continuous");
}
