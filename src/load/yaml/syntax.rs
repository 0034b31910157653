//! The parser's errors in an operator's words.

use super::lines::Lines;
use super::{Fault, align};
use crate::diagnostic::Code;

/// What the parser says, what it means to someone who writes rules, and what to do.
///
/// The order counts: the first that is in the parser's message is taken.
const MEANINGS: [(&str, &str, &str); 24] = [
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
        "found a tab character",
        "there is a tab in the indentation",
        "indent with spaces",
    ),
    (
        "mapping values are not allowed",
        "this line is read as a part of the value above it",
        INDENTATION,
    ),
    (
        "mapping keys are not allowed",
        "a key can't stand here",
        INDENTATION,
    ),
    (
        "block sequence entries are not allowed",
        "a list item (`- `) can't stand here",
        "begin the list on a line of its own",
    ),
    (
        "could not find expected ':'",
        "there is no `: ` behind this key",
        "write `key: value`; a long value goes in quotes",
    ),
    (
        "did not find expected key",
        "this line does not fit the lines above it",
        INDENTATION,
    ),
    (
        "did not find expected '-' indicator",
        "this line does not fit the lines above it",
        INDENTATION,
    ),
    (
        "unknown anchor",
        "there is no anchor with this name",
        "text that begins with `*` goes in quotes; an alias (`*name`) needs its anchor (`&name`) above it",
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
        "tag",
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
        INDENTATION,
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
];

const INDENTATION: &str =
    "look at its indentation: keys of one mapping, and items of one list, begin in the same column";

/// Makes a finding of an error of the parser.
pub(super) fn fault(text: &str, error: &serde_yaml::Error) -> Fault {
    if let Some(fault) = control_character(text) {
        return fault;
    }
    let message = error.to_string();
    let lines = Lines::new(text);
    // `problem at line 3 column 1, while doing something at line 2 column 7`
    let (problem, context) = message.split_once(", while").unwrap_or((&message, ""));
    let at = visible(text, lines.offset_in_message(problem));
    let opened = context
        .contains("at line ")
        .then(|| lines.offset_in_message(context));
    if let Some(fault) = tab_in_indentation(text, at) {
        return fault;
    }
    if let Some(fault) = bare_braces(text, opened.unwrap_or(at), at) {
        return fault;
    }
    if let Some(fault) = special(text, at, &message) {
        return fault;
    }
    let meaning = MEANINGS
        .iter()
        .find(|(parser, ..)| message.contains(parser));
    // What does not end, or has no name, is shown where it begins.
    let begins = meaning.is_some_and(|(parser, ..)| {
        ["',' or", "quoted", "expected ':'", "alias", "anchor"]
            .iter()
            .any(|word| parser.contains(word))
    });
    let start = opened.filter(|_| begins).unwrap_or(at);
    let range = start..align::token_end(text, start).max(start + first_char(text, start));
    match meaning {
        Some((_, meaning, help)) => Fault::new(Code::YamlSyntax, range, *meaning).help(*help),
        None => Fault::new(Code::YamlSyntax, range, "this is not YAML"),
    }
}

/// What the place of an error tells that its message does not.
fn special(text: &str, at: usize, message: &str) -> Option<Fault> {
    let fault = |range, message| Some(Fault::new(Code::YamlSyntax, range, message));
    let line_start = line_start(text, at);
    let before = text.get(line_start..at)?;
    let own = before.trim_start_matches([' ', '-']);
    let here = text.get(at..)?.chars().next();
    if message.contains("mapping values are not allowed") && own.contains(": ") {
        let value = line_start + before.find(": ")? + 2;
        let end = text
            .get(value..)?
            .find(['\n', '\r'])
            .map_or(text.len(), |end| value + end);
        return fault(value..end, "a value with `: ` in it needs quotes")
            .map(|fault| fault.help("put the whole value in quotes"));
    }
    let misplaced = message.contains("expected key") || message.contains("'-' indicator");
    if misplaced && here == Some(':') {
        return fault(at..at + 1, "there is no key before this `:`")
            .map(|fault| fault.help("write `key: value`"));
    }
    if misplaced && !own.is_empty() {
        let end = text
            .get(at..)?
            .find(['\n', '\r'])
            .map_or(text.len(), |end| at + end);
        return fault(at..end, "this stands behind the end of the value")
            .map(|fault| fault.help("put the whole value in one pair of quotes"));
    }
    if message.contains("node content") && at >= text.trim_end().len() {
        let last = text.trim_end().len();
        return fault(last..last, "the file ends where a value should be")
            .map(|fault| fault.help("look for a `[` or `{` that is not closed"));
    }
    None
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1)
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
        let line_start = line_start(text, at);
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
    let line_start = line_start(text, at);
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
