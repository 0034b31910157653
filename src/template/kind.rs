//! What kind of value an expression gives, where that is certain from its text, whatever the facts are.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr};
use minijinja::machinery::parse_expr;
use minijinja::value::ValueKind;

use crate::model::{TemplateValue, Var};

use super::{FACTS, is_template, lone_expression};

/// Filters that give a text.
const TEXT_FILTERS: [&str; 9] = [
    "capitalize",
    "escape",
    "format",
    "join",
    "lower",
    "string",
    "title",
    "trim",
    "upper",
];

/// The kind of value that a `when` always gives, if it is certain and is not true or false; `vars` are the file's.
#[must_use]
pub fn never_truth(when: &str, vars: &[Var]) -> Option<&'static str> {
    match kind(&parse_expr(when).ok()?, vars)? {
        ValueKind::String => Some("string"),
        ValueKind::Map => Some("map"),
        ValueKind::Seq => Some("sequence"),
        _ => None,
    }
}

fn kind(tree: &Expr<'_>, vars: &[Var]) -> Option<ValueKind> {
    match tree {
        Expr::Var(node) => of_name(node.id, vars),
        Expr::GetAttr(node) => of_entry(&node.expr),
        Expr::GetItem(node) => of_entry(&node.expr),
        Expr::Const(node) => Some(node.value.kind()),
        Expr::BinOp(node) => matches!(node.op, BinOpKind::Concat).then_some(ValueKind::String),
        Expr::Filter(node) => match (node.name, node.args.as_slice()) {
            (name, _) if TEXT_FILTERS.contains(&name) => Some(ValueKind::String),
            ("default" | "d", [CallArg::Pos(other)]) => {
                let kind_of_other = kind(other, vars)?;
                (kind(node.expr.as_ref()?, vars)? == kind_of_other).then_some(kind_of_other)
            }
            _ => None,
        },
        _ => None,
    }
}

fn of_name(name: &str, vars: &[Var]) -> Option<ValueKind> {
    match name {
        "env" | "args" => return Some(ValueKind::Map),
        name if FACTS.contains(&name) => return Some(ValueKind::String),
        _ => {}
    }
    let index = vars.iter().position(|var| var.name == name)?;
    let (above, from) = vars.split_at_checked(index)?;
    match &from.first()?.value {
        TemplateValue::List(_) => Some(ValueKind::Seq),
        TemplateValue::Map(_) => Some(ValueKind::Map),
        TemplateValue::Text(template) if !is_template(&template.text) => {
            // An empty one may be meant to be given on the command line.
            (!template.text.is_empty()).then_some(ValueKind::String)
        }
        TemplateValue::Text(template) => match lone_expression(&template.text) {
            Some(expression) => kind(&parse_expr(expression).ok()?, above),
            None => Some(ValueKind::String),
        },
        TemplateValue::Null | TemplateValue::Bool(_) | TemplateValue::Number(_) => None,
    }
}

/// What `env` and `args` hold is text.
fn of_entry(base: &Expr<'_>) -> Option<ValueKind> {
    match base {
        Expr::Var(node) if matches!(node.id, "env" | "args") => Some(ValueKind::String),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Origin, Template};

    #[test]
    fn only_what_is_certain_is_said() {
        let var = |name: &str, text: &str| Var {
            name: name.to_owned(),
            label: name.to_owned(),
            origin: Origin::default(),
            value: TemplateValue::Text(Template {
                text: text.to_owned(),
                origin: Origin::default(),
            }),
        };
        let vars = [
            var("site", "{{ env.SITE }}"),
            var("wanted", "{{ env.SITE == 'a' }}"),
            var("empty", ""),
            var("path", "/x/{{ node }}"),
        ];
        for (when, kind) in [
            ("env.SITE", Some("string")),
            ("env['SITE']", Some("string")),
            ("env[node]", Some("string")),
            ("node", Some("string")),
            ("args", Some("map")),
            ("env.SITE | default('no')", Some("string")),
            ("node ~ cluster", Some("string")),
            ("site", Some("string")),
            ("path", Some("string")),
            ("wanted", None),
            ("empty", None),
            ("env.SITE | default(false)", None),
            ("env.SITE | bool", None),
            ("env.SITE == 'a'", None),
            ("env.SITE and wanted", None),
            ("true", None),
            ("1 +", None),
        ] {
            assert_eq!(never_truth(when, &vars), kind, "{when}");
        }
    }
}
