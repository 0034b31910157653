//! The commands: one file and one row each.

mod agent;
mod check;
mod completions;
mod config_switch;
mod demo;
mod diff;
mod explain;
mod forget;
mod history;
mod matrix;
mod notify;
mod plan;
mod reconcile;
mod recover;
mod run;
mod schema;
mod simulate;
mod status;
mod test;

use clap::{Parser, Subcommand};

use crate::cli::shared::{Command, Context, Exit, Facts, Global, version};

/// Makes Barman follow a Patroni cluster: a YAML rules file maps Patroni's events and roles to
/// pg-backup-api requests.
#[derive(Debug, Parser)]
#[command(
    name = "patroni_barman",
    version = version::line(),
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Start with `patroni_barman demo`. Write rules, examine them with `check` and `plan`, then use `patroni_barman run` \
        as a callback in Patroni's configuration. `patroni_barman COMMAND --help` describes each command.",
    after_long_help = "Examples:\n  \
        patroni_barman demo\n  \
        patroni_barman check /etc/patroni_barman/rules.yml\n  \
        patroni_barman plan on_role_change primary main --node n1\n\n\
        Start with `demo`. Write rules, examine them with `check` and `plan`, then use `patroni_barman run` as a callback \
        in Patroni's configuration. `patroni_barman COMMAND --help` describes each command."
)]
pub struct Cli {
    /// Options for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Commands,
}

macro_rules! commands {
    ($($name:ident($arguments:ty),)+) => {
        /// The commands, in the order of the help. A doc comment on one would stand in the way of the help that its arguments
        /// carry.
        #[derive(Debug, Subcommand)]
        pub enum Commands {
            $($name($arguments),)+
        }

        /// The facts about each command.
        const FACTS: &[Facts] = &[$(Facts::of::<$arguments>(),)+];

        impl Commands {
            pub fn acts(&self) -> bool {
                match self {
                    $(Self::$name(command) => command.acts(),)+
                }
            }

            pub fn take_others(&mut self, others: Vec<(String, String)>) {
                match self {
                    $(Self::$name(command) => command.take_others(others),)+
                }
            }

            pub fn run(&self, context: &Context) -> Result<u8, Exit> {
                match self {
                    $(Self::$name(command) => command.run(context),)+
                }
            }
        }
    };
}

commands! {
    Run(run::Run),
    ConfigSwitch(config_switch::ConfigSwitch),
    Recover(recover::Recover),
    Check(check::Check),
    Explain(explain::Explain),
    Plan(plan::PlanArgs),
    Test(test::TestArgs),
    Matrix(matrix::MatrixArgs),
    Diff(diff::DiffArgs),
    Schema(schema::Schema),
    Status(status::Status),
    Reconcile(reconcile::Reconcile),
    Agent(agent::Agent),
    History(history::History),
    Forget(forget::ForgetArgs),
    Notify(notify::Notify),
    Demo(demo::Demo),
    Simulate(simulate::Simulate),
    Completions(completions::Completions),
    Man(completions::Man),
}

/// The names of the commands and their facts, in the order of the help.
pub fn facts(cli: &clap::Command) -> impl Iterator<Item = (&str, Facts)> {
    let names = cli.get_subcommands().map(clap::Command::get_name);
    names.zip(FACTS.iter().copied())
}
