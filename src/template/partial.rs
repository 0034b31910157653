//! Evaluates a template with some facts unknown.
//!
//! Parts that use no unknown fact are left to the engine. For the others, the possible kinds of values are known: the
//! environment, arguments and names are text, whatever their values. The parts of an `and` and of an `or` are
//! evaluated one by one: one that is certainly false makes an `and` false wherever it is.

use minijinja::Value;
use minijinja::machinery::ast::{BinOp, BinOpKind, CallArg, Expr, Filter, Test, UnaryOpKind};
use minijinja::machinery::parse_expr;

use crate::model::{Template, TemplateValue};

use super::asked::Asked;
use super::error::RenderError;
use super::kinds::{Kinds, of_filter, of_test};
use super::render::{failed, guards, render, tree_value, truth, undefined};
use super::scope::Root;
use super::table::Guards;
use super::usage::names_in;
use super::{FACTS, Scope, Syntax, is_template, lone_expression};

/// The result of a partial evaluation.
#[derive(Debug, Clone)]
pub enum Residual {
    /// This value, whatever the unknown facts are; for a condition, true or false. A condition that is false or fails
    /// also counts as false: it is never true.
    Value(serde_json::Value),
    /// It fails.
    Error(RenderError),
    /// It depends on unknown facts.
    Unknown(Unknown),
}

/// A template with an unknown value.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// The variables that it depends on.
    pub names: Vec<String>,
    /// The error of a condition that can't be true and may be something other than false.
    pub never_truth: Option<RenderError>,
    /// True if a condition may be false.
    pub may_be_false: bool,
}

/// Evaluates a template as far as possible.
pub fn partial(template: &Template, syntax: Syntax, scope: &Scope) -> Residual {
    if syntax == Syntax::Text {
        let scope = scope.afresh();
        let result = render(&TemplateValue::Text(template.clone()), &scope);
        return match result {
            _ if scope.guessed() => Residual::Unknown(Unknown {
                names: Vec::new(),
                never_truth: None,
                may_be_false: true,
            }),
            Ok(value) => Residual::Value(value),
            Err(error) => Residual::Error(error),
        };
    }
    let text = template.text.as_str();
    let tree = match parse_expr(text) {
        Ok(tree) => tree,
        Err(error) => return Residual::Error(failed(&error, template)),
    };
    match Evaluation::new(template, text, scope).part(&tree) {
        Part::Known(value) => match truth(&value, template) {
            Ok(value) => Residual::Value(value.into()),
            Err(error) => Residual::Error(error),
        },
        Part::Fails(error) => Residual::Error(error),
        Part::Open { kinds, .. } if kinds.is_false() => Residual::Value(false.into()),
        Part::Open { kinds, names } => Residual::Unknown(Unknown {
            names,
            never_truth: kinds
                .instead_of_true()
                .map(|kind| RenderError::no_truth(kind, kinds.may_be_false(), template)),
            may_be_false: kinds.may_be_false(),
        }),
    }
}

/// The evaluation of one template, or of the expression of a variable.
struct Evaluation<'a> {
    template: &'a Template,
    text: &'a str,
    scope: &'a Scope,
    guards: Guards,
}

/// The result for a part of an expression.
enum Part {
    Known(Value),
    Fails(RenderError),
    Open { kinds: Kinds, names: Vec<String> },
}

impl Part {
    fn kinds(&self) -> Kinds {
        match self {
            Self::Known(value) => Kinds::of(value),
            Self::Open { kinds, .. } => *kinds,
            Self::Fails(_) => Kinds::ANY,
        }
    }
}

impl<'a> Evaluation<'a> {
    fn new(template: &'a Template, text: &'a str, scope: &'a Scope) -> Self {
        Self {
            template,
            text,
            scope,
            guards: guards(text, Syntax::Expression),
        }
    }

    fn part(&self, tree: &Expr<'_>) -> Part {
        match tree {
            Expr::BinOp(node) if matches!(node.op, BinOpKind::ScAnd) => self.both(node),
            Expr::BinOp(node) if matches!(node.op, BinOpKind::ScOr) => self.either(node),
            Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Not) => {
                match self.part(&node.expr) {
                    Part::Known(value) => Part::Known((!value.is_true()).into()),
                    Part::Open { kinds, names } => Part::Open {
                        kinds: opposite(kinds),
                        names,
                    },
                    failed @ Part::Fails(_) => failed,
                }
            }
            tree => self.single(tree),
        }
    }

    fn both(&self, node: &BinOp<'_>) -> Part {
        match self.part(&node.left) {
            Part::Known(value) if value.is_true() => self.part(&node.right),
            Part::Open { kinds, names } if !kinds.truthy().is_nothing() => {
                match self.part(&node.right) {
                    Part::Known(value) if !value.is_true() => Part::Known(false.into()),
                    other => joined(kinds.falsy(), names, other),
                }
            }
            other => other,
        }
    }

    fn either(&self, node: &BinOp<'_>) -> Part {
        match self.part(&node.left) {
            Part::Known(value) if !value.is_true() => self.part(&node.right),
            Part::Open { kinds, names } if !kinds.falsy().is_nothing() => {
                match self.part(&node.right) {
                    // The unknown part may be a text, and then the whole would be one.
                    Part::Known(value) if value.is_true() && kinds.is_bool() => Part::Known(value),
                    other => joined(kinds.truthy(), names, other),
                }
            }
            other => other,
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
            Err(_) if scope.guessed() => Part::Open {
                kinds: self.kinds(tree),
                names: names_in(tree),
            },
            Err(error) => Part::Fails(failed(&error, self.template)),
            Ok(_) => Part::Fails(undefined(self.text, self.template)),
        }
    }

    /// The kinds of an expression with an unknown value.
    fn kinds(&self, tree: &Expr<'_>) -> Kinds {
        match tree {
            Expr::Var(node) => self.of_name(node.id),
            Expr::GetAttr(node) => self.of_entry(&node.expr),
            Expr::GetItem(node) => self.of_entry(&node.expr),
            Expr::Slice(node) => match self.part(&node.expr).kinds() {
                Kinds::TEXT => Kinds::TEXT,
                _ => Kinds::ANY,
            },
            Expr::BinOp(node) => match node.op {
                BinOpKind::Eq => self.equal(&node.left, &node.right),
                BinOpKind::Ne => opposite(self.equal(&node.left, &node.right)),
                BinOpKind::In => self.within(&node.left, &node.right),
                BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte => Kinds::BOOL,
                BinOpKind::Concat => Kinds::TEXT,
                _ => Kinds::ANY,
            },
            // A chain, as in `1 < a < 3`.
            Expr::Compare(_) => Kinds::BOOL,
            Expr::Test(node) => self.of_test(node),
            Expr::Filter(node) => self.of_filter(node),
            Expr::IfExpr(node) => match &node.false_expr {
                Some(other) => {
                    let one = self.part(&node.true_expr).kinds();
                    one.or(self.part(other).kinds())
                }
                None => Kinds::ANY,
            },
            _ => Kinds::ANY,
        }
    }

    fn of_name(&self, name: &str) -> Kinds {
        match name {
            "env" | "args" => Kinds::MAP,
            name if FACTS.contains(&name) => Kinds::TEXT,
            name => self.scope.kinds_of_var(name, of_value),
        }
    }

    /// `base.key` and `base[key]`: the environment and the arguments contain texts, a table its own values.
    fn of_entry(&self, base: &Expr<'_>) -> Kinds {
        if matches!(base, Expr::Var(node) if matches!(node.id, "env" | "args")) {
            return Kinds::TEXT;
        }
        match self.part(base) {
            Part::Open {
                kinds: Kinds::TEXT, ..
            } => Kinds::TEXT,
            Part::Known(value) => {
                let keys = value.try_iter().into_iter().flatten();
                let values = keys.map(|key| match Kinds::of(&value) {
                    Kinds::MAP => value.get_item(&key).map_or(Kinds::ANY, |v| Kinds::of(&v)),
                    _ => Kinds::of(&key),
                });
                match values.fold(Kinds::NOTHING, Kinds::or) {
                    Kinds::NOTHING => Kinds::ANY,
                    kinds => kinds,
                }
            }
            _ => Kinds::ANY,
        }
    }

    fn of_test(&self, node: &Test<'_>) -> Kinds {
        match (node.name, node.args.as_slice()) {
            ("defined" | "undefined", _) => Kinds::BOOL,
            ("eq" | "equalto" | "sameas", [CallArg::Pos(other)]) => self.equal(&node.expr, other),
            ("ne", [CallArg::Pos(other)]) => opposite(self.equal(&node.expr, other)),
            ("in", [CallArg::Pos(other)]) => self.within(&node.expr, other),
            (name, []) => of_test(name, self.part(&node.expr).kinds()),
            _ => Kinds::BOOL,
        }
    }

    fn of_filter(&self, node: &Filter<'_>) -> Kinds {
        let Some(subject) = &node.expr else {
            return Kinds::ANY;
        };
        match (node.name, node.args.as_slice()) {
            ("default" | "d", [CallArg::Pos(other), ..]) => {
                let subject = self.part(subject).kinds();
                subject.or(self.part(other).kinds())
            }
            (name, _) => of_filter(name, self.part(subject).kinds()),
        }
    }

    fn equal(&self, left: &Expr<'_>, right: &Expr<'_>) -> Kinds {
        let (one, other) = (self.part(left), self.part(right));
        let never = self.never_equal(left, &one, &other) || self.never_equal(right, &other, &one);
        if never { Kinds::FALSE } else { Kinds::BOOL }
    }

    fn within(&self, value: &Expr<'_>, list: &Expr<'_>) -> Kinds {
        let (part, list) = (self.part(value), self.part(list));
        let Part::Known(list) = &list else {
            return Kinds::BOOL;
        };
        if !matches!(Kinds::of(list), Kinds::LIST | Kinds::MAP) {
            return Kinds::BOOL;
        }
        let Ok(mut items) = list.try_iter() else {
            return Kinds::BOOL;
        };
        if items.all(|item| self.never_equal(value, &part, &Part::Known(item))) {
            Kinds::FALSE
        } else {
            Kinds::BOOL
        }
    }

    /// Returns true if the value of `tree`, of which `part` is known, never equals the other.
    fn never_equal(&self, tree: &Expr<'_>, part: &Part, other: &Part) -> bool {
        if part.kinds().never_equal(other.kinds()) {
            return true;
        }
        let (Part::Open { .. }, Part::Known(value)) = (part, other) else {
            return false;
        };
        let possible = match tree {
            Expr::Var(node) => self.scope.possible(node.id, None),
            Expr::GetAttr(node) => self.possible_in(&node.expr, Some(node.name)),
            Expr::GetItem(node) => self.possible_in(&node.expr, key_of(&node.subscript_expr)),
            _ => None,
        };
        let text = value.as_str();
        possible.is_some_and(|possible: &Asked| text.is_some_and(|text| !possible.allows(text)))
    }

    fn possible_in(&self, base: &Expr<'_>, key: Option<&str>) -> Option<&Asked> {
        match base {
            Expr::Var(node) => self.scope.possible(node.id, Some(key?)),
            _ => None,
        }
    }
}

fn key_of<'t>(tree: &'t Expr<'_>) -> Option<&'t str> {
    match tree {
        Expr::Const(node) => node.value.as_str(),
        _ => None,
    }
}

/// The kinds of a variable with an unknown value.
fn of_value(value: &TemplateValue, scope: &Scope) -> Kinds {
    match value {
        TemplateValue::List(_) => Kinds::LIST,
        TemplateValue::Map(_) => Kinds::MAP,
        TemplateValue::Text(template) if is_template(&template.text) => {
            let Some(text) = lone_expression(&template.text) else {
                return Kinds::TEXT;
            };
            match parse_expr(text) {
                Ok(tree) => Evaluation::new(template, text, scope).part(&tree).kinds(),
                Err(_) => Kinds::ANY,
            }
        }
        TemplateValue::Text(_) => Kinds::TEXT,
        _ => Kinds::ANY,
    }
}

fn opposite(kinds: Kinds) -> Kinds {
    let of = |some: Kinds, kind| {
        if some.is_nothing() {
            Kinds::NOTHING
        } else {
            kind
        }
    };
    of(kinds.falsy(), Kinds::TRUE).or(of(kinds.truthy(), Kinds::FALSE))
}

/// The residual of the first part of an `and` or an `or`, joined with the other part.
fn joined(kinds: Kinds, mut names: Vec<String>, other: Part) -> Part {
    let more = match &other {
        // It may not be evaluated.
        Part::Fails(_) => Kinds::TRUE,
        other => other.kinds(),
    };
    if let Part::Open { names: others, .. } = other {
        names.extend(others);
    }
    Part::Open {
        kinds: kinds.or(more),
        names,
    }
}
