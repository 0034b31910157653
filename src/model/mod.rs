//! The content of a valid rules file: types only.
//!
//! `load` builds these from text, `evaluate` makes a plan from them. A [`RuleSet`] that exists has
//! passed every check of the schema, of names and of templates.

mod clusters;
pub mod duration;
mod endpoint;
mod event;
mod fleet;
mod lsn;
mod name;
mod options;
mod pattern;
mod receiver;
mod request;
mod rule;
mod rule_set;
mod target;
pub mod time;
mod value;

pub use clusters::Clusters;
pub use endpoint::{Api, ApiName, Patroni, Secret, Url};
pub use event::{Event, Role};
pub use fleet::Discover;
pub use lsn::{Lsn, SEGMENT, WalFile};
pub use name::{ModelName, ModelNameError, Name, NameError};
pub use options::{Fence, OnFailure, Poll, Retry, Verify};
pub use pattern::Pattern;
pub use receiver::{IncidentClass, MESSAGE_FIELDS, Receiver, SECRETS, Way, Webhook};
pub use request::{
    ConfigSwitch, ConfigUpdate, Operation, Parts, Recovery, RequestKind, RequestTemplate, Settings,
    SwitchTo,
};
pub use rule::Rule;
pub use rule_set::{Fallback, Match, Places, RuleSet, StateSettings, Var};
pub use target::{OptionScope, Target};
pub use time::{Utc, local_time, utc};
pub use value::{Origin, Template, TemplateValue};
