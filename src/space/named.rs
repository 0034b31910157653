//! The clusters named in conditions and templates: `cluster == "billing"`, `cluster in canary`, `servers[cluster]`.

use std::collections::{HashMap, HashSet};

use crate::model::{Rule, RuleSet, TemplateValue, Var};
use crate::template::{Compared, Syntax, compared, is_template};

/// The maximum number of pairs of a cluster and a rule for any cluster: rules that name thousands of clusters in their
/// conditions are not evaluated for each of them.
const MOST_PAIRS: usize = 50_000;

/// The names that the rules compare the cluster with, or look up by it, in order: all of them, unless there are too
/// many to evaluate every rule in each.
pub(super) fn named(rules: &RuleSet) -> Vec<String> {
    let mut names = Vec::new();
    let vars: HashMap<&str, &Var> = rules
        .vars
        .iter()
        .map(|var| (var.name.as_str(), var))
        .collect();
    let mut found = Vec::new();
    for var in &rules.vars {
        of_value(&var.value, &mut found);
    }
    add(&found, &vars, |_| true, &mut names);
    for rule in rules.rules.iter().filter(|rule| rule.enabled) {
        found.clear();
        if let Some(when) = &rule.when {
            found.extend(compared("cluster", &when.text, Syntax::Expression));
        }
        for request in &rule.requests {
            let values = request.body.iter().map(|(_, value)| value);
            for value in values.chain(&request.server) {
                of_value(value, &mut found);
            }
        }
        if !found.is_empty() {
            add(&found, &vars, |name| is_for(rule, name), &mut names);
        }
    }
    let mut known = HashSet::new();
    names.retain(|name| known.insert(name.clone()));
    let for_any = |rule: &&Rule| rule.enabled && rule.cluster.named().is_empty();
    let for_any = rules.rules.iter().filter(for_any).count();
    names.truncate(MOST_PAIRS / for_any.max(1));
    names
}

fn is_for(rule: &Rule, name: &str) -> bool {
    rule.cluster.include(name)
}

fn of_value(value: &TemplateValue, found: &mut Vec<Compared>) {
    match value {
        TemplateValue::Text(template) if is_template(&template.text) => {
            found.extend(compared("cluster", &template.text, Syntax::Text));
        }
        TemplateValue::List(items) => items.iter().for_each(|item| of_value(item, found)),
        TemplateValue::Map(entries) => {
            for (_, value) in entries {
                of_value(value, found);
            }
        }
        _ => {}
    }
}

fn add(
    found: &[Compared],
    vars: &HashMap<&str, &Var>,
    fits: impl Fn(&str) -> bool,
    names: &mut Vec<String>,
) {
    for one in found {
        let mut texts = Vec::new();
        match one {
            Compared::With(text) => texts.push(text.as_str()),
            Compared::In(var) => {
                if let Some(var) = vars.get(var.as_str()) {
                    texts_of(&var.value, &mut texts);
                }
            }
        }
        // Nothing else can be a scope, because it is part of paths in the DCS.
        let is_scope = |text: &&str| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "/*?".contains(c))
        };
        let new = texts.into_iter().filter(is_scope).filter(|text| fits(text));
        names.extend(new.map(str::to_owned));
    }
}

/// The texts of a list, or the keys of a table.
fn texts_of<'v>(value: &'v TemplateValue, texts: &mut Vec<&'v str>) {
    match value {
        TemplateValue::List(items) => {
            for item in items {
                if let TemplateValue::Text(template) = item
                    && !is_template(&template.text)
                {
                    texts.push(&template.text);
                }
            }
        }
        TemplateValue::Map(entries) => texts.extend(entries.iter().map(|(key, _)| key.as_str())),
        _ => {}
    }
}
