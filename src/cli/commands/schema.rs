//! `schema`: the JSON Schemas of files and outputs, for editors and programs.

use clap::{Args, ValueEnum};

use crate::load::schema;

use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::exit::Exit;
use crate::cli::shared::output::print;

/// Prints the JSON Schema of a file that this program knows.
///
/// An editor that knows it completes and checks rules while they are written:
///
///     patroni_barman schema rules > rules.schema.json
///
/// with this as the first line of the rules file:
///
///     # yaml-language-server: $schema=rules.schema.json
///
/// Exit codes: 0 printed; 2 a name that there is not.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Schema {
    /// Which schema.
    #[arg(value_name = "NAME")]
    pub name: SchemaName,
}

/// The schemas there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// The rules file.
    Rules,
    /// The body of a request to pg-backup-api.
    Request,
    /// What `check --format json` prints.
    Check,
    /// A file of rule tests.
    RuleTests,
    /// What `test --format json` prints.
    Test,
    /// What `matrix --format json` prints.
    Matrix,
    /// What `diff --format json` prints.
    Diff,
    /// What `plan --format json` prints.
    Plan,
    /// What `run --format json` prints.
    Run,
    /// What `reconcile --format json` prints.
    Reconcile,
    /// What `status --format json` prints.
    Status,
    /// What `history --format json` prints.
    History,
    /// What `/api/status` of `agent` answers.
    Agent,
    /// What receivers of `notify` are told.
    Notification,
}

impl Command for Schema {
    const GROUP: Group = Group::Rules;

    fn run(&self, _context: &Context) -> Result<u8, Exit> {
        print(match self.name {
            SchemaName::Rules => schema::RULES,
            SchemaName::Request => schema::REQUEST,
            SchemaName::Check => schema::CHECK,
            SchemaName::RuleTests => schema::RULE_TESTS,
            SchemaName::Test => schema::TEST,
            SchemaName::Matrix => schema::MATRIX,
            SchemaName::Diff => schema::DIFF,
            SchemaName::Plan => schema::PLAN,
            SchemaName::Run => schema::RUN,
            SchemaName::Reconcile => schema::RECONCILE,
            SchemaName::Status => schema::STATUS,
            SchemaName::History => schema::HISTORY,
            SchemaName::Agent => schema::AGENT,
            SchemaName::Notification => schema::NOTIFICATION,
        });
        Ok(0)
    }
}
