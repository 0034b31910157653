//! From Patroni's keys to clusters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::patroni::Member;

use super::etcd::Snapshot;

/// Everything below the namespace, with all changes since it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    scopes: BTreeMap<String, Scope>,
    /// The scopes of Citus clusters: their groups share a name, so callbacks can't tell them apart.
    citus: BTreeSet<String>,
}

/// A cluster as described by its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The member that holds the leader key.
    pub leader: Option<String>,
    /// The cluster follows another one.
    pub standby: bool,
    /// The members' own keys; `holds_leader_key` is not set in them.
    members: BTreeMap<String, Member>,
    /// The names of its other keys: a cluster whose members are all down still has some.
    others: BTreeSet<String>,
}

impl Scope {
    /// The members, with the leader's role taken from the leader key.
    pub fn members(&self) -> Vec<Member> {
        let member = |member: &Member| {
            let holds_leader_key = self.leader.as_ref() == Some(&member.name);
            let role = match (holds_leader_key, self.standby) {
                (true, true) => "standby_leader",
                (true, false) => "leader",
                (false, _) => "replica",
            };
            Member {
                holds_leader_key,
                role: role.to_owned(),
                ..member.clone()
            }
        };
        self.members.values().map(member).collect()
    }

    fn is_empty(&self) -> bool {
        self.leader.is_none() && self.members.is_empty() && self.others.is_empty()
    }
}

impl Tree {
    /// The clusters of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut tree = Self::default();
        for (key, value) in &snapshot.keys {
            tree.set(key, Some(value));
        }
        tree
    }

    /// The clusters that have any key.
    pub fn scopes(&self) -> impl Iterator<Item = (&str, &Scope)> {
        let scopes = self.scopes.iter().filter(|(_, scope)| !scope.is_empty());
        scopes.map(|(name, scope)| (name.as_str(), scope))
    }

    /// A cluster.
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.get(name).filter(|scope| !scope.is_empty())
    }

    /// The scopes that are skipped because they are Citus clusters.
    pub fn citus(&self) -> &BTreeSet<String> {
        &self.citus
    }

    /// Applies a change of a key below the namespace; `None` if it was deleted. Returns the scope if anything relevant
    /// has changed.
    pub fn set(&mut self, key: &str, value: Option<&str>) -> Option<String> {
        let mut parts = key.splitn(3, '/');
        let (scope, section, rest) = (parts.next()?, parts.next()?, parts.next());
        if section.bytes().all(|byte| byte.is_ascii_digit()) && rest.is_some() {
            self.citus.insert(scope.to_owned());
            return None;
        }
        let kept = self.scopes.entry(scope.to_owned()).or_default();
        let before = kept.clone();
        if !matches!(section, "leader" | "members") {
            match value {
                Some(_) => kept.others.insert(section.to_owned()),
                None => kept.others.remove(section),
            };
        }
        match (section, rest) {
            ("leader", None) => kept.leader = value.map(str::to_owned),
            ("config", None) => {
                let config: Option<Value> =
                    value.and_then(|value| serde_json::from_str(value).ok());
                let standby = config.as_ref().and_then(|all| all.get("standby_cluster"));
                kept.standby = standby.is_some_and(Value::is_object);
            }
            ("members", Some(name)) => {
                match value.and_then(|value| member(name, value)) {
                    Some(member) => kept.members.insert(name.to_owned(), member),
                    None => kept.members.remove(name),
                };
            }
            _ => {}
        }
        let changed = *kept != before;
        if kept.is_empty() {
            self.scopes.remove(scope);
        }
        changed.then(|| scope.to_owned())
    }
}

/// A member from its own key. Its WAL position changes all the time and is left out.
fn member(name: &str, value: &str) -> Option<Member> {
    let value: Value = serde_json::from_str(value).ok()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let url = text("api_url").map(|url| url.trim_end_matches("/patroni").to_owned());
    Some(Member {
        name: name.to_owned(),
        holds_leader_key: false,
        role: String::new(),
        state: text("state").map(str::to_owned),
        timeline: value.get("timeline").and_then(Value::as_u64),
        api_url: url,
        never_leads: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_make_clusters() {
        let mut tree = Tree::default();
        let n1 = r#"{"api_url": "http://n1:8008/patroni", "state": "running", "role": "primary", "timeline": 3, "xlog_location": 1}"#;
        assert_eq!(tree.set("main/members/n1", Some(n1)), Some("main".into()));
        let later = n1.replace("\"xlog_location\": 1", "\"xlog_location\": 2");
        assert_eq!(tree.set("main/members/n1", Some(&later)), None);
        assert_eq!(tree.set("main/leader", Some("n1")), Some("main".into()));
        tree.set("main/status", Some("{}"));
        assert_eq!(tree.set("main/status", Some("{1}")), None);
        assert_eq!(tree.set("citus/0/leader", Some("c1")), None);
        assert_eq!(tree.set("other", Some("x")), None);
        let members = tree.scope("main").unwrap().members();
        assert_eq!(members.len(), 1);
        assert!(members[0].holds_leader_key);
        assert_eq!(members[0].api_url.as_deref(), Some("http://n1:8008"));
        assert_eq!(members[0].timeline, Some(3));
        assert_eq!(tree.citus().len(), 1);
        tree.set("main/config", Some(r#"{"standby_cluster": {"host": "x"}}"#));
        let members = tree.scope("main").unwrap().members();
        assert_eq!(members[0].role, "standby_leader");
        tree.set("main/leader", None);
        assert_eq!(tree.scope("main").unwrap().leader, None);
        tree.set("main/config", None);
        tree.set("main/members/n1", None);
        assert_eq!(tree.scopes().count(), 1);
        tree.set("main/status", None);
        assert_eq!(tree.scopes().count(), 0);
    }
}
