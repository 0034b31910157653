//! Receipts: the verdicts on changes of timeline.

use serde_json::{Value, json};

use crate::store::{MayTell, Receipt, Verdict};

use super::history::utc;
use super::text::{Screen, Style};

/// Receipts as `schemas/status.schema.json` and `schemas/history.schema.json` describe them.
pub fn receipts_json<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> Value {
    receipts.into_iter().map(to_json).collect()
}

/// Receipts for people, an item each under a heading; empty if there are none.
pub fn receipts<'a>(receipts: impl IntoIterator<Item = &'a Receipt>, screen: Screen) -> String {
    let line = |one: &Receipt| {
        let style = match one.verdict {
            Verdict::Continuous => Style::Good,
            Verdict::Gap { .. } => Style::Error,
            Verdict::Unknown { .. } => Style::Warning,
        };
        let head = format!("  {}: ", change(one));
        screen.wrapped(Some(style), &head, &verdict(one), 4)
    };
    let lines: Vec<_> = receipts.into_iter().map(line).collect();
    if lines.is_empty() {
        return String::new();
    }
    let head = screen.styled(Style::Strong, "changes of timeline:", "");
    format!("{head}{}", lines.concat())
}

fn to_json(receipt: &Receipt) -> Value {
    let (gap, unknown) = match &receipt.verdict {
        Verdict::Continuous => (Value::Null, None),
        Verdict::Gap { begin, end } => (json!({"begin": begin, "end": end}), None),
        Verdict::Unknown { reason, may_tell } => (Value::Null, Some((reason, may_tell.as_str()))),
    };
    json!({
        "cluster": receipt.cluster,
        "api": receipt.api.0,
        "server": receipt.server,
        "from_timeline": receipt.from,
        "timeline": receipt.timeline,
        "switch_lsn": receipt.switch_lsn,
        "leader": receipt.leader,
        "changed": receipt.changed,
        "verdict": receipt.verdict.as_str(),
        "gap": gap,
        "reason": unknown.map(|(reason, _)| reason),
        "may_tell": unknown.map(|(_, may_tell)| may_tell),
        "backup": receipt.backup,
        "needs_backup": receipt.needs_backup(),
        "since": utc(receipt.since),
    })
}

/// A receipt in a sentence, which begins with the server.
pub fn receipt(receipt: &Receipt) -> String {
    format!("{}: {}", change(receipt), verdict(receipt))
}

fn change(receipt: &Receipt) -> String {
    let Receipt {
        server,
        from,
        timeline,
        switch_lsn,
        ..
    } = receipt;
    format!("`{server}`: timeline {from} to {timeline} at {switch_lsn}")
}

/// The verdict in a sentence, with the next step.
pub fn verdict(receipt: &Receipt) -> String {
    let server = &receipt.server;
    let backup = match &receipt.backup {
        Some(backup) => format!("backup {backup} began after it"),
        None => format!("take a new one with `barman backup {server}`"),
    };
    match &receipt.verdict {
        Verdict::Continuous => match &receipt.backup {
            Some(backup) => format!("continuous, and restorable from backup {backup}"),
            None => {
                format!("continuous, but no usable backup reaches it; {backup}")
            }
        },
        Verdict::Gap { begin, end } => {
            format!("GAP from {begin} to {end}: no moment in between can be restored; {backup}")
        }
        Verdict::Unknown { reason, may_tell } => {
            let next = match (may_tell, &receipt.backup) {
                (_, Some(_)) => format!("; {backup}"),
                (MayTell::Nothing, None) => format!("; to be safe, {backup}"),
                (MayTell::LaterPass | MayTell::OtherNode, None) => String::new(),
            };
            format!("unknown: {reason}{next}")
        }
    }
}
