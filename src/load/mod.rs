//! From text to a valid rule set, or to everything that is wrong with it.
//!
//! Each stage hands on what it could make of its input together with the problems it found, so that
//! one look at a file shows them all: YAML, then the schema, then names, templates and requests.

mod body;
mod decode;
mod locate;
mod problem;
mod read;
pub mod schema;
mod shape;
mod suggest;
mod yaml;

use crate::diagnostic::{Finding, Related, Severity};
use crate::model::RuleSet;
use crate::source::Source;

pub use body::validate_body;
pub use locate::{Locator, locate};
pub use problem::{Part, Problem, Spot};
pub use read::{ReadError, read};

/// What was made of the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The rules, if nothing is wrong with them.
    pub rules: Option<RuleSet>,
    /// What is wrong, in the order of the files and lines.
    pub findings: Vec<Finding>,
}

/// Makes one rule set of files that [`read`] has read.
#[must_use]
pub fn load(sources: &[Source]) -> Loaded {
    let mut locator = Locator::new(sources);
    let mut values = Vec::with_capacity(sources.len());
    let mut findings = Vec::new();
    let mut problems = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let reading = yaml::read(&source.text);
        if !reading.faults.is_empty() {
            locator.put(file, reading.tree);
        }
        findings.extend(reading.faults.into_iter().map(|fault| at(source, fault)));
        if let Some(value) = &reading.value {
            problems.extend(shape::problems(value, file));
        }
        values.push(reading.value);
    }
    let unreadable = values.iter().any(Option::is_none);
    let (rules, found) = decode::decode(&values);
    // What is missing may stand in the file that can't be read.
    problems.extend(
        found
            .into_iter()
            .filter(|problem| !(unreadable && problem.is_absence())),
    );
    for finding in problems
        .into_iter()
        .filter_map(|problem| locator.finding(problem))
    {
        // One place, one finding: the first is nearest to the cause.
        if !findings
            .iter()
            .any(|found: &Finding| found.place == finding.place)
        {
            findings.push(finding);
        }
    }
    let order = |finding: &Finding| {
        let file = sources
            .iter()
            .position(|source| source.name == finding.place.file);
        (file, finding.place.position, finding.code)
    };
    findings.sort_by_key(order);
    let broken = findings
        .iter()
        .any(|finding| finding.severity() == Severity::Error);
    Loaded {
        rules: (!broken).then_some(rules),
        findings,
    }
}

fn at(source: &Source, fault: yaml::Fault) -> Finding {
    let related = fault.related.map(|(range, message)| Related {
        place: locate::place(source, &range),
        message: message.to_owned(),
    });
    Finding {
        code: fault.code,
        message: fault.message,
        place: locate::place(source, &fault.range),
        help: fault.help,
        related: related.into_iter().collect(),
    }
}
