//! From the files' JSON to the rule set.
//!
//! The schema was checked before, but may have failed: values of the wrong shape are
//! silently skipped here, so that all other problems are still found.

mod constant;
mod each;
mod endpoint;
mod fleet;
mod receiver;
mod request;
mod rule;
mod template;
mod values;
mod vars;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;
use std::path::PathBuf;

use serde_json::Value;

pub use self::constant::refused;
use self::values::Least;
pub(crate) use self::values::template_value;
use super::MAX_FINDINGS;
use super::problem::{Problem, Spot, escape};
use crate::diagnostic::Code;
use crate::model::{ApiName, Fallback, Match, Origin, Places, RuleSet, StateSettings, Var};

/// The shared state of decoding one rule set.
struct Decoder<'a> {
    problems: Vec<Problem>,
    /// The variables available to all files so far, with the places of their values.
    vars: BTreeMap<String, Origin>,
    /// The variables of single files, by file.
    own_vars: Vec<BTreeMap<String, vars::Own>>,
    /// A place for each name of those, even before they are read.
    elsewhere: HashMap<&'a str, Origin>,
    /// The variables of the current section.
    section: HashMap<&'a str, vars::Listed<'a>>,
    /// The names that only the current rule has.
    names: HashMap<String, Origin>,
    /// The variables of rules.
    rule_vars: Vec<Var>,
    /// The names of all variables.
    taken: HashSet<String>,
    /// The state of `for_each` expansion.
    unrolled: each::Unrolled,
    /// The names of the APIs, including invalid ones.
    apis: HashMap<&'a str, Origin>,
    /// Templates that have been checked and are valid.
    inspected: template::Inspected,
    /// True if the current rule has a condition.
    conditional: bool,
    /// The environment variables of headers.
    header_variables: Vec<(String, Origin)>,
    /// Variables and templates whose values are already known.
    constants: constant::Constants,
}

/// The sections that only one file may contain.
const SINGLE: [&str; 7] = [
    "api",
    "patroni",
    "discover",
    "match",
    "defaults",
    "state",
    "rules_fallback",
];

/// Decodes the files' values into a rule set.
///
/// The rule set is complete only if there is no problem, here and in the schema.
pub(super) fn decode(files: &[Option<Value>]) -> (RuleSet, Vec<Problem>) {
    let mut decoder = Decoder {
        problems: Vec::new(),
        vars: BTreeMap::new(),
        own_vars: files.iter().map(|_| BTreeMap::new()).collect(),
        elsewhere: HashMap::new(),
        section: HashMap::new(),
        names: HashMap::new(),
        rule_vars: Vec::new(),
        taken: HashSet::new(),
        unrolled: each::Unrolled::default(),
        apis: HashMap::new(),
        inspected: template::Inspected::default(),
        conditional: false,
        header_variables: Vec::new(),
        constants: constant::Constants::default(),
    };
    let rules = decoder.rule_set(files);
    (rules, decoder.problems)
}

impl<'a> Decoder<'a> {
    fn problem(&mut self, problem: Problem) {
        if self.problems.len() < MAX_FINDINGS {
            self.problems.push(problem);
        }
    }

    fn rule_set(&mut self, files: &'a [Option<Value>]) -> RuleSet {
        let section = |name: &str| -> Vec<(Origin, &'a Value)> {
            let found = |(file, value): (usize, &'a Option<Value>)| {
                let pointer = String::new();
                let origin = Origin { file, pointer }.child(name);
                Some((origin, value.as_ref()?.get(name)?))
            };
            files.iter().enumerate().filter_map(found).collect()
        };
        for name in SINGLE {
            self.only_one(name, &section(name));
        }
        let matching = match section("match").first() {
            Some((_, Value::String(word))) if word == "first" => Match::First,
            _ => Match::All,
        };
        let apis = self.apis(&section("api"), &section("apis"));
        let patroni = section("patroni")
            .first()
            .and_then(|(origin, value)| self.patroni(value, origin));
        let clusters = self.followed(&section("clusters"));
        let discover = section("discover")
            .first()
            .and_then(|(origin, value)| self.discover(value, origin));
        let mut vars = self.vars(files);
        let defaults = self.defaults(section("defaults").first());
        let rules = self.rules(&section("rules"), &defaults);
        let receivers = self.receivers(&section("notify"));
        vars.append(&mut self.rule_vars);
        let state =
            section("state")
                .first()
                .map_or_else(StateSettings::default, |(origin, value)| {
                    let path = value.get("path").and_then(Value::as_str).map(PathBuf::from);
                    let default = StateSettings::default().keep;
                    let keep = self.duration((value, origin), "keep", Least::MoreThanZero, default);
                    StateSettings { path, keep }
                });
        let fallback = match section("rules_fallback").first() {
            Some((_, Value::String(word))) if word == "none" => Fallback::None,
            _ => Fallback::LastGood,
        };
        RuleSet {
            matching,
            apis,
            patroni,
            clusters,
            discover,
            vars,
            rules,
            state,
            fallback,
            receivers,
            header_variables: mem::take(&mut self.header_variables),
            places: Places {
                apis: mem::take(&mut self.apis)
                    .into_iter()
                    .map(|(name, origin)| (ApiName(name.to_owned()), origin))
                    .collect(),
                patroni: section("patroni").first().map(|(origin, _)| origin.clone()),
            },
        }
    }

    fn only_one(&mut self, name: &str, found: &[(Origin, &Value)]) {
        let [(first, _), more @ ..] = found else {
            return;
        };
        for (origin, _) in more {
            self.problem(
                Problem::new(
                    Code::SectionTwice,
                    Spot::key(origin),
                    format!("`{name}` is in two files of one rule set"),
                )
                .help(format!("keep one `{name}` and delete the other"))
                .related(Spot::key(first), "the first one is here"),
            );
        }
    }
}

/// The entries of a mapping with their places; none for any other value.
fn entries<'a>(
    value: &'a Value,
    origin: &Origin,
) -> impl Iterator<Item = (&'a String, Origin, &'a Value)> {
    let origin = origin.clone();
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(move |(key, value)| (key, origin.child(escape(key)), value))
}

/// The items of a list with their places; none for any other value.
fn items<'a>(
    value: Option<&'a Value>,
    origin: &Origin,
) -> impl Iterator<Item = (Origin, &'a Value)> {
    let origin = origin.clone();
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
        .map(move |(index, item)| (origin.child(index), item))
}
