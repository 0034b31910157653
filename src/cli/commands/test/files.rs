//! The test files on the command line, and the tests in them.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::shared::{Context, Exit, USAGE};
use crate::load::document::is_rules_file;
use crate::load::read;
use crate::report::{self, Covered, Mutated, TestRun, Tested, findings};
use crate::rule_test::{Coverage, Suite, load, mutate};

/// The usable test files.
pub(super) struct Files {
    suites: Vec<Suite>,
    broken: Vec<Tested>,
}

impl Files {
    /// Reads every file. Errors are written to standard error.
    pub(super) fn read(paths: &[PathBuf], rules: Option<&Path>, context: &Context) -> Self {
        let mut files = Self {
            suites: Vec::new(),
            broken: Vec::new(),
        };
        for path in paths {
            let found = if path.is_dir() {
                test_files(path)
            } else {
                Ok(vec![path.clone()])
            };
            match found {
                Ok(found) => found
                    .iter()
                    .for_each(|file| files.add(file, rules, context)),
                Err(error) => {
                    context.log.error(&error);
                    files.broken.push(broken(path, error));
                }
            }
        }
        files
    }

    fn add(&mut self, path: &Path, rules: Option<&Path>, context: &Context) {
        let sources = match read(path) {
            Ok(sources) => sources,
            Err(error) => {
                context.log.error(&error.to_string());
                self.broken.push(broken(path, error.to_string()));
                return;
            }
        };
        for source in &sources {
            let loaded = load(source, rules);
            self.suites.extend(loaded.suite);
            let Some(summary) = findings::summary(&loaded.findings) else {
                continue;
            };
            let colour = context.colours.stderr;
            let text = findings::human(&loaded.findings, std::slice::from_ref(source), colour);
            let _ = std::io::stderr().write_all(text.as_bytes());
            let lines = loaded.findings.iter().map(report::line);
            let why = std::iter::once(format!("can't be used: {summary}")).chain(lines);
            let why: Vec<_> = why.collect();
            self.broken.push(broken(path, why.join("\n")));
        }
    }

    /// The tests, one per line.
    pub(super) fn list(&self) -> String {
        let mut text = String::new();
        for suite in &self.suites {
            for (name, place) in suite.tests() {
                let (file, line) = (&suite.source.name, place.position.line);
                text += &report::one_line(&format!("{file}:{line}: {name}"));
                text.push('\n');
            }
        }
        text
    }

    /// Keeps only the tests whose names contain one of these texts, if there are any texts.
    pub(super) fn pick(&mut self, texts: &[String]) -> Result<(), Exit> {
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

    /// Runs the tests. Coverage of rules is counted over all files that test them.
    pub(super) fn run(&self) -> (TestRun, Vec<Covered>) {
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

    /// Tries the mutants of each rule set with all its tests.
    pub(super) fn mutate(&self, covered: &[Covered]) -> Vec<Mutated> {
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
    pub(super) fn code(&self, code: u8, context: &Context) -> u8 {
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

/// The test files of a directory, which may also hold rules.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| {
        let folder = folder.display();
        format!("can't read `{folder}`: {error}")
    };
    let mut found = Vec::new();
    for entry in folder.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name();
        let hidden = name.is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let extension = path.extension();
        let yaml = extension.is_some_and(|extension| extension == "yml" || extension == "yaml");
        if hidden || !yaml || path.is_dir() {
            continue;
        }
        let stem = path.file_stem().map(std::ffi::OsStr::as_encoded_bytes);
        let named = stem.is_some_and(|stem| stem.ends_with(b"_test"));
        // A file that can't be read is reported with the others.
        let rules = || read(&path).is_ok_and(|sources| sources.iter().all(is_rules_file));
        if named || !rules() {
            found.push(path);
        }
    }
    if found.is_empty() {
        let folder = folder.display();
        return Err(format!(
            "`{folder}` has no test file in it: every `*.yml` or `*.yaml` file is one that is not a rules file"
        ));
    }
    found.sort();
    Ok(found)
}
