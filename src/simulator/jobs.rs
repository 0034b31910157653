//! The operations that were created, as pg-backup-api keeps them in its job files.

use std::collections::HashMap;
use std::time::Duration;

use super::backend::{OperationKey, Outcome};
use super::moment::Moment;
use super::route::Scope;

/// What becomes of an operation that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// It runs and ends as Barman says.
    #[default]
    Runs,
    /// It changes nothing and ends `FAILED`.
    Fails,
    /// It runs, and then ends `FAILED` whatever Barman says: the model was switched, and the receiver did not end in time.
    FailsDone,
    /// Its process dies: it changes nothing and stays `IN_PROGRESS`.
    Stuck,
    /// It runs, but its files are gone: every question about it is a 404.
    Gone,
}

/// What a second operation in one second and scope gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameSecond {
    /// A 500, as from one worker that sees the job file of the first.
    #[default]
    Refuse,
    /// The id of the first, as from two workers at once; what the second asked for is lost.
    KeepFirst,
    /// The id of the first, as from two workers at once; what the first asked for is lost.
    KeepLast,
}

/// A status as a poll answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `IN_PROGRESS`
    InProgress,
    /// `DONE` or `FAILED`
    Ended(Outcome),
}

impl Status {
    /// The word in the answer.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Ended(Outcome::Done) => "DONE",
            Self::Ended(Outcome::Failed) => "FAILED",
        }
    }
}

#[derive(Debug)]
struct Job {
    kind: &'static str,
    fate: Fate,
    created: Duration,
    ended: Option<Outcome>,
}

/// Every operation since the start.
#[derive(Debug, Default)]
pub struct Jobs {
    jobs: HashMap<OperationKey, Job>,
}

impl Jobs {
    /// Whether that id is taken.
    #[must_use]
    pub fn contains(&self, key: &OperationKey) -> bool {
        self.jobs.contains_key(key)
    }

    /// Writes a job down.
    pub fn insert(&mut self, now: Moment, key: OperationKey, kind: &'static str, fate: Fate) {
        self.jobs.insert(
            key,
            Job {
                kind,
                fate,
                created: now.elapsed,
                ended: None,
            },
        );
    }

    /// An operation's status; none if there is no such operation. `ask` is asked how an operation that runs has ended.
    pub fn status(
        &mut self,
        now: Moment,
        key: &OperationKey,
        failing_takes: Duration,
        ask: impl FnOnce() -> Option<Outcome>,
    ) -> Option<Status> {
        let job = self.jobs.get_mut(key)?;
        if job.ended.is_none() {
            job.ended = match job.fate {
                Fate::Runs => ask(),
                Fate::FailsDone => ask().map(|_| Outcome::Failed),
                Fate::Fails => {
                    (now.elapsed >= job.created + failing_takes).then_some(Outcome::Failed)
                }
                Fate::Stuck => None,
                Fate::Gone => return None,
            };
        }
        Some(job.ended.map_or(Status::InProgress, Status::Ended))
    }

    /// Id and type of a scope's operations, in no order a client could rely on: the real ones come as the
    /// directory gives them.
    #[must_use]
    pub fn list(&self, scope: &Scope) -> Vec<(&str, &'static str)> {
        let mut listed: Vec<_> = self
            .jobs
            .iter()
            .filter(|(key, job)| key.scope == *scope && job.fate != Fate::Gone)
            .map(|(key, job)| (key.id.as_str(), job.kind))
            .collect();
        listed.sort_by_key(|(id, _)| {
            id.bytes().fold(0_u32, |hash, byte| {
                hash.wrapping_mul(31).rotate_left(7) ^ u32::from(byte)
            })
        });
        listed
    }
}
