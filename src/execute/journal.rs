//! Records of an intent's progress. A state database that can't be written, or not soon, must not stop a failover: the
//! problem is logged, and the step continues.

use std::time::Duration;

use crate::evaluate::{Plan, Step};
use crate::http::{Clock, within};
use crate::model::{Event, Name, RequestKind};
use crate::store::{Intent, IntentId, Query, Settled, Standing, State, Store, StoreError};

use super::here::{Part, Seat};
use super::{End, Progress, Stage, StepOutcome, StepReport, World};

/// The longest wait for recording the intent of a request that sets a state.
pub(super) const STATE: Duration = Duration::from_secs(1);

/// The longest wait for a recovery: the record prevents sending it twice.
pub(super) const RECOVERY: Duration = Duration::from_secs(60);

/// The longest wait for opening the state for an event.
pub const fn patience_of(event: Event) -> Duration {
    if event.makes_node() { RECOVERY } else { STATE }
}

/// The time an intent is held beyond the exchange.
const HELD: Duration = Duration::from_secs(60);

/// The pause before looking again at an intent that another process works on.
const TAKEN: Duration = Duration::from_secs(1);

/// The longest wait for the store on behalf of a plan.
pub(super) fn bound(plan: &Plan) -> Duration {
    let waits = plan
        .steps
        .iter()
        .map(|step| patience(step.operation.kind()));
    waits.max().unwrap_or(STATE)
}

/// The longest wait for the store on behalf of a request.
const fn patience(kind: RequestKind) -> Duration {
    if kind.sets_state() { STATE } else { RECOVERY }
}

/// Waits for the store no longer than `limit`.
pub(super) async fn bounded<W: World, T>(
    world: &W,
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = || StoreError::Io(format!("no answer within {} s", limit.as_secs()));
    within(world.clock(), limit, work)
        .await
        .unwrap_or_else(|| Err(late()))
}

/// Permission to make an attempt.
pub(super) enum Claim {
    /// Granted; with the remaining part of the step, if a newer decision took over some of it.
    Given(Option<Box<Step>>),
    /// Another process works on the same intent; there was a short wait.
    Taken,
}

/// Records that an attempt is about to be made. `asked` is the time of the first request for it.
pub(super) async fn sending<W: World>(stage: Stage<'_, W>, asked: Duration) -> Result<Claim, End> {
    let Some((store, id)) = place(stage) else {
        return Ok(Claim::Given(None));
    };
    let clock = stage.world.clock();
    let limit = patience(stage.step.operation.kind());
    let claimed = store.sending(id, clock.wall(), HELD);
    match bounded(stage.world, limit, claimed).await {
        Ok(Standing::Current) => Ok(Claim::Given(None)),
        Ok(Standing::Narrowed(step)) => Ok(Claim::Given(Some(step))),
        Ok(Standing::Superseded) => {
            let message =
                "a newer decision took its place, or an operator gave it up; nothing more is sent";
            Err(End::new(StepOutcome::Superseded, message))
        }
        Ok(Standing::Done) => Err(End::new(
            StepOutcome::Done,
            "another process has finished it",
        )),
        Ok(Standing::Taken) if clock.now() >= asked + stage.step.retry.deadline => {
            let message = "another process still works on it";
            Err(End::new(StepOutcome::Unfinished, message))
        }
        Ok(Standing::Taken) => {
            clock.sleep(TAKEN).await;
            Ok(Claim::Taken)
        }
        Err(error) => {
            complain(stage.world, &error);
            Ok(Claim::Given(None))
        }
    }
}

/// Records the operation that pg-backup-api created.
pub(super) async fn accepted<W: World>(stage: Stage<'_, W>, operation: &Name) {
    if let Some((store, id)) = place(stage)
        && let Err(error) = bounded(stage.world, STATE, store.accepted(id, operation)).await
    {
        complain(stage.world, &error);
    }
}

/// Extends the hold on the intent while its operation runs.
pub(super) async fn renew<W: World>(stage: Stage<'_, W>) {
    if let Some((store, id)) = place(stage) {
        let until = stage.world.clock().wall() + HELD;
        // A lost hold means that another process takes over, which checks before it sends.
        let _ = bounded(stage.world, STATE, store.renew(id, until)).await;
    }
}

/// The operations of the same server that belong to other recoveries.
pub(super) async fn operations_of_others<W: World>(stage: Stage<'_, W>) -> Vec<Name> {
    let Stage { step, world, .. } = stage;
    let Some(store) = world.store() else {
        return Vec::new();
    };
    let others = |one: &Intent| {
        Some(one.id) != stage.intent
            && !one.step.operation.kind().sets_state()
            && one.step.api == step.api
            && one.step.operation.server() == step.operation.server()
    };
    let all = bounded(world, STATE, async {
        store.history(&Query::default()).await
    });
    let all = all.await.unwrap_or_default().into_iter();
    all.filter(others)
        .filter_map(|one| one.operation_id)
        .collect()
}

/// Returns true if an operator gave an intent up.
pub(super) async fn is_forgotten<W: World>(world: &W, id: Option<IntentId>) -> bool {
    let (Some(store), Some(id)) = (world.store(), id) else {
        return false;
    };
    matches!(
        bounded(world, STATE, store.is_forgotten(id)).await,
        Ok(true)
    )
}

/// The fate of an unfinished request when its process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It stays pending for the next process.
    Pending,
    /// It is over: the caller of a recovery has continued without it, and a correction for another member is decided
    /// anew by every pass.
    Over,
}

impl Left {
    /// The fate of a request of this type for a member at this place.
    pub(super) fn after(kind: RequestKind, seat: &Seat) -> Self {
        if kind.sets_state() && *seat == Seat::Here {
            Self::Pending
        } else {
            Self::Over
        }
    }
}

/// Ends the corrections for members of other nodes that an earlier process left pending.
pub(super) async fn drop_corrections<W: World>(world: &W, plan: &Plan, parts: &[Part]) {
    let Some(store) = world.store() else {
        return;
    };
    let own = parts.iter().find(|part| part.seat == Seat::Here);
    let own = own.and_then(|part| part.plan.node.as_deref());
    let dropped = store.drop_corrections(&plan.cluster, own, world.clock().wall());
    if let Err(error) = bounded(world, STATE, dropped).await {
        complain(world, &error);
    }
}

/// Records the result of a step.
pub(super) async fn settled<W: World>(
    world: &W,
    id: Option<IntentId>,
    report: &StepReport,
    left: Left,
) {
    let (Some(store), Some(id)) = (world.store(), id) else {
        return;
    };
    let message = report.message.as_deref();
    let state = match (report.outcome, left) {
        (StepOutcome::Done, _) => Some(State::Done),
        (StepOutcome::Fenced, _) => Some(State::Fenced),
        (StepOutcome::Superseded, _) => Some(State::Superseded),
        (StepOutcome::Failed, Left::Over) => Some(State::Failed),
        (StepOutcome::Refused, Left::Over) => Some(State::Refused),
        (StepOutcome::Unverified, Left::Over) => Some(State::Unverified),
        (StepOutcome::NotRun, Left::Over) => Some(State::Abandoned),
        (StepOutcome::Unfinished, Left::Over) if report.operation_id.is_none() => {
            Some(State::Abandoned)
        }
        (_, Left::Pending) | (StepOutcome::Unfinished, Left::Over) => None,
    };
    let now = world.clock().wall();
    let written = match state {
        Some(state) => {
            let end = Settled {
                state,
                message,
                now,
            };
            bounded(world, STATE, store.settled(id, &end)).await
        }
        None => bounded(world, STATE, store.left(id, message.unwrap_or_default())).await,
    };
    if let Err(error) = written {
        complain(world, &error);
    }
}

/// Reports that the state can't be used.
pub(super) fn complain<W: World>(world: &W, error: &StoreError) {
    world.observe(&Progress::StateTrouble {
        message: &error.to_string(),
    });
}

fn place<W: World>(stage: Stage<'_, W>) -> Option<(&W::Store, IntentId)> {
    Some((stage.world.store()?, stage.intent?))
}
