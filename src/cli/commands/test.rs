//! `test`: unit tests for rules.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::load::document::is_rules_file;
use crate::load::read;
use crate::report::{self, Checked, Colour, Covered, Mutated, TestRun, Tested, findings};
use crate::rule_test::{Coverage, Suite, load, mutate};

use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::exit::{Exit, USAGE};
use crate::cli::shared::output::print;

/// Runs unit tests for rules. Nothing is sent.
///
///     patroni_barman test tests/
///     patroni_barman test --coverage --fail-under 100 rules_test.yml
///     patroni_barman test --mutate --fail-under mutants=95 rules_test.yml
///
/// A test file names its rules and says what they do for an event, or for many; scenarios carry callbacks
/// out against a Barman in memory. `patroni_barman schema rule-tests` is its schema. Of a directory, every YAML file is
/// a test file that is not a rules file. A file that can't be used does not keep the others from being run.
///
/// Exit codes: 0 all passed; 1 a test failed, or less is covered than --fail-under asks for; 2 files or arguments that can't be used.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct TestArgs {
    /// Test files, or directories of them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Test these rules instead of those that the files name.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// Run only the tests that have this text in their name; can be repeated.
    #[arg(short = 'k', long = "filter", value_name = "TEXT")]
    pub filter: Vec<String>,
    /// List the tests, and run none.
    #[arg(long, conflicts_with_all = ["format", "coverage", "fail_under", "mutate"])]
    pub list: bool,
    /// Show the part of the rules that tests see: cells, rules that fire, both outcomes of each `when`, requests that a test
    /// says.
    #[arg(long)]
    pub coverage: bool,
    /// Change the rules in many small ways, and show the changes that no test notices.
    #[arg(long)]
    pub mutate: bool,
    /// Fail if less than so many hundredths are covered: `90`, or `cells=80,rules=100,conditions=90,requests=100`. With
    /// --mutate, `mutants=95` is for the share that some test notices.
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

/// The figures that can be asked for, by the words of `--fail-under`, with their names in reports.
const FIGURES: [(&str, &str); 5] = [
    ("cells", "cells"),
    ("rules", "fired"),
    ("conditions", "conditions"),
    ("requests", "requests"),
    (MUTANTS, MUTANTS),
];

/// The figure that a number for all of them is not about: it takes `--mutate`.
const MUTANTS: &str = "mutants";

/// The least of each figure that must be covered, in hundredths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thresholds(Vec<(&'static str, usize)>);

impl Thresholds {
    fn of(&self, figure: &str) -> Option<usize> {
        let asked = self.0.iter().find(|(name, _)| *name == figure);
        asked.map(|(_, least)| *least)
    }
}

fn thresholds(text: &str) -> Result<Thresholds, String> {
    let percent = |text: &str| match text.parse::<usize>() {
        Ok(percent) if percent <= 100 => Ok(percent),
        _ => Err(format!("`{text}` is no number from 0 to 100")),
    };
    if !text.contains('=') {
        let least = percent(text)?;
        let figures = FIGURES.iter().filter(|(word, _)| *word != MUTANTS);
        return Ok(Thresholds(
            figures.map(|(_, name)| (*name, least)).collect(),
        ));
    }
    let mut found = Thresholds::default();
    for part in text.split(',') {
        let (word, least) = part.split_once('=').unwrap_or((part, ""));
        let least = percent(least)?;
        let figure = FIGURES.iter().find(|(known, _)| *known == word.trim());
        let Some((word, name)) = figure else {
            let words: Vec<_> = FIGURES
                .iter()
                .map(|(word, _)| format!("`{word}`"))
                .collect();
            return Err(format!("`{word}` is none of {}", words.join(", ")));
        };
        if found.0.iter().any(|(known, _)| known == name) {
            return Err(format!("`{word}` is there twice"));
        }
        found.0.push((name, least));
    }
    Ok(found)
}

impl Command for TestArgs {
    const GROUP: Group = Group::Rules;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let least = self.fail_under.clone().unwrap_or_default();
        if least.of(MUTANTS).is_some() && !self.mutate {
            let message = "`--fail-under mutants=…` asks for mutants, and there are none";
            return Err(Exit::new(USAGE, message).help("add `--mutate`"));
        }
        let mut files = Files::read(self, context)?;
        files.pick(&self.filter)?;
        if self.list {
            print(&list(&files.suites));
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
            TestFormat::Human => report::tests(&run),
            TestFormat::Json => format!("{:#}\n", report::tests_json(&run)),
            TestFormat::Junit => report::junit(&run),
        });
        if run.checked.iter().any(Checked::is_missed) {
            context
                .log
                .error("less is covered than `--fail-under` asks for");
        }
        Ok(files.code(u8::from(run.failed()), context))
    }
}

fn list(suites: &[Suite]) -> String {
    let mut text = String::new();
    for suite in suites {
        for (name, place) in suite.tests() {
            let (file, line) = (&suite.source.name, place.position.line);
            text += &report::one_line(&format!("{file}:{line}: {name}"));
            text.push('\n');
        }
    }
    text
}

fn checked(covered: &[Covered], least: &Thresholds) -> Vec<Checked> {
    let mut checked = Vec::new();
    for each in covered {
        for (what, share) in each.shares() {
            if let Some(least) = least.of(what) {
                checked.push(Checked {
                    rules: each.rules.clone(),
                    what,
                    share,
                    least,
                });
            }
        }
    }
    checked
}

/// The test files, as far as they can be used.
struct Files {
    suites: Vec<Suite>,
    broken: Vec<Tested>,
}

impl Files {
    /// Reads every file. What is wrong with one is written to standard error.
    fn read(args: &TestArgs, context: &Context) -> Result<Self, Exit> {
        let mut files = Self {
            suites: Vec::new(),
            broken: Vec::new(),
        };
        for path in &args.paths {
            if !path.is_dir() {
                files.add(path, args, context);
                continue;
            }
            let found = test_files(path)?;
            if found.is_empty() {
                let message = format!("`{}` has no test file in it", path.display());
                let help = "every `*.yml` or `*.yaml` file is one that is not a rules file";
                return Err(Exit::new(USAGE, message).help(help));
            }
            for file in &found {
                files.add(file, args, context);
            }
        }
        Ok(files)
    }

    fn add(&mut self, path: &Path, args: &TestArgs, context: &Context) {
        let sources = match read(path) {
            Ok(sources) => sources,
            Err(error) => {
                context.log.error(&error.to_string());
                self.broken.push(broken(path, error.to_string()));
                return;
            }
        };
        for source in &sources {
            let loaded = load(source, args.rules.as_deref());
            self.suites.extend(loaded.suite);
            let Some(summary) = findings::summary(&loaded.findings) else {
                continue;
            };
            let terminal = std::io::stderr().is_terminal();
            let colour = if terminal && context.environment.get("NO_COLOR").is_none() {
                Colour::Always
            } else {
                Colour::Never
            };
            let text = findings::human(&loaded.findings, std::slice::from_ref(source), colour);
            let _ = std::io::stderr().write_all(text.as_bytes());
            let lines = loaded.findings.iter().map(report::line);
            let why = std::iter::once(format!("can't be used: {summary}")).chain(lines);
            let why: Vec<_> = why.collect();
            self.broken.push(broken(path, why.join("\n")));
        }
    }

    /// Leaves only the tests that have one of these texts in their name, if there is any text.
    fn pick(&mut self, texts: &[String]) -> Result<(), Exit> {
        if texts.is_empty() {
            return Ok(());
        }
        for suite in &mut self.suites {
            suite.keep(|name| texts.iter().any(|text| name.contains(text)));
        }
        self.suites.retain(|suite| suite.tests().next().is_some());
        if self.suites.is_empty() && self.broken.is_empty() {
            let words: Vec<_> = texts.iter().map(|text| format!("`{text}`")).collect();
            let message = format!("no test has {} in its name", words.join(" or "));
            return Err(Exit::new(USAGE, message).help("`--list` shows the names"));
        }
        Ok(())
    }

    /// Runs the tests. Rules that several files are about are covered by all of them together.
    fn run(&self) -> (TestRun, Vec<Covered>) {
        let mut covered: Vec<Covered> = Vec::new();
        let mut places: HashMap<&Path, usize> = HashMap::new();
        let mut run = TestRun::default();
        for suite in &self.suites {
            let index = *places.entry(&suite.rules_place).or_insert(covered.len());
            if index == covered.len() {
                covered.push(Covered {
                    rules: suite.rules_path.clone(),
                    place: suite.rules_place.clone(),
                    coverage: Coverage::of(&suite.rules),
                });
            }
            if let Some(each) = covered.get_mut(index) {
                run.files.push(Tested {
                    file: suite.source.name.to_string(),
                    rules: Some(suite.rules_path.clone()),
                    results: suite.run(&mut each.coverage),
                    error: None,
                });
            }
        }
        run.files.extend(self.broken.iter().cloned());
        (run, covered)
    }

    /// Tries the mutants of each rule set against all tests of it.
    fn mutate(&self, covered: &[Covered]) -> Vec<Mutated> {
        let of = |each: &Covered| {
            let suites = self.suites.iter();
            let own: Vec<&Suite> = suites.filter(|it| it.rules_place == each.place).collect();
            Some(Mutated {
                rules: each.rules.clone(),
                mutants: mutate(&own)?,
            })
        };
        covered.iter().filter_map(of).collect()
    }

    /// The exit code: that of the tests, unless a file can't be used.
    fn code(&self, code: u8, context: &Context) -> u8 {
        let (broken, all) = (self.broken.len(), self.broken.len() + self.suites.len());
        if broken == 0 {
            return code;
        }
        context.log.error(&format!(
            "{broken} of {all} test files can't be used (`patroni_barman explain CODE` tells more)"
        ));
        USAGE
    }
}

fn broken(path: &Path, error: String) -> Tested {
    Tested {
        file: path.display().to_string(),
        rules: None,
        results: Vec::new(),
        error: Some(error),
    }
}

/// The test files of a directory: rules may be beside them.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>, Exit> {
    let failed = |error| {
        let folder = folder.display();
        Exit::new(USAGE, format!("can't read `{folder}`: {error}"))
    };
    let mut found = Vec::new();
    for entry in folder.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let yaml = path
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml");
        if hidden || !yaml || path.is_dir() {
            continue;
        }
        let stem = path.file_stem().map(std::ffi::OsStr::as_encoded_bytes);
        let named = stem.is_some_and(|stem| stem.ends_with(b"_test"));
        // One that can't be read is reported with the others.
        let rules = || read(&path).is_ok_and(|sources| sources.iter().all(is_rules_file));
        if named || !rules() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
