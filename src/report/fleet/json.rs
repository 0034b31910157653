//! The fleet for programs.

use std::time::Duration;

use serde::Serialize;

use crate::agent::{Board, Condition, Correction, Row, RulesState};
use crate::model::{Utc, utc};
use crate::patroni;
use crate::report::history::IntentView;
use crate::report::json;
use crate::report::receipt::ReceiptView;
use crate::report::status::{Target, conflicts, targets};

/// The answer of `/api/status` of `patroni_barman agent`. Clusters with the worst trouble come first.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FleetOutput<'a> {
    /// The time of this answer.
    time: Utc,
    /// The rules in use.
    rules: &'a RulesState,
    /// The etcd in which clusters are found; null without `discover`.
    etcd: Option<Etcd>,
    /// The clusters.
    clusters: Vec<ClusterView<'a>>,
}

/// An etcd.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Etcd {
    /// True if it is watched; if not, clusters are polled.
    watched: bool,
    /// The reason why it is not watched.
    trouble: Option<String>,
}

/// One cluster.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Cluster"))]
struct ClusterView<'a> {
    /// Patroni's scope.
    cluster: &'a str,
    /// Its condition.
    condition: Condition,
    /// The problem, in a sentence.
    trouble: Option<&'a str>,
    /// The member that holds the leader key.
    leader: Option<&'a str>,
    /// The timeline of its PostgreSQL.
    timeline: Option<u64>,
    /// The members.
    members: Vec<Member<'a>>,
    /// The way in which changes are noticed.
    followed_by: FollowedBy,
    /// The time it was last seen.
    seen: Option<Utc>,
    /// The time Barman was last compared with the rules.
    compared: Option<Utc>,
    /// The number of requests that this agent has sent since it was started.
    corrections: u64,
    /// The last of them.
    last_correction: Option<&'a Correction>,
    /// The targets that members want differently, each in a sentence.
    conflicts: Vec<String>,
    /// The states that the rules want, and Barman's, as in the output of `status`.
    states: Vec<Target<'a>>,
    /// The verdicts on the last changes of timeline, the oldest first, as in the output of `history`.
    receipts: Vec<ReceiptView<'a>>,
    /// The last requests, the newest first, as in the output of `history`.
    history: Vec<IntentView<'a>>,
}

/// The ways in which changes are noticed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum FollowedBy {
    /// etcd reports them.
    Watch,
    /// The Patronis are asked again and again.
    Polling,
}

/// A member of a cluster.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Member<'a> {
    /// Its name.
    name: &'a str,
    /// Its role by the leader key.
    role: MemberRole,
    /// Its state in Patroni's words: `running`, `streaming`, `stopped` and so on.
    state: Option<&'a str>,
    /// Its timeline.
    timeline: Option<u64>,
    /// The address of its REST API.
    api_url: Option<&'a str>,
}

/// The role of a member by the leader key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum MemberRole {
    /// It holds the leader key.
    Leader,
    /// It does not.
    Replica,
}

/// The state of all clusters.
pub(super) fn status(board: &Board, now: Duration) -> String {
    let rows = board.rows();
    let etcd = |state: Result<(), String>| Etcd {
        watched: state.is_ok(),
        trouble: state.err(),
    };
    json(&FleetOutput {
        time: utc(now),
        rules: &board.rules(),
        etcd: board.dcs().map(etcd),
        clusters: rows.iter().map(|row| ClusterView::of(row)).collect(),
    })
}

impl<'a> ClusterView<'a> {
    fn of(row: &'a Row) -> Self {
        let here = &row.here;
        Self {
            cluster: &here.cluster,
            condition: row.condition,
            trouble: row.trouble.as_deref(),
            leader: here.leader.as_deref(),
            timeline: here.timeline,
            members: here.members.iter().map(Member::of).collect(),
            followed_by: if row.by_watch {
                FollowedBy::Watch
            } else {
                FollowedBy::Polling
            },
            seen: row.seen.map(utc),
            compared: row.compared_at.map(utc),
            corrections: row.corrections,
            last_correction: row.correction.as_ref(),
            conflicts: conflicts(&row.conflicts),
            states: targets(&row.compared, Some(here)),
            receipts: row.receipts.iter().map(ReceiptView::of).collect(),
            history: row.history.iter().map(IntentView::of).collect(),
        }
    }
}

impl<'a> Member<'a> {
    fn of(member: &'a patroni::Member) -> Self {
        Self {
            name: &member.name,
            role: if member.holds_leader_key {
                MemberRole::Leader
            } else {
                MemberRole::Replica
            },
            state: member.state.as_deref(),
            timeline: member.timeline,
            api_url: member.api_url.as_deref(),
        }
    }
}
