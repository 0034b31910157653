//! The operations that the API has created, like pg-backup-api's job files.

use std::collections::HashMap;
use std::time::Duration;

use super::backend::{OperationKey, Outcome};
use super::moment::Moment;
use super::route::Scope;

/// The fate of an accepted operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// It runs and ends with Barman's result.
    #[default]
    Runs,
    /// It has no effect and ends as `FAILED`.
    Fails,
    /// It runs, and then ends as `FAILED` whatever Barman's result: the model was switched, but the receiver did not end in time.
    FailsDone,
    /// Its process dies: it has no effect and stays `IN_PROGRESS`.
    Stuck,
    /// It runs, but its files are gone: every poll gets a 404.
    Gone,
}

/// The answer to a second operation in one second and scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameSecond {
    /// A 500, as from a single worker that sees the first one's job file.
    #[default]
    Refuse,
    /// The ID of the first, as from two concurrent workers; the second one's request is lost.
    KeepFirst,
    /// The ID of the first, as from two concurrent workers; the first one's request is lost.
    KeepLast,
}

/// A status as returned by a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    InProgress,
    /// `DONE` or `FAILED`
    Ended(Outcome),
}

impl Status {
    /// The word used in the answer.
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
    /// Returns true if that ID is taken.
    pub fn contains(&self, key: &OperationKey) -> bool {
        self.jobs.contains_key(key)
    }

    /// Records a job.
    pub fn insert(&mut self, now: Moment, key: OperationKey, kind: &'static str, fate: Fate) {
        let job = Job {
            kind,
            fate,
            created: now.elapsed,
            ended: None,
        };
        self.jobs.insert(key, job);
    }

    /// An operation's status; `None` if there is no such operation. `ask` returns the outcome of an operation that runs.
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

    /// The IDs and types of a scope's operations, in no reliable order: the real API returns them in the
    /// directory's order.
    pub fn list(&self, scope: &Scope) -> Vec<(&str, &'static str)> {
        let is_listed =
            |(key, job): &(&OperationKey, &Job)| key.scope == *scope && job.fate != Fate::Gone;
        let listed = self.jobs.iter().filter(is_listed);
        let mut listed: Vec<_> = listed
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
