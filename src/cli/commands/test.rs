//! `test`: unit tests for rules.

mod files;
mod thresholds;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::{self, Checked, TestOutput};

use crate::cli::shared::{Command, Context, Exit, Group, USAGE, print, screen};

use files::Files;
use thresholds::{MUTANTS, Thresholds, checked, thresholds};

/// Runs unit tests of rules. No requests are sent.
///
///     patroni_barman test tests/
///     patroni_barman test --coverage --fail-under 100 rules_test.yml
///     patroni_barman test --mutate --fail-under mutants=95 rules_test.yml
///
/// A test file names its rules and states what they do for one or many events; scenarios run callbacks against an in-memory
/// Barman. `patroni_barman schema rule-tests` prints the schema. In a directory, every YAML file that is not a rules file is
/// a test file. A file that can't be used does not keep the others from running.
///
/// Exit codes: 0 all tests passed; 1 a test failed, or coverage is below --fail-under; 2 unusable files or invalid arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct TestArgs {
    /// Test files, or directories of them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Test these rules instead of those that the test files name.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// Run only tests with this text in their name; can be repeated.
    #[arg(short = 'k', long = "filter", value_name = "TEXT")]
    pub filter: Vec<String>,
    /// List the tests without running them.
    #[arg(long, conflicts_with_all = ["format", "coverage", "fail_under", "mutate"])]
    pub list: bool,
    /// Show how much of the rules the tests cover: cells, rules that fire, both outcomes of each `when`, and requests that a
    /// test names.
    #[arg(long)]
    pub coverage: bool,
    /// Change the rules in many small ways, and show the changes that no test notices.
    #[arg(long)]
    pub mutate: bool,
    /// Fail if coverage is below this percentage: `90`, or `cells=80,rules=100,conditions=90,requests=100`. With
    /// --mutate, `mutants=95` is the percentage of changes that a test must notice.
    #[arg(long, value_name = "PERCENT", value_parser = thresholds)]
    pub fail_under: Option<Thresholds>,
    /// The format on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: TestFormat,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// Text.
    Human,
    /// JSON; `patroni_barman schema test` prints the schema.
    Json,
    /// JUnit XML, for CI systems.
    Junit,
}

impl Command for TestArgs {
    const GROUP: Group = Group::Rules;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let least = self.fail_under.clone().unwrap_or_default();
        if least.of(MUTANTS).is_some() && !self.mutate {
            let message = "`--fail-under mutants=…` needs mutants, and there are none";
            return Err(Exit::new(USAGE, message).help("add `--mutate`"));
        }
        let mut files = Files::read(&self.paths, self.rules.as_deref(), context);
        files.pick(&self.filter)?;
        if self.list {
            print(&files.list());
            return Ok(files.code(0, context));
        }
        let (mut run, covered) = files.run();
        run.checked = checked(&covered, &least);
        let missed = run.checked.iter().any(Checked::is_missed);
        if self.mutate && run.failed() {
            context
                .log
                .error("no mutants were tried: the tests fail, or too little is covered");
        } else if self.mutate {
            run.mutated = files.mutate(&covered);
            if let Some(least) = least.of(MUTANTS) {
                let mutated = run.mutated.iter();
                run.checked
                    .extend(mutated.map(|it| it.checked(MUTANTS, least)));
            }
        }
        if self.coverage || missed {
            run.covered = covered;
        }
        print(&match self.format {
            TestFormat::Human => report::tests(&run, screen(context)),
            TestFormat::Json => report::json(&TestOutput::of(&run)),
            TestFormat::Junit => report::junit(&run),
        });
        if run.checked.iter().any(Checked::is_missed) {
            context.log.error("coverage is below `--fail-under`");
        }
        Ok(files.code(u8::from(run.failed()), context))
    }
}
