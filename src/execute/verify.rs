//! Verification of Barman's state.

use std::time::Duration;

use serde_json::Value;

use crate::barman::{Class, Interest, ServerState};
use crate::http::{Clock, Effort};
use crate::model::{Role, Verify, duration};
use crate::patroni::Walsender;

use super::here::Seat;
use super::look::{Look, SIDE, applied, streaming};
use super::proof::Proof;
use super::{End, Holder, Progress, Stage, StepOutcome, World};

/// The pause between two looks at a state that is not yet in place.
const PAUSE: Duration = Duration::from_millis(500);

/// The pause between two looks at Patroni's list of walsenders, which cost nothing.
const GLANCE: Duration = Duration::from_millis(100);

/// The time for which only Patroni is asked before `/diagnose`, which visits every server of the Barman host.
const GLANCES: Duration = Duration::from_secs(2);

/// The times without WAL after which the same switch is sent again: it restarts Barman's
/// receiver at once, which otherwise waits for `barman cron`.
const KICKS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// The state is not in place.
pub(super) struct Unverified {
    /// The request can be sent again: another request has changed the state, or Barman's receiver did not start.
    pub(super) again: bool,
    /// The end of the step if it is not sent again.
    pub(super) end: End,
}

/// The memory from one verification of a step to the next.
#[derive(Debug)]
pub(super) struct Watch {
    /// The files that a recovery creates, as they were before.
    pub(super) before: Proof,
    /// The operation was found in a list, not returned to us.
    pub(super) found: bool,
    /// The time at which the first operation was done.
    done: Option<Duration>,
    /// The number of restarts of the receiver.
    kicks: usize,
}

impl Watch {
    /// Starts before anything is sent.
    pub(super) const fn new(before: Proof) -> Self {
        Self {
            before,
            found: false,
            done: None,
            kicks: 0,
        }
    }
}

/// Looks until the state is in place, as long as `poll.timeout` allows. Returns a warning if it is done but could not be
/// verified.
pub(super) async fn verify<W: World>(
    stage: Stage<'_, W>,
    watch: &mut Watch,
) -> Result<Option<String>, Unverified> {
    let Stage { step, world, .. } = stage;
    if step.operation.recovery().is_some() {
        let proof = watch.before.verify(stage, watch.found);
        return match proof {
            Ok(()) => Ok(None),
            Err(end) => Err(Unverified { again: false, end }),
        };
    }
    if step.verify == Verify::None {
        return Ok(None);
    }
    world.observe(&Progress::Verifying {
        step,
        waiting_for: None,
    });
    let clock = world.clock();
    let started = *watch.done.get_or_insert_with(|| clock.now());
    let bound = step.poll.bound();
    let mut last: Option<Look> = None;
    loop {
        let elapsed = clock.now().saturating_sub(started);
        let mut pause = PAUSE.max(elapsed / 10);
        let mut silent = None;
        if step.verify == Verify::Streaming
            && receives(world, &stage.holder.seat, stage.holder.role).await == Some(true)
        {
            return Ok(None);
        }
        if world.one_receiver() && step.verify == Verify::Streaming && elapsed < GLANCES {
            pause = GLANCE;
        } else {
            match look(stage, bound.saturating_sub(elapsed)).await {
                Ok(Look::Holds) => return Ok(None),
                Ok(Look::Hidden(why)) => return Ok(Some(why)),
                Ok(Look::Differs(what)) => {
                    let again = step.operation.kind().restarts_receiver();
                    let end = End::new(StepOutcome::Unverified, what);
                    return Err(Unverified { again, end });
                }
                Ok(look) => last = Some(look),
                Err(trouble) => silent = Some(trouble),
            }
        }
        let elapsed = clock.now().saturating_sub(started);
        let missing = match (&last, &silent) {
            (Some(Look::NotYet(what) | Look::NoWal(what) | Look::Unclear(what)), _) => what.clone(),
            (_, Some(trouble)) => trouble.clone(),
            _ => "WAL is not received yet".to_owned(),
        };
        if let (Some(Look::NoWal(what)), Some(kick)) = (&last, KICKS.get(watch.kicks))
            && elapsed >= *kick
        {
            watch.kicks += 1;
            let end = End::new(StepOutcome::Unverified, what.clone());
            return Err(Unverified { again: true, end });
        }
        if elapsed + pause >= bound {
            let bound = duration::format(bound);
            if last.is_none()
                && let Some(trouble) = silent
            {
                return Ok(Some(format!(
                    "done, but not verified within {bound}: {trouble}"
                )));
            }
            let message =
                format!("the operation is done, but after {bound} (`poll.timeout`): {missing}");
            return Err(Unverified {
                again: false,
                end: End::new(StepOutcome::Unverified, message),
            });
        }
        if pause > GLANCE {
            stage.let_others_begin();
            world.observe(&Progress::Verifying {
                step,
                waiting_for: Some(&missing),
            });
        }
        clock.sleep(pause).await;
    }
}

/// Checks in Patroni's list of walsenders whether Barman receives WAL from a leader; `None` if that list is
/// inconclusive: several Barmans have the same name.
pub(super) async fn receives<W: World>(world: &W, seat: &Seat, role: Role) -> Option<bool> {
    if !world.one_receiver() || !role.leads() {
        return None;
    }
    let patroni = seat.patroni(world)?.within(SIDE);
    let node = patroni.node().await.ok()?;
    let receivers = node.walsenders?;
    let barman = |walsender: &&Walsender| walsender.application_name == ServerState::RECEIVER;
    let mut found = receivers.iter().filter(barman);
    match (found.next(), found.next()) {
        // A walsender in `startup` has not acquired the slot yet, and may fail to.
        (Some(only), None) => Some(only.receives() && only.state != "startup"),
        (None, _) => Some(false),
        (Some(_), Some(_)) => None,
    }
}

/// Returns true if the state is already in place, in a look with this time limit.
pub(super) async fn is_there<W: World>(stage: Stage<'_, W>, limit: Duration) -> bool {
    matches!(look(stage, limit).await, Ok(Look::Holds))
}

/// Makes the API read Barman's configuration again.
pub(super) async fn reread<W: World>(stage: Stage<'_, W>) {
    let interest = Interest::of([&stage.step.operation]);
    let _ = stage.barman.within(EXPLAIN).diagnose(&interest).await;
}

/// One look; an error means that it failed.
async fn look<W: World>(stage: Stage<'_, W>, left: Duration) -> Result<Look, String> {
    let Stage { step, barman, .. } = stage;
    let interest = Interest::of([&step.operation]);
    let diagnosis = match barman
        .within(left.min(Effort::LONG))
        .diagnose(&interest)
        .await
    {
        Ok(diagnosis) => diagnosis,
        // The path is not published, and never will be.
        Err(trouble) if trouble.class == Class::Between => {
            return Ok(Look::Hidden(format!(
                "done, but it cannot be verified: {}; publish `/diagnose`, or set `verify: none`",
                trouble.message
            )));
        }
        Err(trouble) => return Err(trouble.message),
    };
    match (
        step.operation.follows(),
        applied(&step.operation, &diagnosis),
    ) {
        (Some((server, _)), Look::Holds) if step.verify == Verify::Streaming => {
            let Holder { seat, role, .. } = stage.holder;
            Ok(streaming(stage.world, seat, *role, &diagnosis, server).await)
        }
        (_, look) => Ok(look),
    }
}

/// The time limit for a reason that does not affect the outcome.
const EXPLAIN: Duration = Duration::from_secs(10);

/// The mistake in a request whose operation failed, if Barman's state shows it.
pub(super) async fn explain<W: World>(stage: Stage<'_, W>) -> Option<String> {
    let Stage { step, barman, .. } = stage;
    let (server, model) = step.operation.follows()?;
    if step.verify == Verify::None {
        return None;
    }
    let diagnosis = barman
        .within(EXPLAIN)
        .diagnose(&Interest::of([&step.operation]))
        .await
        .ok()?;
    if let Some(why) = diagnosis.why_no_models() {
        return Some(why);
    }
    let config = &diagnosis.servers.get(server.as_str())?.config;
    let cluster = config.get("cluster").and_then(Value::as_str)?;
    let fitting = || {
        let mut fitting: Vec<_> = diagnosis
            .models
            .iter()
            .filter(|(_, model)| model.cluster.as_deref() == Some(cluster))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        fitting.sort();
        if fitting.is_empty() {
            "no model at all".to_owned()
        } else {
            fitting.join(", ")
        }
    };
    match diagnosis.models.get(model.as_str()) {
        None => Some(format!(
            "there is no model `{model}`; for `{server}` there is {}",
            fitting()
        )),
        Some(found) if found.cluster.as_deref() != Some(cluster) => Some(format!(
            "model `{model}` is for cluster `{}` and server `{server}` for `{cluster}`; for `{server}` there is {}",
            found.cluster.as_deref().unwrap_or_default(),
            fitting()
        )),
        Some(_) => None,
    }
}
