//! The parts of a template's tree.

use minijinja::machinery::ast::{CallArg, Expr, Stmt};

/// A part of a statement.
pub(super) enum Part<'t, 'a> {
    /// What it assigns to.
    Target(&'t Expr<'a>),
    Value(&'t Expr<'a>),
    Statement(&'t Stmt<'a>),
}

/// Visits the direct parts of a statement, in the order of the text. The call of a `{% do %}` is no expression, and not
/// among them.
pub(super) fn parts<'t, 'a>(statement: &'t Stmt<'a>, visit: &mut dyn FnMut(Part<'t, 'a>)) {
    let body: &[Stmt<'a>] = match statement {
        Stmt::Template(node) => &node.children,
        Stmt::EmitExpr(node) => {
            visit(Part::Value(&node.expr));
            &[]
        }
        Stmt::EmitRaw(_) | Stmt::Do(_) => &[],
        Stmt::ForLoop(node) => {
            visit(Part::Target(&node.target));
            visit(Part::Value(&node.iter));
            node.filter_expr
                .iter()
                .map(Part::Value)
                .for_each(&mut *visit);
            node.body.iter().map(Part::Statement).for_each(&mut *visit);
            &node.else_body
        }
        Stmt::IfCond(node) => {
            visit(Part::Value(&node.expr));
            node.true_body
                .iter()
                .map(Part::Statement)
                .for_each(&mut *visit);
            &node.false_body
        }
        Stmt::WithBlock(node) => {
            for (target, value) in &node.assignments {
                visit(Part::Target(target));
                visit(Part::Value(value));
            }
            &node.body
        }
        Stmt::Set(node) => {
            visit(Part::Target(&node.target));
            visit(Part::Value(&node.expr));
            &[]
        }
        Stmt::SetBlock(node) => {
            visit(Part::Target(&node.target));
            node.filter.iter().map(Part::Value).for_each(&mut *visit);
            &node.body
        }
        Stmt::AutoEscape(node) => {
            visit(Part::Value(&node.enabled));
            &node.body
        }
        Stmt::FilterBlock(node) => {
            visit(Part::Value(&node.filter));
            &node.body
        }
    };
    body.iter().map(Part::Statement).for_each(visit);
}

/// Visits the expressions directly inside an expression, in the order of the text.
pub(super) fn inside<'t, 'a>(tree: &'t Expr<'a>, visit: &mut dyn FnMut(&'t Expr<'a>)) {
    match tree {
        Expr::Var(_) | Expr::Const(_) => {}
        Expr::Slice(node) => {
            visit(&node.expr);
            let bounds = node.start.iter().chain(&node.stop).chain(&node.step);
            bounds.for_each(visit);
        }
        Expr::UnaryOp(node) => visit(&node.expr),
        Expr::BinOp(node) => {
            visit(&node.left);
            visit(&node.right);
        }
        Expr::Compare(node) => {
            visit(&node.expr);
            node.ops.iter().map(|op| &op.expr).for_each(visit);
        }
        Expr::IfExpr(node) => {
            visit(&node.test_expr);
            visit(&node.true_expr);
            node.false_expr.iter().for_each(visit);
        }
        Expr::Filter(node) => {
            node.expr.iter().for_each(&mut *visit);
            arguments(&node.args).for_each(visit);
        }
        Expr::Test(node) => {
            visit(&node.expr);
            arguments(&node.args).for_each(visit);
        }
        Expr::GetAttr(node) => visit(&node.expr),
        Expr::GetItem(node) => {
            visit(&node.expr);
            visit(&node.subscript_expr);
        }
        Expr::Call(node) => {
            visit(&node.expr);
            arguments(&node.args).for_each(visit);
        }
        Expr::List(node) => node.items.iter().for_each(visit),
        Expr::Tuple(node) => node.items.iter().for_each(visit),
        Expr::Map(node) => node.keys.iter().chain(&node.values).for_each(visit),
    }
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
