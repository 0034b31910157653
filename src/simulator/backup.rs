//! Backups.

/// How a backup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupStatus {
    /// It can be restored.
    Done,
    /// It can be restored, and the last of its WAL is not archived yet.
    WaitingForWals,
    /// It is being taken.
    Started,
    /// It can't be restored.
    Failed,
}

impl BackupStatus {
    /// Every status there is.
    pub const ALL: [Self; 4] = [
        Self::Done,
        Self::WaitingForWals,
        Self::Started,
        Self::Failed,
    ];

    /// Barman's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::WaitingForWals => "WAITING_FOR_WALS",
            Self::Started => "STARTED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether a recovery from it succeeds.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Done | Self::WaitingForWals)
    }
}

/// A backup of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The server it is of.
    pub server: String,
    /// Its id, the time it was begun.
    pub id: String,
    /// How it ended.
    pub status: BackupStatus,
    /// The timeline it was taken on.
    pub timeline: u64,
    /// The identifier of the cluster it is of; none for the cluster's own.
    pub system_id: Option<String>,
}
