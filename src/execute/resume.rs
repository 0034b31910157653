//! Going on with what an earlier process decided on and did not finish.

use std::time::Duration;

use crate::barman::{Class, OperationStatus, Scope, Trouble};
use crate::evaluate::Step;
use crate::http::Clock as _;
use crate::model::{Name, OnFailure, RequestKind, Verify, duration};
use crate::store::{Intent, IntentId, Query, State, Store};

use super::{
    End, Holder, Outcome, Progress, Stage, Start, StepOutcome, StepReport, Verdict, World, journal,
    lookup, settle, verify,
};

/// Which pending intents to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that set a state and were decided before this one. A callback takes these after its own.
    StatesBefore(IntentId),
    /// Every one, also recoveries, whose end may be hours away.
    All,
}

/// Takes up what is pending in a cluster and nobody alive is working on.
///
/// An operation whose id is known is waited for, not sent again. An intent of unknown fate is settled by
/// looking; only a request that sets a state is sent again, behind the fence. A recovery is never repeated. If what is
/// pending can't be read, the verdict is that it is unfinished.
pub async fn resume<W: World>(
    cluster: &str,
    node: Option<&str>,
    which: Which,
    world: &W,
) -> Outcome {
    let unknown = Outcome {
        verdict: Verdict::Unfinished,
        ..Outcome::of(Vec::new())
    };
    let Some(store) = world.store() else {
        return unknown;
    };
    let intents = match store.take_over(cluster, node).await {
        Ok(intents) => intents,
        Err(error) => {
            journal::complain(world, &error);
            return unknown;
        }
    };
    let halted = halted(&intents, world).await;
    let mut steps: Vec<StepReport> = Vec::new();
    let mut stopped: Option<(i64, StepOutcome)> = None;
    for mut intent in intents {
        // The rules may have got another address for the API.
        if let Some(barman) = world.barman(&intent.step.api) {
            intent.step.url = barman.place(&intent.step.operation);
        }
        let kind = intent.step.operation.kind();
        let taken = match which {
            Which::All => true,
            Which::StatesBefore(first) => kind != RequestKind::Recovery && intent.id < first,
        };
        if !taken {
            give_back(&intent, world).await;
            continue;
        }
        world.observe(&Progress::Resuming { intent: &intent });
        let before = stopped
            .filter(|(decision, _)| *decision == intent.decision)
            .or_else(|| {
                let earlier = halted
                    .iter()
                    .any(|(decision, id)| *decision == intent.decision && *id < intent.id);
                earlier.then_some((intent.decision, StepOutcome::Refused))
            });
        let report = match before {
            Some((_, before)) => StepReport::not_run(&intent.step, before),
            None => go_on(&intent, world).await,
        };
        journal::settled(world, Some(intent.id), &report, kind).await;
        if report.outcome.is_failure() && intent.step.on_failure == OnFailure::Stop {
            stopped = before.or(Some((intent.decision, report.outcome)));
        }
        steps.push(report);
    }
    Outcome::of(steps)
}

/// The steps that failed, and that those behind them in their plan were to stop for. A process that was killed may not
/// have come to say so of each.
async fn halted<W: World>(pending: &[Intent], world: &W) -> Vec<(i64, IntentId)> {
    let (Some(store), Some(since)) = (
        world.store(),
        pending.iter().map(|intent| intent.created).min(),
    ) else {
        return Vec::new();
    };
    let query = Query {
        since: Some(since),
        ..Query::default()
    };
    match store.history(&query).await {
        Ok(all) => all
            .iter()
            .filter(|one| !matches!(one.state, State::Pending | State::Done | State::Superseded))
            .filter(|one| one.step.on_failure == OnFailure::Stop)
            .map(|one| (one.decision, one.id))
            .collect(),
        Err(error) => {
            journal::complain(world, &error);
            Vec::new()
        }
    }
}

async fn give_back<W: World>(intent: &Intent, world: &W) {
    if let Some(store) = world.store()
        && let Err(error) = store
            .left(intent.id, intent.message.as_deref().unwrap_or_default())
            .await
    {
        journal::complain(world, &error);
    }
}

/// Takes one intent to its end.
async fn go_on<W: World>(intent: &Intent, world: &W) -> StepReport {
    let step = &intent.step;
    let holder = Holder {
        role: intent.role,
        node: intent.node.clone(),
    };
    let settle =
        async |start: Start<'_>| settle(step, &holder, Some(intent.id), start, world).await;
    if let Some(id) = &intent.operation_id {
        return wait_on(intent, id, &holder, world).await;
    }
    let Some(barman) = world.barman(&step.api) else {
        return settle(Start::Guarded).await;
    };
    let stage = Stage {
        step,
        barman,
        world,
        holder: &holder,
        intent: Some(intent.id),
    };
    match (step.operation.kind(), intent.sent) {
        (RequestKind::Recovery, Some(sent)) => {
            let lost = "the process that sent it was killed";
            let sent = lookup::Sent {
                wall: sent,
                now: None,
            };
            match lookup::find(stage, sent, lost, step.retry.deadline).await {
                Ok(id) => {
                    journal::accepted(stage, &id).await;
                    wait_on(intent, &id, &holder, world).await
                }
                Err(end) => StepReport::ended(step, end),
            }
        }
        (RequestKind::Recovery, None) => {
            let message = "it was never sent, and whoever asked for it has gone on without it";
            StepReport::ended(step, End::new(StepOutcome::Unfinished, message))
        }
        // It may have been taken up: then the state is there, and nothing needs to be sent.
        (_, Some(_)) if step.verify != Verify::None && verify::is_there(stage).await => {
            StepReport::already(step)
        }
        _ => settle(Start::Guarded).await,
    }
}

/// What an operation gets whose time is up: enough to tell one that is gone from one that is still in progress.
const LOOK: Duration = Duration::from_secs(5);

/// Waits for an operation that was accepted earlier, for what is left of its time. A recovery may go on for
/// hours and nobody waits for its end any more: it is looked at once each time.
///
/// An operation whose process died stays in progress for ever. When its time is up it is given up, so that what
/// it should have set can be asked for again; and so is one that is done and can't be verified, or of which the API
/// can't say how it stands.
async fn wait_on<W: World>(intent: &Intent, id: &Name, holder: &Holder, world: &W) -> StepReport {
    let step = &intent.step;
    let sent = intent.sent.unwrap_or(intent.created);
    let age = world.clock().wall().saturating_sub(sent);
    let timeout = step.poll.timeout;
    let left = match step.operation.kind() {
        RequestKind::Recovery => Duration::ZERO,
        RequestKind::ConfigSwitch | RequestKind::ConfigUpdate => {
            timeout.saturating_sub(age).max(LOOK.min(timeout))
        }
    };
    let start = Start::Operation { id, left };
    let mut report = settle(step, holder, Some(intent.id), start, world).await;
    // The wall clock may have been set back since it was sent; then the time that we waited counts.
    let age = world.clock().wall().saturating_sub(sent);
    if report.outcome == StepOutcome::Unfinished && age.max(report.duration) >= timeout {
        let given_up = |outcome, why: &str| {
            let passed = duration::format(timeout);
            let message =
                format!("operation `{id}` is given up, {passed} (`poll.timeout`) are over: {why}");
            (outcome, Some(message))
        };
        let given_up = match status(step, id, world).await {
            Some(Ok(OperationStatus::InProgress)) => given_up(
                StepOutcome::Failed,
                "it is still in progress; has its process died on the Barman host?",
            ),
            Some(Ok(OperationStatus::Done)) => (StepOutcome::Unverified, report.message.clone()),
            Some(Err(trouble)) if is_an_answer(trouble.class) => {
                given_up(StepOutcome::Unverified, &trouble.message)
            }
            Some(Ok(OperationStatus::Failed) | Err(_)) | None => return report,
        };
        (report.outcome, report.message) = given_up;
        world.observe(&Progress::Settled { report: &report });
    }
    report
}

async fn status<W: World>(
    step: &Step,
    id: &Name,
    world: &W,
) -> Option<Result<OperationStatus, Trouble>> {
    let barman = world.barman(&step.api)?;
    Some(barman.poll(&Scope::of(&step.operation), id).await)
}

/// Whether the API was there and said something that is of no use.
const fn is_an_answer(class: Class) -> bool {
    match class {
        Class::Malformed | Class::Busy { .. } | Class::Collision | Class::Gone => true,
        Class::NotSent | Class::Refused | Class::Unknown => false,
    }
}
