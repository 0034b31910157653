//! A node whose processes can be killed, and a Barman that they talk to.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use patroni_barman::simulator::{Config, RecoverFiles, Served, Simulator};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::patroni::Patroni;
use crate::support::program::with_state;

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A switch, a note and a recovery, each with its own event or in one.
const RULES: &str = r#"version: 1
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
defaults: {retry: {attempts: 4, wait: 10ms, max_wait: 10ms}}
rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_switch, server: demo, model_name: "demo:{{ node }}"}
  - name: note
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_update, changes: [{scope: model, model_name: "demo:{{ node }}", description: "led by {{ node }}"}]}
  - name: rebuild
    on: create_replica
    request:
      type: recovery
      server: demo
      backup_id: latest
      remote_ssh_command: "ssh postgres@{{ node }}"
      destination_directory: "{{ datadir }}"
"#;

/// A node called n1, which holds the leader key, and a Barman of its own.
pub struct Node {
    pub folder: TempDir,
    pub patroni: Patroni,
    pub barman: Simulator,
}

impl Node {
    pub fn new() -> Self {
        Self::beside(config(), "n1")
    }

    /// A node with this Barman.
    pub fn beside(config: Config, name: &str) -> Self {
        let node = Self {
            folder: tempfile::tempdir().unwrap(),
            patroni: Patroni::start(name, name),
            barman: Simulator::start(config).unwrap(),
        };
        node.ask(&node.patroni.url);
        node
    }

    /// Writes the rules, with this address of Patroni.
    pub fn ask(&self, patroni: &str) {
        let rules = RULES
            .replace("BARMAN", self.barman.url())
            .replace("PATRONI", patroni);
        fs::write(self.folder.path().join("rules.yml"), rules).unwrap();
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    pub fn datadir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What makes this node a replica.
    pub fn create_replica(&self) -> Vec<String> {
        let datadir = format!("--datadir={}", self.datadir().display());
        let words = [
            "run",
            "--node",
            "n1",
            "--event",
            "create_replica",
            "--scope=demo",
            "--role=replica",
            &datadir,
        ];
        words.map(str::to_owned).to_vec()
    }

    pub fn command(&self, arguments: &[impl AsRef<str>]) -> Command {
        let mut command = with_state(&self.state());
        command
            .args(arguments.iter().map(AsRef::as_ref))
            .env("PATRONI_BARMAN_RULES", self.folder.path().join("rules.yml"));
        command
    }

    pub fn run(&self, arguments: &[impl AsRef<str>]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a process that nobody listens to.
    pub fn start(&self, arguments: &[impl AsRef<str>]) -> Child {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        self.command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The requests of this type that were posted.
    pub fn posts(&self, kind: &str) -> Vec<Served> {
        let is_kind = |served: &Served| served.method == "POST" && served.body["type"] == kind;
        self.barman.served().into_iter().filter(is_kind).collect()
    }

    /// How many of them Barman took up.
    pub fn taken_up(&self, kind: &str) -> usize {
        self.posts(kind)
            .iter()
            .filter(|served| served.status == Some(202))
            .count()
    }

    /// How every request ended, oldest first.
    pub fn outcomes(&self) -> Vec<String> {
        let output = self.run(&["history", "--format", "json"]);
        let history: Value = serde_json::from_slice(&output.stdout).unwrap();
        let outcome = |request: &Value| request["outcome"].as_str().unwrap().to_owned();
        history["requests"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(outcome)
            .collect()
    }
}

/// A Barman whose operations end at once.
pub fn config() -> Config {
    Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .active("demo", "demo:n2")
        .backup("demo", "20260101T000000")
        .recover_files(RecoverFiles::Local)
}

/// Kills a process with SIGKILL as soon as this is so. Gives `false` if it ended by itself before.
pub fn kill_when(child: &mut Child, mut so: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if so() {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "it neither came there nor ended"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until this is so.
pub fn until(mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < PATIENCE, "it did not come to that");
        thread::sleep(Duration::from_millis(2));
    }
}
