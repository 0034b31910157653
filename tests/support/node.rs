//! A node of cluster `demo`: its rules, its state, its Patroni and its Barman.
//!
//! ```ignore
//! let node = Node::new(RULES).with_patroni("n1").with_barman(config);
//! node.barman().take_down();
//! node.promoted().exits(3).says("connection refused");
//! node.run(["reconcile"]).exits(3);
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use patroni_barman::simulator::{Config, Served, Simulator};
use serde_json::Value;
use tempfile::TempDir;

use super::call::Call;
use super::ended::Ended;
use super::patroni::Patroni;
use super::schema::assert_fits;

pub struct Node {
    folder: TempDir,
    name: String,
    rules: String,
    patroni: Option<Patroni>,
    barman: Option<Simulator>,
    calls: AtomicU32,
}

impl Node {
    /// Node n1 with these rules. In them, `BARMAN` and `PATRONI` become the addresses of the node's own servers.
    pub fn new(rules: &str) -> Self {
        let node = Self {
            folder: tempfile::tempdir().unwrap(),
            name: "n1".to_owned(),
            rules: rules.to_owned(),
            patroni: None,
            barman: None,
            calls: AtomicU32::new(0),
        };
        node.write_rules(rules);
        node
    }

    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Gives it a Patroni according to which this member leads.
    pub fn with_patroni(mut self, leader: &str) -> Self {
        self.patroni = Some(Patroni::start(&self.name, leader));
        self.write_rules(&self.rules);
        self
    }

    /// Gives it its own Barman.
    pub fn with_barman(mut self, config: Config) -> Self {
        self.barman = Some(Simulator::start(config).unwrap());
        self.write_rules(&self.rules);
        self
    }

    pub fn patroni(&self) -> &Patroni {
        self.patroni.as_ref().expect("a node with a Patroni")
    }

    pub fn barman(&self) -> &Simulator {
        self.barman.as_ref().expect("a node with a Barman")
    }

    /// Sets the faults of its Barman, in the simulator's notation.
    pub fn faults(&self, faults: &str) {
        self.barman().set_faults(faults.parse().unwrap());
    }

    /// Barman's active model of the server `demo`.
    pub fn active(&self) -> String {
        self.barman().active_model("demo").unwrap_or_default()
    }

    pub fn write_rules(&self, rules: &str) {
        let mut rules = rules.to_owned();
        if let Some(barman) = &self.barman {
            rules = rules.replace("BARMAN", barman.url());
        }
        if let Some(patroni) = &self.patroni {
            rules = rules.replace("PATRONI", &patroni.url);
        }
        fs::write(self.rules(), rules).unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn rules(&self) -> PathBuf {
        self.folder().join("rules.yml")
    }

    pub fn state(&self) -> PathBuf {
        self.folder().join("state/state.db")
    }

    pub fn datadir(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Puts a file that is not a database in the place of its state.
    pub fn spoil_state(&self) {
        let state = self.state();
        fs::create_dir_all(state.parent().unwrap()).unwrap();
        for file in ["state.db-wal", "state.db-shm"] {
            let _ = fs::remove_file(state.with_file_name(file));
        }
        let text = "no database, and long enough to be read as one ".repeat(100);
        fs::write(state, text).unwrap();
    }

    /// The number of the next call; its output goes to files.
    pub fn next_call(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    pub fn call(&self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Call<'_> {
        Call::new(self).args(arguments)
    }

    /// The callback `on_role_change primary demo`, with a result for programs.
    pub fn callback(&self) -> Call<'_> {
        self.call(["run", "--format", "json", "--node", &self.name])
            .args(["on_role_change", "primary", "demo"])
    }

    /// Runs the callback `on_role_change primary demo`.
    pub fn promoted(&self) -> Ended {
        self.callback().run()
    }

    /// Runs that callback while Barman is down: its request stays pending.
    pub fn misses_barman(&self) {
        self.barman().take_down();
        self.promoted().exits(3);
        self.barman().bring_up().unwrap();
    }

    /// Runs the callback for this event and role.
    pub fn event(&self, event: &str, role: &str) -> Ended {
        self.run(["run", "--node", &self.name, event, role, "demo"])
    }

    /// The command that creates this node as a replica.
    pub fn create_replica(&self) -> Call<'_> {
        let datadir = format!("--datadir={}", self.datadir().display());
        self.call(["run", "--node", &self.name, "--event", "create_replica"])
            .args(["--scope=demo", "--role=replica", &datadir])
    }

    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Ended {
        self.call(arguments).run()
    }

    /// A command, for other ways of starting it.
    pub fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Command {
        self.call(arguments).command()
    }

    /// Runs a command with `--format json`, and validates its output by the schema that the program prints for it.
    #[track_caller]
    pub fn json(&self, arguments: &[&str], exit: i32) -> Value {
        let call = self.call(arguments).args(["--format", "json"]);
        let value = call.run().exits(exit).json();
        let schema = self.run(["schema", arguments[0]]).json();
        assert_fits(&schema, &value);
        value
    }

    /// Runs `reconcile` and returns the metrics that it has written.
    #[track_caller]
    pub fn metrics(&self, exit: i32) -> String {
        let file = self.folder().join("patroni_barman.prom");
        let pass = ["reconcile", "--metrics-file", file.to_str().unwrap()];
        self.run(pass).exits(exit);
        fs::read_to_string(file).unwrap()
    }

    /// The recorded requests, the newest first.
    pub fn requests(&self) -> Vec<Value> {
        let history = self.json(&["history"], 0);
        history["requests"].as_array().unwrap().clone()
    }

    /// The newest request.
    pub fn newest(&self) -> Value {
        self.requests().swap_remove(0)
    }

    /// The outcomes of all requests, the newest first.
    pub fn outcomes(&self) -> Vec<String> {
        let outcome = |request: &Value| request["outcome"].as_str().unwrap().to_owned();
        self.requests().iter().map(outcome).collect()
    }

    /// All requests that were posted to its Barman.
    pub fn posts(&self) -> Vec<Served> {
        let mut served = self.barman().served();
        served.retain(|served| served.method == "POST");
        served
    }

    /// The posts of this type.
    pub fn posts_of(&self, kind: &str) -> Vec<Served> {
        let mut posts = self.posts();
        posts.retain(|served| served.body["type"] == kind);
        posts
    }

    /// The number of posts of this type that Barman accepted.
    pub fn accepted(&self, kind: &str) -> usize {
        let posts = self.posts_of(kind);
        posts
            .iter()
            .filter(|served| served.status == Some(202))
            .count()
    }
}
