//! One comment and its content.

use std::ops::Range;

use crate::diagnostic::{Code, Finding, Place};
use crate::load::Locator;
use crate::source::Source;

use super::lines::Lines;

const NAME: &str = "patroni_barman";

/// The form of a comment, for help lines.
pub(super) const FORM: &str = "write `# patroni_barman: allow(PB204) why it is right`";

/// A comment for this program.
pub(super) struct Comment {
    pub(super) file: usize,
    pub(super) place: Place,
    /// The line that it applies to.
    pub(super) about: usize,
    /// Its content, or the reason why it is invalid.
    pub(super) said: Result<Said, &'static str>,
}

pub(super) struct Said {
    pub(super) codes: Vec<String>,
    pub(super) reason: String,
}

impl Comment {
    pub(super) fn finding(&self, code: Code, message: String, help: &str) -> Finding {
        Finding {
            code,
            message,
            place: self.place.clone(),
            help: Some(help.to_owned()),
            related: Vec::new(),
        }
    }
}

/// The comments in a file that are, or seem to be, for this program.
pub(super) fn comments(file: usize, source: &Source, locator: &mut Locator<'_>) -> Vec<Comment> {
    let text = &source.text;
    if !text.contains('#') {
        return Vec::new();
    }
    let lines = Lines::new(text);
    let all = locator.comments(file).into_iter();
    let comment = |range: Range<usize>| {
        let (at, said) = read(text.get(range.clone())?)?;
        let place = locator.bytes(file, &(range.start + at..range.end))?;
        let line = place.position.line;
        let start = text.get(..range.start)?.rfind('\n').map_or(0, |at| at + 1);
        Some(Comment {
            file,
            about: lines.about(line, range.start - start),
            place,
            said,
        })
    };
    all.filter_map(comment).collect()
}

/// Finds the part of a comment that is for this program, and its offset. Other text may precede it.
fn read(comment: &str) -> Option<(usize, Result<Said, &'static str>)> {
    let signs = comment.match_indices('#').map(|(at, _)| at);
    let separate = |at: &usize| {
        let before = comment.get(..*at).unwrap_or_default();
        !before.ends_with(|c: char| !c.is_whitespace())
    };
    signs.filter(separate).find_map(|at| {
        let text = comment.get(at + 1..)?.trim_start();
        Some((at, directive(text)?))
    })
}

fn directive(text: &str) -> Option<Result<Said, &'static str>> {
    const UNKNOWN: &str = "this comment is not understood";
    let end = text.find(|c: char| !c.is_ascii_alphabetic() && c != '_' && c != '-');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let colon = rest.trim_start().strip_prefix(':');
    match colon {
        Some(rest) if word == NAME => {
            Some(said(rest.trim()).ok_or(UNKNOWN).and_then(only_a_reason))
        }
        _ if is_near(word) && allows(colon.unwrap_or(rest)) => Some(Err(UNKNOWN)),
        _ if allows(text) => Some(Err(UNKNOWN)),
        _ => None,
    }
}

fn is_near(word: &str) -> bool {
    let word = word.to_ascii_lowercase().replace(['_', '-'], "");
    word == NAME.replace('_', "")
}

/// Returns true if a comment about this program was meant to allow something.
fn allows(text: &str) -> bool {
    let text = text.trim_start();
    let word = text.get(.."allow".len()).unwrap_or_default();
    let rest = text.get("allow".len()..).unwrap_or_default();
    let bracket = rest.trim_start().trim_start_matches(['(', '[', ':', '=']);
    let code = bracket.trim_start().get(..5).unwrap_or_default();
    word.eq_ignore_ascii_case("allow") && Code::parse(code).is_some()
}

fn said(text: &str) -> Option<Said> {
    let rest = text.strip_prefix("allow(")?;
    let (codes, reason) = rest.split_once(')')?;
    let codes: Vec<_> = codes
        .split(',')
        .map(|code| code.trim().to_owned())
        .collect();
    let reason = reason.trim().to_owned();
    (!codes.iter().any(String::is_empty)).then_some(Said { codes, reason })
}

/// Refuses codes in place of the reason.
fn only_a_reason(said: Said) -> Result<Said, &'static str> {
    let first = said.reason.trim_start_matches([',', ';', '&']).trim_start();
    let code = first
        .get(..5)
        .is_some_and(|word| Code::parse(word).is_some());
    if code || first.len() < said.reason.len() {
        return Err("this comment has codes after its bracket, where the reason belongs");
    }
    Ok(said)
}
