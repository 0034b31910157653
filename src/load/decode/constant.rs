//! Requests whose values are known in advance.
//!
//! The result of a template that uses no fact is known, and can be checked against pg-backup-api's schema
//! now instead of in a failover. Unknown values count as valid: there is never a false alarm. So
//! an empty variable, which is to be given on the command line, counts as unknown, and so does every
//! variable that a `when` may check first.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::values::template_value;
use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::load::shape;
use crate::model::{Name, Origin, RequestTemplate, Template, TemplateValue, Var};
use crate::template::{Scope, Usage, around_expressions, is_template, render};

/// The variables whose values are known, and the known results of templates.
#[derive(Default)]
pub(super) struct Constants {
    vars: HashMap<String, TemplateValue>,
    texts: HashMap<String, Option<Value>>,
    /// Templates that use only known variables, with their names.
    candidates: HashMap<String, Vec<String>>,
    /// The number of values that the templates of the current value have produced.
    given: usize,
}

/// The maximum number of values that the templates of one value may produce.
const MOST_VALUES: usize = 20_000;

impl Constants {
    /// Records a variable, if its value is known.
    pub(super) fn set(&mut self, name: &str, value: &TemplateValue) {
        self.given = 0;
        if let Some(value) = self.value(value) {
            self.texts.clear();
            // Not a template, even if it has braces.
            let value = template_value(Here::new(&value, &Origin::default()));
            self.vars.insert(name.to_owned(), value);
        }
    }

    /// Records the names in a valid template.
    pub(super) fn note(&mut self, template: &Template, usage: &Usage) {
        let used = usage.variables.iter().map(|used| &used.name);
        if usage.unknown.is_empty() && used.clone().all(|name| self.vars.contains_key(name)) {
            let names = used.cloned().collect();
            self.candidates.insert(template.text.clone(), names);
        }
    }

    /// The value, if it is known.
    fn value(&mut self, value: &TemplateValue) -> Option<Value> {
        let text = |template: &Template| {
            let value = self.text(template).ok_or(())?;
            self.given += count(&value);
            Some(value).filter(|_| self.given <= MOST_VALUES).ok_or(())
        };
        value.try_json(&mut { text }).ok()
    }

    fn text(&mut self, template: &Template) -> Option<Value> {
        if !is_template(&template.text) {
            return Some(template.text.clone().into());
        }
        if let Some(known) = self.texts.get(&template.text) {
            return known.clone();
        }
        let used = self.candidates.get(&template.text)?;
        let used = used.iter().map(|name| {
            Some(Var {
                name: name.clone(),
                label: name.clone(),
                value: self.vars.get(name)?.clone(),
                origin: Origin::default(),
            })
        });
        let value = used.collect::<Option<Vec<_>>>().and_then(|vars| {
            let text = TemplateValue::Text(template.clone());
            render(&text, &Scope::new(&vars)).ok()
        });
        let value = value.filter(|value| !value.is_null() && value.as_str() != Some(""));
        self.texts.insert(template.text.clone(), value.clone());
        value
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>() + 1,
        Value::Object(entries) => entries.values().map(count).sum::<usize>() + 1,
        _ => 1,
    }
}

impl Decoder<'_> {
    /// Finds the errors that pg-backup-api would report for a request, as far as its values are known.
    pub(super) fn known_request(&mut self, request: &RequestTemplate) {
        if let Some(server) = &request.server {
            self.name_around_templates("server", server);
        }
        for (key, value) in &request.body {
            if request.kind.is_name(key) {
                self.name_around_templates(key, value);
            }
        }
        if self.conditional {
            return;
        }
        self.constants.given = 0;
        let body = request.body.iter().map(|(_, value)| value);
        // Without a template, the rules' schema has checked everything.
        let mut texts = body.chain(&request.server).flat_map(TemplateValue::texts);
        let mut gives =
            |text: &Template| is_template(&text.text) && self.constants.text(text).is_some();
        if texts.any(&mut gives) {
            for problem in refused(request, |value| self.constants.value(value)) {
                self.problem(problem);
            }
        }
    }

    /// The text around the templates in a name is always part of it.
    fn name_around_templates(&mut self, key: &str, value: &TemplateValue) {
        let TemplateValue::Text(template) = value else {
            return;
        };
        let text = template.text.as_str();
        if !text.contains("{{") {
            return;
        }
        let is_model = key == "model_name";
        let fits = |c: char| {
            if is_model {
                !c.is_control() && !"[]".contains(c)
            } else {
                c.is_ascii_alphanumeric() || "._:-".contains(c)
            }
        };
        // Most names need not be parsed for this.
        let mut parts = text.split("{{");
        let before = parts.next().into_iter();
        let behind = parts.map(|part| part.split_once("}}").map_or(part, |(_, behind)| behind));
        let mut around = before.chain(behind);
        if !text.contains(['%', '#']) && around.all(|part| part.chars().all(fits)) {
            return;
        }
        for part in around_expressions(text).into_iter().flatten() {
            let rest = text.get(part.clone()).unwrap_or_default();
            let Some(at) = rest.find(|c| !fits(c)) else {
                continue;
            };
            let length = rest
                .get(at..)
                .map_or(1, |rest| rest.find(fits).unwrap_or(rest.len()));
            let at = part.start + at;
            let found = text.get(at..at + length).unwrap_or_default();
            let spot = Spot::bytes(&template.origin, at..at + length);
            let message = match found.trim() {
                "" if is_model => format!("`{key}` can't have a control character in it"),
                "" => format!("`{key}` can't have a space in it"),
                found => format!("`{key}` can't have `{found}` in it"),
            };
            let help = if is_model { MODELS } else { NAMES };
            self.problem(Problem::new(Code::BadRequest, spot, message).help(help));
            return;
        }
    }
}

/// The errors that pg-backup-api would report for a request, as far as its values are known. Unknown values count as valid.
pub fn refused<'r>(
    request: &'r RequestTemplate,
    mut known: impl FnMut(&'r TemplateValue) -> Option<Value>,
) -> Vec<Problem> {
    let server = request.server.as_ref().and_then(&mut known);
    let mut found: Vec<_> = server
        .and_then(|name| bad_server(request, &name))
        .into_iter()
        .collect();
    let mut body = Map::new();
    body.insert("type".to_owned(), request.kind.as_str().into());
    for (key, value) in &request.body {
        let value = match value {
            TemplateValue::List(items) if key == "changes" => {
                items.iter().map(|item| change(item, &mut known)).collect()
            }
            value => known(value).unwrap_or_else(|| any(key)),
        };
        body.insert(key.clone(), value);
    }
    let body = Value::Object(body);
    for mut problem in shape::body_problems(&body) {
        let within = problem.spot.origin.pointer.clone();
        let key = within.trim_start_matches('/');
        let given = request.body.iter().find(|(known, _)| known == key);
        if problem.code == Code::WrongType
            && !body.pointer(&within).is_some_and(Value::is_null)
            && given.is_some_and(|(_, value)| matches!(value, TemplateValue::Text(_)))
        {
            problem.help = Some(help_for_type(&problem.message).to_owned());
        }
        problem.spot.origin.file = request.origin.file;
        problem.spot.origin.pointer = format!("{}{within}", request.origin.pointer);
        found.push(problem);
    }
    found
}

fn bad_server(request: &RequestTemplate, server: &Value) -> Option<Problem> {
    let message = match server {
        Value::String(name) if Name::new(name.clone()).is_ok() => return None,
        Value::String(name) if name.is_empty() => "`server` is empty".to_owned(),
        Value::String(name) => format!("`server` can't be `{name}`"),
        _ => "`server` must be a string".to_owned(),
    };
    let spot = Spot::value(&request.origin.child("server"));
    Some(Problem::new(Code::BadRequest, spot, message).help(NAMES))
}

fn change<'r>(
    item: &'r TemplateValue,
    known: &mut impl FnMut(&'r TemplateValue) -> Option<Value>,
) -> Value {
    let TemplateValue::Map(entries) = item else {
        return known(item).unwrap_or_else(any_change);
    };
    let mut change = Map::new();
    for (key, value) in entries {
        let value = match known(value) {
            Some(value) => value,
            // Without a scope, the other required keys are unknown.
            None if key == "scope" => return any_change(),
            None => any(key),
        };
        change.insert(key.clone(), value);
    }
    Value::Object(change)
}

/// The help for a template with a result of the wrong type.
fn help_for_type(message: &str) -> &'static str {
    if message.contains("must be a string") {
        "this is what the template gives: put the variable's value in quotes where it is defined, \
         or write `| string` after it"
    } else if message.contains("must be a list") {
        "this is what the template gives: write the variable's value as a list where it is defined"
    } else {
        "this is what the template gives: see the variable's value where it is defined"
    }
}

const NAMES: &str = "a name is made of letters, digits, `.`, `_`, `:` and `-`, at most 255 of them, and does not start with `-`";

const MODELS: &str = "a model's name is one line of words with one space between them, without `[` and `]`, at most 255 characters, and does not start with `-`";

/// A plausible value for an unknown one.
fn any(key: &str) -> Value {
    match key {
        "reset" => Value::Bool(true),
        "changes" => json!([any_change()]),
        "backup_id" => "latest".into(),
        _ => "x".into(),
    }
}

fn any_change() -> Value {
    json!({"scope": "server", "server_name": "x", "x": "x"})
}
