//! Backups.

/// The status of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupStatus {
    /// It can be restored.
    Done,
    /// It can be restored, but the last of its WAL is not yet archived.
    WaitingForWals,
    /// It is in progress.
    Started,
    /// It can't be restored.
    Failed,
}

impl BackupStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Done,
        Self::WaitingForWals,
        Self::Started,
        Self::Failed,
    ];

    /// Barman's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::WaitingForWals => "WAITING_FOR_WALS",
            Self::Started => "STARTED",
            Self::Failed => "FAILED",
        }
    }

    /// Returns true if a recovery from it succeeds.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Done | Self::WaitingForWals)
    }
}

/// A backup of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub server: String,
    /// Its ID, the time at which it began.
    pub id: String,
    pub status: BackupStatus,
    /// The timeline it was taken on.
    pub timeline: u64,
    /// The identifier of its cluster; `None` for the server's own.
    pub system_id: Option<String>,
}
