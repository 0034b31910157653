//! Barman's state compared with the wanted one, and the problems that follow.

mod human;
mod problem;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::barman::{ActiveModel, Backup, ServerState};
use crate::evaluate::Conflict;
use crate::execute::{ApiSeen, Comparison, Fighting, Here, Judged, NoWal, Wal};
use crate::store::{Intent, LastPass, Receipts};

use super::history::{local_time, utc};
use super::{intent, receipts_json};

pub(super) use human::leads;
pub use human::status;
pub use problem::{Level, Problem};

/// The data to show.
#[derive(Debug)]
pub struct Status<'a> {
    pub rules: &'a RulesSeen,
    pub state: &'a StateSeen,
    /// Patroni's view of the cluster, or the reason why it is missing.
    pub here: Result<&'a Here, &'a str>,
    /// The message that no rule is for this cluster, if so.
    pub misplaced: Option<&'a str>,
    pub apis: &'a [ApiSeen],
    /// The comparison for each state that the rules want.
    pub compared: &'a [Comparison],
    /// The targets that members want to set differently.
    pub conflicts: &'a [Conflict],
    /// The verdicts on changes of timeline.
    pub judged: &'a Judged,
    pub now: Duration,
}

/// The rules that a command read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulesSeen {
    pub path: String,
    /// The SHA-256 of the text in use.
    pub sha256: String,
    /// The reason why the last good rules are used instead of the file.
    pub broken: Option<String>,
}

/// The content of a state database.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateSeen {
    pub path: String,
    pub exists: bool,
    pub trouble: Option<String>,
    pub pending: Vec<Intent>,
    pub last_pass: Option<LastPass>,
}

impl StateSeen {
    /// A database that does not exist yet.
    pub fn none(path: &Path) -> Self {
        Self {
            path: path.display().to_string(),
            ..Self::default()
        }
    }
}

impl Status<'_> {
    /// Returns true if everything is as the rules want it and nothing is pending.
    pub fn as_wanted(&self) -> bool {
        self.here.is_ok()
            && self.state.pending.is_empty()
            && self.conflicts.is_empty()
            && self.drifts().next().is_none()
    }

    /// The states that differ from the wanted ones, or whose WAL is not received.
    pub fn drifts(&self) -> impl Iterator<Item = &Comparison> {
        let drifts = |one: &&Comparison| !one.as_wanted() || self.no_wal(one).is_some();
        self.compared.iter().filter(drifts)
    }

    /// The reason why WAL does not flow, even if the rules do not verify it, because an operator wants to know. No WAL
    /// is expected from a stopped member.
    pub(super) fn no_wal<'c>(&self, one: &'c Comparison) -> Option<&'c NoWal> {
        let missing = one.wal.as_ref().and_then(Wal::missing)?;
        let stopped = self.here.is_ok_and(|here| {
            let mut members = here.members.iter();
            members.any(|member| Some(&member.name) == one.member.as_ref() && member.is_stopped())
        });
        (!stopped).then_some(missing)
    }

    /// The status as `schemas/status.schema.json` describes it.
    pub fn to_json(&self) -> Value {
        let here = self.here.ok();
        let problem = |one: &Problem| json!({"level": one.level.as_str(), "message": one.message});
        json!({
            "cluster": here.map(|here| &here.cluster),
            "node": here.and_then(|here| here.node.as_ref()),
            "role": here.and_then(|here| here.role),
            "leader": here.and_then(|here| here.leader.as_ref()),
            "timeline": here.and_then(|here| here.timeline),
            "as_wanted": self.as_wanted(),
            "problems": self.problems().iter().map(problem).collect::<Vec<_>>(),
            "rules": {
                "path": self.rules.path,
                "sha256": self.rules.sha256,
                "broken": self.rules.broken,
            },
            "state": {
                "path": self.state.path,
                "exists": self.state.exists,
                "trouble": self.state.trouble,
                "last_reconcile": self.state.last_pass.as_ref().map(|pass| {
                    json!({"ended": utc(pass.ended), "exit_code": pass.code})
                }),
            },
            "patroni": {
                "version": here.and_then(|here| here.patroni.as_ref()),
                "trouble": self.here.err(),
            },
            "apis": self.apis.iter().map(|api| json!({
                "name": api.name,
                "version": api.version.as_ref().ok(),
                "barman": self.barman_of(api),
                "trouble": api.version.as_ref().err(),
            })).collect::<Vec<_>>(),
            "conflicts": self.conflicts.iter().map(conflict).collect::<Vec<_>>(),
            "states": self.compared.iter().map(|one| self.one(one)).collect::<Vec<_>>(),
            "pending": self.state.pending.iter().map(intent).collect::<Vec<_>>(),
            "receipts": receipts_json(Receipts::current(&self.judged.receipts)),
            "receipts_unknown": self.judged.blind,
        })
    }

    /// Barman's version behind an API.
    fn barman_of(&self, api: &ApiSeen) -> Option<&str> {
        let mut seen = self.compared.iter().filter(|one| *one.api() == api.name);
        seen.find_map(|one| one.barman.as_deref())
    }

    fn one(&self, compared: &Comparison) -> Value {
        let server = compared.server.as_ref();
        let no_wal = self.no_wal(compared);
        let backup = |found: Option<(&str, &Backup)>| {
            found.map(|(id, backup)| {
                json!({"id": id, "status": backup.status, "ended": backup.ended().map(utc)})
            })
        };
        json!({
            "member": compared.member,
            "rule": compared.step.rule,
            "api": compared.step.api,
            "server": compared.server_name(),
            "request": compared.step.operation.body(),
            "wanted_model": compared.wanted_model().flatten(),
            "active_model": compared.active_model().and_then(|active| match active {
                ActiveModel::Model(name) => Some(name),
                ActiveModel::None | ActiveModel::Unknown => None,
            }),
            "as_wanted": compared.as_wanted() && no_wal.is_none(),
            "difference": compared.differs.as_ref().ok().and_then(Option::as_ref)
                .or(no_wal.map(|wal| &wal.message)),
            "not_corrected_before": compared.fighting.map(|fighting| utc(fighting.until)),
            "trouble": compared.differs.as_ref().err(),
            "wal": compared.wal.as_ref().map(|wal| {
                let (received, reason) = match wal {
                    Wal::Received => (Some(true), None),
                    Wal::Missing(why) => ((!why.unknown).then_some(false), Some(&why.message)),
                    Wal::Unchecked(why) => (None, Some(why)),
                };
                json!({"received": received, "reason": reason})
            }),
            "wal_lag_bytes": server.and_then(ServerState::wal_lag),
            "slot": server.and_then(|server| server.slot.as_ref())
                .map(|slot| json!({"name": slot.name, "active": slot.active})),
            "timeline": server.and_then(|server| server.timeline),
            "last_archived_wal": server.and_then(ServerState::last_wal).map(|wal| {
                json!({"name": wal.name, "archived": wal.written.map(utc)})
            }),
            "last_backup": backup(server.and_then(ServerState::last_backup)),
            "last_good_backup": backup(server.and_then(ServerState::last_good_backup)),
        })
    }
}

/// A conflict between two members, in a sentence.
pub fn conflict(conflict: &Conflict) -> String {
    let Conflict { target, wants } = conflict;
    let [(one, first), (two, second)] = wants;
    format!(
        "{target} is wanted differently for `{one}` (rule `{first}`) and for `{two}` (rule `{second}`)"
    )
}

/// A text on one line, with single spaces.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The reason why a state differs, in a sentence.
pub fn difference(one: &Comparison, here: &Here) -> String {
    let what = match (&one.differs, one.wal.as_ref().and_then(Wal::missing)) {
        (Ok(Some(what)) | Err(what), _) => what.clone(),
        (Ok(None), Some(wal)) => wal.message.clone(),
        (Ok(None), None) => String::new(),
    };
    let mut what = squeezed(&what);
    if let Some(member) = one.member.as_ref().filter(|_| one.elsewhere) {
        let role = if here.leader.as_ref() == Some(member) {
            "the leader "
        } else {
            ""
        };
        what = format!("{what} (for {role}`{member}`)");
    }
    if let Some(Fighting {
        corrections, until, ..
    }) = one.fighting
    {
        let until = local_time(until);
        what = format!(
            "{what}; it was corrected {corrections} times and something else keeps setting it (the rules of another \
             cluster, another tool or a person): not corrected again before {until}"
        );
    }
    what
}
