//! Makes templates fail where the engine is lenient. The tree of a template is rewritten before it is run:
//!
//! - A missing value is an error wherever it is used: the engine writes nothing for it in a joined list,
//!   in some filters, and for an `if` without an `else`.
//! - The size of a value is limited. For the engine, `[a, a]` contains `a` once, but writing it takes twice the time; thirty
//!   such steps take for ever. So every value is measured where it is created and where it is used.
//! - `in` tests the names of `env` and `args`. The engine would look up the value, and a missing one is an error object
//!   there, which counts as a value.
//!
//! The engine's own settings give none of this: each point has a test in `tests/templates.rs` that fails without the rewriting.

use minijinja::machinery::ast::{
    AutoEscape, BinOp, BinOpKind, Call, CallArg, Compare, CompareOp, CompareOpKind, Const, Do,
    EmitExpr, EmitRaw, Expr, Filter, FilterBlock, ForLoop, GetAttr, GetItem, IfCond, IfExpr, List,
    Map, Set, SetBlock, Slice, Spanned, Stmt, Template, Test, Tuple, UnaryOp, UnaryOpKind, Var,
    WithBlock,
};

use super::limits::{MEASURED, NAMES, THERE, WRITTEN, WRITTEN_ITEMS};

/// Filters that convert a value to text.
const WRITERS: [&str; 10] = [
    "capitalize",
    "e",
    "escape",
    "indent",
    "lower",
    "replace",
    "string",
    "title",
    "trim",
    "upper",
];

/// A strict form of a statement.
pub(super) fn statement<'a>(given: &Stmt<'a>) -> Stmt<'a> {
    match given {
        Stmt::Template(node) => {
            let children = statements(&node.children);
            Stmt::Template(with(node, Template { children }))
        }
        Stmt::EmitExpr(node) => {
            let expr = expression(&node.expr);
            Stmt::EmitExpr(with(node, EmitExpr { expr }))
        }
        Stmt::EmitRaw(node) => Stmt::EmitRaw(with(node, EmitRaw { raw: node.raw })),
        Stmt::ForLoop(node) => {
            let strict = ForLoop {
                target: target(&node.target),
                iter: expression(&node.iter),
                filter_expr: node.filter_expr.as_ref().map(expression),
                recursive: node.recursive,
                body: statements(&node.body),
                else_body: statements(&node.else_body),
            };
            Stmt::ForLoop(with(node, strict))
        }
        Stmt::IfCond(node) => {
            let strict = IfCond {
                expr: expression(&node.expr),
                true_body: statements(&node.true_body),
                false_body: statements(&node.false_body),
            };
            Stmt::IfCond(with(node, strict))
        }
        Stmt::WithBlock(node) => {
            let assign = |(name, value): &(Expr<'a>, Expr<'a>)| (target(name), expression(value));
            let strict = WithBlock {
                assignments: node.assignments.iter().map(assign).collect(),
                body: statements(&node.body),
            };
            Stmt::WithBlock(with(node, strict))
        }
        Stmt::Set(node) => {
            let (target, expr) = (target(&node.target), expression(&node.expr));
            Stmt::Set(with(node, Set { target, expr }))
        }
        Stmt::SetBlock(node) => {
            let strict = SetBlock {
                target: target(&node.target),
                filter: node.filter.as_ref().map(expression),
                body: statements(&node.body),
            };
            Stmt::SetBlock(with(node, strict))
        }
        Stmt::AutoEscape(node) => {
            let (enabled, body) = (expression(&node.enabled), statements(&node.body));
            Stmt::AutoEscape(with(node, AutoEscape { enabled, body }))
        }
        Stmt::FilterBlock(node) => {
            let strict = FilterBlock {
                filter: expression(&node.filter),
                filter_span: node.filter_span,
                body: statements(&node.body),
            };
            Stmt::FilterBlock(with(node, strict))
        }
        Stmt::Do(node) => {
            let call = call(&node.call);
            Stmt::Do(with(node, Do { call }))
        }
    }
}

fn statements<'a>(given: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    given.iter().map(statement).collect()
}

/// The target of an assignment.
fn target<'a>(given: &Expr<'a>) -> Expr<'a> {
    match given {
        Expr::List(node) => {
            let items = node.items.iter().map(target).collect();
            Expr::List(with(node, List { items }))
        }
        Expr::Tuple(node) => {
            let items = node.items.iter().map(target).collect();
            Expr::Tuple(with(node, Tuple { items }))
        }
        other => expression(other),
    }
}

/// A strict form of an expression.
pub(super) fn expression<'a>(given: &Expr<'a>) -> Expr<'a> {
    match given {
        Expr::Var(node) => Expr::Var(with(node, Var { id: node.id })),
        Expr::Const(node) => {
            let value = node.value.clone();
            Expr::Const(with(node, Const { value }))
        }
        Expr::Slice(node) => {
            let strict = Slice {
                expr: expression(&node.expr),
                start: node.start.as_ref().map(expression),
                stop: node.stop.as_ref().map(expression),
                step: node.step.as_ref().map(expression),
            };
            Expr::Slice(with(node, strict))
        }
        Expr::UnaryOp(node) => Expr::UnaryOp(with(node, unary(node))),
        Expr::BinOp(node) => binary(node),
        Expr::Compare(node) => {
            let ops = node.ops.iter().map(compared).collect();
            let expr = there(&node.expr);
            Expr::Compare(with(node, Compare { expr, ops }))
        }
        Expr::IfExpr(node) => choice(node),
        Expr::Filter(node) => filter(node),
        Expr::Test(node) => test(node),
        Expr::GetAttr(node) => {
            let (expr, name) = (expression(&node.expr), node.name);
            Expr::GetAttr(with(node, GetAttr { expr, name }))
        }
        Expr::GetItem(node) => {
            let strict = GetItem {
                expr: expression(&node.expr),
                subscript_expr: expression(&node.subscript_expr),
            };
            Expr::GetItem(with(node, strict))
        }
        // A recursive loop is written out at once, which the budget sees.
        Expr::Call(node) if matches!(&node.expr, Expr::Var(name) if name.id == "loop") => {
            Expr::Call(call(node))
        }
        Expr::Call(node) => around(MEASURED, Expr::Call(call(node))),
        Expr::List(node) => {
            let items = all_there(&node.items);
            around(MEASURED, Expr::List(with(node, List { items })))
        }
        Expr::Tuple(node) => {
            let items = all_there(&node.items);
            around(MEASURED, Expr::Tuple(with(node, Tuple { items })))
        }
        Expr::Map(node) => {
            let (keys, values) = (all_there(&node.keys), all_there(&node.values));
            around(MEASURED, Expr::Map(with(node, Map { keys, values })))
        }
    }
}

fn unary<'a>(node: &UnaryOp<'a>) -> UnaryOp<'a> {
    let op = if matches!(node.op, UnaryOpKind::Not) {
        UnaryOpKind::Not
    } else {
        UnaryOpKind::Neg
    };
    let expr = expression(&node.expr);
    UnaryOp { op, expr }
}

fn choice<'a>(node: &Spanned<IfExpr<'a>>) -> Expr<'a> {
    let other = match &node.false_expr {
        Some(other) => expression(other),
        None => nothing(node),
    };
    let strict = IfExpr {
        test_expr: expression(&node.test_expr),
        true_expr: expression(&node.true_expr),
        false_expr: Some(other),
    };
    Expr::IfExpr(with(node, strict))
}

fn test<'a>(node: &Spanned<Test<'a>>) -> Expr<'a> {
    let asks_whether = matches!(node.name, "defined" | "undefined");
    let expr = if asks_whether {
        expression(&node.expr)
    } else {
        there(&node.expr)
    };
    let name = node.name;
    let args = arguments(&node.args, there);
    Expr::Test(with(node, Test { name, expr, args }))
}

fn binary<'a>(node: &Spanned<BinOp<'a>>) -> Expr<'a> {
    let op = node.op;
    let sides = |left, right| Expr::BinOp(with(node, BinOp { op, left, right }));
    let (left, right) = (&node.left, &node.right);
    match node.op {
        BinOpKind::ScAnd | BinOpKind::ScOr => sides(expression(left), expression(right)),
        BinOpKind::In => sides(there(left), around(NAMES, expression(right))),
        BinOpKind::Concat => sides(as_text(left), as_text(right)),
        BinOpKind::Add | BinOpKind::Mul => around(MEASURED, sides(there(left), there(right))),
        _ => sides(there(left), there(right)),
    }
}

fn compared<'a>(given: &CompareOp<'a>) -> CompareOp<'a> {
    let expr = match given.op {
        CompareOpKind::In | CompareOpKind::NotIn => around(NAMES, expression(&given.expr)),
        _ => there(&given.expr),
    };
    CompareOp { op: given.op, expr }
}

fn filter<'a>(node: &Spanned<Filter<'a>>) -> Expr<'a> {
    let says_what_then = matches!(node.name, "default" | "d");
    let subject = node.expr.as_ref();
    let (expr, args) = if says_what_then {
        (subject.map(expression), arguments(&node.args, expression))
    } else {
        let subject = subject.map(|subject| match node.name {
            "join" => behind(WRITTEN_ITEMS, there(subject)),
            name if WRITERS.contains(&name) => as_text(subject),
            _ => there(subject),
        });
        (subject, arguments(&node.args, there))
    };
    let name = node.name;
    let filter = Filter { name, expr, args };
    around(MEASURED, Expr::Filter(with(node, filter)))
}

fn call<'a>(node: &Spanned<Call<'a>>) -> Spanned<Call<'a>> {
    let (expr, args) = (expression(&node.expr), arguments(&node.args, there));
    with(node, Call { expr, args })
}

fn arguments<'a>(given: &[CallArg<'a>], each: impl Fn(&Expr<'a>) -> Expr<'a>) -> Vec<CallArg<'a>> {
    let argument = |argument: &CallArg<'a>| match argument {
        CallArg::Pos(value) => CallArg::Pos(each(value)),
        CallArg::Kwarg(name, value) => CallArg::Kwarg(name, each(value)),
        CallArg::PosSplat(value) => CallArg::PosSplat(each(value)),
        CallArg::KwargSplat(value) => CallArg::KwargSplat(each(value)),
    };
    given.iter().map(argument).collect()
}

fn all_there<'a>(given: &[Expr<'a>]) -> Vec<Expr<'a>> {
    given.iter().map(there).collect()
}

/// The expression, with an error if its value does not exist.
fn there<'a>(given: &Expr<'a>) -> Expr<'a> {
    match given {
        Expr::Const(_) => expression(given),
        _ => around(THERE, expression(given)),
    }
}

/// The expression, converted to text.
fn as_text<'a>(given: &Expr<'a>) -> Expr<'a> {
    match given {
        Expr::Const(node) if node.value.as_str().is_some() => expression(given),
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Concat) => expression(given),
        _ => behind(WRITTEN, there(given)),
    }
}

/// The expression with one of our filters applied. Constants are unchanged from the file, and need none.
fn around<'a>(name: &'static str, expr: Expr<'a>) -> Expr<'a> {
    if expr.as_const().is_some() {
        return expr;
    }
    behind(name, expr)
}

fn behind<'a>(name: &'static str, expr: Expr<'a>) -> Expr<'a> {
    let span = expr.span();
    let expr = Some(expr);
    let args = Vec::new();
    Expr::Filter(Spanned::new(Filter { name, expr, args }, span))
}

/// A missing value: the result of an `if` without an `else`.
fn nothing<'a>(node: &Spanned<IfExpr<'a>>) -> Expr<'a> {
    let (keys, values) = (Vec::new(), Vec::new());
    let expr = Expr::Map(with(node, Map { keys, values }));
    Expr::GetAttr(with(node, GetAttr { expr, name: "else" }))
}

/// A node replaced by another.
fn with<T, U>(place: &Spanned<T>, node: U) -> Spanned<U> {
    Spanned::new(node, place.span())
}
