//! Patroni's REST API: members, leader, and the state of the leader's PostgreSQL.

mod answer;
mod name;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::http::{Effort, Failure, Http, Request, Response};
use crate::model::{Lsn, Role, Url};

pub use answer::{read_cluster, read_configuration, read_history, read_node};
pub use name::{name_in, own_name};

/// The answer of `GET /patroni`: one member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// The member's name; Patroni before 3.2 does not report it.
    pub name: Option<String>,
    /// The cluster's name.
    pub scope: Option<String>,
    /// PostgreSQL's current role; still `replica` during a promotion.
    pub role: Option<Role>,
    /// PostgreSQL's timeline.
    pub timeline: Option<u64>,
    /// `running`, `starting`, `stopped` and so on.
    pub state: Option<String>,
    /// The receivers of this PostgreSQL's WAL; Patroni omits the list when it is empty. `None` if PostgreSQL is
    /// not running, so that the list says nothing.
    pub walsenders: Option<Vec<Walsender>>,
    /// The cluster's `database_system_identifier`.
    pub system_id: Option<String>,
    /// Patroni's version.
    pub version: Option<String>,
    /// The time of its last contact with the DCS, by its own clock, since the Unix epoch.
    pub dcs_last_seen: Option<Duration>,
}

/// A walsender of a member's PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walsender {
    /// The receiver's name: a replica's, or Barman's `streaming_archiver_name`.
    pub application_name: String,
    /// `startup`, `catchup`, `streaming`, `backup` or `stopping`.
    pub state: String,
}

impl Walsender {
    /// Returns true for a receiver of WAL, false for a connection that is starting or takes a backup.
    pub fn receives(&self) -> bool {
        matches!(self.state.as_str(), "startup" | "catchup" | "streaming")
    }
}

/// The answer of `GET /cluster`: the cluster according to the DCS. With etcd v3 and Kubernetes it comes from a watch cache
/// and may lag by a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// The cluster's name; Patroni before 3.2 does not report it.
    pub scope: Option<String>,
    /// The members.
    pub members: Vec<Member>,
}

/// One member of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub name: String,
    /// True if it holds the leader key, even during its promotion.
    pub holds_leader_key: bool,
    /// Patroni's word for the role: `leader`, `standby_leader`, `replica`, `sync_standby` and so on.
    pub role: String,
    /// `running`, `streaming`, `stopped` and so on.
    pub state: Option<String>,
    /// The timeline.
    pub timeline: Option<u64>,
    /// The address of its REST API, without the path.
    pub api_url: Option<String>,
    /// True if its tags prevent its promotion.
    pub never_leads: bool,
}

impl Member {
    /// The role in the words of the rules, according to the leader key.
    pub fn rules_role(&self) -> Role {
        match (self.holds_leader_key, self.role.as_str()) {
            (true, "standby_leader") => Role::StandbyLeader,
            (true, _) => Role::Primary,
            (false, _) => Role::Replica,
        }
    }

    /// Returns true if the member's PostgreSQL is down.
    pub fn is_stopped(&self) -> bool {
        let down = ["stopped", "stopping", "crashed", "start failed"];
        self.state
            .as_deref()
            .is_some_and(|state| down.contains(&state))
    }
}

impl Cluster {
    /// The member that holds the leader key.
    pub fn leader(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.holds_leader_key)
    }

    /// The member with this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// The answer of `GET /config`: the common configuration of all members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configuration {
    /// The permanent physical replication slots, which every leader has.
    pub slots: BTreeSet<String>,
}

/// The answer of `GET /leader` or `/standby-leader`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The member holds the leader key.
    pub held: bool,
    /// The member's name, from Patroni 3.2.
    pub name: Option<String>,
    /// The cluster's name, from Patroni 3.2.
    pub scope: Option<String>,
}

/// One line of `GET /history`: a timeline that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The timeline that ended.
    pub timeline: u64,
    /// The WAL position at which it ended.
    pub lsn: Lsn,
    /// The time of the change, as Patroni writes it.
    pub time: Option<String>,
    /// The same time since the Unix epoch, by the new leader's clock.
    pub at: Option<Duration>,
    /// The leader of the next timeline.
    pub new_leader: Option<String>,
}

/// The reason why Patroni gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatroniError {
    /// It could not be reached, or not with the settings in the rules file.
    #[error("Patroni cannot be reached: {0}")]
    Unreachable(#[from] Failure),
    /// It sent an unexpected answer.
    #[error("Patroni at `{url}` answered {status} without {missing}{}", other(server.as_ref()))]
    Answer {
        /// The address that was asked.
        url: String,
        /// The HTTP status code.
        status: u16,
        /// The missing part of the answer.
        missing: &'static str,
        /// The name of the server that answered, if it is not Patroni's.
        server: Option<String>,
    },
    /// It belongs to another cluster.
    #[error(
        "the Patroni at `{url}` is of cluster `{found}`, not `{wanted}`; correct `patroni` in the rules file"
    )]
    OtherCluster {
        /// The address that was asked.
        url: String,
        /// Its cluster.
        found: String,
        /// The expected cluster.
        wanted: String,
    },
}

fn other(server: Option<&String>) -> String {
    server.map_or_else(String::new, |server| {
        format!("; the server there calls itself `{server}` and is not Patroni")
    })
}

/// The name of a server other than Patroni's own, which is Python's.
fn not_patroni(response: &Response) -> Option<String> {
    let name = response.product()?;
    (name != "BaseHTTP").then(|| name.to_owned())
}

/// A Patroni REST API at an address.
#[derive(Debug)]
pub struct Patroni<'a, H> {
    http: &'a H,
    url: Url,
    limit: Option<Duration>,
}

impl<H> Clone for Patroni<'_, H> {
    fn clone(&self) -> Self {
        Self {
            http: self.http,
            url: self.url.clone(),
            limit: self.limit,
        }
    }
}

impl<'a, H: Http> Patroni<'a, H> {
    /// The REST API at this address.
    pub const fn new(http: &'a H, url: Url) -> Self {
        Self {
            http,
            url,
            limit: None,
        }
    }

    /// The same API with this time limit for its exchanges.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The REST API of another member, with the same settings.
    #[must_use]
    pub fn at(&self, url: Url) -> Self {
        Self {
            url,
            ..self.clone()
        }
    }

    /// The address.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Asks for the member's own state.
    pub async fn node(&self) -> Result<Node, PatroniError> {
        self.ask("/patroni", "the member's state", read_node).await
    }

    /// Asks for the cluster's members and leader.
    pub async fn cluster(&self) -> Result<Cluster, PatroniError> {
        self.ask("/cluster", "the cluster's members", read_cluster)
            .await
    }

    /// Asks for the dynamic configuration, which is stored in the DCS.
    pub async fn configuration(&self) -> Result<Configuration, PatroniError> {
        let missing = "the cluster's configuration";
        let (url, response) = self.get("/config").await?;
        let status = response.status;
        let body = serde_json::from_slice(&response.body).ok();
        let body = body.filter(|_| status == 200);
        body.and_then(|body| read_configuration(&body))
            .ok_or_else(|| PatroniError::Answer {
                url,
                status,
                missing,
                server: not_patroni(&response),
            })
    }

    /// Asks for the history of timelines.
    pub async fn history(&self) -> Result<Vec<Switch>, PatroniError> {
        self.ask("/history", "a list of timelines", read_history)
            .await
    }

    /// Asks whether this member holds the leader key by its own lease, which it takes before a promotion begins. The
    /// leader of a standby cluster uses another path.
    pub async fn lease(&self, role: Role) -> Result<Lease, PatroniError> {
        let path = match role {
            Role::StandbyLeader => "/standby-leader",
            _ => "/leader",
        };
        let (url, response) = self.get(path).await?;
        let held = match response.status {
            200 => true,
            503 => false,
            status => {
                return Err(PatroniError::Answer {
                    url,
                    status,
                    missing: "200 or 503",
                    server: not_patroni(&response),
                });
            }
        };
        let node = serde_json::from_slice(&response.body).ok();
        let node = node.and_then(|body| read_node(&body)).unwrap_or_default();
        Ok(Lease {
            held,
            name: node.name,
            scope: node.scope,
        })
    }

    /// Refuses an answer of another cluster. A missing scope is accepted: Patroni before 3.2 does not report it.
    pub fn same_scope(&self, found: Option<&str>, wanted: &str) -> Result<(), PatroniError> {
        match found {
            Some(found) if found != wanted => Err(PatroniError::OtherCluster {
                url: self.url.as_str().to_owned(),
                found: found.to_owned(),
                wanted: wanted.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Ignores the status: Patroni answers 503 with a full body when PostgreSQL is down.
    async fn ask<T>(
        &self,
        path: &str,
        missing: &'static str,
        read: fn(&Value) -> Option<T>,
    ) -> Result<T, PatroniError> {
        let (url, response) = self.get(path).await?;
        serde_json::from_slice(&response.body)
            .ok()
            .and_then(|body| read(&body))
            .ok_or_else(|| PatroniError::Answer {
                url,
                status: response.status,
                missing,
                server: not_patroni(&response),
            })
    }

    async fn get(&self, path: &str) -> Result<(String, Response), PatroniError> {
        let url = self.url.join(path);
        let request = Request {
            limit: self.limit,
            ..Request::get(url.clone(), Effort::Usual)
        };
        Ok((url, self.http.exchange(&request).await?))
    }
}
