//! Writes an expression in a canonical form, regardless of spaces and quotes, so that two of them can be compared.

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};

/// Returns the same text for two expressions only if they always have the same value.
pub(super) fn written(tree: &Expr<'_>) -> String {
    match tree {
        Expr::Var(node) => node.id.to_owned(),
        Expr::Const(node) => match node.value.as_str() {
            Some(text) => format!("{text:?}"),
            None => format!("{:?}", node.value),
        },
        Expr::GetAttr(node) => format!("{}[{:?}]", written(&node.expr), node.name),
        Expr::GetItem(node) => {
            format!("{}[{}]", written(&node.expr), written(&node.subscript_expr))
        }
        Expr::Slice(node) => {
            let bound = |bound: &Option<Expr<'_>>| bound.as_ref().map(written).unwrap_or_default();
            let ends = format!("{}:{}", bound(&node.start), bound(&node.stop));
            format!("{}[{ends}:{}]", written(&node.expr), bound(&node.step))
        }
        Expr::UnaryOp(node) => {
            let sign = match node.op {
                UnaryOpKind::Not => "not",
                UnaryOpKind::Neg => "-",
            };
            format!("({sign} {})", written(&node.expr))
        }
        Expr::BinOp(node) => {
            let (left, right) = (written(&node.left), written(&node.right));
            format!("({left} {} {right})", sign(node.op))
        }
        Expr::Compare(node) => {
            let ops = node.ops.iter().map(|op| {
                let sign = match op.op {
                    CompareOpKind::Eq => "==",
                    CompareOpKind::Ne => "!=",
                    CompareOpKind::Lt => "<",
                    CompareOpKind::Lte => "<=",
                    CompareOpKind::Gt => ">",
                    CompareOpKind::Gte => ">=",
                    CompareOpKind::In => "in",
                    CompareOpKind::NotIn => "not in",
                };
                format!(" {sign} {}", written(&op.expr))
            });
            format!("({}{})", written(&node.expr), ops.collect::<String>())
        }
        Expr::IfExpr(node) => {
            let other = node.false_expr.as_ref().map(written).unwrap_or_default();
            let (test, then) = (written(&node.test_expr), written(&node.true_expr));
            format!("({then} if {test} else {other})")
        }
        Expr::Filter(node) => {
            let subject = node.expr.as_ref().map(written).unwrap_or_default();
            format!("{subject}|{}({})", node.name, arguments(&node.args))
        }
        Expr::Test(node) if node.args.is_empty() => {
            format!("{} is {}", written(&node.expr), node.name)
        }
        Expr::Test(node) => {
            let arguments = arguments(&node.args);
            format!("{} is {}({arguments})", written(&node.expr), node.name)
        }
        Expr::Call(node) => format!("{}({})", written(&node.expr), arguments(&node.args)),
        Expr::List(node) => format!("[{}]", list(&node.items)),
        Expr::Tuple(node) => format!("({},)", list(&node.items)),
        Expr::Map(node) => format!("{{{}: {}}}", list(&node.keys), list(&node.values)),
    }
}

fn list(items: &[Expr<'_>]) -> String {
    items.iter().map(written).collect::<Vec<_>>().join(", ")
}

fn arguments(all: &[CallArg<'_>]) -> String {
    let argument = |argument: &CallArg<'_>| match argument {
        CallArg::Pos(value) => written(value),
        CallArg::Kwarg(name, value) => format!("{name}={}", written(value)),
        CallArg::PosSplat(value) => format!("*{}", written(value)),
        CallArg::KwargSplat(value) => format!("**{}", written(value)),
    };
    all.iter().map(argument).collect::<Vec<_>>().join(", ")
}

const fn sign(op: BinOpKind) -> &'static str {
    match op {
        BinOpKind::Eq => "==",
        BinOpKind::Ne => "!=",
        BinOpKind::Lt => "<",
        BinOpKind::Lte => "<=",
        BinOpKind::Gt => ">",
        BinOpKind::Gte => ">=",
        BinOpKind::ScAnd => "and",
        BinOpKind::ScOr => "or",
        BinOpKind::Add => "+",
        BinOpKind::Sub => "-",
        BinOpKind::Mul => "*",
        BinOpKind::Div => "/",
        BinOpKind::FloorDiv => "//",
        BinOpKind::Rem => "%",
        BinOpKind::Pow => "**",
        BinOpKind::Concat => "~",
        BinOpKind::In => "in",
    }
}
