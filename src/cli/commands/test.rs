//! `test`: unit tests for rules.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::diagnostic::Finding;
use crate::load::read;
use crate::report::{self, Colour, Covered, Tested, findings};
use crate::rule_test::{Coverage, Suite, load};
use crate::source::Source;

use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::exit::{Exit, USAGE};
use crate::cli::shared::output::print;

/// Runs unit tests for rules. Nothing is sent.
///
///     patroni_barman test tests/
///     patroni_barman test --coverage --fail-under 100 rules_test.yml
///
/// A test file names its rules and says what they do for an event, or for many; scenarios carry callbacks
/// out against a Barman in memory. `patroni_barman schema rule-tests` is its schema.
///
/// Exit codes: 0 all passed; 1 a test failed, or too little is covered; 2 files or arguments that can't be used.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct TestArgs {
    /// Test files, or directories of them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Test these rules instead of those that the files name.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// Say what the tests see of the rules: cells, rules that fire, both outcomes of each `when`.
    #[arg(long)]
    pub coverage: bool,
    /// Fail if less than so many hundredths are covered: `90`, or `cells=80,rules=100,conditions=90`.
    #[arg(long, value_name = "PERCENT", value_parser = thresholds)]
    pub fail_under: Option<Thresholds>,
    /// How it is written to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: TestFormat,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For a terminal.
    Human,
    /// For programs; its schema is printed by `patroni_barman schema test`.
    Json,
    /// JUnit XML, for CI systems.
    Junit,
}

/// The least that must be covered, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Thresholds {
    cells: usize,
    rules: usize,
    conditions: usize,
}

fn thresholds(text: &str) -> Result<Thresholds, String> {
    let percent = |text: &str| match text.parse::<usize>() {
        Ok(percent) if percent <= 100 => Ok(percent),
        _ => Err(format!("`{text}` is no number from 0 to 100")),
    };
    if !text.contains('=') {
        let all = percent(text)?;
        return Ok(Thresholds {
            cells: all,
            rules: all,
            conditions: all,
        });
    }
    let mut found = Thresholds::default();
    for part in text.split(',') {
        let (what, least) = part.split_once('=').unwrap_or((part, ""));
        let least = percent(least)?;
        match what.trim() {
            "cells" => found.cells = least,
            "rules" => found.rules = least,
            "conditions" => found.conditions = least,
            other => {
                return Err(format!("`{other}` is not `cells`, `rules` or `conditions`"));
            }
        }
    }
    Ok(found)
}

impl Command for TestArgs {
    const GROUP: Group = Group::Rules;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let suites = suites(self, context)?;
        let mut covered: Vec<Covered> = Vec::new();
        let mut places: HashMap<&Path, usize> = HashMap::new();
        let mut files = Vec::new();
        for suite in &suites {
            let index = *places.entry(&suite.rules_place).or_insert(covered.len());
            if index == covered.len() {
                covered.push(Covered {
                    rules: suite.rules_path.clone(),
                    coverage: Coverage::of(&suite.rules),
                });
            }
            if let Some(each) = covered.get_mut(index) {
                files.push(Tested {
                    file: suite.source.name.to_string(),
                    rules: suite.rules_path.clone(),
                    results: suite.run(&mut each.coverage),
                });
            }
        }
        let failed = files
            .iter()
            .flat_map(|file| &file.results)
            .any(|result| !result.passed());
        let least = self.fail_under.unwrap_or_default();
        let reached = covered.iter().all(|each| {
            each.coverage.cells().reaches(least.cells)
                && each.coverage.fired().reaches(least.rules)
                && each.coverage.conditions().reaches(least.conditions)
        });
        let shown = if self.coverage || !reached {
            covered.as_slice()
        } else {
            &[]
        };
        print(&match self.format {
            TestFormat::Human => report::tests(&files, shown),
            TestFormat::Json => format!("{:#}\n", report::tests_json(&files, shown)),
            TestFormat::Junit => report::junit(&files),
        });
        if !reached {
            context
                .log
                .error("less is covered than `--fail-under` asks for");
        }
        Ok(u8::from(failed || !reached))
    }
}

/// Every file as a suite; what is wrong with them is written to standard error.
fn suites(args: &TestArgs, context: &Context) -> Result<Vec<Suite>, Exit> {
    let mut sources: Vec<Source> = Vec::new();
    for path in &args.paths {
        sources.extend(read(path).map_err(|error| Exit::new(USAGE, error.to_string()))?);
    }
    let mut suites = Vec::new();
    let mut found: Vec<Finding> = Vec::new();
    for source in &sources {
        let loaded = load(source, args.rules.as_deref());
        suites.extend(loaded.suite);
        found.extend(loaded.findings);
    }
    let Some(summary) = findings::summary(&found) else {
        return Ok(suites);
    };
    let terminal = std::io::stderr().is_terminal();
    let colour = if terminal && context.environment.get("NO_COLOR").is_none() {
        Colour::Always
    } else {
        Colour::Never
    };
    let text = findings::human(&found, &sources, colour);
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    Err(
        Exit::new(USAGE, format!("the tests can't be run: {summary}"))
            .help("`patroni_barman explain CODE` tells more"),
    )
}
