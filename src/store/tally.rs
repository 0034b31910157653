//! Counters that only grow, and the last pass of `reconcile`. Requests are forgotten after a while; a monitoring system's
//! counters are not.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::{Sqlite, StoreError, rows};

/// The counters so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// For each promotion, the cluster and the time from the callback to WAL streaming from the new leader.
    pub promotions: Vec<(String, Duration)>,
    /// The corrections.
    pub corrections: Vec<Correction>,
}

/// Corrections of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Patroni's scope.
    pub cluster: String,
    /// The API.
    pub api: String,
    /// The server; empty for options of the whole instance.
    pub server: String,
    /// The number of corrections.
    pub made: u64,
}

/// The last pass of `reconcile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastPass {
    /// The time of its end.
    #[serde(serialize_with = "crate::model::time::serialize")]
    #[cfg_attr(test, schemars(with = "crate::model::Utc"))]
    pub ended: Duration,
    /// Its exit code.
    #[serde(rename = "exit_code")]
    pub code: u8,
    /// The addresses of the members' REST APIs, from the last pass that saw any.
    #[serde(skip)]
    pub members: Vec<String>,
}

impl Sqlite {
    /// Reads the counters.
    pub fn tally(&self) -> Result<Tally, StoreError> {
        let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
        self.read(|connection| {
            let mut promotions =
                connection.prepare("SELECT cluster, took_ms FROM promotion ORDER BY id")?;
            let promotions = promotions.query_map([], |row| {
                let took = Duration::from_millis(unsigned(row.get(1)?));
                Ok((row.get(0)?, took))
            })?;
            let mut corrections =
                connection.prepare("SELECT * FROM correction ORDER BY cluster, api, server")?;
            let corrections = corrections.query_map([], |row| {
                Ok(Correction {
                    cluster: row.get(0)?,
                    api: row.get(1)?,
                    server: row.get(2)?,
                    made: unsigned(row.get(3)?),
                })
            })?;
            Ok(Tally {
                promotions: promotions.collect::<rusqlite::Result<_>>()?,
                corrections: corrections.collect::<rusqlite::Result<_>>()?,
            })
        })
    }

    /// Records the end of a pass of `reconcile`.
    pub fn passed(&self, pass: &LastPass) -> Result<(), StoreError> {
        let members = serde_json::Value::from(pass.members.as_slice()).to_string();
        let written = self.write(|transaction| {
            transaction.execute(
                "INSERT INTO pass VALUES (1, ?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET ended_ms = ?1, code = ?2,
                     members = CASE ?3 WHEN '[]' THEN members ELSE ?3 END",
                params![rows::millis(pass.ended), pass.code, members],
            )
        });
        written.map(drop)
    }

    /// Reads the last pass of `reconcile`; `None` if it never ran with this state.
    pub fn last_pass(&self) -> Result<Option<LastPass>, StoreError> {
        self.read(|connection| {
            let row = connection.query_row("SELECT ended_ms, code, members FROM pass", [], |row| {
                Ok(LastPass {
                    ended: Duration::from_millis(
                        u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                    ),
                    code: row.get(1)?,
                    members: rows::sets(&row.get::<_, String>(2)?),
                })
            });
            row.optional()
        })
    }
}
