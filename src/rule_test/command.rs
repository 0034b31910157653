//! The `plan` command line that shows an event of a test.

use serde_json::{Map, Value};

use crate::evaluate::Facts;
use crate::space::Known;

/// The command line, quoted for a shell.
pub(super) fn plan(rules_path: &str, facts: &Facts, vars: &Map<String, Value>) -> String {
    let mut words: Vec<String> = Vec::new();
    for (name, value) in &facts.env {
        words.push(format!("{name}={}", quoted(value)));
    }
    words.push("patroni_barman plan --rules".to_owned());
    words.push(quoted(rules_path));
    let event = facts.event;
    if event.makes_node() {
        words.push(format!("--event {event}"));
    } else {
        let cluster = quoted(&facts.cluster);
        words.push(format!("{event} {} {cluster}", quoted(&facts.raw_role)));
    }
    if let Some(node) = &facts.node {
        words.push(format!("--node {}", quoted(node)));
    }
    let placeholder = Known::default().host;
    let host = facts.host.iter().filter(|host| **host != placeholder);
    if !facts.args.contains_key("host") {
        words.extend(host.map(|host| format!("--host={}", quoted(host))));
    }
    for (name, value) in &facts.args {
        words.push(format!("--{name}={}", quoted(value)));
    }
    for (name, value) in vars {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        words.push(format!("--set {}", quoted(&format!("{name}={value}"))));
    }
    words.join(" ")
}

/// A word quoted for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
