//! The destination of a simulated recovery's files.

use std::fs;
use std::io;
use std::path::Path;

/// The destination of recoveries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Restore {
    /// A machine that does not exist: nothing is written.
    Elsewhere,
    /// A directory of this machine, which is created if necessary. `empty_only` refuses one that is not empty.
    Here { empty_only: bool },
}

impl Restore {
    /// Writes the files in order, each of them atomically.
    pub(super) fn restore(self, directory: &Path, files: &[(&str, String)]) -> io::Result<()> {
        let Self::Here { empty_only } = self else {
            return Ok(());
        };
        if !directory.is_absolute() {
            let message = "the destination is not an absolute path";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        fs::create_dir_all(directory)?;
        if empty_only && fs::read_dir(directory)?.next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        for (name, content) in files {
            let unfinished = directory.join(format!(".{name}.part"));
            // Renamed, it has its own inode, like a file written by rsync.
            fs::write(&unfinished, content)?;
            fs::rename(&unfinished, directory.join(name))?;
        }
        Ok(())
    }
}
