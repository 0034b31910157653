//! Faults of pg-backup-api and their results: `tests/faults/cases.yml`.

use std::fmt::Write as _;

use libtest_mimic::Trial;
use patroni_barman::simulator::{Config, RecoverFiles, Served, Simulator};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::node::Node;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The request of the rule.
    #[serde(default)]
    request: Request,
    /// Replaces parts of the rules file's `defaults`.
    #[serde(default)]
    defaults: Value,
    /// The fault, in the simulator's notation.
    fault: Option<String>,
    /// No API is listening.
    #[serde(default)]
    down: bool,
    /// The API's requests and answers: `post 202`, `poll -`. Consecutive polls with the same answer
    /// count as one.
    sent: Vec<String>,
    exit: i32,
    /// The step's message, in which `*` matches anything; empty if the step is done.
    #[serde(default)]
    message: String,
    /// The expected texts in the log.
    #[serde(default)]
    log: Vec<String>,
    /// Barman's active model afterwards.
    active: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    #[default]
    Switch,
    SwitchToUnknownModel,
    SwitchOfUnknownServer,
    Update,
    Recovery,
}

impl Request {
    fn body(self, destination: &str) -> Value {
        match self {
            Self::Switch => {
                json!({"type": "config_switch", "server": "demo", "model_name": "demo:n1"})
            }
            Self::SwitchToUnknownModel => {
                json!({"type": "config_switch", "server": "demo", "model_name": "demo:n9"})
            }
            Self::SwitchOfUnknownServer => {
                json!({"type": "config_switch", "server": "nope", "model_name": "demo:n1"})
            }
            Self::Update => json!({"type": "config_update", "changes": [
                {"scope": "server", "server_name": "demo", "description": "by n1"}
            ]}),
            Self::Recovery => json!({
                "type": "recovery", "server": "demo", "backup_id": "latest",
                "remote_ssh_command": "ssh postgres@n1", "destination_directory": destination,
            }),
        }
    }
}

pub fn trials() -> Vec<Trial> {
    let cases: Vec<Case> = serde_yaml::from_str(include_str!("../faults/cases.yml")).unwrap();
    cases
        .into_iter()
        .map(|case| Trial::test(format!("faults::{}", case.name), move || Ok(case.check()?)))
        .collect()
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("data");
        let simulator = self.simulator();
        let node = Node::new(&self.rules(simulator.url(), destination.to_str().unwrap()));
        if self.down {
            simulator.take_down();
        }
        let call = match self.request {
            Request::Recovery => node.create_replica().args(["--format", "json"]),
            _ => node.callback(),
        };
        let ended = call.run();
        let placeholders = |text: &str| {
            text.replace("URL", simulator.url())
                .replace("DESTINATION", destination.to_str().unwrap())
        };
        let mut wrong = String::new();
        let mut differ = |what: &str, wanted: &str, got: &str| {
            let fits = match wanted.split_once('*') {
                Some((start, end)) => got.starts_with(start) && got.ends_with(end),
                None => got == wanted,
            };
            if !fits {
                let _ = write!(wrong, "\n  {what}\n    wanted: {wanted}\n    got:    {got}");
            }
        };
        differ("exit", &self.exit.to_string(), &ended.exit.to_string());
        let sent = sent(&simulator.served());
        differ("sent", &self.sent.join(", "), &sent.join(", "));
        let id = ended.json()["steps"][0]["operation_id"].clone();
        let id = id.as_str().unwrap_or("?").to_owned();
        let message = ended.message().replace(&id, "ID");
        differ("message", &placeholders(&self.message), &message);
        for words in &self.log {
            let words = placeholders(words);
            if !ended.stderr.contains(&words) {
                differ("log", &words, &ended.stderr);
            }
        }
        if let Some(active) = &self.active {
            let got = simulator.active_model("demo");
            differ("active", active, got.as_deref().unwrap_or("none"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn simulator(&self) -> Simulator {
        let mut config = Config::default()
            .server("demo")
            .model("demo:n1")
            .model("demo:n2")
            .backup("demo", "20260101T000000")
            .recover_files(RecoverFiles::Local);
        if let Some(fault) = &self.fault {
            config = config.faults(fault.parse().unwrap());
        }
        Simulator::start(config).unwrap()
    }

    fn rules(&self, url: &str, destination: &str) -> String {
        let mut defaults = json!({
            "retry": {"attempts": 3, "wait": "10ms", "max_wait": "20ms", "deadline": "30s"},
            "poll": {"every": "100ms", "timeout": "5s"},
            "fence": "none",
            "verify": "none",
        });
        for (key, value) in self.defaults.as_object().into_iter().flatten() {
            match (&mut defaults[key], value) {
                (Value::Object(known), Value::Object(given)) => known.extend(given.clone()),
                (known, given) => *known = given.clone(),
            }
        }
        let on = match self.request {
            Request::Recovery => "create_replica",
            _ => "on_role_change",
        };
        // JSON is valid YAML
        json!({
            "version": 1,
            "api": {"url": url, "timeout": "700ms", "connect_timeout": "500ms"},
            "defaults": defaults,
            "rules": [{"name": "rule", "on": on, "role": "any", "request": self.request.body(destination)}],
        })
        .to_string()
    }
}

/// The API's requests and answers.
fn sent(served: &[Served]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for request in served {
        let what = match (request.method.as_str(), request.path.as_str()) {
            ("", _) => "connection",
            ("POST", _) => "post",
            (_, "/diagnose") => "diagnose",
            (_, path) if path.ends_with("/operations") => "list",
            _ => "poll",
        };
        let status = request
            .status
            .map_or("-".to_owned(), |status| status.to_string());
        let line = format!("{what} {status}");
        if what != "poll" || lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}
