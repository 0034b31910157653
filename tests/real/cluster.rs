//! One Patroni cluster: its nodes, their starts and ends, and their state.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::calls::Calls;
use super::guard::{Guard, Process, Spec};
use super::prerequisites::Versions;
use super::wait::{self, seconds};
use super::{folder, http, postgres, template};

pub struct Cluster {
    pub name: String,
    pub nodes: Vec<Node>,
    guard: Guard,
}

/// One member: a Patroni with its PostgreSQL.
pub struct Node {
    pub name: String,
    pub port: u16,
    pub calls: Calls,
    rest: u16,
    pub home: PathBuf,
    versions: Versions,
    patroni: Option<Process>,
}

/// The common settings of a cluster's nodes.
pub struct Settings<'a> {
    pub etcd: u16,
    /// The port of pg-backup-api.
    pub api: u16,
    /// Barman's name for the server with this cluster's WAL and backups.
    pub server: &'a str,
    /// The ssh command that reaches a node's postgres account.
    pub ssh: &'a str,
    pub binary: PathBuf,
    /// True if the first node creates the cluster from Barman's latest backup.
    pub from_backup: bool,
    /// True if the nodes have their own network, as in the documentation, separate from local connections.
    pub apart: bool,
    pub versions: Versions,
}

impl Cluster {
    /// Writes the configuration of the nodes and starts none of them.
    pub fn configure(guard: &Guard, name: &str, nodes: &[&str], settings: &Settings<'_>) -> Self {
        let nodes = nodes
            .iter()
            .map(|node| Node::configure(guard, name, node, settings))
            .collect();
        Self {
            name: name.to_owned(),
            nodes,
            guard: guard.clone(),
        }
    }

    pub fn node(&self, name: &str) -> &Node {
        self.nodes
            .iter()
            .find(|node| node.name == name)
            .expect("a node of that name")
    }

    pub fn start(&mut self, name: &str) {
        let guard = self.guard.clone();
        self.node_mut(name).start(&guard);
    }

    /// Kills a node's Patroni, and the callback that it may be running. PostgreSQL keeps running.
    pub fn kill_patroni(&mut self, name: &str) {
        self.taken(name).kill();
    }

    /// Kills a node's Patroni and PostgreSQL at once.
    pub fn crash(&mut self, name: &str) {
        let file = self
            .node(name)
            .data()
            .join("postmaster.pid")
            .display()
            .to_string();
        let read = Spec::new("postmaster", ["head", "-n", "1", &file]).user("postgres");
        let postmaster = self.guard.must(&read, seconds(10));
        self.kill_patroni(name);
        self.guard
            .kill_tree(postmaster.trim().parse().expect("a pid"));
    }

    /// Stops a node in the normal way.
    pub fn stop(&mut self, name: &str) {
        self.taken(name).stop(seconds(40));
    }

    /// Removes this program from the nodes' configuration, before their start.
    pub fn without_callbacks(&self) {
        for node in &self.nodes {
            let path = node.home.join("patroni.yml");
            let text = std::fs::read_to_string(&path).expect("patroni.yml");
            let (before, _) = text.split_once("  callbacks:\n").expect("callbacks");
            folder::write(&path, before);
        }
    }

    /// Sends a signal only to a node's Patroni.
    pub fn signal(&self, name: &str, signal: &str) {
        let patroni = self.node(name).patroni.as_ref();
        patroni.expect("a node that runs").signal(signal);
    }

    /// Waits for the end of a Patroni that exits by itself.
    pub fn ends_by_itself(&mut self, name: &str) {
        self.taken(name).ends(seconds(60));
    }

    /// Stops all nodes, replicas first, so that none of them takes over.
    pub fn stop_all(&mut self) {
        let leader = |member: &Value| member["role"] == "leader";
        let members = self.members().expect("the cluster");
        let (leaders, replicas): (Vec<_>, Vec<_>) = members.into_iter().partition(leader);
        for member in replicas.iter().chain(&leaders) {
            self.stop(member["name"].as_str().expect("a name"));
        }
    }

    /// The Patroni of a node, which counts as stopped from now on.
    fn taken(&mut self, name: &str) -> Process {
        let patroni = self.node_mut(name).patroni.take();
        patroni.expect("a node that runs")
    }

    /// Runs one SQL command on a node.
    #[track_caller]
    pub fn query(&self, name: &str, sql: &str) -> String {
        let rows = postgres::query(self.node(name).port, sql);
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Waits until a replica has the first row of the leader: the nodes and Barman share some WAL then. A primary that
    /// dies exactly when its last WAL record ends a segment leaves Barman at a position that no other node knows.
    pub fn share(&self, leader: &str, replicas: &[&str]) {
        self.query(leader, "CREATE TABLE IF NOT EXISTS in_common (at timestamptz); INSERT INTO in_common VALUES (now())");
        for replica in replicas {
            let port = self.node(replica).port;
            wait::until(seconds(30), "the first row on a replica", || {
                postgres::query(port, "SELECT * FROM in_common")
            });
        }
    }

    fn node_mut(&mut self, name: &str) -> &mut Node {
        self.nodes
            .iter_mut()
            .find(|node| node.name == name)
            .expect("a node of that name")
    }

    /// The answer of any node to `GET /cluster`.
    pub fn members(&self) -> Result<Vec<Value>, String> {
        let mut last = "no node runs".to_owned();
        for node in self.nodes.iter().filter(|node| node.patroni.is_some()) {
            match http::get(node.rest, "/cluster") {
                Ok(answer) => return Ok(answer["members"].as_array().cloned().unwrap_or_default()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Waits until `leader` leads and every started node is running or streaming.
    pub fn settle(&self, leader: &str, limit: Duration) {
        let started = self
            .nodes
            .iter()
            .filter(|node| node.patroni.is_some())
            .count();
        wait::until(
            limit,
            &format!("{leader} leading {} with all replicas streaming", self.name),
            || {
                let members = self.members()?;
                let fine = |member: &&Value| match member["role"].as_str() {
                    Some("leader") => member["name"] == leader && member["state"] == "running",
                    _ => member["state"] == "streaming",
                };
                if members.iter().filter(fine).count() == started
                    && members.iter().any(|member| member["role"] == "leader")
                {
                    Ok(())
                } else {
                    Err(serde_json::to_string(&members).unwrap_or_default())
                }
            },
        );
        let port = self.node(leader).port;
        wait::until(
            limit,
            &format!("{leader} taking writes"),
            || match postgres::query(port, "SELECT pg_is_in_recovery()") {
                Ok(answer) if answer == "f" => Ok(()),
                other => Err(format!("{other:?}")),
            },
        );
    }

    /// Asks Patroni to make `to` the leader instead of `from`.
    pub fn switchover(&self, from: &str, to: &str) {
        let body = serde_json::json!({"leader": from, "candidate": to}).to_string();
        // right after a change Patroni may report that the candidate is not ready yet
        wait::until(seconds(30), &format!("the switchover to {to}"), || {
            http::post(self.node(from).rest, "/switchover", &body)
        });
    }

    /// Makes every node's Patroni read its configuration again, and waits until it has.
    pub fn reload(&self) {
        for node in &self.nodes {
            let count = || {
                self.log(&node.name)
                    .matches("INFO: Reloading PostgreSQL configuration")
                    .count()
                    + self.log(&node.name).matches("nothing to reload").count()
            };
            let before = count();
            node.patroni
                .as_ref()
                .expect("a node that runs")
                .signal("HUP");
            wait::until_true(seconds(20), &format!("{} reloading", node.name), || {
                count() > before
            });
        }
    }

    /// The logs of a node's Patroni and PostgreSQL.
    pub fn log(&self, name: &str) -> String {
        let bytes = std::fs::read(self.guard.log(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn tree(&self, name: &str) -> Vec<u32> {
        self.node(name)
            .patroni
            .as_ref()
            .map(Process::tree)
            .unwrap_or_default()
    }

    /// Removes the data of a stopped node.
    pub fn wipe(&self, name: &str) {
        let data = self.node(name).data().display().to_string();
        self.guard.set_up("postgres", &["rm", "-rf", &data]);
    }
}

impl Node {
    fn configure(guard: &Guard, cluster: &str, name: &str, settings: &Settings<'_>) -> Self {
        let home = guard.folder().join(name);
        let path = home.display().to_string();
        guard.set_up("postgres", &["install", "-d", "-m", "755", &path]);
        // the tests write configurations into it, and PostgreSQL creates its data directory in it
        guard.set_up("postgres", &["chmod", "777", &path]);
        let (port, rest) = (folder::port(), folder::port());
        let calls = Calls::new(&home, &settings.binary);
        folder::write(&home.join("calls"), "");
        let shared = Spec::new(
            "setup",
            ["chmod", "666", &home.join("calls").display().to_string()],
        );
        guard.must(&shared, seconds(10));
        let node = Self {
            name: name.to_owned(),
            port,
            calls,
            rest,
            home,
            versions: settings.versions,
            patroni: None,
        };
        node.write_rules(settings, "");
        node.write_patroni(cluster, settings);
        node
    }

    /// Writes the node's rules file, with `more` appended.
    pub fn write_rules(&self, settings: &Settings<'_>, more: &str) {
        let rules = template::fill(
            &template::read("rules.yml"),
            &[
                (
                    "http://10.0.0.20:7480",
                    &format!("http://127.0.0.1:{}", settings.api),
                ),
                (
                    "http://127.0.0.1:8008",
                    &format!("http://127.0.0.1:{}", self.rest),
                ),
                ("server: main", &format!("server: {}", settings.server)),
                ("cluster: main", &format!("cluster: {}", settings.server)),
                ("ssh postgres@{{ host }}", settings.ssh),
            ],
        );
        folder::write(&self.rules(), &(rules + more));
    }

    pub fn rules(&self) -> PathBuf {
        self.home.join("rules.yml")
    }

    /// The path of its callbacks' state.
    pub fn state(&self) -> String {
        self.home.join("state.db").display().to_string()
    }

    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn write_patroni(&self, cluster: &str, settings: &Settings<'_>) {
        let mut text = template::read("patroni.yml");
        if settings.from_backup {
            text = template::fill(&text, &[("bootstrap:\n", &template::read("bootstrap.yml"))]);
        }
        let program = format!(
            "{} run --second-look 0s --rules {}",
            self.calls.program.display(),
            self.rules().display()
        );
        let home = self.home.display();
        let (address, network) = if settings.apart {
            ("127.0.1.11", "127.0.1.0/24")
        } else {
            ("127.0.0.1", "127.0.0.1/32")
        };
        let listen = if settings.apart {
            "127.0.0.1,127.0.1.11"
        } else {
            "127.0.0.1"
        };
        let roles = self.home.join("barman-roles.sql");
        folder::write(&roles, &template::read("barman-roles.sql"));
        let text = template::fill(
            &text,
            &[
                ("scope: main", &format!("scope: {cluster}")),
                ("name: n1", &format!("name: {}", self.name)),
                ("10.0.0.5:2379", &format!("127.0.0.1:{}", settings.etcd)),
                ("0.0.0.0:8008", &format!("127.0.0.1:{}", self.rest)),
                ("10.0.0.11:8008", &format!("127.0.0.1:{}", self.rest)),
                ("0.0.0.0:5432", &format!("{listen}:{}", self.port)),
                ("10.0.0.11:5432", &format!("{address}:{}", self.port)),
                ("10.0.0.0/24", network),
                ("ttl: 30", "ttl: 20"),
                ("loop_wait: 10", "loop_wait: 5"),
                ("retry_timeout: 10", "retry_timeout: 5"),
                (
                    "/var/lib/postgresql/15/main",
                    &self.data().display().to_string(),
                ),
                (
                    "/var/lib/postgresql/.pgpass-patroni",
                    &format!("{home}/pgpass"),
                ),
                ("/var/run/postgresql", &format!("{home}\n    fsync: 'off'")),
                ("/usr/libexec/patroni_barman run", &program),
                (
                    "/etc/patroni/barman-roles.sql",
                    &roles.display().to_string(),
                ),
            ],
        );
        folder::write(&self.home.join("patroni.yml"), &text);
    }

    /// Makes it reach etcd through another port after its next start.
    pub fn reach_etcd_by(&self, etcd: u16, port: u16) {
        let path = self.home.join("patroni.yml");
        let text = std::fs::read_to_string(&path).expect("patroni.yml");
        // otherwise Patroni asks etcd for its addresses, and uses those
        let there = format!("127.0.0.1:{port}\n  use_proxies: true");
        let text = template::fill(&text, &[(&format!("127.0.0.1:{etcd}"), &there)]);
        folder::write(&path, &text);
    }

    /// Sets the Python tool as the callback, from the next reload.
    pub fn call_python(&self, settings: &Settings<'_>) {
        let path = self.home.join("patroni.yml");
        let text = std::fs::read_to_string(&path).expect("patroni.yml");
        let (before, after) = text.split_once("  callbacks:\n").expect("callbacks");
        let (_, after) = after
            .split_once("  create_replica_methods:")
            .expect("the key after the callbacks");
        let python = template::fill(
            &template::read("python-callback.yml"),
            &[
                (
                    "/usr/bin/patroni_barman_python",
                    &self.calls.python.display().to_string(),
                ),
                (
                    "http://10.0.0.20:7480",
                    &format!("http://127.0.0.1:{}", settings.api),
                ),
                ("main:n1", &format!("{}:{}", settings.server, self.name)),
                (
                    "--barman-server main",
                    &format!("--barman-server {}", settings.server),
                ),
            ],
        );
        folder::write(
            &path,
            &format!("{before}{python}  create_replica_methods:{after}"),
        );
    }

    fn start(&mut self, guard: &Guard) {
        let patroni = self.versions.program("patroni").display().to_string();
        let config = self.home.join("patroni.yml").display().to_string();
        // callbacks inherit it; on its own host each node has the default
        let spec = Spec::new(&self.name, [patroni, config])
            .user("postgres")
            .env("PATRONI_BARMAN_STATE", self.state())
            .env(
                "PATH",
                format!("{}/bin:/usr/bin:/bin", guard.folder().display()),
            );
        self.patroni = Some(guard.start(&spec));
    }
}
