//! A Patroni REST API with the answers that a test sets.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let says = Says {
            scope: "demo".to_owned(),
            node: node.to_owned(),
            leader: leader.to_owned(),
            gave_up: false,
            older_than_3_2: false,
            url: url.clone(),
            system_id: None,
            others: BTreeMap::new(),
            states: BTreeMap::new(),
            walsenders: Vec::new(),
            tags: BTreeMap::new(),
            config: Some(json!({"ttl": 30, "slots": {"barman": {"type": "physical"}}})),
        };
        let says = Arc::new(Mutex::new(says));
        let shared = Arc::clone(&says);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { url, says }
    }

    /// Another node holds the leader key from now on.
    pub fn leader(&self, node: &str) {
        node.clone_into(&mut self.says.lock().unwrap().leader);
    }

    /// This node gives up the leader's lease; the list of members still names it as leader.
    pub fn gives_up_the_lease(&self) {
        self.says.lock().unwrap().gave_up = true;
    }

    /// Its PostgreSQL has this `database_system_identifier`.
    pub fn system_id(&self, id: &str) {
        self.says.lock().unwrap().system_id = Some(id.to_owned());
    }

    /// Another member has its REST API at this address; by default, all members have this one.
    pub fn lists(&self, node: &str, url: &str) {
        let mut says = self.says.lock().unwrap();
        says.others.insert(node.to_owned(), url.to_owned());
    }

    /// A member's PostgreSQL is in this state.
    pub fn state(&self, node: &str, state: &str) {
        let mut says = self.says.lock().unwrap();
        says.states.insert(node.to_owned(), state.to_owned());
    }

    /// Sets the receivers of WAL from its PostgreSQL.
    pub fn walsenders(&self, names: &[&'static str]) {
        self.says.lock().unwrap().walsenders = names.to_vec();
    }

    /// It belongs to a cluster other than `demo`.
    pub fn scope(&self, name: &str) {
        name.clone_into(&mut self.says.lock().unwrap().scope);
    }

    /// A member has these tags.
    pub fn tags(&self, node: &str, tags: Value) {
        let mut says = self.says.lock().unwrap();
        says.tags.insert(node.to_owned(), tags);
    }

    /// Sets the dynamic configuration; without one, it is not available.
    pub fn config(&self, config: Option<Value>) {
        self.says.lock().unwrap().config = config;
    }

    /// It does not report the member's name from now on.
    pub fn is_older_than_3_2(&self) {
        self.says.lock().unwrap().older_than_3_2 = true;
    }
}

fn answer(mut stream: std::net::TcpStream, says: &Mutex<Says>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line);
        }
        let path = head
            .first()
            .and_then(|line| line.split(' ').nth(1))
            .unwrap_or("")
            .to_owned();
        let body = {
            let says = says.lock().unwrap();
            let (node, leader) = (&says.node, &says.leader);
            let role = |name: &str| if name == leader { "primary" } else { "replica" };
            let member = |name: &str| {
                let role = if name == leader { "leader" } else { "replica" };
                let api_url = format!("{}/patroni", says.others.get(name).unwrap_or(&says.url));
                let state = says.states.get(name).map_or("running", String::as_str);
                json!({"name": name, "role": role, "state": state, "timeline": 1, "api_url": api_url, "tags": says.tags.get(name)})
            };
            let scope = &says.scope;
            let walsender = |name: &&str| json!({"application_name": name, "state": "streaming"});
            match path.as_str() {
                "/config" => says.config.clone().unwrap_or_default(),
                "/patroni" | "/leader" | "/standby-leader" if says.older_than_3_2 => json!({
                    "state": "running", "role": role(node), "timeline": 1,
                    "patroni": {"version": "3.0.2", "scope": scope},
                }),
                "/patroni" | "/leader" | "/standby-leader" => json!({
                    "state": "running", "role": role(node), "timeline": 1,
                    "database_system_identifier": says.system_id,
                    "replication": says.walsenders.iter().map(walsender).collect::<Vec<_>>(),
                    "patroni": {"version": "4.1.5", "scope": scope, "name": node},
                }),
                _ if says.older_than_3_2 => json!({"members": [member("n1"), member("n2")]}),
                _ => json!({"scope": scope, "members": [member("n1"), member("n2")]}),
            }
        };
        let body = body.to_string();
        let (leads, shows) = {
            let says = says.lock().unwrap();
            let leads = says.node == says.leader && !says.gave_up;
            (leads, says.config.is_some())
        };
        let status = match path.as_str() {
            "/config" if !shows => "403 Forbidden",
            "/leader" | "/standby-leader" if !leads => "503 Service Unavailable",
            _ => "200 OK",
        };
        let length = body.len();
        let sent = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        if sent.is_err() {
            return;
        }
    }
}
