//! From the files' JSON to the rule set.
//!
//! The schema was checked before, but may have failed: values of the wrong shape are
//! silently skipped here, so that all other problems are still found.

mod constant;
mod each;
mod endpoint;
mod fleet;
mod here;
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
pub(crate) use self::here::Here;
use self::values::Least;
pub(crate) use self::values::template_value;
use super::MAX_FINDINGS;
use super::problem::{Problem, Spot};
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

    /// Reports another of what there can be one of.
    fn second(&mut self, code: Code, [spot, first]: [Spot; 2], message: String, help: &str) {
        let problem = Problem::new(code, spot, message).help(help);
        self.problem(problem.related(first, "the first one is here"));
    }

    fn rule_set(&mut self, files: &'a [Option<Value>]) -> RuleSet {
        let tops: Vec<_> = (0..files.len()).map(Origin::top).collect();
        let files: Vec<Here<'a, '_>> = tops
            .iter()
            .zip(files)
            .filter_map(|(top, value)| Some(Here::new(value.as_ref()?, top)))
            .collect();
        let section = |name: &'static str| -> Vec<Here<'a, '_>> {
            files.iter().filter_map(|file| file.get(name)).collect()
        };
        for name in SINGLE {
            self.only_one(name, &section(name));
        }
        let single = |name| section(name).first().copied();
        let is_word = |name, word| single(name).is_some_and(|here| here.value == word);
        let matching = if is_word("match", "first") {
            Match::First
        } else {
            Match::All
        };
        let apis = self.apis(single("api"), &section("apis"));
        let patroni = single("patroni").and_then(|here| self.patroni(here));
        let clusters = self.followed(&section("clusters"));
        let discover = single("discover").and_then(|here| self.discover(here));
        let mut vars = self.vars(&files);
        let defaults = self.defaults(single("defaults"));
        let rules = self.rules(&section("rules"), &defaults);
        let receivers = self.receivers(&section("notify"));
        vars.append(&mut self.rule_vars);
        let default = StateSettings::default();
        let state = match single("state") {
            None => default,
            Some(here) => StateSettings {
                path: here.text("path").map(PathBuf::from),
                keep: self.duration(here, "keep", Least::MoreThanZero, default.keep),
            },
        };
        let fallback = if is_word("rules_fallback", "none") {
            Fallback::None
        } else {
            Fallback::LastGood
        };
        let apis_at = mem::take(&mut self.apis).into_iter();
        let apis_at = apis_at.map(|(name, origin)| (ApiName(name.to_owned()), origin));
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
                apis: apis_at.collect(),
                patroni: single("patroni").map(|here| here.origin()),
            },
        }
    }

    fn only_one(&mut self, name: &str, found: &[Here<'_, '_>]) {
        let [first, more @ ..] = found else {
            return;
        };
        for here in more {
            let message = format!("`{name}` is in two files of one rule set");
            let help = format!("keep one `{name}` and delete the other");
            let spots = [here.key_spot(), first.key_spot()];
            self.second(Code::SectionTwice, spots, message, &help);
        }
    }
}
