//! `config-switch`: the Python tool's sub-command, run by `rules/config-switch.yml`.

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::evaluate::Facts;
use crate::model::{Event, Role};

use crate::cli::shared::{Codes, Command, Context, Exit, Group, Shipped, Tries, USAGE};

/// Switches a Barman server to a model, like Patroni's Python tool.
///
/// When this node gets a role that --switch-when includes, Barman applies the model
/// to the server: it changes the host to back up and to receive WAL from. Patroni
/// appends EVENT, ROLE and CLUSTER:
///
///     postgresql:
///       callbacks:
///         on_role_change: >-
///           patroni_barman --api-url https://barman.example:7480
///           config-switch --barman-server main --barman-model main:n1
///           --switch-when promoted
///
/// Use the same command for `on_start`: a Patroni that is restarted on a running
/// primary fires only that. Barman is then compared first, and not switched if the
/// model is active already. Options can be abbreviated, and unknown arguments are
/// ignored. The command runs the shipped rules config-switch.yml; copy them for
/// `run` if you need more.
///
/// Exit codes: 0 switched; 1 skipped, --switch-when does not include the role, or another member has it; 2 the
/// switch failed in Barman, or a usage error; 3 the API refused the request, or
/// all attempts failed; 4 invalid arguments, nothing was
/// sent; 254 the API is unreachable or reports an error.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct ConfigSwitch {
    /// The event, filled in by Patroni.
    #[arg(value_name = "EVENT", value_parser = PossibleValuesParser::new(["on_role_change", "on_start"]))]
    action: String,
    /// This node's role, filled in by Patroni. `promoted` and `master` mean `primary`.
    #[arg(value_name = "ROLE", value_parser = PossibleValuesParser::new(
        ["primary", "promoted", "master", "standby_leader", "replica", "demoted"]
    ))]
    role: String,
    /// The cluster, filled in by Patroni.
    #[arg(value_name = "CLUSTER")]
    cluster: String,
    /// The Barman server to switch.
    #[arg(long, value_name = "NAME")]
    barman_server: String,
    /// The model, or none.
    #[command(flatten)]
    to: To,
    /// The roles in which to switch.
    #[arg(long, value_name = "WHEN")]
    switch_when: SwitchWhen,
    /// The REST API of this node's Patroni: nothing is sent for a role that another member has. For example
    /// `http://127.0.0.1:8008`.
    #[arg(long, value_name = "URL")]
    patroni_url: Option<String>,
    /// Limits of retries.
    #[command(flatten)]
    tries: Tries,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct To {
    /// The model to switch to.
    #[arg(long, value_name = "NAME")]
    barman_model: Option<String>,
    /// Remove the active model instead, if there is one.
    #[arg(long)]
    reset: bool,
}

/// The roles in which to switch.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SwitchWhen {
    /// As the primary
    Promoted,
    /// As a replica, and when demoted
    Demoted,
    /// In every role, including the leader of a standby cluster
    Always,
}

impl SwitchWhen {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::Demoted => "demoted",
            Self::Always => "always",
        }
    }
}

impl Command for ConfigSwitch {
    const GROUP: Group = Group::Patroni;
    const CONNECTED: bool = true;

    fn acts(&self) -> bool {
        true
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let word = |word: &str| Exit::new(USAGE, format!("`{word}` has no meaning here"));
        let event = Event::parse(&self.action).ok_or_else(|| word(&self.action))?;
        let role = Role::from_patroni(&self.role).ok_or_else(|| word(&self.role))?;
        Shipped {
            name: "config-switch.yml",
            rules: include_str!("../../../rules/config-switch.yml"),
            vars: vec![
                ("server", &self.barman_server),
                ("model", self.to.barman_model.as_deref().unwrap_or_default()),
                ("reset", if self.to.reset { "true" } else { "false" }),
                ("switch_when", self.switch_when.as_str()),
            ],
            facts: Facts {
                raw_role: self.role.clone(),
                ..context.environment.facts(event, role, &self.cluster)
            },
            tries: self.tries,
            patroni_url: self.patroni_url.as_deref(),
            remembers: false,
            every: None,
            codes: Codes {
                skipped: 1,
                failed: 2,
                http: 3,
                invalid: 4,
            },
        }
        .run(context)
    }
}
