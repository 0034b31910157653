//! Facts about a rule that readers of the table want to know.

use serde::Serialize;

use crate::check::Unchecked;
use crate::diagnostic::{Finding, Severity};
use crate::load::{Locator, Spot};
use crate::model::RuleSet;
use crate::source::Source;

/// A rule's place, and the findings about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Note {
    /// The rule.
    pub rule: String,
    /// The file.
    pub file: String,
    /// The line of its first key, from 1.
    pub line: usize,
    /// The findings of `check`.
    pub findings: Vec<Found>,
}

/// One finding about a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Found {
    /// The code, for example `PB209`.
    pub code: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The message.
    pub message: String,
}

/// The notes of all rules, in their order.
pub fn notes(rules: &RuleSet, sources: &[Source]) -> Vec<Note> {
    let mut locator = Locator::new(sources);
    let mut all: Vec<(Note, usize)> = Vec::with_capacity(rules.rules.len());
    for rule in &rules.rules {
        let place = locator.place(&Spot::value(&rule.origin));
        let end = locator.last_line(&rule.origin);
        let file = sources.get(rule.origin.file);
        let line = place.as_ref().map_or(1, |place| place.position.line);
        let note = Note {
            rule: rule.name.clone(),
            file: file.map(|file| file.name.to_string()).unwrap_or_default(),
            line,
            findings: Vec::new(),
        };
        all.push((note, end.unwrap_or(line)));
    }
    let checked = Unchecked::loaded(rules.clone(), sources).check(None);
    for finding in checked.findings {
        add(&mut all, &finding);
    }
    all.into_iter().map(|(note, _)| note).collect()
}

fn add(all: &mut [(Note, usize)], finding: &Finding) {
    let line = finding.place.position.line;
    // The rules of one `for_each` share one place.
    for (note, end) in all {
        if (note.line..=*end).contains(&line) && note.file == *finding.place.file {
            note.findings.push(Found {
                code: finding.code.as_str(),
                severity: finding.severity(),
                message: finding.message.clone(),
            });
        }
    }
}
