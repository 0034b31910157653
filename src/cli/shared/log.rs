//! Log lines: in the format of the Python tool, as JSON, or for the journal.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl, fstat, stat};
use serde_json::{Map, Value};

use crate::http::{Clock as _, Real};
use crate::report::{Colour, Style};

use super::args::{LogFormat, LogLevel};

/// The parts of a line for programs.
pub type Fields = Map<String, Value>;

/// The interval at which an unchanged reason is repeated.
const REPEAT: Duration = Duration::from_secs(30);

/// The destination of log lines. A line that can't be written soon is dropped: neither a full disk nor a stalled
/// reader may stop a failover.
#[derive(Debug)]
pub struct Log {
    level: LogLevel,
    format: LogFormat,
    file: Option<LogFile>,
    /// Standard error goes to the journal, which adds its own times, priorities and process IDs.
    journal: bool,
    /// Lines on standard error are for the person who typed the command.
    plain: Option<Colour>,
    dropped: Cell<u32>,
    clock: Real,
    /// The event or pass that every line belongs to.
    about: RefCell<Fields>,
    /// The last message about each subject, and its time.
    said: RefCell<HashMap<String, (String, Duration)>>,
}

/// A log file, which is reopened when it has been renamed or removed, as log rotation does.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    open: RefCell<File>,
}

impl LogFile {
    /// Tells whether another file, or none, has its name by now.
    fn is_rotated(&self) -> bool {
        let own = fstat(&*self.open.borrow()).map(|stat| (stat.st_dev, stat.st_ino));
        let named = stat(&self.path).map(|stat| (stat.st_dev, stat.st_ino));
        own.ok() != named.ok()
    }
}

/// The longest wait for a full pipe.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// A pipe that is ready takes this many bytes without waiting.
const PIPE: usize = 4096;

impl Log {
    /// A log to this file, or to standard error. A file that can't be opened must not stop a failover: the error
    /// is reported on standard error, and the log goes there too.
    ///
    /// `journal` is systemd's `JOURNAL_STREAM`: the device and inode of the journal's socket. `plain` is for a command
    /// whose lines on standard error are read by the person who typed it: they begin with `error:`, and have no time.
    pub fn open(
        file: Option<&Path>,
        format: LogFormat,
        level: LogLevel,
        journal: Option<&str>,
        plain: Option<Colour>,
    ) -> Self {
        let log = |file: Option<LogFile>| Self {
            level,
            format,
            journal: file.is_none() && journal.is_some_and(is_stderr),
            plain: plain.filter(|_| file.is_none() && format == LogFormat::Text),
            file,
            dropped: Cell::new(0),
            clock: Real::new(),
            about: RefCell::default(),
            said: RefCell::default(),
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

    /// Tells whether lines are for the person who typed the command.
    pub const fn is_plain(&self) -> bool {
        self.plain.is_some()
    }

    /// Reopens the log file by its name.
    pub fn reopen(&self) {
        if let Some(file) = &self.file
            && let Ok(open) = append(&file.path)
        {
            file.open.replace(open);
        }
    }

    /// Sets the fields of a process about a cluster, and describes it.
    pub fn begin(
        &self,
        event: &str,
        role: Option<&str>,
        cluster: &str,
        member: Option<&str>,
    ) -> String {
        self.about.borrow_mut().extend(fields([
            ("event", event.into()),
            ("role", role.into()),
            ("cluster", cluster.into()),
            ("member", member.into()),
        ]));
        let role = role.unwrap_or("without a role");
        let member = member.map_or_else(String::new, |member| format!(" on {member}"));
        format!("{role} {cluster}{member}, process {}", process::id())
    }

    /// Returns true if lines of this level are written.
    pub fn is_written(&self, level: LogLevel) -> bool {
        level >= self.level
    }

    /// Writes a line about a continuing condition: an unchanged reason is repeated every 30 s, and every time only
    /// at the DEBUG level.
    pub fn repeat(
        &self,
        about: &str,
        reason: &str,
        level: LogLevel,
        message: &str,
        fields: &Fields,
    ) {
        let mut said = self.said.borrow_mut();
        let is_new = said
            .get(about)
            .is_none_or(|(last, at)| last != reason || self.clock.now() >= *at + REPEAT);
        if is_new {
            said.insert(about.to_owned(), (reason.to_owned(), self.clock.now()));
        }
        drop(said);
        let level = if is_new { level } else { LogLevel::Debug };
        self.tell(level, message, fields);
    }

    /// Writes a line at INFO unless it equals the last one about this subject.
    pub fn change(&self, about: &str, message: &str) {
        let now = (message.to_owned(), self.clock.now());
        let before = self.said.borrow_mut().insert(about.to_owned(), now);
        if before.is_none_or(|(last, _)| last != message) {
            self.info(message);
        }
    }

    /// Forgets the last message about a subject that is over.
    pub fn forget(&self, about: &str) {
        self.said.borrow_mut().remove(about);
    }

    /// Writes a line with fields for programs if it is important enough, in one call, so that the lines of processes
    /// that share a file do not mix.
    pub fn tell(&self, level: LogLevel, message: &str, fields: &Fields) {
        if !self.is_written(level) {
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
            let written = self.put(&self.line(LogLevel::Warning, &said, &Fields::new()));
            if written.is_err() {
                self.dropped.set(dropped.saturating_add(1));
                return;
            }
            self.dropped.set(0);
        }
        if self.put(&self.line(level, message, fields)).is_err() {
            self.dropped.set(self.dropped.get().saturating_add(1));
        }
    }

    /// Writes a line, unless that takes a long wait.
    fn put(&self, line: &str) -> io::Result<()> {
        let Some(file) = &self.file else {
            return put(&mut io::stderr(), line);
        };
        if file.is_rotated() {
            self.reopen();
        }
        put(&mut *file.open.borrow_mut(), line)
    }

    pub fn debug(&self, message: &str) {
        self.tell(LogLevel::Debug, message, &Fields::new());
    }

    pub fn info(&self, message: &str) {
        self.tell(LogLevel::Info, message, &Fields::new());
    }

    pub fn warning(&self, message: &str) {
        self.tell(LogLevel::Warning, message, &Fields::new());
    }

    pub fn error(&self, message: &str) {
        self.tell(LogLevel::Error, message, &Fields::new());
    }

    fn line(&self, level: LogLevel, message: &str, fields: &Fields) -> String {
        let (word, priority, style) = match level {
            LogLevel::Debug => ("DEBUG", "<7>", None),
            LogLevel::Info => ("INFO", "<6>", None),
            LogLevel::Warning => ("WARNING", "<4>", Some(Style::Warning)),
            LogLevel::Error => ("ERROR", "<3>", Some(Style::Error)),
        };
        let priority = if self.journal { priority } else { "" };
        let now = Timestamp::now();
        match self.format {
            LogFormat::Text => {
                // A message is one line, whatever a server has put into it.
                let message = crate::report::one_line(&message.replace('\r', " "));
                if self.journal {
                    return format!("{priority}{message}\n");
                }
                if let Some(colour) = self.plain {
                    let head = format!("{}:", word.to_lowercase());
                    let painted = style.map(|style| colour.paint(style, &head));
                    return format!("{} {message}\n", painted.unwrap_or(head));
                }
                let local = now.to_zoned(TimeZone::system()).datetime();
                let time = local.strftime("%Y-%m-%d %H:%M:%S");
                let millis = local.millisecond();
                let process = self.process();
                format!("{time},{millis:03} {word}: {process}{message}\n")
            }
            LogFormat::Json => {
                let mut line = Fields::new();
                line.insert("time".to_owned(), format!("{now:.3}").into());
                line.insert("level".to_owned(), word.into());
                line.insert("pid".to_owned(), process::id().into());
                line.extend(self.about.borrow().clone());
                line.extend(fields.clone());
                line.insert("message".to_owned(), message.into());
                format!("{priority}{}\n", Value::from(line))
            }
        }
    }

    /// The process ID before a line about an event: callbacks that overlap share a file.
    fn process(&self) -> String {
        let shared = self.file.is_some() || !io::stderr().is_terminal();
        if shared && !self.about.borrow().is_empty() {
            format!("[{}] ", process::id())
        } else {
            String::new()
        }
    }
}

/// Fields of a log line; null values are left out.
pub fn fields<const N: usize>(named: [(&str, Value); N]) -> Fields {
    let named = named.into_iter().filter(|(_, value)| !value.is_null());
    named
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Returns true if `DEVICE:INODE` is standard error.
fn is_stderr(stream: &str) -> bool {
    let named = stream.split_once(':');
    let named = named.and_then(|(device, inode)| {
        Some((device.parse::<u64>().ok()?, inode.parse::<u64>().ok()?))
    });
    let own = fstat(io::stderr()).map(|stat| (stat.st_dev, stat.st_ino));
    named.is_some() && named == own.ok()
}

/// Writes a line if that takes no long wait.
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

/// Opens a file for appending. A pipe without a reader is an error; nothing waits for one.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.create(true).append(true).open(path)?;
    fcntl_setfl(&file, OFlags::APPEND)?;
    Ok(file)
}
