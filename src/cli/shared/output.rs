//! Standard output and standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::tcgetwinsize;

use crate::report::{Colour, Screen, Style};

use super::args::Format;
use super::context::Context;

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
        complain(
            &format!("the result can't be written: {error}"),
            None,
            Colour::Never,
        );
        UNWRITTEN.store(true, Ordering::Relaxed);
    }
}

/// The screen that results are for. Its width is `COLUMNS`, else that of the terminal; a pipe or file has no limit.
pub fn screen(context: &Context) -> Screen {
    let set = context.environment.get("COLUMNS");
    let set = set.and_then(|text| text.parse().ok());
    let own = || tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_col));
    let width = set.or_else(|| own().ok()).filter(|width| *width > 0);
    Screen {
        width: width.unwrap_or(usize::MAX),
        colour: context.colours.stdout,
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
pub fn complain(message: &str, help: Option<&str>, colour: Colour) {
    let error = colour.paint(Style::Error, "error:");
    let _ = writeln!(io::stderr(), "{error} {message}");
    if let Some(help) = help {
        advise(help, colour);
    }
}

/// Writes a hint to standard error.
pub fn advise(help: &str, colour: Colour) {
    let word = colour.paint(Style::Strong, "help:");
    let _ = writeln!(io::stderr(), "  {word} {help}");
}
