//! `status`: Barman's state compared with the wanted one.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::http::{Clock as _, Real};
use crate::report;

use crate::cli::shared::{
    Base, Command, Context, Exit, Group, INVALID, RulesArgs, Watch, once_code, parse_duration,
    pass_over, print, screen,
};

/// Shows whether Barman follows the cluster.
///
/// It works on any node of the cluster and sends no requests:
///
///     patroni_barman status --rules /etc/patroni_barman/rules.yml
///
/// Problems come first, one per line. They are followed by the rules file, the state database, the last run of `reconcile`, and the
/// versions of Patroni and Barman; for each server, the active model, whether WAL is received, how much WAL is not confirmed, the
/// slot, the timeline, the last archived WAL file, the last backup and the last good backup; and pending requests. WAL counts as
/// received if Barman uses its replication slot on the member that it should follow. The rules file must have the address of
/// Patroni under `patroni`.
///
/// `--format nagios` is for Nagios and Icinga: the worst problem in the first line, performance data, and the exit code 0 for OK, 1 for
/// WARNING, 2 for CRITICAL, 3 for UNKNOWN.
///
/// Exit codes: 0 Barman is as the rules want it; 1 something differs or is pending, WAL is not received, the rules file is broken, or
/// the state or the API can't be read; 3 Patroni is unreachable, or no member is the leader; 4 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Status {
    /// The rules and the member.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Show every cluster under `clusters` and `discover`, one per line; JSON has the schema of `agent`.
    #[arg(long, conflicts_with_all = ["node", "timeout"])]
    pub all: bool,
    /// The time limit for Barman's state [default: 5m; with --format nagios 50s].
    ///
    /// pg-backup-api queries every PostgreSQL that Barman knows, which takes minutes if there are hundreds.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// The format of the result on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: StatusFormat,
}

/// How a status is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// Text.
    Human,
    /// JSON; `patroni_barman schema status` prints the schema.
    Json,
    /// A plugin for Nagios and Icinga.
    Nagios,
}

/// The exit code of a Nagios plugin that has no answer.
const UNKNOWN: u8 = 3;

/// The time limit as a plugin: Nagios kills plugins after a minute.
const PLUGIN: Duration = Duration::from_secs(50);

impl Command for Status {
    const GROUP: Group = Group::Barman;
    const CONNECTED: bool = true;
    const USAGE: u8 = INVALID;

    fn refuse(arguments: &[OsString], message: &str) -> u8 {
        let words: Vec<_> = arguments.iter().filter_map(|word| word.to_str()).collect();
        let is_plugin = words.contains(&"--format=nagios")
            || words.windows(2).any(|pair| pair == ["--format", "nagios"]);
        if !is_plugin {
            return Self::USAGE;
        }
        let message = message.lines().next().unwrap_or_default();
        let message = message.trim_start_matches("error: ");
        print(&report::nagios_failure(message));
        UNKNOWN
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        if self.all {
            return match all(self, context) {
                Err(exit) if self.format == StatusFormat::Nagios => {
                    print(&report::nagios_failure(&exit.to_string()));
                    Ok(UNKNOWN)
                }
                ended => ended,
            };
        }
        let watch = Watch::new(&context.log);
        let base = match Base::read(&self.rules, context, &watch, false) {
            Err(exit) if self.format == StatusFormat::Nagios => {
                print(&report::nagios_failure(&exit.to_string()));
                return Ok(UNKNOWN);
            }
            base => base?,
        };
        let limit = match self.format {
            StatusFormat::Nagios => Some(self.timeout.unwrap_or(PLUGIN)),
            StatusFormat::Human | StatusFormat::Json => self.timeout,
        };
        let base = match limit {
            Some(limit) => base.within(limit),
            None => base,
        };
        let compared = base.compare(base.view(&self.rules, context));
        let status = compared.status();
        let mut counting = status.problems().into_iter().filter(|one| one.counts);
        let code = compared
            .blind()
            .unwrap_or_else(|| u8::from(counting.next().is_some()));
        let (code, text) = match self.format {
            StatusFormat::Human => (code, report::status(&status, screen(context))),
            StatusFormat::Json => (code, report::json(&status.output())),
            StatusFormat::Nagios => report::nagios(&status),
        };
        print(&text);
        Ok(code)
    }
}

fn all(args: &Status, context: &Context) -> Result<u8, Exit> {
    let board = pass_over(&args.rules, context, false, Duration::ZERO)?;
    let text = report::fleet::once(&board, screen(context));
    let code = once_code(&board);
    let (code, text) = match args.format {
        StatusFormat::Human => (code, text),
        StatusFormat::Json => (code, report::fleet::json(&board, Real::new().wall())),
        StatusFormat::Nagios => report::fleet::nagios(&board),
    };
    print(&text);
    Ok(match (args.format, code) {
        (StatusFormat::Nagios, code) => code,
        (_, 2) => 1,
        (_, code) => code,
    })
}
