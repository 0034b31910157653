//! Environment variables that never reach a callback.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{RuleSet, Template, TemplateValue};
use crate::template::{Syntax, inspect};

/// What the names of Patroni's settings begin with.
const PREFIX: &str = "PATRONI_";

/// Settings that have no section.
const ALONE: [&str; 3] = ["NAME", "SCOPE", "NAMESPACE"];

/// Words of Patroni's configuration. `PATRONI_X_WORD` is taken for a setting whatever `X` is.
const WORDS: [&str; 14] = [
    "CACERT",
    "CERT",
    "CONTEXT",
    "DATABASE",
    "GROUP",
    "HOST",
    "HOSTS",
    "KEY",
    "KEY_PASSWORD",
    "PORT",
    "PROXY",
    "TOKEN",
    "URL",
    "VERIFY",
];

/// Names of ours that Patroni takes for no setting.
const KEPT: [&str; 2] = ["PATRONI_BARMAN_STATE", "PATRONI_BARMAN_RULES"];

/// One for each header and each template that wants such a variable.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let headers = rules.header_variables.iter();
    let mut problems: Vec<_> = headers
        .filter(|(name, _)| is_removed(name))
        .map(|(name, origin)| problem(name, Spot::value(origin)))
        .collect();
    let mut found = Templates::default();
    for var in &rules.vars {
        found.look_at(&var.value);
    }
    for rule in rules.rules.iter().filter(|rule| rule.enabled) {
        if let Some(when) = &rule.when {
            found.look(when, Syntax::Expression);
        }
        for request in &rule.requests {
            let values = request.body.iter().map(|(_, value)| value);
            values
                .chain(&request.server)
                .for_each(|value| found.look_at(value));
        }
    }
    problems.extend(found.problems);
    problems
}

fn is_removed(name: &str) -> bool {
    name.starts_with(PREFIX) && !KEPT.contains(&name)
}

fn problem(name: &str, spot: Spot) -> Problem {
    let setting = name.trim_start_matches(PREFIX);
    let word = setting.split_once('_').map(|(_, word)| word);
    let removes = if ALONE.contains(&setting) || word.is_some_and(|word| WORDS.contains(&word)) {
        "removes"
    } else {
        "may remove"
    };
    let message = format!("Patroni {removes} `{name}` from the environment of a callback");
    let help = match name {
        "PATRONI_NAME" => {
            "use `node`: it is `--node` of the callback's command, or what the local Patroni says"
        }
        "PATRONI_SCOPE" => "use `cluster`: Patroni passes it with every event",
        _ => "give the variable a name that does not begin with `PATRONI_`",
    };
    Problem::new(Code::RemovedVariable, spot, message).help(help)
}

/// What was found in templates; the same text is often used in many rules, and read once.
#[derive(Default)]
struct Templates<'r> {
    problems: Vec<Problem>,
    seen: HashMap<&'r str, Vec<(String, Range<usize>)>>,
}

impl<'r> Templates<'r> {
    fn look_at(&mut self, value: &'r TemplateValue) {
        match value {
            TemplateValue::Text(template) => self.look(template, Syntax::Text),
            TemplateValue::List(items) => items.iter().for_each(|item| self.look_at(item)),
            TemplateValue::Map(entries) => {
                for (_, value) in entries {
                    self.look_at(value);
                }
            }
            _ => {}
        }
    }

    fn look(&mut self, template: &'r Template, syntax: Syntax) {
        if !template.text.contains(PREFIX) {
            return;
        }
        let uses = self
            .seen
            .entry(&template.text)
            .or_insert_with(|| removed(&template.text, syntax));
        let spots = uses
            .iter()
            .map(|(name, range)| problem(name, Spot::bytes(&template.origin, range.clone())));
        self.problems.extend(spots);
    }
}

fn removed(text: &str, syntax: Syntax) -> Vec<(String, Range<usize>)> {
    let usage = inspect(text, syntax).unwrap_or_default();
    let of_env = usage
        .variables
        .into_iter()
        .filter(|used| used.name == "env");
    of_env
        .filter_map(|used| Some((used.attribute?, used.range)))
        .filter(|(name, _)| is_removed(name))
        .collect()
}
