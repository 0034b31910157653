//! The changes outside single rules.

use crate::load::document::has_key;
use crate::model::{ApiName, Match, Origin, Rule, RuleSet, TemplateValue, Url};
use crate::source::Source;
use crate::template::premises;

pub(super) struct Edit {
    pub(super) rule: Option<String>,
    pub(super) what: String,
    pub(super) origin: Origin,
    pub(super) change: Change,
}

/// The rules with the change made.
pub(super) enum Change {
    Rule(usize, Box<Rule>),
    /// A change of something other than a rule.
    Set(Box<dyn FnOnce(&mut RuleSet)>),
}

/// Every change outside the rules.
pub(super) fn of_the_file(rules: &RuleSet, sources: &[Source]) -> Vec<Edit> {
    let mut found = Vec::new();
    let mut add = |what: String, origin: Origin, edit: Box<dyn FnOnce(&mut RuleSet)>| {
        found.push(Edit {
            rule: None,
            what,
            origin,
            change: Change::Set(edit),
        });
    };
    let at = |key: &str, pointer: String| Origin {
        file: sources
            .iter()
            .position(|source| has_key(source, key))
            .unwrap_or_default(),
        pointer,
    };
    if some_fire_together(rules) {
        let (word, other) = match rules.matching {
            Match::All => ("first", Match::First),
            Match::First => ("all", Match::All),
        };
        let origin = at("match", "/match".to_owned());
        let edit = move |set: &mut RuleSet| set.matching = other;
        add(format!("`match` is `{word}`"), origin, Box::new(edit));
    }
    let sets_state = |rule: &Rule| rule.requests.iter().any(|it| it.kind.sets_state());
    if rules.patroni.is_some() && rules.rules.iter().any(sets_state) {
        let origin = at("patroni", "/patroni".to_owned());
        let edit = |set: &mut RuleSet| set.patroni = None;
        add("`patroni` is not there".to_owned(), origin, Box::new(edit));
    }
    for (name, api) in &rules.apis {
        let Ok(other) = Url::new(&format!("{}/other", api.url)) else {
            continue;
        };
        let (key, pointer) =
            if *name == ApiName::default() && sources.iter().any(|it| has_key(it, "api")) {
                ("api", "/api/url".to_owned())
            } else {
                ("apis", format!("/apis/{name}/url"))
            };
        let what = format!("the address of the API `{name}` is `{other}`");
        let name = name.clone();
        let edit = move |set: &mut RuleSet| {
            if let Some(api) = set.apis.get_mut(&name) {
                api.url = other;
            }
        };
        add(what, at(key, pointer), Box::new(edit));
    }
    for (index, var) in rules.vars.iter().enumerate() {
        for (what, origin, value) in others(&var.value, &var.origin) {
            let edit = move |set: &mut RuleSet| {
                if let Some(var) = set.vars.get_mut(index) {
                    var.value = value;
                }
            };
            add(format!("`{}` is {what}", var.name), origin, Box::new(edit));
        }
    }
    found
}

/// Returns true if two rules may fire for the same event.
fn some_fire_together(rules: &RuleSet) -> bool {
    let enabled: Vec<&Rule> = rules.rules.iter().filter(|rule| rule.enabled).collect();
    // Only a few are compared: with this many rules, some do.
    let few = enabled.get(..200).unwrap_or(&enabled);
    few.iter().enumerate().any(|(index, one)| {
        let rest = few.get(index + 1..).unwrap_or_default();
        rest.iter().any(|other| may_fire_together(one, other))
    })
}

fn may_fire_together(one: &Rule, other: &Rule) -> bool {
    let meet = one.on.iter().any(|event| {
        let mut roles = event.roles().iter();
        roles.any(|role| one.names(*event, *role) && other.names(*event, *role))
    });
    let exclude = match (&one.when, &other.when) {
        (Some(one), Some(other)) => premises(&one.text, &[]).exclude(&premises(&other.text, &[])),
        _ => false,
    };
    meet && !exclude
}

/// Every value in which one text, number or boolean is changed, each with a description and the place of the change.
pub(super) fn others(
    value: &TemplateValue,
    origin: &Origin,
) -> Vec<(String, Origin, TemplateValue)> {
    match value {
        TemplateValue::Null => Vec::new(),
        TemplateValue::Bool(value) => {
            let word = format!("`{}` instead of `{value}`", !value);
            vec![(word, origin.clone(), TemplateValue::Bool(!value))]
        }
        TemplateValue::Number(number) => {
            let Some(more) = number.as_i64().and_then(|number| number.checked_add(1)) else {
                return Vec::new();
            };
            let word = format!("`{more}` instead of `{number}`");
            vec![(word, origin.clone(), TemplateValue::Number(more.into()))]
        }
        TemplateValue::Text(template) => {
            let mut other = template.clone();
            other.text.push_str("-x");
            let word = format!("`{}` instead of `{}`", other.text, template.text);
            let place = template.origin.clone();
            vec![(word, place, TemplateValue::Text(other))]
        }
        TemplateValue::List(items) => {
            let mut found = Vec::new();
            for (index, item) in items.iter().enumerate() {
                for (what, place, other) in others(item, &origin.child(index)) {
                    let mut items = items.clone();
                    if let Some(item) = items.get_mut(index) {
                        *item = other;
                    }
                    found.push((what, place, TemplateValue::List(items)));
                }
            }
            found
        }
        TemplateValue::Map(entries) => {
            let mut found = Vec::new();
            for (index, (key, value)) in entries.iter().enumerate() {
                // It determines the meaning of the rest, and no other value would make sense.
                if key == "scope" {
                    continue;
                }
                for (what, place, other) in others(value, &origin.child(key)) {
                    let mut entries = entries.clone();
                    if let Some((_, value)) = entries.get_mut(index) {
                        *value = other;
                    }
                    let what = format!("with `{key}` {what}");
                    found.push((what, place, TemplateValue::Map(entries)));
                }
            }
            found
        }
    }
}
