//! `simulate`: the embedded pg-backup-api as a server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::exit::{Exit, USAGE};
use crate::simulator::barman::Barman;
use crate::simulator::fault::Faults;
use crate::simulator::patroni::Cluster;
use crate::simulator::{
    Backup, BarmanCommand, Config, Filler, Front, Members, RealBarman, ReceiverTimes, RecoverFiles,
    SameSecond, Server, StartError, Version, serve_until_told,
};

mod parse;

/// Serves a simulated pg-backup-api, to rehearse with.
///
/// With `--patroni`, it also serves the REST APIs of a Patroni cluster, one listener for each member.
/// The first member leads. Barman sees which member is the primary, and the member that it streams
/// from lists it among its walsenders. `promote n2`, sent by POST to `/simulator` of any member,
/// makes `n2` the leader; a line that is not understood is answered with all changes there are.
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
/// A cluster as well, and a failover:
///
///     patroni_barman simulate --server demo --model demo:n1 --model demo:n2 \
///         --active demo=demo:n1 --patroni 127.0.0.1:8008,127.0.0.1:8009
///     curl -d 'promote n2' http://127.0.0.1:8008/simulator
///
/// In front of the Barman of this host:
///
///
/// Exit codes: 0 ended when it was told to; 2 what it is made of contradicts itself, or the
/// address is in use.
#[derive(Debug, Clone, Args)]
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

    /// A Barman server that pg-backup-api does not know before it answers `/diagnose`
    #[arg(long = "late-server", value_name = "NAME", hide_short_help = true)]
    late_servers: Vec<String>,

    /// A model. Its cluster is what stands before the colon (a server's name stands for that server's
    /// cluster), unless it is given as NAME=CLUSTER
    #[arg(long = "model", value_name = "CLUSTER:NODE")]
    models: Vec<String>,

    /// A backup of a server
    ///
    /// `=failed`, `=started` or `=waiting_for_wals` after the ID gives another status than DONE; `,timeline=N` and
    /// `,systemid=ID` at the end set what it was taken of.
    #[arg(long = "backup", value_name = "SERVER:ID", value_parser = parse::backup)]
    backups: Vec<Backup>,

    /// An option in Barman's file, such as `demo:recovery_options=get-wal` or `demo:active=off`
    #[arg(long = "option", value_name = "NAME:OPTION=VALUE", value_parser = parse::option, hide_short_help = true)]
    options: Vec<(String, String, String)>,

    /// The last archived WAL file of a server on the timeline in its name [default: what was streamed]
    #[arg(long = "wal", value_name = "SERVER:FILE", value_parser = parse::wal, hide_short_help = true)]
    wals: Vec<(String, String)>,

    /// The model that is active on a server at the start
    #[arg(long = "active", value_name = "SERVER=MODEL", value_parser = parse::pair)]
    active: Vec<(String, String)>,

    /// The timeline of the PostgreSQL that a server or a model points to [default: 1]
    #[arg(long = "timeline", value_name = "NAME=NUMBER", value_parser = parse::timeline, hide_short_help = true)]
    timelines: Vec<(String, u64)>,

    /// How long each operation runs
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse::a_duration)]
    operation_time: Duration,

    /// How long after a switch Barman starts its WAL receiver
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse::a_duration, hide_short_help = true)]
    receiver_delay: Duration,

    /// How often `barman cron` runs, which starts receivers that have ended
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse::a_duration, hide_short_help = true)]
    cron: Duration,

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

    /// Let a recovery into a directory that is not empty fail, as Barman does from 3.15 on
    #[arg(long, requires = "recover_files", hide_short_help = true)]
    empty_only: bool,

    /// Answer as another pg-backup-api does: 2.0.0 has no switch, 1.3.0 lists operations as plain text
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "2.2.0",
        hide_short_help = true
    )]
    api_version: Version,

    /// Answer as another Barman does: before 3.10 there are no models
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "3.19.1",
        hide_short_help = true
    )]
    barman_version: Version,

    /// Make `/diagnose` longer by so many servers with so many backups each; 500x50 makes 32 MiB
    #[arg(long, value_name = "SERVERSxBACKUPS", hide_short_help = true)]
    diagnose_size: Option<Filler>,

    /// Serve Patroni's REST API at these addresses, one for each member
    ///
    /// The members are `n1`, `n2` and so on, unless they are given as NAME=ADDRESS. The cluster is that of the first
    /// server.
    #[arg(long, value_name = "ADDRESS[,ADDRESS...]", value_delimiter = ',', value_parser = parse::member)]
    patroni: Vec<(Option<String>, SocketAddr)>,

    /// Answer as another Patroni does: before 4.0 the primary is `master`, before 3.2 members have no name
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "4.1.5",
        requires = "patroni"
    )]
    patroni_version: Version,

    /// Put a real Barman behind the API instead: the command that runs it, with its options
    ///
    /// Requests run `barman config-switch`, `recover` and `config-update`, whose exit codes decide how the operations
    /// end; `/diagnose` is `barman diagnose`. The command is split at spaces. It runs as this user, which has to be the
    /// one that Barman is configured for.
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with_all = [
            "servers", "late_servers", "models", "backups", "options", "wals", "active", "timelines", "operation_time",
            "receiver_delay", "cron", "recover_files", "empty_only", "barman_version"
        ]
    )]
    barman_command: Option<BarmanCommand>,
}

const FAULT_HELP: &str = "\
What goes wrong: WHERE:WHAT or WHERE:WHAT*COUNT, separated by commas. The first fault that is for a request and is not \
used up happens to it; without a count it always does.

WHERE  status, post, poll, list, diagnose, any
       /PATH          requests to that path and below it
       receiver       starts of Barman's WAL receiver
WHAT   refuse         close the connection without an answer
                      (any: before reading)
       reset          reset the connection
       hang           never answer
       hang=60s       reset the connection after that
       slow=DURATION  do it at once, answer later
       late=DURATION  do it later, even if the client has gone
       truncate       do it, and break off while answering
       lost-accept    do it, and reset the connection
       500            answer with that status, do nothing; with
                      +retry-after=1, +nginx (a web server in
                      front answers) or +accepted (do it)
       redirect       answer with a redirect
       garbage        answer with something that is not JSON
       empty          answer with an empty JSON object
       stuck          post: the operation never ends
                      poll: it is still in progress
       gone           post: the operation is not found later
                      poll: it is not found
       fail           post: the operation fails
                      receiver: the start fails
       fail-done      post: it does its work, then fails
       ok             nothing; lets requests by before the
                      next fault";

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
            api_version: Some(self.api_version),
            diagnose_size: self.diagnose_size,
        }
    }

    fn members(&self) -> Option<Members> {
        let first = self.servers.first().map(|text| parse::server(text).cluster);
        let cluster = Cluster::new(&first.unwrap_or_else(|| "demo".to_owned()));
        let name_of = |(index, (name, _)): (usize, &(Option<String>, SocketAddr))| {
            name.clone().unwrap_or_else(|| format!("n{}", index + 1))
        };
        let names = self.patroni.iter().enumerate().map(name_of);
        (!self.patroni.is_empty()).then(|| Members {
            cluster: names.fold(cluster.of_version(self.patroni_version), |cluster, name| {
                cluster.member(&name)
            }),
            addresses: self.patroni.iter().map(|(_, address)| *address).collect(),
        })
    }

    fn config(self) -> Config {
        let front = self.front();
        let late = self.late_servers.iter().map(|text| Server {
            is_late: true,
            ..parse::server(text)
        });
        Config {
            servers: self
                .servers
                .iter()
                .map(|text| parse::server(text))
                .chain(late)
                .collect(),
            models: self.models.iter().map(|text| parse::model(text)).collect(),
            backups: self.backups,
            active: self.active,
            timelines: self.timelines,
            options: self.options,
            wals: self.wals,
            receiver: ReceiverTimes {
                delay: self.receiver_delay,
                cron: self.cron,
            },
            barman_version: Some(self.barman_version),
            empty_only: self.empty_only,
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

impl Simulate {
    fn serve(&self) -> Result<(), StartError> {
        let (listen, members) = (self.listen, self.members());
        if let Some(command) = self.barman_command.clone() {
            let barman = RealBarman::new(command)?;
            return serve_until_told(barman, self.front(), listen, members, io::stdout());
        }
        let config = self.clone().config();
        let barman = Barman::new(&config)?;
        serve_until_told(barman, config.front, listen, members, io::stdout())
    }
}

impl Command for Simulate {
    const GROUP: Group = Group::Rehearsal;

    fn run(&self, _context: &Context) -> Result<u8, Exit> {
        let failed = |error: StartError| Exit::new(USAGE, error.to_string());
        self.serve().map(|()| 0).map_err(failed)
    }
}
