//! Texts that must be known before any event: a rule's name, its clusters, and the APIs of its requests.

use serde_json::Value;

use super::shape::{Instance, Shape};
use super::values::Each;
use super::{Decoder, requests};
use crate::diagnostic::Code;
use crate::load::decode::items;
use crate::load::pattern;
use crate::load::problem::{Problem, Spot};
use crate::model::{Origin, Template, TemplateValue};
use crate::template::{Scope, Syntax, inspect, is_template, render};

/// The longest name of a rule, as in the schema.
const LONGEST_NAME: usize = 200;

/// The allowed content of such a text.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Name,
    Cluster,
    Api,
}

impl Decoder<'_> {
    /// Finds templates where a rule can't have any.
    pub(in crate::load::decode) fn no_early_templates(&mut self, rule: &Value, origin: &Origin) {
        for (_, origin, text) in early(rule, origin) {
            if origin.pointer.contains("/cluster") && is_template(&text) {
                let message = "a cluster can have a template only in a rule with `for_each`";
                let help = "write what the template gives as a condition: `when: cluster == …`";
                self.problem(
                    Problem::new(Code::BadValue, Spot::value(&origin), message).help(help),
                );
            }
        }
    }

    /// Checks these templates in the words of the file.
    pub(super) fn early_templates(
        &mut self,
        rule: &Value,
        origin: &Origin,
        each: Option<&Each<'_>>,
    ) {
        let Some(each) = each else {
            return self.no_early_templates(rule, origin);
        };
        for (_, origin, text) in early(rule, origin) {
            if !is_template(&text) {
                continue;
            }
            let template = Template { text, origin };
            let usage = match inspect(&template.text, Syntax::Text) {
                Ok(usage) => usage,
                Err(error) => {
                    self.syntax_error(&error, &template, Syntax::Text);
                    continue;
                }
            };
            for unknown in &usage.unknown {
                self.unknown_name(unknown, &template);
            }
            for used in usage.variables.iter().filter(|used| !each.has(&used.name)) {
                if !self.knows(&used.name, &template) {
                    self.reference(used, &template);
                    continue;
                }
                let start = used.range.start;
                let spot = Spot::bytes(&template.origin, start..start + used.name.len());
                let message = format!("`{}` is not known before an event", used.name);
                let help = "only the names of `for_each` can be used here: write the rest as a condition under `when`, or a rule for each case";
                self.problem(Problem::new(Code::NotYetKnown, spot, message).help(help));
            }
        }
    }

    /// Replaces the templates by their results for one of the rules.
    pub(super) fn early_values(
        &mut self,
        rule: &mut Value,
        shape: &Shape<'_>,
        instance: &Instance<'_>,
    ) {
        let named = shape.cuts.has("/name");
        for (what, origin, text) in early(rule, &shape.origin) {
            let text = match what {
                What::Name if !named => instance.named(&text),
                _ => match self.early_value(&text, &origin) {
                    Some(text) => text,
                    None => continue,
                },
            };
            let wrong = match what {
                What::Name if !pattern::words(&text) => {
                    "is not one line of words with one space between them"
                }
                What::Name if text.chars().count() > LONGEST_NAME => {
                    "is longer than 200 characters"
                }
                What::Cluster if !pattern::cluster(&text) => "is no name of a cluster and no glob",
                _ => "",
            };
            if !wrong.is_empty() {
                let shown: String = text.chars().take(100).collect();
                let key = match what {
                    What::Name => "name",
                    What::Cluster => "cluster",
                    What::Api => "api",
                };
                let message = format!("`{key}` gives `{shown}`, which {wrong}");
                self.problem(Problem::new(Code::BadValue, Spot::value(&origin), message));
            }
            let pointer = origin.pointer.strip_prefix(shape.origin.pointer.as_str());
            if let Some(place) = pointer.and_then(|pointer| rule.pointer_mut(pointer)) {
                *place = text.into();
            }
        }
    }

    /// The result of a template in which every name is known.
    fn early_value(&mut self, text: &str, origin: &Origin) -> Option<String> {
        if !is_template(text) {
            return Some(text.to_owned());
        }
        let template = Template {
            text: text.to_owned(),
            origin: origin.clone(),
        };
        let message = match render(&TemplateValue::Text(template), &Scope::new(&[])) {
            Ok(Value::String(text)) => return Some(text),
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => return Some(value.to_string()),
            Ok(_) => "this gives no text".to_owned(),
            Err(error) => format!("this fails: {error}"),
        };
        self.problem(Problem::new(Code::ForEach, Spot::value(origin), message));
        None
    }
}

/// The texts that must be known in advance, with their places.
fn early(rule: &Value, origin: &Origin) -> Vec<(What, Origin, String)> {
    let text = |what, origin: Origin, value: &Value| {
        let text = value.as_str()?.to_owned();
        Some((what, origin, text))
    };
    let name = rule.get("name").into_iter();
    let name = name.filter_map(|value| text(What::Name, origin.child("name"), value));
    let at = origin.child("cluster");
    let one = rule.get("cluster").map(|value| (at.clone(), value));
    let clusters = one.into_iter().chain(items(rule.get("cluster"), &at));
    let clusters = clusters.filter_map(|(origin, value)| text(What::Cluster, origin, value));
    let requests = requests(rule, origin).into_iter();
    let apis = requests
        .filter_map(|(origin, request)| text(What::Api, origin.child("api"), request.get("api")?));
    name.chain(clusters).chain(apis).collect()
}
