//! The local Patroni's REST API: who this node is, and who holds the leader key.

use serde_json::Value;

use crate::http::{Effort, Failure, Http, Request};
use crate::model::{Role, Url};

/// The node that the REST API belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The Patroni member's name.
    pub name: String,
    /// The cluster's name.
    pub scope: String,
    /// What PostgreSQL is at the moment; still `replica` while a promotion is under way.
    pub role: Option<Role>,
    /// The timeline that PostgreSQL is on.
    pub timeline: Option<u64>,
    /// `running`, `starting`, `stopped` and so on.
    pub state: Option<String>,
}

/// The cluster as the DCS has it at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub scope: Option<String>,
    /// Its members.
    pub members: Vec<Member>,
}

/// One member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether it holds the leader key, also while its promotion is under way.
    pub holds_leader_key: bool,
    /// Patroni's word for its role: `leader`, `standby_leader`, `replica`, `sync_standby` and so on.
    pub role: String,
    /// Its timeline.
    pub timeline: Option<u64>,
}

impl Cluster {
    /// The member that holds the leader key.
    #[must_use]
    pub fn leader(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.holds_leader_key)
    }
}

/// Patroni did not say what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// It could not be reached, or not as the rules file says.
    #[error("Patroni can't be asked: {0}")]
    Unreachable(#[from] Failure),
    /// It answered something else.
    #[error("Patroni at `{url}` answered {status} without {missing}")]
    Answer {
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// What was looked for.
        missing: &'static str,
    },
}

/// A Patroni REST API at an address.
#[derive(Debug, Clone, Copy)]
pub struct Patroni<'a, H> {
    http: &'a H,
    url: &'a Url,
}

impl<'a, H: Http> Patroni<'a, H> {
    /// The REST API at this address.
    #[must_use]
    pub const fn new(http: &'a H, url: &'a Url) -> Self {
        Self { http, url }
    }

    /// Asks who this node is.
    ///
    /// # Errors
    /// [`Silence`] if it does not say.
    pub async fn node(&self) -> Result<Node, Silence> {
        self.ask("/patroni", "the member's name", read_node).await
    }

    /// Asks for the cluster's members and leader.
    ///
    /// # Errors
    /// [`Silence`] if it does not say.
    pub async fn cluster(&self) -> Result<Cluster, Silence> {
        self.ask("/cluster", "the cluster's members", read_cluster)
            .await
    }

    /// The status is not looked at: Patroni answers 503 with a full body when PostgreSQL is down.
    async fn ask<T>(
        &self,
        path: &str,
        missing: &'static str,
        read: fn(&Value) -> Option<T>,
    ) -> Result<T, Silence> {
        let url = self.url.join(path);
        let request = Request {
            body: None,
            url: url.clone(),
            limit: None,
            effort: Effort::Usual,
        };
        let response = self.http.exchange(&request).await?;
        serde_json::from_slice(&response.body)
            .ok()
            .and_then(|body| read(&body))
            .ok_or(Silence::Answer {
                url,
                status: response.status,
                missing,
            })
    }
}

/// Reads the answer of `GET /patroni`.
#[must_use]
pub fn read_node(answer: &Value) -> Option<Node> {
    let patroni = answer.get("patroni")?;
    Some(Node {
        name: text(patroni, "name")?,
        scope: text(patroni, "scope")?,
        role: text(answer, "role").and_then(|role| Role::from_patroni(&role)),
        timeline: answer.get("timeline").and_then(Value::as_u64),
        state: text(answer, "state"),
    })
}

/// Reads the answer of `GET /cluster`.
#[must_use]
pub fn read_cluster(answer: &Value) -> Option<Cluster> {
    let member = |member: &Value| {
        let role = text(member, "role").unwrap_or_default();
        Some(Member {
            name: text(member, "name")?,
            holds_leader_key: matches!(role.as_str(), "leader" | "standby_leader" | "master"),
            timeline: member.get("timeline").and_then(Value::as_u64),
            role,
        })
    };
    let members = answer.get("members")?.as_array()?;
    Some(Cluster {
        scope: text(answer, "scope"),
        members: members.iter().filter_map(member).collect(),
    })
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_says_who_it_is_in_every_version() {
        for (answer, role, timeline) in [
            (
                json!({"state": "running", "role": "primary", "timeline": 1, "patroni": {"version": "4.1.5", "scope": "demo", "name": "n1"}}),
                Some(Role::Primary),
                Some(1),
            ),
            (
                json!({"state": "running", "role": "master", "timeline": 1, "patroni": {"version": "3.3.0", "scope": "demo", "name": "n1"}}),
                Some(Role::Primary),
                Some(1),
            ),
            (
                json!({"state": "running", "role": "replica", "timeline": 6, "patroni": {"scope": "demo", "name": "n1"}}),
                Some(Role::Replica),
                Some(6),
            ),
            (
                json!({"state": "running", "role": "standby_leader", "patroni": {"scope": "demo", "name": "n1"}}),
                Some(Role::StandbyLeader),
                None,
            ),
            (
                json!({"state": "running", "role": "new", "timeline": "x", "patroni": {"scope": "demo", "name": "n1"}}),
                None,
                None,
            ),
        ] {
            let node = read_node(&answer).unwrap();
            assert_eq!((node.name.as_str(), node.scope.as_str()), ("n1", "demo"));
            assert_eq!((node.role, node.timeline), (role, timeline), "{answer}");
            assert_eq!(node.state.as_deref(), Some("running"));
        }
        for answer in [
            json!({}),
            json!([]),
            json!({"patroni": {}}),
            json!({"patroni": {"name": 1, "scope": "x"}}),
        ] {
            assert_eq!(read_node(&answer), None, "{answer}");
        }
    }

    #[test]
    fn the_leader_is_who_holds_the_key() {
        for (roles, leader) in [
            (["leader", "replica"], Some("n1")),
            (["replica", "leader"], Some("n2")),
            (["standby_leader", "replica"], Some("n1")),
            (["replica", "sync_standby"], None),
        ] {
            let cluster = read_cluster(&json!({"scope": "demo", "members": [
                {"name": "n1", "role": roles[0], "timeline": 2},
                {"name": "n2", "role": roles[1], "timeline": "unknown"},
                {"role": "leader"},
            ]}))
            .unwrap();
            assert_eq!(cluster.leader().map(|member| member.name.as_str()), leader);
            assert_eq!(cluster.members.len(), 2);
            assert_eq!(cluster.members[0].timeline, Some(2));
            assert_eq!(cluster.members[1].timeline, None);
        }
        assert_eq!(read_cluster(&json!({"scope": "demo"})), None);
    }
}
