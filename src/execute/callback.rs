//! A callback from call to end: recorded, decided, executed, followed by what earlier ones left.

use std::time::Duration;

use crate::evaluate::Plan;
use crate::http::Clock as _;
use crate::patroni::own_name;
use crate::store::{Recorded, Store as _};

use super::look::SIDE;
use super::{
    Called, Comparison, Here, Judged, Looks, Outcome, Part, Seat, Verdict, Which, Whose, World,
    compare, execute, journal, look_again, receipts, resume,
};

/// A Patroni that starts and finds its PostgreSQL running fires `on_start` before its REST API listens.
const PATRONI_STARTS_WITHIN: Duration = Duration::from_secs(30);

/// The longest wait for a name from Patroni that is only recorded.
const RECORD: Duration = Duration::from_secs(2);

/// The pause before Patroni is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The reason why the rules produce no plan for an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// They need the member's name, which is not known.
    #[error("{0}")]
    NoName(String),
    /// They can't be evaluated.
    #[error("{0}")]
    Invalid(String),
}

/// The result of a callback.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The plan, if there is one.
    pub plan: Option<Plan>,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Executes a callback; `decided` is the result of the rules with the facts known so far. Requests of the same role left by
/// earlier callbacks are resumed after its own and
/// do not count in the outcome.
pub async fn callback<W: World>(
    mut recorded: Recorded,
    called: Duration,
    mut decided: Result<Plan, Undecided>,
    decide: &dyn Fn(&Recorded) -> Result<Plan, Undecided>,
    world: &W,
) -> Result<Ended, Undecided> {
    let began = world.clock().wall();
    let foreground = recorded.event.makes_node();
    let asks = match &decided {
        Ok(plan) => !plan.steps.is_empty(),
        Err(Undecided::NoName(_)) => true,
        Err(Undecided::Invalid(_)) => false,
    };
    let mut event = None;
    if let Some(store) = world.store().filter(|_| !foreground) {
        let now = world.clock().wall();
        let noted = if asks {
            let written = store.record(&recorded, now);
            journal::bounded(world, journal::STATE, written)
                .await
                .map(Some)
        } else {
            let node = recorded.node.as_deref();
            let changed = store.role_changed(&recorded.cluster, node, recorded.role, now);
            journal::bounded(world, journal::STATE, changed)
                .await
                .map(|_| None)
        };
        match noted {
            Ok(noted) => event = noted,
            Err(error) => journal::complain(world, &error),
        }
    }
    if let Err(Undecided::NoName(why)) = &decided {
        match name(world).await {
            Ok(node) => {
                recorded.node = Some(node);
                decided = decide(&recorded);
            }
            // The event stays recorded, and is decided once Patroni answers.
            Err(silence) => {
                world.observe(&super::Progress::Undecided {
                    reason: &format!("{why} ({silence})"),
                });
                let outcome = Outcome {
                    verdict: Verdict::Unfinished,
                    ..Outcome::of(Vec::new())
                };
                return Ok(Ended {
                    plan: None,
                    outcome,
                });
            }
        }
    }
    let mut plan = decided?;
    if foreground && plan.node.is_none() && !plan.steps.is_empty() {
        plan.node = name_at_once(world).await;
    }
    let outcome = execute(&plan, Called { at: called, event }, world).await;
    if !foreground {
        let whose = Whose {
            cluster: &plan.cluster,
            node: plan.node.as_deref(),
            role: plan.role,
            asked: began,
        };
        let which = outcome.first.map_or(Which::States, Which::StatesBefore);
        let decide = |recorded: &Recorded| decide(recorded).ok();
        resume(whose, which, &decide, world).await;
    }
    Ok(Ended {
        plan: Some(plan),
        outcome,
    })
}

/// What a second look saw.
#[derive(Debug, Default)]
pub struct SecondLook {
    /// The states, as they were then.
    pub compared: Vec<Comparison>,
    /// The verdicts on changes of timeline.
    pub judged: Judged,
}

/// Checks the result of a leader's callback again after a while: a request of the previous leader may have
/// arrived late. Nothing is logged if nothing has changed. Before and after, the change of timeline is judged: the
/// WAL at the beginning of the new timeline soon lies behind Barman's receiver.
pub async fn second_look<W: World>(
    plan: &Plan,
    sets: &[String],
    after: Duration,
    world: &W,
) -> SecondLook {
    let states = plan
        .steps
        .iter()
        .any(|step| step.operation.kind().sets_state());
    if !plan.role.leads() || !states || after.is_zero() || world.patronis().is_empty() {
        return SecondLook::default();
    }
    if let Some(here) = on_a_later_timeline(plan, world).await {
        let parts = [here_and_now(plan, sets)];
        let compared = compare(&parts, &Looks::default(), world).await;
        receipts(&here, &compared, world).await;
    }
    world.clock().sleep(after).await;
    let compared = look_again(here_and_now(plan, sets), world).await.compared;
    let judged = match on_a_later_timeline(plan, world).await {
        Some(here) => receipts(&here, &compared, world).await,
        None => Judged::default(),
    };
    SecondLook { compared, judged }
}

fn here_and_now(plan: &Plan, sets: &[String]) -> Part {
    Part {
        plan: plan.clone(),
        sets: sets.to_vec(),
        seat: Seat::Here,
    }
}

/// The cluster, if this member leads it on a timeline after the first.
async fn on_a_later_timeline<W: World>(plan: &Plan, world: &W) -> Option<Here> {
    let patronis = world.patronis();
    let node = patronis.first()?.clone().within(SIDE).node().await.ok()?;
    node.timeline.filter(|timeline| *timeline > 1)?;
    let here = Here::ask(world, plan.node.as_deref()).await?.ok()?;
    let leads = here.leader.is_some() && here.leader == plan.node && here.cluster == plan.cluster;
    leads.then_some(here)
}

/// The member's name, for the record of a request that does not depend on it.
async fn name_at_once<W: World>(world: &W) -> Option<String> {
    let local = world.patronis().into_iter().next()?;
    let asked = own_name(&local.within(RECORD)).await;
    asked.ok().flatten()
}

/// The member's name from the local Patroni, which may only just have been started.
async fn name<W: World>(world: &W) -> Result<String, String> {
    let patronis = world.patronis();
    let Some(patroni) = patronis.first() else {
        return Err("the rules do not name the local Patroni".to_owned());
    };
    let started = world.clock().now();
    loop {
        let silence = match own_name(patroni).await {
            Ok(Some(name)) => return Ok(name),
            Ok(None) => {
                let url = patroni.url().as_str();
                return Err(format!(
                    "Patroni at `{url}` does not report this member's name"
                ));
            }
            Err(error) => error.to_string(),
        };
        if world.clock().now().saturating_sub(started) >= PATRONI_STARTS_WITHIN {
            return Err(silence);
        }
        world.clock().sleep(PAUSE).await;
    }
}
