//! The whole stack: etcd, sshd, Barman with its API, and Patroni clusters.

use std::path::PathBuf;

use super::barman::Barman;
use super::cluster::{Cluster, Settings};
use super::guard::{Ended, Guard, Process, Spec};
use super::prerequisites::Versions;
use super::sshd::Sshd;
use super::wait::{self, seconds};
use super::{folder, http, postgres, prerequisites};

/// One stack in its own directory. All of it ends with this value; if a test fails, all
/// its logs are shown first.
pub struct Stack {
    pub barman: Barman,
    pub binary: PathBuf,
    pub guard: Guard,
    pub etcd: u16,
    versions: Versions,
    sshd: Sshd,
    served_by: Process,
}

impl Stack {
    /// etcd, sshd and Barman with its API; no cluster yet.
    pub fn start() -> Self {
        Self::start_with(Versions::Newest)
    }

    /// The same with other versions of Patroni and Barman.
    pub fn start_with(versions: Versions) -> Self {
        prerequisites::demand();
        let folder = folder::create();
        let guard = Guard::new(&folder);
        // a copy: Patroni's user may not be able to read the directory where it was built
        let binary = folder.join("program");
        std::fs::copy(env!("CARGO_BIN_EXE_patroni_barman"), &binary).expect("copy the program");
        let (etcd, etcd_port) = start_etcd(&guard);
        let sshd = Sshd::start(&guard, "postgres", "barman", "/usr/bin:/bin");
        let barman = Barman::configure(&guard, "barman", &binary, versions);
        Self {
            barman,
            binary,
            guard,
            etcd: etcd_port,
            versions,
            sshd,
            served_by: etcd,
        }
    }

    /// A stack with the cluster `main`, whose nodes n1, which leads, and n2 run.
    pub fn of_two() -> (Self, Cluster) {
        let mut stack = Self::start();
        let cluster = stack.cluster("main", &["n1", "n2"], 2);
        (stack, cluster)
    }

    /// The settings of a cluster whose server in Barman is `server`.
    pub fn settings<'a>(&'a self, server: &'a str) -> Settings<'a> {
        Settings {
            etcd: self.etcd,
            api: self.barman.api,
            server,
            ssh: &self.sshd.command,
            binary: self.binary.clone(),
            from_backup: false,
            apart: false,
            versions: self.versions,
        }
    }

    /// A cluster with this name, configured in Barman too, with its first node leading, `started` nodes
    /// running, and Barman receiving its WAL.
    pub fn cluster(&mut self, name: &str, nodes: &[&str], started: usize) -> Cluster {
        let cluster = self.configure(name, nodes);
        self.bring_up(cluster, started)
    }

    /// Writes the configuration of a cluster and of its server in Barman.
    pub fn configure(&self, name: &str, nodes: &[&str]) -> Cluster {
        let cluster = Cluster::configure(&self.guard, name, nodes, &self.settings(name));
        self.barman.serve_cluster(name, &cluster);
        cluster
    }

    /// Starts this many nodes of a configured cluster.
    pub fn bring_up(&mut self, mut cluster: Cluster, started: usize) -> Cluster {
        self.barman.start_api();
        let names: Vec<String> = cluster.nodes.iter().map(|node| node.name.clone()).collect();
        let (first, others) = names
            .get(..started)
            .and_then(<[_]>::split_first)
            .expect("nodes to start");
        cluster.start(first);
        cluster.settle(first, seconds(60));
        let port = cluster.node(first).port;
        for other in others {
            cluster.start(other);
        }
        cluster.settle(first, seconds(90));
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        cluster.share(first, &others);
        // the callback switches Barman; a cron run in the middle of that would be stopped by it
        cluster.node(first).calls.ends("on_start ", 0);
        self.barman.start_cron();
        wait::until(seconds(30), "Barman's first WAL stream", || {
            postgres::barman_streams(port)
        });
        cluster
    }
}

impl Stack {
    /// Waits until the model of `node` is active and Barman receives WAL from it.
    #[track_caller]
    pub fn follows(&self, cluster: &Cluster, node: &str) {
        let port = cluster.node(node).port;
        wait::until(
            seconds(90),
            &format!("Barman streaming from {node}"),
            || postgres::barman_streams(port),
        );
        let wanted = format!("{}:{node}", cluster.name);
        wait::until(
            seconds(30),
            &format!("Barman's active model {wanted}"),
            || {
                let model = self.barman.active_model(&cluster.name);
                if model.as_ref() == Some(&wanted) {
                    Ok(())
                } else {
                    Err(format!("{model:?}"))
                }
            },
        );
    }
}

impl Stack {
    /// Switches over, and waits until Barman follows and all replicas stream.
    #[track_caller]
    pub fn moves(&self, cluster: &Cluster, from: &str, to: &str) {
        cluster.switchover(from, to);
        self.follows(cluster, to);
        cluster.settle(to, seconds(60));
    }

    /// Kills the receivers of WAL on the Barman host, and returns their number.
    pub fn kill_receivers(&self) -> usize {
        let found = self.processes(&["receive-wal", "pg_receivewal"]);
        for pid in &found {
            self.guard.kill_tree(*pid);
        }
        found.len()
    }

    /// The program, with a node's rules and state.
    pub fn on(&self, cluster: &Cluster, node: &str, words: &[&str]) -> Spec {
        let node = cluster.node(node);
        let rules = node.rules().display().to_string();
        let binary = self.binary.display().to_string();
        let (first, rest) = words.split_first().expect("a command");
        let all = [&[binary.as_str(), first, "--rules", &rules], rest].concat();
        Spec::new(format!("{first}-{}", node.name), all)
            .user("postgres")
            .env("PATRONI_BARMAN_STATE", node.state())
    }

    /// Starts a callback of a new primary that Patroni does not know about, and so does not kill.
    pub fn stale_callback(&self, cluster: &Cluster, node: &str) -> Process {
        let state = cluster.node(node).home.join("stale.db");
        let callback = self.on(cluster, node, &["run", "on_role_change", "primary", "main"]);
        let state = state.display().to_string();
        self.guard
            .start(&callback.env("PATRONI_BARMAN_STATE", state))
    }

    /// The processes with one of these words in their command lines.
    pub fn processes(&self, words: &[&str]) -> Vec<u32> {
        let mut pids = self.guard.tree();
        pids.retain(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            words.iter().any(|word| line.contains(word))
        });
        pids
    }

    /// Makes the nodes fetch WAL from Barman in the way of its `get-wal`: with `barman-wal-restore`, over ssh.
    pub fn serve_wal(&self) {
        let folder = self.guard.folder();
        let path = format!("{}:/usr/bin:/bin", self.barman.front().display());
        let sshd = Sshd::start(&self.guard, "barman", "postgres", &path);
        let restore = self.versions.program("barman-wal-restore");
        let ssh = format!("{} -o HostName=127.0.0.1", sshd.options);
        let bin = folder.join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        for (name, line) in [
            ("ssh", ssh),
            ("barman-wal-restore", restore.display().to_string()),
        ] {
            folder::write(&bin.join(name), &format!("#!/bin/sh\nexec {line} \"$@\"\n"));
        }
    }

    /// Runs the program to its end.
    pub fn ask(&self, cluster: &Cluster, node: &str, words: &[&str]) -> Ended {
        self.guard.run(&self.on(cluster, node, words), seconds(90))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show_logs(&self.guard);
        }
    }
}

impl Stack {
    /// Ends etcd, and restarts it with its data.
    pub fn restart_etcd(&mut self) {
        self.served_by.kill();
        self.served_by = run_etcd(&self.guard, self.etcd);
    }
}

fn start_etcd(guard: &Guard) -> (Process, u16) {
    let client = folder::port();
    (run_etcd(guard, client), client)
}

fn run_etcd(guard: &Guard, client: u16) -> Process {
    let peer = folder::port();
    let url = |port| format!("http://127.0.0.1:{port}");
    let words = [
        "/usr/bin/etcd".to_owned(),
        format!("--data-dir={}", guard.folder().join("etcd").display()),
        format!("--listen-client-urls={}", url(client)),
        format!("--advertise-client-urls={}", url(client)),
        format!("--listen-peer-urls={}", url(peer)),
        format!("--initial-advertise-peer-urls={}", url(peer)),
        format!("--initial-cluster=default={}", url(peer)),
    ];
    let process = guard.start(&Spec::new("etcd", words));
    wait::until(seconds(20), "etcd", || http::get(client, "/health"));
    process
}

/// Shows the end of every log in the failing test's output.
fn show_logs(guard: &Guard) {
    const LINES: usize = 200;
    let mut files: Vec<PathBuf> = [guard.folder().join("logs"), guard.folder().join("barman")]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    files.extend(
        std::fs::read_dir(guard.folder())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("calls")),
    );
    files.sort();
    for file in files {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LINES);
        println!(
            "==== {} (lines {} to {})",
            file.display(),
            from + 1,
            lines.len()
        );
        for line in lines.iter().skip(from) {
            println!("{line}");
        }
    }
}
