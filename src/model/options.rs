//! The options of a rule that say how its requests are carried out.

use std::time::Duration;

use serde::Serialize;

use super::duration;

/// The retry settings of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Retry {
    /// The maximum number of attempts, at least one; without it, only `deadline` limits them.
    pub attempts: Option<u32>,
    /// The wait before the second attempt; later waits double, with full jitter.
    #[serde(serialize_with = "duration::serialize")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub wait: Duration,
    /// The longest wait. If it equals `wait`, every wait is exactly that long.
    #[serde(serialize_with = "duration::serialize")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub max_wait: Duration,
    /// The time limit for one request with all its attempts and waits.
    #[serde(serialize_with = "duration::serialize")]
    #[cfg_attr(test, schemars(with = "String"))]
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
    /// Returns true if another attempt is allowed after this many.
    pub fn allows_more_than(&self, tries: u32) -> bool {
        self.attempts.is_none_or(|most| tries < most)
    }
}

/// The settings for waiting for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Poll {
    /// The longest pause between two polls; the first ones are more frequent.
    #[serde(serialize_with = "duration::serialize")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub every: Duration,
    /// The time limit for one operation. Without it, a rule has the default of the request type, and a step has no limit.
    #[serde(serialize_with = "duration::serialize")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub timeout: Option<Duration>,
}

impl Poll {
    /// The time limit of an operation; a hundred years if there is none.
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

/// The fence for all requests except a fresh callback's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Fence {
    /// This node must still have the role for which the step was decided.
    #[default]
    Role,
    /// No fence.
    None,
}

/// The condition for a step to count as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Verify {
    /// No condition: the operation's own `DONE` is trusted.
    None,
    /// The requested state is in place.
    #[default]
    Applied,
    /// In addition, WAL is received, on Patroni's timeline.
    Streaming,
}

/// The effect of a failed step on later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum OnFailure {
    /// Nothing more is sent.
    #[default]
    Stop,
    /// The next step is taken anyway.
    Continue,
}
