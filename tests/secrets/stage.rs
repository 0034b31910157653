//! Rules, an environment and files full of secrets, and the possible errors in them.

use std::fs;
use std::path::PathBuf;

use patroni_barman::simulator::{Config, RecoverFiles, Simulator};
use rustls::version::TLS13;
use serde_json::json;
use tempfile::TempDir;

use crate::support::ended::Ended;
use crate::support::node::Node;
use crate::support::patroni::Patroni;
use crate::support::tls::certificates::Certificates;
use crate::support::tls::server::{Clients, Then, TlsServer};

/// Every command, with arguments for a normal run. `RULES`, `TESTS`, `URL`,
/// `DATA`, `LOG` and `PAGES` are replaced, and `+` is a blank.
pub const COMMANDS: &[&str] = &[
    "run --rules RULES on_role_change primary demo",
    "plan --rules RULES on_role_change primary demo",
    "plan --rules RULES on_role_change primary demo --format json",
    "check RULES",
    "check RULES --format json",
    "explain PB120",
    "schema rules",
    "config-switch --api-url URL --retry-wait 0 --max-retries 2 --barman-server demo --barman-model demo:n1 \
     --switch-when always on_role_change primary demo",
    "recover --api-url URL --retry-wait 0 --max-retries 2 --barman-server demo --ssh-command ssh+n1 --datadir DATA \
     --connstring=host=n2+password=dsn-s3cret-5",
    "reconcile --rules RULES --format json",
    "agent --rules RULES --once",
    "status --rules RULES --format json",
    "history --rules RULES --format json",
    "forget --rules RULES 1",
    "notify --rules RULES",
    "notify --rules RULES --test",
    "matrix RULES --format html",
    "diff RULES RULES",
    "test --coverage TESTS",
    "demo",
    "simulate --listen 127.0.0.1:99999",
    "completions bash",
    "man --output PAGES",
];

/// The kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// No server is listening.
    Down,
    /// The server refuses the request, and repeats it.
    Repeats,
    /// The secret's file has a line break in the middle.
    TokenOfTwoLines,
    /// The environment variable does not exist; others are full of secrets.
    NoSuchVariable,
    /// The key does not belong to the certificate.
    AnotherKey,
    /// The key's file has a line that is not PEM.
    DamagedKey,
    /// The key is in place of the authority.
    KeyAsAuthority,
    /// The secrets are in the rules file itself.
    InTheRules,
    /// The address contains a password.
    InTheAddress,
}

impl Trouble {
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Down,
        Self::Repeats,
        Self::TokenOfTwoLines,
        Self::NoSuchVariable,
        Self::AnotherKey,
        Self::DamagedKey,
        Self::KeyAsAuthority,
        Self::InTheRules,
        Self::InTheAddress,
    ];
}

/// The surroundings of a command.
pub struct Stage {
    trouble: Trouble,
    certificates: Certificates,
    folder: TempDir,
    server: TlsServer,
    patroni: Patroni,
    _behind: Simulator,
    secrets: Vec<String>,
}

impl Stage {
    pub fn new(trouble: Trouble) -> Self {
        let behind = Simulator::start(
            Config::default()
                .server("demo")
                .model("demo:n1")
                .backup("demo", "20260101T000000")
                .recover_files(RecoverFiles::Local),
        )
        .unwrap();
        let certificates = Certificates::make();
        let then = match trouble {
            Trouble::Repeats => Then::Repeat,
            _ => Then::PassOn(behind.address()),
        };
        let at = certificates.path("");
        let server = TlsServer::start(&at, "server", Clients::WithCertificate, &TLS13, then);
        let mut secrets: Vec<String> = [
            "env-s3cret-1",
            "file-s3cret-2",
            "patroni-s3cret-3",
            "proxy-s3cret-4",
            "dsn-s3cret-5",
            "database-s3cret-6",
            "written-s3cret-7",
            "address-s3cret-8",
        ]
        .map(str::to_owned)
        .to_vec();
        for key in ["client.key", "stranger.key"] {
            let key = fs::read_to_string(certificates.path(key)).unwrap();
            let lines = key.lines().filter(|line| !line.starts_with("-----"));
            secrets.extend(lines.map(str::to_owned));
        }
        let stage = Self {
            trouble,
            certificates,
            folder: tempfile::tempdir().unwrap(),
            server,
            patroni: Patroni::start("n1", "n1"),
            _behind: behind,
            secrets,
        };
        let token = match trouble {
            Trouble::TokenOfTwoLines => "file-s3cret-2\nfile-s3cret-2\n",
            _ => "file-s3cret-2\n",
        };
        fs::write(stage.path("token"), token).unwrap();
        let address = format!("{}/hook/file-s3cret-2?token=file-s3cret-2\n", stage.url());
        fs::write(stage.path("address"), address).unwrap();
        fs::write(stage.path("routing"), "file-s3cret-2\n").unwrap();
        let damaged = fs::read_to_string(stage.certificates.path("client.key")).unwrap();
        fs::write(stage.path("damaged.key"), damaged.replacen('\n', "\n!", 1)).unwrap();
        stage
    }

    /// The text that the server received.
    pub fn received(&self) -> String {
        self.server.received()
    }

    /// Runs a command to its end.
    pub fn command(&self, line: &str) -> Ended {
        let rules = self.path("rules.yml");
        fs::write(&rules, self.rules()).unwrap();
        // it fails, so that everything is shown
        let tests = self.path("tests.yml");
        let test = json!({
            "version": 1,
            "rules": "rules.yml",
            "given": {"cluster": "demo", "node": "n1"},
            "tests": [{"name": "t", "event": "on_role_change", "role": "primary", "nothing": true}],
        });
        fs::write(&tests, test.to_string()).unwrap();
        let arguments = line.split(' ').map(|argument| match argument {
            "RULES" => rules.display().to_string(),
            "TESTS" => tests.display().to_string(),
            "URL" => self.url(),
            "DATA" => self.path("data").display().to_string(),
            "LOG" => self.path("log").display().to_string(),
            "PAGES" => self.path("pages").display().to_string(),
            other => other.replace('+', " "),
        });
        let files = [
            format!("--cert-file={}", self.certificates.named("client.crt")),
            format!("--key-file={}", self.key().display()),
            format!("--ca-file={}", self.authority().display()),
        ];
        let proxy = "http://user:proxy-s3cret-4@127.0.0.1:9";
        let node = Node::new("");
        let mut call = node
            .call(arguments)
            .args(files)
            .env(
                "PATRONI_BARMAN_STATE",
                self.path("state.db").to_str().unwrap(),
            )
            .env("PATRONI_NAME", "n1")
            .env("PATRONI_TOKEN", "patroni-s3cret-3")
            .env("PATRONI_SUPERUSER_PASSWORD", "database-s3cret-6")
            .env("PGPASSWORD", "database-s3cret-6")
            .env("http_proxy", proxy)
            .env("HTTPS_PROXY", proxy)
            .env("ALL_PROXY", proxy);
        if self.trouble != Trouble::NoSuchVariable {
            call = call.env("API_TOKEN", "Bearer env-s3cret-1");
        }
        call.run()
    }

    /// Asserts that no secret is in the program's output, log or files.
    pub fn assert_nothing_leaked(&self, command: &str, ended: &Ended) {
        let mut said = vec![
            ("standard output".to_owned(), ended.stdout.clone()),
            ("standard error".to_owned(), ended.stderr.clone()),
        ];
        for file in files_below(&self.path("")) {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            // these are the sources of the secrets
            let sources = ["token", "address", "routing", "damaged.key", "rules.yml"];
            if !sources.contains(&name.as_str()) {
                let content = fs::read(&file).unwrap();
                said.push((name, String::from_utf8_lossy(&content).into_owned()));
            }
        }
        for (place, text) in &said {
            for secret in &self.secrets {
                let trouble = self.trouble;
                assert!(
                    !text.contains(secret),
                    "`{command}` with {trouble:?} shows `{secret}` in {place}:\n{text}"
                );
            }
        }
        // a silent command has shown nothing
        let silent = said.iter().all(|(_, text)| text.is_empty());
        assert!(!silent, "`{command}` did nothing: {ended:?}");
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn key(&self) -> PathBuf {
        match self.trouble {
            Trouble::AnotherKey => self.certificates.path("stranger.key"),
            Trouble::DamagedKey => self.path("damaged.key"),
            _ => self.certificates.path("client.key"),
        }
    }

    fn authority(&self) -> PathBuf {
        self.certificates.path(match self.trouble {
            Trouble::KeyAsAuthority => "client.key",
            _ => "ca.crt",
        })
    }

    fn url(&self) -> String {
        let port = self.server.port();
        match self.trouble {
            Trouble::Down => "https://localhost:9".to_owned(),
            Trouble::InTheAddress => format!("https://user:address-s3cret-8@localhost:{port}"),
            _ => format!("https://localhost:{port}"),
        }
    }

    fn patroni(&self) -> &str {
        match self.trouble {
            Trouble::Down => "http://127.0.0.1:9",
            _ => &self.patroni.url,
        }
    }

    fn rules(&self) -> String {
        let headers = match self.trouble {
            Trouble::InTheRules => json!({
                "Authorization": "Bearer written-s3cret-7",
                "X-Token": {"value": "written-s3cret-7"},
                "X-More": ["written-s3cret-7"],
            }),
            _ => json!({
                "Authorization": {"env": "API_TOKEN"},
                "X-Token": {"file": self.path("token")},
            }),
        };
        // JSON is valid YAML; on one line, an excerpt at any error would show all of it
        json!({
            "version": 1,
            "api": {
                "url": self.url(),
                "cert_file": self.certificates.path("client.crt"),
                "key_file": self.key(),
                "ca_file": self.authority(),
                "headers": headers,
            },
            "notify": [{
                "name": "chat",
                "after": "0s",
                "timeout": "2s",
                "webhook": {
                    "url_file": self.path("address"),
                    "secret_files": {"key": self.path("routing")},
                    "cert_file": self.certificates.path("client.crt"),
                    "key_file": self.key(),
                    "ca_file": self.authority(),
                    "headers": headers,
                    "body": {"key": "{{ secrets.key }}", "text": "{{ message }}"},
                },
            }],
            "patroni": {
                "url": self.patroni(),
                "headers": {"Authorization": {"env": "PATRONI_TOKEN"}},
            },
            "defaults": {"retry": {"attempts": 2, "wait": "1ms", "max_wait": "1ms", "deadline": "300ms"}, "verify": "none"},
            "rules": [{
                "name": "switch",
                "on": "on_role_change",
                "role": "primary",
                "request": {"type": "config_switch", "server": "demo", "model_name": "demo:{{ node }}"},
            }],
        })
        .to_string()
    }
}

fn files_below(folder: &PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
