//! Log lines, in the format of the Python tool or as JSON.

use std::cell::{Cell, RefCell};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use serde_json::json;

use super::args::{LogFormat, LogLevel};

/// Where log lines go. A line that can't be written, or not soon, is dropped: neither a full disk nor a reader that
/// does not read may stop a failover.
#[derive(Debug)]
pub struct Log {
    level: LogLevel,
    format: LogFormat,
    file: Option<LogFile>,
    dropped: Cell<u32>,
}

/// A log file, which is opened anew when it was rotated.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    open: RefCell<File>,
}

/// How long a line waits for a pipe that is full.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// A pipe that is ready takes this many bytes without waiting.
const PIPE: usize = 4096;

impl Log {
    /// A log to this file, or to standard error. A file that can't be opened must not stop a failover: that is
    /// said on standard error, and the log goes there too.
    pub fn open(file: Option<&Path>, format: LogFormat, level: LogLevel) -> Self {
        let log = |file| Self {
            level,
            format,
            file,
            dropped: Cell::new(0),
        };
        let Some(path) = file else {
            return log(None);
        };
        match append(path) {
            Ok(open) => log(Some(LogFile {
                path: path.to_owned(),
                open: RefCell::new(open),
            })),
            Err(error) => {
                let log = log(None);
                let path = path.display();
                log.error(&format!(
                    "the log file `{path}` can't be opened, logging here instead: {error}"
                ));
                log
            }
        }
    }

    /// Opens the log file again, under its name of now.
    pub fn reopen(&self) {
        if let Some(file) = &self.file
            && let Ok(open) = append(&file.path)
        {
            file.open.replace(open);
        }
    }

    /// Writes a line if it is important enough, in one call, so that processes that share a file do not
    /// mix their lines.
    pub fn write(&self, level: LogLevel, message: &str) {
        if level < self.level {
            return;
        }
        let dropped = self.dropped.get();
        if dropped > 0 {
            let lines = if dropped == 1 {
                "line was"
            } else {
                "lines were"
            };
            let said = format!("{dropped} log {lines} dropped: nothing took them");
            if !self.put(&self.line(LogLevel::Warning, &said)) {
                self.dropped.set(dropped.saturating_add(1));
                return;
            }
            self.dropped.set(0);
        }
        if !self.put(&self.line(level, message)) {
            self.dropped.set(self.dropped.get().saturating_add(1));
        }
    }

    /// Writes a line; `false` if it can't be written soon.
    fn put(&self, line: &str) -> bool {
        let written = match &self.file {
            Some(file) => put(&mut *file.open.borrow_mut(), line),
            None => put(&mut io::stderr(), line),
        };
        written.is_ok()
    }

    /// Every detail.
    pub fn debug(&self, message: &str) {
        self.write(LogLevel::Debug, message);
    }

    /// What is done.
    pub fn info(&self, message: &str) {
        self.write(LogLevel::Info, message);
    }

    /// What did not work at first.
    pub fn warning(&self, message: &str) {
        self.write(LogLevel::Warning, message);
    }

    /// What did not work.
    pub fn error(&self, message: &str) {
        self.write(LogLevel::Error, message);
    }

    fn line(&self, level: LogLevel, message: &str) -> String {
        let now = Timestamp::now();
        let word = match level {
            LogLevel::Debug => "DEBUG",
            LogLevel::Info => "INFO",
            LogLevel::Warning => "WARNING",
            LogLevel::Error => "ERROR",
        };
        match self.format {
            LogFormat::Text => {
                let local = now.to_zoned(TimeZone::system()).datetime();
                let time = local.strftime("%Y-%m-%d %H:%M:%S");
                let millis = local.millisecond();
                // A message is one line, whatever a server wrote into it.
                let message = crate::report::one_line(&message.replace('\r', " "));
                format!("{time},{millis:03} {word}: {message}\n")
            }
            LogFormat::Json => {
                let time = format!("{now:.3}");
                format!(
                    "{}\n",
                    json!({"time": time, "level": word, "message": message})
                )
            }
        }
    }
}

/// Writes a line when that does not have to wait for long.
fn put(to: &mut (impl Write + AsFd), line: &str) -> io::Result<()> {
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        let mut ready = [PollFd::new(to, PollFlags::OUT)];
        if poll(&mut ready, Some(&PATIENCE))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (now, later) = rest.split_at(rest.len().min(PIPE));
        to.write_all(now)?;
        rest = later;
    }
    Ok(())
}

/// Opens a file to write at its end. A pipe that nobody reads is an error and not waited for.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.create(true).append(true).open(path)?;
    fcntl_setfl(&file, OFlags::APPEND)?;
    Ok(file)
}
