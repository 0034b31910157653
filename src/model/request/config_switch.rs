//! `config_switch`: lays a model over a server's configuration, or takes it away.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Facts, Parts, Request, Settings};
use crate::model::{ApiName, ModelName, Name, Target, Verify};

/// The facts about the type.
pub(super) const FACTS: Facts = Facts {
    word: "config_switch",
    sets_state: true,
    restarts_receiver: true,
    timeout: Some(Duration::from_secs(600)),
    names: &["model_name"],
    is_comparable: |_: Verify| true,
    settings,
};

/// Set or reset the active model of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigSwitch {
    /// The server.
    pub server: Name,
    /// The end state.
    pub to: SwitchTo,
}

/// The end state that a config switch asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchTo {
    /// This model is active.
    Model(ModelName),
    /// No model is active.
    Reset,
}

impl SwitchTo {
    /// The model, unless none is to be active.
    pub const fn model(&self) -> Option<&ModelName> {
        match self {
            Self::Model(model) => Some(model),
            Self::Reset => None,
        }
    }
}

impl ConfigSwitch {
    pub(super) fn read(server: Option<Name>, body: &Value) -> Option<Self> {
        let to = match (body.get("reset"), body.get("model_name")) {
            (Some(Value::Bool(true)), None) => SwitchTo::Reset,
            (None, Some(Value::String(model))) => {
                SwitchTo::Model(ModelName::new(model.clone()).ok()?)
            }
            _ => return None,
        };
        Some(Self {
            server: server?,
            to,
        })
    }
}

impl Request for ConfigSwitch {
    fn server(&self) -> Option<&Name> {
        Some(&self.server)
    }

    fn models(&self) -> Vec<&str> {
        self.to.model().map(ModelName::as_str).into_iter().collect()
    }

    fn body(&self) -> Value {
        match &self.to {
            SwitchTo::Model(model) => json!({"type": FACTS.word, "model_name": model}),
            SwitchTo::Reset => json!({"type": FACTS.word, "reset": true}),
        }
    }

    fn targets(&self, api: &ApiName) -> Vec<Target> {
        vec![Target::Model {
            api: api.clone(),
            server: self.server.to_string(),
        }]
    }

    fn words(&self) -> String {
        let server = &self.server;
        match &self.to {
            SwitchTo::Model(model) => format!("config_switch of `{server}` to model `{model}`"),
            SwitchTo::Reset => format!("config_switch of `{server}` to no model"),
        }
    }

    fn short_words(&self) -> String {
        match &self.to {
            SwitchTo::Model(model) => format!("switch to {model}"),
            SwitchTo::Reset => format!("reset of {}", self.server),
        }
    }
}

fn settings(parts: &Parts<'_>) -> Settings {
    let value = match parts.text("model_name") {
        Some(model) => format!("`{model}`"),
        None if parts.text("reset")? == "true" => "no model".to_owned(),
        None => return None,
    };
    let (api, server) = (parts.api.clone(), parts.server()?);
    Some(vec![(Target::Model { api, server }, value)])
}
