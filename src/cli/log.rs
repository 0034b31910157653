//! Log lines, in the format of the Python tool or as JSON.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::fs::{OFlags, fcntl_setfl};
use serde_json::json;

use super::args::{LogFormat, LogLevel};

/// Where log lines go. A line that can't be written is dropped: a full disk must not stop a failover.
#[derive(Debug)]
pub struct Log {
    level: LogLevel,
    format: LogFormat,
    file: Option<RefCell<File>>,
}

impl Log {
    /// A log to this file, or to standard error. A file that can't be opened must not stop a failover: that is
    /// said on standard error, and the log goes there too.
    #[must_use]
    pub fn open(file: Option<&Path>, format: LogFormat, level: LogLevel) -> Self {
        let log = |file| Self {
            level,
            format,
            file,
        };
        let Some(path) = file else {
            return log(None);
        };
        match append(path) {
            Ok(file) => log(Some(RefCell::new(file))),
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

    /// Writes a line if it is important enough, in one call, so that processes that share a file do not
    /// mix their lines.
    pub fn write(&self, level: LogLevel, message: &str) {
        if level < self.level {
            return;
        }
        let line = self.line(level, message);
        let _ = match &self.file {
            Some(file) => file.borrow_mut().write_all(line.as_bytes()),
            None => io::stderr().write_all(line.as_bytes()),
        };
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

/// Opens a file to write at its end. A pipe that nobody reads is an error and not waited for.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.create(true).append(true).open(path)?;
    fcntl_setfl(&file, OFlags::APPEND)?;
    Ok(file)
}
