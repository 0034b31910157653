//! Where a simulated recovery puts its files.

use std::fs;
use std::io;
use std::path::Path;

/// The destination of recoveries.
pub trait Restore: Send {
    /// Writes the files, in order, each whole or not at all.
    ///
    /// # Errors
    /// When the directory can't be made or written to; the recovery then fails.
    fn restore(&mut self, directory: &Path, files: &[(&str, String)]) -> io::Result<()>;
}

/// Restores nothing: the destination is on a machine that does not exist.
#[derive(Debug)]
pub struct Elsewhere;

impl Restore for Elsewhere {
    fn restore(&mut self, _directory: &Path, _files: &[(&str, String)]) -> io::Result<()> {
        Ok(())
    }
}

/// Restores into a directory of this machine, which is made if it is missing.
#[derive(Debug)]
pub struct Here {
    /// Whether a directory that is not empty is refused.
    pub empty_only: bool,
}

impl Restore for Here {
    fn restore(&mut self, directory: &Path, files: &[(&str, String)]) -> io::Result<()> {
        if !directory.is_absolute() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the destination is not an absolute path",
            ));
        }
        fs::create_dir_all(directory)?;
        if self.empty_only && fs::read_dir(directory)?.next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        for (name, content) in files {
            let unfinished = directory.join(format!(".{name}.part"));
            // Renamed, it has an inode of its own, as a file that rsync has written.
            fs::write(&unfinished, content)?;
            fs::rename(&unfinished, directory.join(name))?;
        }
        Ok(())
    }
}
