//! `diff`: what a change to the rules changes.

use clap::{Args, ValueEnum};

use crate::diff;
use crate::report;

use crate::cli::shared::cells::KnownArgs;
use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::exit::Exit;
use crate::cli::shared::invocation::set_vars;
use crate::cli::shared::output::print;
use crate::cli::shared::revision::sources;
use crate::cli::shared::rules::Rules;

/// Shows what a change to the rules changes.
///
/// Both sides are evaluated for every event and role, in every kind of cluster that either names:
///
///     patroni_barman diff rules.yml new-rules.yml
///     patroni_barman diff git:main:rules.yml rules.yml
///
/// Exit codes: 0 compared; 1 with --exit-code, if anything differs; 2 rules or arguments that can't be used.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct DiffArgs {
    /// The rules as they were: a file, a directory, or `git:REVISION:PATH`.
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The rules as they are: the same.
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Exit with 1 if there is a difference.
    #[arg(long = "exit-code")]
    pub exit_code: bool,
    /// How it is written to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: DiffFormat,
    /// What is known.
    #[command(flatten)]
    pub known: KnownArgs,
}

/// How the comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For a terminal.
    Human,
    /// For programs; its schema is printed by `patroni_barman schema diff`.
    Json,
    /// One self-contained page.
    Html,
    /// For a comment in a pull request.
    Markdown,
}

impl Command for DiffArgs {
    const GROUP: Group = Group::Rules;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let known = self.known.known()?;
        let rules = |place: &str| -> Result<Rules, Exit> {
            Rules::of(sources(place)?, place, &context.log).map_err(Exit::into_usage)
        };
        let (mut old, mut new) = (rules(&self.old)?, rules(&self.new)?);
        for set in &self.known.sets {
            let one = std::slice::from_ref(set);
            // The change may be that a variable is new, or gone.
            let before = set_vars(&mut old.set, one);
            let after = set_vars(&mut new.set, one);
            before.or(after).map_err(Exit::into_usage)?;
        }
        let diff = diff::diff(&old.set, &new.set, known, &self.known.cluster);
        print(&match self.format {
            DiffFormat::Human => report::diff(&diff),
            DiffFormat::Json => format!("{:#}\n", diff.to_json()),
            DiffFormat::Html => report::diff_html(&diff, &self.old, &self.new),
            DiffFormat::Markdown => report::diff_markdown(&diff, &self.old, &self.new),
        });
        Ok(u8::from(self.exit_code && !diff.is_empty()))
    }
}
