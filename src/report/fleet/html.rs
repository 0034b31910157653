//! The fleet for people: one page for all clusters, and one for each cluster.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::agent::{Board, Condition, Row};
use crate::barman::{ActiveModel, ServerState};
use crate::execute::Wal;
use crate::model::local_time;
use crate::report::age::age;
use crate::report::html::document;
use crate::report::status::{difference, targets};
use crate::store::{Receipt, Verdict};
use crate::template;

const STYLE: &str = include_str!("fleet.css");

/// Characters of a name that are not escaped in an address.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The page of all clusters.
pub(super) fn overview(board: &Board, now: Duration) -> String {
    let rows = board.rows();
    let counts = Condition::ALL.iter().filter_map(|condition| {
        let of = rows.iter().filter(|row| row.condition == *condition);
        let count = of.count();
        (count > 0)
            .then(|| json!({"word": word(*condition), "class": class(*condition), "count": count}))
    });
    let values = json!({
        "time": local_time(now),
        "banners": banners(board),
        "counts": counts.collect::<Vec<_>>(),
        "clusters": rows.iter().map(|row| line(row, now)).collect::<Vec<_>>(),
    });
    let body = template::page(include_str!("overview.html"), &values);
    page("Barman and its clusters", &body)
}

/// The page of one cluster.
pub(super) fn cluster(row: &Row, board: &Board, now: Duration) -> String {
    let members = row.here.members.iter().map(|member| {
        json!({
            "name": member.name,
            "role": if member.holds_leader_key { "leader" } else { member.role.as_str() },
            "state": member.state,
            "timeline": member.timeline,
            "api_url": member.api_url,
        })
    });
    let states = targets(&row.compared, Some(&row.here));
    let states = states
        .into_iter()
        .zip(&row.compared)
        .map(|(state, compared)| {
            json!({
                "state": state,
                "what": compared.step.operation.words(),
                "why": (!compared.as_wanted()).then(|| difference(compared, &row.here)),
                "ok": compared.as_wanted(),
            })
        });
    let history = row.history.iter().map(|intent| {
        json!({
            "time": local_time(intent.created),
            "what": intent.step.operation.words(),
            "rule": intent.step.rule,
            "member": intent.node,
            "outcome": intent.state.as_str(),
            "message": intent.message,
        })
    });
    let values = json!({
        "time": local_time(now),
        "banners": banners(board),
        "cluster": line(row, now),
        "members": members.collect::<Vec<_>>(),
        "states": states.collect::<Vec<_>>(),
        "history": history.collect::<Vec<_>>(),
        "receipts": row.receipts.iter().rev().map(receipt).collect::<Vec<_>>(),
        "compared": row.compared_at.map(|at| ago(at, now)),
        "seen": row.seen.map(|at| ago(at, now)),
        "followed_by": if row.by_watch { "a watch of etcd" } else { "polling its Patronis" },
    });
    let body = template::page(include_str!("cluster.html"), &values);
    page(&row.here.cluster, &body)
}

/// A page that is reloaded every 10 seconds.
fn page(title: &str, body: &str) -> String {
    let head = "<meta http-equiv=\"refresh\" content=\"10\">\n";
    document(title, head, STYLE, &format!("{body}\n"))
}

/// The messages that concern all clusters.
fn banners(board: &Board) -> Vec<String> {
    let broken = board.rules().broken;
    let lost = board.dcs().and_then(Result::err);
    let lost = lost.map(|why| format!("etcd is not watched, clusters are polled: {why}"));
    broken.into_iter().chain(lost).collect()
}

fn line(row: &Row, now: Duration) -> Value {
    let compared = row.compared.iter();
    let servers = compared.filter(|one| one.server_name().is_some());
    let servers = servers.map(|one| {
        let server = one.server.as_ref();
        let backup = server.and_then(ServerState::last_backup);
        let wal = server.and_then(ServerState::last_wal);
        json!({
            "server": one.server_name(),
            "api": one.api(),
            "model": one.wanted_model().flatten(),
            "active": match one.active_model() {
                Some(ActiveModel::Model(name)) => Some(name.as_str()),
                Some(ActiveModel::None) => Some("none"),
                _ => None,
            },
            "streaming": match (&one.wal, &one.differs) {
                (Some(Wal::Received), Ok(None)) => "yes",
                (Some(Wal::Missing(why)), _) if !why.unknown => "no",
                _ => "unknown",
            },
            "last_wal": wal.map(|wal| &wal.name),
            "last_backup": backup.map(|(id, _)| id),
        })
    });
    let correction = row.correction.as_ref();
    json!({
        "name": row.here.cluster,
        "href": format!("/cluster/{}", utf8_percent_encode(&row.here.cluster, KEPT)),
        "word": word(row.condition),
        "class": class(row.condition),
        "trouble": row.trouble,
        "leader": row.here.leader,
        "timeline": row.here.timeline,
        "members": row.here.members.len(),
        "servers": servers.collect::<Vec<_>>(),
        "corrected": correction.map(|correction| ago(correction.at, now)),
        "receipt": row.receipts.last().map(receipt),
        "correction": correction.map(|correction| json!({
            "rule": correction.rule,
            "outcome": correction.outcome,
            "message": correction.message,
        })),
    })
}

/// The verdict on a change of timeline.
fn receipt(receipt: &Receipt) -> Value {
    let detail = match &receipt.verdict {
        Verdict::Continuous => None,
        Verdict::Gap { begin, end, .. } => Some(format!("{begin}..{end}")),
        Verdict::Unknown { reason, .. } => Some(reason.clone()),
    };
    json!({
        "server": receipt.server,
        "from": receipt.from,
        "to": receipt.timeline,
        "lsn": receipt.switch_lsn.to_string(),
        "leader": receipt.leader,
        "changed": receipt.changed,
        "word": receipt.verdict.as_str(),
        "class": match receipt.verdict {
            Verdict::Continuous => "good",
            Verdict::Gap { .. } => "bad",
            Verdict::Unknown { .. } => "doubt",
        },
        "detail": detail,
    })
}

fn ago(at: Duration, now: Duration) -> String {
    format!("{} ago", age(now, at))
}

const fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::NoLeader => "no leader",
        Condition::NoRule => "no rule",
        other => other.as_str(),
    }
}

const fn class(condition: Condition) -> &'static str {
    match condition {
        Condition::Wrong | Condition::Disputed | Condition::Unreachable => "bad",
        Condition::NoLeader | Condition::Unknown | Condition::Acting => "doubt",
        Condition::New | Condition::NoRule => "quiet",
        Condition::Fine => "good",
    }
}
