//! The step machine: fence, intend, send, poll, verify, settle.
//!
//! It executes a plan against the world, which it sees only through traits. The meaning
//! of a failed attempt is classified where the exchange is made; this module only decides what follows
//! from it. Everything that happens is reported to an observer as [`Progress`], in order: logs, the
//! status line of a terminal and tests read the same events.

mod apis;
mod backoff;
mod backup;
mod callback;
mod converge;
mod earlier;
mod fence;
mod fighting;
mod here;
mod journal;
mod lane;
mod look;
mod looks;
mod lookup;
mod outcome;
mod poll;
mod progress;
mod proof;
mod receipt;
mod resume;
mod submit;
mod verify;

use std::path::Path;
use std::time::Duration;

use crate::barman::Barman;
use crate::evaluate::{Plan, Step};
use crate::http::{Clock, Effort, Http};
use crate::model::{ApiName, Event, Name, Role, Verify};
use crate::patroni::Patroni;
use crate::store::{Cause, Decision, EventId, IntentId, Store};

use lane::Turn;

pub use apis::{ApiSeen, apis};
pub use callback::{Ended, SecondLook, Undecided, callback, second_look};
use converge::look_again;
pub use converge::{Comparison, Passed, compare, pass};
pub use fighting::Fighting;
pub use here::{Here, HereError, Part, Seat};
pub use journal::patience_of;
pub use look::{NoWal, Wal};
pub use looks::{Looks, flows};
pub use outcome::{Outcome, StepOutcome, StepReport, Verdict};
pub use progress::Progress;
pub use receipt::{Judged, receipts, receipts_with};
pub use resume::{Which, Whose, resume};

/// The world outside one process.
pub trait World {
    /// The client for one endpoint.
    type Http: Http;
    /// The clock.
    type Clock: Clock;
    /// The state database.
    type Store: Store;

    /// The pg-backup-api with this name, if the rules have it.
    fn barman(&self, api: &ApiName) -> Option<Barman<'_, Self::Http>>;
    /// The Patroni REST APIs that the rules file names, the local one first.
    fn patronis(&self) -> Vec<Patroni<'_, Self::Http>>;
    /// Returns true if, according to the rules, exactly one Barman receives WAL of this cluster, so that a walsender with
    /// Barman's name is its own.
    fn one_receiver(&self) -> bool;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// The state, if it is usable.
    fn store(&self) -> Option<&Self::Store>;
    /// The identity of a file on this machine: a recovery is verified by the files that it created.
    fn stamp(&self, path: &Path) -> Option<Stamp>;
    /// The time of the last change below a directory of this machine, in nanoseconds; `None` if it does not exist here.
    fn newest_below(&self, directory: &Path) -> Option<i128>;
    /// Returns true if a PostgreSQL is running in a data directory on this machine.
    fn is_running(&self, datadir: &Path) -> bool;
    /// Receives each event.
    fn observe(&self, progress: &Progress<'_>);
}

/// The identity of a file at its creation: another or newer file at the same path has another stamp. Modification times are not
/// included, since copying keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The inode.
    pub inode: u64,
    /// The time of the inode's last change, in nanoseconds.
    pub changed: i128,
}

/// Executes the plan of a callback that was called at this time of the world's clock.
pub async fn execute<W: World>(plan: &Plan, called: Called, world: &W) -> Outcome {
    carry_out(
        plan,
        &Seat::Here,
        Cause::Event(called.event),
        Some(called.at),
        world,
    )
    .await
}

/// The time of a callback's call, and its record in the store.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The time of the world's clock.
    pub at: Duration,
    /// The event in the store.
    pub event: Option<EventId>,
}

impl Called {
    /// Called at this time, without a record.
    pub const fn at(at: Duration) -> Self {
        Self { at, event: None }
    }
}

/// `called` is `None` if Patroni's call was long ago, or if the reason is a look at Barman's state.
async fn carry_out<W: World>(
    plan: &Plan,
    seat: &Seat,
    cause: Cause<'_>,
    called: Option<Duration>,
    world: &W,
) -> Outcome {
    let written = intend(plan, cause, world).await;
    let holder = Holder {
        seat: seat.clone(),
        ..Holder::new(plan.event, plan.role, &plan.cluster, plan.node.as_deref())
    };
    let intent = |index: usize| match written.as_ref().map(|intents| intents.get(index)) {
        None => Some(None),
        Some(Some(Some(intent))) => Some(Some(*intent)),
        // A newer request is pending for its target.
        Some(_) => None,
    };
    let jobs = plan.steps.iter().enumerate().filter_map(|(index, step)| {
        Some(lane::Job {
            step,
            intent: intent(index)?,
        })
    });
    let start = called.map_or(Start::Later, Start::Called);
    let steps = lane::side_by_side(jobs.collect(), async |job, turn| {
        let start = match start {
            Start::Called(at) if looks_first(plan.event, job.step) => Start::Looking(at),
            start => start,
        };
        act(&job, &holder, start, turn, world).await
    })
    .await;
    Outcome {
        first: written.into_iter().flatten().flatten().next(),
        ..Outcome::of(steps)
    }
}

/// Returns true if Barman may already have what a step asks for: only a change of roles is sent without a look. A switch restarts
/// Barman's receiver even if the model is active, so there is a look even if the result is not verified.
fn looks_first(event: Event, step: &Step) -> bool {
    let switches = step.operation.kind().restarts_receiver();
    event != Event::OnRoleChange
        && step.operation.kind().sets_state()
        && (switches || step.verify != Verify::None)
}

/// Executes one step and records the result.
async fn act<W: World>(
    job: &lane::Job<'_>,
    holder: &Holder,
    start: Start<'_>,
    turn: Turn<'_>,
    world: &W,
) -> StepReport {
    let report = match turn.stopped_by() {
        Some(before) => StepReport::not_run(job.step, before),
        None => settle(job.step, holder, job.intent, start, Some(turn), world).await,
    };
    let left = journal::Left::after(job.step.operation.kind(), &holder.seat);
    journal::settled(world, job.intent, &report, left).await;
    report
}

/// Records the whole plan before any of it is sent; `None` if that fails, in which case it is sent
/// anyway.
async fn intend<W: World>(
    plan: &Plan,
    cause: Cause<'_>,
    world: &W,
) -> Option<Vec<Option<IntentId>>> {
    let store = world.store().filter(|_| !plan.steps.is_empty())?;
    let decision = Decision {
        plan,
        cause,
        now: world.clock().wall(),
    };
    let bound = journal::bound(plan);
    match journal::bounded(world, bound, store.intend(&decision)).await {
        Ok(intents) => Some(intents),
        Err(error) => {
            journal::complain(world, &error);
            None
        }
    }
}

/// Executes one step and returns its report.
async fn settle<W: World>(
    step: &Step,
    holder: &Holder,
    intent: Option<IntentId>,
    start: Start<'_>,
    turn: Option<Turn<'_>>,
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
                turn,
            };
            take(stage, start, &mut report).await
        }
        None => Err(End::new(
            StepOutcome::Refused,
            format!("there is no api `{}`", step.api),
        )),
    };
    let (outcome, message) = match taken {
        Ok(warning) => (StepOutcome::Done, warning),
        Err(end) => (end.outcome, Some(end.message)),
    };
    report.duration = world.clock().now().saturating_sub(started);
    report.outcome = outcome;
    report.message = message;
    world.observe(&Progress::Settled {
        step,
        report: &report,
    });
    report
}

/// Sends until the requested state is in place, or until it is pointless to continue. Returns a warning if it
/// is done but could not be verified.
async fn take<W: World>(
    stage: Stage<'_, W>,
    start: Start<'_>,
    report: &mut StepReport,
) -> Result<Option<String>, End> {
    let mut tries = submit::Tries::new(stage, start);
    let mut before = proof::Proof::of_earlier(stage);
    let mut known = match start {
        Start::Operation { id, left } => Some((id.clone(), left)),
        Start::Looking(_) if verify::is_there(stage, look::SIDE).await => return Ok(None),
        Start::Called(_) | Start::Looking(_) | Start::Later => {
            earlier::wait(stage).await?;
            backup::refuse_unfit(stage).await?;
            // Files of an earlier recovery are not ours.
            before = proof::Proof::now(stage);
            None
        }
    };
    let mut watch = verify::Watch::new(before);
    loop {
        let (id, left) = if let Some(known) = known.take() {
            known
        } else {
            let taken_up = tries.submit(report, &watch.before).await?;
            watch.found |= taken_up.found;
            (taken_up.id, stage.step.poll.bound())
        };
        report.operation_id = Some(id.clone());
        let warning = match poll::wait(stage, &id, stage.intent, left).await {
            Ok(()) => match verify::verify(stage, &mut watch).await {
                Ok(warning) => warning,
                // Another client's operation can have had the same ID: ours was lost, and its `DONE` was not about us.
                // Or Barman's receiver did not start. A state can be set again; a recovery is never repeated.
                Err(verify::Unverified { again: true, end }) => {
                    tries.again(end).await?;
                    continue;
                }
                Err(verify::Unverified { end, .. }) => return Err(end),
            },
            // Without verification, the next process resends an operation that failed or is gone.
            Err(end)
                if stage.step.operation.kind().sets_state()
                    && (stage.step.verify != Verify::None
                        || failed_earlier(start, report, &end)) =>
            {
                // It may have taken effect anyway; and a failure may succeed next time.
                if end.hopeless {
                    return Err(end);
                } else if stage.step.verify != Verify::None
                    && verify::is_there(stage, Effort::LONG).await
                {
                    None
                } else {
                    tries.again(end).await?;
                    continue;
                }
            }
            Err(end) => return Err(watch.before.explain(end)),
        };
        // The role may have been lost in the meantime: then another member's request has the last word.
        return match fence::ask(stage, None).await {
            fence::Answer::Shut(end) => Err(end),
            fence::Answer::Open | fence::Answer::Unknown(_) => Ok(warning),
        };
    }
}

/// Returns true if an earlier process sent the operation, and it did not succeed.
const fn failed_earlier(start: Start<'_>, report: &StepReport, end: &End) -> bool {
    matches!(start, Start::Operation { .. })
        && report.attempts == 0
        && matches!(end.outcome, StepOutcome::Failed | StepOutcome::Refused)
}

/// The point at which a step starts.
#[derive(Debug, Clone, Copy)]
enum Start<'a> {
    /// A callback was called at this time: while that is recent, an unreachable Patroni does not delay its first attempt.
    Called(Duration),
    /// The same for an event that changes no role: Barman may already have the wanted state.
    Looking(Duration),
    /// Decided earlier, or after a look: while Patroni is unreachable, nothing is sent.
    Later,
    /// Sent earlier, and accepted as this operation, which has this much time left.
    Operation { id: &'a Name, left: Duration },
}

/// The member that a request was decided for: the fence asks whether it still has the role.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    event: Event,
    cluster: Option<String>,
    role: Role,
    node: Option<String>,
    seat: Seat,
}

impl Holder {
    /// A member of this node; `recover` has no cluster.
    fn new(event: Event, role: Role, cluster: &str, node: Option<&str>) -> Self {
        Self {
            event,
            cluster: Some(cluster.to_owned()).filter(|cluster| !cluster.is_empty()),
            role,
            node: node.map(str::to_owned),
            seat: Seat::Here,
        }
    }
}

/// One step with everything needed to execute it.
struct Stage<'a, W: World> {
    step: &'a Step,
    barman: Barman<'a, W::Http>,
    world: &'a W,
    holder: &'a Holder,
    intent: Option<IntentId>,
    turn: Option<Turn<'a>>,
}

impl<W: World> Stage<'_, W> {
    /// Lets the next request to the same API begin.
    fn let_others_begin(&self) {
        if let Some(turn) = self.turn {
            turn.pass();
        }
    }
}

impl<W: World> Clone for Stage<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: World> Copy for Stage<'_, W> {}

/// The reason why a step ended without being done.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    outcome: StepOutcome,
    message: String,
    /// A retry would end the same way.
    hopeless: bool,
}

impl End {
    fn new(outcome: StepOutcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            hopeless: false,
        }
    }
}
