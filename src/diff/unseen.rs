//! Rules that were edited where no cell can show it.
//!
//! A `when` that asks for the node's name or the environment may be false in every cell, whatever it
//! will be in the next failover, and so may the branches of a template. A reviewer must at least be told that such a rule
//! was edited.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::evaluate::{Survey, Trace};
use crate::model::{Origin, RequestTemplate, Rule, RuleSet, Template, TemplateValue};

use super::{Change, ChangedCell};

/// A rule that is not the same in both, and that is in no cell's changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The rule.
    pub rule: String,
    /// What became of it.
    pub what: Edit,
    /// Its condition, if it has one.
    pub when: Option<String>,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It reads differently.
    Edited,
}

impl Edit {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Edited => "edited",
        }
    }
}

/// Adds the rules that fire in a cell to those that do in some.
pub(super) fn note_fired(survey: &Survey, fired: &mut HashSet<String>) {
    let rules = survey.plan.trace.iter().filter(|trace| trace.fired());
    for Trace { rule, .. } in rules {
        if !fired.contains(rule) {
            fired.insert(rule.clone());
        }
    }
}

/// The edited rules that no cell shows, in the order of the new rules; then those that are gone. `fired` are the rules that
/// fire in some cell, `shown` the changed cells.
pub(super) fn rules(
    old: &RuleSet,
    new: &RuleSet,
    fired: &HashSet<String>,
    shown: &[ChangedCell],
) -> Vec<Unseen> {
    let shown = shown.iter().flat_map(|cell| &cell.changes);
    let shown: HashSet<&str> = shown.flat_map(Change::rules).collect();
    let of_old: HashMap<&str, &Rule> = by_name(old);
    let of_new: HashMap<&str, &Rule> = by_name(new);
    let vars = vars(old) != vars(new);
    let mut found = Vec::new();
    for rule in &new.rules {
        let what = match of_old.get(rule.name.as_str()) {
            None => Edit::Added,
            Some(before) if !before.enabled && !rule.enabled => continue,
            Some(before) if bare(before) != bare(rule) => Edit::Edited,
            // A variable may have been what the rule is about.
            Some(_) if vars && rule.when.is_some() && !fired.contains(&rule.name) => Edit::Edited,
            Some(_) => continue,
        };
        found.push((rule, what));
    }
    let gone = old.rules.iter();
    let gone = gone.filter(|rule| !of_new.contains_key(rule.name.as_str()));
    found.extend(gone.map(|rule| (rule, Edit::Removed)));
    found
        .into_iter()
        .filter(|(rule, what)| *what == Edit::Edited || rule.enabled)
        .filter(|(rule, _)| !shown.contains(rule.name.as_str()))
        .map(|(rule, what)| Unseen {
            rule: rule.name.clone(),
            what,
            when: rule.when.as_ref().map(|when| when.text.clone()),
        })
        .collect()
}

fn by_name(rules: &RuleSet) -> HashMap<&str, &Rule> {
    let named = rules.rules.iter();
    named.map(|rule| (rule.name.as_str(), rule)).collect()
}

fn vars(rules: &RuleSet) -> BTreeMap<&str, TemplateValue> {
    let vars = rules.vars.iter();
    vars.map(|var| (var.name.as_str(), bare_value(&var.value)))
        .collect()
}

/// The rule without the places of its parts.
fn bare(rule: &Rule) -> Rule {
    let request = |request: &RequestTemplate| RequestTemplate {
        origin: Origin::default(),
        server: request.server.as_ref().map(bare_value),
        body: request
            .body
            .iter()
            .map(|(key, value)| (key.clone(), bare_value(value)))
            .collect(),
        ..request.clone()
    };
    Rule {
        origin: Origin::default(),
        events_key: "on",
        description: None,
        when: rule.when.as_ref().map(bare_template),
        requests: rule.requests.iter().map(request).collect(),
        ..rule.clone()
    }
}

fn bare_template(template: &Template) -> Template {
    Template {
        text: template.text.clone(),
        origin: Origin::default(),
    }
}

pub(super) fn bare_value(value: &TemplateValue) -> TemplateValue {
    match value {
        TemplateValue::Text(template) => TemplateValue::Text(bare_template(template)),
        TemplateValue::List(items) => TemplateValue::List(items.iter().map(bare_value).collect()),
        TemplateValue::Map(entries) => TemplateValue::Map(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), bare_value(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}
