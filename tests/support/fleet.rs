//! Simulated clusters and Barman hosts, and an agent that follows them.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use patroni_barman::simulator::patroni::Cluster;
use patroni_barman::simulator::{Config, Served, World};
use serde_json::Value;
use tempfile::TempDir;

use super::ended::Ended;
use super::program::with_state;
use super::wait::{until, wait};

/// The rules that follow every leader.
pub const FOLLOW: &str = r#"rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_switch, api: API, server: "{{ cluster }}", model_name: "{{ cluster }}:{{ node }}"}
"#;

pub struct Fleet {
    pub world: World,
    folder: TempDir,
    agents: RefCell<u32>,
}

impl Fleet {
    /// Clusters with the members n1 to n3, each on a Barman host; n1 leads and Barman follows it.
    pub fn new(clusters: &[(&str, &str)]) -> Self {
        let mut hosts: Vec<(String, Config)> = Vec::new();
        for (cluster, host) in clusters {
            let place = hosts.iter().position(|(name, _)| name == host);
            let place = place.unwrap_or_else(|| {
                hosts.push(((*host).to_owned(), Config::default()));
                hosts.len() - 1
            });
            let config = std::mem::take(&mut hosts[place].1).server(cluster);
            let config = ["n1", "n2", "n3"].iter().fold(config, |config, node| {
                config.model(&format!("{cluster}:{node}"))
            });
            hosts[place].1 = config.active(cluster, &format!("{cluster}:n1"));
        }
        let made = clusters.iter().map(|(name, _)| {
            let cluster = Cluster::new(name);
            cluster.member("n1").member("n2").member("n3")
        });
        let fleet = Self {
            world: World::start(made.collect(), hosts).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            agents: RefCell::new(0),
        };
        fleet.write_rules(&fleet.rules(clusters));
        fleet
    }

    /// Rules that list these clusters.
    pub fn rules(&self, clusters: &[(&str, &str)]) -> String {
        let mut rules = String::from("version: 1\napis:\n");
        let mut hosts: Vec<&str> = clusters.iter().map(|(_, host)| *host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            let url = self.world.barman(host).unwrap().url();
            let _ = writeln!(rules, "  {host}: {{url: \"{url}\"}}");
        }
        rules.push_str("clusters:\n");
        for (cluster, _) in clusters {
            let urls: Vec<_> = ["n1", "n2", "n3"]
                .iter()
                .filter_map(|member| self.world.url(cluster, member))
                .map(|url| format!("\"{url}\""))
                .collect();
            let _ = writeln!(rules, "  {cluster}: {{patroni: [{}]}}", urls.join(", "));
        }
        rules.push_str("rules:\n");
        for (cluster, host) in clusters {
            let rule = FOLLOW.replace("rules:\n", "");
            let rule = rule.replace("name: follow", &format!("name: follow-{cluster}"));
            let rule = rule.replace("API", host);
            rules.push_str(
                &rule.replace("    role:", &format!("    cluster: {cluster}\n    role:")),
            );
        }
        rules
    }

    pub fn write_rules(&self, rules: &str) {
        fs::write(self.rules_path(), rules).unwrap();
    }

    pub fn rules_path(&self) -> PathBuf {
        self.folder.path().join("rules.yml")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command with its own state.
    pub fn command(&self, state: &str, arguments: &[&str]) -> Command {
        let mut command = with_state(&self.path(state).join("state.db"));
        command.args(arguments);
        command.env("PATRONI_BARMAN_RULES", self.rules_path());
        command
    }

    /// Runs a command with its own state.
    pub fn run(&self, state: &str, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.command(state, arguments))
    }

    /// Changes a cluster, in the simulator's notation.
    pub fn tell(&self, cluster: &str, change: &str) {
        self.world.tell(cluster, change).unwrap();
    }

    /// Promotes a member, and waits until the Barman of its cluster follows it.
    #[track_caller]
    pub fn promote(&self, host: &str, cluster: &str, member: &str) {
        self.tell(cluster, &format!("promote {member}"));
        until(|| self.active(host, cluster) == format!("{cluster}:{member}"));
    }

    /// Changes every member of a cluster.
    pub fn tell_all(&self, cluster: &str, change: &str) {
        for member in ["n1", "n2", "n3"] {
            self.tell(cluster, &format!("{change} {member}"));
        }
    }

    /// Sets the faults of a Barman host.
    pub fn faults(&self, host: &str, faults: &str) {
        let barman = self.world.barman(host).unwrap();
        barman.set_faults(faults.parse().unwrap());
    }

    /// Starts an agent with pages.
    pub fn agent(&self, arguments: &[&str]) -> Agent {
        let number = self.agents.replace_with(|number| *number + 1);
        self.agent_with(&format!("state-{number}"), arguments)
    }

    /// The same with a state.
    pub fn agent_with(&self, state: &str, arguments: &[&str]) -> Agent {
        self.agent_in(state, arguments, &[])
    }

    /// The same with variables.
    pub fn agent_in(&self, state: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Agent {
        let number = self.agents.replace_with(|number| *number + 1);
        let log = self.path(&format!("agent-{number}.log"));
        let mut command = self.command(state, &["agent", "--listen", "127.0.0.1:0"]);
        command.args(arguments).envs(environment.iter().copied());
        let child = command
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Agent { child, log }
    }

    /// The posts for a cluster's server.
    pub fn posts(&self, host: &str, cluster: &str) -> Vec<Served> {
        let mut served = self.world.barman(host).unwrap().served();
        served.retain(|one| one.method == "POST" && one.path.contains(&format!("/{cluster}/")));
        served
    }

    pub fn active(&self, host: &str, cluster: &str) -> String {
        let barman = self.world.barman(host).unwrap();
        barman.active_model(cluster).unwrap_or_default()
    }
}

/// A running agent; it is killed at the end.
pub struct Agent {
    pub child: Child,
    log: PathBuf,
}

impl Agent {
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// Waits until it has written this.
    #[track_caller]
    pub fn until_it_says(&mut self, words: &str) {
        let said = wait(|| {
            let ended = self.child.try_wait().unwrap().is_some();
            let said = self.log().contains(words);
            (said || ended).then_some(said)
        });
        assert_eq!(said, Some(true), "no `{words}` in\n{}", self.log());
    }

    /// Waits until the clusters are in the wanted state.
    #[track_caller]
    pub fn until_fine(&mut self, clusters: &[&str]) {
        for cluster in clusters {
            self.until_it_says(&format!("{cluster}: as wanted"));
        }
    }

    fn address(&mut self) -> String {
        self.until_it_says("pages on http://");
        let log = self.log();
        let (_, rest) = log.split_once("pages on http://").unwrap();
        rest.split('/').next().unwrap().to_owned()
    }

    /// The status and body of a page.
    pub fn ask(&mut self, method: &str, path: &str, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    pub fn get(&mut self, path: &str) -> String {
        let (status, body) = self.ask("GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// `/api/status`.
    pub fn status(&mut self) -> Value {
        serde_json::from_str(&self.get("/api/status")).unwrap()
    }

    /// One cluster in it.
    pub fn cluster(&mut self, name: &str) -> Value {
        let status = self.status();
        let clusters = status["clusters"].as_array().unwrap();
        let found = clusters.iter().find(|one| one["cluster"] == name);
        found.cloned().unwrap_or_default()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end and returns its exit code.
    pub fn end(&mut self) -> Option<i32> {
        wait(|| self.child.try_wait().unwrap())?.code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
