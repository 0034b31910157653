//! What a rules file says, once it is known to be valid: types only.
//!
//! `load` makes these from text, `evaluate` makes a plan from them. A [`RuleSet`] that exists has
//! passed every check of the schema, of names and of templates.

mod clusters;
pub mod duration;
mod endpoint;
mod event;
mod fleet;
mod lsn;
mod name;
mod pattern;
mod receiver;
mod request;
mod rule;
mod rule_set;
mod target;
mod value;

pub use clusters::Clusters;
pub use endpoint::{Api, ApiName, Patroni, Secret, Url};
pub use event::{Event, Role};
pub use fleet::Discover;
pub use lsn::{Lsn, SEGMENT, WalFile};
pub use name::{ModelName, ModelNameError, Name, NameError};
pub use pattern::Pattern;
pub use receiver::{IncidentClass, MESSAGE_FIELDS, Receiver, SECRETS, Way, Webhook};
pub use request::{Operation, RecoveryRequest, RequestKind, RequestTemplate, SwitchTo};
pub use rule::{Fence, OnFailure, Poll, Retry, Rule, Verify};
pub use rule_set::{Fallback, Match, Places, RuleSet, StateSettings, Var};
pub use target::{OptionScope, Target};
pub use value::{Origin, Template, TemplateValue};
