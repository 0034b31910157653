//! Writing down what happens to an intent. A state that can't be written must not stop a failover: it is
//! said, and the step goes on.

use crate::http::Clock;
use crate::model::{Name, RequestKind};
use crate::store::{IntentId, Settled, Standing, State, Store, StoreError};

use super::{End, Progress, Stage, StepOutcome, StepReport, World};

/// Notes that an attempt is about to be made.
pub(super) async fn sending<W: World>(stage: Stage<'_, W>) -> Result<(), End> {
    let Some((store, id)) = place(stage) else {
        return Ok(());
    };
    match store.sending(id, stage.world.clock().wall()).await {
        Ok(Standing::Current) => Ok(()),
        Ok(Standing::Superseded) => {
            let message = "a newer decision took its place; nothing more is sent";
            Err(End::new(StepOutcome::Superseded, message))
        }
        Err(error) => {
            complain(stage.world, &error);
            Ok(())
        }
    }
}

/// Notes the operation that pg-backup-api made of it.
pub(super) async fn accepted<W: World>(stage: Stage<'_, W>, operation: &Name) {
    if let Some((store, id)) = place(stage)
        && let Err(error) = store.accepted(id, operation).await
    {
        complain(stage.world, &error);
    }
}

/// Notes how a step ended. What is not finished stays pending, for the next one to go on with; but a
/// recovery that nobody took up is not for later: whoever asked for it has gone on without it.
pub(super) async fn settled<W: World>(
    world: &W,
    id: Option<IntentId>,
    report: &StepReport,
    kind: RequestKind,
) {
    let (Some(store), Some(id)) = (world.store(), id) else {
        return;
    };
    let message = report.message.as_deref();
    let state = match report.outcome {
        StepOutcome::Done => Some(State::Done),
        StepOutcome::Failed => Some(State::Failed),
        StepOutcome::Refused => Some(State::Refused),
        StepOutcome::Unverified => Some(State::Unverified),
        StepOutcome::Fenced => Some(State::Fenced),
        StepOutcome::Superseded => Some(State::Superseded),
        StepOutcome::NotRun => Some(State::Abandoned),
        StepOutcome::Unfinished
            if kind == RequestKind::Recovery && report.operation_id.is_none() =>
        {
            Some(State::Abandoned)
        }
        StepOutcome::Unfinished => None,
    };
    let written = match state {
        Some(state) => {
            store
                .settled(
                    id,
                    &Settled {
                        state,
                        message,
                        now: world.clock().wall(),
                    },
                )
                .await
        }
        None => store.left(id, message.unwrap_or_default()).await,
    };
    if let Err(error) = written {
        complain(world, &error);
    }
}

/// Says that the state can't be used.
pub(super) fn complain<W: World>(world: &W, error: &StoreError) {
    world.observe(&Progress::StateTrouble {
        message: &error.to_string(),
    });
}

fn place<W: World>(stage: Stage<'_, W>) -> Option<(&W::Store, IntentId)> {
    Some((stage.world.store()?, stage.intent?))
}
