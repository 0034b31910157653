//! From the files' JSON to the rule set.
//!
//! The schema has been looked at before, but may have found something: what has not the shape it
//! should have is passed over here without a word, so that everything else that is wrong is still found.

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

use std::collections::{HashMap, HashSet};
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

/// Everything that decoding one rule set shares.
struct Decoder<'a> {
    problems: Vec<Problem>,
    /// The variables so far that all files may use, with the places that give them their values.
    vars: HashMap<String, Origin>,
    /// Those that only their file may use, by file.
    own_vars: Vec<HashMap<String, vars::Own>>,
    /// A place for each name of those, also before they are read.
    elsewhere: HashMap<&'a str, Origin>,
    /// The variables of the section at hand.
    section: HashMap<&'a str, vars::Listed<'a>>,
    /// The names that only the rule at hand has.
    names: HashMap<String, Origin>,
    /// The variables of rules.
    rule_vars: Vec<Var>,
    /// The names of all variables.
    taken: HashSet<String>,
    /// What `for_each` has made.
    unrolled: each::Unrolled,
    /// The names of the APIs, also of those that something is wrong with.
    apis: HashMap<&'a str, Origin>,
    /// Templates that have been read and found in order.
    inspected: template::Inspected,
    /// Whether the rule at hand has a condition.
    conditional: bool,
    /// The environment variables that headers are read from.
    header_variables: Vec<(String, Origin)>,
    /// Variables and templates whose values are known already.
    constants: constant::Constants,
}

/// The sections that may stand in one file only.
const SINGLE: [&str; 7] = [
    "api",
    "patroni",
    "discover",
    "match",
    "defaults",
    "state",
    "rules_fallback",
];

/// Makes a rule set of the files' values.
///
/// The rule set is complete only if there is no problem, here and in the schema.
pub(super) fn decode(files: &[Option<Value>]) -> (RuleSet, Vec<Problem>) {
    let mut decoder = Decoder {
        problems: Vec::new(),
        vars: HashMap::new(),
        own_vars: files.iter().map(|_| HashMap::new()).collect(),
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
                    format!("`{name}` stands in two files of one rule set"),
                )
                .help(format!("keep one `{name}` and delete the other"))
                .related(Spot::key(first), "the first one is here"),
            );
        }
    }
}

/// The entries of a mapping with their places; none of anything else.
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

/// The items of a list with their places; none of anything else.
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
