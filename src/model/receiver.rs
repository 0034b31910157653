//! Receivers of notifications.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Api, TemplateValue};

/// A kind of incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncidentClass {
    /// A request failed, was refused or could not be verified.
    Failed,
    /// A request is not done yet, or Barman cannot be compared with the rules.
    Unfinished,
    /// Something else keeps setting what the rules set.
    Fighting,
    /// WAL is missing across a change of timeline.
    Gap,
    /// The rules file is broken, and the last good rules are used.
    LastGoodRules,
}

impl IncidentClass {
    /// Every class.
    pub const ALL: [Self; 5] = [
        Self::Failed,
        Self::Unfinished,
        Self::Fighting,
        Self::Gap,
        Self::LastGoodRules,
    ];

    /// The word in the rules file, in the state and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
            Self::Fighting => "fighting",
            Self::Gap => "gap",
            Self::LastGoodRules => "last_good_rules",
        }
    }

    /// The class of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// The names that the template of a webhook's body can use: the fields of a message.
pub const MESSAGE_FIELDS: [&str; 13] = [
    "class", "state", "summary", "cluster", "member", "subject", "message", "since", "ended",
    "key", "source", "host", "version",
];

/// The name of the table of secrets in the template of a body.
pub const SECRETS: &str = "secrets";

/// A receiver of notifications.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    /// Its name, unique among the receivers.
    pub name: String,
    /// The way to it.
    pub way: Way,
    /// Bounds one delivery.
    pub timeout: Duration,
    /// A request that is still tried is reported after this time.
    pub after: Duration,
    /// The classes of incidents it is notified of.
    pub classes: Vec<IncidentClass>,
}

impl Receiver {
    /// The default of `timeout`.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// The default of `after`.
    pub const AFTER: Duration = Duration::from_secs(60);
}

/// The way to a receiver.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// A `POST` of JSON.
    Webhook(Box<Webhook>),
    /// A program and its arguments; it gets the message on standard input and in its environment.
    Command(Vec<String>),
}

/// An address that takes a `POST` of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// The way to reach it. Its address is a placeholder if the real one is a secret.
    pub api: Api,
    /// The file with the address, which is a secret by itself in the case of most chats.
    pub url_file: Option<PathBuf>,
    /// The body, with templates; the message itself if absent.
    pub body: Option<TemplateValue>,
    /// The files with the secrets of the body, by name.
    pub secret_files: BTreeMap<String, PathBuf>,
}
