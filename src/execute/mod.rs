//! The step machine: fence, intend, send, poll, verify, settle.
//!
//! It takes a plan and carries it out against the outside, which it sees only through traits. What
//! became of an attempt is classified where the exchange is made; here is only what follows from
//! it. Everything that happens is told to an observer as [`Progress`], in the order in which it
//! happens: logs, the line on a terminal and tests read the same events.

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
use crate::model::{ApiName, Event, Name, RequestKind, Role, Verify};
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
    /// The Patroni REST APIs that the rules file names, the local one first.
    fn patronis(&self) -> Vec<Patroni<'_, Self::Http>>;
    /// Tells whether exactly one Barman receives WAL of this cluster by the rules, so that a walsender of Barman's name
    /// is its own.
    fn one_receiver(&self) -> bool;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// The state, if it can be used.
    fn store(&self) -> Option<&Self::Store>;
    /// Which file is at a path on this machine: a recovery is verified by what it made anew.
    fn stamp(&self, path: &Path) -> Option<Stamp>;
    /// When anything below a directory of this machine was changed last, in nanoseconds; `None` if it is not here.
    fn newest_below(&self, directory: &Path) -> Option<i128>;
    /// Tells whether a PostgreSQL runs in a data directory on this machine.
    fn is_running(&self, datadir: &Path) -> bool;
    /// Is told what happens.
    fn observe(&self, progress: &Progress<'_>);
}

/// A file as it was made: another file, or a newer one, at the same path has another stamp. Modification times are not
/// in it, since copying keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The inode.
    pub inode: u64,
    /// When the inode was changed, in nanoseconds.
    pub changed: i128,
}

/// Carries out the plan of a callback that was called at this time of the world's clock.
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

/// When a callback was called, and what was written down of it before anything was asked.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The time of the world's clock.
    pub at: Duration,
    /// The event in the store.
    pub event: Option<EventId>,
}

impl Called {
    /// Called at this time, and not written down.
    pub const fn at(at: Duration) -> Self {
        Self { at, event: None }
    }
}

/// `called` is absent if it is long since Patroni called, or if Barman's state was looked at.
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
        // Something newer is pending for its target.
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

/// Tells whether Barman may have what a step asks for already: only a change of roles is sent at once. A switch restarts
/// Barman's receiver also when the model is active, so it is looked for even where the end is not verified.
fn looks_first(event: Event, step: &Step) -> bool {
    let switches = step.operation.kind() == RequestKind::ConfigSwitch;
    event != Event::OnRoleChange
        && step.operation.kind().sets_state()
        && (switches || step.verify != Verify::None)
}

/// Takes one step to its end and writes down which that is.
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

/// Writes down the whole plan before anything of it is sent; `None` if that can't be done, and then it is sent
/// all the same.
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

/// Takes one step to its end: its report says which.
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

/// Sends until the state that was asked for is there, or until there is no point in going on. Returns a warning if it
/// is done and that could not be verified.
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
            proof::refuse_running(stage)?;
            earlier::wait(stage).await?;
            backup::refuse_unfit(stage).await?;
            // What an earlier recovery made is not ours.
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
                // Another client's operation can have had the same id: ours was lost, and its `DONE` was not about us.
                // Or Barman's receiver did not start. A state can be set again; a recovery is never repeated.
                Err(verify::Unverified { again: true, end }) => {
                    tries.again(end).await?;
                    continue;
                }
                Err(verify::Unverified { end, .. }) => return Err(end),
            },
            // Without verification, an operation that failed or is gone is sent again by the next process.
            Err(end)
                if stage.step.operation.kind().sets_state()
                    && (stage.step.verify != Verify::None
                        || failed_earlier(start, report, &end)) =>
            {
                // It may have been applied all the same; and what did not end well may do so another time.
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
        // The role may have been lost meanwhile: then another member's request has the last word.
        return match fence::ask(stage, None).await {
            fence::Answer::Shut(end) => Err(end),
            fence::Answer::Open | fence::Answer::Unknown(_) => Ok(warning),
        };
    }
}

/// Tells whether an earlier process sent the operation, and it did not end well.
const fn failed_earlier(start: Start<'_>, report: &StepReport, end: &End) -> bool {
    matches!(start, Start::Operation { .. })
        && report.attempts == 0
        && matches!(end.outcome, StepOutcome::Failed | StepOutcome::Refused)
}

/// The place from which a step goes on.
#[derive(Debug, Clone, Copy)]
enum Start<'a> {
    /// A callback was called at this time: while that is fresh, a silent Patroni does not hold up its first attempt.
    Called(Duration),
    /// The same for an event that changes no role: Barman may have what is wanted already.
    Looking(Duration),
    /// Decided earlier, or by looking: while Patroni is silent, nothing is sent.
    Later,
    /// Sent earlier, and taken up as this operation, for whose end so much time is left.
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
    /// A member of this node; `recover` knows no cluster.
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

/// One step and what it is carried out with.
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

/// Why a step ended without being done.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    outcome: StepOutcome,
    message: String,
    /// Another try would end the same way.
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
