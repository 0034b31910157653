//! The store as one SQLite database, safe for concurrent processes.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::http::{Clock as _, Real};
use crate::model::{Event, Name, Role, Target};

use super::rows::{self, SELECT};
use super::{
    Cause, Decision, EventId, Forget, Intent, IntentId, Owner, Query, Receipts, Recorded, Settled,
    Source, Standing, State, Store, StoreError, count, file, receipt_rows, record, schema,
};

/// The longest wait for another process that writes. Every write is only a few rows.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest time from a decision to its first attempt.
const FIRST_CLAIM: Duration = Duration::from_secs(60);

/// An open database.
pub struct Sqlite {
    connection: RefCell<Connection>,
    owner: Owner,
    /// Returns true if an owner still works on its claims.
    alive: Box<dyn Fn(&Owner) -> bool>,
    /// The file that exists while anything is pending.
    marker: Option<PathBuf>,
    /// The new name of a damaged database that this one replaces.
    aside: Option<PathBuf>,
    /// The database's path and inode.
    file: Option<(PathBuf, u64)>,
}

/// The reason why a database can't be opened.
enum Opening {
    /// It is damaged, or not a database.
    Corrupt(StoreError),
    /// It can't be used at the moment.
    Failed(StoreError),
}

impl From<Opening> for StoreError {
    fn from(opening: Opening) -> Self {
        match opening {
            Opening::Corrupt(error) | Opening::Failed(error) => error,
        }
    }
}

/// The reason why a database can't be opened, with advice if it belongs to another user.
fn unopened(path: &Path, error: &dyn fmt::Display) -> StoreError {
    StoreError::Open {
        path: path.to_owned(),
        reason: format!("{error}{}", file::advice(path).unwrap_or_default()),
    }
}

impl Sqlite {
    /// Opens the database at this path, and creates it if necessary.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| Opening::Failed(unopened(path, &error));
        let make = || {
            let _making = file::make(path).map_err(failed)?;
            Self::with(Connection::open(path), path)
        };
        let opened = if file::is_known_damaged(path) {
            None
        } else {
            Some(make())
        };
        let mut store = match opened {
            None | Some(Err(Opening::Corrupt(_))) => {
                let aside = file::move_aside(path, Real::new().wall()).map_err(failed)?;
                Self {
                    aside: Some(aside),
                    ..make()?
                }
            }
            Some(opened) => opened?,
        };
        store.marker = Some(Self::marker(path));
        store.file = Some(path.to_owned()).zip(file::inode(path));
        Ok(store)
    }

    /// Opens an existing database for reading: a damaged one is left as it is.
    pub fn look(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::with(Connection::open(path), path)?)
    }

    /// The new name of a damaged database that this one replaced.
    pub fn moved_aside(&self) -> Option<&Path> {
        self.aside.as_deref()
    }

    /// The file next to the database at this path that exists while anything in it is pending: a callback
    /// without requests checks it and need not open the database.
    #[must_use]
    pub fn marker(path: &Path) -> PathBuf {
        file::with_suffix(path, ".pending")
    }

    /// A database in memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::with(
            Connection::open_in_memory(),
            Path::new(":memory:"),
        )?)
    }

    fn with(connection: rusqlite::Result<Connection>, path: &Path) -> Result<Self, Opening> {
        let prepare = |mut connection: Connection| {
            connection.busy_timeout(PATIENCE)?;
            write_ahead(&connection)?;
            // A commit is on disk when it returns: an intent must also survive a power failure.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            let migrated = schema::migrate(&mut connection)?;
            Ok::<_, rusqlite::Error>((connection, migrated))
        };
        match connection.and_then(prepare) {
            Ok((connection, Ok(()))) => Ok(Self {
                connection: connection.into(),
                owner: Owner::this(),
                alive: Box::new(Owner::alive),
                marker: None,
                aside: None,
                file: None,
            }),
            Ok((_, Err(found))) => Err(Opening::Failed(StoreError::Newer {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            })),
            Err(error) if file::is_corrupt(&error) => Err(Opening::Corrupt(unopened(path, &error))),
            Err(error) => Err(Opening::Failed(unopened(path, &error))),
        }
    }

    /// Sets the owner of this store's claims, and the check whether an owner is alive: for a simulation of
    /// several processes.
    #[must_use]
    pub fn owned_by(mut self, owner: Owner, alive: impl Fn(&Owner) -> bool + 'static) -> Self {
        self.owner = owner;
        self.alive = Box::new(alive);
        self
    }

    /// Forgets settled decisions from before this time, except recoveries that may still run. Usually there are none, and no lock
    /// is taken.
    pub fn prune(&self, before: Duration) -> Result<(), StoreError> {
        const OLD: &str = "FROM decision WHERE created_ms < ?1 AND open = 0
            AND NOT EXISTS (SELECT 1 FROM intent WHERE decision = decision.id AND state = 'pending')
            AND NOT EXISTS (SELECT 1 FROM intent JOIN target ON target.intent = intent.id WHERE decision = decision.id
                AND name LIKE 'directory %' AND sent_ms IS NOT NULL AND over = 0 AND state NOT IN ('done', 'failed'))";
        const OVER: &str = "FROM incident WHERE ended_ms < ?1";
        let any = self.connection.borrow().query_row(
            &format!("SELECT EXISTS (SELECT 1 {OLD}) OR EXISTS (SELECT 1 {OVER})"),
            [rows::millis(before)],
            |row| row.get::<_, bool>(0),
        );
        match any {
            Ok(false) => Ok(()),
            Ok(true) => self
                .write(|transaction| {
                    transaction.execute(&format!("DELETE {OVER}"), [rows::millis(before)])?;
                    transaction.execute(&format!("DELETE {OLD}"), [rows::millis(before)])
                })
                .map(drop),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Gives up an intent at an operator's request.
    pub fn forget(&self, id: IntentId, now: Duration) -> Result<Forget, StoreError> {
        self.write(|transaction| {
            let found = transaction
                .query_row(
                    &format!("{SELECT} WHERE intent.id = ?1"),
                    [id.0],
                    rows::intent,
                )
                .optional()?
                .flatten();
            let Some(intent) = found else {
                return Ok(Forget::Unknown);
            };
            if !intent.is_open() {
                return Ok(Forget::Ended(intent.state));
            }
            transaction.execute(
                "UPDATE intent SET state = 'forgotten', over = 1, ended_ms = ?2,
                     message = 'given up by an operator' WHERE id = ?1",
                params![id.0, rows::millis(now)],
            )?;
            Ok(Forget::Forgotten(Box::new(intent)))
        })
    }

    /// Creates the marker if anything is pending, before that is committed.
    fn mark(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if let Some(marker) = &self.marker
            && rows::is_pending(transaction)?
        {
            let _ = file::private(marker);
        }
        Ok(())
    }

    /// Removes the marker if nothing is pending, after that was committed: a process killed in between leaves
    /// an unnecessary one, which only makes a later process look into the database. The lock keeps others
    /// from creating it in the meantime.
    fn unmark(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let Some(marker) = &self.marker else {
            return Ok(());
        };
        if rows::is_pending(connection)? {
            return Ok(());
        }
        let lock = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !rows::is_pending(&lock)? {
            let _ = fs::remove_file(marker);
        }
        Ok(())
    }

    /// Returns true if an intent is pending for one of these targets that this node, or any live process, will resume. Requests
    /// left by another node, for example under an old name, will not be resumed.
    fn is_in_hand(
        &self,
        transaction: &Transaction<'_>,
        targets: &[Target],
        (cluster, node): (&str, Option<&str>),
        now: Duration,
    ) -> rusqlite::Result<bool> {
        let mut statement = transaction.prepare(
            "SELECT owner, node IS ?2 OR node IS NULL OR ?2 IS NULL, claim_ms
             FROM intent JOIN target ON target.intent = intent.id JOIN decision ON decision.id = intent.decision
             WHERE name = ?1 AND state = 'pending' AND cluster = ?3",
        )?;
        for target in targets {
            let mut rows = statement.query(params![target.key(), node, cluster])?;
            while let Some(row) = rows.next()? {
                let (owner, ours, claim): (Option<String>, bool, i64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                // This process may correct its own requests.
                let own = owner.as_deref() == Some(self.owner.as_str());
                if !own && (ours || self.holds(owner.as_deref(), claim, now)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The reason why an access failed. Damage may only be found then: the next process begins a new database.
    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        if let Some((path, inode)) = self.file.as_ref().filter(|_| file::is_corrupt(error)) {
            file::note_damage(path, *inode);
        }
        StoreError::Io(error.to_string())
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection.borrow()).map_err(|error| self.failed(&error))
    }

    /// Who this process is to the others.
    pub(super) const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Returns true if an owner still works on its claim: it is alive, and not stuck.
    pub(super) fn holds(&self, owner: Option<&str>, claim: i64, now: Duration) -> bool {
        claim > rows::millis(now) && owner.is_some_and(|owner| (self.alive)(&Owner::read(owner)))
    }

    /// Records a decision as [`Store::intend`] does; `by` is the source if it was made after a look.
    pub fn intend_by(
        &self,
        by: Source,
        decision: &Decision<'_>,
    ) -> Result<Vec<Option<IntentId>>, StoreError> {
        let Decision { plan, cause, now } = decision;
        let by = match cause {
            Cause::Event(_) => Source::Callback,
            Cause::Look(_) => by,
        };
        self.write(|transaction| {
            if matches!(cause, Cause::Event(_)) {
                rows::supersede_role(transaction, &plan.cluster, plan.node.as_deref(), plan.role, *now)?;
            }
            let number = match cause {
                Cause::Event(Some(event)) => {
                    let opened = transaction.execute(
                        "UPDATE decision SET open = 0, node = ?2 WHERE id = ?1 AND open = 1",
                        params![event.0, plan.node],
                    )?;
                    // Another process has decided it in the meantime.
                    if opened == 0 {
                        return Ok(vec![None; plan.steps.len()]);
                    }
                    event.0
                }
                Cause::Event(None) | Cause::Look(_) => {
                    let event = Recorded {
                        cluster: plan.cluster.clone(),
                        node: plan.node.clone(),
                        event: plan.event,
                        role: plan.role,
                        raw_role: plan.role.as_str().to_owned(),
                        sets: match cause {
                            Cause::Look(sets) => sets.to_vec(),
                            Cause::Event(_) => Vec::new(),
                        },
                    };
                    rows::insert_decision(transaction, &event, by, false, *now)?
                }
            };
            let mut ids = Vec::with_capacity(plan.steps.len());
            for step in &plan.steps {
                let targets = step.operation.targets(&step.api);
                let here = (plan.cluster.as_str(), plan.node.as_deref());
                if matches!(cause, Cause::Look(_)) && self.is_in_hand(transaction, &targets, here, *now)? {
                    ids.push(None);
                    continue;
                }
                rows::take_place(transaction, number, &targets, *now)?;
                transaction.execute(
                    "INSERT INTO intent (decision, step, rule, state, owner, claim_ms) VALUES (?1, ?2, ?3, 'pending', ?4, ?5)",
                    params![
                        number,
                        record::write(step).to_string(),
                        step.rule,
                        self.owner.as_str(),
                        rows::millis(*now + FIRST_CLAIM)
                    ],
                )?;
                let id = transaction.last_insert_rowid();
                for target in &targets {
                    transaction.execute(
                        "INSERT INTO target (intent, name) VALUES (?1, ?2)",
                        params![id, target.key()],
                    )?;
                }
                ids.push(Some(IntentId(id)));
            }
            if matches!(cause, Cause::Look(_)) && ids.iter().all(Option::is_none) {
                transaction.execute("DELETE FROM decision WHERE id = ?1", [number])?;
            }
            Ok(ids)
        })
    }

    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.borrow_mut();
        let run = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            self.mark(&transaction)?;
            transaction.commit()?;
            // The requested change is done, even if this fails.
            let _ = self.unmark(connection);
            Ok(result)
        };
        run(&mut connection).map_err(|error| self.failed(&error))
    }
}

/// Lets readers and a writer work concurrently. SQLite does not wait for the lock that the first one needs for it.
#[expect(
    clippy::disallowed_methods,
    reason = "a database has no clock of its own, and its own waits are of this kind"
)]
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let clock = Real::new();
    loop {
        let set = connection.pragma_update(None, "journal_mode", "WAL");
        let is_busy = |error: &rusqlite::Error| {
            error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
        };
        if !set.as_ref().is_err_and(is_busy) || clock.now() >= PATIENCE {
            return set;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Store for Sqlite {
    async fn record(&self, event: &Recorded, now: Duration) -> Result<EventId, StoreError> {
        self.write(|transaction| {
            rows::supersede_role(
                transaction,
                &event.cluster,
                event.node.as_deref(),
                event.role,
                now,
            )?;
            Ok(EventId(rows::insert_decision(
                transaction,
                event,
                Source::Callback,
                true,
                now,
            )?))
        })
    }

    async fn undecided(
        &self,
        cluster: &str,
        node: Option<&str>,
    ) -> Result<Vec<(EventId, Recorded)>, StoreError> {
        let connection = self.connection.borrow();
        let read = || {
            let mut statement = connection.prepare(
                "SELECT id, cluster, node, event, role, raw_role, sets FROM decision
                 WHERE open = 1 AND cluster = ?1 AND (node IS ?2 OR node IS NULL OR ?2 IS NULL) ORDER BY id",
            )?;
            let found = statement.query_map(params![cluster, node], |row| {
                let words = (
                    Event::parse(&row.get::<_, String>("event")?),
                    Role::parse(&row.get::<_, String>("role")?),
                );
                let (Some(event), Some(role)) = words else {
                    return Ok(None);
                };
                let recorded = Recorded {
                    cluster: row.get("cluster")?,
                    node: row.get("node")?,
                    event,
                    role,
                    raw_role: row.get("raw_role")?,
                    sets: rows::sets(&row.get::<_, String>("sets")?),
                };
                Ok(Some((EventId(row.get("id")?), recorded)))
            })?;
            found
                .filter_map(Result::transpose)
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.failed(&error))
    }

    async fn close(&self, event: EventId) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("UPDATE decision SET open = 0 WHERE id = ?1", [event.0])
        })
        .map(drop)
    }

    async fn intend(&self, decision: &Decision<'_>) -> Result<Vec<Option<IntentId>>, StoreError> {
        self.intend_by(Source::Reconcile, decision)
    }

    async fn role_changed(
        &self,
        cluster: &str,
        node: Option<&str>,
        role: Role,
        now: Duration,
    ) -> Result<usize, StoreError> {
        self.write(|transaction| rows::supersede_role(transaction, cluster, node, role, now))
    }

    async fn sending(
        &self,
        id: IntentId,
        now: Duration,
        claim: Duration,
    ) -> Result<Standing, StoreError> {
        self.write(|transaction| {
            let (state, owner, until, step, narrowed): (String, Option<String>, i64, String, bool) =
                transaction.query_row(
                    "SELECT state, owner, claim_ms, step, narrowed FROM intent WHERE id = ?1",
                    [id.0],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
                )?;
            let ours = owner.as_deref() == Some(self.owner.as_str());
            match State::parse(&state) {
                Some(State::Pending) if ours || !self.holds(owner.as_deref(), until, now) => {}
                Some(State::Pending) => return Ok(Standing::Taken),
                Some(State::Done) => return Ok(Standing::Done),
                _ => return Ok(Standing::Superseded),
            }
            transaction.execute(
                "UPDATE intent SET attempts = attempts + 1, sent_ms = ?2, owner = ?3, claim_ms = ?4 WHERE id = ?1",
                params![id.0, rows::millis(now), self.owner.as_str(), rows::millis(now + claim)],
            )?;
            let step = serde_json::from_str(&step).ok().and_then(|step| record::read(&step));
            Ok(match step.filter(|_| narrowed) {
                Some(step) => Standing::Narrowed(Box::new(step)),
                None => Standing::Current,
            })
        })
    }

    async fn renew(&self, id: IntentId, until: Duration) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE intent SET claim_ms = ?2 WHERE id = ?1 AND owner = ?3",
                params![id.0, rows::millis(until), self.owner.as_str()],
            )
        })
        .map(drop)
    }

    async fn accepted(&self, id: IntentId, operation: &Name) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE intent SET operation = ?2 WHERE id = ?1",
                params![id.0, operation.as_str()],
            )
        })
        .map(drop)
    }

    async fn settled(&self, id: IntentId, end: &Settled<'_>) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE intent SET state = ?2, message = ?3, ended_ms = ?4 WHERE id = ?1 AND state = 'pending'",
                params![id.0, end.state.as_str(), end.message, rows::millis(end.now)],
            )?;
            if changed > 0 && end.state == State::Done {
                count::count(transaction, id)?;
            }
            Ok(())
        })
    }

    async fn ended(&self, id: IntentId) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("UPDATE intent SET over = 1 WHERE id = ?1", [id.0])
        })
        .map(drop)
    }

    async fn left(&self, id: IntentId, why: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE intent SET owner = NULL, message = ?2 WHERE id = ?1 AND state = 'pending'",
                params![id.0, why],
            )
        })
        .map(drop)
    }

    async fn take_over(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<Vec<Intent>, StoreError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare(&format!(
                "{SELECT} WHERE state = 'pending' AND cluster = ?1
                 AND (node IS ?2 OR node IS NULL OR ?2 IS NULL) ORDER BY intent.id"
            ))?;
            let found: Vec<(Option<Intent>, Option<String>, i64)> = statement
                .query_map(params![cluster, node], |row| {
                    Ok((rows::intent(row)?, row.get("owner")?, row.get("claim_ms")?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let free = found.into_iter().filter_map(|(intent, owner, claim)| {
                // Also our own: this process may have to correct actions that it could not record.
                let taken = self.holds(owner.as_deref(), claim, now);
                intent.filter(|_| !taken)
            });
            let free: Vec<Intent> = free.collect();
            for intent in &free {
                transaction.execute(
                    "UPDATE intent SET owner = ?2, claim_ms = ?3 WHERE id = ?1",
                    params![
                        intent.id.0,
                        self.owner.as_str(),
                        rows::millis(now + FIRST_CLAIM)
                    ],
                )?;
            }
            Ok(free)
        })
    }

    async fn is_forgotten(&self, id: IntentId) -> Result<bool, StoreError> {
        let state = self.connection.borrow().query_row(
            "SELECT state FROM intent WHERE id = ?1",
            [id.0],
            |row| row.get::<_, String>(0),
        );
        state
            .map(|state| State::parse(&state) == Some(State::Forgotten))
            .map_err(|error| self.failed(&error))
    }

    async fn drop_corrections(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT intent.id, owner, claim_ms FROM intent JOIN decision ON decision.id = intent.decision
                 WHERE state = 'pending' AND source <> 'callback' AND cluster = ?1 AND node IS NOT ?2",
            )?;
            let found: Vec<(i64, Option<String>, i64)> = statement
                .query_map(params![cluster, node], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            for (id, owner, claim) in found {
                if !self.holds(owner.as_deref(), claim, now) {
                    transaction.execute(
                        "UPDATE intent SET state = 'abandoned', ended_ms = ?2,
                             message = 'its process ended; Barman is looked at again' WHERE id = ?1",
                        params![id, rows::millis(now)],
                    )?;
                }
            }
            Ok(())
        })
    }

    async fn history(&self, query: &Query) -> Result<Vec<Intent>, StoreError> {
        let connection = self.connection.borrow();
        let read = || {
            let mut statement = connection.prepare(&format!(
                "{SELECT} WHERE (?1 IS NULL OR cluster = ?1) AND (?2 IS NULL OR rule = ?2)
                 AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR created_ms >= ?4)
                 ORDER BY intent.id DESC LIMIT ?5"
            ))?;
            let found = statement.query_map(
                params![
                    query.cluster,
                    query.rule,
                    query.state.map(State::as_str),
                    query.since.map(rows::millis),
                    query.limit.map_or(-1, i64::from),
                ],
                rows::intent,
            )?;
            found
                .filter_map(Result::transpose)
                .collect::<rusqlite::Result<Vec<Intent>>>()
        };
        read().map_err(|error| self.failed(&error))
    }

    async fn receipts(&self, cluster: Option<&str>) -> Result<Receipts, StoreError> {
        let connection = self.connection.borrow();
        receipt_rows::read(&connection, cluster).map_err(|error| self.failed(&error))
    }

    async fn keep_receipts(&self, news: &Receipts) -> Result<(), StoreError> {
        self.write(|transaction| receipt_rows::write(transaction, news))
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("connection", &self.connection)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
