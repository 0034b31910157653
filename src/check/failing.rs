//! Templates that fail whenever they are evaluated.

use std::collections::HashSet;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{RequestTemplate, Rule, RuleSet, Template, TemplateValue, Var};
use crate::template::{RenderError, RenderErrorKind, Syntax, is_template, lone_expression, render};

use super::cells::place;
use super::judge::Look;
use super::lint::{All, Kind, Lint};

/// One problem for each template, where it first fails.
#[derive(Default)]
pub(super) struct Failing<'r> {
    found: Vec<Failure<'r>>,
    /// The rules and indices of templates that are already reported.
    known: HashSet<(usize, usize)>,
}

struct Failure<'r> {
    template: &'r Template,
    index: usize,
    /// The cluster, if that matters.
    cluster: Option<String>,
    why: RenderError,
}

impl<'r> Lint<'r> for Failing<'r> {
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        for firing in kind.firings {
            let Some(rule) = kind.table.rule(firing.rule) else {
                continue;
            };
            for (number, (template, syntax)) in templates(rule).into_iter().enumerate() {
                if self.known.contains(&(firing.rule, number)) {
                    continue;
                }
                // Where the condition fails or is false, no request is evaluated.
                let cells = match syntax {
                    Syntax::Expression => firing.may,
                    Syntax::Text => firing.likely,
                };
                let depends = kind.judge.depends(template, syntax);
                let cluster = kind.exact.filter(|_| depends.cluster);
                let cluster = cluster.map(str::to_owned);
                let mut cells = cells.indices();
                let failure = cells.find_map(|index| {
                    let look = kind.judge.look(template, syntax, index, kind.exact);
                    let Look::Fails(why) = look else { return None };
                    Some((index, why))
                });
                if let Some((index, why)) = failure {
                    self.known.insert((firing.rule, number));
                    self.found.push(Failure {
                        template,
                        index,
                        cluster,
                        why,
                    });
                }
            }
        }
    }

    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        let problems = self.found.into_iter().map(|failure| {
            let place = place(failure.index, failure.cluster.as_deref());
            let message = format!("on {place} this fails: {}", failure.why);
            let spot = Spot::value(&failure.template.origin);
            Problem::new(Code::AlwaysFails, spot, message).help(help(&failure, all.rules))
        });
        problems.collect()
    }
}

/// Variables that grow without limit, whatever the facts are: unknown facts have one value each.
pub(super) struct Endless;

impl<'r> Lint<'r> for Endless {
    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        let scope = all.judge.request_scope(0, "");
        let failures = all.rules.vars.iter().filter_map(|var| {
            let error = render(&var.value, &scope).err()?;
            let message = format!("`{}` always fails: {}", var.label, error.message);
            let spot = Spot::value(&error.origin);
            let help = "nothing is sent where it is used: a list that holds another twice is twice as long";
            let problem = Problem::new(Code::AlwaysFails, spot, message).help(help);
            (error.kind == RenderErrorKind::TooLarge).then_some(problem)
        });
        failures.collect()
    }
}

fn help(failure: &Failure<'_>, rules: &RuleSet) -> String {
    let when = failure.template.text.trim();
    let nothing = "nothing is sent then, not even for other rules";
    // A name by itself, such as `env.FLAG`.
    let named = |c: char| c.is_ascii_alphanumeric() || "_.[]\"'".contains(c);
    if failure.why.kind == RenderErrorKind::TextForTruth && when.chars().all(named) {
        let mut vars = rules.vars.iter();
        if vars.any(|var| var.name == when && is_padded(var)) {
            return format!(
                "{nothing}: `{when}` is a text because of the blanks or line breaks around its braces: leave them out, and write `|-` for `|`"
            );
        }
        return format!("{nothing}: compare it with a text, as in `{when} == \"yes\"`");
    }
    format!("{nothing}: correct it, or remove the event from `on`")
}

/// Returns true if the value of an expression is a variable's, except for blanks around it.
fn is_padded(var: &Var) -> bool {
    match &var.value {
        TemplateValue::Text(template) => {
            let text = template.text.as_str();
            lone_expression(text).is_none() && lone_expression(text.trim()).is_some()
        }
        _ => false,
    }
}

/// Every template of a rule: its condition, and those of its requests.
pub(super) fn templates(rule: &Rule) -> Vec<(&Template, Syntax)> {
    let when = rule.when.iter().map(|when| (when, Syntax::Expression));
    let mut found: Vec<_> = when.collect();
    for value in rule.requests.iter().flat_map(RequestTemplate::values) {
        for template in value.texts() {
            if is_template(&template.text) {
                found.push((template, Syntax::Text));
            }
        }
    }
    found
}
