//! Rules on their way through `check`: loaded, changed by the command line, checked.

use crate::diagnostic::{Finding, Silenced};
use crate::load::{Loaded, Locator, Problem, load, sort};
use crate::model::RuleSet;
use crate::source::Source;

use super::{allow, impossible, problems};

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// The findings, in the order of the files and lines.
    pub findings: Vec<Finding>,
    pub silenced: Vec<Silenced>,
    pub truncated: bool,
}

/// Rules that were read and not yet checked.
pub struct Unchecked<'s> {
    sources: &'s [Source],
    loaded: Loaded,
}

impl<'s> Unchecked<'s> {
    /// Loads files that [`read`](crate::load::read) has read.
    pub fn new(sources: &'s [Source]) -> Self {
        Self {
            sources,
            loaded: load(sources),
        }
    }

    /// Rules that these files were loaded as, without an error.
    pub fn loaded(rules: RuleSet, sources: &'s [Source]) -> Self {
        let loaded = Loaded {
            rules: Some(rules),
            sound: RuleSet::default(),
            findings: Vec::new(),
            truncated: false,
        };
        Self { sources, loaded }
    }

    pub const fn rules(&self) -> Option<&RuleSet> {
        self.loaded.rules.as_ref()
    }

    pub const fn rules_mut(&mut self) -> Option<&mut RuleSet> {
        self.loaded.rules.as_mut()
    }

    /// Checks them. `online` has the problems from Barman and Patroni, if they were asked.
    pub fn check(self, online: Option<Vec<Problem>>) -> Checked {
        let Self { sources, loaded } = self;
        let Loaded {
            rules,
            sound,
            mut findings,
            mut truncated,
        } = loaded;
        let mut locator = Locator::new(sources);
        let mut silenced = Vec::new();
        let problems = match &rules {
            Some(rules) => {
                let asked = online.is_some();
                let mut problems = problems(rules);
                problems.extend(online.into_iter().flatten());
                let allowed = allow::apply(problems, asked, rules, sources, &mut locator);
                findings.extend(allowed.findings);
                silenced = allowed.silenced;
                truncated |= allowed.truncated;
                allowed.problems
            }
            // Also if something else is wrong: one run shows everything that can be said about a rule by
            // itself. Interactions between rules are not yet known.
            None => impossible(&sound),
        };
        let located = problems.into_iter().filter_map(|p| locator.finding(p));
        findings.extend(located);
        sort(&mut findings, sources);
        Checked {
            findings,
            silenced,
            truncated,
        }
    }
}
