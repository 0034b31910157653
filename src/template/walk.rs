//! The parts of a template's tree.

use minijinja::machinery::ast::{CallArg, Expr, Stmt};

/// A part of a statement.
pub(super) enum Part<'t, 'a> {
    /// What it assigns to.
    Target(&'t Expr<'a>),
    Value(&'t Expr<'a>),
    Statement(&'t Stmt<'a>),
}

/// The direct parts of a statement, in the order of the text. The call of a `{% do %}` is no expression, and not
/// among them.
pub(super) fn parts<'t, 'a>(statement: &'t Stmt<'a>) -> Vec<Part<'t, 'a>> {
    let mut parts = Vec::new();
    let body: &[Stmt<'a>] = match statement {
        Stmt::Template(node) => &node.children,
        Stmt::EmitExpr(node) => {
            parts.push(Part::Value(&node.expr));
            &[]
        }
        Stmt::EmitRaw(_) | Stmt::Do(_) => &[],
        Stmt::ForLoop(node) => {
            parts.push(Part::Target(&node.target));
            parts.push(Part::Value(&node.iter));
            parts.extend(node.filter_expr.as_ref().map(Part::Value));
            parts.extend(node.body.iter().map(Part::Statement));
            &node.else_body
        }
        Stmt::IfCond(node) => {
            parts.push(Part::Value(&node.expr));
            parts.extend(node.true_body.iter().map(Part::Statement));
            &node.false_body
        }
        Stmt::WithBlock(node) => {
            for (target, value) in &node.assignments {
                parts.extend([Part::Target(target), Part::Value(value)]);
            }
            &node.body
        }
        Stmt::Set(node) => {
            parts.extend([Part::Target(&node.target), Part::Value(&node.expr)]);
            &[]
        }
        Stmt::SetBlock(node) => {
            parts.push(Part::Target(&node.target));
            parts.extend(node.filter.as_ref().map(Part::Value));
            &node.body
        }
        Stmt::AutoEscape(node) => {
            parts.push(Part::Value(&node.enabled));
            &node.body
        }
        Stmt::FilterBlock(node) => {
            parts.push(Part::Value(&node.filter));
            &node.body
        }
    };
    parts.extend(body.iter().map(Part::Statement));
    parts
}

/// The expressions directly inside an expression, in the order of the text.
pub(super) fn inside<'t, 'a>(tree: &'t Expr<'a>) -> Vec<&'t Expr<'a>> {
    let mut found = Vec::new();
    match tree {
        Expr::Var(_) | Expr::Const(_) => {}
        Expr::Slice(node) => {
            found.push(&node.expr);
            found.extend(&node.start);
            found.extend(&node.stop);
            found.extend(&node.step);
        }
        Expr::UnaryOp(node) => found.push(&node.expr),
        Expr::BinOp(node) => found.extend([&node.left, &node.right]),
        Expr::Compare(node) => {
            found.push(&node.expr);
            found.extend(node.ops.iter().map(|op| &op.expr));
        }
        Expr::IfExpr(node) => {
            found.extend([&node.test_expr, &node.true_expr]);
            found.extend(&node.false_expr);
        }
        Expr::Filter(node) => {
            found.extend(&node.expr);
            found.extend(arguments(&node.args));
        }
        Expr::Test(node) => {
            found.push(&node.expr);
            found.extend(arguments(&node.args));
        }
        Expr::GetAttr(node) => found.push(&node.expr),
        Expr::GetItem(node) => found.extend([&node.expr, &node.subscript_expr]),
        Expr::Call(node) => {
            found.push(&node.expr);
            found.extend(arguments(&node.args));
        }
        Expr::List(node) => found.extend(&node.items),
        Expr::Tuple(node) => found.extend(&node.items),
        Expr::Map(node) => found.extend(node.keys.iter().chain(&node.values)),
    }
    found
}

/// The values of arguments.
pub(super) fn arguments<'t, 'a>(all: &'t [CallArg<'a>]) -> impl Iterator<Item = &'t Expr<'a>> {
    all.iter().map(|argument| match argument {
        CallArg::Pos(value)
        | CallArg::Kwarg(_, value)
        | CallArg::PosSplat(value)
        | CallArg::KwargSplat(value) => value,
    })
}
