//! `diff`: the effect of a change to the rules.

use std::path::Path;

use clap::{Args, ValueEnum};

use crate::diff::{self, DiffOutput};
use crate::model::RuleSet;
use crate::report;

use crate::cli::shared::{
    Command, Context, Exit, Found, Group, KnownArgs, Rules, print, screen, set_vars, sources,
};

/// Shows the effect of a change of the rules.
///
/// Both versions are evaluated for every event and role, in every kind of cluster that either of them names:
///
///     patroni_barman diff rules.yml new-rules.yml
///     patroni_barman diff git:main:rules.yml rules.yml
///     patroni_barman diff git:main:rules.yml git::rules.yml
///
/// An empty file or /dev/null means no rules.
///
/// Exit codes: 0 compared; 1 with --exit-code, if anything differs; 2 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct DiffArgs {
    /// The old rules: a file, a directory, `git:REVISION:PATH`, or `git::PATH` for the staged version.
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The new rules, in the same forms.
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Exit with 1 if anything differs, or only if a cell differs.
    #[arg(
        long = "exit-code",
        value_name = "OF",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub exit_code: Option<Gate>,
    /// Compare with no rules if OLD does not exist or is invalid, because `run` would not have used it.
    #[arg(long = "allow-missing-old")]
    pub allow_missing_old: bool,
    /// The format on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: DiffFormat,
    /// Facts for every cell.
    #[command(flatten)]
    pub known: KnownArgs,
}

/// How the comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// Text.
    Human,
    /// JSON; `patroni_barman schema diff` prints the schema.
    Json,
    /// One self-contained page.
    Html,
    /// Markdown, for a comment in a pull request.
    Markdown,
}

/// The differences that are looked at for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Gate {
    /// Any difference, including edits that no cell shows, and settings.
    All,
    /// Only differences in cells.
    Cells,
}

impl DiffArgs {
    /// Reads one of the two sides.
    fn rules(&self, place: &str, is_old: bool, context: &Context) -> Result<RuleSet, Exit> {
        let missing = match sources(place)? {
            Found::Empty => return Ok(RuleSet::default()),
            Found::Missing(exit) if is_old => {
                exit.help("if it is new, `--allow-missing-old` compares with no rules")
            }
            Found::Missing(exit) => return Err(exit),
            Found::Rules(sources) => match Rules::of(sources, Path::new(place), &context.log) {
                Ok(rules) => return Ok(rules.set),
                Err(exit) => exit.into_usage(),
            },
        };
        if !(is_old && self.allow_missing_old) {
            return Err(missing);
        }
        let message = format!("{}; compared with no rules", missing.message);
        context.log.warning(&message);
        Ok(RuleSet::default())
    }
}

impl Command for DiffArgs {
    const GROUP: Group = Group::Rules;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let known = self.known.known()?;
        let mut old = self.rules(&self.old, true, context)?;
        let mut new = self.rules(&self.new, false, context)?;
        for set in &self.known.sets {
            let one = std::slice::from_ref(set);
            // The change may add or remove the variable.
            let before = set_vars(&mut old, one);
            let after = set_vars(&mut new, one);
            before.or(after).map_err(Exit::into_usage)?;
        }
        let diff = diff::diff(&old, &new, known, &self.known.cluster);
        print(&match self.format {
            DiffFormat::Human => report::diff(&diff, screen(context)),
            DiffFormat::Json => report::json(&DiffOutput::of(&diff)),
            DiffFormat::Html => report::diff_html(&diff, &self.old, &self.new),
            DiffFormat::Markdown => report::diff_markdown(&diff, &self.old, &self.new),
        });
        let differs = match self.exit_code {
            None => false,
            Some(Gate::All) => !diff.is_same(),
            Some(Gate::Cells) => !diff.is_empty(),
        };
        Ok(u8::from(differs))
    }
}
