//! A callback's decision is executed, whatever is down or killed, unless it is out of date.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::postgres;
use super::stack::Stack;
use super::wait::{self, seconds};

use super::support::text::has;

/// The duration of the API's outage.
const OUTAGE: Duration = seconds(60);

#[test]
fn the_api_is_down_during_a_switchover() {
    let (mut stack, cluster) = Stack::of_two();

    // the callback is still waiting when the API returns
    stack.barman.stop_api();
    let down = Instant::now();
    called(&cluster, "n1", "n2");
    cluster.settle("n2", seconds(60));
    std::thread::sleep(OUTAGE.saturating_sub(down.elapsed()));
    stack.barman.start_api();
    let waiting = until_streaming(&cluster, "n2");
    stack.follows(&cluster, "n2");
    cluster.node("n2").calls.ends("on_role_change primary", 0);

    // the callback was killed in the meantime
    cluster.settle("n2", seconds(60));
    stack.barman.stop_api();
    called(&cluster, "n2", "n1");
    cluster.settle("n1", seconds(60));
    kill_callback(&cluster, "n1");
    stack.barman.start_api();
    let reconciled = Instant::now();
    stack.ask(&cluster, "n1", &["reconcile"]).exits(0);
    let killed = until_streaming(&cluster, "n1").max(reconciled.elapsed().as_secs_f64());
    stack.follows(&cluster, "n1");

    let text = format!(
        "\nseconds from the API's return until Barman streams from the new primary\n\
         a callback that waited   {waiting:>5.2}\n\
         reconcile, after a kill  {killed:>5.2}\n\n"
    );
    std::io::stderr()
        .write_all(text.as_bytes())
        .expect("standard error");
}

#[test]
fn a_stale_callback_and_a_broken_file() {
    let (mut stack, cluster) = Stack::of_two();

    // one that Patroni could not kill: it decided for n1, and n2 is promoted while it waits
    stack.barman.stop_api();
    let stale = stack.stale_callback(&cluster, "n1");
    called(&cluster, "n1", "n2");
    assert_eq!(stale.ends(seconds(90)), 5);
    stack.barman.start_api();
    stack.follows(&cluster, "n2");
    cluster.node("n2").calls.ends("on_role_change primary", 0);

    // the file on n1 is broken, and at night n1 becomes the primary again
    cluster.settle("n2", seconds(60));
    let n1 = cluster.node("n1");
    n1.write_rules(
        &stack.settings("main"),
        "rules_fallback: last_good\nmatch: frist\n",
    );
    cluster.switchover("n2", "n1");
    stack.follows(&cluster, "n1");
    n1.calls.ends("on_role_change primary", 6);
    let log = cluster.log("n1");
    has(&log, "rules.yml:");
    has(&log, "did you mean `first`?");
    has(&log, "the last good rules are used instead");
    let metrics = n1.home.join("patroni_barman.prom");
    let file = metrics.display().to_string();
    stack
        .ask(&cluster, "n1", &["reconcile", "--metrics-file", &file])
        .exits(6);
    let text = std::fs::read_to_string(&metrics).expect("metrics");
    has(&text, "\npatroni_barman_rules_valid 0\n");
}

/// Switches over, and waits until Patroni has called the new primary's callback.
fn called(cluster: &Cluster, from: &str, to: &str) {
    cluster.switchover(from, to);
    let calls = &cluster.node(to).calls;
    let before = calls.all().len();
    wait::until_true(seconds(60), "the callback on the new primary", || {
        calls.all().len() > before
            || calls
                .last("on_role_change primary")
                .is_some_and(|call| call.end.is_none())
    });
}

fn until_streaming(cluster: &Cluster, node: &str) -> f64 {
    let (start, port) = (Instant::now(), cluster.node(node).port);
    wait::until(seconds(15), "Barman streaming from the new primary", || {
        postgres::barman_streams(port)
    });
    start.elapsed().as_secs_f64()
}

/// Kills the callback and the recording program in front of it, as Patroni does.
fn kill_callback(cluster: &Cluster, node: &str) {
    let name = cluster.node(node).rules().display().to_string();
    let pids: Vec<u32> = cluster
        .tree(node)
        .into_iter()
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&name)
        })
        .collect();
    assert!(!pids.is_empty(), "no callback runs on {node}");
    for pid in pids {
        let pid = pid.to_string();
        let _ = std::process::Command::new("kill")
            .args(["-KILL", &pid])
            .status();
    }
}
