//! The files of the database: their permissions, their owner, and the lock for creating them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ErrorCode;
use rustix::fs::{FlockOperation, flock};

/// Prevents other processes from creating the same database until it is dropped.
pub(super) struct Making {
    _lock: Option<File>,
}

/// Creates the directory and an empty database, unless they exist. They contain the rules' texts, which may be secret, so
/// no other user may read them; and files created by root belong to the directory's owner, whose callbacks use them.
pub(super) fn make(path: &Path) -> io::Result<Making> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    if !folder.is_dir() {
        make_folder(folder)?;
    }
    if path.exists() {
        return Ok(Making { _lock: None });
    }
    let lock = private(&with_suffix(path, ".lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    private(path)?;
    Ok(Making { _lock: Some(lock) })
}

/// Opens a file for writing, and creates it if necessary.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if is_new {
        give_to_owner(path);
    }
    Ok(file)
}

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.exists())
        .collect();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    for made in missing.into_iter().rev() {
        give_to_owner(made);
    }
    Ok(())
}

/// Changes the owner of files created by root to the owner of their directory.
pub(super) fn give_to_owner(path: &Path) {
    if rustix::process::geteuid().is_root()
        && let Some(folder) = path.parent()
        && let Ok(owner) = fs::metadata(folder)
        && owner.uid() != 0
    {
        // Root can still use it; other users get a message about its owner.
        let _ = chown(path, Some(owner.uid()), Some(owner.gid()));
    }
}

/// Renames a file that is not a usable database; returns its new name.
pub(super) fn move_aside(path: &Path, now: Duration) -> io::Result<PathBuf> {
    let aside = with_suffix(path, &format!(".corrupt-{}", now.as_secs()));
    fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(with_suffix(path, suffix));
    }
    Ok(aside)
}

/// The inode of a file.
pub(super) fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|file| file.ino())
}

/// The file that names the damaged database by its inode.
fn damage_of(path: &Path) -> PathBuf {
    with_suffix(path, ".damaged")
}

/// Notes for the next process that a database, opened earlier, is damaged.
pub(super) fn note_damage(path: &Path, inode: u64) {
    // Without the note, the next process finds the damage itself.
    let _ = super::replace_private_file(&damage_of(path), &inode.to_string());
}

/// Returns true if an earlier process has found a database to be damaged. Of several processes, only one gets this answer.
pub(super) fn is_known_damaged(path: &Path) -> bool {
    let note = damage_of(path);
    let damaged = fs::read_to_string(&note).ok();
    let damaged = damaged.filter(|_| fs::remove_file(&note).is_ok());
    let inode = inode(path).map(|inode| inode.to_string());
    damaged.is_some() && damaged == inode
}

/// Returns true if a file is damaged or not a database, as opposed to temporarily unusable.
pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

/// The advice about a file that this user may not access.
pub(super) fn advice(path: &Path) -> Option<String> {
    let file = fs::metadata(path).ok()?;
    let me = rustix::process::geteuid().as_raw();
    let mine = file.uid() == me || me == 0;
    (!mine).then(|| {
        let (path, owner) = (path.display(), file.uid());
        format!("; `{path}` belongs to the user with number {owner}: `chown {me} {path}` gives it to this one")
    })
}

/// A path with a suffix appended to its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
