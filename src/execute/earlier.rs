//! Recoveries into the same directory, one after the other.

use std::time::Duration;

use crate::barman::{OperationStatus, Scope};
use crate::evaluate::Step;
use crate::http::Clock as _;
use crate::store::{Intent, Query, State, Store as _};

use super::{End, Progress, Stage, StepOutcome, World, journal, lookup, poll, proof};

/// The pause between two looks for an operation whose answer another process has not yet received.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits for every recovery into the same directory that was sent and may still be running: two at once would
/// destroy each other. If Patroni was killed in the meantime it asks for the replica again, while Barman is still working
/// on the first request. Its success never counts as ours.
pub(super) async fn wait<W: World>(stage: Stage<'_, W>) -> Result<(), End> {
    if stage.step.operation.kind().sets_state() {
        return Ok(());
    }
    let Some(open) = open(stage).await.filter(|_| stage.intent.is_some()) else {
        return refuse_any(stage).await;
    };
    for intent in open {
        stage.world.observe(&Progress::Earlier {
            step: stage.step,
            intent: &intent,
        });
        ended(stage, intent).await?;
    }
    Ok(())
}

/// Waits for the end of one recovery, which another Barman may be doing.
async fn ended<W: World>(stage: Stage<'_, W>, intent: Intent) -> Result<(), End> {
    let world = stage.world;
    let number = intent.id;
    let step = Step {
        api: intent.step.api.clone(),
        url: intent.step.url.clone(),
        operation: intent.step.operation.clone(),
        ..stage.step.clone()
    };
    let lost = || {
        let message = format!(
            "an earlier recovery into this directory was sent to `{}`, which the rules no longer name, so its end is unknown; \
             if it has ended, give it up with `patroni_barman forget {}`",
            step.url, number.0
        );
        End::new(StepOutcome::Unfinished, message)
    };
    let barman = world.barman(&step.api).ok_or_else(lost)?;
    let has_moved = barman.place(&step.operation) != step.url;
    let stage = Stage {
        step: &step,
        barman,
        ..stage
    };
    let sent = lookup::Sent {
        wall: intent.sent.unwrap_or(intent.created),
        now: None,
    };
    let mut current = Some(intent);
    while let Some(intent) = current {
        let ids = match &intent.operation_id {
            // One that left no proof may have been another client's.
            Some(id) if intent.state != State::Unverified => vec![id.clone()],
            _ => lookup::candidates(stage, sent).await?.recoveries,
        };
        for id in &ids {
            match poll::wait(stage, id, Some(number), stage.step.poll.bound()).await {
                Err(end) if end.outcome == StepOutcome::Superseded => return Ok(()),
                Err(end) if end.outcome == StepOutcome::Unfinished => {
                    let message =
                        format!("an earlier recovery into this directory: {}", end.message);
                    return Err(End::new(StepOutcome::Unfinished, message));
                }
                Err(end) if end.outcome == StepOutcome::Refused && has_moved => {
                    return Err(lost());
                }
                // It has ended, with or without success.
                Ok(()) | Err(_) => {}
            }
        }
        // One that was only found in the list may have been another client's, unless it left its files here.
        let named = intent.operation_id.is_some() && intent.state != State::Unverified;
        let found = !ids.is_empty() && proof::Proof::now(stage).is_newer_than(sent.wall);
        if named || found {
            break;
        }
        if lookup::is_late(sent, world.clock()) {
            if has_moved {
                return Err(lost());
            }
            break;
        }
        world.clock().sleep(PAUSE).await;
        // The process that sent it may have received its answer by now.
        let open = open(stage).await.unwrap_or_default();
        current = open.into_iter().find(|one| one.id == number);
    }
    if let Some(store) = world.store()
        && let Err(error) = journal::bounded(world, journal::RECOVERY, store.ended(number)).await
    {
        journal::complain(world, &error);
    }
    Ok(())
}

/// The maximum number of recoveries, newest first, to check without a ledger.
const NEWEST: usize = 20;

/// Without a ledger the target directory of a recovery is unknown: any recovery that runs on the server refuses ours.
async fn refuse_any<W: World>(stage: Stage<'_, W>) -> Result<(), End> {
    let scope = Scope::of(&stage.step.operation);
    let mut ids = lookup::recoveries(stage).await?;
    ids.sort();
    for id in ids.iter().rev().take(NEWEST) {
        if let Ok(OperationStatus::InProgress) = stage.barman.poll(&scope, id).await {
            let message = format!(
                "recovery `{id}` is in progress, and without the state its directory is unknown; this one is \
                 not sent"
            );
            return Err(End::new(StepOutcome::Unfinished, message));
        }
    }
    Ok(())
}

/// The recoveries into the same directory that may still run; `None` if the ledger can't be read.
async fn open<W: World>(stage: Stage<'_, W>) -> Option<Vec<Intent>> {
    let Stage { step, world, .. } = stage;
    let store = world.store()?;
    let targets = step.operation.targets(&step.api);
    let everything = Query::default();
    let read = store.history(&everything);
    match journal::bounded(world, journal::RECOVERY, read).await {
        Ok(all) => {
            let here = |one: &Intent| one.step.operation.targets(&one.step.api) == targets;
            let open = all.into_iter().filter(|one| {
                Some(one.id) != stage.intent && one.sent.is_some() && one.is_open() && here(one)
            });
            Some(open.collect())
        }
        Err(error) => {
            journal::complain(world, &error);
            None
        }
    }
}
