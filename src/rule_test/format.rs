//! The test file in its own notation, after validation by the schema.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    pub(super) rules: String,
    #[serde(default)]
    pub(super) given: Given,
    #[serde(default)]
    pub(super) tests: Vec<Test>,
    #[serde(default)]
    pub(super) invariants: Vec<Invariant>,
    #[serde(default)]
    pub(super) scenarios: Vec<Scenario>,
}

/// Facts; missing ones are the file's, or placeholders.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Given {
    pub(super) cluster: Option<String>,
    pub(super) node: Option<String>,
    pub(super) host: Option<String>,
    pub(super) datadir: Option<String>,
    pub(super) connstring: Option<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) vars: Map<String, Value>,
}

impl Given {
    /// These facts, with missing ones taken from `below`.
    pub(super) fn over(&self, below: &Self) -> Self {
        let text = |own: &Option<String>, other: &Option<String>| own.clone().or(other.clone());
        let mut all = below.clone();
        all.cluster = text(&self.cluster, &below.cluster);
        all.node = text(&self.node, &below.node);
        all.host = text(&self.host, &below.host);
        all.datadir = text(&self.datadir, &below.datadir);
        all.connstring = text(&self.connstring, &below.connstring);
        all.env.extend(self.env.clone());
        all.args.extend(self.args.clone());
        all.vars.extend(self.vars.clone());
        all
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) event: Option<String>,
    pub(super) role: Option<String>,
    pub(super) raw_role: Option<String>,
    pub(super) forall: Option<Forall>,
    #[serde(flatten)]
    pub(super) given: Given,
    pub(super) fires: Option<Vec<String>>,
    pub(super) requests: Option<Vec<Map<String, Value>>>,
    #[serde(default)]
    pub(super) nothing: bool,
    pub(super) fails: Option<String>,
}

/// A statement about every event.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Invariant {
    pub(super) name: String,
    #[serde(default, rename = "for")]
    pub(super) place: Place,
    #[serde(flatten)]
    pub(super) given: Given,
    pub(super) exactly: Option<usize>,
    pub(super) at_least: Option<usize>,
    pub(super) at_most: Option<usize>,
    #[serde(default)]
    pub(super) never: bool,
    pub(super) request: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Forall {
    #[serde(flatten)]
    pub(super) place: Place,
    #[serde(default)]
    pub(super) except: Vec<Place>,
}

/// A part of the space; missing keys are unrestricted.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Place {
    pub(super) event: Option<Words>,
    pub(super) role: Option<Words>,
    pub(super) cluster: Option<Words>,
    pub(super) node: Option<Words>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Words {
    One(String),
    Many(Vec<String>),
}

impl Words {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::Many(words) => words,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Scenario {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) given: Given,
    #[serde(default)]
    pub(super) barman: Barman,
    #[serde(default)]
    pub(super) apis: BTreeMap<String, Barman>,
    pub(super) steps: Vec<Call>,
    pub(super) end: Option<End>,
}

/// The Barman behind an API.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Barman {
    #[serde(default)]
    pub(super) servers: Vec<String>,
    #[serde(default)]
    pub(super) models: Vec<String>,
    #[serde(default)]
    pub(super) backups: Vec<String>,
    #[serde(default)]
    pub(super) active: BTreeMap<String, String>,
    pub(super) operation_time: Option<String>,
    pub(super) answers: Option<String>,
}

/// A callback, a pass, or several of them at once.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Call {
    pub(super) together: Option<Vec<Self>>,
    pub(super) reconcile: Option<String>,
    pub(super) node: Option<String>,
    pub(super) event: Option<String>,
    pub(super) role: Option<String>,
    pub(super) after: Option<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
    pub(super) leader: Option<String>,
    pub(super) patroni: Option<String>,
    pub(super) answers: Option<String>,
    pub(super) kill: Option<String>,
    pub(super) exit_code: Option<u8>,
    pub(super) posts: Option<usize>,
    pub(super) message: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct End {
    pub(super) active_model: BTreeMap<String, Option<String>>,
}
