//! The world of a scenario: Barmans in memory, and a cluster whose Patronis know the leader.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::http::Response;
use crate::model::ApiName;
use crate::simulator;
use crate::simulator::fault::Faults;
use crate::simulator::service::Service;

use super::clock::Virtual;

/// A Barman with the faults of its API.
pub(super) type Api = Service<simulator::barman::Barman>;

/// The state that processes share.
pub(super) struct Outside {
    pub(super) clock: Virtual,
    pub(super) apis: BTreeMap<ApiName, RefCell<Api>>,
    /// The cluster; it changes between callbacks.
    pub(super) cluster: RefCell<Cluster>,
    /// The directories filled by recoveries, each with its node.
    pub(super) restored: RefCell<BTreeSet<(String, PathBuf)>>,
}

#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) members: Vec<String>,
    pub(super) leader: Option<String>,
    pub(super) standby: bool,
}

impl Outside {
    pub(super) fn active_model(&self, api: &ApiName, server: &str) -> Option<String> {
        let mut service = self.apis.get(api)?.borrow_mut();
        let moment = self.clock.moment();
        service.api().backend().active_model(moment, server)
    }

    pub(super) fn set_faults(&self, faults: &Faults) {
        for service in self.apis.values() {
            service.borrow_mut().set_faults(faults.clone());
        }
    }
}

impl Cluster {
    /// The answer of a member's Patroni.
    pub(super) fn answer(&self, node: &str, path: &str) -> Response {
        let leads = |name: &str| self.leader.as_deref() == Some(name);
        let role = |name: &str, leader| match (leads(name), self.standby) {
            (true, true) => "standby_leader",
            (true, false) => leader,
            (false, _) => "replica",
        };
        let asks_for_lease = path.ends_with("/leader") || path.ends_with("/standby-leader");
        let body = if path.ends_with("/cluster") {
            let member =
                |name: &String| json!({"name": name, "role": role(name, "leader"), "timeline": 1});
            let members: Value = self.members.iter().map(member).collect();
            json!({"scope": self.name, "members": members})
        } else {
            json!({
                "state": "running",
                "role": role(node, "primary"),
                "timeline": 1,
                "patroni": {"name": node, "scope": self.name},
            })
        };
        let is_refused = asks_for_lease && !leads(node);
        Response {
            status: if is_refused { 503 } else { 200 },
            body: body.to_string().into_bytes(),
            ..Response::default()
        }
    }
}
