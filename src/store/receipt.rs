//! The verdict on a change of timeline, and the evidence: some of it can't be observed later.

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
    /// The first leader of the new timeline; Patroni before 2.1 does not report it.
    pub leader: Option<String>,
    /// The time of the change, as Patroni writes it.
    pub changed: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The newest usable backup from which the new timeline can be restored. If the verdict is not `continuous`, it
    /// began after the change, so that no restore from it crosses the change.
    pub backup: Option<String>,
    /// The time of the verdict, since the Unix epoch.
    pub since: Duration,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Barman has the WAL up to the end of the old timeline, and the new timeline from its beginning.
    Continuous,
    /// WAL is missing, and Barman will never receive it.
    Gap {
        /// The first missing position.
        begin: Lsn,
        /// The end of the old timeline: no point in between can be restored.
        end: Lsn,
    },
    /// It is unknown.
    Unknown {
        /// The reason.
        reason: String,
        /// The possible source of an answer.
        may_tell: MayTell,
    },
}

/// The possible sources of an answer to an unknown verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum MayTell {
    /// A later pass.
    LaterPass,
    /// The node that led the new timeline, which may have more evidence.
    OtherNode,
    /// None; a new backup makes the answer unnecessary.
    Nothing,
}

/// Evidence of the beginning of Barman's WAL of a timeline.
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
    /// The oldest file of the timeline ever seen in the archive, by its first position.
    pub archived: Option<Lsn>,
    /// The oldest position at which Barman's receiver was seen streaming while this was the leader's timeline, if
    /// it was not seen idle since then.
    pub received: Option<Lsn>,
    /// The receiver has passed from there into this timeline without having been seen idle.
    pub passed: bool,
    /// The first time the receiver was seen streaming there, since the Unix epoch.
    pub since: Duration,
    /// The last time the receiver was seen streaming there, since the Unix epoch.
    pub seen: Duration,
}

/// The records about changes of timeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipts {
    /// The verdicts, the oldest change first.
    pub verdicts: Vec<Receipt>,
    /// The evidence.
    pub sightings: Vec<Sighting>,
}

impl Receipts {
    /// The newest verdict for each server, and older ones that are still open.
    pub fn current(verdicts: &[Receipt]) -> Vec<&Receipt> {
        let is_newer = |one: &Receipt, other: &Receipt| {
            let place = |one: &Receipt| (one.cluster.clone(), one.api.clone(), one.server.clone());
            place(one) == place(other) && one.timeline < other.timeline
        };
        let is_newest = |one: &&Receipt| !verdicts.iter().any(|other| is_newer(one, other));
        let all = verdicts.iter();
        all.filter(|one| one.is_open() || is_newest(one)).collect()
    }

    /// Returns true if it contains nothing.
    pub const fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.sightings.is_empty()
    }
}

impl Receipt {
    /// Returns true if an operator has to take a backup: WAL is or may be missing, and time alone will not change that.
    pub fn needs_backup(&self) -> bool {
        let broken = match self.verdict {
            Verdict::Continuous => false,
            Verdict::Gap { .. } => true,
            Verdict::Unknown { may_tell, .. } => may_tell == MayTell::Nothing,
        };
        broken && self.backup.is_none()
    }

    /// Returns true if it is worth showing although there are newer ones.
    pub fn is_open(&self) -> bool {
        self.backup.is_none() && self.verdict != Verdict::Continuous
    }
}

impl Verdict {
    /// All words.
    pub const WORDS: [&str; 3] = ["continuous", "gap", "unknown"];

    /// The word used in outputs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Gap { .. } => "gap",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl MayTell {
    /// The word used in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LaterPass => "later_pass",
            Self::OtherNode => "other_node",
            Self::Nothing => "nothing",
        }
    }
}
