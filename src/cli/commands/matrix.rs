//! `matrix`: the table of all events and roles.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help that a terminal shows"
)]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::matrix::{Matrix, notes};
use crate::report;

use crate::cli::shared::{
    Command, Context, Exit, Group, KnownArgs, Rules, connect, print, print_with, rules_path,
    screen, set_vars,
};

/// Shows what the rules do for every event and role.
///
/// Each kind of cluster that the rules name has a table. No requests are sent, and the result does not depend on this machine. Facts
/// that only a callback knows are placeholders in capitals (NODE, HOST, CLUSTER), unless they are given as options.
///
///     patroni_barman matrix rules.yml
///     patroni_barman matrix --format html rules.yml > rules.html
///
/// Exit codes: 0 shown; 2 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct MatrixArgs {
    /// The rules: a YAML file, or a directory of YAML files
    /// [default: $PATRONI_BARMAN_RULES, then /etc/patroni_barman/rules.yml].
    #[arg(value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// The format on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: MatrixFormat,
    /// Facts for every cell.
    #[command(flatten)]
    pub known: KnownArgs,
}

/// How the matrix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatrixFormat {
    /// Text.
    Human,
    /// JSON; `patroni_barman schema matrix` prints the schema.
    Json,
    /// One self-contained page.
    Html,
}

impl Command for MatrixArgs {
    const GROUP: Group = Group::Rules;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let known = self.known.known()?;
        let path = rules_path(self.rules.as_ref(), &context.environment);
        let mut rules = Rules::read(&path, &context.log).map_err(Exit::into_usage)?;
        let notes = notes(&rules.set, &rules.sources);
        connect(&mut rules.set, &context.global).map_err(Exit::into_usage)?;
        set_vars(&mut rules.set, &self.known.sets).map_err(Exit::into_usage)?;
        let matrix = Matrix::new(&rules.set, known, &self.known.cluster, notes);
        match self.format {
            MatrixFormat::Human => print(&report::matrix(&matrix, screen(context))),
            MatrixFormat::Html => {
                print(&report::matrix_html(&matrix, &path.display().to_string()));
            }
            MatrixFormat::Json => print_with(|out| {
                matrix.write_json(&mut *out)?;
                writeln!(out)
            }),
        }
        Ok(0)
    }
}
