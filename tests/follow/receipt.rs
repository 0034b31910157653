//! The receipt of a change of timeline in `status` and `history`.

use std::fs;

use patroni_barman::simulator::patroni::Cluster;
use patroni_barman::simulator::{Version, World};
use serde_json::{Value, json};

use super::RULES;
use crate::support::follow::demo;
use crate::support::node::Node;

/// Two nodes of a cluster with controlled WAL, and a Barman with a backup.
struct Stage {
    world: World,
    nodes: [Node; 2],
}

impl Stage {
    fn new() -> Self {
        Self::with(Cluster::new("demo"))
    }

    /// The backup begins in the fifth segment, which is archived; the leader is writing the sixth.
    fn with(cluster: Cluster) -> Self {
        let barman = demo("n1")
            .option("demo", "slot_name", "barman")
            .backup("demo", "20260101T000000");
        let cluster = cluster.member("n1").member("n2");
        let barmans = [("barman".to_owned(), barman)];
        let world = World::start(vec![cluster], barmans).unwrap();
        world.tell("demo", "wal 0/6000028").unwrap();
        let rules = RULES.replace("BARMAN", world.barman("barman").unwrap().url());
        let node = |name: &str| {
            let url = world.url("demo", name).unwrap();
            Node::new(&rules.replace("PATRONI", url)).named(name)
        };
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
        let node = name.to_owned();
        let call = [
            "run",
            "--node",
            &node,
            "--second-look",
            "1ms",
            "on_role_change",
            "primary",
            "demo",
        ];
        self.node(name).run(call).exits(0);
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
    let shown = |key: &str| receipt[key].clone();
    assert_eq!(shown("verdict"), "continuous");
    assert_eq!(
        [shown("from_timeline"), shown("timeline")],
        [json!(1), json!(2)]
    );
    assert_eq!(shown("switch_lsn"), "0/9A3F0D8");
    assert_eq!(shown("leader"), "n2");
    assert_eq!(shown("backup"), "20260101T000000");
    assert_eq!(shown("needs_backup"), false);
    let status = stage.status("n2", 0);
    assert_eq!(status["receipts"][0], *receipt);
    assert_eq!(status["receipts_unknown"], Value::Null);
    let text = stage.node("n2").run(["status", "--node", "n2"]).stdout;
    let sentence = "`demo`: timeline 1 to 2 at 0/9A3F0D8: continuous, and restorable from backup 20260101T000000";
    assert!(text.contains(sentence), "{text}");
    let text = stage.node("n2").run(["history"]).stdout;
    assert!(text.contains(sentence), "{text}");
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

/// Barman's receiver dies, the leader writes more WAL and is lost, and an operator resets the receiver.
fn with_a_gap() -> Stage {
    let stage = Stage::new();
    stage.wal("0/7000100");
    stage.pass("n1");
    stage.barman("kill-receiver demo");
    stage.wal("0/9A3F0D8");
    stage.promote("n2");
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
    let ended = stage.node("n2").run(["status", "--node", "n2"]);
    assert_eq!(ended.exit, 1, "{}", ended.stdout);
    for part in [
        "GAP from 0/7000000 to 0/9A3F0D8",
        "`barman backup demo`",
        "CRITICAL",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
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
    let file = stage.node("n2").folder().join("metrics.prom");
    let path = file.to_str().unwrap();
    let pass = ["reconcile", "--node", "n2", "--metrics-file", path];
    stage.node("n2").run(pass);
    let text = fs::read_to_string(&file).unwrap();
    for line in [
        "patroni_barman_receipt{cluster=\"demo\",api=\"default\",server=\"demo\",verdict=\"gap\"} 1",
        "patroni_barman_receipt{cluster=\"demo\",api=\"default\",server=\"demo\",verdict=\"continuous\"} 0",
        "patroni_barman_receipt_needs_backup{cluster=\"demo\",api=\"default\",server=\"demo\"} 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn what_is_unknown_is_looked_at_again() {
    let stage = Stage::new();
    stage.wal("0/7000100");
    stage.pass("n1");
    stage.barman("kill-receiver demo");
    stage.wal("0/9A3F0D8");
    stage.promote("n2");
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
    let rules = RULES
        .replace("BARMAN", stage.world.barman("barman").unwrap().url())
        .replace("patroni: {url: \"PATRONI\"}\n", "");
    let hand = Node::new(&rules);
    hand.run(["run", "--node", "n2", "on_role_change", "primary", "demo"])
        .exits(0);
    stage.wal("0/E000100");
    let url = stage.world.url("demo", "n2").unwrap();
    stage.node("n2").write_rules(
        &RULES
            .replace("BARMAN", stage.world.barman("barman").unwrap().url())
            .replace("PATRONI", url),
    );
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
    assert!(why.contains("a list of timelines"), "{why}");
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
    assert!(why.contains("standby cluster"), "{why}");
    assert_eq!(status["receipts"][0]["verdict"], "continuous");
}
