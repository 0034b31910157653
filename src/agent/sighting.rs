//! One look at a cluster, through Patroni or its DCS.

use std::cell::RefCell;
use std::time::Duration;

use tokio::sync::Notify;

use crate::dcs::Scope;
use crate::execute::{Here, World};
use crate::http::within;
use crate::model::Url;
use crate::patroni::{Member, PatroniError};

/// The longest time one Patroni may take to list its cluster.
const PATIENCE: Duration = Duration::from_secs(3);

/// The state of a cluster from outside its loop.
#[derive(Debug, Default)]
pub struct Signal {
    /// The cluster in the DCS, while the DCS is watched.
    pub scope: RefCell<Option<Scope>>,
    /// Notified when the cluster has changed.
    pub bell: Notify,
}

/// The state of a cluster at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The member that holds the leader key.
    pub leader: Option<String>,
    /// The timeline of its PostgreSQL.
    pub timeline: Option<u64>,
    /// The members.
    pub members: Vec<Member>,
    /// It was read from the DCS.
    pub by_watch: bool,
}

/// The parts of a sighting that rules depend on.
pub(super) type Traits = (Option<String>, Option<u64>, Vec<(String, String, bool)>);

impl Sighting {
    fn new(members: Vec<Member>, by_watch: bool) -> Self {
        let leader = members.iter().find(|member| member.holds_leader_key);
        Self {
            leader: leader.map(|leader| leader.name.clone()),
            timeline: leader.and_then(|leader| leader.timeline),
            by_watch,
            members,
        }
    }

    pub(super) fn traits(&self) -> Traits {
        let member = |member: &Member| {
            let (name, role) = (member.name.clone(), member.rules_role().to_string());
            (name, role, member.is_stopped())
        };
        let mut members: Vec<_> = self.members.iter().map(member).collect();
        members.sort();
        (self.leader.clone(), self.timeline, members)
    }

    /// The state of the cluster for a pass: no member is on this node.
    pub(super) fn here(&self, cluster: &str) -> Here {
        Here {
            cluster: cluster.to_owned(),
            node: None,
            role: None,
            leader: self.leader.clone(),
            timeline: self.timeline,
            members: self.members.clone(),
            patroni: None,
        }
    }

    /// Reads the DCS while it is watched, and otherwise asks one Patroni after the other.
    pub(super) async fn take<W: World>(
        cluster: &str,
        signal: &Signal,
        addresses: &RefCell<Vec<Url>>,
        world: &W,
    ) -> Result<Self, String> {
        if let Some(scope) = &*signal.scope.borrow() {
            let seen = Self::new(scope.members(), true);
            learn(&seen, addresses);
            return Ok(seen);
        }
        let mut silence = "no address of a Patroni is known".to_owned();
        let mut other = None;
        for (place, patroni) in world.patronis().into_iter().enumerate() {
            let asked = patroni.within(PATIENCE);
            let answer = within(world.clock(), PATIENCE, asked.cluster()).await;
            let answer = match answer {
                Some(Ok(answer)) => asked
                    .same_scope(answer.scope.as_deref(), cluster)
                    .map(|()| answer),
                Some(Err(error)) => Err(error),
                None => {
                    let url = asked.url();
                    silence = format!("Patroni at `{url}` did not answer within {PATIENCE:?}");
                    continue;
                }
            };
            match answer {
                Ok(answer) => {
                    let seen = Self::new(answer.members, false);
                    // Ask the one that answered first next time.
                    if place > 0 {
                        let url = asked.url().clone();
                        addresses.borrow_mut().retain(|other| *other != url);
                        addresses.borrow_mut().insert(0, url);
                    }
                    learn(&seen, addresses);
                    return Ok(seen);
                }
                // It may have joined that cluster since its address was learned.
                Err(error @ PatroniError::OtherCluster { .. }) => other = Some(error.to_string()),
                Err(error) => silence = error.to_string(),
            }
        }
        Err(other.unwrap_or(silence))
    }

    /// Takes sightings until another member leads.
    pub(super) async fn another_leader<W: World>(
        &self,
        cluster: &str,
        signal: &Signal,
        addresses: &RefCell<Vec<Url>>,
        pause: impl Fn() -> Duration,
        world: &W,
    ) {
        loop {
            within(world.clock(), pause(), signal.bell.notified()).await;
            let now = Self::take(cluster, signal, addresses, world).await;
            if now.is_ok_and(|now| now.leader.is_some() && now.leader != self.leader) {
                return;
            }
        }
    }
}

/// Remembers the addresses of the members' Patronis for when the known ones don't answer.
fn learn(seen: &Sighting, addresses: &RefCell<Vec<Url>>) {
    for member in &seen.members {
        let url = member.api_url.as_deref().and_then(|url| Url::new(url).ok());
        if let Some(url) = url
            && !addresses.borrow().contains(&url)
        {
            addresses.borrow_mut().push(url);
        }
    }
}
