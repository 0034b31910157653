//! The verdict on a change of timeline, written down: what was seen at the time can't be seen later.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{ApiName, Lsn, Name};

/// Whether one Barman server's WAL archive is continuous across the end of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Patroni's scope.
    pub cluster: String,
    /// The API that speaks for the Barman host.
    pub api: ApiName,
    /// The Barman server.
    pub server: Name,
    /// The timeline that ended.
    pub from: u64,
    /// The timeline that began.
    pub to: u64,
    /// The position in the WAL at which one became the other.
    pub lsn: Lsn,
    /// The leader of the new timeline.
    pub leader: Option<String>,
    /// The moment of the change, as Patroni writes it.
    pub changed: Option<String>,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// It was seen that Barman holds, or its slot keeps, the WAL from the beginning of the new timeline.
    #[serde(skip)]
    pub held: bool,
    /// The moment of the verdict, since the Unix epoch.
    #[serde(skip)]
    pub judged: Duration,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Every WAL file up to the end of the old timeline is in the archive, and the new timeline is there from its
    /// beginning.
    Continuous,
    /// WAL is missing.
    Gap {
        /// From here on.
        begin: Lsn,
        /// Up to here; no moment in between can be restored.
        end: Lsn,
        /// A backup that was begun behind the gap: from there on every moment can be restored.
        closed_by: Option<String>,
    },
    /// It can't be told.
    Unknown {
        /// Why not, and what would tell.
        reason: String,
        /// A later look may tell.
        open: bool,
    },
}

impl Verdict {
    /// The word in outputs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Gap { .. } => "gap",
            Self::Unknown { .. } => "unknown",
        }
    }
}
