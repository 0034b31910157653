//! Rules on their way through `check`: loaded, changed by the command line, looked at.

use crate::diagnostic::{Finding, Silenced};
use crate::load::{Loaded, Locator, Problem, load, sort};
use crate::model::RuleSet;
use crate::source::Source;

use super::{allow, impossible, problems};

/// Everything there is to say about rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// What was found, in the order of the files and lines.
    pub findings: Vec<Finding>,
    /// What was found and is silenced by a comment.
    pub silenced: Vec<Silenced>,
    /// There may be more than is listed.
    pub truncated: bool,
}

/// Rules that were read and are not looked at yet.
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

    /// The rules, if they can be used.
    pub const fn rules(&self) -> Option<&RuleSet> {
        self.loaded.rules.as_ref()
    }

    /// The same, to be changed as the command line says.
    pub const fn rules_mut(&mut self) -> Option<&mut RuleSet> {
        self.loaded.rules.as_mut()
    }

    /// Looks at them. `online` is what Barman and Patroni say of them, if they were asked.
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
            // Also where something else is wrong: one look shows everything that can be told of a rule by
            // itself. What a rule does among others can't be told yet.
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
