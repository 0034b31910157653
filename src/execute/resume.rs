//! Resuming the decisions that an earlier process did not finish.

use std::time::Duration;

use crate::barman::{Class, OperationStatus, Scope, Trouble};
use crate::evaluate::{Plan, Step};
use crate::http::{Clock as _, Effort, together};
use crate::model::{Name, Role, Verify, duration};
use crate::store::{Cause, EventId, Intent, IntentId, Recorded, Settled, State, Store, StoreError};

use super::here::Seat;
use super::{
    End, Holder, Outcome, Progress, Stage, Start, StepOutcome, StepReport, Verdict, World,
    carry_out, journal, lookup, settle, verify,
};

/// The pending intents to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that set a state. A callback takes these after its own.
    States,
    /// Those that set a state and were decided before this one.
    StatesBefore(IntentId),
    /// All of them, including recoveries, whose end may be hours away.
    All,
}

/// The member whose pending requests are resumed.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// Patroni's scope.
    pub cluster: &'a str,
    /// The member, if its name is known.
    pub node: Option<&'a str>,
    /// Its current role.
    pub role: Role,
    /// The wall-clock time of the call: later decisions may be for another role.
    pub asked: Duration,
}

/// Resumes the pending requests of a member that no live process is working on.
///
/// A request is sent only if the rules, evaluated again for its event, still want it: `decide`
/// evaluates them, and returns `None` if that is not possible here. An operation with a known ID is polled, not sent
/// again; an intent of unknown fate is settled by looking; a recovery is never repeated. If the pending requests can't be
/// read, the verdict is unfinished.
pub async fn resume<W: World>(
    whose: Whose<'_>,
    which: Which,
    decide: &dyn Fn(&Recorded) -> Option<Plan>,
    world: &W,
) -> Outcome {
    let unknown = Outcome {
        verdict: Verdict::Unfinished,
        ..Outcome::of(Vec::new())
    };
    let Some(store) = world.store() else {
        return unknown;
    };
    let now = world.clock().wall();
    let (intents, events) = match (
        bounded(world, store.take_over(whose.cluster, whose.node, now)).await,
        bounded(world, store.undecided(whose.cluster, whose.node)).await,
    ) {
        (Ok(intents), Ok(events)) => (intents, events),
        (Err(error), _) | (_, Err(error)) => {
            journal::complain(world, &error);
            return unknown;
        }
    };
    let mut wanted = Vec::new();
    for mut intent in intents {
        // The rules may have a new address for the API.
        if let Some(barman) = world.barman(&intent.step.api) {
            intent.step.url = barman.place(&intent.step.operation);
        }
        let sets_state = intent.step.operation.kind().sets_state();
        let taken = match which {
            Which::All => true,
            Which::States => sets_state,
            Which::StatesBefore(first) => sets_state && intent.id < first,
        };
        let newer = intent.created > whose.asked && intent.created <= now;
        if !taken || newer {
            give_back(&intent, world).await;
        } else if !sets_state || still_wanted(&intent, whose.role, decide, world).await {
            wanted.push(intent);
        }
    }
    let taken_up = wanted.iter().map(async |intent| {
        world.observe(&Progress::Resuming { intent });
        let report = go_on(intent, world).await;
        let left = journal::Left::after(intent.step.operation.kind(), &Seat::Here);
        journal::settled(world, Some(intent.id), &report, left).await;
        report
    });
    let mut steps = together(taken_up.collect()).await;
    for (event, recorded) in events {
        if let Some(outcome) = decide_late(event, &recorded, whose, decide, world).await {
            steps.extend(outcome.steps);
        }
    }
    Outcome::of(steps)
}

/// Waits for the store with the limit for work that is not urgent.
async fn bounded<W: World, T>(
    world: &W,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    journal::bounded(world, journal::RECOVERY, work).await
}

/// Decides on an event that an earlier process only recorded.
async fn decide_late<W: World>(
    event: EventId,
    recorded: &Recorded,
    whose: Whose<'_>,
    decide: &dyn Fn(&Recorded) -> Option<Plan>,
    world: &W,
) -> Option<Outcome> {
    let named = Recorded {
        node: whose
            .node
            .map(str::to_owned)
            .or_else(|| recorded.node.clone()),
        ..recorded.clone()
    };
    let plan = decide(&named)?;
    let void = !same_side(recorded.role, whose.role)
        || plan
            .steps
            .iter()
            .any(|step| !step.operation.kind().sets_state());
    if void || plan.steps.is_empty() {
        if let Some(store) = world.store()
            && let Err(error) = bounded(world, store.close(event)).await
        {
            journal::complain(world, &error);
        }
        return None;
    }
    // Patroni's call was long ago: an unreachable Patroni delays it.
    Some(carry_out(&plan, &Seat::Here, Cause::Event(Some(event)), None, world).await)
}

/// Returns true if the rules still want the decision. If they do not, the intent is settled; if they can't be
/// evaluated here, it stays pending.
async fn still_wanted<W: World>(
    intent: &Intent,
    role: Role,
    decide: &dyn Fn(&Recorded) -> Option<Plan>,
    world: &W,
) -> bool {
    let why = if same_side(role, intent.role) {
        let recorded = Recorded {
            cluster: intent.cluster.clone(),
            node: intent.node.clone(),
            event: intent.event,
            role: intent.role,
            raw_role: intent.raw_role.clone(),
            sets: intent.sets.clone(),
        };
        let Some(plan) = decide(&recorded) else {
            give_back(intent, world).await;
            return false;
        };
        if plan.steps.iter().any(|step| covers(step, &intent.step)) {
            return true;
        }
        "the rules no longer ask for it"
    } else {
        "the node has another role now"
    };
    if let Some(store) = world.store() {
        let end = Settled {
            state: State::Superseded,
            message: Some(why),
            now: world.clock().wall(),
        };
        if let Err(error) = bounded(world, store.settled(intent.id, &end)).await {
            journal::complain(world, &error);
        }
    }
    false
}

/// Returns true if a decision for one role still concerns a member that has another: a demoted member soon is
/// a replica.
fn same_side(now: Role, then: Role) -> bool {
    let follows = |role| matches!(role, Role::Replica | Role::Demoted);
    now == then || follows(now) && follows(then)
}

/// Returns true if a step includes everything that an earlier one, or its rest, asks for.
fn covers(step: &Step, earlier: &Step) -> bool {
    if step.api != earlier.api {
        return false;
    }
    let targets = earlier.operation.targets(&earlier.api);
    let part = step
        .operation
        .only(&step.api, &|target| targets.contains(target));
    part.as_ref() == Some(&earlier.operation)
}

async fn give_back<W: World>(intent: &Intent, world: &W) {
    if let Some(store) = world.store()
        && let Err(error) = bounded(
            world,
            store.left(intent.id, intent.message.as_deref().unwrap_or_default()),
        )
        .await
    {
        journal::complain(world, &error);
    }
}

/// Executes one intent.
async fn go_on<W: World>(intent: &Intent, world: &W) -> StepReport {
    let step = &intent.step;
    let holder = Holder::new(
        intent.event,
        intent.role,
        &intent.cluster,
        intent.node.as_deref(),
    );
    if let Some(id) = &intent.operation_id {
        return wait_on(intent, id, &holder, world).await;
    }
    let carry_on = async || settle(step, &holder, Some(intent.id), Start::Later, None, world).await;
    let Some(barman) = world.barman(&step.api) else {
        return carry_on().await;
    };
    let stage = Stage {
        step,
        barman,
        world,
        holder: &holder,
        intent: Some(intent.id),
        turn: None,
    };
    match (step.operation.kind().sets_state(), intent.sent) {
        (false, Some(sent)) => {
            let sent = lookup::Sent {
                wall: sent,
                now: None,
            };
            let named = lookup::glance(stage, sent).await;
            match named.as_ref().map(|named| named.recoveries.as_slice()) {
                Ok([only]) => {
                    journal::accepted(stage, only).await;
                    wait_on(intent, only, &holder, world).await
                }
                Ok([]) if lookup::is_late(sent, world.clock()) => abandoned(step),
                Ok(found) => {
                    let message = match found.len() {
                        0 => "the answer was lost, and Barman may still take it up",
                        _ => "the answer was lost, and several recoveries began at that time",
                    };
                    StepReport::ended(step, End::new(StepOutcome::Unfinished, message))
                }
                Err(trouble) => {
                    let message =
                        format!("the answer was lost, and the list can't be read: {trouble}");
                    StepReport::ended(step, End::new(StepOutcome::Unfinished, message))
                }
            }
        }
        (false, None) => abandoned(step),
        // It may have been accepted: then the state is in place, and nothing needs to be sent.
        _ if step.verify != Verify::None && verify::is_there(stage, Effort::LONG).await => {
            StepReport::already(step)
        }
        _ => carry_on().await,
    }
}

fn abandoned(step: &Step) -> StepReport {
    let message = "it never arrived, and its caller has gone on without it";
    StepReport::ended(step, End::new(StepOutcome::Unfinished, message))
}

/// The time spent on an operation whose time is up: enough to distinguish one that is gone from one that is still in
/// progress.
const LOOK: Duration = Duration::from_secs(5);

/// Waits for an operation that was accepted earlier, for the rest of its time. A recovery may take
/// hours and its caller no longer waits: it is polled once each time, and holds its directory until its end is known.
///
/// Another operation whose process died stays in progress for ever. When its time is up it is given up, so that the state
/// it should have set can be requested again; and so is one that is done but can't be verified, or whose state the API
/// can't report.
async fn wait_on<W: World>(intent: &Intent, id: &Name, holder: &Holder, world: &W) -> StepReport {
    let step = &intent.step;
    let sent = intent.sent.unwrap_or(intent.created);
    let age = world.clock().wall().saturating_sub(sent);
    let timeout = step.poll.bound();
    let sets_state = step.operation.kind().sets_state();
    let left = if sets_state {
        timeout.saturating_sub(age).max(LOOK.min(timeout))
    } else {
        Duration::ZERO
    };
    let start = Start::Operation { id, left };
    let mut report = settle(step, holder, Some(intent.id), start, None, world).await;
    // The wall clock may have been set back since it was sent; then the time that we waited counts.
    let age = world.clock().wall().saturating_sub(sent);
    let is_over = age.max(report.duration) >= timeout;
    if sets_state && report.outcome == StepOutcome::Unfinished && is_over {
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
        world.observe(&Progress::Settled {
            step,
            report: &report,
        });
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

/// Returns true if the API answered, but with nothing useful.
const fn is_an_answer(class: Class) -> bool {
    match class {
        Class::Malformed | Class::Between | Class::Busy { .. } | Class::Collision | Class::Gone => {
            true
        }
        Class::NotSent | Class::Refused { .. } | Class::Unknown => false,
    }
}
