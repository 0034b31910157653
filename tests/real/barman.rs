//! Barman, and the API for the callbacks in front of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::cluster::Cluster;
use super::guard::{Ended, Guard, Process, Spec};
use super::prerequisites::Versions;
use super::wait::{self, seconds};
use super::{folder, http, template};

pub struct Barman {
    guard: Guard,
    name: String,
    home: PathBuf,
    binary: PathBuf,
    versions: Versions,
    /// The port of its pg-backup-api.
    pub api: u16,
    serving: Option<Process>,
    cron: Option<Process>,
}

impl Barman {
    /// Writes the configuration of the host `name`; starts nothing.
    pub fn configure(guard: &Guard, name: &str, binary: &Path, versions: Versions) -> Self {
        let home = guard.folder().join(name);
        for (mode, path) in [
            ("755", home.clone()),
            ("777", home.join("conf.d")),
            ("755", home.join("data")),
        ] {
            let path = path.display().to_string();
            guard.set_up("barman", &["install", "-d", "-m", mode, &path]);
        }
        let text = template::fill(
            &template::read("barman.conf"),
            &[
                ("/var/lib/barman", &home.join("data").display().to_string()),
                ("/etc/barman.d", &home.join("conf.d").display().to_string()),
                (
                    "/var/log/barman/barman.log",
                    &home.join("barman.log").display().to_string(),
                ),
            ],
        );
        let barman = Self {
            guard: guard.clone(),
            name: name.to_owned(),
            home,
            binary: binary.to_owned(),
            versions,
            api: folder::port(),
            serving: None,
            cron: None,
        };
        folder::write(&barman.config(), &text);
        barman.write_passwords();
        barman
    }

    /// Barman's own copy: a password file that others may read is ignored.
    fn write_passwords(&self) {
        let source = self.guard.folder().join(format!("{}-pgpass", self.name));
        folder::write(
            &source,
            &template::fill(&template::read("pgpass"), &[(":5432:", ":*:")]),
        );
        let to = self.home.join("pgpass");
        let (source, to) = (source.display().to_string(), to.display().to_string());
        let install = ["install", "-m", "600", &source, &to];
        self.guard.set_up("barman", &install);
    }

    /// Writes the server `name` with one model for each node of `cluster`; Barman points to the first node
    /// while no model is active.
    pub fn serve_cluster(&self, name: &str, cluster: &Cluster) {
        let mut text = template::read("barman-server.conf").replace("main", name);
        for (number, node) in cluster.nodes.iter().enumerate() {
            let model = format!("{name}:n{}", number + 1);
            let documented = format!("host=10.0.0.1{} port=5432", number + 1);
            let here = format!("host=127.0.0.1 port={}", node.port);
            text = template::fill(
                &text,
                &[
                    (&model, &format!("{name}:{}", node.name)),
                    (&documented, &here),
                ],
            );
        }
        folder::write(&self.server_config(name), &text);
        // creates the server's directories; without them there can be no active model
        self.run(&["check", name], seconds(30));
    }

    pub fn command(&self, arguments: &[&str]) -> Spec {
        let barman = self.versions.program("barman").display().to_string();
        let config = self.config().display().to_string();
        let words = [barman.as_str(), "-c", config.as_str()]
            .into_iter()
            .chain(arguments.iter().copied());
        self.environment(Spec::new(&self.name, words))
    }

    fn environment(&self, spec: Spec) -> Spec {
        spec.user("barman")
            .env("PGPASSFILE", self.home.join("pgpass").display().to_string())
    }

    /// Runs a Barman command that must succeed.
    pub fn must(&self, arguments: &[&str], limit: Duration) -> String {
        self.guard.must(&self.command(arguments), limit)
    }

    pub fn run(&self, arguments: &[&str], limit: Duration) -> Ended {
        self.guard.run(&self.command(arguments), limit)
    }

    /// Starts the API in front of it, with the real commands behind it, unless it is running.
    pub fn start_api(&mut self) {
        if self.serving.is_some() {
            return;
        }
        match std::env::var_os("PATRONI_BARMAN_PG_BACKUP_API") {
            Some(program) => self.serve_with(Path::new(&program)),
            None => self.serve(&self.barman_line()),
        }
    }

    /// Starts pg-backup-api itself, which looks for `barman` in its path.
    fn serve_with(&mut self, program: &Path) {
        let own = program.parent().expect("a folder");
        let path = format!("{}:{}:/usr/bin:/bin", self.front().display(), own.display());
        let words = [
            program.display().to_string(),
            "serve".to_owned(),
            format!("--port={}", self.api),
        ];
        let spec = self
            .environment(Spec::new(format!("{}-api", self.name), words))
            .env("PATH", path)
            .env(
                "PG_BACKUP_API_BARMAN_CONF",
                self.config().display().to_string(),
            );
        self.started_api(&spec);
    }

    fn serve(&mut self, command: &str) {
        let words = [
            self.binary.display().to_string(),
            "simulate".to_owned(),
            format!("--listen=127.0.0.1:{}", self.api),
            format!("--barman-command={command}"),
        ];
        let spec = self.environment(Spec::new(format!("{}-api", self.name), words));
        self.started_api(&spec);
    }

    fn started_api(&mut self, spec: &Spec) {
        self.serving = Some(self.guard.start(spec));
        let port = self.api;
        wait::until(seconds(10), "the API", || http::get(port, "/status"));
    }

    fn barman_line(&self) -> String {
        let barman = self.versions.program("barman");
        format!("{} -c {}", barman.display(), self.config().display())
    }

    pub fn config(&self) -> PathBuf {
        self.guard.folder().join(format!("{}.conf", self.name))
    }

    /// The path of its configuration for the server `name`.
    pub fn server_config(&self, name: &str) -> PathBuf {
        self.home.join("conf.d").join(format!("{name}.conf"))
    }

    /// Changes its configuration for the server `name`.
    pub fn reconfigure(&self, name: &str, words: &[(&str, &str)]) {
        let path = self.server_config(name);
        let text = std::fs::read_to_string(&path).expect("its configuration");
        folder::write(&path, &template::fill(&text, words));
    }

    /// A directory with a `barman` that has this configuration.
    pub fn front(&self) -> PathBuf {
        let folder = self.guard.folder().join(format!("{}-bin", self.name));
        std::fs::create_dir_all(&folder).expect("a folder");
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", self.barman_line());
        folder::write(&folder.join("barman"), &script);
        folder
    }

    /// The same with a Barman whose `config-switch` takes this many seconds longer.
    pub fn start_slow_api(&mut self, seconds: u32) {
        let path = self.guard.folder().join("slow-barman");
        let line = self.barman_line();
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = config-switch ] && sleep {seconds}\nexec {line} \"$@\"\n"
        );
        folder::write(&path, &script);
        self.serve(&path.display().to_string());
    }

    pub fn stop_api(&mut self) {
        self.serving.take().expect("an API that runs").kill();
    }

    /// Does what cron does every minute on a Barman host, but every five seconds, unless it is running.
    pub fn start_cron(&mut self) {
        if self.cron.is_some() {
            return;
        }
        let line = format!("while :; do {} -q cron; sleep 5; done", self.barman_line());
        let spec = self.environment(Spec::new(
            format!("{}-cron", self.name),
            ["sh", "-c", &line],
        ));
        self.cron = Some(self.guard.start(&spec));
    }

    /// Stops cron: then only a switch restarts a receiver.
    pub fn stop_cron(&mut self) {
        self.cron
            .take()
            .expect("a cron that runs")
            .stop(seconds(10));
    }

    /// The whole output of `barman diagnose`.
    pub fn diagnose(&self) -> Value {
        let text = self.must(&["diagnose"], seconds(60));
        let start = text.find('{').unwrap_or_default();
        serde_json::from_str(text.get(start..).unwrap_or_default())
            .expect("JSON from barman diagnose")
    }

    /// The model that Barman has recorded as active.
    pub fn active_model(&self, server: &str) -> Option<String> {
        self.diagnose()["servers"][server]["active_model"]
            .as_str()
            .map(str::to_owned)
    }

    /// Takes a backup that can be restored at once.
    pub fn backup(&self, server: &str) -> String {
        // Barman takes no backup before it has archived a segment, and it does not archive the last one that it received
        for _ in 0..2 {
            self.must(&["switch-wal", "--force", server], seconds(30));
        }
        self.must(
            &["backup", server, "--wait", "--wait-timeout", "60"],
            seconds(90),
        );
        let list = self.must(&["list-backups", server, "--minimal"], seconds(20));
        list.lines().next().expect("a backup").to_owned()
    }

    pub fn home(&self) -> &Path {
        &self.home
    }
}
