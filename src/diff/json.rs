//! The comparison for programs.

use serde_json::{Map, Value, json};

use super::{Change, ChangedCell, Class, Diff, Lost, Setting, Told, Unseen};
use crate::evaluate::Unresolved;

impl Diff {
    /// The comparison as `schemas/diff.schema.json` describes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let class = |class: Class| (class.as_str().replace(' ', "_"), self.count(class).into());
        let totals: Map<String, Value> = Class::ALL.into_iter().map(class).collect();
        json!({
            "facts": self.known,
            "clusters": self.clusters,
            "summary": {
                "same": self.is_same(),
                "cells": self.compared,
                "changed_cells": self.cells.len(),
                "changes": totals,
            },
            "lost": self.lost.iter().map(Lost::to_json).collect::<Vec<_>>(),
            "cells": self.cells.iter().map(ChangedCell::to_json).collect::<Vec<_>>(),
            "unseen": self.unseen.iter().map(Unseen::to_json).collect::<Vec<_>>(),
            "settings": self.settings.iter().map(Setting::to_json).collect::<Vec<_>>(),
        })
    }
}

impl ChangedCell {
    fn to_json(&self) -> Value {
        json!({
            "event": self.event,
            "role": self.role,
            "cluster": self.cluster,
            "changes": self.changes.iter().map(Change::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Change {
    fn to_json(&self) -> Value {
        let (old, new) = match self {
            Self::Added(step) => (Value::Null, json!(step)),
            Self::Removed(step) => (json!(step), Value::Null),
            Self::Changed { old, new, .. } => (json!(old), json!(new)),
            Self::Undecided { old, new, .. } => (old.to_json(), new.to_json()),
            Self::Fails { old, new } => {
                let fails = |reason: &Option<(String, String)>| match reason {
                    Some((rule, message)) => json!({"fails": {"rule": rule, "message": message}}),
                    None => Value::Null,
                };
                (fails(old), fails(new))
            }
        };
        let fields = match self {
            Self::Changed { fields, .. } => fields.as_slice(),
            _ => &[],
        };
        json!({
            "class": self.class(),
            "rule": self.rule(),
            "old": old,
            "new": new,
            "fields": fields,
        })
    }
}

impl Told {
    fn to_json(&self) -> Value {
        match &self.unresolved {
            Some(unresolved) => json!({"unresolved": Unresolved::to_json(unresolved)}),
            None if self.steps.is_empty() => Value::Null,
            None => json!({"steps": self.steps}),
        }
    }
}

impl Lost {
    fn to_json(&self) -> Value {
        json!({
            "event": self.event,
            "role": self.role,
            "cluster": self.cluster,
            "api": self.api,
            "what": self.loss.as_str(),
            "subject": self.loss.subject(),
            "maybe": self.maybe,
        })
    }
}

impl Setting {
    fn to_json(&self) -> Value {
        json!({"setting": self.setting, "what": self.what.as_str()})
    }
}

impl Unseen {
    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule,
            "was": self.was,
            "what": self.what.as_str(),
            "when": self.when,
        })
    }
}
