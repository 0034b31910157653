//! The inputs of tests: facts, and rules with other variables.

use serde_json::{Map, Value};
use std::borrow::Cow;

use crate::evaluate::Facts;
use crate::model::{Event, Origin, Role, RuleSet, Template, TemplateValue};
use crate::space::Known;
use crate::template::is_template;

use super::format::Given;

/// The facts of an event, with those given by a test.
pub(super) fn facts(given: &Given, event: Event, role: Role, cluster: &str, node: &str) -> Facts {
    let mut known = Known {
        node: node.to_owned(),
        args: given.args.clone(),
        env: given.env.clone(),
        ..Known::default()
    };
    for (own, place) in [
        (&given.host, &mut known.host),
        (&given.datadir, &mut known.datadir),
        (&given.connstring, &mut known.connstring),
    ] {
        if let Some(own) = own {
            place.clone_from(own);
        }
    }
    known.facts(event, role, cluster)
}

/// The rules with these values for their variables.
pub(super) fn with_vars<'r>(rules: &'r RuleSet, vars: &Map<String, Value>) -> Cow<'r, RuleSet> {
    if vars.is_empty() {
        return Cow::Borrowed(rules);
    }
    let mut rules = rules.clone();
    for var in &mut rules.vars {
        if let Some(value) = vars.get(&var.name) {
            var.value = literal(value);
        }
    }
    Cow::Owned(rules)
}

/// A value that renders to itself.
fn literal(value: &Value) -> TemplateValue {
    match value {
        Value::Null => TemplateValue::Null,
        Value::Bool(value) => TemplateValue::Bool(*value),
        Value::Number(value) => TemplateValue::Number(value.clone()),
        Value::String(text) => TemplateValue::Text(Template {
            text: if is_template(text) {
                format!("{{{{ {value} }}}}")
            } else {
                text.clone()
            },
            origin: Origin::default(),
        }),
        Value::Array(items) => TemplateValue::List(items.iter().map(literal).collect()),
        Value::Object(entries) => {
            let entries = entries.iter();
            let literals = entries.map(|(key, value)| (key.clone(), literal(value)));
            TemplateValue::Map(literals.collect())
        }
    }
}
