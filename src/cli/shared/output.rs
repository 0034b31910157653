//! Standard output and standard error.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// A result could not be written.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Writes a result to standard output. A reader that has gone away is no fault of ours.
pub fn print(text: &str) {
    print_with(|out| out.write_all(text.as_bytes()));
}

/// Writes a result to standard output while it is made.
pub fn print_with(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) {
    let mut stdout = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let written = write(&mut stdout).and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        complain(&format!("the result can't be written: {error}"), None);
        UNWRITTEN.store(true, Ordering::Relaxed);
    }
}

/// Tells whether every result could be written.
pub fn is_complete() -> bool {
    !UNWRITTEN.load(Ordering::Relaxed)
}

/// Says on standard error what keeps the program from starting.
pub fn complain(message: &str, help: Option<&str>) {
    let _ = writeln!(io::stderr(), "error: {message}");
    if let Some(help) = help {
        advise(help);
    }
}

/// Says on standard error what to do about it.
pub fn advise(help: &str) {
    let _ = writeln!(io::stderr(), "  help: {help}");
}
