//! From a test file to a suite, or to all problems with it.

mod cases;
mod invariants;
mod scenarios;

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::check;
use crate::diagnostic::{Code, Finding, Place, Severity, ticked};
use crate::load::document::{findings, read_rule_tests};
use crate::load::{self, Problem, Spot};
use crate::model::{Event, Origin, Role, RuleSet, duration};
use crate::source::Source;

use super::format::{File, Given};
use super::suite::Suite;

/// The result of loading a test file.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub suite: Option<Suite>,
    pub findings: Vec<Finding>,
}

/// Loads a suite from a test file. `rules` replaces the rules that the file names.
pub fn load(source: &Source, rules: Option<&Path>) -> Loaded {
    let document = read_rule_tests(source);
    let broken = |findings| Loaded {
        suite: None,
        findings,
    };
    let Some(value) = document.value else {
        return broken(document.findings);
    };
    let file = match File::deserialize(&value) {
        Ok(file) => file,
        // The schema has accepted it, so only the decoder can refuse this value.
        Err(error) => {
            let problem = Problem::new(Code::BadValue, spot(""), error.to_string());
            return broken(findings(source, vec![problem]));
        }
    };
    let folder = Path::new(&*source.name).parent().unwrap_or(Path::new(""));
    let path = rules.map_or_else(|| folder.join(&file.rules), Path::to_owned);
    let (set, rules_sources) = match rules_at(&path) {
        Ok(read) => read,
        Err(why) => {
            let problem = Problem::new(Code::TestRules, spot("/rules"), why);
            return broken(findings(source, vec![problem]));
        }
    };
    let mut reader = Reader {
        source,
        rules: &set,
        given: &file.given,
        problems: Vec::new(),
        names: HashMap::new(),
    };
    let cases = reader.cases(&file);
    let invariants = reader.invariants(&file);
    let scenarios = reader.scenarios(&file);
    let problems = reader.problems;
    if !problems.is_empty() {
        return broken(findings(source, problems));
    }
    Loaded {
        findings: Vec::new(),
        suite: Some(Suite {
            source: source.clone(),
            rules_path: tidy(&path),
            rules_place: path.canonicalize().unwrap_or(path),
            rules: set,
            rules_sources,
            cases,
            invariants,
            scenarios,
        }),
    }
}

/// A path in simple form: `tests/../rules.yml` becomes `rules.yml`.
fn tidy(path: &Path) -> String {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        let above = tidy.components().next_back();
        if part == Component::ParentDir && matches!(above, Some(Component::Normal(_))) {
            tidy.pop();
        } else {
            tidy.push(part);
        }
    }
    tidy.display().to_string()
}

fn rules_at(path: &Path) -> Result<(RuleSet, Vec<Source>), String> {
    let mut sources = load::read(path).map_err(|error| error.to_string())?;
    for source in &mut sources {
        source.name = tidy(Path::new(&*source.name)).into();
    }
    let unchecked = check::Unchecked::new(&sources);
    let rules = unchecked.rules().cloned();
    let found = unchecked.check(None).findings;
    let is_error = |finding: &&Finding| finding.severity() == Severity::Error;
    let count = found.iter().filter(is_error).count();
    let Some(rules) = rules.filter(|_| count == 0) else {
        let path = path.display();
        let errors = if count == 1 { "error" } else { "errors" };
        return Err(format!(
            "the rules in `{path}` are not valid: `patroni_barman check {path}` finds {count} {errors}"
        ));
    };
    Ok((rules, sources))
}

fn spot(pointer: &str) -> Spot {
    Spot::value(&origin(pointer))
}

fn origin(pointer: &str) -> Origin {
    Origin {
        file: 0,
        pointer: pointer.to_owned(),
    }
}

struct Reader<'a> {
    source: &'a Source,
    rules: &'a RuleSet,
    given: &'a Given,
    problems: Vec<Problem>,
    names: HashMap<String, String>,
}

impl Reader<'_> {
    fn problem(&mut self, code: Code, pointer: &str, message: impl Into<String>, help: &str) {
        let problem = Problem::new(code, spot(pointer), message);
        self.problems.push(problem.help(help));
    }

    fn place(&self, here: &str) -> Place {
        load::locate(std::slice::from_ref(self.source), &origin(here))
    }

    fn passed(&mut self, event: Event, role: Role, here: &str) {
        if event.roles().contains(&role) {
            return;
        }
        let message = format!("Patroni never passes `{role}` with `{event}`");
        let help = format!("with `{event}` it passes {}", ticked(event.roles()));
        let pointer = format!("{here}/role");
        self.problem(Code::TestNeverHappens, &pointer, message, &help);
    }

    fn name(&mut self, name: &str, here: &str) {
        let pointer = format!("{here}/name");
        if let Some(before) = self.names.get(name) {
            let message = format!("there are two tests with the name `{name}`");
            let problem = Problem::new(Code::DuplicateTest, spot(&pointer), message)
                .help("give one of them another name")
                .related(spot(before), "the first one is here");
            self.problems.push(problem);
        } else {
            self.names.insert(name.to_owned(), pointer);
        }
    }

    fn vars(&mut self, vars: &Map<String, Value>, here: &str) {
        for name in vars.keys() {
            if !self.rules.vars.iter().any(|var| var.name == *name) {
                let names = ticked(self.rules.vars.iter().map(|var| &var.name));
                let names = if names.is_empty() { "none" } else { &names };
                let spot = Spot::key(&origin(&format!("{here}/vars/{name}")));
                let message = format!("the rules declare no variable `{name}`");
                let problem = Problem::new(Code::UnknownVariable, spot, message);
                let help = format!("the rules declare {names}");
                self.problems.push(problem.help(help));
            }
        }
    }

    fn time(&mut self, text: Option<&String>, here: &str) -> Duration {
        let Some(text) = text else {
            return Duration::ZERO;
        };
        duration::parse(text).unwrap_or_else(|| {
            let message = format!("`{text}` is too long");
            let help = "the longest is a hundred years";
            self.problem(Code::BadValue, here, message, help);
            Duration::ZERO
        })
    }
}
