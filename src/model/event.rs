//! Patroni's events and roles.

use std::fmt;

use serde::Serialize;

/// An event: Patroni's callbacks and the two foreground calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Event {
    /// PostgreSQL was started.
    OnStart,
    /// PostgreSQL is being stopped.
    OnStop,
    /// PostgreSQL was restarted.
    OnRestart,
    /// PostgreSQL's configuration was reloaded.
    OnReload,
    /// The node was promoted or demoted.
    OnRoleChange,
    /// A new cluster is being created by a custom bootstrap method.
    Bootstrap,
    /// A new replica is being created by a replica creation method.
    CreateReplica,
}

impl Event {
    /// Every event, in the order in which tables show them.
    pub const ALL: [Self; 7] = [
        Self::OnStart,
        Self::OnStop,
        Self::OnRestart,
        Self::OnReload,
        Self::OnRoleChange,
        Self::Bootstrap,
        Self::CreateReplica,
    ];

    /// Returns true if Patroni creates a node from the result of the event's command: there is no data and no role yet.
    pub const fn makes_node(self) -> bool {
        matches!(self, Self::Bootstrap | Self::CreateReplica)
    }

    /// The word in Patroni's configuration and in rules.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnStart => "on_start",
            Self::OnStop => "on_stop",
            Self::OnRestart => "on_restart",
            Self::OnReload => "on_reload",
            Self::OnRoleChange => "on_role_change",
            Self::Bootstrap => "bootstrap",
            Self::CreateReplica => "create_replica",
        }
    }

    /// The event with this name, if there is one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }

    /// The roles that Patroni passes with this event.
    ///
    /// For callbacks, as in Patroni 4.1.5. A bootstrap has no role yet and counts as
    /// [`Role::Uninitialized`]; a replica is created as [`Role::Replica`].
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::OnStart | Self::OnRestart => &[Role::Primary, Role::Replica, Role::StandbyLeader],
            Self::OnStop | Self::OnReload | Self::OnRoleChange => &[
                Role::Primary,
                Role::Replica,
                Role::StandbyLeader,
                Role::Demoted,
            ],
            Self::Bootstrap => &[Role::Uninitialized],
            Self::CreateReplica => &[Role::Replica],
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The role of the node that the event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Role {
    /// The leader of a cluster. Patroni before 4.0 uses `master`, 3.0.0 to 3.0.2 use `promoted`.
    Primary,
    /// A standby that follows the leader.
    Replica,
    /// The leader of a standby cluster.
    StandbyLeader,
    /// A former leader that is being demoted.
    Demoted,
    /// Not part of a cluster yet.
    Uninitialized,
}

impl Role {
    /// Returns true for the roles of a member that holds the leader key.
    pub const fn leads(self) -> bool {
        matches!(self, Self::Primary | Self::StandbyLeader)
    }

    /// Every role, in the order in which tables show them.
    pub const ALL: [Self; 5] = [
        Self::Primary,
        Self::Replica,
        Self::StandbyLeader,
        Self::Demoted,
        Self::Uninitialized,
    ];

    /// The word used in rules.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::StandbyLeader => "standby_leader",
            Self::Demoted => "demoted",
            Self::Uninitialized => "uninitialized",
        }
    }

    /// The role with this name in rules.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// The words that any version of Patroni passes for this role, the current one first.
    #[must_use]
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Primary => &["primary", "master", "promoted"],
            Self::Replica => &["replica"],
            Self::StandbyLeader => &["standby_leader"],
            Self::Demoted => &["demoted"],
            Self::Uninitialized => &["uninitialized"],
        }
    }

    /// The role for a word from any version of Patroni: `master` and `promoted` are
    /// read as [`Role::Primary`].
    #[must_use]
    pub fn from_patroni(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.words().contains(&word))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
