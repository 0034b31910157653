//! The names that a template refers to.

use std::ops::Range;

use minijinja::machinery::{Span, ast};
use minijinja::{Value, context};

use super::ENGINE;
use super::names::{UnknownKind, known_names};
use super::walk::{self, Part};

/// All references of a template, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// The variables, except those that the template sets itself.
    pub variables: Vec<Reference>,
    /// Filters, tests and functions that do not exist.
    pub unknown: Vec<UnknownName>,
    /// The patterns of `matches` in it, with their byte ranges.
    pub patterns: Vec<(String, Range<usize>)>,
}

/// One use of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The variable.
    pub name: String,
    /// The requested attribute: `SITE` in `env.SITE` and in `env["SITE"]`.
    pub attribute: Option<String>,
    /// True if the template handles a missing value: `is defined`, `default(…)`.
    pub guarded: bool,
    /// The byte range in the text.
    pub range: Range<usize>,
}

/// A filter, test or function that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// Its kind.
    pub kind: UnknownKind,
    /// Its name.
    pub name: String,
    /// The byte range in the text.
    pub range: Range<usize>,
}

/// The references of a text.
pub(super) fn of_statement(tree: &ast::Stmt<'_>) -> Usage {
    let mut walker = Walker::default();
    walker.statement(tree);
    walker.finish()
}

/// The references of an expression.
pub(super) fn of_expression(tree: &ast::Expr<'_>) -> Usage {
    let mut walker = Walker::default();
    walker.expression(tree, false);
    walker.finish()
}

/// The variables of an expression that is already parsed.
pub(super) fn names_in(tree: &ast::Expr<'_>) -> Vec<String> {
    let mut walker = Walker::default();
    walker.expression(tree, false);
    let used = walker.usage.variables.into_iter();
    used.map(|reference| reference.name).collect()
}

/// Collects names while walking the syntax tree. Names set anywhere in a template count as its own
/// everywhere in it: rules files do not need finer scopes.
#[derive(Default)]
struct Walker {
    usage: Usage,
    locals: Vec<String>,
}

impl Walker {
    fn finish(self) -> Usage {
        let Self { mut usage, locals } = self;
        let variables = &mut usage.variables;
        variables.retain(|reference| !locals.contains(&reference.name));
        variables.sort_by_key(|reference| reference.range.start);
        usage.unknown.sort_by_key(|unknown| unknown.range.start);
        usage
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) {
        match statement {
            ast::Stmt::ForLoop(_) => self.locals.push("loop".to_owned()),
            ast::Stmt::Do(node) => self.call(&node.call),
            _ => {}
        }
        walk::parts(statement, &mut |part| match part {
            Part::Target(target) => self.local(target),
            Part::Value(value) => self.expression(value, false),
            Part::Statement(inner) => self.statement(inner),
        });
    }

    fn local(&mut self, target: &ast::Expr<'_>) {
        match target {
            ast::Expr::Var(node) => self.locals.push(node.id.to_owned()),
            ast::Expr::List(node) => node.items.iter().for_each(|item| self.local(item)),
            ast::Expr::Tuple(node) => node.items.iter().for_each(|item| self.local(item)),
            other => self.expression(other, false),
        }
    }

    fn arguments(&mut self, arguments: &[ast::CallArg<'_>]) {
        walk::arguments(arguments).for_each(|argument| self.expression(argument, false));
    }

    fn expression(&mut self, expression: &ast::Expr<'_>, guarded: bool) {
        match expression {
            ast::Expr::Var(node) => self.reference(node.id, None, guarded, node.span()),
            ast::Expr::Filter(node) => {
                match (&node.expr, node.name, node.args.as_slice()) {
                    (Some(ast::Expr::Var(base)), "attr", [ast::CallArg::Pos(key)]) => {
                        self.item(base, key, guarded, node.span());
                    }
                    (Some(inner), name, _) => {
                        self.expression(inner, matches!(name, "default" | "d"));
                    }
                    (None, _, _) => {}
                }
                self.arguments(&node.args);
                if let ("matches", [ast::CallArg::Pos(ast::Expr::Const(pattern))]) =
                    (node.name, node.args.as_slice())
                    && let Some(text) = pattern.value.as_str()
                {
                    let place = bytes(pattern.span());
                    self.usage.patterns.push((text.to_owned(), place));
                }
                self.known(UnknownKind::Filter, node.name, node.span());
            }
            ast::Expr::Test(node) => {
                self.expression(&node.expr, matches!(node.name, "defined" | "undefined"));
                self.arguments(&node.args);
                self.known(UnknownKind::Test, node.name, node.span());
            }
            ast::Expr::GetAttr(node) => match &node.expr {
                ast::Expr::Var(base) => {
                    self.reference(base.id, Some(node.name), guarded, node.span());
                }
                other => self.expression(other, guarded),
            },
            ast::Expr::GetItem(node) => {
                match &node.expr {
                    ast::Expr::Var(base) => {
                        self.item(base, &node.subscript_expr, guarded, node.span());
                    }
                    base => self.expression(base, guarded),
                }
                self.expression(&node.subscript_expr, false);
            }
            ast::Expr::Call(node) => self.call(node),
            other => walk::inside(other, &mut |part| self.expression(part, false)),
        }
    }

    /// `base[key]`, in any notation.
    fn item(
        &mut self,
        base: &ast::Spanned<ast::Var<'_>>,
        key: &ast::Expr<'_>,
        guarded: bool,
        span: Span,
    ) {
        match key {
            ast::Expr::Const(key) => {
                self.reference(base.id, key.value.as_str(), guarded, span);
            }
            _ => self.reference(base.id, None, guarded, base.span()),
        }
    }

    fn call(&mut self, call: &ast::Spanned<ast::Call<'_>>) {
        match &call.expr {
            ast::Expr::Var(function) => {
                self.known(UnknownKind::Function, function.id, function.span());
            }
            ast::Expr::GetAttr(method) => {
                // A loop has the method `cycle`.
                if !matches!(&method.expr, ast::Expr::Var(base) if base.id == "loop") {
                    self.known(UnknownKind::Method, method.name, method.span());
                }
                self.expression(&method.expr, false);
            }
            other => self.expression(other, false),
        }
        self.arguments(&call.args);
    }

    fn reference(&mut self, name: &str, attribute: Option<&str>, guarded: bool, span: Span) {
        self.usage.variables.push(Reference {
            name: name.to_owned(),
            attribute: attribute.map(str::to_owned),
            guarded,
            range: bytes(span),
        });
    }

    fn known(&mut self, kind: UnknownKind, name: &str, span: Span) {
        let exists = match kind {
            UnknownKind::Filter => says_yes("name is filter", name),
            UnknownKind::Test => says_yes("name is test", name),
            UnknownKind::Method => false,
            UnknownKind::Function => {
                known_names(kind).any(|known| known == name)
                    || self.locals.iter().any(|local| local == name)
            }
        };
        if !exists {
            let name = name.to_owned();
            self.usage.unknown.push(UnknownName {
                kind,
                name,
                range: bytes(span),
            });
        }
    }
}

/// Asks the engine itself for its filters and tests.
fn says_yes(question: &'static str, name: &str) -> bool {
    ENGINE
        .compile_expression(question)
        .and_then(|compiled| compiled.eval(context! { name => name }))
        .is_ok_and(|answer: Value| answer.is_true())
}

pub(super) fn bytes(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}
