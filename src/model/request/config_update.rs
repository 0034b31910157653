//! `config_update`: changes options of servers and models.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Facts, Parts, Request, Settings};
use crate::model::target::{OptionScope, Target, sets_something};
use crate::model::{ApiName, Name, Verify};

/// The facts about the type. Barman may show an option otherwise than it was written, which is what `verify: none`
/// is for.
pub(super) const FACTS: Facts = Facts {
    word: "config_update",
    sets_state: true,
    restarts_receiver: false,
    timeout: Some(Duration::from_secs(600)),
    names: &[],
    is_comparable: |verify: Verify| !matches!(verify, Verify::None),
    settings,
};

/// Change configuration options; each item is an object with `scope`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigUpdate {
    /// The changes, at least one.
    pub changes: Vec<Map<String, Value>>,
}

impl ConfigUpdate {
    pub(super) fn read(body: &Value) -> Option<Self> {
        let changes = body.get("changes")?.as_array()?.iter();
        let changes = changes.map(|change| change.as_object().cloned());
        Some(Self {
            changes: changes.collect::<Option<_>>()?,
        })
    }

    /// The request without the options that are not to be kept; `None` if that leaves nothing to do.
    pub(super) fn only(&self, api: &ApiName, keep: &dyn Fn(&Target) -> bool) -> Option<Self> {
        let narrowed = |change: &Map<String, Value>| {
            let dropped: Vec<String> = Target::of_change(api, change)
                .filter(|(target, _)| !keep(target))
                .filter_map(|(target, _)| match target {
                    Target::Option { option, .. } => Some(option),
                    Target::Model { .. } | Target::Directory { .. } => None,
                })
                .collect();
            let mut change = change.clone();
            change.retain(|key, _| !dropped.contains(key));
            sets_something(&change).then_some(change)
        };
        let changes: Vec<_> = self.changes.iter().filter_map(narrowed).collect();
        (!changes.is_empty()).then_some(Self { changes })
    }

    fn sections(&self, scope: OptionScope) -> Vec<&str> {
        let names = self.changes.iter();
        let names = names.filter_map(|change| change.get(scope.name_key()));
        names.filter_map(Value::as_str).collect()
    }
}

impl Request for ConfigUpdate {
    fn server(&self) -> Option<&Name> {
        None
    }

    fn servers(&self) -> Vec<&str> {
        self.sections(OptionScope::Server)
    }

    fn models(&self) -> Vec<&str> {
        self.sections(OptionScope::Model)
    }

    fn body(&self) -> Value {
        json!({"type": FACTS.word, "changes": self.changes})
    }

    fn targets(&self, api: &ApiName) -> Vec<Target> {
        let mut targets = Vec::new();
        let changes = self.changes.iter();
        for (target, _) in changes.flat_map(|change| Target::of_change(api, change)) {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }

    fn words(&self) -> String {
        match self.changes.len() {
            1 => "config_update with one change".to_owned(),
            more => format!("config_update with {more} changes"),
        }
    }

    fn short_words(&self) -> String {
        format!("update of {}", self.changes.len())
    }
}

fn settings(parts: &Parts<'_>) -> Settings {
    let changes = (parts.body)("changes")?;
    let changes = changes.as_array()?.iter().filter_map(Value::as_object);
    let options = changes.flat_map(|change| Target::of_change(parts.api, change));
    let set = options.map(|(target, value)| (target, format!("`{}`", super::plain(value))));
    Some(set.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Operation;

    #[test]
    fn an_update_is_narrowed_to_what_is_kept() {
        let api = ApiName::default();
        let body = json!({"type": "config_update", "changes": [
            {"scope": "server", "server_name": "main", "compression": "gzip", "description": "d"},
            {"scope": "model", "model_name": "main:n1", "description": "m"},
        ]});
        let update = Operation::from_body(None, &body).unwrap();
        let keys: Vec<_> = update.targets(&api).iter().map(Target::key).collect();
        assert_eq!(
            keys,
            [
                "option default server compression main",
                "option default server description main",
                "option default model description main:n1",
            ]
        );
        let narrowed = update.only(&api, &|target| target.key().contains("compression"));
        assert_eq!(
            narrowed.unwrap().body()["changes"],
            json!([{"scope": "server", "server_name": "main", "compression": "gzip"}])
        );
        assert_eq!(update.only(&api, &|_| true), Some(update.clone()));
        assert_eq!(update.only(&api, &|_| false), None);
    }
}
