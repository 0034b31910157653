//! Files that are replaced atomically.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Replaces a file by a text, which is on disk when it returns.
///
/// # Errors
/// It can't be written, or the existing file is not a regular one; it is unchanged then.
pub fn replace_file(file: &Path, text: &str) -> io::Result<()> {
    replace(file, text, 0o666)
}

/// The same for a file that may contain secrets: only its owner may read it.
pub fn replace_private_file(file: &Path, text: &str) -> io::Result<()> {
    replace(file, text, 0o600)?;
    super::file::give_to_owner(file);
    Ok(())
}

/// `mode` is that of the new file, before the umask.
fn replace(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    // A device or a pipe must never be replaced, even if the permissions allow it.
    if fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("what is there is not a regular file"));
    }
    let new = file.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let written = options.open(&new).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&new, file));
    if done.is_err() {
        let _ = fs::remove_file(&new);
    }
    done
}
