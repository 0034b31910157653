//! The values that members set targets to, evaluated for example members.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::model::{Event, Match, RequestTemplate, Role, Rule, Target, TemplateValue};
use crate::space::{Cluster, events};
use crate::template::{Residual, Scope, Syntax, render};

use super::super::cells::Cells;
use super::super::judge::{Depends, Judge};
use super::super::setting::of_request;
use super::super::table::{Firing, Table};
use super::sample::{Member, Members};

/// The maximum number of preceding rules to keep for each member.
const MOST_INSTEAD: usize = 8;

/// A value that a member sets a target to in a cell.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) rule: usize,
    pub(super) request: usize,
    pub(super) event: Event,
    pub(super) role: Role,
    /// The number of the cell.
    pub(super) cell: usize,
    pub(super) member: Member,
    pub(super) value: String,
    /// The value contains something that only the member knows, such as its environment.
    pub(super) private: bool,
    /// The rule fires whatever the facts are.
    pub(super) sure: bool,
    /// The position in the cell's plan.
    pub(super) order: usize,
    /// The rules that may fire instead under `match: first`.
    pub(super) instead: Vec<usize>,
}

impl Act {
    /// Returns true if the two may set different values.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.value != other.value
            || (self.member.name != other.member.name && (self.private || other.private))
    }

    /// The same request with the same value in another cell.
    pub(super) fn is_same_request(&self, other: &Self) -> bool {
        (self.rule, self.request) == (other.rule, other.request) && !self.differs(other)
    }
}

/// Evaluates rules for members; the scopes of one kind of cluster are created once.
pub(super) struct Stage<'a, 'r> {
    pub(super) table: &'a Table<'r>,
    pub(super) members: &'a Members<'r>,
    pub(super) cluster: &'a Cluster,
    pub(super) judge: &'a mut Judge<'r>,
    pub(super) scopes: HashMap<(usize, Member), Scopes>,
    pub(super) residuals: &'a mut Residuals<'r>,
}

/// The results of conditions that depend on the member: by text, by cell if they depend on it, and by member.
pub(super) type Residuals<'r> = HashMap<(&'r str, Option<usize>, Member), Residual>;

/// The scopes of requests on one member.
#[derive(Clone)]
pub(super) struct Scopes {
    /// The facts that are known everywhere; all others are unknown.
    known: Scope,
    /// The same facts, with placeholders for the others.
    shown: Scope,
}

impl<'r> Stage<'_, 'r> {
    /// Everything that the rules set in one kind of cluster, by target, without acts that a later request of the same cell
    /// certainly overrides.
    pub(super) fn acts(&mut self, firings: &[Firing]) -> BTreeMap<Target, Vec<Act>> {
        let mut all: BTreeMap<Target, Vec<Act>> = BTreeMap::new();
        let mut order = 0;
        let mut taken = Taken::default();
        for firing in firings {
            let Some(rule) = self.table.rule(firing.rule) else {
                continue;
            };
            let members = self.members.of_rule(firing.rule);
            let mut fires: BTreeMap<(usize, Member), bool> = BTreeMap::new();
            for &member in &members {
                for index in firing.may.indices() {
                    let sure = self.fires(firing, index, member);
                    let key = (index, member);
                    let same = |earlier: &usize| {
                        let earlier = self.table.rule(*earlier);
                        let when = |rule: &Rule| rule.when.as_ref().map(|when| when.text.clone());
                        earlier.map(when) == Some(when(rule))
                    };
                    let earlier = taken.maybe.get(&key);
                    let is_taken = taken.sure.contains(&key)
                        || earlier.is_some_and(|earlier| earlier.iter().any(same));
                    let sure = sure.filter(|_| !is_taken);
                    fires.extend(sure.map(|sure| (key, sure)));
                }
            }
            let requests = rule.requests.iter().enumerate();
            for (number, request) in requests.filter(|(_, request)| request.kind.sets_state()) {
                order += 1;
                let values = request.server.iter();
                let values = values.chain(request.body.iter().map(|(_, value)| value));
                let depends = values.map(|value| self.judge.value(value));
                let depends = depends.fold(Depends::default(), Depends::or);
                let mut same = None;
                for &member in &members {
                    same = same.filter(|_| !depends.member);
                    for index in firing.may.indices() {
                        let Some((event, of_role)) = events().nth(index) else {
                            continue;
                        };
                        if event == Event::Bootstrap {
                            // It ends before any member leads.
                            continue;
                        }
                        let key = (index, member);
                        let Some(sure) = fires.get(&key).copied() else {
                            continue;
                        };
                        let instead = taken.maybe.get(&key);
                        let instead = instead.cloned().unwrap_or_default();
                        let settings = match same.take() {
                            Some(settings) if !depends.cell => settings,
                            _ => self.settings(request, index, member),
                        };
                        for (target, value, private) in &settings {
                            all.entry(target.clone()).or_default().push(Act {
                                rule: firing.rule,
                                request: number,
                                event,
                                role: of_role,
                                cell: index,
                                member,
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

    /// Returns true if a rule certainly fires for a member, and `None` if it never does.
    fn fires(&mut self, firing: &Firing, index: usize, member: Member) -> Option<bool> {
        let sure = !firing.sure.and(Cells::one(index)).is_empty();
        let rule = self.table.rule(firing.rule)?;
        let Some(when) = rule.when.as_ref().filter(|_| !sure) else {
            return Some(sure);
        };
        let depends = self.judge.depends(when, Syntax::Expression);
        let residual = if depends.member {
            let cell = depends.cell.then_some(index);
            let key = (when.text.as_str(), cell, member);
            let residual = self.residuals.entry(key).or_insert_with(|| {
                let members = self.members;
                let with_member = |scope| members.seen_by(member, scope);
                self.judge.residual_for(when, index, with_member)
            });
            residual.clone()
        } else {
            self.judge.residual(when, Syntax::Expression, index, None)
        };
        match residual {
            Residual::Value(Value::Bool(true)) => Some(true),
            Residual::Value(_) => None,
            Residual::Unknown(_) | Residual::Error(_) => Some(false),
        }
    }

    /// The targets and values of one request on a member, each with true if only the member knows the value. A target whose name
    /// only the member knows is its own, and left out.
    fn settings(
        &mut self,
        request: &'r RequestTemplate,
        index: usize,
        member: Member,
    ) -> Vec<(Target, String, bool)> {
        let (judge, cluster) = (&*self.judge, &self.cluster.name);
        let members = self.members;
        let scopes = self.scopes.entry((index, member));
        let scopes = scopes
            .or_insert_with(|| {
                let shown = judge
                    .request_scope(index, cluster)
                    .text("node", members.name(member));
                let known = ["host", "args", "env"]
                    .into_iter()
                    .fold(shown.clone(), Scope::unsettled);
                let known = members.seen_by(member, known);
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
    sure: HashSet<(usize, Member)>,
    /// Enough of the rules that may fire to tell two cells apart.
    maybe: HashMap<(usize, Member), Vec<usize>>,
}

impl Taken {
    fn add(&mut self, rule: usize, fires: BTreeMap<(usize, Member), bool>) {
        for (key, sure) in fires {
            if sure {
                self.sure.insert(key);
            } else {
                let rules = self.maybe.entry(key).or_default();
                if rules.len() < MOST_INSTEAD {
                    rules.push(rule);
                }
            }
        }
    }
}

/// Returns true if the name of the target contains something that only the member knows.
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

/// Drops acts that a later request of the same cell and member certainly overrides.
fn last(acts: &mut Vec<Act>) {
    let mut sure: HashMap<(usize, Member), usize> = HashMap::new();
    for act in acts.iter().filter(|act| act.sure) {
        sure.insert((act.cell, act.member), act.order);
    }
    acts.retain(|act| {
        let last = sure.get(&(act.cell, act.member));
        last.is_none_or(|last| *last <= act.order)
    });
}
