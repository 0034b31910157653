//! Requests that contain secrets: plans, logs and `history` show requests.

use std::collections::HashSet;
use std::ops::Range;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{RequestTemplate, RuleSet, Template};
use crate::template::{Reference, Syntax, inspect, is_template};

/// Words in the names of variables that hold secrets.
const TELLING: [&str; 6] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "PASSPHRASE",
    "PGPASS",
];

/// One problem for each template that puts a secret, or the whole environment, into a request.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let mut found = Found::default();
    let enabled = rules.rules.iter().filter(|rule| rule.enabled);
    let requests = enabled.flat_map(|rule| &rule.requests);
    let values = rules.vars.iter().map(|var| &var.value);
    for value in values.chain(requests.flat_map(RequestTemplate::values)) {
        for text in value.texts() {
            found.look(text);
        }
    }
    found.problems
}

/// Each text once: many rules share the same one.
#[derive(Default)]
struct Found<'r> {
    seen: HashSet<&'r str>,
    problems: Vec<Problem>,
}

impl<'r> Found<'r> {
    fn look(&mut self, template: &'r Template) {
        let text = template.text.as_str();
        if text.contains("password=") && self.seen.insert(text) {
            let at = text.find("password=").unwrap_or_default();
            let range = at..at + "password=".len();
            self.problem(template, range, "this has a password in it");
        }
        if !text.contains("env") || !is_template(text) || !self.seen.insert(text) {
            return;
        }
        let usage = inspect(text, Syntax::Text).unwrap_or_default();
        for used in usage.variables.iter().filter(|used| used.name == "env") {
            match &used.attribute {
                Some(name) if is_telling(name) => {
                    let message = format!("`env.{name}` looks like a secret");
                    self.problem(template, used.range.clone(), &message);
                }
                None if is_whole(text, used) => {
                    let message = "the whole environment is put in here".to_owned();
                    self.problem(template, used.range.clone(), &message);
                }
                _ => {}
            }
        }
    }

    fn problem(&mut self, template: &Template, range: Range<usize>, message: &str) {
        let spot = Spot::bytes(&template.origin, range);
        let message = format!("{message}, and plans, logs and `history` show requests");
        let help = "let Barman read it from a file of its own, as `~barman/.pgpass`";
        self.problems
            .push(Problem::new(Code::SecretShown, spot, message).help(help));
    }
}

fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    TELLING.iter().any(|word| name.contains(word))
}

/// Returns true if all variables are used, not just one with a computed or tested name.
fn is_whole(text: &str, used: &Reference) -> bool {
    let behind = text.get(used.range.end..).unwrap_or_default().trim_start();
    let before = text.get(..used.range.start).unwrap_or_default().trim_end();
    !used.guarded && !behind.starts_with(['[', '.']) && !before.ends_with(" in")
}
