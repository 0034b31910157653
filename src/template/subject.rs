//! Variables whose value decides something: in comparisons, tests, branches and look-ups.

use minijinja::machinery::{ast, parse, parse_expr};
use minijinja::syntax::SyntaxConfig;

use super::usage::names_in;
use super::walk::{self, Part};
use super::{Reference, Syntax, inspect};

/// Something that a template compares a variable with, or looks up by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Compared {
    /// This text.
    With(String),
    /// The texts of the list, or the keys of the table, in this variable.
    In(String),
}

/// The texts and variables that this variable is compared with.
pub fn compared(variable: &str, text: &str, syntax: Syntax) -> Vec<Compared> {
    if !text.contains(variable) {
        return Vec::new();
    }
    let mut found = Vec::new();
    each(text, syntax, &mut |tree| of(variable, tree, &mut found));
    found
}

/// The variables whose values select among the possible results of a template, instead of being part of
/// the result.
pub fn choices(text: &str, syntax: Syntax) -> Vec<Reference> {
    let mut names: Vec<String> = Vec::new();
    each(text, syntax, &mut |tree| chosen_by(tree, &mut names));
    if names.is_empty() {
        return Vec::new();
    }
    let mut used = inspect(text, syntax).unwrap_or_default().variables;
    used.retain(|reference| names.contains(&reference.name));
    used
}

fn of(variable: &str, tree: &ast::Expr<'_>, found: &mut Vec<Compared>) {
    let is_it = |tree: &ast::Expr<'_>| matches!(tree, ast::Expr::Var(node) if node.id == variable);
    let with = |one: &ast::Expr<'_>, other: &ast::Expr<'_>, found: &mut Vec<Compared>| {
        if is_it(one) {
            texts(other, found);
        } else if is_it(other) {
            texts(one, found);
        }
    };
    match tree {
        ast::Expr::BinOp(node) => match node.op {
            ast::BinOpKind::Eq | ast::BinOpKind::Ne => with(&node.left, &node.right, found),
            ast::BinOpKind::In if is_it(&node.left) => within(&node.right, found),
            _ => {}
        },
        ast::Expr::Compare(node) => {
            let mut left = &node.expr;
            for op in &node.ops {
                match op.op {
                    ast::CompareOpKind::Eq | ast::CompareOpKind::Ne => with(left, &op.expr, found),
                    ast::CompareOpKind::In | ast::CompareOpKind::NotIn if is_it(left) => {
                        within(&op.expr, found);
                    }
                    _ => {}
                }
                left = &op.expr;
            }
        }
        ast::Expr::Test(node) if is_it(&node.expr) => {
            if let ("eq" | "equalto" | "ne" | "sameas", [ast::CallArg::Pos(other)]) =
                (node.name, node.args.as_slice())
            {
                texts(other, found);
            }
            if let ("in", [ast::CallArg::Pos(other)]) = (node.name, node.args.as_slice()) {
                within(other, found);
            }
        }
        ast::Expr::GetItem(node) if is_it(&node.subscript_expr) => within(&node.expr, found),
        _ => {}
    }
}

fn texts(tree: &ast::Expr<'_>, found: &mut Vec<Compared>) {
    if let ast::Expr::Const(node) = tree
        && let Some(text) = node.value.as_str()
    {
        found.push(Compared::With(text.to_owned()));
    }
}

fn within(tree: &ast::Expr<'_>, found: &mut Vec<Compared>) {
    match tree {
        ast::Expr::Var(node) => found.push(Compared::In(node.id.to_owned())),
        ast::Expr::List(node) => node.items.iter().for_each(|item| texts(item, found)),
        ast::Expr::Tuple(node) => node.items.iter().for_each(|item| texts(item, found)),
        ast::Expr::Map(node) => node.keys.iter().for_each(|key| texts(key, found)),
        _ => {}
    }
}

fn chosen_by(tree: &ast::Expr<'_>, names: &mut Vec<String>) {
    match tree {
        ast::Expr::Compare(_) => names.extend(names_in(tree)),
        // A variable tested with `is defined` has a default elsewhere, and that is shown.
        ast::Expr::Test(node) if !matches!(node.name, "defined" | "undefined") => {
            names.extend(names_in(tree));
        }
        ast::Expr::BinOp(node)
            if matches!(
                node.op,
                ast::BinOpKind::Eq
                    | ast::BinOpKind::Ne
                    | ast::BinOpKind::Lt
                    | ast::BinOpKind::Lte
                    | ast::BinOpKind::Gt
                    | ast::BinOpKind::Gte
                    | ast::BinOpKind::In
            ) =>
        {
            names.extend(names_in(tree));
        }
        ast::Expr::IfExpr(node) => names.extend(names_in(&node.test_expr)),
        ast::Expr::GetItem(node) => names.extend(names_in(&node.subscript_expr)),
        _ => {}
    }
}

/// Visits every expression of a template.
fn each(text: &str, syntax: Syntax, visit: &mut dyn FnMut(&ast::Expr<'_>)) {
    match syntax {
        Syntax::Expression => {
            if let Ok(tree) = parse_expr(text) {
                expression(&tree, visit);
            }
        }
        Syntax::Text => {
            if let Ok(tree) = parse(text, "", SyntaxConfig::default()) {
                statement(&tree, visit);
            }
        }
    }
}

fn statement(tree: &ast::Stmt<'_>, visit: &mut dyn FnMut(&ast::Expr<'_>)) {
    if let ast::Stmt::Do(node) = tree {
        expression(&node.call.expr, visit);
        walk::arguments(&node.call.args).for_each(|argument| expression(argument, visit));
    }
    walk::parts(tree, &mut |part| match part {
        Part::Target(_) => {}
        Part::Value(value) => expression(value, visit),
        Part::Statement(inner) => statement(inner, visit),
    });
}

fn expression(tree: &ast::Expr<'_>, visit: &mut dyn FnMut(&ast::Expr<'_>)) {
    visit(tree);
    walk::inside(tree, &mut |part| expression(part, visit));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_is_compared_with_is_found_wherever_it_stands() {
        let with = |text: &str| Compared::With(text.to_owned());
        for (text, expected) in [
            ("cluster == 'a'", vec![with("a")]),
            ("'a' != cluster and node == 'n'", vec![with("a")]),
            ("cluster in ['a', 'b']", vec![with("a"), with("b")]),
            (
                "not (cluster not in canary)",
                vec![Compared::In("canary".to_owned())],
            ),
            (
                "table[cluster] == 'x'",
                vec![Compared::In("table".to_owned())],
            ),
            ("cluster is startingwith('a')", vec![]),
            ("(cluster | lower) == 'a'", vec![]),
            ("node == 'a'", vec![]),
        ] {
            assert_eq!(
                compared("cluster", text, Syntax::Expression),
                expected,
                "{text}"
            );
        }
        let text = "x{{ 'y' if cluster == 'a' else 'z' }}";
        assert_eq!(compared("cluster", text, Syntax::Text), [with("a")]);
    }

    #[test]
    fn a_name_that_is_only_a_part_chooses_nothing() {
        for (text, expected) in [
            ("{{ cluster }}:{{ node }}", &[][..]),
            ("{{ node | upper }}", &[]),
            ("{{ env.SITE | default('a') }}", &[]),
            ("{{ 'a' if node == 'n1' else host }}", &["node"]),
            ("{% if node in list %}a{% endif %}", &["node", "list"]),
            ("{{ servers[node] }}", &["node"]),
        ] {
            let names: Vec<String> = choices(text, Syntax::Text)
                .into_iter()
                .map(|reference| reference.name)
                .collect();
            assert_eq!(names, expected, "{text}");
        }
    }
}
