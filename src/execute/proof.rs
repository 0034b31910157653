//! Proof that a recovery was completed in a directory on this machine, by the files that it created.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::Verify;

use super::{End, Stage, Stamp, StepOutcome, World};

/// The files that Barman creates in every recovery.
const FILES: [&str; 2] = ["PG_VERSION", ".barman-recover.info"];

/// The files as they were before a recovery.
#[derive(Debug)]
pub(super) struct Proof(Vec<(PathBuf, Option<Stamp>)>);

impl Proof {
    /// Records the current files; none for other requests.
    pub(super) fn now<W: World>(stage: Stage<'_, W>) -> Self {
        let Some(recovery) = stage.step.operation.recovery() else {
            return Self(Vec::new());
        };
        let folder = Path::new(&recovery.destination_directory);
        let file = |name: &&str| {
            let path = folder.join(name);
            let stamp = stage.world.stamp(&path);
            (path, stamp)
        };
        Self(FILES.iter().map(file).collect())
    }

    /// The same for a recovery that an earlier process sent: only the existence of the files can be checked.
    pub(super) fn of_earlier<W: World>(stage: Stage<'_, W>) -> Self {
        let now = Self::now(stage);
        Self(now.0.into_iter().map(|(path, _)| (path, None)).collect())
    }

    /// Returns true if one of them was created after this time of the same machine's wall clock.
    pub(super) fn is_newer_than(&self, wall: Duration) -> bool {
        let made = |stamp: &Stamp| {
            let nanoseconds = i128::try_from(wall.as_nanos()).unwrap_or(i128::MAX);
            stamp.changed >= nanoseconds
        };
        let stamps = self.0.iter().filter_map(|(_, stamp)| stamp.as_ref());
        stamps.into_iter().any(made)
    }

    /// Returns true if one of them was created since.
    pub(super) fn holds<W: World>(&self, world: &W) -> bool {
        self.0.iter().any(|(path, before)| {
            let now = world.stamp(path);
            now.is_some() && now != *before
        })
    }

    /// Adds the likely reason to a failure: the directory already held a database.
    pub(super) fn explain(&self, end: End) -> End {
        let held = self.0.iter().find(|(_, before)| before.is_some());
        match held.and_then(|(path, _)| path.parent()) {
            Some(folder) if end.outcome == StepOutcome::Failed => End {
                message: format!(
                    "{}; `{}` was not empty, and since 3.15 Barman restores into empty directories only",
                    end.message,
                    folder.display()
                ),
                ..end
            },
            _ => end,
        }
    }

    /// Checks an operation that is done. One that was only found in the list may be another client's: it
    /// counts only with proof.
    pub(super) fn verify<W: World>(&self, stage: Stage<'_, W>, found: bool) -> Result<(), End> {
        if (stage.step.verify == Verify::None && !found) || self.holds(stage.world) {
            return Ok(());
        }
        let file = self.0.first().map(|(path, _)| path.display().to_string());
        let message = format!(
            "the recovery is done, but it made no new `{}` on this machine; \
             is `remote_ssh_command` the way to this machine?",
            file.unwrap_or_default()
        );
        Err(End::new(StepOutcome::Unverified, message))
    }
}

/// Refuses to recover into the directory of a running PostgreSQL.
pub(super) fn refuse_running<W: World>(stage: Stage<'_, W>) -> Result<(), End> {
    let Some(recovery) = stage.step.operation.recovery() else {
        return Ok(());
    };
    let folder = &recovery.destination_directory;
    if stage.world.is_running(Path::new(folder)) {
        let message = format!("a PostgreSQL runs in `{folder}`; nothing was sent");
        return Err(End::new(StepOutcome::Refused, message));
    }
    Ok(())
}
