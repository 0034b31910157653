//! What the rules want now, beside what Barman has.

use crate::barman::{ActiveModel, Diagnosis, ServerState};
use crate::evaluate::{Plan, Step};
use crate::model::{ApiName, Name, Operation, RequestKind, Role, SwitchTo, Verify};
use crate::patroni::{Cluster, Node, Silence};

use super::{Outcome, World, carry_out, verify};

/// What Patroni says of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Patroni's scope.
    pub cluster: String,
    /// The member's name.
    pub node: String,
    /// The role by the leader key, which is taken before a promotion begins.
    pub role: Role,
    /// Who holds the leader key.
    pub leader: Option<String>,
    /// The timeline of this node's PostgreSQL.
    pub timeline: Option<u64>,
}

impl Here {
    /// Asks the local Patroni; `None` if the rules name none.
    ///
    /// # Errors
    /// [`Silence`] if it does not say.
    pub async fn ask<W: World>(world: &W) -> Option<Result<Self, Silence>> {
        let patroni = world.patroni()?;
        Some(match patroni.node().await {
            Ok(node) => patroni
                .cluster()
                .await
                .map(|cluster| Self::of(node, &cluster)),
            Err(silence) => Err(silence),
        })
    }

    fn of(node: Node, cluster: &Cluster) -> Self {
        let leader = cluster.leader();
        let role = match leader.filter(|leader| leader.name == node.name) {
            Some(leader) if leader.role == "standby_leader" => Role::StandbyLeader,
            Some(_) => Role::Primary,
            None => Role::Replica,
        };
        Self {
            cluster: node.scope,
            node: node.name,
            role,
            leader: leader.map(|leader| leader.name.clone()),
            timeline: node.timeline,
        }
    }
}

/// One state that the rules want.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The step that would set it.
    pub step: Step,
    /// What is different, if anything is; an error if it can't be told.
    pub differs: Result<Option<String>, String>,
    /// The server's state, for a switch.
    pub server: Option<ServerState>,
}

impl Comparison {
    /// The endpoint.
    #[must_use]
    pub const fn api(&self) -> &ApiName {
        &self.step.api
    }

    /// The server, if it is about one.
    #[must_use]
    pub const fn server_name(&self) -> Option<&Name> {
        self.step.operation.server()
    }

    /// The model that should be active: `None` if this is no switch, `Some(None)` if none should be.
    #[must_use]
    pub const fn wanted_model(&self) -> Option<Option<&Name>> {
        match &self.step.operation {
            Operation::ConfigSwitch {
                to: SwitchTo::Model(model),
                ..
            } => Some(Some(model)),
            Operation::ConfigSwitch {
                to: SwitchTo::Reset,
                ..
            } => Some(None),
            _ => None,
        }
    }

    /// The model that is active, if that is known.
    #[must_use]
    pub fn active_model(&self) -> Option<&ActiveModel> {
        self.server.as_ref().map(|server| &server.active_model)
    }
}

/// Compares every state that a plan sets with Barman's; nothing is sent.
pub async fn compare<W: World>(plan: &Plan, world: &W) -> Vec<Comparison> {
    let mut seen: Vec<(ApiName, Result<Diagnosis, String>)> = Vec::new();
    let mut compared = Vec::new();
    for step in &plan.steps {
        // A recovery sets no state; and Barman may show an option otherwise than it was written, which is what
        // `verify: none` is for.
        let comparable = match step.operation.kind() {
            RequestKind::ConfigSwitch => true,
            RequestKind::ConfigUpdate => step.verify != Verify::None,
            RequestKind::Recovery => false,
        };
        if !comparable {
            continue;
        }
        if !seen.iter().any(|(api, _)| *api == step.api) {
            let diagnosis = match world.barman(&step.api) {
                Some(barman) => barman.diagnose().await.map_err(|trouble| trouble.message),
                None => Err(format!("there is no api `{}`", step.api)),
            };
            seen.push((step.api.clone(), diagnosis));
        }
        let diagnosis = seen
            .iter()
            .find(|(api, _)| *api == step.api)
            .map(|(_, diagnosis)| diagnosis);
        let (differs, server) = match diagnosis {
            Some(Ok(diagnosis)) => (
                Ok(verify::difference(&step.operation, diagnosis)),
                step.operation
                    .server()
                    .and_then(|name| diagnosis.servers.get(name.as_str()).cloned()),
            ),
            Some(Err(message)) => (Err(message.clone()), None),
            None => (Ok(None), None),
        };
        compared.push(Comparison {
            step: step.clone(),
            differs,
            server,
        });
    }
    compared
}

/// Sends what differs, behind the fence. What can't be compared is left alone, and so is what a live callback
/// is working on: its request is newer than our look, and the store leaves ours out.
pub async fn enforce<W: World>(plan: &Plan, compared: &[Comparison], world: &W) -> Outcome {
    let differs = |one: &&Comparison| matches!(one.differs, Ok(Some(_)));
    let steps = compared
        .iter()
        .filter(differs)
        .map(|one| one.step.clone())
        .collect();
    let plan = Plan {
        steps,
        ..plan.clone()
    };
    carry_out(&plan, None, world).await
}
