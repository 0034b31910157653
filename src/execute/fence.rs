//! The fence: this member must still have the role for which a request was decided.
//!
//! `GET /leader` on the member itself reports Patroni's own lease, taken before a promotion begins and read without a cache.
//! `/cluster` may lag by a moment, so it alone never closes the fence for a leader.

use std::time::Duration;

use crate::http::Clock as _;
use crate::model::Fence;
use crate::patroni::{Cluster, Lease, Patroni, PatroniError};

use super::here::Seat;
use super::{End, Stage, StepOutcome, World};

/// The time limit for one question to Patroni; the answer comes from this machine, or nearby.
const PATIENCE: Duration = Duration::from_secs(5);

/// The fence's answer.
pub(super) enum Answer {
    /// The member has the role.
    Open,
    /// Another member has it, or this Patroni belongs to another cluster.
    Shut(End),
    /// Patroni gives no answer.
    Unknown(Doubt),
}

/// The reason why Patroni gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    /// It does not answer, or not as expected.
    #[error("{0}")]
    Silent(String),
    /// The leader key is moving from one member to another.
    #[error("{0}")]
    Undecided(String),
}

/// Asks once, for no longer than `limit`.
pub(super) async fn ask<W: World>(stage: Stage<'_, W>, limit: Option<Duration>) -> Answer {
    let Stage { step, world, .. } = stage;
    // A node that is being created has no role to lose.
    if !step.operation.kind().sets_state() || step.fence == Fence::None {
        return Answer::Open;
    }
    let mut patronis = world.patronis();
    if patronis.is_empty() {
        return Answer::Open;
    }
    // A member of another node is asked first, then any other.
    let own = stage.holder.seat.patroni(world);
    if stage.holder.seat == Seat::Here {
        patronis.remove(0);
    }
    let started = world.clock().now();
    let limit = limit.unwrap_or(PATIENCE);
    let left = || limit.saturating_sub(world.clock().now().saturating_sub(started));
    let mut silence = None;
    if let Some(own) = own {
        match by_lease(stage, &own.within(limit)).await {
            Ok(answer) => return answer,
            Err(error) => silence = Some(error),
        }
    }
    for other in patronis {
        if left().is_zero() || matches!(silence, Some(PatroniError::OtherCluster { .. })) {
            break;
        }
        match cluster(stage, &other.within(left())).await {
            Ok(cluster) => return by_members(stage, &cluster, None),
            Err(error) => silence = Some(error),
        }
    }
    let why = silence
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    match silence {
        Some(PatroniError::OtherCluster { .. }) => {
            Answer::Shut(End::new(StepOutcome::Refused, why))
        }
        _ => Answer::Unknown(Doubt::Silent(why)),
    }
}

/// Asks the member itself.
async fn by_lease<W: World>(
    stage: Stage<'_, W>,
    patroni: &Patroni<'_, W::Http>,
) -> Result<Answer, PatroniError> {
    let role = stage.holder.role;
    let lease = match patroni.lease(role).await {
        Ok(lease) => lease,
        // A proxy may not publish this path; try the list of members.
        Err(PatroniError::Answer { .. }) => {
            return Ok(by_members(stage, &cluster(stage, patroni).await?, None));
        }
        Err(error) => return Err(error),
    };
    if let Some(scope) = stage.holder.cluster.as_deref() {
        patroni.same_scope(lease.scope.as_deref(), scope)?;
    }
    if lease.held && role.leads() {
        let own = stage.holder.node.as_deref().zip(lease.name.as_deref());
        let Some((own, _)) = own.filter(|(own, asked)| own != asked) else {
            return Ok(Answer::Open);
        };
        // The address may be common to all members; or the name from the command line is wrong.
        let cluster = cluster(stage, patroni).await?;
        return Ok(if cluster.member(own).is_some() {
            by_members(stage, &cluster, None)
        } else {
            Answer::Open
        });
    }
    Ok(by_members(
        stage,
        &cluster(stage, patroni).await?,
        Some(&lease),
    ))
}

async fn cluster<W: World>(
    stage: Stage<'_, W>,
    patroni: &Patroni<'_, W::Http>,
) -> Result<Cluster, PatroniError> {
    let cluster = patroni.cluster().await?;
    if let Some(scope) = stage.holder.cluster.as_deref() {
        patroni.same_scope(cluster.scope.as_deref(), scope)?;
    }
    Ok(cluster)
}

/// Decides by the list of members, and by the member's own lease if known.
fn by_members<W: World>(stage: Stage<'_, W>, cluster: &Cluster, lease: Option<&Lease>) -> Answer {
    let holder = stage.holder;
    let undecided = |why: String| Answer::Unknown(Doubt::Undecided(why));
    // Patroni's own name takes precedence over one from the command line.
    let own = lease
        .and_then(|lease| lease.name.as_deref())
        .or(holder.node.as_deref());
    let Some(leader) = cluster.leader() else {
        return undecided("no member holds the leader key".to_owned());
    };
    let leads = match (lease, own) {
        (Some(lease), _) if lease.held => true,
        (_, Some(own)) => leader.name == own,
        // The member has no lease, so another one leads.
        (Some(_), None) => false,
        (None, None) => return undecided("the name of this member is not known".to_owned()),
    };
    let shut = |message: String| Answer::Shut(End::new(StepOutcome::Fenced, message));
    let member = own.unwrap_or("this member");
    match (holder.role.leads(), leads) {
        (true, true) if lease.is_none() => Answer::Open,
        // The list may be ahead or behind; the lease decides.
        (true, true) => undecided(format!("`{member}` does not have the leader's lease")),
        (false, false) => Answer::Open,
        // The list is behind: the lease may be moving to another member.
        (false, true) if lease.is_some_and(|lease| !lease.held) => undecided(format!(
            "`{member}` gave up the leader's lease, and no other member is known to have it"
        )),
        (true, false) => shut(format!(
            "`{member}` no longer holds the leader key, `{}` does; nothing more is sent",
            leader.name
        )),
        (false, true) => shut(format!(
            "`{member}` holds the leader key now, and this was decided for a {}; nothing more is sent",
            holder.role
        )),
    }
}
