//! Barman's state compared with the wanted one, and the problems that follow.

mod human;
mod json;
mod problem;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::evaluate::Conflict;
use crate::execute::{ApiSeen, Comparison, Fighting, Here, Judged, NoWal, Wal};
use crate::model::local_time;
use crate::store::{Intent, LastPass};

pub(super) use human::leads;
pub use human::status;
pub use json::{StatusOutput, Target, conflicts, targets};
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
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RulesSeen {
    /// Their path.
    pub path: String,
    /// The SHA-256 of the text in use.
    pub sha256: String,
    /// The reason why the last good rules are used instead of the file; null if the file is used.
    pub broken: Option<String>,
}

/// The content of a state database.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StateSeen {
    /// The path of the database.
    pub path: String,
    /// True if it exists; the first request creates it.
    pub exists: bool,
    /// The reason why it can't be read or written.
    pub trouble: Option<String>,
    /// The pending requests.
    #[serde(skip)]
    pub pending: Vec<Intent>,
    /// The last pass of `reconcile`.
    #[serde(rename = "last_reconcile")]
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

    /// The reason why WAL does not flow.
    pub(super) fn no_wal<'c>(&self, one: &'c Comparison) -> Option<&'c NoWal> {
        no_wal(one, self.here.ok())
    }

    /// Barman's version behind an API.
    fn barman_of(&self, api: &ApiSeen) -> Option<&str> {
        let mut seen = self.compared.iter().filter(|one| *one.api() == api.name);
        seen.find_map(|one| one.barman.as_deref())
    }
}

/// The reason why WAL does not flow, even if the rules do not verify it, because an operator wants to know. No WAL
/// is expected from a stopped member.
fn no_wal<'c>(one: &'c Comparison, here: Option<&Here>) -> Option<&'c NoWal> {
    let missing = one.wal.as_ref().and_then(Wal::missing)?;
    let stopped = here.is_some_and(|here| {
        let mut members = here.members.iter();
        members.any(|member| Some(&member.name) == one.member.as_ref() && member.is_stopped())
    });
    (!stopped).then_some(missing)
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
