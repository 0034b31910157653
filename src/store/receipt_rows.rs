//! Receipts as rows.

use std::time::Duration;

use rusqlite::{Connection, Row, Transaction, params};

use crate::model::{ApiName, Lsn, Name};

use super::rows::{millis, number};
use super::{Receipt, Receipts, Sighting};

pub(super) fn read(connection: &Connection, cluster: Option<&str>) -> rusqlite::Result<Receipts> {
    let mut verdicts = connection.prepare(
        "SELECT * FROM receipt WHERE ?1 IS NULL OR cluster = ?1 ORDER BY cluster, timeline, api, server",
    )?;
    let verdicts = verdicts.query_map([cluster], receipt)?;
    let mut sightings =
        connection.prepare("SELECT * FROM sighting WHERE ?1 IS NULL OR cluster = ?1")?;
    let sightings = sightings.query_map([cluster], sighting)?;
    Ok(Receipts {
        verdicts: verdicts
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?,
        sightings: sightings
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?,
    })
}

pub(super) fn write(transaction: &Transaction<'_>, news: &Receipts) -> rusqlite::Result<()> {
    for one in &news.verdicts {
        transaction.execute(
            "INSERT OR REPLACE INTO receipt
             (cluster, api, server, timeline, ended, lsn, leader, changed, verdict, backup, since_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                one.cluster,
                one.api.0,
                one.server.as_str(),
                number(one.timeline),
                number(one.from),
                one.switch_lsn.to_string(),
                one.leader,
                one.changed,
                serde_json::to_string(&one.verdict).unwrap_or_default(),
                one.backup,
                millis(one.since),
            ],
        )?;
    }
    for one in &news.sightings {
        transaction.execute(
            "INSERT OR REPLACE INTO sighting
             (cluster, api, server, timeline, archived, received, passed, since_ms, seen_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                one.cluster,
                one.api.0,
                one.server.as_str(),
                number(one.timeline),
                one.archived.map(|lsn| lsn.to_string()),
                one.received.map(|lsn| lsn.to_string()),
                one.passed,
                millis(one.since),
                millis(one.seen),
            ],
        )?;
    }
    Ok(())
}

/// A receipt; `None` if a newer program wrote a verdict that this one does not know.
fn receipt(row: &Row<'_>) -> rusqlite::Result<Option<Receipt>> {
    let read = (
        name(row)?,
        lsn(row, "lsn")?,
        serde_json::from_str(&row.get::<_, String>("verdict")?).ok(),
    );
    let (Some(server), Some(switch_lsn), Some(verdict)) = read else {
        return Ok(None);
    };
    Ok(Some(Receipt {
        cluster: row.get("cluster")?,
        api: ApiName(row.get("api")?),
        server,
        from: unsigned(row, "ended")?,
        timeline: unsigned(row, "timeline")?,
        switch_lsn,
        leader: row.get("leader")?,
        changed: row.get("changed")?,
        verdict,
        backup: row.get("backup")?,
        since: Duration::from_millis(unsigned(row, "since_ms")?),
    }))
}

fn sighting(row: &Row<'_>) -> rusqlite::Result<Option<Sighting>> {
    let Some(server) = name(row)? else {
        return Ok(None);
    };
    Ok(Some(Sighting {
        cluster: row.get("cluster")?,
        api: ApiName(row.get("api")?),
        server,
        timeline: unsigned(row, "timeline")?,
        archived: lsn(row, "archived")?,
        received: lsn(row, "received")?,
        passed: row.get("passed")?,
        since: Duration::from_millis(unsigned(row, "since_ms")?),
        seen: Duration::from_millis(unsigned(row, "seen_ms")?),
    }))
}

fn name(row: &Row<'_>) -> rusqlite::Result<Option<Name>> {
    Ok(Name::new(row.get::<_, String>("server")?).ok())
}

fn lsn(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Lsn>> {
    let text = row.get::<_, Option<String>>(column)?;
    Ok(text.and_then(|text| Lsn::parse(&text)))
}

fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let number = row.get::<_, i64>(column)?;
    Ok(u64::try_from(number).unwrap_or_default())
}
