//! The requests of rules to pg-backup-api: one file for each type of request, with every fact about it.

mod config_switch;
mod config_update;
mod recovery;

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{ApiName, ModelName, Name, Origin, Target, TemplateValue, Verify};

pub use config_switch::{ConfigSwitch, SwitchTo};
pub use config_update::ConfigUpdate;
pub use recovery::Recovery;

/// The types of operation that pg-backup-api has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// Lay a model over a server's configuration, or take it away: `barman config-switch`.
    ConfigSwitch,
    /// Restore a backup to a node: `barman recover`.
    Recovery,
    /// Change options of servers and models: `barman config-update`.
    ConfigUpdate,
}

/// The facts about a type.
struct Facts {
    /// The word in a request's `type`.
    word: &'static str,
    sets_state: bool,
    restarts_receiver: bool,
    /// The default bound for the wait for an operation.
    timeout: Option<Duration>,
    /// The keys of the body whose values are names in Barman.
    names: &'static [&'static str],
    is_comparable: fn(Verify) -> bool,
    settings: fn(&Parts<'_>) -> Settings,
}

/// The targets that a request sets, each with the value in words; `None` if a part that it takes is not known.
pub type Settings = Option<Vec<(Target, String)>>;

/// The parts of a request, as far as they are known.
pub struct Parts<'a> {
    /// The endpoint.
    pub api: &'a ApiName,
    /// Gives the server, if it is known.
    pub server: &'a dyn Fn() -> Option<Value>,
    /// Gives a part of the body, if it is known.
    pub body: &'a dyn Fn(&str) -> Option<Value>,
}

impl Parts<'_> {
    fn server(&self) -> Option<String> {
        Some(plain(&(self.server)()?))
    }

    fn text(&self, key: &str) -> Option<String> {
        Some(plain(&(self.body)(key)?))
    }
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::ConfigSwitch, Self::Recovery, Self::ConfigUpdate];

    const fn facts(self) -> &'static Facts {
        match self {
            Self::ConfigSwitch => &config_switch::FACTS,
            Self::Recovery => &recovery::FACTS,
            Self::ConfigUpdate => &config_update::FACTS,
        }
    }

    /// The word in a request's `type`.
    pub const fn as_str(self) -> &'static str {
        self.facts().word
    }

    /// Tells whether it says what Barman's configuration should be. Sending such a request again is harmless; a
    /// recovery does something once and is never sent twice.
    pub const fn sets_state(self) -> bool {
        self.facts().sets_state
    }

    /// Tells whether it makes Barman start its WAL receiver anew, also if nothing else changes.
    pub const fn restarts_receiver(self) -> bool {
        self.facts().restarts_receiver
    }

    /// The default bound for the wait for an operation.
    pub const fn timeout(self) -> Option<Duration> {
        self.facts().timeout
    }

    /// Tells whether the value in a key of the body is a name in Barman.
    pub fn is_name(self, key: &str) -> bool {
        self.facts().names.contains(&key)
    }

    /// Tells whether a request that is verified like this can be compared with what Barman has.
    pub fn is_comparable(self, verify: Verify) -> bool {
        (self.facts().is_comparable)(verify)
    }

    /// The targets of a request with these parts.
    pub fn settings(self, parts: &Parts<'_>) -> Settings {
        (self.facts().settings)(parts)
    }

    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A request as the rules file writes it, its templates not yet rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestTemplate {
    /// Its `type`.
    pub kind: RequestKind,
    /// The endpoint it goes to.
    pub api: ApiName,
    /// The server whose operation it is; a `config_update` has none.
    pub server: Option<TemplateValue>,
    /// The body without `type`, `server` and `api`.
    pub body: Vec<(String, TemplateValue)>,
    /// The request's place.
    pub origin: Origin,
}

impl RequestTemplate {
    /// A part of the body.
    pub fn part(&self, key: &str) -> Option<&TemplateValue> {
        let found = self.body.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value)
    }

    /// The values that may have templates.
    pub fn values(&self) -> impl Iterator<Item = &TemplateValue> {
        self.server
            .iter()
            .chain(self.body.iter().map(|(_, value)| value))
    }

    /// Tells whether Barman may receive WAL from another node after it.
    pub fn may_follow(&self) -> bool {
        self.kind.restarts_receiver() && self.part("model_name").is_some()
    }
}

/// A request that pg-backup-api can take: its body is known to be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Set or reset the active model of a server.
    ConfigSwitch(ConfigSwitch),
    /// Restore a backup.
    Recovery(Recovery),
    /// Change configuration options.
    ConfigUpdate(ConfigUpdate),
}

/// A request of one type.
trait Request {
    /// The server whose operation it is; none for the whole Barman instance.
    fn server(&self) -> Option<&Name>;

    /// The servers that it names besides.
    fn servers(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The models that it names.
    fn models(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The body to post.
    fn body(&self) -> Value;

    fn targets(&self, api: &ApiName) -> Vec<Target>;

    /// It in a few words.
    fn words(&self) -> String;

    /// It in the fewest words.
    fn short_words(&self) -> String;
}

impl Operation {
    /// The operation of a body that is valid, as [`Operation::body`] gives it; `None` for another.
    pub fn from_body(server: Option<Name>, body: &Value) -> Option<Self> {
        Some(match RequestKind::parse(body.get("type")?.as_str()?)? {
            RequestKind::ConfigSwitch => Self::ConfigSwitch(ConfigSwitch::read(server, body)?),
            RequestKind::Recovery => Self::Recovery(Recovery::read(server, body)?),
            RequestKind::ConfigUpdate => Self::ConfigUpdate(ConfigUpdate::read(body)?),
        })
    }

    fn request(&self) -> &dyn Request {
        match self {
            Self::ConfigSwitch(switch) => switch,
            Self::Recovery(recovery) => recovery,
            Self::ConfigUpdate(update) => update,
        }
    }

    /// Its type.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::ConfigSwitch(_) => RequestKind::ConfigSwitch,
            Self::Recovery(_) => RequestKind::Recovery,
            Self::ConfigUpdate(_) => RequestKind::ConfigUpdate,
        }
    }

    /// The server whose operation it is; none for the whole Barman instance.
    pub fn server(&self) -> Option<&Name> {
        self.request().server()
    }

    /// The servers that it names.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        let own = self.server().map(Name::as_str).into_iter();
        own.chain(self.request().servers())
    }

    /// The models that it names.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.request().models().into_iter()
    }

    /// The server that it switches, and the model that it switches to.
    pub const fn switch(&self) -> Option<&ConfigSwitch> {
        match self {
            Self::ConfigSwitch(switch) => Some(switch),
            _ => None,
        }
    }

    /// The server that follows another node after it, and the model by which it does.
    pub fn follows(&self) -> Option<(&Name, &ModelName)> {
        let switch = self.switch()?;
        Some((&switch.server, switch.to.model()?))
    }

    /// The recovery, if it is one.
    pub const fn recovery(&self) -> Option<&Recovery> {
        match self {
            Self::Recovery(recovery) => Some(recovery),
            _ => None,
        }
    }

    /// The path of the collection that it is posted to.
    pub fn path(&self) -> String {
        match self.server() {
            Some(server) => format!("/servers/{server}/operations"),
            None => "/operations".to_owned(),
        }
    }

    /// The body to post.
    pub fn body(&self) -> Value {
        self.request().body()
    }

    /// The targets of the operation: one, except for a `config_update`, which has one for each option.
    pub fn targets(&self, api: &ApiName) -> Vec<Target> {
        self.request().targets(api)
    }

    /// The operation narrowed to the targets to keep; `None` if that leaves nothing to do.
    pub fn only(&self, api: &ApiName, keep: &dyn Fn(&Target) -> bool) -> Option<Self> {
        if let Self::ConfigUpdate(update) = self {
            return Some(Self::ConfigUpdate(update.only(api, keep)?));
        }
        self.targets(api).iter().any(keep).then(|| self.clone())
    }

    /// It in a few words.
    pub fn words(&self) -> String {
        self.request().words()
    }

    /// It in the fewest words.
    pub fn short_words(&self) -> String {
        self.request().short_words()
    }
}

/// As its body.
impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body().serialize(serializer)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Operation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Body".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The body of a request, which `patroni_barman schema request` describes.",
            "type": "object",
            "properties": {"type": {"enum": RequestKind::ALL.map(RequestKind::as_str)}},
            "required": ["type"],
            "additionalProperties": true,
        })
    }
}
