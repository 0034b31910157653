//! One recorded step.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::evaluate::{Plan, Step};
use crate::model::{Event, Name, Role};

/// The number of an intent in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub struct IntentId(pub i64);

/// The number of an event in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

/// The cause of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// Patroni's call: decisions for another role of the node are void. The event may have been recorded before.
    Event(Option<EventId>),
    /// A look at Barman's state, for rules with these variables set. It takes time, so a decision of a callback in the
    /// meantime is newer.
    Look(&'a [String]),
}

/// The source of a decision, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Source {
    /// Patroni's call.
    Callback,
    /// The second look of a callback.
    SecondLook,
    /// A pass of `reconcile` that found a difference.
    Reconcile,
    /// A pass of `agent` that found a difference.
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

    /// The word used in the store and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::SecondLook => "second_look",
            Self::Reconcile => "reconcile",
            Self::Agent => "agent",
        }
    }

    /// The source with this name.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Returns true if it corrects differences.
    pub const fn corrects(self) -> bool {
        !matches!(self, Self::Callback)
    }
}

/// An event from Patroni, before any decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Patroni's scope.
    pub cluster: String,
    /// The Patroni member, if known.
    pub node: Option<String>,
    /// The event.
    pub event: Event,
    /// The role in the words of the rules.
    pub role: Role,
    /// The role as Patroni passed it.
    pub raw_role: String,
    /// The variables set on the command line, as `NAME=VALUE`.
    pub sets: Vec<String>,
}

/// Steps that are recorded at once: those of one plan.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its cause.
    pub cause: Cause<'a>,
    /// The time of the decision.
    pub now: Duration,
}

/// A step that was decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The decision it belongs to; the steps of one plan share it.
    pub decision: i64,
    /// The time of the decision.
    pub created: Duration,
    /// Patroni's scope.
    pub cluster: String,
    /// The Patroni member, if it was known.
    pub node: Option<String>,
    /// The source of the decision.
    pub source: Source,
    /// The event it was decided for.
    pub event: Event,
    /// The role it was decided for.
    pub role: Role,
    /// The role as Patroni passed it.
    pub raw_role: String,
    /// The variables set on the callback's command line, as `NAME=VALUE`.
    pub sets: Vec<String>,
    /// The step.
    pub step: Step,
    /// Its state.
    pub state: State,
    /// The number of attempts.
    pub attempts: u32,
    /// The time of the last attempt.
    pub sent: Option<Duration>,
    /// pg-backup-api's operation, if known.
    pub operation_id: Option<Name>,
    /// True if its operation is known to have ended, though not by the process that sent it.
    pub over: bool,
    /// The time when it was settled.
    pub ended: Option<Duration>,
    /// The reason for its outcome, or why it is still pending.
    pub message: Option<String>,
}

/// The result of forgetting an intent.
#[derive(Debug, Clone, PartialEq)]
pub enum Forget {
    /// It was forgotten.
    Forgotten(Box<Intent>),
    /// There is none with this number.
    Unknown,
    /// It had already ended, in this state.
    Ended(State),
}

impl Intent {
    /// Returns true if it may still have an effect: it is pending, or it is a recovery that was sent and whose end is
    /// unknown.
    pub fn is_open(&self) -> bool {
        let ended = [State::Done, State::Failed];
        let recovery = !self.step.operation.kind().sets_state();
        let may_run = self.sent.is_some() && !self.over && !ended.contains(&self.state);
        self.state == State::Pending || recovery && may_run
    }
}

/// The state of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum State {
    /// It has yet to be executed.
    Pending,
    /// It was executed, and verified if requested.
    Done,
    /// Barman's operation failed.
    Failed,
    /// It was permanently refused.
    Refused,
    /// It was executed but the requested state is not in place.
    Unverified,
    /// The node no longer had the role.
    Fenced,
    /// A newer decision replaced it.
    Superseded,
    /// Its fate is unknown, and it must not be repeated.
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

    /// The word used in the store and in messages.
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

    /// The state with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// The standing of an intent when its next attempt is due.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It should be executed.
    Current,
    /// A newer decision took over part of it; this is the rest.
    Narrowed(Box<Step>),
    /// A newer decision replaced it.
    Superseded,
    /// Another process is working on it.
    Taken,
    /// Another process has executed it.
    Done,
}

/// The end of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled<'a> {
    /// The final state.
    pub state: State,
    /// The reason, if it is not done.
    pub message: Option<&'a str>,
    /// The time.
    pub now: Duration,
}

/// The selection of intents to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Only this cluster.
    pub cluster: Option<String>,
    /// Only this rule.
    pub rule: Option<String>,
    /// Only this state.
    pub state: Option<State>,
    /// Only those decided at this time or later.
    pub since: Option<Duration>,
    /// The maximum number.
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
        /// The reason.
        reason: String,
    },
    /// It was written by a newer version of this program.
    #[error("the state `{}` has version {found}, and this program supports up to {known}; upgrade it", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest known version.
        known: u32,
    },
    /// It can't be read or written at the moment: for example, the disk is full, or another process holds it for too long.
    #[error("the state can't be used: {0}")]
    Io(String),
}
