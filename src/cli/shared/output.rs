//! Standard output and standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::tcgetwinsize;

use crate::report::Colour;

use super::args::Format;
use super::env::Environment;

/// True once a result could not be written.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Writes a result to standard output. A reader that has gone away is not an error.
pub fn print(text: &str) {
    print_with(|out| out.write_all(text.as_bytes()));
}

/// Writes a result to standard output as it is produced.
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

/// The columns of standard output: `COLUMNS`, or those of the terminal, or 80.
pub fn width(environment: &Environment) -> usize {
    let set = environment
        .get("COLUMNS")
        .and_then(|text| text.parse().ok());
    let own = || tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_col));
    let width = set.or_else(|| own().ok()).filter(|width| *width > 0);
    width.unwrap_or(80)
}

/// The colours of standard output, from `NO_COLOR`, `CLICOLOR_FORCE`, and whether it is a terminal.
pub fn colour(environment: &Environment) -> Colour {
    let forced = environment
        .get("CLICOLOR_FORCE")
        .is_some_and(|value| value != "0");
    let never = environment.get("NO_COLOR").is_some();
    if !never && (forced || io::stdout().is_terminal()) {
        Colour::Always
    } else {
        Colour::Never
    }
}

/// The format of an optional result: Patroni's log and the journal already have the log, and get a result only if the
/// command line asks for one.
pub fn result_format(given: Option<Format>) -> Option<Format> {
    given.or_else(|| io::stdout().is_terminal().then_some(Format::Human))
}

/// Returns true if every result could be written.
pub fn is_complete() -> bool {
    !UNWRITTEN.load(Ordering::Relaxed)
}

/// Writes the reason why the program can't start to standard error.
pub fn complain(message: &str, help: Option<&str>) {
    let _ = writeln!(io::stderr(), "error: {message}");
    if let Some(help) = help {
        advise(help);
    }
}

/// Writes a hint to standard error.
pub fn advise(help: &str) {
    let _ = writeln!(io::stderr(), "  help: {help}");
}
