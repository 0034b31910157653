//! What Barman says of the rules: servers and models are there, and fit each other.
//!
//! Who asks Barman puts the answers in; here they are only compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diagnostic::{Code, Finding, list};
use crate::evaluate::Facts;
use crate::load::{Locator, Problem, Spot, nearest, sort};
use crate::model::{ApiName, Origin, RequestKind, RequestTemplate, Rule, RuleSet, TemplateValue};
use crate::source::Source;
use crate::space::{Known, events};
use crate::template::{Scope, condition, render};

/// The servers and models of one Barman, each with the cluster it is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The servers.
    pub servers: BTreeMap<String, Option<String>>,
    /// The models.
    pub models: BTreeMap<String, Option<String>>,
    /// The reason why it can't have models, if there is one.
    pub why_no_models: Option<String>,
}

/// The node that templates are tried for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The cluster it belongs to, if that is known.
    pub cluster: Option<String>,
    /// The rest.
    pub known: Known,
}

/// What does not fit. What a template gives is looked at if it can be told for this node.
#[must_use]
pub fn online(
    rules: &RuleSet,
    sources: &[Source],
    node: &Node,
    barmans: &BTreeMap<ApiName, Inventory>,
) -> Vec<Finding> {
    let mut look = Look {
        barmans,
        seen: BTreeSet::new(),
        problems: Vec::new(),
    };
    for (event, role) in events() {
        let cluster = node.cluster.as_deref();
        let mut facts = node.known.facts(event, role, cluster.unwrap_or_default());
        facts.node.clone_from(&node.name);
        let mut scope = facts.scope(&rules.vars);
        if cluster.is_none() {
            scope = scope.unsettled("cluster");
        }
        for rule in rules
            .rules
            .iter()
            .filter(|rule| is_for(rule, &facts, cluster))
        {
            let holds = |when| condition(when, &scope) != Ok(false);
            if rule.when.as_ref().is_none_or(holds) {
                for request in &rule.requests {
                    look.request(request, &scope);
                }
            }
        }
    }
    let mut locator = Locator::new(sources);
    let problems = look.problems.into_iter();
    let mut findings: Vec<_> = problems.filter_map(|p| locator.finding(p)).collect();
    sort(&mut findings, sources);
    findings
}

fn is_for(rule: &Rule, facts: &Facts, cluster: Option<&str>) -> bool {
    rule.enabled
        && rule.names(facts.event, facts.role)
        && (rule.cluster.is_empty()
            || cluster.is_none_or(|name| rule.cluster.iter().any(|c| c.matches(name))))
}

struct Look<'a> {
    barmans: &'a BTreeMap<ApiName, Inventory>,
    /// What was said already: the same request comes with several events.
    seen: BTreeSet<(usize, String, String)>,
    problems: Vec<Problem>,
}

impl Look<'_> {
    fn request(&mut self, request: &RequestTemplate, scope: &Scope) {
        let Some(barman) = self.barmans.get(&request.api) else {
            return;
        };
        let server = request.server.as_ref().and_then(|value| text(value, scope));
        if let Some(server) = &server {
            self.server(barman, server, &request.origin.child("server"));
        }
        let value = |key: &str| request.body.iter().find(|(name, _)| name == key);
        if request.kind == RequestKind::ConfigSwitch {
            let model = value("model_name").and_then(|(_, value)| text(value, scope));
            if let Some(model) = model {
                let origin = request.origin.child("model_name");
                self.model(barman, &model, server.as_deref(), &origin);
            }
        }
        if let Some((_, TemplateValue::List(changes))) = value("changes") {
            let origin = request.origin.child("changes");
            for (index, change) in changes.iter().enumerate() {
                self.change(barman, change, &origin.child(index), scope);
            }
        }
    }

    fn change(&mut self, barman: &Inventory, change: &TemplateValue, at: &Origin, scope: &Scope) {
        let TemplateValue::Map(entries) = change else {
            return;
        };
        for (key, value) in entries {
            match (key.as_str(), text(value, scope)) {
                ("server_name", Some(name)) => self.server(barman, &name, &at.child(key)),
                ("model_name", Some(name)) => self.model(barman, &name, None, &at.child(key)),
                _ => {}
            }
        }
    }

    fn server(&mut self, barman: &Inventory, name: &str, at: &Origin) {
        if !barman.servers.contains_key(name) {
            let message = format!("Barman has no server `{name}`");
            let help = instead(name, &barman.servers, "servers");
            self.say(Code::UnknownServer, at, message, help);
        }
    }

    fn model(&mut self, barman: &Inventory, name: &str, server: Option<&str>, at: &Origin) {
        let Some(cluster) = barman.models.get(name) else {
            let message = format!("Barman has no model `{name}`");
            let help = match &barman.why_no_models {
                Some(why) => why.clone(),
                None => instead(name, &barman.models, "models"),
            };
            return self.say(Code::UnknownModel, at, message, help);
        };
        let Some(server) = server else {
            return;
        };
        let (Some(cluster), Some(Some(wanted))) = (cluster, barman.servers.get(server)) else {
            return;
        };
        if cluster != wanted {
            let message = format!(
                "the model `{name}` is for the cluster `{cluster}`, and the server `{server}` is of `{wanted}`"
            );
            let help = format!("write `cluster = {wanted}` in the model's configuration in Barman");
            self.say(Code::OtherCluster, at, message, help);
        }
    }

    fn say(&mut self, code: Code, at: &Origin, message: String, help: String) {
        if self
            .seen
            .insert((at.file, at.pointer.clone(), message.clone()))
        {
            let problem = Problem::new(code, Spot::value(at), message);
            self.problems.push(problem.help(help));
        }
    }
}

/// The name that was meant, or those that there are.
fn instead(name: &str, all: &BTreeMap<String, Option<String>>, what: &str) -> String {
    if let Some(near) = nearest(name, all.keys().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    match all.len() {
        0 => format!("it has no {what}"),
        1..=8 => format!("it has {}", list(all.keys().map(String::as_str), "and")),
        many => format!("it has {many} others"),
    }
}

fn text(value: &TemplateValue, scope: &Scope) -> Option<String> {
    match render(value, scope).ok()? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
