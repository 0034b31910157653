//! Counters, updated in the transaction that settles an intent.

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::model::{Event, Name, Verify};

use super::IntentId;
use super::rows::{self, SELECT};

/// Counts an intent that is done.
pub(super) fn count(transaction: &Transaction<'_>, id: IntentId) -> rusqlite::Result<()> {
    let found = transaction
        .query_row(
            &format!("{SELECT} WHERE intent.id = ?1"),
            [id.0],
            rows::intent,
        )
        .optional()?;
    let Some(intent) = found.flatten() else {
        return Ok(());
    };
    let follows = intent.step.operation.follows().is_some();
    let promoted = intent.event == Event::OnRoleChange && intent.role.leads();
    if intent.source.corrects() && intent.attempts > 0 {
        let server = intent.step.operation.server().map(Name::as_str);
        transaction.execute(
            "INSERT INTO correction VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (cluster, api, server) DO UPDATE SET made = made + 1",
            params![
                intent.cluster,
                intent.step.api.0,
                server.unwrap_or_default()
            ],
        )?;
    } else if promoted && follows && intent.step.verify == Verify::Streaming {
        let ended = intent.ended.unwrap_or(intent.created);
        let took = ended.saturating_sub(intent.created);
        transaction.execute(
            "INSERT INTO promotion (cluster, took_ms) VALUES (?1, ?2)",
            params![intent.cluster, rows::millis(took)],
        )?;
    }
    Ok(())
}
