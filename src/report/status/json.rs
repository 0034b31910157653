//! The status for programs.

use serde::Serialize;

use crate::barman::{ActiveModel, ArchivedWal, Backup, ServerState, Slot};
use crate::evaluate::Conflict;
use crate::execute::{ApiSeen, Comparison, Here, Wal};
use crate::model::{ApiName, ModelName, Name, Operation, Role, Utc, utc};
use crate::report::history::IntentView;
use crate::report::receipt::ReceiptView;
use crate::store::Receipts;

use super::{Problem, RulesSeen, StateSeen, Status, conflict, no_wal};

/// The output of `patroni_barman status --format json`. With `--all`, it is the answer of the agent's `/api/status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatusOutput<'a> {
    /// Patroni's scope; null if Patroni does not tell it.
    cluster: Option<&'a str>,
    /// The name of this node's Patroni member; null if the local Patroni does not answer and another one did.
    node: Option<&'a str>,
    /// The member's role in the words of the rules; null if the member is not known.
    role: Option<Role>,
    /// The member that holds the leader key.
    leader: Option<&'a str>,
    /// The timeline of this node's PostgreSQL.
    timeline: Option<u64>,
    /// True if everything is as the rules want it, WAL is received, and nothing is pending.
    as_wanted: bool,
    /// The problems, worst first; `status` prints the same sentences in every format.
    problems: Vec<Problem>,
    /// The rules that were read.
    rules: &'a RulesSeen,
    /// The state database.
    state: &'a StateSeen,
    /// The Patroni that was asked.
    patroni: Patroni<'a>,
    /// The pg-backup-api endpoints that the rules name.
    apis: Vec<Api<'a>>,
    /// The targets that two members want differently, each in a sentence; they are left alone.
    conflicts: Vec<String>,
    /// Each state that the rules want.
    states: Vec<Target<'a>>,
    /// The requests that were decided on and are not finished.
    pending: Vec<IntentView<'a>>,
    /// The newest change of timeline of each server, and older ones that are not settled.
    receipts: Vec<ReceiptView<'a>>,
    /// The reason why changes of timeline could not be judged this time.
    receipts_unknown: Option<&'a str>,
}

/// A Patroni.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Patroni<'a> {
    /// Its version.
    version: Option<&'a str>,
    /// The reason why it does not show the cluster.
    trouble: Option<&'a str>,
}

/// A pg-backup-api.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Api<'a> {
    /// Its name in the rules.
    name: &'a ApiName,
    /// The version of pg-backup-api, as far as it is known, such as `2.1.0 or later`.
    version: Option<&'a str>,
    /// Barman's version.
    barman: Option<&'a str>,
    /// The reason why it does not answer.
    trouble: Option<&'a str>,
}

/// A state that the rules want, and Barman's.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target<'a> {
    /// The member for which it is wanted.
    member: Option<&'a str>,
    /// The rule that wants it.
    rule: &'a str,
    /// The endpoint.
    api: &'a ApiName,
    /// The Barman server; null for an update of the whole instance.
    server: Option<&'a Name>,
    /// The body of the request that sets it.
    request: &'a Operation,
    /// The model that should be active; null if none should be, or this is no switch.
    wanted_model: Option<&'a ModelName>,
    /// The active model; null if there is none, or it is not known.
    active_model: Option<&'a str>,
    /// True if Barman's state is the wanted one and WAL is received.
    as_wanted: bool,
    /// The difference.
    difference: Option<&'a str>,
    /// The time until which `reconcile` leaves it alone, because it was corrected again and again and something else keeps
    /// setting it; null otherwise.
    not_corrected_before: Option<Utc>,
    /// The reason why it is unknown.
    trouble: Option<&'a str>,
    /// The WAL stream from the member that Barman should follow; null if the rule follows none, or another model is
    /// active.
    wal: Option<Stream<'a>>,
    /// The bytes of WAL that PostgreSQL has written and Barman has not confirmed.
    wal_lag_bytes: Option<u64>,
    /// Barman's replication slot.
    slot: Option<&'a Slot>,
    /// The timeline of the PostgreSQL that Barman is set to.
    timeline: Option<u64>,
    /// The newest WAL file in the archive.
    last_archived_wal: Option<&'a ArchivedWal>,
    /// The newest backup.
    last_backup: Option<BackupView<'a>>,
    /// The newest backup that can be restored.
    last_good_backup: Option<BackupView<'a>>,
}

/// A WAL stream.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Stream<'a> {
    /// True if Barman receives it; null if unknown, or if Barman does not stream WAL for this server.
    received: Option<bool>,
    /// The reason why it is not received, or not known.
    reason: Option<&'a str>,
}

/// A backup.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Backup"))]
struct BackupView<'a> {
    /// Its ID.
    id: &'a str,
    /// `DONE`, `FAILED` and so on.
    status: Option<&'a str>,
    /// The time it ended.
    ended: Option<Utc>,
}

impl Status<'_> {
    /// The status for programs.
    pub fn output(&self) -> StatusOutput<'_> {
        let here = self.here.ok();
        StatusOutput {
            cluster: here.map(|here| here.cluster.as_str()),
            node: here.and_then(|here| here.node.as_deref()),
            role: here.and_then(|here| here.role),
            leader: here.and_then(|here| here.leader.as_deref()),
            timeline: here.and_then(|here| here.timeline),
            as_wanted: self.as_wanted(),
            problems: self.problems(),
            rules: self.rules,
            state: self.state,
            patroni: Patroni {
                version: here.and_then(|here| here.patroni.as_deref()),
                trouble: self.here.err(),
            },
            apis: self.apis.iter().map(|api| self.api(api)).collect(),
            conflicts: conflicts(self.conflicts),
            states: targets(self.compared, here),
            pending: self.state.pending.iter().map(IntentView::of).collect(),
            receipts: Receipts::current(&self.judged.receipts)
                .into_iter()
                .map(ReceiptView::of)
                .collect(),
            receipts_unknown: self.judged.blind.as_deref(),
        }
    }

    fn api<'a>(&'a self, api: &'a ApiSeen) -> Api<'a> {
        Api {
            name: &api.name,
            version: api.version.as_ref().ok().copied(),
            barman: self.barman_of(api),
            trouble: api.version.as_ref().err().map(String::as_str),
        }
    }
}

/// The conflicts between members, each in a sentence.
pub fn conflicts(conflicts: &[Conflict]) -> Vec<String> {
    conflicts.iter().map(conflict).collect()
}

/// The states that the rules want, compared with Barman's.
pub fn targets<'a>(compared: &'a [Comparison], here: Option<&Here>) -> Vec<Target<'a>> {
    let target = |one: &'a Comparison| Target::of(one, here);
    compared.iter().map(target).collect()
}

impl<'a> Target<'a> {
    fn of(one: &'a Comparison, here: Option<&Here>) -> Self {
        let server = one.server.as_ref();
        let no_wal = no_wal(one, here);
        let differs = one.differs.as_ref();
        let difference = differs.ok().and_then(Option::as_deref);
        Self {
            member: one.member.as_deref(),
            rule: &one.step.rule,
            api: &one.step.api,
            server: one.server_name(),
            request: &one.step.operation,
            wanted_model: one.wanted_model().flatten(),
            active_model: one.active_model().and_then(|active| match active {
                ActiveModel::Model(name) => Some(name.as_str()),
                ActiveModel::None | ActiveModel::Unknown => None,
            }),
            as_wanted: one.as_wanted() && no_wal.is_none(),
            difference: difference.or(no_wal.map(|wal| wal.message.as_str())),
            not_corrected_before: one.fighting.map(|fighting| utc(fighting.until)),
            trouble: differs.err().map(String::as_str),
            wal: one.wal.as_ref().map(Stream::of),
            wal_lag_bytes: server.and_then(ServerState::wal_lag),
            slot: server.and_then(|server| server.slot.as_ref()),
            timeline: server.and_then(|server| server.timeline),
            last_archived_wal: server.and_then(ServerState::last_wal),
            last_backup: server
                .and_then(ServerState::last_backup)
                .map(BackupView::of),
            last_good_backup: server
                .and_then(ServerState::last_good_backup)
                .map(BackupView::of),
        }
    }
}

impl<'a> Stream<'a> {
    fn of(wal: &'a Wal) -> Self {
        let (received, reason) = match wal {
            Wal::Received => (Some(true), None),
            Wal::Missing(why) => ((!why.unknown).then_some(false), Some(&why.message)),
            Wal::Unchecked(why) => (None, Some(why)),
        };
        Self {
            received,
            reason: reason.map(String::as_str),
        }
    }
}

impl<'a> BackupView<'a> {
    fn of((id, backup): (&'a str, &'a Backup)) -> Self {
        Self {
            id,
            status: backup.status.as_deref(),
            ended: backup.ended().map(utc),
        }
    }
}
