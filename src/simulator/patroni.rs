//! A Patroni cluster: its leader, its replicas, and the answers of each member's REST API.
//!
//! A state machine like Barman's: its time, changes and requests are passed in.

mod change;
mod rest;

use std::time::Duration;

use super::fault::Faults;
use super::moment::Moment;
use super::sections::{Node, Postgres, Wal};
use super::version::{self, Version};

pub use change::{Change, ChangeError};

/// The state of a member's PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is the primary, or the leader of a standby cluster.
    Primary,
    /// It is a replica.
    Replica,
    /// It and its Patroni are stopped.
    Stopped,
}

/// A node of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The host that its PostgreSQL listens on.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The address of its REST API, without a path.
    pub api: String,
    state: State,
    /// True if its REST API accepts requests and never answers.
    is_silent: bool,
    /// Its lag in bytes.
    lag: u64,
    /// A different scope in its answers.
    scope: Option<String>,
    faults: Faults,
}

/// A change of timeline, as in `/history`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Switch {
    timeline: u64,
    lsn: u64,
    time: String,
    leader: String,
}

/// A cluster.
#[derive(Debug, Clone)]
#[must_use]
pub struct Cluster {
    scope: String,
    members: Vec<Member>,
    /// The holder of the leader key.
    leader: Option<String>,
    timeline: u64,
    /// The time when the current promotion ends.
    promoted_at: Duration,
    system_id: String,
    is_paused: bool,
    is_standby: bool,
    history: Vec<Switch>,
    version: Version,
    /// The end of the WAL, if it was set.
    wal: Option<u64>,
}

impl Cluster {
    /// A cluster without members.
    pub fn new(scope: &str) -> Self {
        Self {
            scope: scope.to_owned(),
            members: Vec::new(),
            leader: None,
            timeline: 1,
            promoted_at: Duration::ZERO,
            system_id: Postgres::default().system_id,
            is_paused: false,
            is_standby: false,
            history: Vec::new(),
            version: version::PATRONI,
            wal: None,
        }
    }

    /// Adds a member whose PostgreSQL listens on a host named like it. The first one leads.
    pub fn member(self, name: &str) -> Self {
        self.member_at(name, name, 5432)
    }

    /// Adds a member. The first one leads.
    pub fn member_at(mut self, name: &str, host: &str, port: u16) -> Self {
        let is_first = self.members.is_empty();
        if is_first {
            self.leader = Some(name.to_owned());
        }
        self.members.push(Member {
            name: name.to_owned(),
            host: host.to_owned(),
            port,
            api: String::new(),
            state: if is_first {
                State::Primary
            } else {
                State::Replica
            },
            is_silent: false,
            lag: 0,
            scope: None,
            faults: Faults::default(),
        });
        self
    }

    /// Sets its initial timeline.
    pub fn on_timeline(mut self, timeline: u64) -> Self {
        self.timeline = timeline;
        self
    }

    /// Sets its identifier.
    pub fn with_system_id(mut self, system_id: &str) -> Self {
        system_id.clone_into(&mut self.system_id);
        self
    }

    /// Sets the version of Patroni to imitate.
    pub fn of_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Its name.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The holder of the leader key.
    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    /// Its timeline, once the current promotion is complete.
    pub fn timeline(&self) -> u64 {
        self.timeline
    }

    /// Its members, in the order in which they were added.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Sets the address of a member's REST API.
    pub fn set_api(&mut self, member: &str, api: &str) {
        if let Some(member) = self.find_mut(member) {
            api.clone_into(&mut member.api);
        }
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.name == name)
    }

    fn leads(&self, member: &Member) -> bool {
        self.leader.as_deref() == Some(&*member.name)
    }

    /// Returns true if a member accepts writes.
    fn is_primary(&self, member: &Member, now: Moment) -> bool {
        member.state == State::Primary && !self.is_standby && now.elapsed >= self.promoted_at
    }

    /// The timeline that WAL is written on.
    fn timeline_at(&self, now: Moment) -> u64 {
        let is_under_way = now.elapsed < self.promoted_at;
        self.timeline - u64::from(is_under_way)
    }

    /// The end of the WAL: the value that was set, or one segment further for each timeline so far, and a bit each second.
    fn position(&self, now: Moment) -> u64 {
        if let Some(wal) = self.wal {
            return wal;
        }
        (self.timeline_at(now) + 5) * 0x0100_0000 + now.elapsed.as_secs() * 0x100
    }

    /// The PostgreSQL of every member.
    pub fn nodes(&self, now: Moment) -> Vec<Node> {
        let node = |member: &Member| {
            let is_promoted = member.state == State::Primary && !self.is_standby;
            let promotes_at =
                (is_promoted && now.elapsed < self.promoted_at).then_some(self.promoted_at);
            Node {
                host: member.host.clone(),
                port: member.port,
                postgres: Postgres {
                    reachable: member.state != State::Stopped,
                    timeline: self.timeline_at(now),
                    in_recovery: !self.is_primary(member, now),
                    promotes_at,
                    system_id: self.system_id.clone(),
                    wal: self.wal.map(|position| Wal {
                        position,
                        ended: self
                            .history
                            .iter()
                            .map(|switch| (switch.timeline, switch.lsn))
                            .collect(),
                    }),
                    ..Postgres::default()
                },
            }
        };
        self.members.iter().map(node).collect()
    }
}
