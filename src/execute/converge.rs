//! The state that the rules want, compared with Barman's and corrected.

use std::time::Duration;

use crate::barman::{ActiveModel, Diagnosis, ServerState};
use crate::evaluate::{Plan, Step, Wanted};
use crate::http::{Clock as _, together};
use crate::model::{ApiName, ModelName, Name, Verify};
use crate::store::{Cause, Intent, Query, State, Store as _};

use super::fighting::{self, Fighting};
use super::here::{Part, Seat};
use super::look::{self, NoWal, Shown, Wal};
use super::looks::{Looks, Seen};
use super::{Outcome, Progress, Verdict, World, carry_out, journal, lookup, verify};

/// One state that the rules want.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The member that it is wanted for, if its name is known.
    pub member: Option<String>,
    /// The member is on another node.
    pub elsewhere: bool,
    /// The step that would set it.
    pub step: Step,
    /// The difference, if any; an error if it is unknown.
    pub differs: Result<Option<String>, String>,
    /// The state of the WAL stream from the member that a switch follows.
    pub wal: Option<Wal>,
    /// The server's state, for a switch.
    pub server: Option<ServerState>,
    /// Barman's version.
    pub barman: Option<String>,
    /// Another program keeps changing it back; it is not corrected for a while.
    pub fighting: Option<Fighting>,
}

impl Comparison {
    /// The endpoint.
    #[must_use]
    pub const fn api(&self) -> &ApiName {
        &self.step.api
    }

    /// The server, if the step concerns one.
    #[must_use]
    pub fn server_name(&self) -> Option<&Name> {
        self.step.operation.server()
    }

    /// The model that should be active: `None` if this is not a switch, `Some(None)` if none should be.
    #[must_use]
    pub const fn wanted_model(&self) -> Option<Option<&ModelName>> {
        match self.step.operation.switch() {
            Some(switch) => Some(switch.to.model()),
            None => None,
        }
    }

    /// The active model, if known.
    #[must_use]
    pub fn active_model(&self) -> Option<&ActiveModel> {
        self.server.as_ref().map(|server| &server.active_model)
    }
}

impl Comparison {
    /// Returns true if Barman has the wanted state and, where that matters, receives WAL.
    pub fn as_wanted(&self) -> bool {
        self.differs == Ok(None) && self.no_wal().is_none()
    }

    /// The reason why WAL does not flow, if the rules verify streaming.
    pub fn no_wal(&self) -> Option<&NoWal> {
        let wal = self.wal.as_ref();
        wal.and_then(Wal::missing)
            .filter(|_| self.step.verify == Verify::Streaming)
    }

    /// The evidence that Barman differs from the rules.
    fn evidence(&self) -> Option<&str> {
        let differs = self.differs.as_ref().ok().and_then(Option::as_deref);
        differs.or_else(|| self.no_wal().map(|wal| wal.message.as_str()))
    }

    /// Returns true if the request should be sent: something differs, or evidently no WAL is received, and no other program
    /// keeps changing it back.
    pub fn calls_for_action(&self) -> bool {
        let no_wal = self.no_wal().is_some_and(|wal| wal.evident);
        let differs = matches!(self.differs, Ok(Some(_))) || self.differs == Ok(None) && no_wal;
        differs && self.fighting.is_none()
    }

    fn is_about(&self, part: &Part) -> bool {
        self.member == part.plan.node && self.elsewhere == (part.seat != Seat::Here)
    }
}

/// Compares every state in the plans with Barman's; nothing is sent.
pub async fn compare<W: World>(parts: &[Part], looks: &Looks, world: &W) -> Vec<Comparison> {
    let each = by_api(parts);
    let compared = each
        .iter()
        .map(|(api, parts)| compare_in(api, parts, looks, world));
    let compared = together(compared.collect()).await;
    compared.into_iter().flatten().collect()
}

/// The plans' states that can be compared, API by API.
fn by_api(parts: &[Part]) -> Vec<(ApiName, Vec<Part>)> {
    let mut apis: Vec<&ApiName> = parts
        .iter()
        .flat_map(|part| part.plan.steps.iter().map(|step| &step.api))
        .collect();
    apis.sort();
    apis.dedup();
    let of = |api: &ApiName| {
        let narrowed = parts.iter().map(|part| {
            let steps = part.plan.steps.iter();
            let steps = steps.filter(|step| {
                step.api == *api && step.operation.kind().is_comparable(step.verify)
            });
            Part {
                plan: Plan {
                    steps: steps.cloned().collect(),
                    ..part.plan.clone()
                },
                sets: part.sets.clone(),
                seat: part.seat.clone(),
            }
        });
        let parts: Vec<Part> = narrowed
            .filter(|part| !part.plan.steps.is_empty())
            .collect();
        (api.clone(), parts)
    };
    apis.into_iter().map(of).collect()
}

async fn compare_in<W: World>(
    api: &ApiName,
    parts: &[Part],
    looks: &Looks,
    world: &W,
) -> Vec<Comparison> {
    if parts.is_empty() {
        return Vec::new();
    }
    let seen = match looks.take(api, parts, world).await {
        Some(seen) => seen.map_err(|trouble| trouble.message),
        None => Err(format!("there is no api `{api}`")),
    };
    let mut compared = Vec::new();
    for part in parts {
        for step in &part.plan.steps {
            let mut one = Comparison {
                member: part.plan.node.clone(),
                elsewhere: part.seat != Seat::Here,
                step: step.clone(),
                differs: Ok(None),
                wal: None,
                server: None,
                barman: None,
                fighting: None,
            };
            match &seen {
                Ok(Seen { diagnosis, .. }) => compare_one(&mut one, part, diagnosis, world).await,
                Err(message) => one.differs = Err(message.clone()),
            }
            if matches!(&seen, Ok(seen) if seen.is_old)
                && matches!(one.differs, Ok(Some(_)))
                && verify::receives(world, &part.seat, part.plan.role).await == Some(true)
            {
                // It has been switched since: a receiver through which WAL flows is not restarted.
                one.differs = Ok(None);
                looks.doubt(api, &part.plan.cluster, world);
            }
            compared.push(one);
        }
    }
    if !compared.iter().all(Comparison::as_wanted) {
        looks.forget(api);
    }
    // An old diagnosis lacks what Barman has learned about a server since.
    let misses = |one: &Comparison| one.differs == Ok(None) && one.no_wal().is_some();
    if let Some(part) = parts.first().filter(|_| compared.iter().any(misses)) {
        looks.doubt(api, &part.plan.cluster, world);
    }
    compared
}

/// Waits for a switch of a server that another process has just begun. Returns false if there is none.
async fn wait_for_others<W: World>(api: &ApiName, suspects: &[&Comparison], world: &W) -> bool {
    let mut waited = false;
    for server in suspects.iter().filter_map(|one| one.server_name()) {
        let Some(barman) = world.barman(api) else {
            continue;
        };
        if let Some(age) = lookup::age_of_last(barman, server, world.clock()).await
            && let left = IN_PROGRESS.saturating_sub(age)
            && !left.is_zero()
        {
            waited = true;
            world.clock().sleep(left).await;
        }
    }
    waited
}

/// The time after which a switch in progress counts as lost.
const IN_PROGRESS: Duration = Duration::from_secs(10);

async fn compare_one<W: World>(
    one: &mut Comparison,
    part: &Part,
    diagnosis: &Diagnosis,
    world: &W,
) {
    let step = &one.step;
    one.differs = Ok(match look::shown(&step.operation, diagnosis) {
        Shown::AsWanted => None,
        Shown::Hidden(_) if was_done(step, world).await => None,
        Shown::Differs(what) | Shown::Hidden(what) => Some(what),
    });
    one.barman.clone_from(&diagnosis.version);
    let server = step.operation.server();
    one.server = server.and_then(|name| diagnosis.servers.get(name.as_str()).cloned());
    if one.differs == Ok(None) {
        one.wal = look::wal(step, part, diagnosis, world).await;
    }
    if !one.as_wanted() {
        one.fighting = fighting::over(&one.step, &part.plan.cluster, world).await;
    }
}

/// Returns true if Barman's last request was the same, and succeeded.
async fn was_done<W: World>(step: &Step, world: &W) -> bool {
    let Some(store) = world.store() else {
        return false;
    };
    let targets = step.operation.targets(&step.api);
    let same = |one: &Intent| {
        let others = one.step.operation.targets(&one.step.api);
        targets.iter().any(|target| others.contains(target))
    };
    let all = journal::bounded(world, journal::STATE, store.history(&Query::default())).await;
    let all = all.unwrap_or_default();
    let last = all.into_iter().find(|one| same(one) && one.sent.is_some());
    last.is_some_and(|last| last.state == State::Done && last.step.operation == step.operation)
}

/// The findings and actions of one pass.
#[derive(Debug)]
pub struct Passed {
    /// Each state, as at the beginning of the pass.
    pub compared: Vec<Comparison>,
    /// The outcome of the corrections.
    pub outcome: Outcome,
}

impl Passed {
    /// The overall verdict. `left` is the outcome of the requests that earlier processes left; `parts` are the parts that were
    /// compared.
    pub fn verdict(&self, left: &Outcome, wanted: &Wanted, parts: &[Part]) -> Verdict {
        let compared = &self.compared;
        let blind = compared.iter().any(|one| one.differs.is_err());
        let fights = compared.iter().any(|one| one.fighting.is_some());
        // Differences that were not sent are being handled by a callback that is still running.
        let different = |one: &&Comparison| matches!(one.differs, Ok(Some(_))) && !one.elsewhere;
        let different = compared.iter().filter(different).count();
        let unread = left.verdict == Verdict::Unfinished;
        let open = blind || unread || different > self.outcome.steps.len();
        let steps = left.steps.iter().chain(&self.outcome.steps);
        match Outcome::of(steps.cloned().collect()).verdict {
            Verdict::Skipped | Verdict::Done if fights || !wanted.conflicts.is_empty() => {
                Verdict::Failed
            }
            Verdict::Skipped | Verdict::Done if open => Verdict::Unfinished,
            Verdict::Skipped if !parts.is_empty() => Verdict::Done,
            verdict => verdict,
        }
    }
}

/// Compares and corrects. This node's own member is corrected at once; another member's server only if a second look,
/// `interval` later, finds the same difference, since that member's own callback may be at work. `again` returns
/// the wanted state at that time. One API never waits for another.
pub async fn pass<W: World>(
    parts: &[Part],
    again: &impl AsyncFn() -> Vec<Part>,
    interval: Duration,
    looks: &Looks,
    world: &W,
) -> Passed {
    if let Some(part) = parts.first() {
        journal::drop_corrections(world, &part.plan, parts).await;
    }
    let each = by_api(parts);
    let done = each.iter().map(async |(api, parts)| {
        let compared = compare_in(api, parts, looks, world).await;
        let (here, elsewhere): (Vec<Part>, Vec<Part>) = parts
            .iter()
            .cloned()
            .partition(|part| part.seat == Seat::Here);
        let mut steps = enforce(&here, &compared, world).await.steps;
        let wrong = |one: &&Comparison| one.elsewhere && one.calls_for_action();
        let suspects: Vec<&Comparison> = compared.iter().filter(wrong).collect();
        let sees_all = looks.are_of_fleet();
        let others = sees_all && interval.is_zero() && wait_for_others(api, &suspects, world).await;
        if let Some(part) = parts.first().filter(|_| others) {
            looks.doubt(api, &part.plan.cluster, world);
        }
        let look_again = !sees_all || !interval.is_zero() || others;
        if !suspects.is_empty() && !elsewhere.is_empty() && !look_again {
            steps.extend(enforce(&elsewhere, &compared, world).await.steps);
        } else if !suspects.is_empty() && !elsewhere.is_empty() {
            world.clock().sleep(interval).await;
            let (_, now) = by_api(&again().await)
                .into_iter()
                .find(|(other, _)| other == api)
                .unwrap_or_default();
            let mut found = compare_in(api, &now, looks, world).await;
            found.retain(|one| {
                let same = |before: &&Comparison| {
                    (&before.member, &before.step) == (&one.member, &one.step)
                };
                one.elsewhere && suspects.iter().any(same)
            });
            steps.extend(enforce(&now, &found, world).await.steps);
        }
        if let Some(part) = parts.first().filter(|_| !steps.is_empty()) {
            let wanted: Vec<_> = compared.iter().map(|one| &one.step).collect();
            looks.acted(api, &part.plan.cluster, &steps, &wanted, world);
        }
        (compared, steps)
    });
    let (compared, steps): (Vec<_>, Vec<_>) = together(done.collect()).await.into_iter().unzip();
    Passed {
        compared: compared.into_iter().flatten().collect(),
        outcome: Outcome::of(steps.into_iter().flatten().collect()),
    }
}

/// Sends the differences, subject to the fence. States that can't be compared are left alone, and so are those that a live
/// callback is working on: its request is newer than our look, and the store skips ours.
async fn enforce<W: World>(parts: &[Part], compared: &[Comparison], world: &W) -> Outcome {
    let sent = parts.iter().map(async |part| {
        let wrong = |one: &&Comparison| one.is_about(part) && one.calls_for_action();
        let wrong: Vec<&Comparison> = compared.iter().filter(wrong).collect();
        for one in &wrong {
            world.observe(&Progress::Correcting {
                step: &one.step,
                member: one.member.as_deref().filter(|_| one.elsewhere),
                what: one.evidence().unwrap_or("no WAL is received"),
            });
        }
        let steps = wrong.iter().map(|one| one.step.clone()).collect();
        let plan = Plan {
            steps,
            ..part.plan.clone()
        };
        carry_out(&plan, &part.seat, Cause::Look(&part.sets), None, world)
            .await
            .steps
    });
    let steps = together(sent.collect()).await;
    Outcome::of(steps.into_iter().flatten().collect())
}

/// Checks again what was just done and corrects it: a request of a previous leader may have arrived late.
pub(super) async fn look_again<W: World>(part: Part, world: &W) -> Passed {
    let nobody = async || Vec::new();
    pass(&[part], &nobody, Duration::ZERO, &Looks::default(), world).await
}
