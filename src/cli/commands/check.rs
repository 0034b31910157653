//! `check`: everything that is wrong with rules, before Patroni calls.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::diagnostic::{Code, Finding, Severity};
use crate::load::read;
use crate::report::{self, Colour, findings};
use crate::source::Source;

use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::exit::{Exit, USAGE};
use crate::cli::shared::online;
use crate::cli::shared::output::print;
use crate::cli::shared::rules::Rules;

/// Checks rules and says everything that is wrong with them. Nothing is sent.
///
/// Each PATH is a rule set of its own: a YAML file, or a directory whose *.yml and *.yaml
/// files are read as one. Every finding has a code, its place, and what to write instead:
///
///     patroni_barman check /etc/patroni_barman/rules.yml
///     patroni_barman explain PB106
///
/// With --online, Barman is asked whether the servers and models exist and fit each other, and the local Patroni which
/// node and cluster this is. Templates are tried for this node and its environment.
///
/// Exit codes: 0 nothing found, or warnings only; 1 errors (with --strict: anything);
/// 2 a file that can't be read, wrong
/// arguments, or somebody that can't be asked.
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
    pub format: CheckFormat,
    /// Also ask Barman and Patroni.
    #[arg(long)]
    pub online: bool,
    /// This Patroni member's name, with --online [default: `PATRONI_NAME`, then what the local Patroni says].
    #[arg(long, value_name = "NAME", requires = "online")]
    pub node: Option<String>,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    Human,
    /// For programs; its schema is printed by `patroni_barman schema check`.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
}

impl Command for Check {
    const GROUP: Group = Group::Rules;
    const CONNECTED: bool = true;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let mut sources = Vec::new();
        let mut found = Vec::new();
        let mut checked: Vec<&Path> = Vec::new();
        let mut unread: Option<Exit> = None;
        for path in &self.paths {
            let set = match read(path) {
                Ok(set) => set,
                Err(error) => {
                    let exit = Exit::new(USAGE, error.to_string());
                    if let Some(before) = unread.replace(exit) {
                        before.log(&context.log);
                    }
                    continue;
                }
            };
            checked.push(path);
            let mut findings = crate::check::findings(&set);
            if self.online && !findings.iter().any(breaks) {
                let path = path.display().to_string();
                let mut rules =
                    Rules::of(set.clone(), &path, &context.log).map_err(Exit::into_usage)?;
                rules.connect(&context.global).map_err(Exit::into_usage)?;
                findings.extend(online::findings(&rules, self.node.as_ref(), context)?);
            }
            found.extend(findings);
            sources.extend(set);
        }
        if let Some(exit) = unread.take_if(|_| checked.is_empty()) {
            return Err(exit);
        }
        print(&match self.format {
            CheckFormat::Human => human(&found, &sources, &checked, context),
            CheckFormat::Json => format!("{:#}\n", findings::json(&found)),
            CheckFormat::Sarif => format!("{:#}\n", report::sarif(&found)),
            CheckFormat::Github => report::github(&found),
        });
        if let Some(exit) = unread {
            return Err(exit);
        }
        let fails = |finding: &Finding| self.strict || finding.severity() == Severity::Error;
        Ok(u8::from(found.iter().any(fails)))
    }
}

/// Whether rules with this finding can't be used at all, so that nobody has to be asked about them.
fn breaks(finding: &Finding) -> bool {
    finding.severity() == Severity::Error
        && !finding.code.can_be_allowed()
        && finding.code != Code::NoReason
}

fn human(found: &[Finding], sources: &[Source], checked: &[&Path], context: &Context) -> String {
    let colour = if std::io::stdout().is_terminal() && context.environment.get("NO_COLOR").is_none()
    {
        Colour::Always
    } else {
        Colour::Never
    };
    let paths: Vec<_> = checked
        .iter()
        .map(|path| format!("`{}`", report::one_line(&path.display().to_string())))
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
