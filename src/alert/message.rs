//! What a receiver is told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{IncidentClass, MESSAGE_FIELDS, SECRETS, TemplateValue, Utc, duration, utc};
use crate::report::one_line;
use crate::store::Incident;
use crate::template::{RenderError, Scope, render};

/// The class of a message that only tests a receiver.
const TEST: &str = "test";

/// A message cannot have more characters than this; chats refuse longer ones.
const LONGEST: usize = 2000;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The message to a receiver of `notify`: an incident began, or is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Message {
    /// The kind of incident; `test` for a message of `notify --test`.
    #[cfg_attr(test, schemars(extend("enum" = classes())))]
    class: &'static str,
    /// The state of the incident.
    state: State,
    /// One line for people: the cluster, the subject and the cause.
    summary: String,
    /// Patroni's scope; null for the rules file.
    cluster: Option<String>,
    /// The Patroni member that it concerns.
    member: Option<String>,
    /// The server, option, directory, change of timeline or rules file that it concerns.
    subject: String,
    /// The cause; of an incident that is over, how it ended.
    #[serde(rename = "message")]
    cause: String,
    /// The time it began.
    since: Utc,
    /// The time it ended; null while it is open.
    ended: Option<Utc>,
    /// The name of the incident: the same when it begins and when it is over, and on every node.
    key: String,
    /// The process that saw it.
    #[cfg_attr(test, schemars(extend("enum" = ["callback", "second_look", "reconcile", "agent", "notify"])))]
    source: String,
    /// The machine that sends the message.
    host: Option<String>,
    /// The version of `patroni_barman`.
    version: &'static str,
}

/// The state of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum State {
    /// It began.
    Open,
    /// It ended.
    Over,
}

impl State {
    const fn of(ended: Option<Duration>) -> Self {
        match ended {
            None => Self::Open,
            Some(_) => Self::Over,
        }
    }
}

/// The words for a message's class.
#[cfg(test)]
fn classes() -> Vec<&'static str> {
    let classes = IncidentClass::ALL.map(IncidentClass::as_str);
    classes.into_iter().chain([TEST]).collect()
}

impl Message {
    /// Tells of an incident; `host` is the name of this machine.
    pub fn of(incident: &Incident, host: Option<&str>) -> Self {
        let Incident {
            class,
            cluster,
            key,
            subject,
            member,
            source,
            message,
            since,
            ended,
        } = incident;
        let told: String = one_line(message).chars().take(LONGEST).collect();
        Self {
            class: class.as_str(),
            state: State::of(*ended),
            summary: summary(incident, &told),
            cluster: Some(cluster.clone()).filter(|cluster| !cluster.is_empty()),
            member: member.clone(),
            subject: subject.clone(),
            cause: told,
            since: utc(*since),
            ended: ended.map(utc),
            key: format!("{}/{cluster}/{key}", class.as_str()),
            source: source.clone(),
            host: host.map(str::to_owned),
            version: VERSION,
        }
    }

    /// The two messages with which a receiver is tested: something began, and is over.
    pub fn test(host: Option<&str>, now: Duration) -> [Self; 2] {
        [None, Some(now)].map(|ended| {
            let over = ended.map_or("", |_| "over: ");
            Self {
                class: TEST,
                state: State::of(ended),
                summary: format!(
                    "{over}test: `patroni_barman notify --test` reaches this receiver"
                ),
                cluster: None,
                member: None,
                subject: "this receiver".to_owned(),
                cause: "nothing is wrong: this is a test".to_owned(),
                since: utc(now),
                ended: ended.map(utc),
                key: "test//notify".to_owned(),
                source: "notify".to_owned(),
                host: host.map(str::to_owned),
                version: VERSION,
            }
        })
    }

    /// The fields as texts, for templates and variables; one that there is not is empty.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let json = json!(self);
        let text = |field: &'static str| {
            let value = json.get(field).and_then(Value::as_str);
            (field, value.unwrap_or_default().to_owned())
        };
        MESSAGE_FIELDS.map(text).to_vec()
    }

    /// The body of a webhook: the message, or what a template makes of it and of secrets.
    pub fn body(
        &self,
        template: Option<&TemplateValue>,
        secrets: &BTreeMap<String, String>,
    ) -> Result<Value, RenderError> {
        let Some(template) = template else {
            return Ok(json!(self));
        };
        let fields = self.fields().into_iter();
        let scope = Scope::new(&[]).table(SECRETS, secrets);
        let scope = fields.fold(scope, |scope, (name, value)| scope.text(name, &value));
        render(template, &scope)
    }
}

/// One line that says where, what and why.
fn summary(incident: &Incident, message: &str) -> String {
    let Incident {
        class,
        cluster,
        subject,
        member,
        since,
        ended,
        ..
    } = incident;
    let place = match (cluster.as_str(), member) {
        ("", None) => String::new(),
        ("", Some(member)) => format!("{member}: "),
        (cluster, None) => format!("{cluster}: "),
        (cluster, Some(member)) => format!("{cluster}/{member}: "),
    };
    let what = match class {
        IncidentClass::Failed => format!("{subject}: not done"),
        IncidentClass::Unfinished => format!("{subject}: not done yet"),
        IncidentClass::Fighting => format!("{subject}: changed by something else"),
        IncidentClass::Gap => subject.clone(),
        IncidentClass::LastGoodRules => format!("{subject}: broken"),
    };
    match ended {
        None => format!("{place}{what}: {message}"),
        Some(ended) => {
            let took = duration::rounded(ended.saturating_sub(*since));
            format!("over after {took}: {place}{what}: {message}")
        }
    }
}
