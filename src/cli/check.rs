//! `check`: everything that is wrong with rules, before Patroni calls.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use crate::diagnostic::{Finding, Severity};
use crate::load::read;
use crate::report::{Colour, findings};
use crate::source::Source;

use super::args::Format;
use super::exit::{Exit, USAGE};
use super::{Context, print};

/// Checks rules and says everything that is wrong with them. Nothing is sent.
///
/// Each PATH is a rule set of its own: a YAML file, or a directory whose *.yml and *.yaml
/// files are read as one. Every finding has a code, its place, and what to write instead:
///
///     patroni_barman check /etc/patroni_barman/rules.yml
///     patroni_barman explain PB106
///
/// Exit codes: 0 nothing found, or warnings only; 1 errors (with --strict: anything);
/// 2 a file that can't be read, or wrong arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Check {
    /// The rules: files, or directories of them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Let warnings and notes fail the check as well.
    #[arg(long)]
    pub strict: bool,
    /// How the findings are written to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Carries the command out and gives the exit code.
///
/// # Errors
/// [`Exit`] if a file can't be read; nothing was printed then.
pub fn check(args: &Check, context: &Context) -> Result<u8, Exit> {
    let mut sources = Vec::new();
    let mut found = Vec::new();
    for path in &args.paths {
        let set = read(path).map_err(|error| Exit::new(USAGE, error.to_string()))?;
        found.extend(crate::check::findings(&set));
        sources.extend(set);
    }
    print(&match args.format {
        Format::Human => human(&found, &sources, args, context),
        Format::Json => format!("{:#}\n", findings::json(&found)),
    });
    let fails = |finding: &Finding| args.strict || finding.severity() == Severity::Error;
    Ok(u8::from(found.iter().any(fails)))
}

fn human(found: &[Finding], sources: &[Source], args: &Check, context: &Context) -> String {
    let colour = if std::io::stdout().is_terminal() && context.environment.get("NO_COLOR").is_none()
    {
        Colour::Always
    } else {
        Colour::Never
    };
    let paths: Vec<_> = args
        .paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    let paths = paths.join(", ");
    match findings::summary(found) {
        None => format!("{paths}: nothing found\n"),
        Some(summary) => format!(
            "{}\n{paths}: {summary}; `patroni_barman explain CODE` tells more\n",
            findings::human(found, sources, colour)
        ),
    }
}
