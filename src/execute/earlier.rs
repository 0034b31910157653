//! Recoveries into one directory, one after the other.

use std::time::Duration;

use crate::http::Clock as _;
use crate::store::{Intent, Query, Store as _};

use super::{End, Progress, Stage, StepOutcome, World, journal, lookup, poll};

/// The pause between two looks for an operation whose answer is still under way to another process.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits for every recovery into the same directory that was sent and is not known to have ended: two at once would
/// destroy each other. Patroni asks again for a replica when it was itself killed meanwhile, and Barman is then still at
/// the first. That it ended well never counts for ours.
pub(super) async fn wait<W: World>(stage: Stage<'_, W>) -> Result<(), End> {
    for intent in open(stage).await {
        stage.world.observe(&Progress::Earlier {
            step: stage.step,
            intent: &intent,
        });
        ended(stage, intent).await?;
    }
    Ok(())
}

/// Waits for the end of one.
async fn ended<W: World>(stage: Stage<'_, W>, intent: Intent) -> Result<(), End> {
    let world = stage.world;
    let sent = lookup::Sent {
        wall: intent.sent.unwrap_or(intent.created),
        now: None,
    };
    let number = intent.id;
    let mut current = Some(intent);
    while let Some(intent) = current {
        let ids = match &intent.operation_id {
            Some(id) => vec![id.clone()],
            None => lookup::candidates(stage, sent).await?.recoveries,
        };
        for id in &ids {
            match poll::wait(stage, id, Some(number), stage.step.poll.bound()).await {
                Err(end) if end.outcome == StepOutcome::Superseded => return Ok(()),
                Err(end) if end.outcome == StepOutcome::Unfinished => {
                    let message =
                        format!("an earlier recovery into this directory: {}", end.message);
                    return Err(End::new(StepOutcome::Unfinished, message));
                }
                // However it ended, it has.
                Ok(()) | Err(_) => {}
            }
        }
        if !ids.is_empty() || lookup::is_late(sent, world.clock()) {
            break;
        }
        world.clock().sleep(PAUSE).await;
        // The process that sent it may have got its answer meanwhile.
        current = open(stage).await.into_iter().find(|one| one.id == number);
    }
    if let Some(store) = world.store()
        && let Err(error) = store.ended(number).await
    {
        journal::complain(world, &error);
    }
    Ok(())
}

/// The recoveries into the same directory that may still run.
async fn open<W: World>(stage: Stage<'_, W>) -> Vec<Intent> {
    let Stage { step, world, .. } = stage;
    let Some(store) = world
        .store()
        .filter(|_| !step.operation.kind().sets_state())
    else {
        return Vec::new();
    };
    let targets = step.operation.targets(&step.api);
    match store.history(&Query::default()).await {
        Ok(all) => all
            .into_iter()
            .filter(|one| Some(one.id) != stage.intent && one.sent.is_some() && one.is_open())
            .filter(|one| one.step.operation.targets(&one.step.api) == targets)
            .collect(),
        Err(error) => {
            journal::complain(world, &error);
            Vec::new()
        }
    }
}
