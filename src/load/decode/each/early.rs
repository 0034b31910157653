//! Texts that must be known before any event: a rule's name, its clusters, and the APIs of its requests.

use serde_json::Value;

use super::shape::{Instance, Shape};
use super::values::Each;
use super::{Decoder, Here, requests, template_value};
use crate::diagnostic::Code;
use crate::load::pattern;
use crate::load::problem::{Problem, Spot};
use crate::model::Template;
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
    pub(in crate::load::decode) fn no_early_templates(&mut self, rule: Here<'_, '_>) {
        for here in rule.child("cluster").one_or_items() {
            if here.value.as_str().is_some_and(is_template) {
                let message = "a cluster can have a template only in a rule with `for_each`";
                let help = "write what the template gives as a condition: `when: cluster == …`";
                self.problem(Problem::new(Code::BadValue, here.spot(), message).help(help));
            }
        }
    }

    /// Checks these templates in the words of the file.
    pub(super) fn early_templates(&mut self, rule: Here<'_, '_>, each: Option<&Each<'_, '_>>) {
        match each {
            Some(each) => early(rule, |_, here, text| self.early_template(here, text, each)),
            None => self.no_early_templates(rule),
        }
    }

    fn early_template(&mut self, here: Here<'_, '_>, text: &str, each: &Each<'_, '_>) {
        if !is_template(text) {
            return;
        }
        let (text, origin) = (text.to_owned(), here.origin());
        let template = Template { text, origin };
        let usage = match inspect(&template.text, Syntax::Text) {
            Ok(usage) => usage,
            Err(error) => return self.syntax_error(&error, &template, Syntax::Text),
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

    /// Replaces the templates by their results for one of the rules.
    pub(super) fn early_values(
        &mut self,
        rule: &mut Value,
        shape: &Shape<'_, '_>,
        instance: &Instance<'_>,
    ) {
        let named = shape.cuts.has("/name");
        let mut texts = Vec::new();
        early(shape.here.with(rule), |what, here, text| {
            let text = match what {
                What::Name if !named => Some(instance.named(text)),
                _ => self.early_value(here, text),
            };
            let Some(text) = text else { return };
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
                self.problem(Problem::new(Code::BadValue, here.spot(), message));
            }
            texts.push((here.origin(), text));
        });
        for (origin, text) in texts {
            if let Some(place) = shape.within(&origin).and_then(|at| rule.pointer_mut(at)) {
                *place = text.into();
            }
        }
    }

    /// The result of a template in which every name is known.
    fn early_value(&mut self, here: Here<'_, '_>, text: &str) -> Option<String> {
        if !is_template(text) {
            return Some(text.to_owned());
        }
        let message = match render(&template_value(here), &Scope::new(&[])) {
            Ok(Value::String(text)) => return Some(text),
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => return Some(value.to_string()),
            Ok(_) => "this gives no text".to_owned(),
            Err(error) => format!("this fails: {error}"),
        };
        self.problem(Problem::new(Code::ForEach, here.spot(), message));
        None
    }
}

/// Visits the texts that must be known in advance.
fn early(rule: Here<'_, '_>, mut each: impl FnMut(What, Here<'_, '_>, &str)) {
    let mut visit = |what, here: Here<'_, '_>| {
        if let Some(text) = here.value.as_str() {
            each(what, here, text);
        }
    };
    visit(What::Name, rule.child("name"));
    for here in rule.child("cluster").one_or_items() {
        visit(What::Cluster, here);
    }
    requests(rule, |request| visit(What::Api, request.child("api")));
}
