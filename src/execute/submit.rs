//! Sending a request until pg-backup-api has taken it up.

use std::time::Duration;

use crate::barman::{Class, Trouble};
use crate::http::Clock;
use crate::model::{Name, RequestKind, duration};

use super::{
    End, Progress, Stage, Start, StepOutcome, StepReport, World, backoff, fence, journal, lookup,
};

/// The shortest wait for a Patroni that does not answer.
const FENCE_PAUSE: Duration = Duration::from_millis(500);

/// What a search for an operation gets at least: to know of it is worth more than a deadline.
const LOOK: Duration = Duration::from_secs(5);

/// The attempts of one step, bounded in number and in time.
pub(super) struct Tries<'a, W: World> {
    stage: Stage<'a, W>,
    start: Start<'a>,
    started: Duration,
    attempt: u32,
}

impl<'a, W: World> Tries<'a, W> {
    /// None made yet; the time runs from here.
    pub(super) fn new(stage: Stage<'a, W>, start: Start<'a>) -> Self {
        let started = stage.world.clock().now();
        Self {
            stage,
            start,
            started,
            attempt: 0,
        }
    }

    /// Sends until the request is accepted.
    pub(super) async fn submit(&mut self, report: &mut StepReport) -> Result<Name, End> {
        let Stage {
            step,
            barman,
            world,
            ..
        } = self.stage;
        loop {
            self.attempt += 1;
            match self.start {
                Start::Fresh if self.attempt == 1 => {}
                Start::Following if self.attempt == 1 => {
                    if let fence::Answer::Shut(end) = fence::ask(self.stage).await {
                        return Err(end);
                    }
                }
                _ => self.pass_the_fence().await?,
            }
            let first = self.attempt == 1 && matches!(self.start, Start::Fresh);
            if !first && self.left().is_zero() {
                let deadline = duration::format(step.retry.deadline);
                let message = format!("gave up after {deadline} (`retry.deadline`)");
                return Err(End::new(StepOutcome::Unfinished, message));
            }
            journal::sending(self.stage).await?;
            report.attempts += 1;
            world.observe(&Progress::Sending {
                step,
                attempt: self.attempt,
            });
            let sent = lookup::Sent::now(world.clock());
            let trouble = match barman.within(self.left()).submit(&step.operation).await {
                Ok(id) => {
                    journal::accepted(self.stage, &id).await;
                    world.observe(&Progress::Accepted { step, id: &id });
                    return Ok(id);
                }
                Err(trouble) => trouble,
            };
            match trouble.class {
                Class::Refused => return Err(End::new(StepOutcome::Refused, trouble.message)),
                // A recovery that may have been taken up is never sent again.
                Class::Unknown | Class::Malformed
                    if step.operation.kind() == RequestKind::Recovery =>
                {
                    let left = self.left().max(LOOK);
                    let id = lookup::find(self.stage, sent, &trouble.message, left).await?;
                    journal::accepted(self.stage, &id).await;
                    return Ok(id);
                }
                _ => self.pause(&trouble).await?,
            }
        }
    }

    /// Waits until Patroni says that this node still has the role.
    async fn pass_the_fence(&self) -> Result<(), End> {
        let Stage { step, world, .. } = self.stage;
        let mut asked = 0;
        loop {
            let reason = match fence::ask(self.stage).await {
                fence::Answer::Open => return Ok(()),
                fence::Answer::Shut(end) => return Err(end),
                fence::Answer::Unknown(reason) => reason,
            };
            asked += 1;
            let wait = backoff::wait(&step.retry, asked, world.clock().random()).max(FENCE_PAUSE);
            if wait >= self.left() {
                let message =
                    format!("whether this node still has its role can't be told: {reason}");
                return Err(End::new(StepOutcome::Unfinished, message));
            }
            world.observe(&Progress::Waiting {
                step,
                reason: &reason,
                wait,
            });
            world.clock().sleep(wait).await;
        }
    }

    /// Waits for another attempt after the state that an operation had set was not there; gives up
    /// with this end when the attempts are used up.
    pub(super) async fn again(&mut self, end: End) -> Result<(), End> {
        let trouble = Trouble {
            class: Class::Collision,
            message: end.message.clone(),
        };
        self.pause(&trouble).await.map_err(|_| end)
    }

    /// Waits for the next attempt, if there may be one.
    async fn pause(&self, trouble: &Trouble) -> Result<(), End> {
        let Stage { step, world, .. } = self.stage;
        let clock = world.clock();
        let retry = &step.retry;
        let mut wait = backoff::wait(retry, self.attempt, clock.random());
        match trouble.class {
            Class::Busy {
                retry_after: Some(after),
            } => wait = wait.max(after),
            Class::Collision => {
                wait = wait.max(backoff::next_second(clock.wall(), clock.random()));
            }
            _ => {}
        }
        let message = &trouble.message;
        if self.attempt >= retry.attempts {
            let message = format!("gave up after {} attempts: {message}", self.attempt);
            return Err(End::new(StepOutcome::Unfinished, message));
        }
        if wait >= self.left() {
            let deadline = duration::format(retry.deadline);
            let message = format!(
                "gave up, the next attempt would come after {deadline} (`retry.deadline`): {message}"
            );
            return Err(End::new(StepOutcome::Unfinished, message));
        }
        world.observe(&Progress::Waiting {
            step,
            reason: message,
            wait,
        });
        clock.sleep(wait).await;
        Ok(())
    }

    /// The time that is left of `retry.deadline`.
    fn left(&self) -> Duration {
        let passed = self.stage.world.clock().now().saturating_sub(self.started);
        self.stage.step.retry.deadline.saturating_sub(passed)
    }
}
