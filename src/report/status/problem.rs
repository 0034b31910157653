//! The problems with a cluster's backups, each in a sentence: the status for people, for programs and
//! for a monitoring system all report the same.

use std::time::Duration;

use serde::Serialize;

use crate::execute::{Comparison, Wal};
use crate::store::{MayTell, Verdict};

use super::super::age::age;
use super::super::receipt;
use super::{Status, conflict, difference, squeezed};

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Level {
    /// It needs attention soon.
    Warning,
    /// Something is unknown.
    Unknown,
    /// WAL may be lost, or a failover would fail.
    Critical,
}

impl Level {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }
}

/// The time after which a change of timeline should have a verdict: Barman archives every minute, but not while nothing is
/// written.
const UNKNOWN_FOR: Duration = Duration::from_secs(3600);

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// Its severity.
    pub level: Level,
    /// The message, in one line.
    pub message: String,
    /// True if it concerns the wanted state, or data needed to judge it: then it affects the exit code.
    #[serde(skip)]
    pub counts: bool,
}

impl Status<'_> {
    /// The problems, worst first.
    pub fn problems(&self) -> Vec<Problem> {
        let mut all = Vec::new();
        let mut say = |level, counts, message: String| {
            all.push(Problem {
                level,
                message: squeezed(&message),
                counts,
            });
        };
        if let Err(why) = self.here {
            say(Level::Unknown, true, why.to_owned());
        }
        if let Some(why) = self.misplaced {
            say(Level::Unknown, true, why.to_owned());
        }
        for one in self.conflicts {
            say(Level::Critical, true, conflict(one));
        }
        let mut silent = Vec::new();
        for api in self.apis {
            if let Err(why) = &api.version {
                silent.push(&api.name);
                say(Level::Unknown, true, format!("API `{}`: {why}", api.name.0));
            }
        }
        for one in self.compared {
            if let Some((level, message)) = self.of_state(one)
                && !(one.differs.is_err() && silent.contains(&one.api()))
            {
                say(level, true, message);
            }
        }
        if let Some(why) = &self.state.trouble {
            say(Level::Unknown, true, why.clone());
        }
        if let Some(why) = &self.rules.broken {
            let message = format!("{why}; the last good rules are in use");
            say(Level::Warning, true, message);
        }
        if let Some(message) = self.of_pending() {
            say(Level::Warning, true, message);
        }
        for (index, one) in self.compared.iter().enumerate() {
            let target = |other: &Comparison| (other.api().clone(), other.server_name().cloned());
            let earlier = self.compared.iter().take(index);
            if earlier.map(target).any(|earlier| earlier == target(one)) {
                continue;
            }
            if let Some(Wal::Unchecked(why)) = &one.wal {
                say(Level::Warning, false, why.clone());
            }
            if let Some(message) = self.of_backups(one) {
                say(Level::Warning, false, message);
            }
        }
        for one in &self.judged.receipts {
            let (level, counts) = match one.verdict {
                _ if !one.is_open() => continue,
                Verdict::Gap { .. } => (Level::Critical, true),
                Verdict::Unknown { .. } if one.needs_backup() => (Level::Warning, true),
                Verdict::Unknown { may_tell, .. }
                    if may_tell == MayTell::LaterPass
                        && self.now.saturating_sub(one.since) > UNKNOWN_FOR =>
                {
                    (Level::Warning, false)
                }
                Verdict::Unknown { .. } | Verdict::Continuous => continue,
            };
            say(level, counts, receipt(one));
        }
        all.sort_by_key(|problem| std::cmp::Reverse(problem.level));
        all
    }

    fn of_state(&self, one: &Comparison) -> Option<(Level, String)> {
        let here = self.here.ok()?;
        let no_wal = self.no_wal(one);
        if one.as_wanted() && no_wal.is_none() {
            return None;
        }
        let unknown = one.differs.is_err()
            || one.differs == Ok(None) && no_wal.is_some_and(|wal| wal.unknown);
        let level = if unknown {
            Level::Unknown
        } else {
            Level::Critical
        };
        Some((level, difference(one, here)))
    }

    fn of_pending(&self) -> Option<String> {
        let pending = &self.state.pending;
        let oldest = pending.iter().min_by_key(|one| one.created)?;
        let what = oldest.step.operation.words();
        let age = age(self.now, oldest.created);
        let count = match pending.len() {
            1 => "1 request is pending".to_owned(),
            more => format!("{more} requests are pending, the oldest"),
        };
        let why = oldest.message.as_ref().filter(|why| !why.is_empty());
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        Some(format!("{count} for {age}: {what}{why}"))
    }

    fn of_backups(&self, one: &Comparison) -> Option<String> {
        let (name, server) = (one.server_name()?, one.server.as_ref()?);
        let (last, backup) = server.last_backup()?;
        let failed = backup.status.as_deref() == Some("FAILED");
        match server.last_good_backup() {
            None => Some(format!(
                "no backup of `{name}` can be restored, and the last one, {last}, is {}",
                backup.status.as_deref().unwrap_or("of unknown status")
            )),
            Some((good, backup)) if failed => {
                let age = backup.ended().map_or_else(String::new, |ended| {
                    format!(", {} old", age(self.now, ended))
                });
                Some(format!(
                    "the last backup of `{name}`, {last}, FAILED; the last good one is {good}{age}"
                ))
            }
            Some(_) => None,
        }
    }
}
