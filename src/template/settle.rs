//! Whether a condition holds when not every fact is known.
//!
//! The parts of an `and` and of an `or` are looked at one by one, as somebody who reads the condition would: one that
//! is certainly false makes an `and` false wherever it stands, whatever the others turn out to be.

use minijinja::Value;
use minijinja::machinery::ast::{BinOp, BinOpKind, Expr, UnaryOpKind};
use minijinja::machinery::parse_expr;

use crate::model::Template;

use super::inspect::names_in;
use super::render::{guards, tree_value};
use super::scope::{Guards, Root};
use super::{Scope, Syntax};

/// What is known of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is true.
    Yes,
    /// It is never true: it is false, or some part of it can't be evaluated.
    No,
    /// It can't be evaluated, or gives something that is neither true nor false.
    Fails,
    /// It can't be told before the event. These are the variables of the parts that can't be told.
    Open(Vec<String>),
}

/// What is known of a condition in a scope in which something is unsettled.
#[must_use]
pub fn settle(when: &Template, scope: &Scope) -> Settled {
    let text = when.text.as_str();
    let Ok(tree) = parse_expr(text) else {
        return Settled::Fails;
    };
    let guards = guards(text, Syntax::Expression);
    let condition = Condition {
        text,
        scope,
        guards,
    };
    match condition.part(&tree) {
        Part::Known(value) => match bool::try_from(value) {
            Ok(true) => Settled::Yes,
            Ok(false) => Settled::No,
            Err(_) => Settled::Fails,
        },
        Part::Fails => Settled::Fails,
        Part::Open(names) => Settled::Open(names),
    }
}

struct Condition<'a> {
    text: &'a str,
    scope: &'a Scope,
    guards: Guards,
}

/// What is known of a part.
enum Part {
    Known(Value),
    Fails,
    Open(Vec<String>),
}

impl Condition<'_> {
    fn part(&self, tree: &Expr<'_>) -> Part {
        match tree {
            Expr::BinOp(node) if matches!(node.op, BinOpKind::ScAnd) => self.both(node),
            Expr::BinOp(node) if matches!(node.op, BinOpKind::ScOr) => self.either(node),
            Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Not) => {
                match self.part(&node.expr) {
                    Part::Known(value) => Part::Known((!value.is_true()).into()),
                    other => other,
                }
            }
            tree => self.single(tree),
        }
    }

    fn both(&self, node: &BinOp<'_>) -> Part {
        match self.part(&node.left) {
            Part::Known(value) if value.is_true() => self.part(&node.right),
            Part::Open(names) => match self.part(&node.right) {
                Part::Known(value) if !value.is_true() => Part::Known(false.into()),
                other => Part::Open(and_of(names, other)),
            },
            known => known,
        }
    }

    fn either(&self, node: &BinOp<'_>) -> Part {
        match self.part(&node.left) {
            Part::Known(value) if !value.is_true() => self.part(&node.right),
            Part::Open(names) => match self.part(&node.right) {
                // What is not known may be a text, and the whole would be that.
                Part::Known(value) if value.is_true() && is_truth(&node.left) => Part::Known(value),
                other => Part::Open(and_of(names, other)),
            },
            known => known,
        }
    }

    fn single(&self, tree: &Expr<'_>) -> Part {
        let scope = self.scope.afresh();
        let root = Root {
            scope: scope.clone(),
            guards: self.guards.clone(),
        };
        match tree_value(tree, self.text, Value::from_object(root)) {
            Ok(value) if !value.is_undefined() => Part::Known(value),
            Err(_) if scope.guessed() => Part::Open(names_in(tree)),
            _ => Part::Fails,
        }
    }
}

fn and_of(mut names: Vec<String>, other: Part) -> Vec<String> {
    if let Part::Open(more) = other {
        names.extend(more);
    }
    names
}

/// Whether an expression gives true or false and nothing else.
fn is_truth(tree: &Expr<'_>) -> bool {
    match tree {
        Expr::Compare(_) | Expr::Test(_) => true,
        Expr::UnaryOp(node) => matches!(node.op, UnaryOpKind::Not),
        Expr::BinOp(node) => match node.op {
            BinOpKind::ScAnd | BinOpKind::ScOr => is_truth(&node.left) && is_truth(&node.right),
            BinOpKind::Eq
            | BinOpKind::Ne
            | BinOpKind::Lt
            | BinOpKind::Lte
            | BinOpKind::Gt
            | BinOpKind::Gte
            | BinOpKind::In => true,
            _ => false,
        },
        _ => false,
    }
}
