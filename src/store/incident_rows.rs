//! Incidents in the database.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::{Connection, Row, Transaction, params};
use serde_json::Value;

use crate::model::IncidentClass;

use super::incident::{
    Arrival, Delivery, Extent, Incident, Incidents, Noted, Notice, Observation, Seen,
};
use super::rows::UNSETTLED;
use super::{Sqlite, StoreError, rows};

/// The key of an event of which nothing could be decided.
pub const UNDECIDED: &str = "event";

/// The rows that a process may change: those of its cluster, and that of its rules file.
const OURS: &str =
    "(cluster = ?1 AND class <> 'last_good_rules' OR class = 'last_good_rules' AND key = ?2)";

/// Nobody has tried to tell the receiver.
const NOTHING: i64 = 0;

/// The receiver may know that the incident began.
const MAY_KNOW: i64 = 1;

/// The receiver knows that the incident began.
const BEGAN: i64 = 2;

/// The receiver knows that the incident is over.
const OVER: i64 = 3;

impl Incidents for Sqlite {
    async fn note(&self, notice: &Notice) -> Result<Noted, StoreError> {
        // Most of the time nothing is wrong, and no lock is taken.
        let is_wrong = |one: &Observation| matches!(one.seen, Seen::Wrong { .. });
        let has_news = notice.observations.iter().any(is_wrong);
        if !has_news && !self.read(|connection| has_unsettled(connection, notice))? {
            return Ok(Noted::default());
        }
        self.write(|transaction| {
            if notice.addressees.is_empty() {
                let ours = format!("DELETE FROM incident WHERE {OURS}");
                transaction.execute(&ours, params![notice.cluster, notice.rules])?;
                return Ok(Noted::default());
            }
            let mut wrong = BTreeSet::new();
            for one in &notice.observations {
                match &one.seen {
                    Seen::Wrong { .. } => {
                        open(transaction, notice, one)?;
                        wrong.insert((one.class, one.key.as_str()));
                    }
                    Seen::Well(why) => close(transaction, notice, one, why)?,
                }
            }
            close_others(transaction, notice, &wrong)?;
            address(transaction, notice)?;
            let due = self.take(transaction, notice)?;
            Ok(Noted {
                due,
                is_unsettled: has_unsettled(transaction, notice)?,
            })
        })
    }

    async fn told(&self, delivery: &Delivery, arrival: Arrival) -> Result<(), StoreError> {
        let told = match (arrival, delivery.incident.ended) {
            (Arrival::Yes, None) => BEGAN,
            (Arrival::Yes, Some(_)) => OVER,
            (Arrival::No, None) if !delivery.is_repeated => NOTHING,
            (Arrival::No | Arrival::Unknown, _) => MAY_KNOW,
        };
        self.write(|transaction| {
            transaction.execute(
                "UPDATE delivery SET told = CASE told WHEN ?4 THEN ?3 ELSE MAX(told, ?3) END, owner = NULL, claim_ms = 0
                 WHERE incident = ?1 AND receiver = ?2",
                params![delivery.number, delivery.receiver, told, MAY_KNOW],
            )
        })
        .map(drop)
    }
}

impl Sqlite {
    /// Reads the incidents that are open, the oldest first.
    pub fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.read(|connection| {
            let mut open = connection
                .prepare("SELECT * FROM incident WHERE ended_ms IS NULL ORDER BY since_ms, id")?;
            let open = open.query_map([], incident)?;
            open.filter_map(Result::transpose).collect()
        })
    }

    /// Takes the deliveries that are due and that no other process is making.
    fn take(
        &self,
        transaction: &Transaction<'_>,
        notice: &Notice,
    ) -> rusqlite::Result<Vec<Delivery>> {
        let mut due = transaction.prepare(&format!(
            "SELECT incident.*, receiver, told, owner, claim_ms FROM delivery JOIN incident ON incident.id = incident
             WHERE {OURS} AND (ended_ms IS NULL AND told < ?4 AND (may_pass = 0 OR since_ms + after_ms <= ?3)
                 OR ended_ms IS NOT NULL AND told IN (?5, ?4))
             ORDER BY incident.id, receiver"
        ))?;
        let now = rows::millis(notice.now);
        let found: Vec<_> = due
            .query_map(
                params![notice.cluster, notice.rules, now, BEGAN, MAY_KNOW],
                |row| {
                    let (owner, claim): (Option<String>, i64) =
                        (row.get("owner")?, row.get("claim_ms")?);
                    let delivery = incident(row)?.map(|incident| -> rusqlite::Result<_> {
                        Ok(Delivery {
                            number: row.get("id")?,
                            receiver: row.get("receiver")?,
                            incident,
                            is_repeated: row.get::<_, i64>("told")? > NOTHING,
                        })
                    });
                    Ok((delivery.transpose()?, owner, claim))
                },
            )?
            .collect::<rusqlite::Result<_>>()?;
        let free = found.into_iter().filter_map(|(delivery, owner, claim)| {
            delivery.filter(|_| !self.holds(owner.as_deref(), claim, notice.now))
        });
        let free: Vec<Delivery> = free.collect();
        for one in &free {
            transaction.execute(
                "UPDATE delivery SET owner = ?3, claim_ms = ?4, told = MAX(told, ?5) WHERE incident = ?1 AND receiver = ?2",
                params![
                    one.number,
                    one.receiver,
                    self.owner().as_str(),
                    rows::millis(notice.now + notice.claim),
                    MAY_KNOW
                ],
            )?;
        }
        Ok(free)
    }
}

fn has_unsettled(connection: &Connection, notice: &Notice) -> rusqlite::Result<bool> {
    connection.query_row(
        &format!("SELECT EXISTS (SELECT 1 FROM incident WHERE {OURS} AND {UNSETTLED})"),
        params![notice.cluster, notice.rules],
        |row| row.get(0),
    )
}

/// The cluster of an incident: a rules file has none.
fn cluster_of(notice: &Notice, class: IncidentClass) -> &str {
    match class {
        IncidentClass::LastGoodRules => "",
        _ => &notice.cluster,
    }
}

fn open(transaction: &Transaction<'_>, notice: &Notice, one: &Observation) -> rusqlite::Result<()> {
    let Seen::Wrong {
        message,
        since,
        may_pass,
        calm,
    } = &one.seen
    else {
        return Ok(());
    };
    transaction.execute(
        "INSERT INTO incident (class, cluster, key, subject, targets, member, source, message, since_ms, may_pass,
             seen_ms, calm_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (class, cluster, key) WHERE ended_ms IS NULL
         DO UPDATE SET message = ?8, may_pass = MIN(may_pass, ?10), seen_ms = ?11, calm_ms = ?12",
        params![
            one.class.as_str(),
            cluster_of(notice, one.class),
            one.key,
            one.subject,
            Value::from(one.targets.as_slice()).to_string(),
            one.member.as_ref().or(notice.member.as_ref()),
            notice.source,
            message,
            rows::millis(*since),
            may_pass,
            rows::millis(notice.now),
            rows::millis(*calm),
        ],
    )?;
    for target in &one.targets {
        transaction.execute(
            "UPDATE incident SET is_kept = 1 WHERE class = ?1 AND cluster = ?2 AND key = ?3 AND ended_ms IS NULL
             AND EXISTS (SELECT 1 FROM intent JOIN target ON target.intent = intent.id
                 WHERE name = ?4 AND state = 'pending')",
            params![one.class.as_str(), cluster_of(notice, one.class), one.key, target],
        )?;
    }
    Ok(())
}

fn close(
    transaction: &Transaction<'_>,
    notice: &Notice,
    one: &Observation,
    why: &str,
) -> rusqlite::Result<()> {
    transaction
        .execute(
            "UPDATE incident SET ended_ms = ?4, message = ?5
             WHERE class = ?1 AND cluster = ?2 AND key = ?3 AND ended_ms IS NULL AND (calm_ms = 0 OR seen_ms + calm_ms <= ?4)",
            params![
                one.class.as_str(),
                cluster_of(notice, one.class),
                one.key,
                rows::millis(notice.now),
                why
            ],
        )
        .map(drop)
}

/// An open incident, as far as its end depends on it.
struct Open {
    id: i64,
    class: String,
    key: String,
    targets: Vec<String>,
    is_kept: bool,
    member: Option<String>,
}

impl Open {
    /// Tells whether it is about the data directory of another member than the one that a process works for.
    fn is_of_another(&self, member: Option<&String>) -> bool {
        let own = self.member.as_ref();
        own.zip(member).is_some_and(|(own, other)| own != other)
    }
}

/// Ends what nobody observed and what is not wrong any more all the same.
fn close_others(
    transaction: &Transaction<'_>,
    notice: &Notice,
    wrong: &BTreeSet<(IncidentClass, &str)>,
) -> rusqlite::Result<()> {
    let mut all = transaction.prepare(
        "SELECT id, class, key, targets, is_kept, member FROM incident
         WHERE cluster = ?1 AND class <> 'last_good_rules' AND ended_ms IS NULL",
    )?;
    let all: Vec<Open> = all
        .query_map([&notice.cluster], |row| {
            Ok(Open {
                id: row.get(0)?,
                class: row.get(1)?,
                key: row.get(2)?,
                targets: rows::sets(&row.get::<_, String>(3)?),
                is_kept: row.get(4)?,
                member: row.get(5)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    for one in all {
        let class = IncidentClass::parse(&one.class);
        if class.is_some_and(|class| wrong.contains(&(class, one.key.as_str()))) {
            continue;
        }
        let is_undecided = one.key == UNDECIDED;
        let is_recovery = one.key.starts_with("directory ");
        let why = if is_pending(transaction, &one, notice)? {
            continue;
        } else if one.is_kept || is_undecided {
            "nothing of it is pending any more"
        } else if is_recovery && one.is_of_another(notice.member.as_ref()) {
            continue;
        } else if is_recovery && notice.extent != Extent::Observed {
            "the member runs"
        } else if notice.extent == Extent::Cluster {
            "it is no longer seen"
        } else {
            continue;
        };
        transaction.execute(
            "UPDATE incident SET ended_ms = ?2, message = ?3 WHERE id = ?1 AND (calm_ms = 0 OR seen_ms + calm_ms <= ?2)",
            params![one.id, rows::millis(notice.now), why],
        )?;
    }
    Ok(())
}

/// Tells whether a request that an incident is about is still to be done.
fn is_pending(
    transaction: &Transaction<'_>,
    one: &Open,
    notice: &Notice,
) -> rusqlite::Result<bool> {
    if one.key == UNDECIDED {
        return transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM decision WHERE open = 1 AND cluster = ?1)",
            [&notice.cluster],
            |row| row.get(0),
        );
    }
    let mut pending = transaction.prepare(
        "SELECT EXISTS (SELECT 1 FROM intent JOIN target ON target.intent = intent.id
             WHERE name = ?1 AND state = 'pending')",
    )?;
    for target in &one.targets {
        if pending.query_row([target], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Brings the deliveries to those who are to be told now.
fn address(transaction: &Transaction<'_>, notice: &Notice) -> rusqlite::Result<()> {
    let names: Vec<&str> = notice
        .addressees
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    transaction.execute(
        &format!(
            "DELETE FROM delivery WHERE incident IN (SELECT id FROM incident WHERE {OURS})
             AND receiver NOT IN (SELECT value FROM json_each(?3))"
        ),
        params![notice.cluster, notice.rules, Value::from(names).to_string()],
    )?;
    for one in &notice.addressees {
        let classes: Vec<&str> = one.classes.iter().map(|class| class.as_str()).collect();
        transaction.execute(
            &format!(
                "INSERT INTO delivery (incident, receiver, after_ms)
                 SELECT id, ?3, ?4 FROM incident WHERE {OURS} AND ended_ms IS NULL
                     AND class IN (SELECT value FROM json_each(?5))
                 ON CONFLICT (incident, receiver) DO UPDATE SET after_ms = ?4"
            ),
            params![
                notice.cluster,
                notice.rules,
                one.name,
                rows::millis(one.after),
                Value::from(classes).to_string()
            ],
        )?;
    }
    Ok(())
}

/// An incident of a row; `None` if a newer program wrote a class that this one does not know.
fn incident(row: &Row<'_>) -> rusqlite::Result<Option<Incident>> {
    let time = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    let Some(class) = IncidentClass::parse(&row.get::<_, String>("class")?) else {
        return Ok(None);
    };
    Ok(Some(Incident {
        class,
        cluster: row.get("cluster")?,
        key: row.get("key")?,
        subject: row.get("subject")?,
        member: row.get("member")?,
        source: row.get("source")?,
        message: row.get("message")?,
        since: time(row.get("since_ms")?),
        ended: row.get::<_, Option<i64>>("ended_ms")?.map(time),
    }))
}
