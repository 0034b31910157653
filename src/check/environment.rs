//! Environment variables that never reach a callback.

use std::collections::HashMap;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{RequestTemplate, RuleSet, Template, TemplateValue};
use crate::template::{Reference, Syntax, inspect};

/// The prefix of the names of Patroni's settings.
const PREFIX: &str = "PATRONI_";

/// Settings that have no section.
const ALONE: [&str; 3] = ["NAME", "SCOPE", "NAMESPACE"];

/// Words of Patroni's configuration. Patroni takes `PATRONI_X_WORD` for a setting, whatever `X` is.
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

/// Our own names that Patroni does not take for settings.
const KEPT: [&str; 2] = ["PATRONI_BARMAN_STATE", "PATRONI_BARMAN_RULES"];

/// One problem for each header and each template that uses such a variable.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let uses = uses(rules, PREFIX);
    let removed = uses.into_iter().filter(|used| is_removed(&used.name));
    removed.map(|used| problem(&used.name, used.spot)).collect()
}

/// One use of an environment variable.
pub(super) struct Use {
    pub(super) name: String,
    pub(super) spot: Spot,
    /// The template handles the case that it is not set.
    pub(super) guarded: bool,
}

/// Finds the uses of environment variables in headers and templates whose text contains this word.
pub(super) fn uses(rules: &RuleSet, word: &'static str) -> Vec<Use> {
    let headers = rules.header_variables.iter();
    let mut uses: Vec<_> = headers
        .map(|(name, origin)| Use {
            name: name.clone(),
            spot: Spot::value(origin),
            guarded: false,
        })
        .collect();
    let mut found = Templates {
        word,
        uses: Vec::new(),
        seen: HashMap::new(),
    };
    let vars = rules.vars.iter().map(|var| &var.value);
    for text in vars.flat_map(TemplateValue::texts) {
        found.look(text, Syntax::Text);
    }
    for rule in rules.rules.iter().filter(|rule| rule.enabled) {
        if let Some(when) = &rule.when {
            found.look(when, Syntax::Expression);
        }
        let values = rule.requests.iter().flat_map(RequestTemplate::values);
        for text in values.flat_map(TemplateValue::texts) {
            found.look(text, Syntax::Text);
        }
    }
    uses.extend(found.uses);
    uses
}

/// Returns true if Patroni removes the variable from the environment.
pub(super) fn is_removed(name: &str) -> bool {
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

/// The uses in templates; many rules share the same text, which is read once.
struct Templates<'r> {
    word: &'static str,
    uses: Vec<Use>,
    seen: HashMap<&'r str, Vec<Reference>>,
}

impl<'r> Templates<'r> {
    fn look(&mut self, template: &'r Template, syntax: Syntax) {
        if !template.text.contains(self.word) {
            return;
        }
        let references = self
            .seen
            .entry(&template.text)
            .or_insert_with(|| of_environment(&template.text, syntax));
        let uses = references.iter().filter_map(|used| {
            Some(Use {
                name: used.attribute.clone()?,
                spot: Spot::bytes(&template.origin, used.range.clone()),
                guarded: used.guarded,
            })
        });
        self.uses.extend(uses);
    }
}

fn of_environment(text: &str, syntax: Syntax) -> Vec<Reference> {
    let mut variables = inspect(text, syntax).unwrap_or_default().variables;
    variables.retain(|used| used.name == "env");
    variables
}
