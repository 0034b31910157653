//! The requests for each member, as far as they can be rendered here.

use std::collections::HashSet;

use serde_json::Value;

use crate::evaluate::Facts;
use crate::model::{Event, Origin, Pattern, RequestTemplate, Role, Rule, RuleSet, TemplateValue};
use crate::space::events;
use crate::template::{Scope, condition, render};

use super::answers::Here;

/// The names in a request that was rendered for a member.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names {
    /// The member; `None` if this node's name is unknown.
    pub member: Option<String>,
    /// The request is for a new cluster.
    pub bootstraps: bool,
    pub server: Option<String>,
    /// The model that it is switched to.
    pub model: Option<String>,
    pub backup: Option<String>,
    /// The servers and models whose options it changes.
    pub changes: Vec<Changed>,
}

/// A server or model whose options a request changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Changed {
    pub is_model: bool,
    pub name: String,
    pub at: Origin,
}

/// A request for a member.
#[derive(Debug, Clone)]
pub struct Want<'r> {
    pub rule: &'r Rule,
    pub request: &'r RequestTemplate,
    pub names: Names,
}

impl std::ops::Deref for Want<'_> {
    type Target = Names;

    fn deref(&self) -> &Names {
        &self.names
    }
}

impl Want<'_> {
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        let changed = self.changes.iter().filter(|changed| !changed.is_model);
        let changed = changed.map(|changed| changed.name.as_str());
        self.server.as_deref().into_iter().chain(changed)
    }

    pub fn models(&self) -> impl Iterator<Item = &str> {
        let changed = self.changes.iter().filter(|changed| changed.is_model);
        let changed = changed.map(|changed| changed.name.as_str());
        self.model.as_deref().into_iter().chain(changed)
    }
}

/// Renders the requests for every member of the cluster in every event. The environment and host of other nodes
/// are unknown here; requests that depend on them are left out.
pub fn wants<'r>(rules: &'r RuleSet, here: &Here) -> Vec<Want<'r>> {
    let mut wants = Vec::new();
    let mut seen = HashSet::new();
    for cluster in clusters(rules, here) {
        for place in places(here) {
            for (event, role) in events() {
                if place.never_leads && role.leads() {
                    continue;
                }
                let scope = place.scope(rules, here, event, role, cluster);
                // If the cluster is unknown, every rule may be for it.
                let matching = rules.rules.iter().filter(|rule| {
                    let is_here = cluster.is_none_or(|name| rule.cluster.include(name));
                    rule.enabled && rule.names(event, role) && is_here
                });
                for rule in matching {
                    let holds = |when| condition(when, &scope) != Ok(false);
                    if !rule.when.as_ref().is_none_or(holds) {
                        continue;
                    }
                    for request in &rule.requests {
                        let names = names(request, &scope, place.name, event);
                        if seen.insert((request.origin.clone(), names.clone())) {
                            wants.push(Want {
                                rule,
                                request,
                                names,
                            });
                        }
                    }
                }
            }
        }
    }
    wants
}

/// The cluster of this node. If Patroni does not report it, the clusters that rules name, and an unknown one.
fn clusters<'a>(rules: &'a RuleSet, here: &'a Here) -> Vec<Option<&'a str>> {
    if let Some(seen) = here.cluster() {
        return vec![seen.scope.as_deref()];
    }
    let enabled = rules.rules.iter().filter(|rule| rule.enabled);
    let named = enabled.flat_map(|rule| rule.cluster.named());
    let exact = named
        .map(Pattern::as_str)
        .filter(|name| !name.contains(['*', '?']));
    let mut known = HashSet::new();
    let exact = exact.filter(|name| known.insert(*name)).map(Some);
    std::iter::once(None).chain(exact).collect()
}

/// A node that an event may occur on.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: Option<&'a str>,
    is_own: bool,
    never_leads: bool,
}

/// This node, and the other members.
fn places(here: &Here) -> Vec<Place<'_>> {
    let members = here.cluster().map(|seen| seen.members.as_slice());
    let is_member = |name: &&str| members.is_none_or(|all| all.iter().any(|one| one.name == *name));
    // An item named after a member that does not exist does not exist either.
    let own = here.name().filter(is_member);
    let members = members.unwrap_or_default();
    let never_leads = members
        .iter()
        .any(|member| own == Some(&member.name) && member.never_leads);
    let this = Place {
        name: own,
        is_own: true,
        never_leads,
    };
    let others = members
        .iter()
        .filter(|member| own != Some(&member.name))
        .map(|member| Place {
            name: Some(&member.name),
            is_own: false,
            never_leads: member.never_leads,
        });
    std::iter::once(this).chain(others).collect()
}

impl Place<'_> {
    fn scope(
        self,
        rules: &RuleSet,
        here: &Here,
        event: Event,
        role: Role,
        cluster: Option<&str>,
    ) -> Scope {
        let facts = here.known.facts(event, role, cluster.unwrap_or_default());
        let facts = Facts {
            node: self.name.map(str::to_owned),
            elsewhere: !self.is_own,
            ..facts
        };
        let scope = facts.scope(&rules.vars);
        match cluster {
            Some(_) => scope,
            None => scope.unsettled("cluster"),
        }
    }
}

fn names(request: &RequestTemplate, scope: &Scope, member: Option<&str>, event: Event) -> Names {
    let named = |key: &str| text(request.part(key)?, scope);
    let changes = match request.part("changes") {
        Some(TemplateValue::List(changes)) => changes.as_slice(),
        _ => &[],
    };
    let at = request.origin.child("changes");
    let changes = changes.iter().enumerate();
    Names {
        member: member.map(str::to_owned),
        bootstraps: event == Event::Bootstrap,
        server: request.server.as_ref().and_then(|value| text(value, scope)),
        model: named("model_name"),
        backup: named("backup_id"),
        changes: changes
            .flat_map(|(index, change)| changed(change, &at.child(index), scope))
            .collect(),
    }
}

fn changed(change: &TemplateValue, at: &Origin, scope: &Scope) -> Vec<Changed> {
    let TemplateValue::Map(entries) = change else {
        return Vec::new();
    };
    let named = entries.iter().filter_map(|(key, value)| {
        let is_model = match key.as_str() {
            "server_name" => false,
            "model_name" => true,
            _ => return None,
        };
        Some(Changed {
            is_model,
            name: text(value, scope)?,
            at: at.child(key),
        })
    });
    named.collect()
}

fn text(value: &TemplateValue, scope: &Scope) -> Option<String> {
    match render(value, scope).ok()? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
