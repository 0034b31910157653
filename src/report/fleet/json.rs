//! The fleet for programs: `schemas/agent.schema.json`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::agent::{Board, Correction, Row};
use crate::execute::Judged;
use crate::patroni::Member;
use crate::report::history::utc;
use crate::report::{RulesSeen, StateSeen, Status, intent, receipts_json};

/// The state of all clusters.
pub(super) fn status(board: &Board, now: Duration) -> Value {
    let rules = board.rules();
    let rows = board.rows();
    json!({
        "time": utc(now),
        "rules": {"path": rules.path, "broken": rules.broken},
        "etcd": board.dcs().map(|state| match state {
            Ok(()) => json!({"watched": true, "trouble": null}),
            Err(trouble) => json!({"watched": false, "trouble": trouble}),
        }),
        "clusters": rows.iter().map(|row| cluster(row)).collect::<Vec<_>>(),
    })
}

/// The state of one cluster.
pub(super) fn cluster(row: &Row) -> Value {
    let (rules, state, judged) = (
        RulesSeen::default(),
        StateSeen::default(),
        Judged::default(),
    );
    let status = Status {
        rules: &rules,
        state: &state,
        here: Ok(&row.here),
        misplaced: None,
        apis: &[],
        compared: &row.compared,
        judged: &judged,
        conflicts: &row.conflicts,
        now: Duration::ZERO,
    };
    let mut status = status.to_json();
    let take =
        |status: &mut Value, key: &str| status.get_mut(key).map(Value::take).unwrap_or_default();
    json!({
        "cluster": row.here.cluster,
        "condition": row.condition.as_str(),
        "trouble": row.trouble,
        "leader": row.here.leader,
        "timeline": row.here.timeline,
        "members": row.here.members.iter().map(member).collect::<Vec<_>>(),
        "followed_by": if row.by_watch { "watch" } else { "polling" },
        "seen": row.seen.map(utc),
        "compared": row.compared_at.map(utc),
        "corrections": row.corrections,
        "last_correction": row.correction.as_ref().map(correction),
        "conflicts": take(&mut status, "conflicts"),
        "states": take(&mut status, "states"),
        "receipts": receipts_json(&row.receipts),
        "history": row.history.iter().map(intent).collect::<Vec<_>>(),
    })
}

fn member(member: &Member) -> Value {
    json!({
        "name": member.name,
        "role": if member.holds_leader_key { "leader" } else { "replica" },
        "state": member.state,
        "timeline": member.timeline,
        "api_url": member.api_url,
    })
}

fn correction(correction: &Correction) -> Value {
    json!({
        "ended": utc(correction.at),
        "rule": correction.rule,
        "outcome": correction.outcome,
        "message": correction.message,
    })
}
