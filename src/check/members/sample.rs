//! Example members: enough to find rules that set different values on two members.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::diagnostic::list;
use crate::model::Rule;
use crate::template::{Asked, Reference, Scope, inspect};

use super::super::failing::templates;
use super::super::table::Table;

/// The maximum number of named members that every rule is tried with.
const MOST_NAMED: usize = 8;

/// The maximum number of surroundings for each of them.
const MOST_SURROUNDINGS: usize = 6;

/// A member in certain surroundings, as indexes into [`Members`]. Names are unique at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) name: usize,
    surroundings: usize,
}

/// Environment variables and host names that conditions compare, with their values here.
type Surroundings = BTreeMap<Subject, Asked>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Host,
    Env(String),
}

impl Subject {
    /// Reads the subject of a condition, in the notation of [`Premises`].
    fn of(subject: &str) -> Option<Self> {
        let key = subject
            .strip_prefix("env[\"")
            .and_then(|rest| rest.strip_suffix("\"]"));
        match key {
            Some(name) if !name.contains(['"', '\\']) => Some(Self::Env(name.to_owned())),
            _ => (subject == "host").then_some(Self::Host),
        }
    }

    fn is(&self, used: &Reference) -> bool {
        match self {
            Self::Host => used.name == "host",
            Self::Env(name) => used.name == "env" && used.attribute.as_ref() == Some(name),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Host => "`host`".to_owned(),
            Self::Env(name) => format!("`env.{name}`"),
        }
    }
}

/// The members that rules are tried for.
pub(super) struct Members<'r> {
    /// All names, sorted.
    names: Vec<String>,
    /// The members that every rule is tried for: two that no rule names, and those that are named, unless they are many.
    common: Vec<usize>,
    /// For each rule, the members it is limited to by its condition, if it names them.
    only: HashMap<usize, Vec<usize>>,
    surroundings: Vec<Surroundings>,
    rules: &'r [Rule],
}

impl<'r> Members<'r> {
    pub(super) fn new(table: &Table<'r>) -> Self {
        let mut mentioned = BTreeSet::new();
        let mut named = BTreeSet::new();
        let mut only = HashMap::new();
        let mut compared: BTreeMap<Subject, BTreeSet<String>> = BTreeMap::new();
        for number in 0..table.rules.rules.len() {
            let Some(premises) = table.premises(number) else {
                continue;
            };
            for (subject, asked) in premises.each() {
                let (Asked::OneOf(texts) | Asked::NoneOf(texts)) = asked;
                if subject == "node" {
                    mentioned.extend(texts.iter().cloned());
                    if matches!(asked, Asked::NoneOf(_)) {
                        named.extend(texts.iter().take(MOST_NAMED).cloned());
                    }
                } else if let Some(subject) = Subject::of(subject) {
                    let known = compared.entry(subject).or_default();
                    known.extend(texts.iter().cloned());
                }
            }
            if let Some(Asked::OneOf(texts)) = premises.common().remove("node") {
                let first: Vec<_> = texts.into_iter().take(MOST_NAMED).collect();
                named.extend(first.iter().cloned());
                only.insert(number, first);
            }
        }
        let examples = (1..).map(|number| format!("n{number}"));
        let unnamed = examples.filter(|name| !mentioned.contains(name));
        let others: Vec<String> = unnamed.take(2).collect();
        let mut all: Vec<String> = others.iter().chain(&named).cloned().collect();
        all.sort();
        let index = |name: &String| all.binary_search(name).ok();
        let few = named.len() <= MOST_NAMED;
        let common = others.iter().chain(named.iter().filter(|_| few));
        let only = only.into_iter();
        Self {
            common: common.filter_map(index).collect(),
            only: only
                .map(|(rule, only)| (rule, only.iter().filter_map(index).collect()))
                .collect(),
            names: all,
            surroundings: surroundings(compared),
            rules: &table.rules.rules,
        }
    }

    /// Returns true if a rule names its members.
    pub(super) fn is_of_one(&self, rule: usize) -> bool {
        self.only.contains_key(&rule)
    }

    /// The members that a rule is tried for.
    pub(super) fn of_rule(&self, rule: usize) -> Vec<Member> {
        let names = self.only.get(&rule).unwrap_or(&self.common);
        let places = 0..self.surroundings.len();
        let all = names.iter().flat_map(|&name| {
            let places = places.clone();
            places.map(move |surroundings| Member { name, surroundings })
        });
        all.collect()
    }

    /// The member's name.
    pub(super) fn name(&self, member: Member) -> &str {
        self.names.get(member.name).map_or("", String::as_str)
    }

    /// Adds the known facts about a member to the scope.
    pub(super) fn seen_by(&self, member: Member, mut scope: Scope) -> Scope {
        scope = scope.text("node", self.name(member));
        let mut env = BTreeMap::new();
        for (subject, asked) in self.around(member) {
            match (subject, asked) {
                (Subject::Env(name), asked) => {
                    env.insert(name.clone(), asked.clone());
                }
                (Subject::Host, asked) => {
                    scope = match asked.only() {
                        Some(text) => scope.text("host", text),
                        None => scope.unsettled_among("host", asked.clone().into()),
                    };
                }
            }
        }
        if env.is_empty() {
            return scope;
        }
        scope.table_among("env", env)
    }

    /// Describes the surroundings of a member, as far as these rules depend on them.
    pub(super) fn surroundings_in_words(&self, member: Member, rules: [usize; 2]) -> Vec<String> {
        let looks_at = |subject: &Subject, rule: &Rule| {
            let mut templates = templates(rule).into_iter();
            templates.any(|(template, syntax)| {
                let used = inspect(&template.text, syntax)
                    .unwrap_or_default()
                    .variables;
                used.iter().any(|used| subject.is(used))
            })
        };
        let mut words = Vec::new();
        for (subject, asked) in self.around(member) {
            let mut rules = rules.iter().filter_map(|rule| self.rules.get(*rule));
            if rules.any(|rule| looks_at(subject, rule)) {
                words.push(match asked {
                    Asked::OneOf(texts) => format!("{} is {}", subject.in_words(), any_of(texts)),
                    Asked::NoneOf(texts) => {
                        format!("{} is not {}", subject.in_words(), any_of(texts))
                    }
                });
            }
        }
        words
    }

    fn around(&self, member: Member) -> impl Iterator<Item = (&Subject, &Asked)> {
        self.surroundings
            .get(member.surroundings)
            .into_iter()
            .flatten()
    }
}

fn any_of(texts: &[String]) -> String {
    list(texts.iter().map(String::as_str), "or")
}

/// Each combination of the compared texts, and one more for any other text; subjects with too many are left unknown.
fn surroundings(compared: BTreeMap<Subject, BTreeSet<String>>) -> Vec<Surroundings> {
    let mut all = vec![Surroundings::new()];
    for (subject, texts) in compared {
        if all.len() * (texts.len() + 1) > MOST_SURROUNDINGS {
            continue;
        }
        let each = texts.iter().map(|text| Asked::OneOf(vec![text.clone()]));
        let other = Asked::NoneOf(texts.iter().cloned().collect());
        let asked: Vec<Asked> = each.chain([other]).collect();
        let with = |surroundings: Surroundings| {
            let subject = subject.clone();
            asked.iter().map(move |asked| {
                let mut more = surroundings.clone();
                more.insert(subject.clone(), asked.clone());
                more
            })
        };
        all = all.into_iter().flat_map(with).collect();
    }
    all
}
