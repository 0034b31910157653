//! The two programs.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustls::version::TLS13;

use super::api::ScriptedApi;
use super::scenario::{Places, Scenario, Scenarios, Sent, Tls};
use crate::support::tls::certificates::Certificates;
use crate::support::tls::server::{Clients, Then, TlsServer};

/// The time limit of a scenario; a program that takes longer is hanging.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub enum Program {
    /// The Python tool in this virtual environment.
    Python(PathBuf),
    /// This program.
    Native,
}

/// The result of one run.
#[derive(Debug)]
pub struct Outcome {
    pub exit: Option<i32>,
    pub sent: Vec<Sent>,
    pub stderr: String,
    /// The problems other than the requests and the exit code.
    pub faults: Vec<String>,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python(_) => "the Python tool",
            Self::Native => "this program",
        })
    }
}

impl Program {
    /// Runs a scenario with its own API.
    pub fn run(&self, all: &Scenarios, scenario: &Scenario) -> Outcome {
        let api = ScriptedApi::start(&scenario.api);
        let front = scenario.tls.as_ref().map(|tls| Front::start(tls, &api));
        let url = match &front {
            Some(front) => format!("https://localhost:{}", front.server.port()),
            None => format!("http://{}", api.address()),
        };
        let dir = tempfile::tempdir().unwrap();
        let arguments = all.command_line(
            scenario,
            &Places {
                url: &url,
                dir: dir.path().to_str().unwrap(),
                certificates: &front.as_ref().map(Front::folder).unwrap_or_default(),
            },
        );
        let mut command = self.command();
        command.args(arguments);
        if let Some(front) = &front {
            // both programs take the system's authorities from here
            command.env("SSL_CERT_FILE", front.certificates.path("ca.crt"));
        }
        let (exit, stderr) = call(command, dir.path());
        let mut faults: Vec<String> = api
            .wrong_content_types()
            .iter()
            .map(|kind| format!("a body was sent as `{kind}`"))
            .collect();
        if let Some(log) = &scenario.log {
            faults.extend(log_faults(&dir.path().join(log)));
        }
        Outcome {
            exit,
            sent: api.sent(),
            stderr,
            faults,
        }
    }

    fn command(&self) -> Command {
        match self {
            Self::Python(environment) => {
                let mut command = Command::new(environment.join("bin/patroni_barman"));
                let shorter_waits = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/site");
                command.env("PYTHONPATH", shorter_waits);
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Self::Native => crate::support::program::program(),
        }
    }
}

/// A TLS server in front of the API, and its certificates.
struct Front {
    server: TlsServer,
    certificates: Certificates,
}

impl Front {
    fn start(tls: &Tls, api: &ScriptedApi) -> Self {
        let certificates = Certificates::make();
        let clients = if tls.wants_one {
            Clients::WithCertificate
        } else {
            Clients::Anyone
        };
        let folder = certificates.path("");
        let server = TlsServer::start(
            &folder,
            &tls.certificate,
            clients,
            &TLS13,
            Then::PassOn(api.address()),
        );
        Self {
            server,
            certificates,
        }
    }

    fn folder(&self) -> String {
        self.certificates.path("").display().to_string()
    }
}

/// Runs a command to its end; a hanging program is killed.
fn call(mut command: Command, dir: &Path) -> (Option<i32>, String) {
    let stderr = dir.join("stderr");
    let mut child = command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&stderr).unwrap())
        .spawn()
        .expect("the program starts");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let stderr = fs::read(stderr).unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

/// The problems of a log file: it must consist of lines like `2026-11-23 03:14:36,852 INFO: …`.
fn log_faults(path: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(path) else {
        return vec!["the log file was not written".to_owned()];
    };
    let mut faults: Vec<String> = text
        .lines()
        .filter(|line| !is_log_line(line))
        .map(|line| format!("a log line in another form: {line}"))
        .collect();
    if text.is_empty() {
        faults.push("the log file is empty".to_owned());
    }
    faults
}

fn is_log_line(line: &str) -> bool {
    const FORM: &str = "dddd-dd-dd dd:dd:dd,ddd ";
    let Some((time, rest)) = line.split_at_checked(FORM.len()) else {
        return false;
    };
    let fits = |(form, c): (char, char)| match form {
        'd' => c.is_ascii_digit(),
        form => form == c,
    };
    FORM.chars().zip(time.chars()).all(fits)
        && ["DEBUG: ", "INFO: ", "WARNING: ", "ERROR: "]
            .iter()
            .any(|level| rest.starts_with(level))
}
