//! From the command line and the environment to facts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::diagnostic::ticked;
use crate::evaluate::Facts;
use crate::model::{Event, Role, RuleSet, Template, TemplateValue};

use super::args::EventArgs;
use super::env::Environment;
use super::exit::Exit;

/// The default path of the rules.
pub const DEFAULT_RULES: &str = "/etc/patroni_barman/rules.yml";

/// The variable that names the rules.
pub const RULES_VARIABLE: &str = "PATRONI_BARMAN_RULES";

/// The path of the rules: given, from the environment, or the default.
pub fn rules_path(given: Option<&PathBuf>, environment: &Environment) -> PathBuf {
    given
        .cloned()
        .or_else(|| environment.get(RULES_VARIABLE).map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(DEFAULT_RULES))
}

/// Patroni's arguments as facts.
pub fn facts(args: &EventArgs, environment: &Environment) -> Result<Facts, Exit> {
    let word = args
        .event
        .as_ref()
        .or(args.event_word.as_ref())
        .map_or("", String::as_str);
    let event = Event::parse(word).ok_or_else(|| {
        Exit::invalid(format!("there is no event `{word}`")).help(format!(
            "the events are {}",
            ticked(Event::ALL.map(Event::as_str))
        ))
    })?;
    let only_role = || event.roles().first().map_or("", |role| role.as_str());
    let raw_role = args.role_word.as_ref().or(args.role.as_ref());
    let raw_role = raw_role.map_or_else(only_role, String::as_str);
    let role = Role::from_patroni(raw_role).ok_or_else(|| {
        Exit::invalid(format!("there is no role `{raw_role}`")).help(format!(
            "the roles are {}",
            ticked(Role::ALL.map(Role::as_str))
        ))
    })?;
    let cluster = args.cluster_word.as_ref().or(args.scope.as_ref());
    let cluster = cluster.filter(|name| !name.is_empty()).ok_or_else(|| {
        Exit::invalid("the cluster's name is empty").help("Patroni passes its `scope` here")
    })?;
    let node = args.node.clone().filter(|name| !name.is_empty());
    let known = [
        ("scope", &args.scope),
        ("role", &args.role),
        ("datadir", &args.datadir),
        ("connstring", &args.connstring),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    let all: BTreeMap<String, String> = args.others.iter().cloned().chain(known).collect();
    let facts = environment.facts(event, role, cluster);
    Ok(Facts {
        raw_role: raw_role.to_owned(),
        node: node.or_else(|| environment.get("PATRONI_NAME").map(str::to_owned)),
        host: all.get("host").cloned().or(facts.host),
        datadir: args.datadir.clone(),
        connstring: args.connstring.clone(),
        args: all,
        ..facts
    })
}

/// Sets variables that the rules file declares, keeping their type.
pub fn set_vars(rules: &mut RuleSet, sets: &[String]) -> Result<(), Exit> {
    for set in sets {
        let (name, value) = set.split_once('=').ok_or_else(|| {
            Exit::invalid(format!("`--set {set}` has no `=`")).help("write `--set NAME=VALUE`")
        })?;
        // The variables of a single rule are unknown outside the rules.
        let settable = rules.vars.iter().filter(|var| var.name == var.label);
        let names = ticked(settable.map(|var| var.name.as_str()));
        let Some(var) = rules.vars.iter_mut().find(|var| var.name == name) else {
            let there = if names.is_empty() { "none" } else { &names };
            return Err(
                Exit::invalid(format!("the rules file declares no variable `{name}`"))
                    .help(format!("declared under `vars`: {there}")),
            );
        };
        let wrong = |kind: &str| {
            Exit::invalid(format!(
                "`--set {name}=…` must be {kind}, as it is in the rules file"
            ))
        };
        var.value = match &var.value {
            TemplateValue::Bool(_) => {
                TemplateValue::Bool(value.parse().map_err(|_| wrong("`true` or `false`"))?)
            }
            TemplateValue::Number(_) => {
                TemplateValue::Number(serde_json::from_str(value).map_err(|_| wrong("a number"))?)
            }
            TemplateValue::List(_) | TemplateValue::Map(_) => {
                return Err(Exit::invalid(format!(
                    "`{name}` is a list or a mapping, which `--set` can't write"
                )));
            }
            // Braces in a value are not a template: it comes from the command line and has not been reviewed.
            TemplateValue::Null | TemplateValue::Text(_) => TemplateValue::Text(Template {
                text: literal(value),
                origin: crate::model::Origin::default(),
            }),
        };
    }
    Ok(())
}

/// A text that renders to itself.
fn literal(value: &str) -> String {
    if crate::template::is_template(value) {
        format!("{{{{ {} }}}}", serde_json::Value::from(value))
    } else {
        value.to_owned()
    }
}
