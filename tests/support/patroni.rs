//! A Patroni REST API with the answers that a test sets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::http;

/// A local Patroni of cluster `demo`, which ends with the test process.
pub struct Patroni {
    pub url: String,
    says: Arc<Mutex<Says>>,
}

struct Says {
    scope: String,
    node: String,
    leader: String,
    gave_up: bool,
    older_than_3_2: bool,
    url: String,
    system_id: Option<String>,
    others: BTreeMap<String, String>,
    states: BTreeMap<String, String>,
    walsenders: Vec<&'static str>,
    tags: BTreeMap<String, Value>,
    config: Option<Value>,
}

impl Patroni {
    /// Patroni on node `node`, while `leader` holds the leader key.
    pub fn start(node: &str, leader: &str) -> Self {
        let says = Arc::new(Mutex::new(Says {
            scope: "demo".to_owned(),
            node: node.to_owned(),
            leader: leader.to_owned(),
            gave_up: false,
            older_than_3_2: false,
            url: String::new(),
            system_id: None,
            others: BTreeMap::new(),
            states: BTreeMap::new(),
            walsenders: Vec::new(),
            tags: BTreeMap::new(),
            config: Some(json!({"ttl": 30, "slots": {"barman": {"type": "physical"}}})),
        }));
        let shared = Arc::clone(&says);
        let address = http::answer(move |request| shared.lock().unwrap().answer(request.path()));
        let url = format!("http://{address}");
        says.lock().unwrap().url.clone_from(&url);
        Self { url, says }
    }

    fn says(&self) -> MutexGuard<'_, Says> {
        self.says.lock().unwrap()
    }

    /// Another node holds the leader key from now on.
    pub fn leader(&self, node: &str) {
        node.clone_into(&mut self.says().leader);
    }

    /// This node gives up the leader's lease; the list of members still names it as leader.
    pub fn gives_up_the_lease(&self) {
        self.says().gave_up = true;
    }

    /// Its PostgreSQL has this `database_system_identifier`.
    pub fn system_id(&self, id: &str) {
        self.says().system_id = Some(id.to_owned());
    }

    /// Another member has its REST API at this address; by default, all members have this one.
    pub fn lists(&self, node: &str, url: &str) {
        self.says().others.insert(node.to_owned(), url.to_owned());
    }

    /// A member's PostgreSQL is in this state.
    pub fn state(&self, node: &str, state: &str) {
        self.says().states.insert(node.to_owned(), state.to_owned());
    }

    /// Sets the receivers of WAL from its PostgreSQL.
    pub fn walsenders(&self, names: &[&'static str]) {
        self.says().walsenders = names.to_vec();
    }

    /// It belongs to a cluster other than `demo`.
    pub fn scope(&self, name: &str) {
        name.clone_into(&mut self.says().scope);
    }

    /// A member has these tags.
    pub fn tags(&self, node: &str, tags: Value) {
        self.says().tags.insert(node.to_owned(), tags);
    }

    /// Sets the dynamic configuration; without one, it is not available.
    pub fn config(&self, config: Option<Value>) {
        self.says().config = config;
    }

    /// It does not report the member's name from now on.
    pub fn is_older_than_3_2(&self) {
        self.says().older_than_3_2 = true;
    }
}

impl Says {
    fn answer(&self, path: &str) -> String {
        let leads = self.node == self.leader && !self.gave_up;
        let status = match path {
            "/config" if self.config.is_none() => "403 Forbidden",
            "/leader" | "/standby-leader" if !leads => "503 Service Unavailable",
            _ => "200 OK",
        };
        let status = format!("{status}\r\nContent-Type: application/json");
        http::response(&status, &self.document(path).to_string())
    }

    fn document(&self, path: &str) -> Value {
        let (node, scope) = (&self.node, &self.scope);
        let leads = |name: &str| name == self.leader;
        let role = |name: &str| if leads(name) { "primary" } else { "replica" };
        let member = |name: &str| {
            let role = if leads(name) { "leader" } else { "replica" };
            let api_url = format!("{}/patroni", self.others.get(name).unwrap_or(&self.url));
            let state = self.states.get(name).map_or("running", String::as_str);
            json!({"name": name, "role": role, "state": state, "timeline": 1, "api_url": api_url, "tags": self.tags.get(name)})
        };
        let walsender = |name: &&str| json!({"application_name": name, "state": "streaming"});
        match path {
            "/config" => self.config.clone().unwrap_or_default(),
            "/patroni" | "/leader" | "/standby-leader" if self.older_than_3_2 => json!({
                "state": "running", "role": role(node), "timeline": 1,
                "patroni": {"version": "3.0.2", "scope": scope},
            }),
            "/patroni" | "/leader" | "/standby-leader" => json!({
                "state": "running", "role": role(node), "timeline": 1,
                "database_system_identifier": self.system_id,
                "replication": self.walsenders.iter().map(walsender).collect::<Vec<_>>(),
                "patroni": {"version": "4.1.5", "scope": scope, "name": node},
            }),
            _ if self.older_than_3_2 => json!({"members": [member("n1"), member("n2")]}),
            _ => json!({"scope": scope, "members": [member("n1"), member("n2")]}),
        }
    }
}
