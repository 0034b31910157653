//! The events for which a change of one rule can make a difference.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::evaluate::{Facts, Survey, survey};
use crate::model::{Match, Rule, RuleSet};

use super::spec::with_vars;

/// One rule before and after a change. If both have the same result, so do all rules together.
#[derive(Debug, Clone)]
pub(super) struct Narrow {
    before: RuleSet,
    after: RuleSet,
}

impl Narrow {
    /// `None` if the results of other rules depend on this one.
    pub(super) fn new(rules: &RuleSet, index: usize, changed: &Rule) -> Option<Self> {
        if rules.matching == Match::First {
            return None;
        }
        let with = |rule: &Rule| RuleSet {
            matching: rules.matching,
            apis: rules.apis.clone(),
            vars: rules.vars.clone(),
            rules: vec![rule.clone()],
            ..RuleSet::default()
        };
        Some(Self {
            before: with(rules.rules.get(index)?),
            after: with(changed),
        })
    }

    /// The same with other values of variables.
    pub(super) fn with(&self, vars: &Map<String, Value>) -> Cow<'_, Self> {
        if vars.is_empty() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            before: with_vars(&self.before, vars).into_owned(),
            after: with_vars(&self.after, vars).into_owned(),
        })
    }

    /// Returns true if the change makes a difference for an event.
    pub(super) fn concerns(&self, facts: &Facts) -> bool {
        let names = |set: &RuleSet| {
            let mut rules = set.rules.iter();
            rules.any(|rule| rule.names(facts.event, facts.role))
        };
        // Most rules are for other events.
        if !names(&self.before) && !names(&self.after) {
            return false;
        }
        let (before, after) = (survey(&self.before, facts), survey(&self.after, facts));
        before.plan.steps != after.plan.steps
            || before.unresolved != after.unresolved
            || !seen(&before).eq(seen(&after))
    }
}

fn seen(survey: &Survey) -> impl Iterator<Item = (&str, bool)> {
    let trace = survey.plan.trace.iter();
    trace.map(|trace| (trace.rule.as_str(), trace.fired()))
}
