//! What the rules want now, beside what Barman has.

use crate::barman::{ActiveModel, Interest, ServerState};
use crate::evaluate::{Plan, Step};
use crate::http::{Http, together};
use crate::model::{ApiName, ModelName, Name, Operation, RequestKind, Role, SwitchTo, Verify};
use crate::patroni::{Patroni, PatroniError, name_in};

use crate::store::{Cause, Intent, Query, State, Store as _};

use super::look::{self, NoWal, Shown};
use super::{Outcome, World, carry_out};

/// What Patroni says of a member and its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Patroni's scope.
    pub cluster: String,
    /// The member's name.
    pub node: String,
    /// The role by the leader key, which is taken before a promotion begins; `None` while no member holds it: then
    /// nothing is known of roles.
    pub role: Option<Role>,
    /// The member that holds the leader key.
    pub leader: Option<String>,
    /// The timeline of this member's PostgreSQL.
    pub timeline: Option<u64>,
}

/// Why it is not known what to do here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HereError {
    /// Patroni does not say.
    #[error(transparent)]
    Patroni(#[from] PatroniError),
    /// It does not tell the member's name.
    #[error(
        "Patroni at `{url}` does not tell this member's name, as Patroni before 3.2 does not: give `--node NAME`"
    )]
    NoName {
        /// The address.
        url: String,
    },
    /// It does not tell the cluster's name.
    #[error("Patroni at `{url}` does not tell the cluster's name")]
    NoScope {
        /// The address.
        url: String,
    },
}

impl Here {
    /// Asks the local Patroni; `None` if the rules name none. `name` is the member's name, if it is known.
    pub async fn ask<W: World>(world: &W, name: Option<&str>) -> Option<Result<Self, HereError>> {
        let patroni = world.patronis().into_iter().next()?;
        Some(Self::of(&patroni, name).await)
    }

    async fn of<H: Http>(patroni: &Patroni<'_, H>, name: Option<&str>) -> Result<Self, HereError> {
        let url = || patroni.url().as_str().to_owned();
        let node = patroni.node().await?;
        let cluster = patroni.cluster().await?;
        let name = match name.map(str::to_owned).or_else(|| node.name.clone()) {
            Some(name) => name,
            None => name_in(&cluster, patroni)
                .await
                .ok_or_else(|| HereError::NoName { url: url() })?,
        };
        let Some(scope) = node.scope.or(cluster.scope.clone()) else {
            return Err(HereError::NoScope { url: url() });
        };
        let leader = cluster.leader();
        let role = leader.map(|leader| {
            if leader.name == name {
                leader.rules_role()
            } else {
                Role::Replica
            }
        });
        Ok(Self {
            cluster: scope,
            node: name,
            role,
            leader: leader.map(|leader| leader.name.clone()),
            timeline: node.timeline,
        })
    }
}

/// One state that the rules want.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The step that would set it.
    pub step: Step,
    /// What is different, if anything is; an error if it can't be told.
    pub differs: Result<Option<String>, String>,
    /// Why WAL does not flow from the member that a switch follows, where the rules want to see that it does.
    pub wal: Option<NoWal>,
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
    pub const fn wanted_model(&self) -> Option<Option<&ModelName>> {
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

impl Comparison {
    /// Tells whether Barman has what is wanted and, where that matters, receives WAL.
    pub fn as_wanted(&self) -> bool {
        self.differs == Ok(None) && self.wal.is_none()
    }

    /// Tells whether sending the request would help: something differs, or it is evident that no WAL is received.
    fn calls_for_action(&self) -> bool {
        let no_wal = self.wal.as_ref().is_some_and(|wal| wal.evident);
        matches!(self.differs, Ok(Some(_))) || self.differs == Ok(None) && no_wal
    }
}

/// Compares every state that a plan sets with Barman's; nothing is sent.
pub async fn compare<W: World>(plan: &Plan, world: &W) -> Vec<Comparison> {
    // A recovery sets no state; and Barman may show an option otherwise than it was written, which is what
    // `verify: none` is for.
    let comparable = |step: &&Step| match step.operation.kind() {
        RequestKind::ConfigSwitch => true,
        RequestKind::ConfigUpdate => step.verify != Verify::None,
        RequestKind::Recovery => false,
    };
    let steps: Vec<&Step> = plan.steps.iter().filter(comparable).collect();
    let mut apis: Vec<&ApiName> = steps.iter().map(|step| &step.api).collect();
    apis.sort();
    apis.dedup();
    let answers = apis.iter().map(async |api| match world.barman(api) {
        Some(barman) => {
            let here = steps.iter().filter(|step| step.api == **api);
            let interest = Interest::of(here.map(|step| &step.operation));
            let diagnosis = barman.diagnose(&interest).await;
            diagnosis.map_err(|trouble| trouble.message)
        }
        None => Err(format!("there is no api `{api}`")),
    });
    let answers = together(answers.collect()).await;
    let mut compared = Vec::new();
    for step in steps {
        let known = apis.iter().position(|api| **api == step.api);
        let Some(diagnosis) = known.and_then(|at| answers.get(at)) else {
            continue;
        };
        let mut one = Comparison {
            step: step.clone(),
            differs: Ok(None),
            wal: None,
            server: None,
        };
        match diagnosis {
            Ok(diagnosis) => {
                one.differs = Ok(match look::shown(&step.operation, diagnosis) {
                    Shown::AsWanted => None,
                    Shown::Hidden(_) if was_done(step, world).await => None,
                    Shown::Differs(what) | Shown::Hidden(what) => Some(what),
                });
                let server = step.operation.server();
                one.server = server.and_then(|name| diagnosis.servers.get(name.as_str()).cloned());
                if one.differs == Ok(None) {
                    one.wal = look::wal(step, plan.role, diagnosis, world).await;
                }
            }
            Err(message) => one.differs = Err(message.clone()),
        }
        compared.push(one);
    }
    compared
}

/// Tells whether Barman was last asked for the same, and did it.
async fn was_done<W: World>(step: &Step, world: &W) -> bool {
    let Some(store) = world.store() else {
        return false;
    };
    let targets = step.operation.targets(&step.api);
    let same = |one: &Intent| {
        let others = one.step.operation.targets(&one.step.api);
        targets.iter().any(|target| others.contains(target))
    };
    let all = store.history(&Query::default()).await.unwrap_or_default();
    let last = all.into_iter().find(|one| same(one) && one.sent.is_some());
    last.is_some_and(|last| last.state == State::Done && last.step.operation == step.operation)
}

/// Sends what differs, behind the fence. What can't be compared is left alone, and so is what a live callback
/// is working on: its request is newer than our look, and the store leaves ours out.
pub async fn enforce<W: World>(plan: &Plan, compared: &[Comparison], world: &W) -> Outcome {
    let steps = compared
        .iter()
        .filter(|one| one.calls_for_action())
        .map(|one| one.step.clone())
        .collect();
    let plan = Plan {
        steps,
        ..plan.clone()
    };
    carry_out(&plan, Cause::Look, None, world).await
}

/// Looks at what was just done once more and corrects it: a request of a member that led before may have arrived late.
pub async fn look_again<W: World>(plan: &Plan, world: &W) -> Outcome {
    let compared = compare(plan, world).await;
    enforce(plan, &compared, world).await
}
