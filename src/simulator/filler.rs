//! The size of a big Barman host.

use std::str::FromStr;

/// The number of additional servers in `/diagnose`, and of backups of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filler {
    /// Servers in addition to the configured ones.
    pub servers: usize,
    pub backups: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write it as `SERVERSxBACKUPS`, for example `500x50`")]
pub struct FillerError;

impl FromStr for Filler {
    type Err = FillerError;

    fn from_str(text: &str) -> Result<Self, FillerError> {
        let (servers, backups) = text.split_once('x').ok_or(FillerError)?;
        Ok(Self {
            servers: servers.parse().map_err(|_| FillerError)?,
            backups: backups.parse().map_err(|_| FillerError)?,
        })
    }
}
