//! The step machine: send, poll, verify, settle.
//!
//! It takes a plan and carries it out against the outside, which it sees only through traits. What
//! became of an attempt is classified where the exchange is made; here is only what follows from
//! it. Everything that happens is told to an observer as [`Progress`], in the order in which it
//! happens: logs, the line on a terminal and tests read the same events.

mod backoff;
mod lookup;
mod outcome;
mod poll;
mod progress;
mod submit;
mod verify;

use std::path::Path;

use crate::barman::Barman;
use crate::evaluate::{Plan, Step};
use crate::http::{Clock, Http};
use crate::model::{ApiName, OnFailure};
use crate::patroni::Patroni;

pub use outcome::{Outcome, StepOutcome, StepReport, Verdict};
pub use progress::Progress;

/// The outside of one process.
pub trait World {
    /// Talks to one endpoint.
    type Http: Http;
    /// Tells the time.
    type Clock: Clock;

    /// The pg-backup-api of this name, if the rules have it.
    fn barman(&self, api: &ApiName) -> Option<Barman<'_, Self::Http>>;
    /// The local Patroni, if the rules file names it.
    fn patroni(&self) -> Option<Patroni<'_, Self::Http>>;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// Whether a file is there: a recovery is verified by what it left on this machine.
    fn exists(&self, path: &Path) -> bool;
    /// Is told what happens.
    fn observe(&self, progress: &Progress<'_>);
}

/// Carries out a plan.
pub async fn execute<W: World>(plan: &Plan, world: &W) -> Outcome {
    let mut steps: Vec<StepReport> = Vec::with_capacity(plan.steps.len());
    let mut stopped = false;
    for step in &plan.steps {
        let report = if stopped {
            StepReport::not_run(step)
        } else {
            let report = settle(step, world).await;
            world.observe(&Progress::Settled { report: &report });
            report
        };
        stopped |= report.outcome != StepOutcome::Done && step.on_failure == OnFailure::Stop;
        steps.push(report);
    }
    Outcome::of(steps)
}

/// Takes one step to its end: its report says which.
async fn settle<W: World>(step: &Step, world: &W) -> StepReport {
    let mut report = StepReport::new(step);
    let started = world.clock().now();
    let taken = match world.barman(&step.api) {
        Some(barman) => {
            take(
                Stage {
                    step,
                    barman,
                    world,
                },
                &mut report,
            )
            .await
        }
        None => Err(End::new(
            StepOutcome::Refused,
            format!("there is no api `{}`", step.api),
        )),
    };
    let (outcome, message) = match taken {
        Ok(()) => (StepOutcome::Done, None),
        Err(end) => (end.outcome, Some(end.message)),
    };
    report.duration = world.clock().now().saturating_sub(started);
    report.outcome = outcome;
    report.message = message;
    report
}

/// Sends until the state that was asked for is there, or until there is no point in going on.
async fn take<W: World>(stage: Stage<'_, W>, report: &mut StepReport) -> Result<(), End> {
    let mut tries = submit::Tries::new(stage);
    loop {
        let id = tries.submit(report).await?;
        report.operation_id = Some(id.clone());
        poll::wait(stage, &id).await?;
        match verify::verify(stage).await {
            Ok(()) => return Ok(()),
            // Another client's operation can have had the same id: ours was lost, and its `DONE`
            // was not about us. A state can be set again; a recovery is never repeated.
            Err(verify::Unverified { lost: true, end }) => tries.again(end).await?,
            Err(verify::Unverified { end, .. }) => return Err(end),
        }
    }
}

/// One step and what it is carried out with.
struct Stage<'a, W: World> {
    step: &'a Step,
    barman: Barman<'a, W::Http>,
    world: &'a W,
}

impl<W: World> Clone for Stage<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: World> Copy for Stage<'_, W> {}

/// Why a step ended without being done.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    outcome: StepOutcome,
    message: String,
}

impl End {
    fn new(outcome: StepOutcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
        }
    }
}
