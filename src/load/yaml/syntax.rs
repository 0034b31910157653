//! The parser's errors in an operator's words.

use super::lines::Lines;
use super::{Fault, align};
use crate::diagnostic::Code;

/// What the parser says and what it means to someone who writes rules.
const MEANINGS: [(&str, &str, &str); 26] = [
    (
        "did not find expected ',' or ']'",
        "this list is not closed",
        "a list that begins with `[` ends with `]`, and has a `,` between two items",
    ),
    (
        "did not find expected ',' or '}'",
        "this mapping is not closed",
        "a mapping that begins with `{` ends with `}`, and has a `,` between two keys",
    ),
    (
        "while scanning a quoted scalar",
        "this string is not closed",
        "a string that begins with a quote ends with the same quote",
    ),
    (
        "found unknown escape character",
        "this escape does not exist",
        "between double quotes a backslash is written `\\\\`; between single quotes it stays as it is",
    ),
    (
        "hexadecimal number",
        "this escape is not complete",
        "`\\x` takes two hexadecimal digits, `\\u` four, `\\U` eight",
    ),
    (
        "found a tab character",
        "there is a tab in the indentation",
        "indent with spaces",
    ),
    (
        "mapping values are not allowed",
        "a `:` can't stand here",
        "put a value with `: ` in it in quotes, and look at the indentation of this line",
    ),
    (
        "mapping keys are not allowed",
        "a key can't stand here",
        "look at the indentation of this line",
    ),
    (
        "block sequence entries are not allowed",
        "a list item (`- `) can't stand here",
        "begin the list on a line of its own",
    ),
    (
        "could not find expected ':'",
        "there is a key without `:`",
        "write `key: value`; a long value goes in quotes",
    ),
    (
        "did not find expected key",
        "this line does not fit its indentation",
        "keys of one mapping begin in the same column",
    ),
    (
        "did not find expected '-' indicator",
        "this line does not fit the list above it",
        "each item of a list begins with `- ` in the same column",
    ),
    (
        "unknown anchor",
        "there is no anchor with this name",
        "an alias (`*name`) needs its anchor (`&name`) above it; text that begins with `*` goes in quotes",
    ),
    (
        "while scanning an alias",
        "a `*` here begins an alias",
        "put text that begins with `*` in quotes",
    ),
    (
        "while scanning an anchor",
        "a `&` here begins an anchor",
        "put text that begins with `&` in quotes",
    ),
    (
        "while scanning a tag",
        "a `!` here begins a tag",
        "put text that begins with `!` in quotes",
    ),
    (
        "undefined tag handle",
        "a `!` here begins a tag",
        "put text that begins with `!` in quotes",
    ),
    (
        "cannot start any token",
        "a value can't begin with this character",
        "put the value in quotes",
    ),
    (
        "while scanning a block scalar",
        "this block of text can't be read",
        "behind `|` or `>` only a comment may stand; the text begins on the next line, indented",
    ),
    (
        "while scanning a plain scalar",
        "this value can't be read",
        "put the value in quotes",
    ),
    (
        "unexpected document indicator",
        "the file is cut by `---` or `...` here",
        "put it in quotes, or indent it",
    ),
    (
        "document start",
        "something stands behind the end of the document",
        "look at the indentation of this line",
    ),
    (
        "directive",
        "a line that begins with `%` is a YAML directive",
        "put text that begins with `%` in quotes",
    ),
    (
        "did not find expected node content",
        "there is no value here",
        "a value is missing before this character",
    ),
    (
        "whitespace or line break",
        "a space is missing here",
        "put a space behind it",
    ),
    (
        "unexpected end of stream",
        "the file ends in the middle of something",
        "look for a quote or bracket that is not closed",
    ),
];

/// Makes a finding of an error of the parser.
pub(super) fn fault(text: &str, error: &serde_yaml::Error) -> Fault {
    if let Some(fault) = control_character(text) {
        return fault;
    }
    let message = error.to_string();
    let lines = Lines::new(text);
    let place = |part: &str| lines.offset_in_message(part);
    // `problem at line 3 column 1, while doing something at line 2 column 7`
    let (problem, context) = message.split_once(", while").unwrap_or((&message, ""));
    let at = visible(
        text,
        error.location().map_or_else(
            || place(problem),
            |found| lines.offset(found.line(), found.column()),
        ),
    );
    // What is not closed is shown where it begins.
    let opened = context.contains("at line ").then(|| place(context));
    let unclosed = message.contains("',' or") || message.contains("quoted scalar");
    if let Some(fault) = bare_braces(text, opened.unwrap_or(at), at) {
        return fault;
    }
    let start = match opened {
        Some(opened)
            if unclosed && !message.contains("escape") && !message.contains("hexadecimal") =>
        {
            opened
        }
        _ => at,
    };
    if let Some(tab) = tab_in_indentation(text, start) {
        return tab;
    }
    let range = start..align::token_end(text, start).max(start + first_char(text, start));
    for (parser, meaning, help) in MEANINGS {
        if message.contains(parser)
            && !(parser.starts_with("while scanning a quoted")
                && (message.contains("escape") || message.contains("hexadecimal")))
        {
            return Fault::new(Code::YamlSyntax, range, meaning).help(help);
        }
    }
    Fault::new(Code::YamlSyntax, range, "this is not YAML")
}

fn first_char(text: &str, at: usize) -> usize {
    let c = text.get(at..).and_then(|rest| rest.chars().next());
    c.filter(|c| !c.is_control()).map_or(0, char::len_utf8)
}

/// The end of the file is shown behind its last character.
fn visible(text: &str, at: usize) -> usize {
    let trimmed = text.trim_end().len();
    if at > trimmed { trimmed } else { at }
}

fn control_character(text: &str) -> Option<Fault> {
    let (at, c) = text.char_indices().find(|(_, c)| {
        matches!(c, '\0'..='\x08' | '\x0b'..='\x0c' | '\x0e'..='\x1f' | '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
            || *c == '\u{feff}'
    })?;
    let message = format!(
        "the character U+{:04X} can't stand in a YAML file",
        u32::from(c)
    );
    Some(
        Fault::new(Code::YamlSyntax, at..at + c.len_utf8(), message)
            .help("delete it, or write it as an escape between double quotes"),
    )
}

/// The classic mistake: a template at the beginning of a value, without quotes.
fn bare_braces(text: &str, opened: usize, at: usize) -> Option<Fault> {
    [opened, at].into_iter().find_map(|at| {
        let line_start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text.get(line_start..)?.lines().next()?;
        let found = [": {{", "- {{", "[{{", ", {{", ": {%", "- {%"]
            .iter()
            .filter_map(|before| Some((line.find(before)?, before.len())))
            .min()?;
        let start = line_start + found.0 + found.1 - 2;
        let end = line
            .get(found.0..)?
            .find(['}'])
            .map_or(line_start + line.len(), |close| {
                let close = line_start + found.0 + close;
                close
                    + text
                        .get(close..)
                        .map_or(1, |rest| if rest.starts_with("}}") { 2 } else { 1 })
            });
        Some(
            Fault::new(
                Code::YamlSyntax,
                start..end,
                "a value that begins with a template needs quotes",
            )
            .help("put the whole value in quotes: `\"{{ … }}\"`"),
        )
    })
}

fn tab_in_indentation(text: &str, at: usize) -> Option<Fault> {
    let line_start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(line_start..)?.lines().next()?;
    let indentation = line.len() - line.trim_start().len();
    let tab = line.get(..indentation)?.find('\t')?;
    let start = line_start + tab;
    Some(
        Fault::new(
            Code::YamlSyntax,
            start..start + 1,
            "there is a tab in the indentation",
        )
        .help("indent with spaces"),
    )
}
