//! Where in the text a value, or a part of a string value, is written.
//!
//! The parser says where a value begins. Where it ends, and where the bytes of a string are that has
//! escapes or several lines, is found by reading along. It is for carets only: nothing is decided by it.

use std::ops::Range;

use serde_json::Value;

/// The range with the quotes around it, if there are any.
pub(super) fn with_quotes(text: &str, range: Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).and_then(|text| text.chars().last());
    let after = text.get(range.end..).and_then(|text| text.chars().next());
    match (before, after) {
        (Some(open @ ('"' | '\'')), Some(close)) if open == close => range.start - 1..range.end + 1,
        _ => range,
    }
}

/// The range of a scalar that begins here, maybe with an anchor or a tag.
pub(super) fn scalar(text: &str, start: usize, value: &Value) -> Range<usize> {
    let start = after_properties(text, start);
    let rest = text.get(start..).unwrap_or_default();
    let end = match (rest.chars().next(), value) {
        (Some('"'), _) => end_of_double_quoted(rest),
        (Some('\''), _) => end_of_single_quoted(rest),
        (Some('|' | '>'), Value::String(_)) => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        (_, Value::String(value)) => walk(rest, Style::Plain, value, value.len()),
        (_, _) => end_of_token(rest),
    };
    start..start + end
}

/// Where the bytes of a string value stand, whose scalar has this range.
pub(super) fn part(
    text: &str,
    scalar: &Range<usize>,
    value: &str,
    part: &Range<usize>,
) -> Range<usize> {
    let rest = text.get(scalar.start..).unwrap_or_default();
    let (style, skip) = match rest.chars().next() {
        Some('"') => (Style::DoubleQuoted, 1),
        Some('\'') => (Style::SingleQuoted, 1),
        Some('|' | '>') => (Style::Plain, rest.find('\n').map_or(0, |at| at + 1)),
        _ => (Style::Plain, 0),
    };
    let base = scalar.start + skip;
    let rest = rest.get(skip..).unwrap_or_default();
    // The common case, and the only one in which leading spaces count.
    if rest.starts_with(value) {
        return base + part.start..base + part.end;
    }
    let start = base + walk_to(rest, style, value, part.start);
    let end = base + walk(rest, style, value, part.end);
    start..end.max(start)
}

/// The opening bracket or dash of a list or mapping whose first part begins here.
pub(super) fn opening(text: &str, first: usize) -> usize {
    let before = text.get(..first).unwrap_or_default();
    let trimmed = before.trim_end();
    match trimmed.chars().last() {
        Some('{' | '[') => trimmed.len() - 1,
        _ => first,
    }
}

/// Whether a mapping that begins here is what YAML makes of `{{ … }}`.
pub(super) fn is_template(text: &str, inner: usize) -> bool {
    let (before, rest) = (text.get(..inner), text.get(inner..));
    before.is_some_and(|text| text.ends_with('{')) && rest.is_some_and(|text| text.starts_with('{'))
}

/// The `{{ … }}` that begins at or right before this brace, up to the end of its line.
pub(super) fn braces(text: &str, inner: usize) -> Range<usize> {
    let start = opening(text, inner);
    let line = text.get(start..).unwrap_or_default();
    let line = line.get(..line.find(['\n', '\r']).unwrap_or(line.len()));
    let length = line.and_then(|line| line.find("}}")).map_or(2, |at| at + 2);
    start..start + length
}

/// The end of whatever begins here, on its line.
pub(super) fn token_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + end_of_token(rest)
}

/// The tag among the properties of a scalar that begins here.
pub(super) fn tag(text: &str, start: usize) -> Option<Range<usize>> {
    let properties = text.get(start..after_properties(text, start))?;
    let mut words = properties.split_whitespace();
    let tag = words.find(|word| word.starts_with('!'))?;
    let start = start + properties.find(tag)?;
    Some(start..start + tag.len())
}

/// How many bytes the rest of a tag has. In text a quote or a backslash ends what looks like one.
pub(super) fn tag_length(rest: &str) -> usize {
    rest.find(|c: char| c.is_whitespace() || ",[]{}\"'\\".contains(c))
        .unwrap_or(rest.len())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
}

/// Where a scalar begins behind its anchor and its tag.
pub(super) fn after_properties(text: &str, start: usize) -> usize {
    let mut at = start;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let spaces = rest.len() - rest.trim_start().len();
        let trimmed = rest.trim_start();
        if !trimmed.starts_with(['&', '!']) {
            let moved = at > start;
            return if moved { at + spaces } else { at };
        }
        let word = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        at += spaces + word;
    }
}

fn end_of_token(rest: &str) -> usize {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let colon = c == ':' && next.is_none_or(char::is_whitespace);
        if c.is_whitespace() || matches!(c, ',' | ']' | '}') || colon {
            return at;
        }
    }
    rest.len()
}

fn end_of_double_quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn end_of_single_quoted(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\'' && chars.next_if(|(_, next)| *next == '\'').is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// Where the value's byte is, behind the spaces and escapes that only the text has.
fn walk_to(text: &str, style: Style, value: &str, byte: usize) -> usize {
    let at = walk(text, style, value, byte);
    let next = value.get(byte..).and_then(|rest| rest.chars().next());
    match next {
        Some(c) if !c.is_whitespace() => {
            let rest = text.get(at..).unwrap_or_default();
            at + rest.len() - rest.trim_start().len()
        }
        _ => at,
    }
}

/// Where the text is when so many bytes of the value are read.
fn walk(text: &str, style: Style, value: &str, bytes: usize) -> usize {
    let mut at = 0;
    for c in value.get(..bytes).unwrap_or(value).chars() {
        at = skip_one(text, style, at, c);
    }
    at
}

fn skip_one(text: &str, style: Style, at: usize, c: char) -> usize {
    let mut at = at;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(here) = rest.chars().next() else {
            return text.len();
        };
        if here == '\\' && style == Style::DoubleQuoted {
            let length = match rest.chars().nth(1) {
                Some('x') => 4,
                Some('u') => 6,
                Some('U') => 10,
                Some('\n' | '\r') => {
                    let trimmed = rest.get(1..).unwrap_or_default().trim_start();
                    at += rest.len() - trimmed.len();
                    continue;
                }
                Some(other) => 1 + other.len_utf8(),
                None => 1,
            };
            return (at + length).min(text.len());
        }
        if here.is_whitespace() {
            if c.is_whitespace() {
                return at + here.len_utf8();
            }
            at += here.len_utf8();
            continue;
        }
        if c.is_whitespace() {
            return at;
        }
        let doubled = style == Style::SingleQuoted && rest.starts_with("''");
        return at + here.len_utf8() + usize::from(doubled);
    }
}
