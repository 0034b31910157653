//! The fleet for Prometheus, in the `OpenMetrics` format.

use std::time::Duration;

use crate::agent::{Board, Condition, Row};
use crate::report::metrics::{family, labels, number, plain, truth};

/// The whole text.
pub(super) fn text(board: &Board, now: Duration) -> String {
    let rows = board.rows();
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, samples: Vec<(String, f64)>| {
        family(&mut out, &format!("agent_{name}"), "gauge", help, samples);
    };
    metric(
        "rules_broken",
        "1 while the rules file is broken and older rules are used.",
        plain(truth(board.rules().broken.is_some())),
    );
    if let Some(dcs) = board.dcs() {
        metric(
            "etcd_watched",
            "1 while etcd is watched, 0 while clusters are only polled.",
            plain(truth(dcs.is_ok())),
        );
    }
    metric(
        "loop_timestamp_seconds",
        "When the loop of the agent ran last.",
        plain(board.alive().min(now).as_secs_f64()),
    );
    let counted = Condition::ALL.iter().map(|condition| {
        let of = rows.iter().filter(|row| row.condition == *condition);
        let labels = labels(&[("condition", condition.as_str())]);
        (labels, number(of.count() as u64))
    });
    metric("clusters", "Clusters by how they fare.", counted.collect());
    let each = |value: &dyn Fn(&Row) -> Option<f64>| {
        let sample = |row: &std::sync::Arc<Row>| {
            let labels = labels(&[("cluster", &row.here.cluster)]);
            Some((labels, value(row)?))
        };
        rows.iter().filter_map(sample).collect::<Vec<_>>()
    };
    metric(
        "cluster_ok",
        "1 if Barman follows the cluster as the rules want it.",
        each(&|row| Some(truth(row.condition == Condition::Fine))),
    );
    metric(
        "cluster_timeline",
        "The timeline of the leader.",
        each(&|row| Some(number(row.here.timeline?))),
    );
    metric(
        "cluster_seen_timestamp_seconds",
        "When the cluster was seen last.",
        each(&|row| Some(row.seen?.as_secs_f64())),
    );
    metric(
        "cluster_compared_timestamp_seconds",
        "When Barman was last compared with the rules.",
        each(&|row| Some(row.compared_at?.as_secs_f64())),
    );
    metric(
        "cluster_corrections",
        "Requests that this agent has sent since it was started.",
        each(&|row| Some(number(row.corrections))),
    );
    metric(
        "cluster_correction_timestamp_seconds",
        "When the last of them ended.",
        each(&|row| Some(row.correction.as_ref()?.at.as_secs_f64())),
    );
    let leaders = rows.iter().filter_map(|row| {
        let leader = row.here.leader.as_deref()?;
        let pairs = [("cluster", row.here.cluster.as_str()), ("leader", leader)];
        Some((labels(&pairs), 1.0))
    });
    let help = "1 for the member that leads.";
    metric("cluster_leader", help, leaders.collect());
    out.push_str("# EOF\n");
    out
}
