//! From text to a valid rule set, or to all problems with it.
//!
//! Each stage passes on the usable part of its input together with the problems it found, so that
//! one run shows them all: YAML, then the schema, then names, templates and requests.

mod body;
mod decode;
pub mod document;
mod ignored;
mod locate;
mod mask;
mod pattern;
mod problem;
mod read;
pub mod schema;
mod shape;
mod suggest;
mod yaml;

use serde_json::Value;

use crate::diagnostic::{Code, Finding, Related};
use crate::model::RuleSet;
use crate::source::Source;

pub use body::{BodyError, validate_body};
pub use decode::refused;
pub(crate) use decode::{Here, template_value};
pub use ignored::ignored;
pub use locate::{Locator, locate};
pub use mask::masked;
pub use problem::{Part, Problem, Spot};
pub use read::{ReadError, is_pipe, read, read_from};
pub(crate) use suggest::nearest;

/// The maximum number of problems to report. More would be of no use, and a file that is not a rules file at all must
/// not take minutes.
pub(crate) const MAX_FINDINGS: usize = 1000;

/// The result of loading files.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The rules, if they are valid.
    pub rules: Option<RuleSet>,
    /// Otherwise the valid ones among them, for further checks.
    pub sound: RuleSet,
    /// The findings, in the order of the files and lines.
    pub findings: Vec<Finding>,
    /// There may be more findings than are listed.
    pub truncated: bool,
}

/// Loads one rule set from files that [`read`] has read.
pub fn load(sources: &[Source]) -> Loaded {
    let mut locator = Locator::new(sources);
    let mut values = Vec::with_capacity(sources.len());
    let mut findings = Vec::new();
    let mut problems = Vec::new();
    let mut truncated = false;
    for (file, source) in sources.iter().enumerate() {
        let (value, faults) = open(file, source, &mut locator, &mut findings);
        truncated |= faults >= MAX_FINDINGS;
        if let Some(value) = &value {
            problems.extend(shape::problems(value, file));
        }
        values.push(value);
    }
    let misspelt: Vec<_> = problems
        .iter()
        .filter_map(shape::meant)
        .filter(|(origin, _)| origin.pointer.is_empty())
        .map(|(_, meant)| meant)
        .collect();
    let unreadable = values.iter().any(Option::is_none);
    let (mut rules, found) = decode::decode(&values);
    // A missing item may be in the file that can't be read, or under a misspelt key.
    let hidden = |problem: &Problem| {
        let misspelt = |key: &str| misspelt.iter().any(|name| name == key);
        match problem.code {
            Code::NoRules => unreadable || misspelt("rules"),
            Code::NoApi | Code::UnknownApi => unreadable || misspelt("api") || misspelt("apis"),
            Code::UnknownVariable => unreadable || misspelt("vars"),
            _ => false,
        }
    };
    problems.extend(found.into_iter().filter(|problem| !hidden(problem)));
    let broken: Vec<_> = problems
        .iter()
        .map(|problem| problem.spot.origin.clone())
        .collect();
    truncated |= problems.len() >= MAX_FINDINGS;
    problems.truncate(MAX_FINDINGS);
    for finding in problems
        .into_iter()
        .filter_map(|problem| locator.finding(problem))
    {
        // One finding for each place: the first is closest to the cause.
        let covered = |found: &Finding| {
            found.place == finding.place && !both_missing(found.code, finding.code)
        };
        if !findings.iter().any(covered) {
            findings.push(finding);
        }
    }
    sort(&mut findings, sources);
    if broken.is_empty() && findings.is_empty() {
        return Loaded {
            rules: Some(rules),
            sound: RuleSet::default(),
            findings,
            truncated,
        };
    }
    rules
        .rules
        .retain(|rule| !broken.iter().any(|origin| rule.origin.contains(origin)));
    Loaded {
        rules: None,
        sound: rules,
        findings,
        truncated,
    }
}

/// Sorts findings by files and lines.
pub(crate) fn sort(findings: &mut [Finding], sources: &[Source]) {
    findings.sort_by_cached_key(|finding| {
        let file = sources
            .iter()
            .position(|source| source.name == finding.place.file);
        (file, finding.place.position, finding.code)
    });
}

/// A missing item has the place of the value that lacks it, and there can be several.
const fn both_missing(one: Code, other: Code) -> bool {
    matches!(one, Code::MissingKey) && matches!(other, Code::OneRequest)
        || matches!(one, Code::OneRequest) && matches!(other, Code::MissingKey)
}

/// Reads the YAML of a file; its errors become findings. Returns its value and the number of errors.
fn open(
    file: usize,
    source: &Source,
    locator: &mut Locator<'_>,
    findings: &mut Vec<Finding>,
) -> (Option<Value>, usize) {
    let reading = yaml::read(&source.text);
    let count = reading.faults.len();
    if let Some(read) = reading.careful.filter(|_| count > 0) {
        locator.put(file, read);
    }
    let finding = |fault: yaml::Fault| {
        let related = fault.related.and_then(|(range, message)| {
            Some(Related {
                place: locator.bytes(file, &range)?,
                message: message.to_owned(),
            })
        });
        Some(Finding {
            code: fault.code,
            message: fault.message,
            place: locator.bytes(file, &fault.range)?,
            help: fault.help,
            related: related.into_iter().collect(),
        })
    };
    findings.extend(reading.faults.into_iter().filter_map(finding));
    (reading.value, count)
}
