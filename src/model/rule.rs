//! One rule and how its requests are carried out.

use std::time::Duration;

use serde::Serialize;

use super::{Clusters, Event, Origin, RequestKind, RequestTemplate, Role, Template};

/// When to ask what of pg-backup-api. Defaults of the file are already in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique in the rule set.
    pub name: String,
    /// What it is for, in the words of its author.
    pub description: Option<String>,
    /// The events it is for, at least one.
    pub on: Vec<Event>,
    /// The key that the events stand under: `on`, or its synonym `events`.
    pub events_key: &'static str,
    /// The roles it is for; empty: any.
    pub role: Vec<Role>,
    /// The clusters it is for.
    pub cluster: Clusters,
    /// A condition that must be true.
    pub when: Option<Template>,
    /// Whether it takes part at all.
    pub enabled: bool,
    /// What it asks for, in order; nothing if it does nothing on purpose (`request: none`).
    pub requests: Vec<RequestTemplate>,
    /// How a request is tried again.
    pub retry: Retry,
    /// How an operation is waited for.
    pub poll: Poll,
    /// Bounds the wait for a recovery: the rule's own `poll.timeout`, never that of the defaults.
    pub recovery_timeout: Option<Duration>,
    /// What guards a request that is not a fresh callback's first.
    pub fence: Fence,
    /// What must be seen in Barman before a step counts as done.
    pub verify: Verify,
    /// What a failed step means for those after it.
    pub on_failure: OnFailure,
    /// Whether a recovery may end on the backup's own timeline, if that is not the cluster's: something else fetches
    /// the rest of the WAL, a `restore_command` say.
    pub allow_older_timeline: bool,
    /// Whether the rule itself says what must be seen, and not the defaults.
    pub own_verify: bool,
    /// The values of `for_each` that it was made with, by their names; none if it has no `for_each`.
    pub each: Vec<(String, String)>,
    /// Where the rule stands: all rules of one `for_each` in the same place.
    pub origin: Origin,
}

impl Rule {
    /// Returns true for a rule that does nothing on purpose.
    pub fn does_nothing(&self) -> bool {
        self.requests.is_empty()
    }

    /// The place of its events.
    pub fn events_origin(&self) -> Origin {
        self.origin.child(self.events_key)
    }

    /// Whether it names the event and the role.
    #[must_use]
    pub fn names(&self, event: Event, role: Role) -> bool {
        self.on.contains(&event) && (self.role.is_empty() || self.role.contains(&role))
    }

    /// How its operations of this type are waited for.
    pub fn poll_of(&self, kind: RequestKind) -> Poll {
        let own = if kind.sets_state() {
            self.poll.timeout
        } else {
            self.recovery_timeout
        };
        let timeout = own.or_else(|| kind.timeout());
        Poll {
            timeout,
            ..self.poll
        }
    }
}

/// How a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all, at least one; `deadline` alone bounds them if absent.
    pub attempts: Option<u32>,
    /// The wait before the second try; it doubles from there, with full jitter.
    pub wait: Duration,
    /// No wait is longer. A `max_wait` that equals `wait` makes every wait exactly that long.
    pub max_wait: Duration,
    /// Bounds sending one request with all its tries and waits.
    pub deadline: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: None,
            wait: Duration::from_secs(2),
            max_wait: Duration::from_secs(10),
            deadline: Duration::from_secs(3600),
        }
    }
}

impl Retry {
    /// Tells whether there may be another try after so many.
    pub fn allows_more_than(&self, tries: u32) -> bool {
        self.attempts.is_none_or(|most| tries < most)
    }
}

/// How an operation is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// The longest pause between two looks; the first come faster.
    pub every: Duration,
    /// Bounds the wait for one operation. Absent in a rule: as the type of request has it; in a step: nothing does.
    pub timeout: Option<Duration>,
}

impl Poll {
    /// The time that an operation has at most; a hundred years if nothing bounds it.
    pub fn bound(&self) -> Duration {
        const UNBOUNDED: Duration = Duration::from_secs(100 * 365 * 86_400);
        self.timeout.unwrap_or(UNBOUNDED)
    }
}

impl Default for Poll {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            timeout: None,
        }
    }
}

/// What guards a request that is not a fresh callback's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fence {
    /// This node must still have the role that the step was decided for.
    #[default]
    Role,
    /// Nothing.
    None,
}

/// What must be seen in Barman before a step counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Nothing: the operation's own `DONE` is believed.
    None,
    /// The state that was asked for.
    #[default]
    Applied,
    /// Also that WAL is being received, on Patroni's timeline.
    Streaming,
}

/// What a failed step means for those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing more is sent.
    #[default]
    Stop,
    /// The next step is taken all the same.
    Continue,
}
