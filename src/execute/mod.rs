//! The step machine: fence, intend, send, poll, verify, settle.
//!
//! It takes a plan and carries it out against the outside, which it sees only through traits. What
//! became of an attempt is classified where the exchange is made; here is only what follows from
//! it. Everything that happens is told to an observer as [`Progress`], in the order in which it
//! happens: logs, the line on a terminal and tests read the same events.

mod backoff;
mod converge;
mod earlier;
mod fence;
mod journal;
mod lookup;
mod outcome;
mod poll;
mod progress;
mod resume;
mod submit;
mod verify;

use std::path::Path;
use std::time::Duration;

use crate::barman::Barman;
use crate::evaluate::{Plan, Step};
use crate::http::{Clock, Http};
use crate::model::{ApiName, Name, OnFailure, Role};
use crate::patroni::Patroni;
use crate::store::{Cause, Decision, IntentId, Store};

pub use converge::{Comparison, Here, compare, enforce};
pub use outcome::{Outcome, StepOutcome, StepReport, Verdict};
pub use progress::Progress;
pub use resume::{Which, resume};

/// The outside of one process.
pub trait World {
    /// Talks to one endpoint.
    type Http: Http;
    /// Tells the time.
    type Clock: Clock;
    /// Remembers.
    type Store: Store;

    /// The pg-backup-api of this name, if the rules have it.
    fn barman(&self, api: &ApiName) -> Option<Barman<'_, Self::Http>>;
    /// The local Patroni, if the rules file names it.
    fn patroni(&self) -> Option<Patroni<'_, Self::Http>>;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// The state, if it can be used.
    fn store(&self) -> Option<&Self::Store>;
    /// Whether a file is there: a recovery is verified by what it left on this machine.
    fn exists(&self, path: &Path) -> bool;
    /// Is told what happens.
    fn observe(&self, progress: &Progress<'_>);
}

/// How long after the call a first attempt needs no fence. What kept it waiting longer (a Patroni that did not say who
/// this node is, a locked state) may have outlived the role.
const FRESH: Duration = Duration::from_secs(2);

/// Carries out the plan of a callback that was called at this time of the world's clock.
pub async fn execute<W: World>(plan: &Plan, called: Duration, world: &W) -> Outcome {
    carry_out(plan, Some(called), world).await
}

/// `called` is when Patroni called; nobody did if Barman's state was looked at.
async fn carry_out<W: World>(plan: &Plan, called: Option<Duration>, world: &W) -> Outcome {
    let cause = called.map_or(Cause::Look, |_| Cause::Event);
    let written = intend(plan, cause, world).await;
    let holder = Holder {
        role: plan.role,
        node: plan.node.clone(),
    };
    let mut steps: Vec<StepReport> = Vec::with_capacity(plan.steps.len());
    let mut stopped: Option<StepOutcome> = None;
    for (index, step) in plan.steps.iter().enumerate() {
        let intent = match written.as_ref().map(|intents| intents.get(index)) {
            None => None,
            Some(Some(Some(intent))) => Some(*intent),
            // Something newer is pending for its target.
            Some(_) => continue,
        };
        let report = if let Some(before) = stopped {
            StepReport::not_run(step, before)
        } else {
            let waited = called.map(|called| world.clock().now().saturating_sub(called));
            let start = match waited {
                Some(waited) if index == 0 && waited < FRESH => Start::Fresh,
                Some(_) => Start::Following,
                None => Start::Guarded,
            };
            settle(step, &holder, intent, start, world).await
        };
        journal::settled(world, intent, &report, step.operation.kind()).await;
        if report.outcome.is_failure() && step.on_failure == OnFailure::Stop {
            stopped = stopped.or(Some(report.outcome));
        }
        steps.push(report);
    }
    Outcome {
        first: written.into_iter().flatten().flatten().next(),
        ..Outcome::of(steps)
    }
}

/// Writes down the whole plan before anything of it is sent; `None` if that can't be done, and then it is sent
/// all the same.
async fn intend<W: World>(plan: &Plan, cause: Cause, world: &W) -> Option<Vec<Option<IntentId>>> {
    let store = world.store().filter(|_| !plan.steps.is_empty())?;
    let decision = Decision {
        plan,
        cause,
        now: world.clock().wall(),
    };
    match store.intend(&decision).await {
        Ok(intents) => Some(intents),
        Err(error) => {
            journal::complain(world, &error);
            None
        }
    }
}

/// Takes one step to its end: its report says which.
async fn settle<W: World>(
    step: &Step,
    holder: &Holder,
    intent: Option<IntentId>,
    start: Start<'_>,
    world: &W,
) -> StepReport {
    let mut report = StepReport::new(step);
    let started = world.clock().now();
    let taken = match world.barman(&step.api) {
        Some(barman) => {
            let stage = Stage {
                step,
                barman,
                world,
                holder,
                intent,
            };
            take(stage, start, &mut report).await
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
    world.observe(&Progress::Settled { report: &report });
    report
}

/// Sends until the state that was asked for is there, or until there is no point in going on.
async fn take<W: World>(
    stage: Stage<'_, W>,
    start: Start<'_>,
    report: &mut StepReport,
) -> Result<(), End> {
    let mut tries = submit::Tries::new(stage, start);
    let mut known = match start {
        Start::Operation { id, left } => Some((id.clone(), left)),
        Start::Fresh | Start::Following | Start::Guarded => {
            earlier::wait(stage).await?;
            None
        }
    };
    loop {
        let (id, left) = match known.take() {
            Some(known) => known,
            None => (tries.submit(report).await?, stage.step.poll.timeout),
        };
        report.operation_id = Some(id.clone());
        poll::wait(stage, &id, left).await?;
        match verify::verify(stage).await {
            Ok(()) => return Ok(()),
            // Another client's operation can have had the same id: ours was lost, and its `DONE`
            // was not about us. A state can be set again; a recovery is never repeated.
            Err(verify::Unverified { lost: true, end }) => tries.again(end).await?,
            Err(verify::Unverified { end, .. }) => return Err(end),
        }
    }
}

/// Where a step begins.
#[derive(Debug, Clone, Copy)]
enum Start<'a> {
    /// A callback that has just been called: its first attempt needs no fence.
    Fresh,
    /// A later step of such a callback, or one that was kept waiting: if Patroni can't be asked, it may be sent all
    /// the same.
    Following,
    /// Decided earlier: every attempt is fenced.
    Guarded,
    /// Sent earlier, and taken up as this operation, for whose end so much time is left.
    Operation { id: &'a Name, left: Duration },
}

/// Who decided: the fence asks whether this still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    role: Role,
    node: Option<String>,
}

/// One step and what it is carried out with.
struct Stage<'a, W: World> {
    step: &'a Step,
    barman: Barman<'a, W::Http>,
    world: &'a W,
    holder: &'a Holder,
    intent: Option<IntentId>,
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
