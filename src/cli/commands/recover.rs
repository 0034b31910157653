//! `recover`: the Python tool's sub-command, run by `rules/recover.yml`.

use std::time::Duration;

use clap::Args;

use crate::evaluate::Facts;
use crate::model::{Event, Role};

use crate::cli::shared::{Codes, Command, Context, Exit, Group, Shipped, Tries, seconds};

/// The shortest pause between two polls, even if `--loop-wait` is zero.
const SHORTEST: Duration = Duration::from_millis(100);

/// Restores a backup for a new replica, like Patroni's Python tool.
///
/// Barman restores it over ssh, and this command waits for the end. It also works
/// as a custom bootstrap method. Patroni appends --datadir=PATH and other arguments,
/// which are ignored:
///
///     postgresql:
///       create_replica_methods: [barman, basebackup]
///       barman:
///         command: >-
///           patroni_barman --api-url https://barman.example:7480
///           recover --barman-server main --ssh-command "ssh postgres@n1"
///
/// Do not set `keep_data`: since version 3.15, Barman restores only into empty directories. A
/// bootstrap method needs `keep_existing_recovery_conf: true`.
///
/// If the answer to a recovery is lost, it is looked for in the API's list of operations and never
/// sent twice. An earlier recovery into the same directory is waited for. Options can be abbreviated. The command runs
/// the shipped rules recover.yml; copy them for `run` if you need more.
///
/// Exit codes: 0 restored; 1 the recovery failed in Barman; 2 the API refused the
/// request or did not accept it, invalid arguments, or a usage
/// error; 254 the API is unreachable or reports an error.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct Recover {
    /// The Barman server that has the backup.
    #[arg(long, value_name = "NAME")]
    barman_server: String,
    /// The backup: an id, or `latest`, `oldest`, `last`, `first` or `last-failed`.
    #[arg(long, value_name = "ID", default_value = "latest")]
    backup_id: String,
    /// The ssh command by which the Barman host reaches this one, for example `ssh postgres@n1`.
    #[arg(long, value_name = "COMMAND")]
    ssh_command: String,
    /// The directory to restore into, on this host.
    #[arg(long, visible_alias = "datadir", value_name = "PATH")]
    data_directory: String,
    /// The longest pause between two polls. The first polls follow each other faster.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    loop_wait: i64,
    /// The REST API of this node's Patroni: a backup of another database system is refused. For example
    /// `http://127.0.0.1:8008`.
    #[arg(long, value_name = "URL")]
    patroni_url: Option<String>,
    /// Limits of retries.
    #[command(flatten)]
    tries: Tries,
}

impl Command for Recover {
    const GROUP: Group = Group::Patroni;
    const CONNECTED: bool = true;

    fn acts(&self) -> bool {
        true
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        Shipped {
            name: "recover.yml",
            rules: include_str!("../../../rules/recover.yml"),
            vars: vec![
                ("server", &self.barman_server),
                ("backup_id", &self.backup_id),
                ("ssh_command", &self.ssh_command),
                ("data_directory", &self.data_directory),
            ],
            facts: Facts {
                datadir: Some(self.data_directory.clone()),
                // Patroni passes the same arguments for a bootstrap, except for the role, and neither matters to the rules.
                ..context
                    .environment
                    .facts(Event::CreateReplica, Role::Replica, "")
            },
            tries: self.tries,
            patroni_url: self.patroni_url.as_deref(),
            remembers: true,
            every: Some(seconds(self.loop_wait).max(SHORTEST)),
            codes: Codes {
                skipped: 1,
                failed: 1,
                http: 2,
                invalid: 2,
            },
        }
        .run(context)
    }
}
