//! Comments that silence a finding: `# patroni_barman: allow(PB204) the reason`.
//!
//! A comment applies to the item that begins on its line or on the next one: a rule, one of its requests, a variable, or
//! the whole file if that is `version`. Later readers must learn why something that looks wrong is right, so
//! the reason is required. A comment that no longer silences anything would hide the next mistake, so it is
//! reported.

mod comment;
mod lines;
mod scopes;

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Code, Finding, Silenced};
use crate::load::{Locator, MAX_FINDINGS, Problem};
use crate::model::{Origin, RuleSet};
use crate::source::Source;

use self::comment::{Comment, FORM, Said, comments};
use self::scopes::Scopes;

/// The problems, divided by the comments.
pub(super) struct Allowed {
    /// The problems that no comment silences.
    pub(super) problems: Vec<Problem>,
    pub(super) silenced: Vec<Silenced>,
    /// Findings about the comments themselves.
    pub(super) findings: Vec<Finding>,
    pub(super) truncated: bool,
}

/// Applies the comments to the problems. `online` is true if the problems include the answers of Barman and Patroni.
pub(super) fn apply(
    problems: Vec<Problem>,
    online: bool,
    rules: &RuleSet,
    sources: &[Source],
    locator: &mut Locator<'_>,
) -> Allowed {
    let mut comments: Vec<_> = sources
        .iter()
        .enumerate()
        .flat_map(|(file, source)| comments(file, source, locator))
        .collect();
    let mut silencer = Silencer::new(problems, online);
    if !comments.is_empty() {
        let scopes = Scopes::of(rules, sources, locator);
        // The narrowest comment counts first: a comment for the whole file is not unused because of it.
        comments.sort_by_cached_key(|comment| scopes.breadth(comment.file, comment.about));
        for comment in &comments {
            silencer.look(comment, scopes.at(comment.file, comment.about));
        }
    }
    silencer.finish(locator)
}

struct Silencer {
    problems: Vec<(Problem, Option<String>)>,
    /// The problems by file, code, and pointer of the file, rule, request or variable.
    within: HashMap<(usize, Code, String), Vec<usize>>,
    /// The places already searched for a code: nothing is left there for a second comment.
    seen: HashSet<(usize, usize, Code)>,
    online: bool,
    findings: Vec<Finding>,
    truncated: bool,
}

impl Silencer {
    fn new(problems: Vec<Problem>, online: bool) -> Self {
        let mut within: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, problem) in problems.iter().enumerate() {
            let Origin { file, pointer } = &problem.spot.origin;
            // The pointers of the file, of a rule or variable, of `request` and of one of `requests`.
            let parts = pointer.match_indices('/').map(|(at, _)| at);
            let ends = parts.chain([pointer.len()]).take(5).collect::<HashSet<_>>();
            for end in ends {
                let part = pointer.get(..end).unwrap_or_default().to_owned();
                let key = (*file, problem.code, part);
                within.entry(key).or_default().push(index);
            }
        }
        Self {
            problems: problems
                .into_iter()
                .map(|problem| (problem, None))
                .collect(),
            within,
            seen: HashSet::new(),
            online,
            findings: Vec::new(),
            truncated: false,
        }
    }

    fn look(&mut self, comment: &Comment, about: &[Origin]) {
        let said = match &comment.said {
            Ok(said) => said,
            Err(why) => return self.idle(comment, (*why).to_owned(), FORM),
        };
        if about.is_empty() {
            return self.idle(
                comment,
                "this comment silences nothing: no rule, request, variable or API begins here".to_owned(),
                "put it on the line of the first key of a rule or request, or above it; above `version` it is for the whole file",
            );
        }
        for written in &said.codes {
            let message = match Code::parse(written) {
                None => format!("there is no finding `{written}`"),
                Some(code) if !code.can_be_allowed() => {
                    format!("`{code}` can't be silenced: {}", code.title())
                }
                Some(code) if self.silence(comment, about, code, said) => continue,
                Some(code) if code.is_online() && !self.online => continue,
                Some(code) => format!("this comment silences nothing: there is no `{code}` here"),
            };
            let help = "delete it, or `patroni_barman explain` lists every code";
            self.idle(comment, message, help);
        }
        if said.reason.is_empty() {
            let message = "this comment gives no reason".to_owned();
            let help = "write the reason after the bracket";
            self.say(comment.finding(Code::NoReason, message, help));
        }
    }

    /// Silences the problems of this code here; returns false if there are none.
    fn silence(&mut self, comment: &Comment, about: &[Origin], code: Code, said: &Said) -> bool {
        if !self.seen.insert((comment.file, comment.about, code)) {
            return false;
        }
        let mut any = false;
        for origin in about {
            let key = (origin.file, code, origin.pointer.clone());
            for index in self.within.get(&key).into_iter().flatten() {
                if let Some((_, reason @ None)) = self.problems.get_mut(*index) {
                    *reason = Some(said.reason.clone());
                    any = true;
                }
            }
        }
        any
    }

    fn idle(&mut self, comment: &Comment, message: String, help: &str) {
        self.say(comment.finding(Code::IdleComment, message, help));
    }

    fn say(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.truncated = true;
        }
    }

    fn finish(self, locator: &mut Locator<'_>) -> Allowed {
        let mut problems = Vec::new();
        let mut silenced = Vec::new();
        for (problem, reason) in self.problems {
            match reason {
                None => problems.push(problem),
                Some(reason) => silenced.extend(
                    locator
                        .finding(problem)
                        .map(|finding| Silenced { finding, reason }),
                ),
            }
        }
        Allowed {
            problems,
            silenced,
            findings: self.findings,
            truncated: self.truncated,
        }
    }
}
