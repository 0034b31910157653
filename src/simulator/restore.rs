//! The destination of a simulated recovery's files.

use std::fs;
use std::io;
use std::path::Path;

/// The destination of recoveries.
pub trait Restore: Send {
    /// Writes the files in order, each of them atomically.
    fn restore(&mut self, directory: &Path, files: &[(&str, String)]) -> io::Result<()>;
}

/// Restores nothing: the destination's machine does not exist.
#[derive(Debug)]
pub struct Elsewhere;

impl Restore for Elsewhere {
    fn restore(&mut self, _directory: &Path, _files: &[(&str, String)]) -> io::Result<()> {
        Ok(())
    }
}

/// Restores into a directory of this machine, which is created if necessary.
#[derive(Debug)]
pub struct Here {
    /// True if a directory that is not empty is refused.
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
            // Renamed, it has its own inode, like a file written by rsync.
            fs::write(&unfinished, content)?;
            fs::rename(&unfinished, directory.join(name))?;
        }
        Ok(())
    }
}
