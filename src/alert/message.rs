//! What a receiver is told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::model::{IncidentClass, MESSAGE_FIELDS, SECRETS, TemplateValue, duration};
use crate::report::{one_line, utc};
use crate::store::Incident;
use crate::template::{RenderError, Scope, render};

/// The class of a message that only tests a receiver.
const TEST: &str = "test";

/// A message cannot have more characters than this; chats refuse longer ones.
const LONGEST: usize = 2000;

/// That an incident began, or is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    class: &'static str,
    is_over: bool,
    summary: String,
    cluster: Option<String>,
    member: Option<String>,
    subject: String,
    cause: String,
    since: Duration,
    ended: Option<Duration>,
    key: String,
    source: String,
    host: Option<String>,
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
            is_over: ended.is_some(),
            summary: summary(incident, &told),
            cluster: Some(cluster.clone()).filter(|cluster| !cluster.is_empty()),
            member: member.clone(),
            subject: subject.clone(),
            cause: told,
            since: *since,
            ended: *ended,
            key: format!("{}/{cluster}/{key}", class.as_str()),
            source: source.clone(),
            host: host.map(str::to_owned),
        }
    }

    /// The two messages with which a receiver is tested: something began, and is over.
    pub fn test(host: Option<&str>, now: Duration) -> [Self; 2] {
        [None, Some(now)].map(|ended| {
            let over = ended.map_or("", |_| "over: ");
            Self {
                class: TEST,
                is_over: ended.is_some(),
                summary: format!(
                    "{over}test: `patroni_barman notify --test` reaches this receiver"
                ),
                cluster: None,
                member: None,
                subject: "this receiver".to_owned(),
                cause: "nothing is wrong: this is a test".to_owned(),
                since: now,
                ended,
                key: "test//notify".to_owned(),
                source: "notify".to_owned(),
                host: host.map(str::to_owned),
            }
        })
    }

    /// The message as `schemas/notification.schema.json` describes it.
    pub fn to_json(&self) -> Value {
        json!({
            "class": self.class,
            "state": self.state(),
            "summary": self.summary,
            "cluster": self.cluster,
            "member": self.member,
            "subject": self.subject,
            "message": self.cause,
            "since": utc(self.since),
            "ended": self.ended.map(utc),
            "key": self.key,
            "source": self.source,
            "host": self.host,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    /// The fields as texts, for templates and variables; one that there is not is empty.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let json = self.to_json();
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
            return Ok(self.to_json());
        };
        let fields = self.fields().into_iter();
        let scope = Scope::new(&[]).table(SECRETS, secrets);
        let scope = fields.fold(scope, |scope, (name, value)| scope.text(name, &value));
        render(template, &scope)
    }

    const fn state(&self) -> &'static str {
        if self.is_over { "over" } else { "open" }
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
