//! The fence: this node must still have the role that a step was decided for.
//!
//! Who holds the leader key is read from the DCS at that moment, through the local Patroni. A node that was
//! promoted after us holds it then, and what we decided earlier must not be applied last.

use crate::model::{Fence, Role};

use super::{End, Stage, StepOutcome, World};

/// What the fence says.
pub(super) enum Answer {
    /// Go on.
    Open,
    /// Not any more, and why.
    Shut(End),
    /// Patroni did not say.
    Unknown(String),
}

/// Asks once.
pub(super) async fn ask<W: World>(stage: Stage<'_, W>) -> Answer {
    let Stage {
        step,
        world,
        holder,
        ..
    } = stage;
    let leader = match holder.role {
        Role::Primary | Role::StandbyLeader => true,
        Role::Replica | Role::Demoted => false,
        // A node that is being made has no role to lose.
        Role::Uninitialized => return Answer::Open,
    };
    let Some(patroni) = world.patroni().filter(|_| step.fence == Fence::Role) else {
        return Answer::Open;
    };
    let node = match &holder.node {
        Some(node) => node.clone(),
        None => match patroni.node().await {
            Ok(node) => node.name,
            Err(silence) => return Answer::Unknown(silence.to_string()),
        },
    };
    let cluster = match patroni.cluster().await {
        Ok(cluster) => cluster,
        Err(silence) => return Answer::Unknown(silence.to_string()),
    };
    let holds = cluster.leader().is_some_and(|member| member.name == node);
    if holds == leader {
        return Answer::Open;
    }
    let message = match (leader, cluster.leader()) {
        (true, Some(other)) => format!(
            "`{node}` no longer holds the leader key, `{}` does; nothing more is sent",
            other.name
        ),
        (true, None) => {
            format!("`{node}` no longer holds the leader key, nobody does; nothing more is sent")
        }
        (false, _) => format!(
            "`{node}` holds the leader key now, this was decided for a {}; nothing more is sent",
            holder.role
        ),
    };
    Answer::Shut(End::new(StepOutcome::Fenced, message))
}
