//! The comparison for programs.

use serde_json::{Map, Value, json};

use super::{Change, ChangedCell, Class, Diff, Setting, Unseen, pairs};

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
                "cells": self.compared,
                "changed_cells": self.cells.len(),
                "changes": totals,
            },
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
            Self::Added(step) => (Value::Null, pairs::value(step)),
            Self::Removed(step) => (pairs::value(step), Value::Null),
            Self::Changed { old, new, .. } => (pairs::value(old), pairs::value(new)),
            Self::Undecided { old, new, .. } => {
                let unresolved = |message: &Option<String>| match message {
                    Some(message) => json!({"unresolved": message}),
                    None => Value::Null,
                };
                (unresolved(old), unresolved(new))
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

impl Setting {
    fn to_json(&self) -> Value {
        json!({"setting": self.setting, "what": self.what.as_str()})
    }
}

impl Unseen {
    fn to_json(&self) -> Value {
        json!({"rule": self.rule, "what": self.what.as_str(), "when": self.when})
    }
}
