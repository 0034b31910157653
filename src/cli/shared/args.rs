//! Arguments shared by several commands.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help that a terminal shows"
)]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options that stand before or after the command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection and logs")]
pub struct Global {
    /// The address of pg-backup-api, instead of `api` in the rules file; required for `config-switch` and `recover`. For
    /// example `https://barman.example:7480`.
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub api_url: Option<String>,
    /// Client certificate, PEM; without --key-file, the file also contains the key.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub cert_file: Option<PathBuf>,
    /// Key of the client certificate, PEM; needs --cert-file.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub key_file: Option<PathBuf>,
    /// Certificate authorities for the server's certificate, PEM [default: the system's].
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ca_file: Option<PathBuf>,
    /// Whether to use colours [default: auto].
    ///
    /// `auto` uses them on a terminal, unless `NO_COLOR` is set, and everywhere if `CLICOLOR_FORCE` is set.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        hide_short_help = true,
        help_heading = None
    )]
    pub color: ColorChoice,
    /// Write logs to this file instead of standard error.
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// The format of log lines.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// The lowest level to log.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<ColorChoice> for clap::ColorChoice {
    fn from(choice: ColorChoice) -> Self {
        match choice {
            ColorChoice::Auto => Self::Auto,
            ColorChoice::Always => Self::Always,
            ColorChoice::Never => Self::Never,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `2026-11-23 03:14:36,852 INFO: message`
    Text,
    /// One JSON object per line.
    Json,
}

/// How important a log line is, least important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// Also every poll of a running operation, and every HTTP exchange.
    Debug,
    /// Also requests and their outcomes.
    Info,
    /// Also problems that were retried or corrected.
    Warning,
    /// Only failures.
    Error,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text.
    Human,
    /// JSON; `patroni_barman schema NAME`, with the name of this command, prints the schema.
    Json,
}

/// The event, however Patroni tells it, and the rules.
#[derive(Debug, Clone, Args)]
pub struct EventArgs {
    /// The rules: a YAML file, or a directory of YAML files
    /// [default: $PATRONI_BARMAN_RULES, then /etc/patroni_barman/rules.yml].
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// The event: `on_start`, `on_stop`, `on_restart`, `on_reload`, `on_role_change`.
    #[arg(
        value_name = "EVENT",
        required_unless_present = "event",
        requires = "role_word"
    )]
    pub event_word: Option<String>,
    /// The member's role: `primary`, `replica`, `standby_leader`, `demoted` (`master` and `promoted` mean
    /// `primary`).
    #[arg(value_name = "ROLE", requires = "cluster_word")]
    pub role_word: Option<String>,
    /// The cluster: Patroni's scope.
    #[arg(value_name = "CLUSTER")]
    pub cluster_word: Option<String>,
    /// The event, if Patroni appends options: `bootstrap` or `create_replica`.
    #[arg(
        long,
        value_name = "EVENT",
        conflicts_with = "event_word",
        requires = "scope"
    )]
    pub event: Option<String>,
    /// The cluster, with --event. Patroni appends it.
    #[arg(long, value_name = "CLUSTER")]
    pub scope: Option<String>,
    /// The role, with --event. Patroni appends it when it creates a replica.
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// The data directory, with --event. Patroni appends it.
    #[arg(long, value_name = "PATH")]
    pub datadir: Option<String>,
    /// The connection string of the leader, with --event. Patroni appends it when it creates a replica.
    #[arg(long, value_name = "DSN")]
    pub connstring: Option<String>,
    /// The name of this Patroni member [default: the local Patroni's answer].
    ///
    /// `PATRONI_NAME` is used if it is set, but Patroni removes it from the environment of callbacks. Use `--node` in the
    /// callback's command.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// Set a variable that the rules file declares under `vars`; can be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
    /// Every other `--name=value`, found before clap sees the command line.
    #[arg(skip)]
    pub others: Vec<(String, String)>,
}

/// Where the rules are and what is known besides.
#[derive(Debug, Clone, Args)]
pub struct RulesArgs {
    /// The rules: a YAML file, or a directory of YAML files
    /// [default: $PATRONI_BARMAN_RULES, then /etc/patroni_barman/rules.yml].
    #[arg(long, value_name = "PATH", verbatim_doc_comment)]
    pub rules: Option<PathBuf>,
    /// The name of this Patroni member [default: $PATRONI_NAME, then the local Patroni's answer].
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// Set a variable that the rules file declares under `vars`; can be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
}
