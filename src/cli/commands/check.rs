//! `check`: all problems with rules, before Patroni calls.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::check::{Checked, Unchecked, ignored};
use crate::diagnostic::{Finding, Severity};
use crate::load::{self, ReadError, read, read_from};
use crate::report::{self, CheckOutput, Failure, Findings, Style};
use crate::source::Source;

use crate::cli::shared::{Command, Context, Exit, Group, Online, USAGE, print, set_vars};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// Checks rules and reports every problem. No requests are sent.
///
/// Each PATH is a separate rule set: a YAML file, a directory whose *.yml and *.yaml
/// files are read as one, or `-` for standard input. Every finding has a code, a position and a suggestion:
///
///     patroni_barman check /etc/patroni_barman/rules.yml
///     patroni_barman explain PB106
///
/// With --online, the rules are also compared with Barman and Patroni: the servers, models and backups that the rules name for each
/// member of the cluster, whether WAL can be received there, the replication slot in Patroni's configuration, and the versions.
/// Templates are evaluated for the members, on this node with its environment. If one of them, or a file, cannot be read, the other
/// findings are still printed.
///
/// Exit codes: 0 no findings, or warnings only; 1 errors (with --strict: any finding);
/// 2 a file cannot be read, invalid
/// arguments, or an API or Patroni does not answer.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Check {
    /// The rules: files, directories of them, or `-`.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Exit with 1 for warnings and notes as well.
    #[arg(long)]
    pub strict: bool,
    /// The format of the findings on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: CheckFormat,
    /// The file name to show for standard input.
    #[arg(long, value_name = "NAME")]
    pub stdin_filename: Option<PathBuf>,
    /// Set a variable of the rules file, like `run --set`.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
    /// Also compare the rules with Barman and Patroni.
    #[arg(long)]
    pub online: bool,
    /// With --online: for every cluster under `clusters` and `discover`.
    #[arg(long, requires = "online", conflicts_with = "node")]
    pub all: bool,
    /// With --online: the name of this Patroni member [default: `PATRONI_NAME`, then the local Patroni's answer].
    #[arg(long, value_name = "NAME", requires = "online")]
    pub node: Option<String>,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// Text.
    Human,
    /// JSON; `patroni_barman schema check` prints the schema.
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
        let from_stdin = self.paths.iter().filter(|path| is_stdin(path)).count();
        if from_stdin > 1 {
            let message = "standard input (`-`) can be read only once";
            return Err(Exit::new(USAGE, message));
        }
        if from_stdin == 0 && self.stdin_filename.is_some() {
            let message = "`--stdin-filename` has no effect without standard input";
            return Err(Exit::new(USAGE, message).help("give `-` as a PATH"));
        }
        let mut all = All::default();
        for path in &self.paths {
            if let Err(exit) = all.add(self, path, context) {
                all.failures.push(Failure {
                    file: Some(self.name(path).display().to_string()),
                    message: exit.to_string(),
                });
            }
        }
        for failure in &all.failures {
            context.log.error(&failure.message);
        }
        let found = Findings {
            findings: &all.checked.findings,
            silenced: &all.checked.silenced,
            failures: &all.failures,
            truncated: all.checked.truncated,
        };
        match self.format {
            CheckFormat::Human if all.sets.is_empty() => {}
            CheckFormat::Human => print(&human(&found, &all, context)),
            CheckFormat::Json => print(&report::json(&CheckOutput::of(&found))),
            CheckFormat::Sarif => print(&report::json(&report::sarif(&found))),
            CheckFormat::Github => print(&report::github(&found)),
        }
        if !all.failures.is_empty() {
            return Ok(USAGE);
        }
        let fails = |finding: &Finding| self.strict || finding.severity() == Severity::Error;
        Ok(u8::from(all.checked.findings.iter().any(fails)))
    }
}

/// The findings in all rule sets.
#[derive(Default)]
struct All {
    checked: Checked,
    failures: Vec<Failure>,
    sources: Vec<Source>,
    sets: Vec<Set>,
}

struct Set {
    name: String,
    rules: usize,
    /// Barman or Patroni was to be asked and did not answer.
    is_incomplete: bool,
}

impl All {
    fn add(&mut self, args: &Check, path: &Path, context: &Context) -> Result<(), Exit> {
        let beside = ignored(path, &load::ignored(path));
        self.checked.findings.extend(beside);
        let sources = match args.read(path) {
            Ok(sources) => sources,
            Err(error) => {
                self.failures.push(Failure {
                    file: Some(error.path().display().to_string()),
                    message: error.to_string(),
                });
                return Ok(());
            }
        };
        let mut rules = Unchecked::new(&sources);
        if let Some(rules) = rules.rules_mut() {
            set_vars(rules, &args.sets).map_err(Exit::into_usage)?;
        }
        let asked = match rules.rules().filter(|_| args.online) {
            Some(rules) if args.all => Some(Online::ask_all(rules, context)?),
            Some(rules) => Some(Online::ask(rules, args.node.as_deref(), context)?),
            None => None,
        };
        let (problems, silent) = asked.map(|asked| (asked.problems, asked.failures)).unzip();
        let silent = silent.unwrap_or_default();
        self.sets.push(Set {
            name: args.name(path).display().to_string(),
            rules: rules.rules().map_or(0, |rules| rules.rules.len()),
            is_incomplete: !silent.is_empty(),
        });
        self.failures.extend(silent);
        let checked = rules.check(problems);
        self.checked.findings.extend(checked.findings);
        self.checked.silenced.extend(checked.silenced);
        self.checked.truncated |= checked.truncated;
        self.sources.extend(sources);
        Ok(())
    }
}

impl Check {
    fn read(&self, path: &Path) -> Result<Vec<Source>, ReadError> {
        if !is_stdin(path) {
            return read(path);
        }
        read_from(std::io::stdin().lock(), self.name(path)).map(|source| vec![source])
    }

    /// The name of a path in the output.
    fn name<'a>(&'a self, path: &'a Path) -> &'a Path {
        match &self.stdin_filename {
            _ if !is_stdin(path) => path,
            Some(name) => name,
            None => Path::new("<stdin>"),
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}

fn human(found: &Findings<'_>, all: &All, context: &Context) -> String {
    let colour = context.colours.stdout;
    let name = |set: &Set| format!("`{}`", report::one_line(&set.name));
    let Some(summary) = report::findings::summary(found.findings) else {
        let line = |set: &Set| {
            let word = if set.is_incomplete {
                colour.paint(Style::Warning, "not fully checked")
            } else {
                colour.paint(Style::Good, "ok")
            };
            let end = if set.rules == 1 { "" } else { "s" };
            format!("{}: {word}, {} rule{end}\n", name(set), set.rules)
        };
        return all.sets.iter().map(line).collect();
    };
    let names: Vec<_> = all.sets.iter().map(name).collect();
    let names = names.join(", ");
    let more = if found.truncated {
        ", and there may be more than is shown"
    } else {
        ""
    };
    format!(
        "{}\n{names}: {summary}{more}; `patroni_barman explain CODE` tells more\n",
        report::findings::human(found.findings, &all.sources, colour)
    )
}
