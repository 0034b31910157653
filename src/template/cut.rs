//! A template, cut where it uses certain names, to be joined again with replacements.

use std::ops::Range;

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use serde_json::Value;

use super::{Syntax, inspect};

/// A template in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Use {
        name: String,
        /// `name` in `site.name`.
        attribute: Option<String>,
        /// True if the template handles a missing attribute.
        guarded: bool,
        /// Its braces, if they contain nothing else: `{{ site }}`.
        braces: Option<[String; 2]>,
    },
}

/// The replacement of a name.
#[derive(Debug, Clone, Copy)]
pub enum Put<'a> {
    /// Another name.
    Name(&'a str),
    /// A known value.
    Value(&'a Value),
}

impl Cut {
    /// Cuts a template; `None` if it uses none of the names, or is invalid.
    pub fn new(text: &str, syntax: Syntax, wanted: impl Fn(&str) -> bool) -> Option<Self> {
        if syntax == Syntax::Text && !super::is_template(text) {
            return None;
        }
        let usage = inspect(text, syntax).ok()?;
        let is_used = |name: &str| usage.variables.iter().any(|used| used.name == name);
        let words: Vec<_> = tokenize(text, syntax == Syntax::Expression, SyntaxConfig::default())
            .map(|word| word.map(|(token, span)| (token, super::usage::bytes(span))))
            .collect::<Result<_, _>>()
            .ok()?;
        let mut pieces = Vec::new();
        let mut end = 0;
        for at in 0..words.len() {
            let Some((Token::Ident(name), range)) = words.get(at) else {
                continue;
            };
            if !wanted(name) || !is_used(name) || !is_variable(&words, at) {
                continue;
            }
            let attribute = attribute(&words, at);
            let last = at + if attribute.is_some() { 2 } else { 0 };
            let mut used = range.start..words.get(last)?.1.end;
            let braces = braces(text, &words, at, last);
            if let Some(whole) = &braces {
                used = whole.clone();
            }
            let name = (*name).to_owned();
            let braces = braces.map(|whole| {
                let part = |range: Range<usize>| text.get(range).unwrap_or_default().to_owned();
                let inside = words.get(last).map_or(whole.end, |(_, range)| range.end);
                [part(whole.start..range.start), part(inside..whole.end)]
            });
            pieces.push(Piece::Text(text.get(end..used.start)?.to_owned()));
            end = used.end;
            let mut same = usage.variables.iter();
            let guarded =
                same.any(|used| used.guarded && used.name == name && used.attribute == attribute);
            pieces.push(Piece::Use {
                name,
                attribute,
                guarded,
                braces,
            });
        }
        if pieces.is_empty() {
            return None;
        }
        pieces.push(Piece::Text(text.get(end..)?.to_owned()));
        Some(Self(pieces))
    }

    /// The names at the cuts, each with its required attribute.
    pub fn uses(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Use {
                name,
                attribute,
                guarded,
                ..
            } => Some((name.as_str(), attribute.as_deref().filter(|_| !guarded))),
        })
    }

    /// The template with the names replaced.
    pub fn with<'a>(&self, put: impl Fn(&str) -> Option<Put<'a>>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Use {
                    name,
                    attribute,
                    braces,
                    ..
                } => {
                    let put = put(name).unwrap_or(Put::Name(name));
                    place(&mut text, put, attribute.as_deref(), braces.as_ref());
                }
            }
        }
        text
    }
}

fn place(text: &mut String, put: Put<'_>, attribute: Option<&str>, braces: Option<&[String; 2]>) {
    let (word, attribute) = match put {
        Put::Name(name) => (name.to_owned(), attribute),
        Put::Value(value) => {
            let part = attribute.and_then(|key| value.get(key));
            let value = part.unwrap_or(value);
            if let (Value::String(plain), Some(_)) = (value, braces)
                && is_plain(plain)
                && !text.ends_with('{')
            {
                text.push_str(plain);
                return;
            }
            (written(value), attribute.filter(|_| part.is_none()))
        }
    };
    let [open, close] = braces.map_or(["", ""], |[open, close]| [open, close]);
    text.push_str(open);
    text.push_str(&word);
    if let Some(key) = attribute {
        text.push('.');
        text.push_str(key);
    }
    text.push_str(close);
}

/// Returns true if a text outside of braces keeps its meaning whatever is next to it: it begins no template, and no adjacent
/// `{%-` removes part of it.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains('{')
}

/// A value as an expression, in parentheses if an adjacent operator could change it.
fn written(value: &Value) -> String {
    match value {
        Value::String(_) | Value::Bool(_) => value.to_string(),
        _ => format!("({value})"),
    }
}

/// Returns true if a name is a variable's: not an attribute, a filter, a test or an argument.
fn is_variable(words: &[(Token<'_>, Range<usize>)], at: usize) -> bool {
    let token = |at: Option<usize>| at.and_then(|at| words.get(at)).map(|(token, _)| token);
    let before = token(at.checked_sub(1));
    let tested = match before {
        Some(Token::Ident("not")) => token(at.checked_sub(2)),
        other => other,
    };
    !matches!(before, Some(Token::Dot | Token::Pipe))
        && !matches!(tested, Some(Token::Ident("is")))
        && !matches!(token(at.checked_add(1)), Some(Token::Assign))
}

fn attribute(words: &[(Token<'_>, Range<usize>)], at: usize) -> Option<String> {
    match (words.get(at + 1)?, words.get(at + 2)?) {
        ((Token::Dot, _), (Token::Ident(name), _)) => Some((*name).to_owned()),
        _ => None,
    }
}

/// The bytes from `{{` to `}}` if there is nothing else between them, and no marker strips the blanks around them.
fn braces(
    text: &str,
    words: &[(Token<'_>, Range<usize>)],
    first: usize,
    last: usize,
) -> Option<Range<usize>> {
    let (Token::VariableStart, open) = words.get(first.checked_sub(1)?)? else {
        return None;
    };
    let (Token::VariableEnd, close) = words.get(last + 1)? else {
        return None;
    };
    let whole = open.start..close.end;
    let alone = text.get(whole.clone())?;
    let bare = alone.strip_prefix("{{")?.strip_suffix("}}")?;
    // The engine removes a line break at the end of a template, but not at the end of a text.
    let marked = bare.starts_with(['-', '+']) || bare.ends_with(['-', '+']);
    (!marked && !text.ends_with(['\n', '\r'])).then_some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put(text: &str, syntax: Syntax) -> String {
        let site = json!("paris");
        let zone = json!({"name": "eu", "number": -5});
        let odd = json!("a {{ b");
        let cut = Cut::new(text, syntax, |name| name != "cluster" && name != "env");
        cut.map_or_else(
            || text.to_owned(),
            |cut| {
                cut.with(|name| match name {
                    "site" => Some(Put::Value(&site)),
                    "zone" => Some(Put::Value(&zone)),
                    "odd" => Some(Put::Value(&odd)),
                    "mine" => Some(Put::Name("mine__follow")),
                    _ => None,
                })
            },
        )
    }

    #[test]
    fn a_name_alone_in_braces_becomes_text() {
        for (text, expected) in [
            ("{{ site }}", "paris"),
            ("a-{{site}}-{{ cluster }}", "a-paris-{{ cluster }}"),
            ("{{ zone.name }}", "eu"),
            ("{{- site }} x", "{{- \"paris\" }} x"),
            ("{{ site }}\n", "{{ \"paris\" }}\n"),
            ("{{ odd }}", "{{ \"a {{ b\" }}"),
            ("{ {{ site }}", "{ paris"),
            ("{{ zone.number }}", "{{ (-5) }}"),
            ("{{ mine }}", "{{ mine__follow }}"),
            ("{{ mine.site }}", "{{ mine__follow.site }}"),
        ] {
            assert_eq!(put(text, Syntax::Text), expected, "{text}");
        }
    }

    #[test]
    fn only_variables_are_replaced() {
        for (text, expected) in [
            ("site == cluster", "\"paris\" == cluster"),
            ("env.site == site | upper", "env.site == \"paris\" | upper"),
            ("cluster | site", "cluster | site"),
            (
                "cluster is not site and site is defined",
                "cluster is not site and \"paris\" is defined",
            ),
            ("dict(site=site).site", "dict(site=\"paris\").site"),
            ("{\"site\": site}", "{\"site\": \"paris\"}"),
            ("zone.number > 1", "(-5) > 1"),
            (
                "zone[\"name\"]",
                "({\"name\":\"eu\",\"number\":-5})[\"name\"]",
            ),
            ("zone.nme", "({\"name\":\"eu\",\"number\":-5}).nme"),
            ("\"site\" in mine", "\"site\" in mine__follow"),
        ] {
            assert_eq!(put(text, Syntax::Expression), expected, "{text}");
        }
    }

    #[test]
    fn what_the_template_sets_itself_is_left_alone() {
        let text = "{% for site in ['x'] %}{{ site }}{% endfor %}";
        assert_eq!(put(text, Syntax::Text), text);
        let text = "{% raw %}{{ site }}{% endraw %}";
        assert_eq!(put(text, Syntax::Text), text);
    }
}
