//! Templates as text: their syntax, and the names that they refer to, even in branches that a render would not take.

use std::ops::Range;

use minijinja::machinery::{ast, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::usage::{Usage, bytes, of_expression, of_statement};

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
    let failed = |error| syntax_error(&error, text);
    match syntax {
        Syntax::Expression => Ok(of_expression(&parse_expr(text).map_err(failed)?)),
        Syntax::Text => {
            let tree = parse(text, "", SyntaxConfig::default()).map_err(failed)?;
            Ok(of_statement(&tree))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::UnknownKind;

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
