//! The rows of the database, and code shared by several writes.

use std::time::Duration;

use rusqlite::{Connection, Row, Transaction, params};

use crate::evaluate::Step;
use crate::model::{Event, Name, Role, Target};

use super::{Intent, IntentId, Recorded, Source, State, record};

/// An incident that is open, or of which a receiver knows, or may know, that it began, and not that it is over.
pub(super) const UNSETTLED: &str = "(ended_ms IS NULL OR EXISTS (SELECT 1 FROM delivery WHERE incident = incident.id AND told IN (1, 2)))";

/// Tells whether a later process may have anything to do.
pub(super) fn is_pending(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        &format!(
            "SELECT EXISTS (SELECT 1 FROM intent WHERE state = 'pending')
                 OR EXISTS (SELECT 1 FROM decision WHERE open = 1) OR EXISTS (SELECT 1 FROM incident WHERE {UNSETTLED})"
        ),
        [],
        |row| row.get(0),
    )
}

pub(super) const SELECT: &str =
    "SELECT intent.id, decision, created_ms, cluster, node, event, role, step, state,
    attempts, sent_ms, operation, ended_ms, message, owner, claim_ms, raw_role, sets, over, source
    FROM intent JOIN decision ON decision.id = intent.decision";

/// An intent of a row; `None` if a newer program wrote a step that this one does not know.
pub(super) fn intent(row: &Row<'_>) -> rusqlite::Result<Option<Intent>> {
    let text = |column: &str| row.get::<_, String>(column);
    let time = |column: &str| {
        row.get::<_, Option<i64>>(column).map(|millis| {
            millis.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
        })
    };
    let step = serde_json::from_str(&text("step")?)
        .ok()
        .and_then(|value| record::read(&value));
    let words = (
        Event::parse(&text("event")?),
        Role::parse(&text("role")?),
        State::parse(&text("state")?),
    );
    let (Some(step), (Some(event), Some(role), Some(state))) = (step, words) else {
        return Ok(None);
    };
    let operation: Option<String> = row.get("operation")?;
    Ok(Some(Intent {
        id: IntentId(row.get("id")?),
        decision: row.get("decision")?,
        created: time("created_ms")?.unwrap_or_default(),
        cluster: text("cluster")?,
        node: row.get("node")?,
        source: Source::parse(&text("source")?).unwrap_or(Source::Callback),
        event,
        role,
        raw_role: text("raw_role")?,
        sets: sets(&text("sets")?),
        step,
        state,
        attempts: row.get("attempts")?,
        sent: time("sent_ms")?,
        operation_id: operation.and_then(|id| Name::new(id).ok()),
        over: row.get("over")?,
        ended: time("ended_ms")?,
        message: row.get("message")?,
    }))
}

/// Writes the row of an event; `open` while it is undecided.
pub(super) fn insert_decision(
    transaction: &Transaction<'_>,
    event: &Recorded,
    source: Source,
    open: bool,
    now: Duration,
) -> rusqlite::Result<i64> {
    transaction.execute(
        "INSERT INTO decision (created_ms, cluster, node, event, role, raw_role, sets, open, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            millis(now),
            event.cluster,
            event.node,
            event.event.as_str(),
            event.role.as_str(),
            event.raw_role,
            serde_json::Value::from(event.sets.as_slice()).to_string(),
            open,
            source.as_str(),
        ],
    )?;
    Ok(transaction.last_insert_rowid())
}

pub(super) fn sets(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Removes targets from older intents: one without remaining targets is superseded, others are narrowed.
pub(super) fn take_place(
    transaction: &Transaction<'_>,
    decision: i64,
    targets: &[Target],
    now: Duration,
) -> rusqlite::Result<()> {
    let mut older = transaction.prepare(
        "SELECT DISTINCT intent.id, step FROM intent JOIN target ON target.intent = intent.id
         WHERE name = ?1 AND state = 'pending' AND decision <> ?2",
    )?;
    for target in targets {
        let found: Vec<(i64, String)> = older
            .query_map(params![target.key(), decision], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (id, step) in found {
            let step = serde_json::from_str(&step)
                .ok()
                .and_then(|step| record::read(&step));
            let rest = step.and_then(|step: Step| {
                let keep = |other: &Target| other != target;
                let operation = step.operation.only(&step.api, &keep)?;
                Some(Step { operation, ..step })
            });
            match rest {
                Some(rest) => {
                    transaction.execute(
                        "DELETE FROM target WHERE intent = ?1 AND name = ?2",
                        params![id, target.key()],
                    )?;
                    transaction.execute(
                        "UPDATE intent SET step = ?2, narrowed = 1 WHERE id = ?1",
                        params![id, record::write(&rest).to_string()],
                    )?;
                }
                None => {
                    transaction.execute(
                        "UPDATE intent SET state = 'superseded', ended_ms = ?2,
                             message = 'a newer decision for the same target took its place' WHERE id = ?1",
                        params![id, millis(now)],
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// A recovery was decided on in the foreground of its caller; it has no role to lose.
pub(super) fn supersede_role(
    transaction: &Transaction<'_>,
    cluster: &str,
    node: Option<&str>,
    role: Role,
    now: Duration,
) -> rusqlite::Result<usize> {
    transaction.execute(
        "UPDATE decision SET open = 0 WHERE open = 1 AND cluster = ?1
             AND (node IS ?2 OR node IS NULL OR ?2 IS NULL) AND role <> ?3",
        params![cluster, node, role.as_str()],
    )?;
    transaction.execute(
        "UPDATE intent SET state = 'superseded', ended_ms = ?1,
             message = 'the node has another role now'
         WHERE state = 'pending' AND decision IN (
             SELECT id FROM decision WHERE cluster = ?2 AND (node IS ?3 OR node IS NULL OR ?3 IS NULL)
             AND role <> ?4 AND event NOT IN ('bootstrap', 'create_replica'))",
        params![millis(now), cluster, node, role.as_str()],
    )
}

pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
