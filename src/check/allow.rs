//! Comments that silence a finding: `# patroni_barman: allow(PB204) the reason`.
//!
//! They stand on the line of a rule's first key or of a variable, or above it. Whoever reads the rules later must
//! learn why something that looks wrong is right, so the reason is required; and a comment that silences nothing
//! any more would hide the next mistake, so it is reported.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::{Code, Finding, Place};
use crate::load::{Locator, Problem, Spot};
use crate::model::{Origin, RuleSet};
use crate::source::Source;

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
        .flat_map(|(file, source)| comments(file, source, locator))
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
    let endpoints = rules.places.apis.values().chain(&rules.places.patroni);
    let endpoints_at = endpoints.map(|origin| (Spot::key(origin), origin));
    for (spot, origin) in rules_at.chain(vars_at).chain(endpoints_at) {
        if let Some(place) = locator.place(&spot) {
            let line = (origin.file, place.position.line);
            heads.entry(line).or_default().push(origin.clone());
        }
    }
    heads
}

fn comments(file: usize, source: &Source, locator: &mut Locator<'_>) -> Vec<Comment> {
    let text = &source.text;
    if !text.contains(MARK) {
        return Vec::new();
    }
    let comments = locator.comments(file);
    let comment = |range: Range<usize>| {
        let whole = text.get(range.clone())?;
        let mark = whole.find(MARK)?;
        let (words, marked) = whole.split_at(mark);
        // A mark that is glued to a word is none.
        if words.ends_with(|c: char| !c.is_whitespace()) {
            return None;
        }
        let said = said(marked.strip_prefix(MARK)?);
        let place = locator.bytes(file, &(range.start + mark..range.end))?;
        let line = place.position.line;
        let before = text.lines().nth(line - 1)?.split('#').next()?;
        let about = if has_content(before) {
            line
        } else {
            let next = text.lines().skip(line).position(has_content);
            next.map_or(line, |next| line + 1 + next)
        };
        Some(Comment {
            file,
            place,
            about,
            said,
        })
    };
    comments.into_iter().filter_map(comment).collect()
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
