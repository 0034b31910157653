//! Named pipes.

use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Creates a named pipe.
pub fn make(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}
