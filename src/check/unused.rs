//! Variables that no rule uses, not even through another variable.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Origin, RequestTemplate, RuleSet, TemplateValue};
use crate::template::{Syntax, inspect, is_template};

/// One problem for each variable. A disabled rule counts as a use, because it is there to be enabled.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    if rules.vars.is_empty() {
        return Vec::new();
    }
    let mut texts = HashSet::new();
    let requests = rules.rules.iter().flat_map(|rule| &rule.requests);
    for value in requests.flat_map(RequestTemplate::values) {
        templates(value, &mut texts);
    }
    let whens = rules.rules.iter().filter_map(|rule| rule.when.as_ref());
    let whens: HashSet<&str> = whens.map(|when| when.text.as_str()).collect();
    let mut used: HashSet<String> = HashSet::new();
    for text in texts {
        uses(text, Syntax::Text, &mut used);
    }
    for text in whens {
        uses(text, Syntax::Expression, &mut used);
    }
    // A variable can only use those above it.
    let mut by: HashMap<String, &str> = HashMap::new();
    let mut problems = Vec::new();
    // The rules of a `for_each` each have a variable at one place.
    let mut used_at: HashSet<&Origin> = HashSet::new();
    for var in rules.vars.iter().rev() {
        let mut of_var = HashSet::new();
        templates(&var.value, &mut of_var);
        let mut names = HashSet::new();
        for text in of_var {
            uses(text, Syntax::Text, &mut names);
        }
        if used.contains(&var.name) {
            used.extend(names);
            used_at.insert(&var.origin);
            continue;
        }
        let message = match by.get(&var.name) {
            Some(other) => format!(
                "nothing uses the variable `{}` but `{other}`, which nothing uses",
                var.label
            ),
            None => format!("nothing uses the variable `{}`", var.label),
        };
        let spot = Spot::key(&var.origin);
        problems.push(Problem::new(Code::UnusedVariable, spot, message).help("delete it"));
        for name in names {
            by.entry(name).or_insert(&var.label);
        }
    }
    problems.retain(|problem| !used_at.contains(&problem.spot.origin));
    problems
}

fn templates<'r>(value: &'r TemplateValue, texts: &mut HashSet<&'r str>) {
    for template in value.texts() {
        if is_template(&template.text) {
            texts.insert(&template.text);
        }
    }
}

fn uses(text: &str, syntax: Syntax, used: &mut HashSet<String>) {
    let usage = inspect(text, syntax).unwrap_or_default();
    used.extend(usage.variables.into_iter().map(|variable| variable.name));
}
