//! The database's tables, and their migrations.

use rusqlite::{Connection, TransactionBehavior};

/// The migration from each version to the next; the first one turns an empty database into version 1.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE decision (
        id INTEGER PRIMARY KEY,
        created_ms INTEGER NOT NULL,
        cluster TEXT NOT NULL,
        node TEXT,
        event TEXT NOT NULL,
        role TEXT NOT NULL,
        raw_role TEXT NOT NULL,
        sets TEXT NOT NULL DEFAULT '[]',
        open INTEGER NOT NULL DEFAULT 0,
        source TEXT NOT NULL
    ) STRICT;
    CREATE INDEX decision_open ON decision (open) WHERE open = 1;
    CREATE TABLE intent (
        id INTEGER PRIMARY KEY,
        decision INTEGER NOT NULL REFERENCES decision (id) ON DELETE CASCADE,
        step TEXT NOT NULL,
        rule TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        sent_ms INTEGER,
        operation TEXT,
        ended_ms INTEGER,
        message TEXT,
        owner TEXT,
        claim_ms INTEGER NOT NULL DEFAULT 0,
        narrowed INTEGER NOT NULL DEFAULT 0,
        over INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX intent_pending ON intent (state) WHERE state = 'pending';
    CREATE INDEX intent_decision ON intent (decision);
    CREATE TABLE target (
        intent INTEGER NOT NULL REFERENCES intent (id) ON DELETE CASCADE,
        name TEXT NOT NULL
    ) STRICT;
    CREATE INDEX target_name ON target (name);
    CREATE INDEX target_intent ON target (intent);
    CREATE TABLE promotion (
        id INTEGER PRIMARY KEY,
        cluster TEXT NOT NULL,
        took_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE correction (
        cluster TEXT NOT NULL,
        api TEXT NOT NULL,
        server TEXT NOT NULL,
        made INTEGER NOT NULL,
        PRIMARY KEY (cluster, api, server)
    ) STRICT;
    CREATE TABLE pass (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        ended_ms INTEGER NOT NULL,
        code INTEGER NOT NULL,
        members TEXT NOT NULL
    ) STRICT;
    CREATE TABLE receipt (
        cluster TEXT NOT NULL,
        api TEXT NOT NULL,
        server TEXT NOT NULL,
        timeline INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        lsn TEXT NOT NULL,
        leader TEXT,
        changed TEXT,
        verdict TEXT NOT NULL,
        backup TEXT,
        since_ms INTEGER NOT NULL,
        PRIMARY KEY (cluster, api, server, timeline)
    ) STRICT;
    CREATE TABLE sighting (
        cluster TEXT NOT NULL,
        api TEXT NOT NULL,
        server TEXT NOT NULL,
        timeline INTEGER NOT NULL,
        archived TEXT,
        received TEXT,
        passed INTEGER NOT NULL,
        since_ms INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL,
        PRIMARY KEY (cluster, api, server, timeline)
    ) STRICT;
    CREATE TABLE incident (
        id INTEGER PRIMARY KEY,
        class TEXT NOT NULL,
        cluster TEXT NOT NULL,
        key TEXT NOT NULL,
        subject TEXT NOT NULL,
        targets TEXT NOT NULL,
        member TEXT,
        source TEXT NOT NULL,
        message TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL,
        calm_ms INTEGER NOT NULL,
        may_pass INTEGER NOT NULL,
        is_kept INTEGER NOT NULL DEFAULT 0,
        ended_ms INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX incident_open ON incident (class, cluster, key) WHERE ended_ms IS NULL;
    CREATE TABLE delivery (
        incident INTEGER NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
        receiver TEXT NOT NULL,
        after_ms INTEGER NOT NULL,
        told INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        claim_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (incident, receiver)
    ) STRICT;
"];

/// The newest version.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there are fewer than four billion"
)]
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Migrates a database to the newest version; returns its version if that is even newer.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Result<(), u32>> {
    let version = |connection: &Connection| {
        connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))
    };
    // Usually there is nothing to do, and no lock to take.
    if version(connection)? == VERSION {
        return Ok(Ok(()));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > VERSION {
        return Ok(Err(found));
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(Ok(()))
}
