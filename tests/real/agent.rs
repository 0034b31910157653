//! An agent on the Barman host, and nothing on the nodes of two clusters.

use super::cluster::Cluster;
use super::folder;
use super::guard::{Process, Spec};
use super::postgres;
use super::stack::Stack;
use super::wait::{self, seconds};

/// Rules that discover the clusters in etcd.
fn write_rules(stack: &Stack) -> String {
    let path = stack.guard.folder().join("fleet.yml");
    let rules = format!(
        r#"version: 1
api: {{url: "http://127.0.0.1:{}"}}
discover:
  etcd: {{endpoints: ["http://127.0.0.1:{}"]}}
rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    request: {{type: config_switch, server: "{{{{ cluster }}}}", model_name: "{{{{ cluster }}}}:{{{{ node }}}}"}}
    verify: streaming
"#,
        stack.barman.api, stack.etcd
    );
    folder::write(&path, &rules);
    path.display().to_string()
}

fn start_agent(stack: &Stack, rules: &str, name: &str, rank: &str) -> Process {
    let binary = stack.binary.display().to_string();
    let words = [binary.as_str(), "agent", "--rules", rules, "--rank", rank];
    let state = stack.guard.folder().join(format!("barman/{name}.db"));
    let spec = Spec::new(name, words)
        .user("barman")
        .env("PATRONI_BARMAN_STATE", state.display().to_string());
    stack.guard.start(&spec)
}

fn log(stack: &Stack, name: &str) -> String {
    std::fs::read_to_string(stack.guard.log(name)).unwrap_or_default()
}

/// A cluster without callbacks, with its first node leading.
fn bring_up(stack: &Stack, name: &str, nodes: [&str; 2]) -> Cluster {
    let mut cluster = stack.configure(name, &nodes);
    cluster.without_callbacks();
    for node in nodes {
        cluster.start(node);
        cluster.settle(nodes[0], seconds(90));
    }
    cluster.share(nodes[0], &nodes[1..]);
    cluster
}

#[test]
fn two_clusters_are_followed_without_anything_on_their_nodes() {
    let mut stack = Stack::start();
    stack.barman.start_api();
    let rules = write_rules(&stack);
    let first = start_agent(&stack, &rules, "agent-0", "0");
    let mut main = bring_up(&stack, "main", ["n1", "n2"]);
    let side = bring_up(&stack, "side", ["m1", "m2"]);
    stack.barman.start_cron();
    stack.follows(&main, "n1");
    stack.follows(&side, "m1");

    main.switchover("n1", "n2");
    stack.follows(&main, "n2");
    stack.follows(&side, "m1");
    main.settle("n2", seconds(60));

    main.crash("n2");
    stack.follows(&main, "n1");
    main.start("n2");
    main.settle("n1", seconds(90));

    // while etcd is down, Patroni demotes no leader for long, and the agent asks the Patronis that it has learned
    stack.restart_etcd();
    main.settle("n1", seconds(90));
    side.settle("m1", seconds(90));
    side.switchover("m1", "m2");
    stack.follows(&side, "m2");
    side.settle("m2", seconds(60));

    // a stopped Patroni loses the leader key; its PostgreSQL does not know
    main.signal("n1", "STOP");
    stack.follows(&main, "n2");
    main.signal("n1", "CONT");
    main.settle("n2", seconds(90));
    stack.follows(&main, "n2");

    // killed in the middle of an operation, the first agent leaves it to the second one
    let second = start_agent(&stack, &rules, "agent-1", "1");
    wait::until_true(seconds(60), "the second agent", || {
        let log = log(&stack, "agent-1");
        log.contains("main: as wanted") && log.contains("side: as wanted")
    });
    stack.barman.stop_api();
    stack.barman.start_slow_api(8);
    let before = log(&stack, "agent-0").matches("created operation").count();
    side.switchover("m2", "m1");
    wait::until_true(seconds(60), "an operation of the first agent", || {
        log(&stack, "agent-0").matches("created operation").count() > before
    });
    first.kill();
    stack.follows(&side, "m1");
    side.settle("m1", seconds(60));
    stack.barman.stop_api();
    stack.barman.start_api();
    side.switchover("m1", "m2");
    stack.follows(&side, "m2");
    second.stop(seconds(10));
}

#[test]
fn an_agent_and_callbacks_do_not_disturb_each_other() {
    let mut stack = Stack::start();
    let rules = write_rules(&stack);
    let agent = start_agent(&stack, &rules, "agent-0", "0");
    let main = stack.cluster("main", &["n1", "n2"], 2);
    wait::until_true(seconds(60), "the agent", || {
        log(&stack, "agent-0").contains("main: as wanted")
    });
    for (from, to) in [("n1", "n2"), ("n2", "n1")] {
        let sent = || {
            let api = log(&stack, "barman-api");
            api.matches("POST /servers/main/operations").count()
        };
        let before = sent();
        main.switchover(from, to);
        stack.follows(&main, to);
        main.settle(to, seconds(60));
        // long enough for any process to correct it
        let receivers = postgres::query(
            main.node(to).port,
            "SELECT pg_sleep(15), count(*), min(pid) FROM pg_stat_replication WHERE application_name = 'barman_receive_wal'",
        );
        assert!(receivers.is_ok(), "{receivers:?}");
        let posts = sent() - before;
        assert!(
            posts <= 2,
            "{posts} requests for one failover:\n{}",
            log(&stack, "agent-0")
        );
    }
    agent.stop(seconds(10));
}
