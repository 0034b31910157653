//! Sending a request until pg-backup-api has accepted it.

use std::time::Duration;

use crate::barman::{Class, Trouble};
use crate::http::Clock;
use crate::model::{Name, Verify, duration};

use super::journal::Claim;
use super::proof::{Proof, refuse_running};
use super::{
    End, Progress, Stage, Start, StepOutcome, StepReport, World, backoff, fence, journal, lookup,
    verify,
};

/// The time after a callback's start within which its first attempt may be sent without Patroni's answer.
const FRESH: Duration = Duration::from_secs(2);

/// The shortest wait for a Patroni that does not answer.
const FENCE_PAUSE: Duration = Duration::from_millis(500);

/// The time limit for a recovery that never arrives; then Patroni's next method takes over.
const NEVER_SENT: Duration = Duration::from_secs(30);

/// The number of consecutive failed operations after which the waits reach their maximum.
const FAILURES: u32 = 3;

/// An operation that pg-backup-api has accepted.
pub(super) struct TakenUp {
    pub(super) id: Name,
    /// Found in a list after its answer was lost.
    pub(super) found: bool,
}

/// The attempts of one step, limited in number and time.
pub(super) struct Tries<'a, W: World> {
    stage: Stage<'a, W>,
    start: Start<'a>,
    started: Duration,
    attempt: u32,
    failures: u32,
    /// The API was made to read its configuration again.
    reread: bool,
}

impl<'a, W: World> Tries<'a, W> {
    /// Starts without attempts; the time runs from here.
    pub(super) fn new(stage: Stage<'a, W>, start: Start<'a>) -> Self {
        let started = stage.world.clock().now();
        Self {
            stage,
            start,
            started,
            attempt: 0,
            failures: 0,
            reread: false,
        }
    }

    /// Sends until the request is accepted.
    pub(super) async fn submit(
        &mut self,
        report: &mut StepReport,
        proof: &Proof,
    ) -> Result<TakenUp, End> {
        let Stage {
            step,
            barman,
            world,
            ..
        } = self.stage;
        let mut asked: Option<Duration> = None;
        loop {
            self.attempt += 1;
            self.pass_the_fence().await?;
            if self.attempt > 1 && self.left().is_zero() {
                let deadline = duration::format(step.retry.deadline);
                let message = format!("gave up after {deadline} (`retry.deadline`)");
                return Err(End::new(StepOutcome::Unfinished, message));
            }
            // It may have been started while an earlier recovery was waited for.
            refuse_running(self.stage)?;
            let since = *asked.get_or_insert_with(|| world.clock().now());
            let narrowed = match journal::sending(self.stage, since).await? {
                Claim::Given(narrowed) => narrowed,
                // The role may have changed by now.
                Claim::Taken => {
                    self.attempt -= 1;
                    continue;
                }
            };
            let operation = narrowed
                .as_ref()
                .map_or(&step.operation, |step| &step.operation);
            asked = None;
            report.attempts += 1;
            world.observe(&Progress::Sending {
                step,
                attempt: self.attempt,
            });
            let sent = lookup::Sent::now(world.clock());
            let trouble = match barman.submit(operation).await {
                Ok(id) => {
                    journal::accepted(self.stage, &id).await;
                    world.observe(&Progress::Accepted { step, id: &id });
                    return Ok(TakenUp { id, found: false });
                }
                Err(trouble) => trouble,
            };
            if step.verify != Verify::None
                && let Some(reason) = barman.too_old_for(operation, &trouble).await
            {
                return Err(End::new(StepOutcome::Refused, reason.message));
            }
            match trouble.class {
                // A server that was added while the API runs is unknown until the API reads its configuration again.
                Class::Refused {
                    unknown_server: true,
                } if !self.reread && step.verify != Verify::None => {
                    self.reread = true;
                    verify::reread(self.stage).await;
                }
                Class::Refused { .. } => {
                    return Err(End::new(StepOutcome::Refused, trouble.message));
                }
                // A caller that limits the attempts waits for the answer.
                Class::Between if step.retry.attempts.is_some() => {
                    return Err(End::new(StepOutcome::Refused, trouble.message));
                }
                Class::NotSent | Class::Between => self.pause(&trouble).await?,
                // A recovery that may have been accepted is never sent again without looking.
                _ if !step.operation.kind().sets_state() => {
                    match lookup::find(self.stage, sent, proof, &trouble).await? {
                        lookup::Fate::TakenUp(id) => {
                            journal::accepted(self.stage, &id).await;
                            return Ok(TakenUp { id, found: true });
                        }
                        lookup::Fate::NeverArrived => {
                            self.started = world.clock().now();
                            self.pause(&trouble).await?;
                        }
                    }
                }
                _ => self.pause(&trouble).await?,
            }
        }
    }

    /// Waits until Patroni confirms that this member still has the role.
    async fn pass_the_fence(&self) -> Result<(), End> {
        let Stage { step, world, .. } = self.stage;
        let fresh = match self.start {
            Start::Called(at) | Start::Looking(at) if self.attempt == 1 => {
                Some(FRESH.saturating_sub(world.clock().now().saturating_sub(at)))
            }
            _ => None,
        };
        let fresh = fresh.filter(|left| !left.is_zero());
        let mut asked = 0;
        loop {
            let reason = match fence::ask(self.stage, fresh.filter(|_| asked == 0)).await {
                fence::Answer::Open => return Ok(()),
                fence::Answer::Shut(end) => return Err(end),
                fence::Answer::Unknown(fence::Doubt::Silent(_))
                    if fresh.is_some() && asked == 0 =>
                {
                    return Ok(());
                }
                fence::Answer::Unknown(doubt) => doubt.to_string(),
            };
            self.stage.let_others_begin();
            asked += 1;
            let wait = backoff::wait(&step.retry, asked, world.clock().random()).max(FENCE_PAUSE);
            if wait >= self.left() {
                let message = format!(
                    "Patroni does not say whether this member still has its role: {reason}"
                );
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

    /// Waits for another attempt after an operation that did not produce the requested state; gives up with
    /// this end when the attempts are used up.
    pub(super) async fn again(&mut self, end: End) -> Result<(), End> {
        self.failures += u32::from(end.outcome == StepOutcome::Failed);
        let trouble = Trouble {
            class: Class::Collision,
            message: end.message.clone(),
        };
        self.pause(&trouble).await.map_err(|_| end)
    }

    /// Waits for the next attempt, if there is one.
    async fn pause(&self, trouble: &Trouble) -> Result<(), End> {
        let Stage { step, world, .. } = self.stage;
        self.stage.let_others_begin();
        let clock = world.clock();
        let retry = &step.retry;
        let mut wait = backoff::wait(retry, self.attempt, clock.random());
        wait = wait.max(trouble.class.least_wait());
        if trouble.class == Class::Collision {
            wait = wait.max(backoff::next_second(clock.wall(), clock.random()));
        }
        if self.failures >= FAILURES {
            wait = wait.max(retry.max_wait);
        }
        let message = &trouble.message;
        if !retry.allows_more_than(self.attempt) {
            let attempts = match self.attempt {
                1 => "1 attempt".to_owned(),
                more => format!("{more} attempts"),
            };
            let message = format!("gave up after {attempts}: {message}");
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

    /// The remaining time of `retry.deadline`.
    fn left(&self) -> Duration {
        let passed = self.stage.world.clock().now().saturating_sub(self.started);
        let step = self.stage.step;
        let deadline = if step.operation.kind().sets_state() {
            step.retry.deadline
        } else {
            step.retry.deadline.min(NEVER_SENT)
        };
        deadline.saturating_sub(passed)
    }
}
