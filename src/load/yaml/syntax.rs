//! The parser's errors in words for operators.

use std::ops::Range;

use granit_parser::{ErrorKind, ScanError};

use super::Fault;
use super::meaning::{
    ALIAS, BEHIND_VALUE, COLON, MISFIT, Meaning, NOT_CLOSED_LIST, NOT_CLOSED_MAP, of_structure,
    of_values,
};
use super::part::token_end;
use crate::diagnostic::Code;

/// Turns an error of the parser into a finding. `opened`: the innermost open bracket there.
pub(super) fn fault(text: &str, error: &ScanError, opened: Option<usize>) -> Fault {
    if let Some(fault) = control_character(text) {
        return fault;
    }
    let at = error.marker().byte_offset().unwrap_or_default();
    let at = visible(text, at);
    let kind = error.kind();
    // Such a value ends on the line before the tab.
    let line = match kind {
        ErrorKind::TabInPlainScalar => {
            let rest = text.get(at..).unwrap_or_default();
            at + rest.find('\t').unwrap_or_default()
        }
        _ => at,
    };
    if let Some(fault) = tab_in_indentation(text, line) {
        return fault;
    }
    if let Some(fault) = bare_braces(text, opened.unwrap_or(at), at) {
        return fault;
    }
    let (start, meaning) = meaning(text, kind, at, opened);
    let range = match kind {
        ErrorKind::RecursionLimitExceeded => return Fault::too_deep(at..token_end(text, at)),
        ErrorKind::MappingValueNotAllowed if start < at => to_line_end(text, start),
        _ if meaning == Some(BEHIND_VALUE) => to_line_end(text, start),
        _ => start..token_end(text, start).max(start + first_char(text, start)),
    };
    match meaning {
        Some((meaning, help)) => Fault::new(Code::YamlSyntax, range, meaning).help(help),
        None => Fault::new(Code::YamlSyntax, range, "this is not YAML"),
    }
}

/// A finding for a text that the other parser rejects here.
pub(super) fn refused(text: &str, at: usize) -> Fault {
    let at = visible(text, at);
    control_character(text)
        .or_else(|| line_separator(text, at))
        .or_else(|| tab_in_indentation(text, at))
        .unwrap_or_else(|| {
            let range = at..token_end(text, at).max(at + first_char(text, at));
            Fault::new(Code::YamlSyntax, range, "this can't be read")
                .help("put the value in quotes if it is text")
        })
}

/// The position at which an error is shown, and its meaning.
fn meaning(
    text: &str,
    kind: &ErrorKind,
    at: usize,
    opened: Option<usize>,
) -> (usize, Option<Meaning>) {
    let here = text.get(at..).and_then(|rest| rest.chars().next());
    match kind {
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => (bad_escape(text, at), of_values(kind)),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::BlockEntryInFlowCollection => not_closed(text, at, opened),
        ErrorKind::InvalidColonPlacement if opened.is_some() => not_closed(text, at, opened),
        ErrorKind::MappingValueNotAllowed => {
            let before = text.get(line_start(text, at)..at).unwrap_or_default();
            let own = before.trim_start_matches([' ', '-']);
            match own.find(": ") {
                Some(colon) => (at - own.len() + colon + 2, Some(COLON)),
                None => (at, of_structure(kind)),
            }
        }
        ErrorKind::InvalidColonPlacement
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::MisplacedFlowCollectionEnd => (at, Some(misplaced(text, at, here))),
        ErrorKind::MissingAnchorOrAliasName if here == Some('*') => (at, Some(ALIAS)),
        ErrorKind::InvalidBlockScalarHeader => {
            let rest = text.get(at..).unwrap_or_default();
            let header = |c: char| "|>+- ".contains(c) || c.is_ascii_digit();
            let start = at + rest.len() - rest.trim_start_matches(header).len();
            (start, of_values(kind))
        }
        _ => (at, of_values(kind).or_else(|| of_structure(kind))),
    }
}

/// Shows an unclosed bracket where it opens.
fn not_closed(text: &str, at: usize, opened: Option<usize>) -> (usize, Option<Meaning>) {
    let is =
        |at: usize, bracket: &str| text.get(at..).is_some_and(|rest| rest.starts_with(bracket));
    let start = if is(at, "[") || is(at, "{") {
        at
    } else {
        opened.unwrap_or(at)
    };
    if start < at && is(at, ":") {
        // The second `: ` of an entry.
        let entry = text.get(start..at).unwrap_or_default();
        let entry = entry.rsplit_once(',').map_or(entry, |(_, last)| last);
        if let Some((_, value)) = entry.split_once(": ").filter(|_| !entry.contains('\n')) {
            return (at - value.trim_start().len(), Some(COLON));
        }
    }
    let meaning = if is(start, "{") {
        NOT_CLOSED_MAP
    } else {
        NOT_CLOSED_LIST
    };
    (start, Some(meaning))
}

/// The meaning of text that is neither a key nor an item.
fn misplaced(text: &str, at: usize, here: Option<char>) -> Meaning {
    let before = text.get(line_start(text, at)..at).unwrap_or_default();
    match here {
        Some(':') => ("there is no key before this `:`", "write `key: value`"),
        _ if before.trim_start_matches([' ', '-']).is_empty() => MISFIT,
        _ => BEHIND_VALUE,
    }
}

/// The first invalid escape in the string that begins here or before.
fn bad_escape(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let mut chars = rest.char_indices();
    while let Some((start, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let digits = match chars.next() {
            Some((_, 'x')) => 2,
            Some((_, 'u')) => 4,
            Some((_, 'U')) => 8,
            Some((_, c)) if "0abtnvfre \"/\\N_LP\t\n\r".contains(c) => 0,
            _ => return at + start,
        };
        let digits = rest.get(start + 2..start + 2 + digits);
        let number = digits.filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
        let number = number.map(|digits| u32::from_str_radix(digits, 16).unwrap_or_default());
        if number.and_then(char::from_u32).is_none() {
            return at + start;
        }
    }
    at
}

fn to_line_end(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.find(['\n', '\r']).unwrap_or(rest.len())
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

/// Shows the end of the file after its last character.
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
        "the character U+{:04X} is not allowed in a YAML file",
        u32::from(c)
    );
    Some(
        Fault::new(Code::YamlSyntax, at..at + c.len_utf8(), message)
            .help("delete it, or write it as an escape between double quotes"),
    )
}

/// A character that ends a line in YAML 1.1 but not in YAML 1.2, before this place on its line.
fn line_separator(text: &str, at: usize) -> Option<Fault> {
    let start = line_start(text, at);
    let before = text.get(start..at)?;
    let (found, c) = before
        .char_indices()
        .rev()
        .find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))?;
    let range = start + found..start + found + c.len_utf8();
    let message = format!(
        "the character U+{:04X} ends a line for some programs, and for others it does not",
        u32::from(c)
    );
    Some(
        Fault::new(Code::YamlSyntax, range, message)
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
