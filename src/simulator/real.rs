//! A real Barman behind the API: the `barman` commands that pg-backup-api runs, without pg-backup-api.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::backend::{Backend, OperationKey, Outcome, Task};
use super::moment::Moment;

/// The words that run `barman`: the program and the options before a sub-command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarmanCommand {
    program: String,
    options: Vec<String>,
}

/// An empty `barman` command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the barman command is empty: write the program and its options, such as `barman -c /etc/barman.conf`"
)]
pub struct NoProgram;

/// The reason why Barman can't be queried.
#[derive(Debug, thiserror::Error)]
pub enum BarmanError {
    #[error("can't run `{line}`: {source}")]
    Start { line: String, source: io::Error },
    #[error("`{line}` failed: {status}")]
    Failed { line: String, status: ExitStatus },
}

impl std::str::FromStr for BarmanCommand {
    type Err = NoProgram;

    /// Splits at white space; there are no quotes.
    fn from_str(line: &str) -> Result<Self, NoProgram> {
        let mut words = line.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or(NoProgram)?;
        Ok(Self {
            program,
            options: words.collect(),
        })
    }
}

impl BarmanCommand {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.options)
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// The standard output of a sub-command, if it succeeds.
    fn output(&self, arguments: &[&str]) -> Result<String, BarmanError> {
        let line = || [&[self.program.as_str()], arguments].concat().join(" ");
        let output = self.command(arguments).stderr(Stdio::inherit()).output();
        let output = output.map_err(|source| BarmanError::Start {
            line: line(),
            source,
        })?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(BarmanError::Failed {
                line: line(),
                status: output.status,
            })
        }
    }
}

/// The Barman run by a command.
#[derive(Debug)]
pub struct RealBarman {
    barman: BarmanCommand,
    servers: BTreeSet<String>,
    operations: HashMap<OperationKey, Operation>,
}

#[derive(Debug)]
enum Operation {
    Running(Child),
    Ended(Outcome),
}

impl RealBarman {
    /// The Barman run by `barman`.
    pub fn new(barman: BarmanCommand) -> Result<Self, BarmanError> {
        let mut real = Self {
            barman,
            servers: BTreeSet::new(),
            operations: HashMap::new(),
        };
        real.read_servers()?;
        Ok(real)
    }

    fn read_servers(&mut self) -> Result<(), BarmanError> {
        let list = self.barman.output(&["list-servers", "--minimal"])?;
        self.servers = list.split_whitespace().map(str::to_owned).collect();
        Ok(())
    }

    fn run(&self, task: &Task) -> io::Result<Child> {
        let changes;
        let arguments: Vec<&str> = match task {
            Task::ConfigSwitch { server, model } => {
                let model = model.as_deref().unwrap_or("--reset");
                vec!["config-switch", server, model]
            }
            Task::Recovery {
                server,
                backup_id,
                remote_ssh_command,
                destination_directory,
            } => {
                vec![
                    "recover",
                    "--remote-ssh-command",
                    remote_ssh_command,
                    server,
                    backup_id,
                    destination_directory,
                ]
            }
            Task::ConfigUpdate { changes: value } => {
                changes = value.to_string();
                vec!["config-update", &changes]
            }
        };
        // Barman's output goes to the log: pg-backup-api does not pass it on either
        self.barman.command(&arguments).stdout(io::stderr()).spawn()
    }
}

impl Operation {
    fn outcome(&mut self) -> Option<Outcome> {
        let outcome = match self {
            Self::Ended(outcome) => *outcome,
            Self::Running(child) => match child.try_wait() {
                Ok(None) => return None,
                Ok(Some(status)) if status.success() => Outcome::Done,
                Ok(Some(_)) | Err(_) => Outcome::Failed,
            },
        };
        *self = Self::Ended(outcome);
        Some(outcome)
    }
}

impl Backend for RealBarman {
    fn has_server(&mut self, server: &str) -> bool {
        // Barman starts slowly compared with an answer, so it is only asked for unknown names
        if !self.servers.contains(server) {
            // if it can't be read, it is unchanged
            let _ = self.read_servers();
        }
        self.servers.contains(server)
    }

    fn has_backup(&mut self, _now: Moment, server: &str, backup_id: &str) -> bool {
        self.barman
            .output(&["show-backup", server, backup_id])
            .is_ok()
    }

    fn start(&mut self, _now: Moment, key: &OperationKey, task: Task) {
        // an ended operation may never be polled again, so it is reaped here
        self.operations.values_mut().for_each(|operation| {
            operation.outcome();
        });
        let operation = match self.run(&task) {
            Ok(child) => Operation::Running(child),
            Err(_) => Operation::Ended(Outcome::Failed),
        };
        self.operations.insert(key.clone(), operation);
    }

    fn outcome(&mut self, _now: Moment, key: &OperationKey) -> Option<Outcome> {
        self.operations.get_mut(key)?.outcome()
    }

    fn diagnose(&mut self, _now: Moment) -> Option<Value> {
        self.read_servers().ok()?;
        serde_json::from_str(&self.barman.output(&["diagnose"]).ok()?).ok()
    }

    fn operation_time(&self) -> Duration {
        Duration::from_secs(1)
    }
}
