//! The cluster as Patroni shows it, and the members that rules apply to.

use crate::evaluate::{ClusterView, MemberView, Plan, Wanted};
use crate::http::Http;
use crate::model::{Role, Url};
use crate::patroni::{Member, Node, Patroni, PatroniError, name_in};

use super::World;

/// Patroni's view of a cluster and of this node in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Patroni's scope.
    pub cluster: String,
    /// This node's member; `None` if the local Patroni does not answer, and another one provided the rest.
    pub node: Option<String>,
    /// Its role according to the leader key, which is taken before a promotion begins; `None` while no member holds it: then
    /// roles are unknown.
    pub role: Option<Role>,
    /// The member that holds the leader key.
    pub leader: Option<String>,
    /// The timeline of this member's PostgreSQL.
    pub timeline: Option<u64>,
    /// The members.
    pub members: Vec<Member>,
    /// The version of that Patroni.
    pub patroni: Option<String>,
}

/// The reason why the situation here is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HereError {
    /// Patroni does not answer.
    #[error(transparent)]
    Patroni(#[from] PatroniError),
    /// Patroni does not report the member's name.
    #[error(
        "Patroni at `{url}` does not report this member's name, as Patroni before 3.2 does not: give `--node NAME`"
    )]
    NoName {
        /// The address.
        url: String,
    },
    /// Patroni does not report the cluster's name.
    #[error("Patroni at `{url}` does not report the cluster's name")]
    NoScope {
        /// The address.
        url: String,
    },
}

/// The place of a member that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seat {
    /// On this node: the local Patroni is its own.
    Here,
    /// On another node, with its REST API if Patroni lists it.
    Elsewhere(Option<Url>),
}

/// The wanted state for one member.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The plan.
    pub plan: Plan,
    /// The variables set for it, as `NAME=VALUE`.
    pub sets: Vec<String>,
    /// The member's place.
    pub seat: Seat,
}

impl Seat {
    /// The member's own Patroni; `None` if there is none to ask.
    pub(super) fn patroni<'w, W: World>(&self, world: &'w W) -> Option<Patroni<'w, W::Http>> {
        let local = world.patronis().into_iter().next()?;
        match self {
            Self::Here => Some(local),
            Self::Elsewhere(url) => Some(local.at(url.clone()?)),
        }
    }
}

impl Here {
    pub(super) fn leader_role(&self) -> Option<Role> {
        Some(self.member(self.leader.as_deref()?)?.rules_role())
    }

    /// The leader's place.
    pub(super) fn leader_seat(&self) -> Option<Seat> {
        let leader = self.leader.as_deref()?;
        Some(self.seat(Some(leader)))
    }

    fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    fn seat(&self, name: Option<&str>) -> Seat {
        if name == self.node.as_deref() {
            return Seat::Here;
        }
        let url = name.and_then(|name| self.member(name)?.api_url.as_deref());
        Seat::Elsewhere(url.and_then(|url| Url::new(url).ok()))
    }

    /// Asks the Patronis that the rules name, the local one first; `None` if they name none. `name` is this member's
    /// name, if it is known.
    pub async fn ask<W: World>(world: &W, name: Option<&str>) -> Option<Result<Self, HereError>> {
        let patronis = world.patronis();
        let (local, others) = patronis.split_first()?;
        let silence = match Self::of(local, name, true).await {
            Err(HereError::Patroni(silence)) => silence,
            answer => return Some(answer),
        };
        for other in others {
            if let Ok(here) = Self::of(other, name, false).await {
                return Some(Ok(here));
            }
        }
        Some(Err(silence.into()))
    }

    async fn of<H: Http>(
        patroni: &Patroni<'_, H>,
        name: Option<&str>,
        local: bool,
    ) -> Result<Self, HereError> {
        let url = || patroni.url().as_str().to_owned();
        let answer = patroni.node().await?;
        let cluster = patroni.cluster().await?;
        let scope = answer.scope.clone().or_else(|| cluster.scope.clone());
        let patroni_version = answer.version.clone();
        let own = if local { answer } else { Node::default() };
        let name = match name.map(str::to_owned).or(own.name) {
            None if local => Some(
                name_in(&cluster, patroni)
                    .await
                    .ok_or_else(|| HereError::NoName { url: url() })?,
            ),
            name => name,
        };
        let leader = cluster.leader().map(|leader| leader.name.clone());
        let member = name.as_deref().and_then(|name| cluster.member(name));
        Ok(Self {
            cluster: scope.ok_or_else(|| HereError::NoScope { url: url() })?,
            role: match (&leader, &name) {
                (Some(_), Some(_)) => Some(member.map_or(Role::Replica, Member::rules_role)),
                _ => None,
            },
            node: name,
            leader,
            timeline: own.timeline,
            members: cluster.members,
            patroni: patroni_version,
        })
    }

    /// Returns true if this node's member is in Patroni's list.
    pub fn is_listed(&self) -> bool {
        let own = self.node.as_ref();
        self.members.iter().any(|member| Some(&member.name) == own)
    }

    /// The cluster as rules see it.
    pub fn view(&self) -> ClusterView {
        let member = |member: &Member| MemberView {
            name: member.name.clone(),
            role: member.rules_role(),
            stopped: member.is_stopped(),
        };
        ClusterView {
            cluster: self.cluster.clone(),
            own: self.node.clone(),
            members: self.members.iter().map(member).collect(),
        }
    }

    /// The plans, each with its member's place.
    pub fn parts(&self, wanted: &Wanted, sets: &[String]) -> Vec<Part> {
        let part = |plan: &Plan| Part {
            plan: plan.clone(),
            sets: sets.to_vec(),
            seat: self.seat(plan.node.as_deref()),
        };
        wanted.plans.iter().map(part).collect()
    }
}
