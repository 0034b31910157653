//! `simulate`: the embedded pg-backup-api as a server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::model::duration;
use crate::simulator::barman::Barman;
use crate::simulator::fault::Faults;
use crate::simulator::{
    Backup, BackupStatus, BarmanCommand, Config, Front, Model, RealBarman, RecoverFiles,
    SameSecond, Server, StartError, serve_until_told,
};

/// Serves a simulated pg-backup-api, to rehearse with.
///
/// It serves what pg-backup-api serves, with Barman's servers, models and backups made up on the
/// command line and kept in memory. Nothing is installed and nothing is touched. It prints
/// `listening on URL` when it is ready, then one line of JSON for each request: method, path,
/// body, status, and the fault that met it. SIGTERM or Ctrl-C ends it.
///
/// Two nodes, the first two operations refused and every poll hanging:
///
///     patroni_barman simulate --server demo --model demo:n1 --model demo:n2 \
///         --backup demo:20260101T000000 --operation-time 2s \
///         --fault 'post:500*2,poll:hang'
///
/// In front of the Barman of this host:
///
///     patroni_barman simulate --barman-command 'barman -c /etc/barman.conf'
///
/// Exit codes: 0 ended when it was told to; 2 what it is made of contradicts itself, or the
/// address is in use.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Simulate {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7480")]
    listen: SocketAddr,

    /// A Barman server. Its cluster has the same name unless it is given as NAME=CLUSTER
    #[arg(
        long = "server",
        value_name = "NAME",
        required_unless_present = "barman_command"
    )]
    servers: Vec<String>,

    /// A model. Its cluster is what stands before the colon (a server's name stands for that server's
    /// cluster), unless it is given as NAME=CLUSTER
    #[arg(long = "model", value_name = "CLUSTER:NODE")]
    models: Vec<String>,

    /// A backup of a server; with `=failed` at its end, one that failed
    #[arg(long = "backup", value_name = "SERVER:ID", value_parser = backup)]
    backups: Vec<Backup>,

    /// The model that is active on a server at the start
    #[arg(long = "active", value_name = "SERVER=MODEL", value_parser = pair)]
    active: Vec<(String, String)>,

    /// The timeline of the PostgreSQL that a server or a model points to [default: 1]
    #[arg(long = "timeline", value_name = "NAME=NUMBER", value_parser = timeline)]
    timelines: Vec<(String, u64)>,

    /// How long each operation runs
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = a_duration)]
    operation_time: Duration,

    /// What goes wrong: WHERE:WHAT or WHERE:WHAT*COUNT, separated by commas
    ///
    /// The first fault that is for a request and is not used up happens to it.
    #[arg(long = "fault", value_name = "FAULT", long_help = FAULT_HELP)]
    faults: Vec<Faults>,

    /// Serve the API below a path, as behind a proxy
    #[arg(
        long,
        value_name = "PATH",
        default_value = "",
        hide_default_value = true
    )]
    prefix: String,

    /// What a second operation in one second gets
    #[arg(long, value_enum, default_value_t = SecondOperation::Refuse)]
    same_second: SecondOperation,

    /// Let a finished recovery write the marks of a data directory into its destination on this machine
    #[arg(long)]
    recover_files: bool,

    /// Put a real Barman behind the API instead: the command that runs it, with its options
    ///
    /// Requests run `barman config-switch`, `recover` and `config-update`, whose exit codes decide how the operations
    /// end; `/diagnose` is `barman diagnose`. The command is split at spaces. It runs as this user, which has to be the
    /// one that Barman is configured for.
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with_all = ["servers", "models", "backups", "active", "timelines", "operation_time", "recover_files"]
    )]
    barman_command: Option<BarmanCommand>,
}

const FAULT_HELP: &str = "\
What goes wrong: WHERE:WHAT or WHERE:WHAT*COUNT, separated by commas. The first fault that is for a request and is not \
used up happens to it; without a count it always does.

WHERE  status, post, poll, list, diagnose, any
WHAT   refuse         close the connection without an answer (any: before reading)
       reset          reset the connection
       hang           never answer; hang=60s: reset the connection after that
       slow=DURATION  do it at once, answer later
       truncate       do it, and break off in the middle of the answer
       lost-accept    do it, and reset the connection instead of answering
       500            answer with that status and do nothing; also 503+retry-after=1
       redirect       answer with a redirect
       garbage        answer with something that is not JSON
       empty          answer with an empty JSON object
       stuck          post: the operation never ends; poll: it is still in progress
       gone           post: the operation is not found afterwards; poll: it is not found
       fail           post: the operation fails
       ok             nothing; lets requests by before the next fault";

/// What a second operation in one second and on one server gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SecondOperation {
    /// A 500, as from pg-backup-api with one worker
    Refuse,
    /// The first one's id, as from two workers at once; what it asked for is lost
    First,
    /// The first one's id, as from two workers at once; what the first asked for is lost
    Last,
}

impl Simulate {
    fn front(&self) -> Front {
        let faults = self
            .faults
            .iter()
            .fold(Faults::default(), |mut all, faults| {
                all.extend(faults.clone());
                all
            });
        Front {
            prefix: self.prefix.clone(),
            same_second: match self.same_second {
                SecondOperation::Refuse => SameSecond::Refuse,
                SecondOperation::First => SameSecond::KeepFirst,
                SecondOperation::Last => SameSecond::KeepLast,
            },
            faults,
        }
    }

    fn config(self) -> Config {
        let front = self.front();
        Config {
            servers: self.servers.iter().map(|text| server(text)).collect(),
            models: self.models.iter().map(|text| model(text)).collect(),
            backups: self.backups,
            active: self.active,
            timelines: self.timelines,
            operation_time: self.operation_time,
            recover_files: if self.recover_files {
                RecoverFiles::Local
            } else {
                RecoverFiles::None
            },
            front,
        }
    }
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// When the configuration contradicts itself, the real Barman can't be asked, or the address can't be listened on.
pub fn run(mut arguments: Simulate) -> Result<(), StartError> {
    let listen = arguments.listen;
    if let Some(command) = arguments.barman_command.take() {
        let barman = RealBarman::new(command)?;
        return serve_until_told(barman, arguments.front(), listen, io::stdout());
    }
    let config = arguments.config();
    serve_until_told(Barman::new(&config)?, config.front, listen, io::stdout())
}

fn server(text: &str) -> Server {
    let (name, cluster) = text.split_once('=').unwrap_or((text, text));
    Server {
        name: name.to_owned(),
        cluster: cluster.to_owned(),
    }
}

fn model(text: &str) -> Model {
    match text.split_once('=') {
        Some((name, cluster)) => Model {
            name: name.to_owned(),
            cluster: Some(cluster.to_owned()),
        },
        None => Model {
            name: text.to_owned(),
            cluster: None,
        },
    }
}

fn backup(text: &str) -> Result<Backup, String> {
    let (text, status) = match text.strip_suffix("=failed") {
        Some(text) => (text, BackupStatus::Failed),
        None => (text, BackupStatus::Done),
    };
    let (server, id) = text
        .rsplit_once(':')
        .ok_or("write it as `SERVER:ID`, for example `demo:20260101T000000`")?;
    Ok(Backup {
        server: server.to_owned(),
        id: id.to_owned(),
        status,
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (left, right) = text
        .split_once('=')
        .ok_or("write it as `SERVER=MODEL`, for example `demo=demo:n1`")?;
    Ok((left.to_owned(), right.to_owned()))
}

fn timeline(text: &str) -> Result<(String, u64), String> {
    let pair = text
        .split_once('=')
        .and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
    pair.ok_or_else(|| "write it as `NAME=NUMBER`, for example `demo:n1=3`".to_owned())
}

fn a_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .ok_or_else(|| "write a duration such as `500ms`, `2s` or `1h30m`".to_owned())
}
