//! `schema`: the JSON Schemas of files and outputs, for editors and programs.

use clap::{Args, ValueEnum};

use crate::load::schema;

use crate::cli::shared::{Command, Context, Exit, Group, print};

/// Prints the JSON Schema of a file format.
///
/// With the schema, an editor completes and checks rules while you type:
///
///     patroni_barman schema rules > rules.schema.json
///
/// Name it in the first line of the rules file:
///
///     # yaml-language-server: $schema=rules.schema.json
///
/// Exit codes: 0 printed; 2 unknown name.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Schema {
    /// The schema.
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
    /// The output of `check --format json`.
    Check,
    /// A file of rule tests.
    RuleTests,
    /// The output of `test --format json`.
    Test,
    /// The output of `matrix --format json`.
    Matrix,
    /// The output of `diff --format json`.
    Diff,
    /// The output of `plan --format json`.
    Plan,
    /// The output of `run --format json`.
    Run,
    /// The output of `reconcile --format json`.
    Reconcile,
    /// The output of `status --format json`.
    Status,
    /// The output of `history --format json`.
    History,
    /// The answer of the agent's `/api/status`.
    Agent,
    /// The message to the receivers of `notify`.
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
