//! Changes of a cluster, as calls and as words.

use std::str::FromStr;
use std::time::Duration;

use crate::model::{Lsn, duration};

use super::super::fault::{FaultError, Faults};
use super::super::moment::Moment;
use super::{Cluster, State, Switch};

/// A change of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A member takes the leader key at once, and is promoted after a while. The previous leader becomes a replica.
    Promote(String, Duration),
    /// A member becomes a replica; if it was the leader, there is none.
    Demote(String),
    /// The leader key lapses. The primary becomes a replica, unless Patroni is paused.
    NoLeader,
    /// Patroni is paused, or resumed.
    Pause(bool),
    /// A member's REST API accepts requests and never answers, or answers again.
    Silence(String, bool),
    /// A member's Patroni and PostgreSQL stop.
    Stop(String),
    /// A stopped member comes back as a replica.
    Start(String),
    /// A member leaves the cluster.
    Remove(String),
    /// A member's REST API belongs to another cluster.
    Scope(String, String),
    /// A member lags by this many bytes.
    Lag(String, u64),
    /// The cluster becomes a standby cluster, or no longer is one.
    Standby(bool),
    /// The WAL ends here from now on.
    Wal(Lsn),
    /// The faults of a member's REST API from now on.
    Fault(String, Faults),
}

/// A change that can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It is unknown.
    #[error("`{0}` is no change\n{CHANGES}")]
    Unknown(String),
    /// It contains an invalid fault.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// Its member does not exist.
    #[error("there is no member `{0}`")]
    NoMember(String),
    /// Its cluster does not exist.
    #[error("there is no cluster `{0}`")]
    NoCluster(String),
}

const CHANGES: &str = "\
write one of
  promote MEMBER [DURATION]   take the leader key, and be promoted after that time
  demote MEMBER
  no-leader                   the leader key lapses; in pause the primary keeps running
  pause, resume
  silence MEMBER, answer MEMBER
  stop MEMBER, start MEMBER, remove MEMBER
  scope MEMBER CLUSTER
  lag MEMBER BYTES
  standby-cluster on|off
  wal LSN                     WAL ends there from now on, such as `wal 0/5000060`
  fault MEMBER FAULT          such as `/patroni:503*2`, as for `--fault`";

impl FromStr for Change {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let unknown = || ChangeError::Unknown(text.trim().to_owned());
        let member = |name: &str| name.to_owned();
        Ok(match words.as_slice() {
            ["promote", name] => Self::Promote(member(name), Duration::ZERO),
            ["promote", name, time] => {
                Self::Promote(member(name), duration::parse(time).ok_or_else(unknown)?)
            }
            ["demote", name] => Self::Demote(member(name)),
            ["no-leader"] => Self::NoLeader,
            ["pause"] => Self::Pause(true),
            ["resume"] => Self::Pause(false),
            ["silence", name] => Self::Silence(member(name), true),
            ["answer", name] => Self::Silence(member(name), false),
            ["stop", name] => Self::Stop(member(name)),
            ["start", name] => Self::Start(member(name)),
            ["remove", name] => Self::Remove(member(name)),
            ["scope", name, scope] => Self::Scope(member(name), (*scope).to_owned()),
            ["lag", name, bytes] => Self::Lag(member(name), bytes.parse().map_err(|_| unknown())?),
            ["wal", lsn] => Self::Wal(Lsn::parse(lsn).ok_or_else(unknown)?),
            ["standby-cluster", "on"] => Self::Standby(true),
            ["standby-cluster", "off"] => Self::Standby(false),
            ["fault", name, faults] => Self::Fault(member(name), faults.parse()?),
            _ => return Err(unknown()),
        })
    }
}

impl Change {
    fn member(&self) -> Option<&str> {
        match self {
            Self::Promote(name, _)
            | Self::Demote(name)
            | Self::Silence(name, _)
            | Self::Stop(name)
            | Self::Start(name)
            | Self::Remove(name)
            | Self::Scope(name, _)
            | Self::Lag(name, _)
            | Self::Fault(name, _) => Some(name),
            Self::NoLeader | Self::Pause(_) | Self::Standby(_) | Self::Wal(_) => None,
        }
    }
}

impl Cluster {
    /// Applies a change.
    pub fn change(&mut self, now: Moment, change: Change) -> Result<(), ChangeError> {
        if let Some(name) = change.member()
            && self.find(name).is_none()
        {
            return Err(ChangeError::NoMember(name.to_owned()));
        }
        match change {
            Change::Promote(name, takes) => self.promote(now, &name, takes),
            Change::Demote(name) => {
                self.set_state(&name, State::Replica);
                self.release(&name);
            }
            Change::NoLeader => {
                if let Some(name) = self.leader.take()
                    && !self.is_paused
                {
                    self.set_state(&name, State::Replica);
                }
            }
            Change::Pause(is_paused) => self.is_paused = is_paused,
            Change::Wal(lsn) => self.wal = Some(lsn.0),
            Change::Standby(is_standby) => self.is_standby = is_standby,
            Change::Stop(name) => {
                self.set_state(&name, State::Stopped);
                self.release(&name);
            }
            Change::Start(name) => self.set_state(&name, State::Replica),
            Change::Remove(name) => {
                self.release(&name);
                self.members.retain(|member| member.name != name);
            }
            Change::Silence(name, is_silent) => {
                self.with(&name, |member| member.is_silent = is_silent);
            }
            Change::Scope(name, scope) => self.with(&name, |member| member.scope = Some(scope)),
            Change::Lag(name, lag) => self.with(&name, |member| member.lag = lag),
            Change::Fault(name, faults) => self.with(&name, |member| member.faults = faults),
        }
        Ok(())
    }

    fn with(&mut self, name: &str, change: impl FnOnce(&mut super::Member)) {
        if let Some(member) = self.find_mut(name) {
            change(member);
        }
    }

    fn set_state(&mut self, name: &str, state: State) {
        self.with(name, |member| member.state = state);
    }

    fn release(&mut self, name: &str) {
        if self.leader.as_deref() == Some(name) {
            self.leader = None;
        }
    }

    fn promote(&mut self, now: Moment, name: &str, takes: Duration) {
        let was_primary = self
            .find(name)
            .is_some_and(|member| member.state == State::Primary);
        for member in &mut self.members {
            if member.state == State::Primary {
                member.state = State::Replica;
            }
        }
        self.set_state(name, State::Primary);
        self.leader = Some(name.to_owned());
        // A member that only gets its key back stays on its timeline, and a standby leader is on another cluster's.
        if was_primary || self.is_standby {
            return;
        }
        self.history.push(Switch {
            timeline: self.timeline,
            lsn: self.position(now),
            time: now.timestamp(),
            leader: name.to_owned(),
        });
        self.timeline += 1;
        self.promoted_at = now.elapsed.saturating_add(takes);
    }
}
