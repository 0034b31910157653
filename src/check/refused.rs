//! Requests that will certainly be refused in some event, because of the values of their templates.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::diagnostic::Code;
use crate::load::{Problem, refused};
use crate::model::{RequestTemplate, Rule, RuleSet, TemplateValue};
use crate::template::{Syntax, is_template};

use super::cells::{Cells, place};
use super::judge::{Depends, Judge, Look};
use super::lint::{All, Kind, Lint};

/// One problem for each value, where it first occurs.
pub(super) struct Refused<'r> {
    /// A judge for which empty variables really are empty: where a rule fires in any case, an empty variable is sent as it is, unless
    /// the command line says otherwise. Elsewhere the rule's condition may have checked for it.
    of_empty_texts: Option<Judge<'r>>,
    /// The cells already examined, by rule.
    seen: HashMap<usize, Cells>,
    /// The values already reported.
    said: HashSet<(usize, String)>,
    problems: Vec<Problem>,
}

impl<'r> Refused<'r> {
    pub(super) fn new(rules: &'r RuleSet) -> Self {
        Self {
            of_empty_texts: Judge::of_empty_texts(rules),
            seen: HashMap::new(),
            said: HashSet::new(),
            problems: Vec::new(),
        }
    }
}

impl<'r> Lint<'r> for Refused<'r> {
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        for firing in kind.firings {
            let Some(rule) = kind.table.rule(firing.rule) else {
                continue;
            };
            let seen = self.seen.entry(firing.rule).or_default();
            let new = firing.likely.without(*seen);
            *seen = seen.or(new);
            for request in requests(rule) {
                let depends = request.values().map(|value| kind.judge.value(value));
                let depends = depends.fold(Depends::default(), Depends::or);
                let cluster = kind.exact.filter(|_| depends.cluster);
                let new = if cluster.is_some() {
                    firing.likely
                } else {
                    new
                };
                let sure = new.and(firing.sure);
                let cells = if depends.cell {
                    new
                } else {
                    sure.only_first().or(new.only_first())
                };
                for index in cells.indices() {
                    let is_sure = !sure.and(Cells::one(index)).is_empty();
                    let judge = match &mut self.of_empty_texts {
                        Some(other) if is_sure => other,
                        _ => &mut *kind.judge,
                    };
                    let problems = found(request, judge, index, cluster);
                    self.note(problems, index, cluster);
                }
            }
        }
    }

    fn problems(self: Box<Self>, _: &All<'_, 'r>) -> Vec<Problem> {
        self.problems
    }
}

impl Refused<'_> {
    fn note(&mut self, problems: Vec<Problem>, index: usize, cluster: Option<&str>) {
        for mut problem in problems {
            let origin = &problem.spot.origin;
            if self.said.insert((origin.file, origin.pointer.clone())) {
                problem.code = Code::BadRequest;
                problem.message = format!("on {}: {}", place(index, cluster), problem.message);
                self.problems.push(problem);
            }
        }
    }
}

fn requests(rule: &Rule) -> impl Iterator<Item = &RequestTemplate> {
    let templated = |request: &&RequestTemplate| request.values().any(has_template);
    rule.requests.iter().filter(templated)
}

fn has_template(value: &TemplateValue) -> bool {
    let mut found = false;
    for template in value.texts() {
        found |= is_template(&template.text);
    }
    found
}

fn found<'r>(
    request: &'r RequestTemplate,
    judge: &mut Judge<'r>,
    index: usize,
    cluster: Option<&str>,
) -> Vec<Problem> {
    // Without a template whose value is known, there is nothing new.
    if !request
        .values()
        .any(|value| gives(value, judge, index, cluster))
    {
        return Vec::new();
    }
    let mut problems = refused(request, |value| known(value, judge, index, cluster));
    for problem in &mut problems {
        let is_at = |key: &str| problem.spot.origin == request.origin.child(key);
        let server = request.server.iter().filter(|_| is_at("server"));
        let body = request.body.iter().filter(|(key, _)| is_at(key));
        let value = server.chain(body.map(|(_, value)| value)).next();
        let value = value.and_then(|value| known(value, judge, index, cluster));
        if value.is_some_and(|value| value.is_null() || value == "") {
            let help = "the template gives nothing then: correct it, or remove the event from `on`";
            problem.help = Some(help.to_owned());
        }
    }
    problems
}

fn gives<'r>(
    value: &'r TemplateValue,
    judge: &mut Judge<'r>,
    index: usize,
    cluster: Option<&str>,
) -> bool {
    let mut gives = false;
    for template in value.texts() {
        if !gives && is_template(&template.text) {
            let look = judge.look(template, Syntax::Text, index, cluster);
            gives = matches!(look, Look::Gives(_));
        }
    }
    gives
}

/// The value in a cell, if it is known.
fn known<'r>(
    value: &'r TemplateValue,
    judge: &mut Judge<'r>,
    index: usize,
    cluster: Option<&str>,
) -> Option<Value> {
    Some(match value {
        TemplateValue::Null => Value::Null,
        TemplateValue::Bool(value) => Value::Bool(*value),
        TemplateValue::Number(value) => Value::Number(value.clone()),
        TemplateValue::Text(template) if is_template(&template.text) => {
            match judge.look(template, Syntax::Text, index, cluster) {
                Look::Gives(value) => value,
                Look::Fails(_) | Look::Open => return None,
            }
        }
        TemplateValue::Text(template) => template.text.clone().into(),
        TemplateValue::List(items) => items
            .iter()
            .map(|item| known(item, judge, index, cluster))
            .collect::<Option<_>>()?,
        TemplateValue::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| Some((key.clone(), known(value, judge, index, cluster)?)))
                .collect::<Option<_>>()?,
        ),
    })
}
