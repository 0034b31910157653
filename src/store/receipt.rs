//! The verdict on a change of timeline, and what it rests on: what was seen at the time cannot be seen later.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{ApiName, Lsn, Name};

/// The verdict on one change of timeline: is a Barman server's WAL archive continuous across it?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Patroni's scope.
    pub cluster: String,
    /// The API of the Barman host.
    pub api: ApiName,
    /// The Barman server.
    pub server: Name,
    /// The timeline that ended.
    pub from: u64,
    /// The timeline that began.
    pub timeline: u64,
    /// The position in the WAL at which one became the other.
    pub switch_lsn: Lsn,
    /// The first leader of the new timeline; Patroni before 2.1 does not tell it.
    pub leader: Option<String>,
    /// The moment of the change, as Patroni writes it.
    pub changed: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The newest usable backup from which the new timeline can be restored. If the verdict is not `continuous`, it
    /// began after the change, so that no restore from it crosses the change.
    pub backup: Option<String>,
    /// The moment of the verdict, since the Unix epoch.
    pub since: Duration,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Barman has the WAL up to the end of the old timeline, and the new timeline from its beginning.
    Continuous,
    /// WAL is missing, and Barman will not receive it any more.
    Gap {
        /// The first missing position.
        begin: Lsn,
        /// The end of the old timeline: no moment in between can be restored.
        end: Lsn,
    },
    /// It cannot be told.
    Unknown {
        /// The reason.
        reason: String,
        /// Who may tell it.
        may_tell: MayTell,
    },
}

/// What may still tell an unknown verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MayTell {
    /// A later pass.
    LaterPass,
    /// The node that led the new timeline, which may have seen more.
    OtherNode,
    /// Nothing; a new backup makes the answer unnecessary.
    Nothing,
}

/// Evidence of where Barman's WAL of a timeline begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Patroni's scope.
    pub cluster: String,
    /// The API of the Barman host.
    pub api: ApiName,
    /// The Barman server.
    pub server: Name,
    /// The timeline.
    pub timeline: u64,
    /// The oldest file of the timeline that was seen in the archive, by its first position.
    pub archived: Option<Lsn>,
    /// The oldest position at which Barman's receiver was seen at work while this was the leader's timeline, if
    /// it was not seen idle since then.
    pub received: Option<Lsn>,
    /// The receiver got from there into this timeline without having been seen idle.
    pub passed: bool,
    /// The first time that the receiver was seen at work there, since the Unix epoch.
    pub since: Duration,
    /// The last time that the receiver was seen at work there, since the Unix epoch.
    pub seen: Duration,
}

/// What is written down about changes of timeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipts {
    /// The verdicts, the oldest change first.
    pub verdicts: Vec<Receipt>,
    /// The evidence.
    pub sightings: Vec<Sighting>,
}

impl Receipts {
    /// The newest verdict of each server, and older ones that are not settled.
    pub fn current(verdicts: &[Receipt]) -> Vec<&Receipt> {
        let is_newer = |one: &Receipt, other: &Receipt| {
            let place = |one: &Receipt| (one.cluster.clone(), one.api.clone(), one.server.clone());
            place(one) == place(other) && one.timeline < other.timeline
        };
        let is_newest = |one: &&Receipt| !verdicts.iter().any(|other| is_newer(one, other));
        let all = verdicts.iter();
        all.filter(|one| one.is_open() || is_newest(one)).collect()
    }

    /// Tells whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.sightings.is_empty()
    }
}

impl Receipt {
    /// Tells whether an operator has to take a backup: WAL is missing or may be, and time alone will not change that.
    pub fn needs_backup(&self) -> bool {
        let broken = match self.verdict {
            Verdict::Continuous => false,
            Verdict::Gap { .. } => true,
            Verdict::Unknown { may_tell, .. } => may_tell == MayTell::Nothing,
        };
        broken && self.backup.is_none()
    }

    /// Tells whether it is worth showing although newer ones exist.
    pub fn is_open(&self) -> bool {
        self.backup.is_none() && self.verdict != Verdict::Continuous
    }
}

impl Verdict {
    /// All words.
    pub const WORDS: [&str; 3] = ["continuous", "gap", "unknown"];

    /// The word in outputs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Gap { .. } => "gap",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl MayTell {
    /// The word in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LaterPass => "later_pass",
            Self::OtherNode => "other_node",
            Self::Nothing => "nothing",
        }
    }
}
