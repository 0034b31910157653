//! Recoveries into one directory, one after the other.

use std::time::Duration;

use crate::http::Clock as _;
use crate::model::{Name, RequestKind};
use crate::store::{Query, State, Store as _, Target};

use super::{End, Stage, StepOutcome, World, journal, poll};

/// Waits for the recovery that an earlier decision began in the same directory: two at once would destroy each other.
/// Patroni asks again for a replica when it was itself killed meanwhile, and Barman is then still at the first.
pub(super) async fn wait<W: World>(stage: Stage<'_, W>) -> Result<(), End> {
    for (id, left) in begun(stage).await {
        match poll::wait(stage, &id, left).await {
            Err(end) if end.outcome == StepOutcome::Unfinished => {
                let message = format!("an earlier recovery into this directory: {}", end.message);
                return Err(End::new(StepOutcome::Unfinished, message));
            }
            // However it ended, it has.
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The operations that may still be at it, of intents that ours took the place of, and how long each has before it is
/// given up.
async fn begun<W: World>(stage: Stage<'_, W>) -> Vec<(Name, Duration)> {
    let Stage { step, world, .. } = stage;
    let (Some(store), RequestKind::Recovery) = (world.store(), step.operation.kind()) else {
        return Vec::new();
    };
    let (now, timeout) = (world.clock().wall(), step.poll.timeout);
    let query = Query {
        state: Some(State::Superseded),
        since: Some(now.saturating_sub(timeout)),
        ..Query::default()
    };
    let targets = Target::of(step);
    match store.history(&query).await {
        Ok(all) => all
            .into_iter()
            .filter(|one| Target::of(&one.step) == targets)
            .filter_map(|one| {
                let passed = now.saturating_sub(one.created);
                Some((one.operation_id?, timeout.saturating_sub(passed)))
            })
            .collect(),
        Err(error) => {
            journal::complain(world, &error);
            Vec::new()
        }
    }
}
