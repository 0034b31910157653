//! `vars`: in order, each may use those before it.

use serde_json::Value;

use super::values::template_value;
use super::{Decoder, entries};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::model::{Origin, Var};
use crate::template::FACTS;

/// Words that mean something else in an expression.
const RESERVED: [&str; 18] = [
    "true",
    "True",
    "false",
    "False",
    "none",
    "None",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "loop",
    "self",
    "range",
    "dict",
    "namespace",
];

impl<'a> Decoder<'a> {
    pub(super) fn vars(&mut self, sections: &[(Origin, &'a Value)]) -> Vec<Var> {
        let all: Vec<_> = sections
            .iter()
            .flat_map(|(origin, value)| entries(value, origin))
            .collect();
        for (name, origin, _) in &all {
            self.later_vars.insert(name, origin.clone());
        }
        let mut vars = Vec::with_capacity(all.len());
        for (name, origin, value) in all {
            self.var_name(name, &origin);
            let value = template_value(value, &origin);
            self.templates(&value);
            self.constants.set(name, &value);
            self.later_vars.remove(name.as_str());
            self.vars.entry(name).or_insert(origin.clone());
            vars.push(Var {
                name: name.clone(),
                value,
                origin,
            });
        }
        vars
    }

    fn var_name(&mut self, name: &str, origin: &Origin) {
        let problem = |message: String| Problem::new(Code::BadVariable, Spot::key(origin), message);
        let other = format!("give it another name, for example `my_{name}`");
        if FACTS.contains(&name) {
            let message = format!("every template has a variable `{name}` already");
            self.problem(problem(message).help(other));
        } else if RESERVED.contains(&name) {
            let message = format!("`{name}` means something else in an expression");
            self.problem(problem(message).help(other));
        } else if let Some(before) = self.vars.get(name).cloned() {
            self.problem(
                problem(format!("there are two variables with the name `{name}`"))
                    .help("give one of them another name, or delete it")
                    .related(Spot::key(&before), "the first one is here"),
            );
        }
    }
}
