//! Comments that silence a finding: `# patroni_barman: allow(PB204) the reason`.
//!
//! They stand on the line of a rule's first key or of a variable, or above it. Whoever reads the rules later must
//! learn why something that looks wrong is right, so the reason is required; and a comment that silences nothing
//! any more would hide the next mistake, so it is reported.

use std::collections::HashMap;

use crate::diagnostic::{Code, Finding, Place};
use crate::load::{Locator, Problem, Spot};
use crate::model::{Origin, RuleSet};
use crate::source::{Position, Source};

const MARK: &str = "# patroni_barman:";

/// How it is written, for help lines.
const FORM: &str = "write `# patroni_barman: allow(PB204) why it is right`";

/// One comment.
struct Comment {
    file: usize,
    place: Place,
    /// The line that it is about.
    about: usize,
    said: Option<Said>,
}

/// What it says.
struct Said {
    codes: Vec<String>,
    reason: String,
}

/// The problems that no comment silences, and what is wrong with the comments.
pub(super) fn apply(
    mut problems: Vec<Problem>,
    rules: &RuleSet,
    sources: &[Source],
    locator: &mut Locator<'_>,
) -> (Vec<Problem>, Vec<Finding>) {
    let comments: Vec<_> = sources
        .iter()
        .enumerate()
        .flat_map(|(file, source)| comments(file, source))
        .collect();
    if comments.is_empty() {
        return (problems, Vec::new());
    }
    let heads = heads(rules, locator);
    let mut findings = Vec::new();
    for comment in &comments {
        let Some(said) = &comment.said else {
            findings.push(comment.finding(
                Code::IdleComment,
                "this comment is not understood".to_owned(),
                FORM,
            ));
            continue;
        };
        let about = heads.get(&(comment.file, comment.about));
        let about = about.map(Vec::as_slice).unwrap_or_default();
        if about.is_empty() {
            findings.push(comment.finding(
                Code::IdleComment,
                "this comment silences nothing: it stands on no rule and no variable".to_owned(),
                "put it on the line of the rule's first key, or above it",
            ));
            continue;
        }
        for written in &said.codes {
            let message = match Code::parse(written) {
                None => format!("there is no finding `{written}`"),
                Some(code) if !code.can_be_allowed() => {
                    format!("`{code}` can't be silenced: {}", code.title())
                }
                Some(code) => {
                    let before = problems.len();
                    let within = |problem: &Problem| {
                        let origin = &problem.spot.origin;
                        about.iter().any(|about| about.contains(origin))
                    };
                    problems.retain(|problem| problem.code != code || !within(problem));
                    if problems.len() < before {
                        continue;
                    }
                    format!("this comment silences nothing: there is no `{code}` here")
                }
            };
            let help = "delete it, or `patroni_barman explain` lists every code";
            findings.push(comment.finding(Code::IdleComment, message, help));
        }
        if said.reason.is_empty() {
            let message = "this comment gives no reason".to_owned();
            let help = "say behind the bracket why it is right";
            findings.push(comment.finding(Code::NoReason, message, help));
        }
    }
    (problems, findings)
}

/// Rules and variables by the file and line that they begin in.
fn heads(rules: &RuleSet, locator: &mut Locator<'_>) -> HashMap<(usize, usize), Vec<Origin>> {
    let rules_at = rules
        .rules
        .iter()
        .map(|rule| (Spot::value(&rule.origin), &rule.origin));
    let vars_at = rules
        .vars
        .iter()
        .map(|var| (Spot::key(&var.origin), &var.origin));
    let mut heads: HashMap<_, Vec<Origin>> = HashMap::new();
    for (spot, origin) in rules_at.chain(vars_at) {
        if let Some(place) = locator.place(&spot) {
            let line = (origin.file, place.position.line);
            heads.entry(line).or_default().push(origin.clone());
        }
    }
    heads
}

fn comments(file: usize, source: &Source) -> Vec<Comment> {
    if !source.text.contains(MARK) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let comment = |(index, line): (usize, &&str)| {
        let start = line.find(MARK)?;
        let (before, text) = line.split_at(start);
        // A mark inside of a quoted text is no comment, and neither is one that is glued to a word.
        if in_quotes(before) || !(before.is_empty() || before.ends_with(char::is_whitespace)) {
            return None;
        }
        let alone = !has_content(before);
        let about = if alone {
            let next = lines
                .iter()
                .skip(index + 1)
                .position(|line| has_content(line));
            next.map_or(index, |next| index + 1 + next)
        } else {
            index
        };
        Some(Comment {
            file,
            place: Place {
                file: source.name.clone(),
                position: Position {
                    line: index + 1,
                    column: before.chars().count() + 1,
                },
                length: text.trim_end().chars().count(),
            },
            about: about + 1,
            said: said(text.strip_prefix(MARK)?),
        })
    };
    lines.iter().enumerate().filter_map(comment).collect()
}

/// Whether something of a value is in a line; a dash alone only announces one.
fn has_content(line: &str) -> bool {
    let line = line.trim();
    let behind_dash = line
        .strip_prefix('-')
        .filter(|rest| !rest.starts_with(|c: char| !c.is_whitespace()));
    let line = behind_dash.unwrap_or(line).trim_start();
    !line.is_empty() && !line.starts_with('#')
}

/// Whether a line that goes on here is inside of quotes. Those in the middle of a word, as in `o'brien`, open none.
fn in_quotes(before: &str) -> bool {
    let mut open = None;
    let mut value_may_begin = true;
    let mut chars = before.chars().peekable();
    while let Some(c) = chars.next() {
        match open {
            Some('"') if c == '\\' => {
                chars.next();
            }
            // Twice the quote stands for one.
            Some('\'') if c == '\'' && chars.peek() == Some(&'\'') => {
                chars.next();
            }
            Some(quote) if c == quote => {
                open = None;
                value_may_begin = false;
            }
            Some(_) => {}
            None if value_may_begin && matches!(c, '"' | '\'') => open = Some(c),
            None => {
                let announced = matches!(c, '-' | '?' | ':' | ',' | '[' | '{');
                value_may_begin = announced || (value_may_begin && c.is_whitespace());
            }
        }
    }
    open.is_some()
}

fn said(text: &str) -> Option<Said> {
    let rest = text.trim().strip_prefix("allow(")?;
    let (codes, reason) = rest.split_once(')')?;
    let codes: Vec<_> = codes
        .split(',')
        .map(|code| code.trim().to_owned())
        .collect();
    let reason = reason.trim().to_owned();
    (!codes.iter().any(String::is_empty)).then_some(Said { codes, reason })
}

impl Comment {
    fn finding(&self, code: Code, message: String, help: &str) -> Finding {
        Finding {
            code,
            message,
            place: self.place.clone(),
            help: Some(help.to_owned()),
            related: Vec::new(),
        }
    }
}
