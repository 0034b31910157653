//! Edited rules that no cell shows.
//!
//! A `when` about the node's name or the environment may be false in every cell, whatever its value
//! in the next failover, and the same goes for the branches of a template. A reviewer must at least learn that such a rule
//! was edited.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::evaluate::{Preview, Trace, as_written};
use crate::model::{Origin, RequestTemplate, Rule, RuleSet, Template, TemplateValue};
use crate::template::{Syntax, inspect, is_template};

use super::{Change, ChangedCell};

/// An edited rule that is in no cell's changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unseen {
    /// The rule.
    pub rule: String,
    /// Its old name, if it was renamed.
    pub was: Option<String>,
    /// The kind of edit.
    pub what: Edit,
    /// Its condition, if it has one.
    pub when: Option<String>,
}

/// The kind of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Edit {
    /// It was added.
    Added,
    /// It was removed.
    Removed,
    /// It was edited.
    Edited,
    /// It was renamed, and is otherwise the same.
    Renamed,
}

impl Edit {
    /// The kind's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Edited => "edited",
            Self::Renamed => "renamed",
        }
    }
}

/// Adds the rules that fire in a cell.
pub(super) fn note_fired(preview: &Preview, fired: &mut HashSet<String>) {
    let rules = preview.plan.trace.iter().filter(|trace| trace.fired());
    for Trace { rule, .. } in rules {
        if !fired.contains(rule) {
            fired.insert(rule.clone());
        }
    }
}

/// The edited rules that no cell shows, in the order of the new rules; then the removed ones. `fired` are the rules that
/// fire in some cell, `shown` the changed cells.
pub(super) fn rules(
    old: &RuleSet,
    new: &RuleSet,
    fired: &HashSet<String>,
    shown: &[ChangedCell],
    renamed: &HashMap<&str, &str>,
) -> Vec<Unseen> {
    let shown = shown.iter().flat_map(|cell| &cell.changes);
    let shown: HashSet<&str> = shown.flat_map(Change::rules).collect();
    let of_old: HashMap<&str, &Rule> = by_name(old);
    let of_new: HashMap<&str, &Rule> = by_name(new);
    let edited = edited_vars(old, new);
    let mut found = Vec::new();
    for rule in &new.rules {
        let what = match of_old.get(rule.name.as_str()) {
            None if renamed.contains_key(rule.name.as_str()) => Edit::Renamed,
            None => Edit::Added,
            Some(before) if !before.enabled && !rule.enabled => continue,
            Some(before) if bare(before) != bare(rule) => Edit::Edited,
            // The edit may have been to a variable that the rule uses.
            Some(_) if !fired.contains(&rule.name) && uses(rule, &edited) => Edit::Edited,
            Some(_) => continue,
        };
        found.push((rule, what));
    }
    let gone = old.rules.iter();
    let kept: HashSet<&str> = renamed.values().copied().collect();
    let gone = gone.filter(|rule| {
        let name = rule.name.as_str();
        !of_new.contains_key(name) && !kept.contains(name)
    });
    found.extend(gone.map(|rule| (rule, Edit::Removed)));
    found
        .into_iter()
        .filter(|(rule, what)| *what == Edit::Edited || rule.enabled)
        .filter(|(rule, _)| !shown.contains(rule.name.as_str()))
        .map(|(rule, what)| Unseen {
            rule: rule.name.clone(),
            was: renamed.get(rule.name.as_str()).map(|was| (*was).to_owned()),
            what,
            when: rule.when.as_ref().map(|when| {
                let side = if what == Edit::Removed { old } else { new };
                as_written(when, &side.vars)
            }),
        })
        .collect()
}

/// The rules that were only renamed: the old names by the new ones.
pub(super) fn renamed<'a>(old: &'a RuleSet, new: &'a RuleSet) -> HashMap<&'a str, &'a str> {
    let (of_old, of_new) = (by_name(old), by_name(new));
    let nameless = |rule: &Rule| {
        let rule = Rule {
            name: String::new(),
            ..bare(rule)
        };
        format!("{rule:?}")
    };
    let gone = old
        .rules
        .iter()
        .filter(|rule| !of_new.contains_key(rule.name.as_str()));
    let mut gone_by_text: HashMap<String, Vec<&str>> = HashMap::new();
    for rule in gone {
        gone_by_text
            .entry(nameless(rule))
            .or_default()
            .push(&rule.name);
    }
    let mut renamed = HashMap::new();
    let added = new
        .rules
        .iter()
        .filter(|rule| !of_old.contains_key(rule.name.as_str()));
    for rule in added {
        // Among equal rules, the first corresponds to the first.
        if let Some(names) = gone_by_text.get_mut(&nameless(rule))
            && !names.is_empty()
        {
            renamed.insert(rule.name.as_str(), names.remove(0));
        }
    }
    renamed
}

fn by_name(rules: &RuleSet) -> HashMap<&str, &Rule> {
    let named = rules.rules.iter();
    named.map(|rule| (rule.name.as_str(), rule)).collect()
}

/// The variables that differ, directly or through others that they use.
fn edited_vars<'a>(old: &'a RuleSet, new: &'a RuleSet) -> HashSet<&'a str> {
    let by_name = |rules: &'a RuleSet| -> HashMap<&'a str, TemplateValue> {
        let vars = rules.vars.iter();
        vars.map(|var| (var.name.as_str(), bare_value(&var.value)))
            .collect()
    };
    let (of_old, of_new) = (by_name(old), by_name(new));
    let names = of_old.keys().chain(of_new.keys()).copied();
    let mut edited: HashSet<&str> = names
        .filter(|name| of_old.get(name) != of_new.get(name))
        .collect();
    for var in &new.vars {
        if names_in(&var.value)
            .iter()
            .any(|name| edited.contains(name.as_str()))
        {
            edited.insert(&var.name);
        }
    }
    edited
}

/// Returns true if a rule's condition uses one of these variables.
fn uses(rule: &Rule, vars: &HashSet<&str>) -> bool {
    let Some(when) = rule.when.as_ref().filter(|_| !vars.is_empty()) else {
        return false;
    };
    let used = inspect(&when.text, Syntax::Expression).unwrap_or_default();
    let mut used = used.variables.iter();
    used.any(|reference| vars.contains(reference.name.as_str()))
}

/// The names that the templates of a value use.
fn names_in(value: &TemplateValue) -> Vec<String> {
    match value {
        TemplateValue::Text(template) if is_template(&template.text) => {
            let used = inspect(&template.text, Syntax::Text).unwrap_or_default();
            let used = used.variables.into_iter();
            used.map(|reference| reference.name).collect()
        }
        TemplateValue::List(items) => items.iter().flat_map(names_in).collect(),
        TemplateValue::Map(entries) => entries
            .iter()
            .flat_map(|(_, value)| names_in(value))
            .collect(),
        _ => Vec::new(),
    }
}

/// The rule without the positions of its parts.
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
        each: Vec::new(),
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
