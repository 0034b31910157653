//! One step, written down.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::evaluate::{Plan, Step};
use crate::model::{Event, Name, Role};

/// The number of an intent in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct IntentId(pub i64);

/// The number of an event in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

/// Why something was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// Patroni called: what was decided for another role of the node is void. The event may have been written down before.
    Event(Option<EventId>),
    /// Barman's state was looked at, for rules with these variables set. That takes its time: what a callback has decided
    /// since is newer than the look.
    Look(&'a [String]),
}

/// Where a decision came from, as the store remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Patroni called.
    Callback,
    /// A callback looked once more at what it had done.
    SecondLook,
    /// A pass of `reconcile` found that Barman's state differs.
    Reconcile,
    /// A pass of `agent` did.
    Agent,
}

impl Source {
    /// Every source.
    const ALL: [Self; 4] = [
        Self::Callback,
        Self::SecondLook,
        Self::Reconcile,
        Self::Agent,
    ];

    /// The word in the store and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::SecondLook => "second_look",
            Self::Reconcile => "reconcile",
            Self::Agent => "agent",
        }
    }

    /// The source of this word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Tells whether it corrects what it finds different.
    pub const fn corrects(self) -> bool {
        !matches!(self, Self::Callback)
    }
}

/// An event as Patroni told it, before anything is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Patroni's scope.
    pub cluster: String,
    /// The Patroni member, if it is known.
    pub node: Option<String>,
    /// The event.
    pub event: Event,
    /// The role as rules name it.
    pub role: Role,
    /// The role as Patroni passed it.
    pub raw_role: String,
    /// The variables that the command line set, as `NAME=VALUE`.
    pub sets: Vec<String>,
}

/// What is written down at once: the steps of one plan.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Why it was made.
    pub cause: Cause<'a>,
    /// When it was made.
    pub now: Duration,
}

/// A step that was decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The decision it belongs to; the steps of one plan share it.
    pub decision: i64,
    /// When it was decided.
    pub created: Duration,
    /// Patroni's scope.
    pub cluster: String,
    /// The Patroni member, if it was known.
    pub node: Option<String>,
    /// Where the decision came from.
    pub source: Source,
    /// The event it was decided for.
    pub event: Event,
    /// The role it was decided for.
    pub role: Role,
    /// The role as Patroni passed it.
    pub raw_role: String,
    /// The variables that the callback's command line set, as `NAME=VALUE`.
    pub sets: Vec<String>,
    /// What to do.
    pub step: Step,
    /// How far it is.
    pub state: State,
    /// How often it was sent.
    pub attempts: u32,
    /// When it was sent last.
    pub sent: Option<Duration>,
    /// pg-backup-api's operation, if it is known.
    pub operation_id: Option<Name>,
    /// Its operation is known to have ended, though not by the process that sent it.
    pub over: bool,
    /// When it was settled.
    pub ended: Option<Duration>,
    /// Why it ended as it did, or why it is still pending.
    pub message: Option<String>,
}

/// What came of forgetting an intent.
#[derive(Debug, Clone, PartialEq)]
pub enum Forget {
    /// It is forgotten.
    Forgotten(Box<Intent>),
    /// There is none of this number.
    Unknown,
    /// It has ended, so.
    Ended(State),
}

impl Intent {
    /// Tells whether it may still be carried out: it is pending, or it is a recovery that was sent and whose end is not
    /// known.
    pub fn is_open(&self) -> bool {
        let ended = [State::Done, State::Failed];
        let recovery = !self.step.operation.kind().sets_state();
        let may_run = self.sent.is_some() && !self.over && !ended.contains(&self.state);
        self.state == State::Pending || recovery && may_run
    }
}

/// How far an intent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To be carried out.
    Pending,
    /// Carried out, and verified if that was asked for.
    Done,
    /// Barman's operation failed.
    Failed,
    /// It was refused for good.
    Refused,
    /// It was carried out and the state that was asked for is not there.
    Unverified,
    /// The node no longer had the role.
    Fenced,
    /// A newer decision took its place.
    Superseded,
    /// Nobody can tell what became of it, and it is not to be repeated.
    Abandoned,
    /// An operator gave it up.
    Forgotten,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Done,
        Self::Failed,
        Self::Refused,
        Self::Unverified,
        Self::Fenced,
        Self::Superseded,
        Self::Abandoned,
        Self::Forgotten,
    ];

    /// The word in the store and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unverified => "unverified",
            Self::Fenced => "fenced",
            Self::Superseded => "superseded",
            Self::Abandoned => "abandoned",
            Self::Forgotten => "forgotten",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// The standing of an intent when its next attempt is due.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is to be carried out.
    Current,
    /// A newer decision took a part of it over; this is left.
    Narrowed(Box<Step>),
    /// A newer decision took its place.
    Superseded,
    /// Another process works on it.
    Taken,
    /// Another process has carried it out.
    Done,
}

/// How an intent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled<'a> {
    /// How.
    pub state: State,
    /// Why, if it is not done.
    pub message: Option<&'a str>,
    /// When.
    pub now: Duration,
}

/// Which intents to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Of this cluster.
    pub cluster: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Decided at this time or later.
    pub since: Option<Duration>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// The state can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It can't be opened.
    #[error("the state `{}` can't be opened: {reason}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It was written by a newer version of this program.
    #[error("the state `{}` has version {found}, and this program supports up to {known}; upgrade it", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that is known.
        known: u32,
    },
    /// It can't be read or written just now: the disk is full, say, or another process holds it for too long.
    #[error("the state can't be used: {0}")]
    Io(String),
}
