//! One rule and how its requests are carried out.

use std::time::Duration;

use serde::Serialize;

use super::{Event, Origin, Pattern, RequestTemplate, Role, Template};

/// When to ask what of pg-backup-api. Defaults of the file are already in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique in the rule set.
    pub name: String,
    /// The events it is for, at least one.
    pub on: Vec<Event>,
    /// The roles it is for; empty: any.
    pub role: Vec<Role>,
    /// The clusters it is for; empty: any.
    pub cluster: Vec<Pattern>,
    /// A condition that must be true.
    pub when: Option<Template>,
    /// Whether it takes part at all.
    pub enabled: bool,
    /// What it asks for, in order, at least one.
    pub requests: Vec<RequestTemplate>,
    /// How a request is tried again.
    pub retry: Retry,
    /// How an operation is waited for.
    pub poll: Poll,
    /// What guards a request that is not a fresh callback's first.
    pub fence: Fence,
    /// What must be seen in Barman before a step counts as done.
    pub verify: Verify,
    /// What a failed step means for those after it.
    pub on_failure: OnFailure,
    /// Where the rule stands.
    pub origin: Origin,
}

impl Rule {
    /// Whether it names the event and the role.
    #[must_use]
    pub fn names(&self, event: Event, role: Role) -> bool {
        self.on.contains(&event) && (self.role.is_empty() || self.role.contains(&role))
    }
}

/// How a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all, at least one.
    pub attempts: u32,
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
            attempts: 5,
            wait: Duration::from_secs(2),
            max_wait: Duration::from_secs(30),
            deadline: Duration::from_secs(300),
        }
    }
}

/// How an operation is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// The longest pause between two looks; the first come faster.
    pub every: Duration,
    /// Bounds the wait for one operation.
    pub timeout: Duration,
}

impl Poll {
    /// How long a recovery is waited for if nobody has said it. When the wait is over Barman goes on copying, and Patroni
    /// would take its next method into the same directory.
    pub const RECOVERY: Duration = Duration::from_secs(86_400);
}

impl Default for Poll {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            timeout: Duration::from_secs(600),
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
