//! `simulate`: the embedded pg-backup-api as a server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::shared::{Command, Context, Exit, Group, USAGE};
use crate::simulator::barman::Barman;
use crate::simulator::fault::Faults;
use crate::simulator::patroni::Cluster;
use crate::simulator::{
    Backup, BarmanCommand, Config, Filler, Front, Members, RealBarman, ReceiverTimes, RecoverFiles,
    SameSecond, Server, StartError, Version, serve_until_told,
};

mod lines;
mod parse;

use lines::Lines;

/// Serves a simulated pg-backup-api for rehearsals.
///
/// It behaves like pg-backup-api, with servers, models and backups from the command line, kept in memory. It prints
/// `listening on URL` when it is ready, then one line of JSON for each request: method, path, body, status, and the fault, if
/// any. SIGTERM or Ctrl-C ends it.
///
/// With `--patroni`, it also serves the REST API of a Patroni cluster, with one address per member. The first member is the
/// leader. Barman sees which member is the primary, and the member that it streams from lists it among its walsenders. POST
/// `promote n2` to `/simulator` of any member to make `n2` the leader. An unknown line is answered with a list of all commands.
///
/// Two nodes, with a 500 for the first two operations and hanging polls:
///
///     patroni_barman simulate --server demo --model demo:n1 --model demo:n2 \
///         --backup demo:20260101T000000 --operation-time 2s \
///         --fault 'post:500*2,poll:hang'
///
/// With a cluster and a failover:
///
///     patroni_barman simulate --server demo --model demo:n1 --model demo:n2 \
///         --active demo=demo:n1 --patroni 127.0.0.1:8008,127.0.0.1:8009
///     curl -d 'promote n2' http://127.0.0.1:8008/simulator
///
/// With the Barman of this host:
///
///     patroni_barman simulate --barman-command 'barman -c /etc/barman.conf'
///
/// Exit codes: 0 stopped by a signal; 2 conflicting options, or the address is in use.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub struct Simulate {
    /// The address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7480")]
    listen: SocketAddr,

    /// A Barman server. Its cluster has the same name, unless given as NAME=CLUSTER
    #[arg(
        long = "server",
        value_name = "NAME",
        required_unless_present = "barman_command"
    )]
    servers: Vec<String>,

    /// A Barman server that is unknown to pg-backup-api until `/diagnose` is requested
    #[arg(long = "late-server", value_name = "NAME", hide_short_help = true)]
    late_servers: Vec<String>,

    /// A model. The part before the colon is its cluster, or a server whose cluster it belongs to,
    /// unless given as NAME=CLUSTER
    #[arg(long = "model", value_name = "CLUSTER:NODE")]
    models: Vec<String>,

    /// A backup of a server
    ///
    /// `=failed`, `=started` or `=waiting_for_wals` after the ID sets a status other than DONE; `,timeline=N` and
    /// `,systemid=ID` at the end set its origin.
    #[arg(long = "backup", value_name = "SERVER:ID", value_parser = parse::backup)]
    backups: Vec<Backup>,

    /// An option in Barman's configuration file, such as `demo:recovery_options=get-wal` or `demo:active=off`
    #[arg(long = "option", value_name = "NAME:OPTION=VALUE", value_parser = parse::option, hide_short_help = true)]
    options: Vec<(String, String, String)>,

    /// The last archived WAL file of a server on the timeline in its name [default: the WAL that was streamed]
    #[arg(long = "wal", value_name = "SERVER:FILE", value_parser = parse::wal, hide_short_help = true)]
    wals: Vec<(String, String)>,

    /// The model that is active on a server at the start
    #[arg(long = "active", value_name = "SERVER=MODEL", value_parser = parse::pair)]
    active: Vec<(String, String)>,

    /// The timeline of the PostgreSQL that a server or a model points to [default: 1]
    #[arg(long = "timeline", value_name = "NAME=NUMBER", value_parser = parse::timeline, hide_short_help = true)]
    timelines: Vec<(String, u64)>,

    /// The duration of each operation
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse::a_duration)]
    operation_time: Duration,

    /// The time between a switch and the start of Barman's WAL receiver
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse::a_duration, hide_short_help = true)]
    receiver_delay: Duration,

    /// The interval of `barman cron`, which starts receivers that have ended
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse::a_duration, hide_short_help = true)]
    cron: Duration,

    /// Faults: WHERE:WHAT or WHERE:WHAT*COUNT, separated by commas
    ///
    /// Each request gets the first fault that matches it and is not used up.
    #[arg(long = "fault", value_name = "FAULT", long_help = FAULT_HELP)]
    faults: Vec<Faults>,

    /// Serve the API below a path, like a proxy
    #[arg(
        long,
        value_name = "PATH",
        default_value = "",
        hide_default_value = true
    )]
    prefix: String,

    /// The answer to a second operation in the same second
    #[arg(long, value_enum, default_value_t = SecondOperation::Refuse)]
    same_second: SecondOperation,

    /// Print a request that repeats the one before only once: a poll takes one line and not twenty
    #[arg(long)]
    quiet: bool,

    /// After a recovery, write the files that mark a data directory to its destination on this machine
    #[arg(long)]
    recover_files: bool,

    /// Let a recovery into a directory that is not empty fail, like Barman 3.15 and later
    #[arg(long, requires = "recover_files", hide_short_help = true)]
    empty_only: bool,

    /// Behave like another pg-backup-api: 2.0.0 has no switch, 1.3.0 lists operations as plain text
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "2.2.0",
        hide_short_help = true
    )]
    api_version: Version,

    /// Behave like another Barman: before 3.10, there are no models
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "3.19.1",
        hide_short_help = true
    )]
    barman_version: Version,

    /// Add this number of servers and backups to `/diagnose`; 500x50 makes 32 MiB
    #[arg(long, value_name = "SERVERSxBACKUPS", hide_short_help = true)]
    diagnose_size: Option<Filler>,

    /// Serve Patroni's REST API at these addresses, one for each member
    ///
    /// The members are `n1`, `n2` and so on, unless given as NAME=ADDRESS. The cluster is that of the first
    /// server.
    #[arg(long, value_name = "ADDRESS[,ADDRESS...]", value_delimiter = ',', value_parser = parse::member)]
    patroni: Vec<(Option<String>, SocketAddr)>,

    /// Behave like another Patroni: before 4.0 the primary is `master`, before 3.2 members have no name
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "4.1.5",
        requires = "patroni"
    )]
    patroni_version: Version,

    /// Use a real Barman instead: the command that runs it, with its options
    ///
    /// Requests run `barman config-switch`, `recover` and `config-update`, whose exit codes decide how the operations
    /// end; `/diagnose` is `barman diagnose`. The command is split at spaces. It runs as the current user, which must be
    /// Barman's.
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
Faults: WHERE:WHAT or WHERE:WHAT*COUNT, separated by commas. Each request gets the first fault that matches it and is \
not used up; without a count, a fault is never used up.

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
    /// A 500, like pg-backup-api with one worker
    Refuse,
    /// The id of the first operation, as with two workers; the second request is lost
    First,
    /// The id of the first operation, as with two workers; the first request is lost
    Last,
}

impl Simulate {
    fn front(&self) -> Front {
        let mut all = Faults::default();
        for faults in &self.faults {
            all.extend(faults.clone());
        }
        Front {
            prefix: self.prefix.clone(),
            same_second: match self.same_second {
                SecondOperation::Refuse => SameSecond::Refuse,
                SecondOperation::First => SameSecond::KeepFirst,
                SecondOperation::Last => SameSecond::KeepLast,
            },
            faults: all,
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
        let servers = self.servers.iter().map(|text| parse::server(text));
        let late = self.late_servers.iter().map(|text| Server {
            is_late: true,
            ..parse::server(text)
        });
        Config {
            servers: servers.chain(late).collect(),
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

    fn output(&self) -> Lines<io::Stdout> {
        Lines::new(io::stdout(), self.quiet)
    }

    fn serve(&self) -> Result<(), StartError> {
        let (listen, members) = (self.listen, self.members());
        if let Some(command) = self.barman_command.clone() {
            let barman = RealBarman::new(command)?;
            return serve_until_told(barman, self.front(), listen, members, self.output());
        }
        let config = self.clone().config();
        let barman = Barman::new(&config)?;
        serve_until_told(barman, config.front, listen, members, self.output())
    }
}

impl Command for Simulate {
    const GROUP: Group = Group::Rehearsal;

    fn run(&self, _context: &Context) -> Result<u8, Exit> {
        let failed = |error: StartError| {
            let exit = Exit::new(USAGE, error.to_string());
            match error {
                StartError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                    exit.help("`--listen 127.0.0.1:0` takes a free port")
                }
                _ => exit,
            }
        };
        self.serve().map(|()| 0).map_err(failed)
    }
}
