//! The names that a template refers to, found without rendering it: this includes branches that a render would not
//! take.

use std::ops::Range;

use minijinja::machinery::{Span, ast, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Value, context};

use super::ENGINE;
use super::names::{UnknownKind, known_names};
use super::walk::{self, Part};

/// The syntax of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Text with `{{ … }}`.
    Text,
    /// A bare expression, as in `when`.
    Expression,
}

/// The text is not a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The parser's message.
    pub message: String,
    /// The byte range in the text; empty at its end if the parser does not say.
    pub range: Range<usize>,
}

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

/// Returns true if a string needs the template engine.
pub fn is_template(text: &str) -> bool {
    let mut pairs = text.as_bytes().windows(2);
    pairs.any(|pair| matches!(pair, [b'{', b'{' | b'%' | b'#']))
}

/// The expression of a text that is one `{{ expression }}` and nothing else.
pub fn lone_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    // `{{ a }} and {{ b }}` begins and ends with braces too, but its inside is not an expression.
    (words(inner, Syntax::Expression).is_ok() && parse_expr(inner).is_ok()).then_some(inner)
}

/// The byte ranges of a text outside its `{{ … }}`; `None` if it has statements, which may omit some of them.
pub fn around_expressions(text: &str) -> Option<Vec<Range<usize>>> {
    words(text, Syntax::Text).ok()?;
    let ast::Stmt::Template(template) = parse(text, "", SyntaxConfig::default()).ok()? else {
        return None;
    };
    let mut found = Vec::new();
    for part in &template.children {
        match part {
            ast::Stmt::EmitRaw(raw) => {
                let start = (raw.raw.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
                found.push(start..start + raw.raw.len());
            }
            ast::Stmt::EmitExpr(_) => {}
            _ => return None,
        }
    }
    Some(found)
}

/// The maximum number of tokens in a template. The engine recurses for each part of a chain
/// (`a and b and …`), and the stack is limited.
const MOST_WORDS: usize = 2_000;

/// Checks the tokens of a text. The engine's parser takes one that it can't read, as in `a && b`, for the end of an
/// expression, and would ignore everything after it.
fn words(text: &str, syntax: Syntax) -> Result<(), SyntaxError> {
    let in_expression = syntax == Syntax::Expression;
    if !in_expression && text.len() <= MOST_WORDS {
        return Ok(());
    }
    let words = tokenize(text, in_expression, SyntaxConfig::default());
    let mut end = 0;
    for (count, word) in words.enumerate() {
        match word {
            Ok(_) if count >= MOST_WORDS => {
                return Err(SyntaxError {
                    message: format!("it has more than {MOST_WORDS} words and signs"),
                    range: end..text.len(),
                });
            }
            Ok((_, span)) => end = bytes(span).end,
            Err(error) if in_expression => {
                let mut error = syntax_error(&error, text);
                let rest = text.get(end..).unwrap_or_default();
                error.range = text.len() - rest.trim_start().len()..text.len();
                return Err(error);
            }
            // The parser has a better message.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Finds the references of a text.
pub fn inspect(text: &str, syntax: Syntax) -> Result<Usage, SyntaxError> {
    words(text, syntax)?;
    let mut walker = Walker::default();
    match syntax {
        Syntax::Expression => {
            walker.expression(
                &parse_expr(text).map_err(|error| syntax_error(&error, text))?,
                false,
            );
        }
        Syntax::Text => {
            let parsed = parse(text, "", SyntaxConfig::default());
            walker.statement(&parsed.map_err(|error| syntax_error(&error, text))?);
        }
    }
    let Walker { mut usage, locals } = walker;
    usage
        .variables
        .retain(|reference| !locals.contains(&reference.name));
    usage
        .variables
        .sort_by_key(|reference| reference.range.start);
    usage.unknown.sort_by_key(|unknown| unknown.range.start);
    Ok(usage)
}

/// The variables of an expression that is already parsed.
pub(super) fn names_in(tree: &ast::Expr<'_>) -> Vec<String> {
    let mut walker = Walker::default();
    walker.expression(tree, false);
    let used = walker.usage.variables.into_iter();
    used.map(|reference| reference.name).collect()
}

fn syntax_error(error: &minijinja::Error, text: &str) -> SyntaxError {
    let message = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    let range = error.range().unwrap_or(text.len()..text.len());
    let clamp = |offset: usize| {
        (0..=offset.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
    };
    let (start, end) = (
        clamp(range.start).unwrap_or(0),
        clamp(range.end).unwrap_or(0),
    );
    SyntaxError {
        message,
        range: start..end.max(start),
    }
}

/// Collects names while walking the syntax tree. Names set anywhere in a template count as its own
/// everywhere in it: rules files do not need finer scopes.
#[derive(Default)]
struct Walker {
    usage: Usage,
    locals: Vec<String>,
}

impl Walker {
    fn statement(&mut self, statement: &ast::Stmt<'_>) {
        match statement {
            ast::Stmt::ForLoop(_) => self.locals.push("loop".to_owned()),
            ast::Stmt::Do(node) => self.call(&node.call),
            _ => {}
        }
        for part in walk::parts(statement) {
            match part {
                Part::Target(target) => self.local(target),
                Part::Value(value) => self.expression(value, false),
                Part::Statement(inner) => self.statement(inner),
            }
        }
    }

    fn local(&mut self, target: &ast::Expr<'_>) {
        match target {
            ast::Expr::Var(node) => self.locals.push(node.id.to_owned()),
            ast::Expr::List(node) => node.items.iter().for_each(|item| self.local(item)),
            ast::Expr::Tuple(node) => node.items.iter().for_each(|item| self.local(item)),
            other => self.expression(other, false),
        }
    }

    /// Walks through expressions that guard nothing.
    fn plain<'t, 'a: 't>(&mut self, all: impl IntoIterator<Item = &'t ast::Expr<'a>>) {
        for one in all {
            self.expression(one, false);
        }
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
                self.plain(walk::arguments(&node.args));
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
                self.plain(walk::arguments(&node.args));
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
            other => self.plain(walk::inside(other)),
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
        self.plain(walk::arguments(&call.args));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_in_branches_that_are_not_taken() {
        let text = "{% if false %}{{ env.SITE | default('x') }}{% else %}{{ node }}{% endif %}";
        let usage = inspect(text, Syntax::Text).unwrap();
        let found: Vec<_> = usage
            .variables
            .iter()
            .map(|r| {
                (
                    r.name.as_str(),
                    r.attribute.as_deref(),
                    r.guarded,
                    &text[r.range.clone()],
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("env", Some("SITE"), true, "env.SITE"),
                ("node", None, false, "node")
            ]
        );
    }

    #[test]
    fn names_that_the_template_sets_are_its_own() {
        let text =
            "{% for item in args %}{{ item }}{{ loop.index }}{% endfor %}{% set x = 1 %}{{ x }}";
        let usage = inspect(text, Syntax::Text).unwrap();
        assert_eq!(usage.variables.len(), 1);
        assert_eq!(usage.variables[0].name, "args");
    }

    #[test]
    fn unknown_filters_tests_and_functions_are_found() {
        let usage = inspect("node | uper is definde and rnge(3)", Syntax::Expression).unwrap();
        let names: Vec<_> = usage
            .unknown
            .iter()
            .map(|u| (u.kind, u.name.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                (UnknownKind::Filter, "uper"),
                (UnknownKind::Test, "definde"),
                (UnknownKind::Function, "rnge")
            ]
        );
    }

    #[test]
    fn a_lone_expression_is_told_from_two() {
        assert_eq!(lone_expression("{{ a }}").map(str::trim), Some("a"));
        assert_eq!(
            lone_expression("{{- a | upper -}}").map(str::trim),
            Some("a | upper")
        );
        assert_eq!(lone_expression("{{ a }}{{ b }}"), None);
        assert_eq!(lone_expression(" {{ a }}"), None);
        assert_eq!(lone_expression("{{ }}"), None);
    }
}
