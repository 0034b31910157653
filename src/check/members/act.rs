//! The values that members set targets to, evaluated for examples of members.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::model::{Event, Match, RequestTemplate, Role, Rule, RuleSet, Target, TemplateValue};
use crate::space::{Cluster, events};
use crate::template::{Asked, Residual, Scope, premises, render};

use super::super::cells::Cells;
use super::super::judge::Judge;
use super::super::setting::of_request;
use super::super::table::{Firing, Table};

/// The number of members that rules name and that are tried with every rule.
const MOST_NAMED: usize = 8;

/// A value that a member sets a target to when Patroni calls for a cell.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) rule: usize,
    pub(super) request: usize,
    pub(super) event: Event,
    pub(super) role: Role,
    /// The number of the cell.
    pub(super) cell: usize,
    /// The member's name.
    pub(super) member: String,
    pub(super) value: String,
    /// The value is made of something that only the member knows, its environment say.
    pub(super) private: bool,
    /// The rule fires whatever the facts are.
    pub(super) sure: bool,
    /// The place in the plan of the cell.
    pub(super) order: usize,
    /// The rules that may fire instead, under `match: first`.
    pub(super) instead: Vec<usize>,
}

impl Act {
    /// Tells whether the two may set different values.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.value != other.value
            || (self.member != other.member && (self.private || other.private))
    }

    /// The same request with the same value in another cell.
    pub(super) fn is_same_request(&self, other: &Self) -> bool {
        (self.rule, self.request) == (other.rule, other.request) && !self.differs(other)
    }
}

/// Example members: two that no rule names, and those that rules name.
pub(super) struct Members {
    others: Vec<String>,
    named: BTreeSet<String>,
    /// For each rule the only members that its condition is for, if it names them.
    only: HashMap<usize, Vec<String>>,
}

impl Members {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut mentioned = BTreeSet::new();
        let mut named = BTreeSet::new();
        let mut only = HashMap::new();
        for (number, rule) in rules.rules.iter().enumerate() {
            let Some(when) = &rule.when else {
                continue;
            };
            let premises = premises(&when.text, &rules.vars);
            for (_, asked) in premises.each().filter(|(fact, _)| *fact == "node") {
                let (Asked::OneOf(texts) | Asked::NoneOf(texts)) = asked;
                mentioned.extend(texts.iter().cloned());
                if matches!(asked, Asked::NoneOf(_)) {
                    named.extend(texts.iter().take(MOST_NAMED).cloned());
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
        Self {
            others: unnamed.take(2).collect(),
            named,
            only,
        }
    }

    /// Tells whether a rule names its members.
    pub(super) fn is_of_one(&self, rule: usize) -> bool {
        self.only.contains_key(&rule)
    }

    /// The members that a rule is tried for.
    fn of_rule(&self, rule: usize) -> Vec<&String> {
        if let Some(only) = self.only.get(&rule) {
            return only.iter().collect();
        }
        let few = self.named.len() <= MOST_NAMED;
        let named = self.named.iter().filter(|_| few);
        self.others.iter().chain(named).collect()
    }
}

/// Evaluates rules for members; the scopes of one kind of cluster are made once.
pub(super) struct Stage<'a, 'r> {
    pub(super) table: &'a Table<'r>,
    pub(super) members: &'a Members,
    pub(super) cluster: &'a Cluster,
    pub(super) judge: &'a mut Judge<'r>,
    pub(super) scopes: HashMap<(usize, String), Scopes>,
}

/// What a request sees on one member.
#[derive(Clone)]
pub(super) struct Scopes {
    /// With what everybody knows of it; the rest is unknown.
    known: Scope,
    /// With placeholders for the rest.
    shown: Scope,
}

impl<'r> Stage<'_, 'r> {
    /// Everything that the rules set in one kind of cluster, by target; what a later request of the same cell surely
    /// replaces is left out.
    pub(super) fn acts(&mut self, firings: &[Firing]) -> BTreeMap<Target, Vec<Act>> {
        let mut all: BTreeMap<Target, Vec<Act>> = BTreeMap::new();
        let mut order = 0;
        let mut taken = Taken::default();
        for firing in firings {
            let Some(rule) = self.table.rule(firing.rule) else {
                continue;
            };
            let members = self.members;
            let mut fires: BTreeMap<(usize, &String), bool> = BTreeMap::new();
            for member in members.of_rule(firing.rule) {
                for index in firing.may.indices() {
                    let sure = self.fires(firing, index, member);
                    let key = (index, member.clone());
                    let same = |earlier: &usize| {
                        let earlier = self.table.rule(*earlier);
                        let when = |rule: &Rule| rule.when.as_ref().map(|when| when.text.clone());
                        earlier.map(when) == Some(when(rule))
                    };
                    let earlier = taken.maybe.get(&key);
                    let is_taken = taken.sure.contains(&key)
                        || earlier.is_some_and(|earlier| earlier.iter().any(same));
                    let sure = sure.filter(|_| !is_taken);
                    fires.extend(sure.map(|sure| ((index, member), sure)));
                }
            }
            let requests = rule.requests.iter().enumerate();
            for (number, request) in requests.filter(|(_, request)| request.kind.sets_state()) {
                order += 1;
                let values = request.server.iter();
                let mut values = values.chain(request.body.iter().map(|(_, value)| value));
                let by_cell = values.any(|value| self.judge.value(value).cell);
                for member in members.of_rule(firing.rule) {
                    let mut same = None;
                    for index in firing.may.indices() {
                        let Some((event, of_role)) = events().nth(index) else {
                            continue;
                        };
                        if event == Event::Bootstrap {
                            // It ends before anyone leads.
                            continue;
                        }
                        let Some(sure) = fires.get(&(index, member)).copied() else {
                            continue;
                        };
                        let instead = taken.maybe.get(&(index, member.clone()));
                        let instead = instead.cloned().unwrap_or_default();
                        let settings = match same.take() {
                            Some(settings) if !by_cell => settings,
                            _ => self.settings(request, index, member),
                        };
                        for (target, value, private) in &settings {
                            all.entry(target.clone()).or_default().push(Act {
                                rule: firing.rule,
                                request: number,
                                event,
                                role: of_role,
                                cell: index,
                                member: member.clone(),
                                value: value.clone(),
                                private: *private,
                                sure: sure && instead.is_empty(),
                                order,
                                instead: instead.clone(),
                            });
                        }
                        same = Some(settings);
                    }
                }
            }
            if self.table.rules.matching == Match::First {
                taken.add(firing.rule, fires);
            }
        }
        for acts in all.values_mut() {
            last(acts);
        }
        all
    }

    /// Tells whether a rule surely fires for a member; `None` if it never does.
    fn fires(&mut self, firing: &Firing, index: usize, member: &str) -> Option<bool> {
        let sure = !firing.sure.and(Cells::one(index)).is_empty();
        let rule = self.table.rule(firing.rule)?;
        let Some(when) = rule.when.as_ref().filter(|_| !sure) else {
            return Some(sure);
        };
        match self.judge.residual_for(when, index, member) {
            Residual::Value(Value::Bool(true)) => Some(true),
            Residual::Value(_) => None,
            Residual::Unknown(_) | Residual::Error(_) => Some(false),
        }
    }

    /// The targets and values of one request on a member, and whether a value is known only there. A target whose name is known
    /// only there is the member's own, and left out.
    fn settings(
        &mut self,
        request: &'r RequestTemplate,
        index: usize,
        member: &str,
    ) -> Vec<(Target, String, bool)> {
        let (judge, cluster) = (&*self.judge, &self.cluster.name);
        let scopes = self.scopes.entry((index, member.to_owned()));
        let scopes = scopes
            .or_insert_with(|| {
                let shown = judge.request_scope(index, cluster).text("node", member);
                let known = ["host", "args", "env"]
                    .into_iter()
                    .fold(shown.clone(), Scope::unsettled);
                Scopes { known, shown }
            })
            .clone();
        let known = scopes.known.afresh();
        if let Some(found) = of_request(request, &known) {
            let found = found.into_iter();
            return found
                .map(|(target, value)| (target, value, false))
                .collect();
        }
        if !known.guessed() || has_own_name(request, &scopes.known) {
            return Vec::new();
        }
        let found = of_request(request, &scopes.shown).unwrap_or_default();
        let found = found.into_iter();
        found.map(|(target, value)| (target, value, true)).collect()
    }
}

/// The rules that fire before others under `match: first`, by cell and member.
#[derive(Default)]
struct Taken {
    sure: HashSet<(usize, String)>,
    /// Enough of them to tell two cells apart.
    maybe: HashMap<(usize, String), Vec<usize>>,
}

impl Taken {
    fn add(&mut self, rule: usize, fires: BTreeMap<(usize, &String), bool>) {
        for ((index, member), sure) in fires {
            let key = (index, member.clone());
            if sure {
                self.sure.insert(key);
            } else {
                let rules = self.maybe.entry(key).or_default();
                if rules.len() < MOST_NAMED {
                    rules.push(rule);
                }
            }
        }
    }
}

/// Tells whether something that only the member knows is in the name of what is set.
fn has_own_name(request: &RequestTemplate, known: &Scope) -> bool {
    let is_private = |value: &TemplateValue| {
        let scope = known.afresh();
        render(value, &scope).is_err() && scope.guessed()
    };
    if request.server.as_ref().is_some_and(is_private) {
        return true;
    }
    let changes = request.body.iter().find(|(key, _)| key == "changes");
    let is_name = |key: &str| matches!(key, "scope" | "server_name" | "model_name");
    match changes {
        None => false,
        Some((_, TemplateValue::List(changes))) => changes.iter().any(|change| match change {
            TemplateValue::Map(entries) => entries
                .iter()
                .any(|(key, value)| is_name(key) && is_private(value)),
            other => is_private(other),
        }),
        Some((_, other)) => is_private(other),
    }
}

/// Drops what a later request of the same cell and member surely replaces.
fn last(acts: &mut Vec<Act>) {
    let mut sure: HashMap<(usize, String), usize> = HashMap::new();
    for act in acts.iter().filter(|act| act.sure) {
        sure.insert((act.cell, act.member.clone()), act.order);
    }
    acts.retain(|act| {
        let last = sure.get(&(act.cell, act.member.clone()));
        last.is_none_or(|last| *last <= act.order)
    });
}
