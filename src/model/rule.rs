//! One rule.

use std::time::Duration;

use super::{
    Clusters, Event, Fence, OnFailure, Origin, Poll, RequestKind, RequestTemplate, Retry, Role,
    Template, Verify,
};

/// A rule: when to send which requests. Defaults of the file are already applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The name, unique in the rule set.
    pub name: String,
    /// The author's description.
    pub description: Option<String>,
    /// Its events, at least one.
    pub on: Vec<Event>,
    /// The key of the events: `on`, or its synonym `events`.
    pub events_key: &'static str,
    /// Its roles; empty for any.
    pub role: Vec<Role>,
    /// Its clusters.
    pub cluster: Clusters,
    /// A condition that must be true.
    pub when: Option<Template>,
    /// False if it is switched off.
    pub enabled: bool,
    /// The requests, in order; none if it does nothing on purpose (`request: none`).
    pub requests: Vec<RequestTemplate>,
    /// The retry settings.
    pub retry: Retry,
    /// The settings for waiting for operations.
    pub poll: Poll,
    /// The time limit of a recovery: the rule's own `poll.timeout`, never that of the defaults.
    pub recovery_timeout: Option<Duration>,
    /// The fence for all requests except a fresh callback's first.
    pub fence: Fence,
    /// The condition for a step to count as done.
    pub verify: Verify,
    /// The effect of a failed step on later ones.
    pub on_failure: OnFailure,
    /// True if a recovery may end on the backup's own timeline, even if that is not the cluster's: something else fetches
    /// the rest of the WAL, such as a `restore_command`.
    pub allow_older_timeline: bool,
    /// True if `verify` is the rule's own, and not from the defaults.
    pub own_verify: bool,
    /// The values of `for_each` for this rule, by their names; empty if it has no `for_each`.
    pub each: Vec<(String, String)>,
    /// The place of the rule: the same for all rules of one `for_each`.
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

    /// Returns true if it names the event and the role.
    pub fn names(&self, event: Event, role: Role) -> bool {
        self.on.contains(&event) && (self.role.is_empty() || self.role.contains(&role))
    }

    /// The settings for waiting for its operations of this type.
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
