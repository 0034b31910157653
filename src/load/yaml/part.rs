//! The position in the text of the bytes of a string with escapes or several lines.
//!
//! It is only used for carets: no decision depends on it.

use std::ops::Range;

/// The byte range of part of a string value whose scalar has this range.
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
    // The most frequent case, and the only one in which leading spaces count.
    if rest.starts_with(value) {
        return base + part.start..base + part.end;
    }
    let start = base + walk_to(rest, style, value, part.start);
    let end = base + walk(rest, style, value, part.end);
    start..end.max(start)
}

/// The end of the token that begins here, on its line.
pub(super) fn token_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let colon = c == ':' && next.is_none_or(char::is_whitespace);
        if c.is_whitespace() || matches!(c, ',' | ']' | '}') || colon {
            return start + at;
        }
    }
    text.len()
}

/// The `|` or `>` of a block scalar, which follows the part before it, possibly with an anchor or a tag.
pub(super) fn block_header(text: &str, behind: usize, block: usize) -> Option<Range<usize>> {
    let mut at = behind;
    loop {
        let rest = text.get(at..block)?;
        at += match rest.chars().next()? {
            '|' | '>' => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                return Some(at..at + end);
            }
            '#' => rest.find('\n')?,
            '&' | '!' => rest.find(char::is_whitespace)?,
            c => c.len_utf8(),
        };
    }
}

/// Returns true for a mapping that YAML reads from `{{ … }}` and that begins with the inner brace.
pub(super) fn is_template(text: &str, inner: usize) -> bool {
    let (before, rest) = (text.get(..inner), text.get(inner..));
    before.is_some_and(|text| text.ends_with('{')) && rest.is_some_and(|text| text.starts_with('{'))
}

/// The `{{ … }}` that begins here, up to the end of its line.
pub(super) fn braces(text: &str, start: usize) -> Range<usize> {
    let line = text.get(start..).unwrap_or_default();
    let line = line.get(..line.find(['\n', '\r']).unwrap_or(line.len()));
    let length = line.and_then(|line| line.find("}}")).map_or(2, |at| at + 2);
    start..start + length
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
}

/// The position of a value's byte, after spaces and escapes that only the text has.
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

/// The position in the text after this many bytes of the value.
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
