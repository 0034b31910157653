//! From a template and its scope to a value.

use std::sync::Arc;

use minijinja::machinery::{CodeGenerator, ast, eval, make_string_output, parse, parse_expr};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Error, Value};

use crate::model::{Template, TemplateValue, Var};

use super::error::{Cause, RenderError, RenderErrorKind};
use super::limits::Budget;
use super::scope::Root;
use super::table::Guards;
use super::{ENGINE, Scope, Syntax, Usage, inspect, is_template, lone_expression, strict};

impl Scope {
    /// A scope with only the file's variables; all of them are visible.
    pub fn new(vars: &[Var]) -> Self {
        Self::rendered_by(render_value, vars)
    }
}

/// Renders a value of the rules file to JSON; the error is that of the first template that can't be rendered.
pub fn render(value: &TemplateValue, scope: &Scope) -> Result<serde_json::Value, RenderError> {
    // The results of its templates together must fit.
    let mut budget = Budget::default();
    value.try_json(&mut |template| {
        if is_template(&template.text) {
            to_json(&evaluate(template, scope, &mut budget)?, template)
        } else {
            Ok(template.text.clone().into())
        }
    })
}

/// Evaluates a `when`, which is true or false.
pub fn condition(expression: &Template, scope: &Scope) -> Result<bool, RenderError> {
    let value = expression_value(&expression.text, expression, scope)?;
    truth(&value, expression)
}

/// The value of a condition as a boolean.
pub(super) fn truth(value: &Value, expression: &Template) -> Result<bool, RenderError> {
    // The value itself is not repeated: it may come from the environment.
    bool::try_from(value.clone())
        .map_err(|_| RenderError::no_truth(&value.kind().to_string(), false, expression))
}

/// Renders a variable's value to the engine's own type, so that a list stays a list.
pub(super) fn render_value(value: &TemplateValue, scope: &Scope) -> Result<Value, RenderError> {
    match value {
        TemplateValue::Text(template) if is_template(&template.text) => {
            evaluate(template, scope, &mut Budget::default())
        }
        other => render(other, scope).map(|json| Value::from(minijinja::value::Serde(json))),
    }
}

fn evaluate(template: &Template, scope: &Scope, budget: &mut Budget) -> Result<Value, RenderError> {
    let value = match lone_expression(&template.text) {
        Some(expression) => expression_value(expression, template, scope)?,
        None => text_value(&template.text, scope).map_err(|error| failed(&error, template))?,
    };
    budget
        .take(&value)
        .map_err(|error| failed(&error, template))?;
    Ok(value)
}

fn text_value(text: &str, scope: &Scope) -> Result<Value, Error> {
    let tree = parse(text, "", SyntaxConfig::default())?;
    let mut code = CodeGenerator::new("", text);
    code.compile_stmt(&strict::statement(&tree));
    let mut out = String::new();
    run(code, root(text, Syntax::Text, scope), &mut out)?;
    Ok(Value::from(out))
}

fn expression_value(text: &str, template: &Template, scope: &Scope) -> Result<Value, RenderError> {
    let value = parse_expr(text)
        .and_then(|tree| tree_value(&tree, text, root(text, Syntax::Expression, scope)))
        .map_err(|error| failed(&error, template))?;
    if value.is_undefined() {
        return Err(undefined(text, template));
    }
    Ok(value)
}

/// The error of an expression with an undefined value.
pub(super) fn undefined(text: &str, template: &Template) -> RenderError {
    let message = format!("`{}` is undefined", shorten(text.trim()));
    RenderError::new(message, template.origin.clone())
}

/// The value of an expression that is already parsed.
pub(super) fn tree_value(tree: &ast::Expr<'_>, text: &str, root: Value) -> Result<Value, Error> {
    let mut code = CodeGenerator::new("<expression>", text);
    code.compile_expr(&strict::expression(tree));
    Ok(run(code, root, &mut String::new())?.unwrap_or_default())
}

/// Runs compiled code; returns the last remaining value, for an expression.
fn run(code: CodeGenerator<'_>, root: Value, out: &mut String) -> Result<Option<Value>, Error> {
    let (instructions, blocks) = code.finish();
    let mut out = make_string_output(out);
    let result = eval(
        &ENGINE,
        &instructions,
        root,
        &blocks,
        &mut out,
        AutoEscape::None,
    );
    result.map(|(value, _)| value)
}

/// The names visible to a template.
fn root(text: &str, syntax: Syntax, scope: &Scope) -> Value {
    Value::from_object(Root {
        scope: scope.clone(),
        guards: guards(text, syntax),
    })
}

/// The names that a template guards. Most templates guard nothing, and need not be parsed for this.
pub(super) fn guards(text: &str, syntax: Syntax) -> Guards {
    let may_guard = text.contains('|') || text.contains("defined");
    let usage = if may_guard {
        inspect(text, syntax).unwrap_or_default()
    } else {
        Usage::default()
    };
    let guards = usage
        .variables
        .into_iter()
        .filter(|reference| reference.guarded)
        .map(|reference| (reference.name, reference.attribute));
    Guards(Arc::new(guards.collect()))
}

fn to_json(value: &Value, template: &Template) -> Result<serde_json::Value, RenderError> {
    let not_json = |what: &str| {
        let message = format!("`{}` gives {what}", shorten(&template.text));
        RenderError::new(message, template.origin.clone())
    };
    if f64::try_from(value.clone()).is_ok_and(|number| !number.is_finite()) && value.is_number() {
        return Err(not_json("a number that JSON does not have"));
    }
    serde_json::to_value(value).map_err(|_| not_json("something that is not JSON"))
}

pub(super) fn failed(error: &minijinja::Error, template: &Template) -> RenderError {
    use minijinja::ErrorKind;
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "the template takes too many steps".to_owned(),
        (ErrorKind::UndefinedError, None) => {
            format!(
                "`{}` uses something that is undefined",
                shorten(&template.text)
            )
        }
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    let kind = Cause::of(error).unwrap_or(RenderErrorKind::Other);
    RenderError {
        kind,
        ..RenderError::new(shorten(&message), template.origin.clone())
    }
}

/// Limits the text repeated in a message.
fn shorten(text: &str) -> String {
    const LIMIT: usize = 400;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use crate::model::Origin;

    use super::*;
    use crate::model::Var;

    fn text(text: &str) -> TemplateValue {
        TemplateValue::Text(Template {
            text: text.to_owned(),
            origin: Origin::default(),
        })
    }

    fn scope() -> Scope {
        let vars = [
            ("server", text("main")),
            ("model", text("{{ server }}:{{ node }}")),
            (
                "list",
                TemplateValue::List(vec![text("a"), text("{{ server }}")]),
            ),
            ("broken", text("{{ datadir }}")),
            ("early", text("{{ late }}")),
            ("late", text("x")),
        ];
        let vars = vars.map(|(name, value)| Var {
            name: name.to_owned(),
            label: name.to_owned(),
            origin: Origin::default(),
            value,
        });
        let env = BTreeMap::from([("SITE".to_owned(), "paris".to_owned())]);
        Scope::new(&vars)
            .text("cluster", "main")
            .text("node", "n1")
            .maybe(
                "datadir",
                None,
                "Patroni passes it for `bootstrap` and `create_replica`",
            )
            .table("env", &env)
            .table("args", &BTreeMap::new())
    }

    #[test]
    fn values_keep_their_type() {
        for (template, expected) in [
            ("plain", json!("plain")),
            ("{{ model }}", json!("main:n1")),
            ("{{ list }}", json!(["a", "main"])),
            ("{{ true }}", json!(true)),
            ("{{ 1 + 1 }}", json!(2)),
            ("is {{ true }}", json!("is true")),
            ("{{ env.SITE }}-{{ cluster | upper }}", json!("paris-MAIN")),
            ("{{ env.NOPE | default('x') }}", json!("x")),
            ("{{ datadir is defined }}", json!(false)),
            ("{{ args.a is defined and args.a == 'x' }}", json!(false)),
            ("{{ '<' }}", json!("<")),
        ] {
            assert_eq!(
                render(&text(template), &scope()),
                Ok(expected),
                "{template}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_an_error_and_says_so() {
        for (template, part) in [
            ("{{ nope }}", "there is no variable `nope`"),
            ("a {{ env.NOPE }}", "environment variable `NOPE` is not set"),
            (
                "{{ env.NOPE == 'x' }}",
                "environment variable `NOPE` is not set",
            ),
            ("{{ args.x }}", "no argument `--x=…`"),
            ("{{ datadir }}", "`datadir` is not known: Patroni passes it"),
            ("{{ broken }}", "in var `broken`: `datadir` is not known"),
            ("{{ early }}", "there is no variable `late`"),
            ("{{ list.nope }}", "undefined"),
            (
                "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
                "too many steps",
            ),
            ("{{ 1 / 0 }}", "unable to calculate"),
            ("{{ 1e308 * 10 }}", "a number that JSON does not have"),
        ] {
            let error = render(&text(template), &scope()).unwrap_err();
            assert!(
                error.message.contains(part),
                "{template}: {}",
                error.message
            );
        }
    }

    #[test]
    fn the_scope_remembers_which_fact_was_missing() {
        for (template, missing) in [
            ("{{ broken }}", Some("datadir")),
            ("{{ datadir }}", Some("datadir")),
            ("{{ datadir is defined }}", None),
            ("{{ nope }}", None),
        ] {
            let scope = scope();
            let _ = render(&text(template), &scope);
            assert_eq!(scope.missing(), missing, "{template}");
        }
    }

    #[test]
    fn a_condition_is_true_or_false_and_nothing_else() {
        let when = |text: &str| {
            condition(
                &Template {
                    text: text.to_owned(),
                    origin: Origin::default(),
                },
                &scope(),
            )
        };
        assert_eq!(when("env.SITE == 'paris'"), Ok(true));
        assert_eq!(when("not (cluster == 'main')"), Ok(false));
        assert!(
            when("cluster")
                .unwrap_err()
                .message
                .contains("must give true or false")
        );
        assert!(when("env.NOPE == 'paris'").is_err());
    }
}
