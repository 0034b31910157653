//! From Patroni's JSON to its meaning. Every part may be missing: versions differ.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Cluster, Configuration, Member, Node, Switch, Walsender};
use crate::model::{Lsn, Role};

/// Reads the answer of `GET /patroni`.
pub fn read_node(answer: &Value) -> Option<Node> {
    let patroni = answer.get("patroni")?.as_object()?;
    let own = |key: &str| patroni.get(key).and_then(Value::as_str).map(str::to_owned);
    let state = text(answer, "state");
    let running = state.as_deref() == Some("running");
    Some(Node {
        name: own("name"),
        scope: own("scope"),
        role: text(answer, "role").and_then(|role| Role::from_patroni(&role)),
        timeline: answer.get("timeline").and_then(Value::as_u64),
        state,
        walsenders: running.then(|| walsenders(answer)),
        system_id: text(answer, "database_system_identifier"),
        version: own("version"),
        dcs_last_seen: answer
            .get("dcs_last_seen")
            .and_then(Value::as_u64)
            .map(Duration::from_secs),
    })
}

fn walsenders(answer: &Value) -> Vec<Walsender> {
    let walsender = |entry: &Value| {
        Some(Walsender {
            application_name: text(entry, "application_name")?,
            state: text(entry, "state")?,
        })
    };
    let list = answer.get("replication").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(walsender).collect()
}

/// Reads the answer of `GET /cluster`.
pub fn read_cluster(answer: &Value) -> Option<Cluster> {
    let member = |member: &Value| {
        let role = text(member, "role").unwrap_or_default();
        Some(Member {
            name: text(member, "name")?,
            holds_leader_key: matches!(role.as_str(), "leader" | "standby_leader" | "master"),
            state: text(member, "state"),
            timeline: member.get("timeline").and_then(Value::as_u64),
            api_url: text(member, "api_url").map(|url| without_path(&url)),
            never_leads: never_leads(member.get("tags")),
            role,
        })
    };
    let members = answer.get("members")?.as_array()?;
    Some(Cluster {
        scope: text(answer, "scope"),
        members: members.iter().filter_map(member).collect(),
    })
}

/// Returns true if a member's tags say that it is never promoted. A priority of 0 means the same since Patroni 3.2.
fn never_leads(tags: Option<&Value>) -> bool {
    let tag = |name: &str| tags.and_then(|tags| tags.get(name));
    let priority = tag("failover_priority").and_then(Value::as_i64);
    tag("nofailover").and_then(Value::as_bool) == Some(true)
        || priority.is_some_and(|least| least <= 0)
}

/// Reads the answer of `GET /config`. A slot without a type is physical.
pub fn read_configuration(answer: &Value) -> Option<Configuration> {
    let options = answer.as_object()?;
    let slots = options.get("slots").and_then(Value::as_object);
    let physical = |slot: &Value| {
        let kind = slot.get("type").and_then(Value::as_str);
        slot.is_object() && kind.is_none_or(|kind| kind == "physical")
    };
    let slots = slots.into_iter().flatten();
    let slots = slots.filter(|(_, slot)| physical(slot));
    Some(Configuration {
        slots: slots.map(|(name, _)| name.clone()).collect(),
    })
}

/// Reads the answer of `GET /history`: lists of timeline, position, reason, time and new leader.
pub fn read_history(answer: &Value) -> Option<Vec<Switch>> {
    let entry = |entry: &Value| {
        let word = |index: usize| entry.get(index).and_then(Value::as_str).map(str::to_owned);
        let time = word(3);
        let at = time
            .as_deref()
            .and_then(|time| time.parse::<Timestamp>().ok());
        let at = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
        Some(Switch {
            timeline: entry.get(0)?.as_u64()?,
            lsn: Lsn(entry.get(1)?.as_u64()?),
            at: at.map(Duration::from_millis),
            time,
            new_leader: word(4),
        })
    };
    Some(answer.as_array()?.iter().filter_map(entry).collect())
}

/// The address of a REST API: members publish it with the path `/patroni`.
fn without_path(url: &str) -> String {
    url.trim_end_matches("/patroni").to_owned()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_says_who_it_is_in_every_version() {
        for (answer, name, role, timeline) in [
            (
                json!({"state": "running", "role": "primary", "timeline": 1, "patroni": {"version": "4.1.5", "scope": "demo", "name": "n1"}}),
                Some("n1"),
                Some(Role::Primary),
                Some(1),
            ),
            (
                json!({"state": "running", "role": "master", "timeline": 1, "patroni": {"version": "3.0.2", "scope": "demo"}}),
                None,
                Some(Role::Primary),
                Some(1),
            ),
            (
                json!({"state": "running", "role": "new", "timeline": "x", "patroni": {"scope": "demo", "name": 1}}),
                None,
                None,
                None,
            ),
        ] {
            let node = read_node(&answer).unwrap();
            assert_eq!(node.name.as_deref(), name, "{answer}");
            assert_eq!((node.role, node.timeline), (role, timeline), "{answer}");
            assert_eq!(node.scope.as_deref(), Some("demo"));
            assert_eq!(node.walsenders, Some(Vec::new()));
        }
        for answer in [json!({}), json!([]), json!({"patroni": 1})] {
            assert_eq!(read_node(&answer), None, "{answer}");
        }
    }

    #[test]
    fn walsenders_are_listed_only_by_a_postgresql_that_runs() {
        let barman =
            json!([{"application_name": "barman_receive_wal", "state": "streaming"}, {"state": 1}]);
        let node = |state: &str| json!({"state": state, "replication": barman, "patroni": {}});
        let running = read_node(&node("running")).unwrap().walsenders.unwrap();
        assert_eq!(running.len(), 1);
        assert!(running[0].receives());
        assert_eq!(read_node(&node("stopped")).unwrap().walsenders, None);
    }

    #[test]
    fn the_leader_is_who_holds_the_key() {
        for (roles, leader) in [
            (["leader", "replica"], Some("n1")),
            (["replica", "leader"], Some("n2")),
            (["standby_leader", "replica"], Some("n1")),
            (["replica", "sync_standby"], None),
        ] {
            let cluster = read_cluster(&json!({"scope": "demo", "members": [
                {"name": "n1", "role": roles[0], "timeline": 2, "api_url": "http://127.0.0.1:8008/patroni"},
                {"name": "n2", "role": roles[1], "timeline": "unknown"},
                {"role": "leader"},
            ]}))
            .unwrap();
            assert_eq!(cluster.leader().map(|member| member.name.as_str()), leader);
            assert_eq!(cluster.members.len(), 2);
            assert_eq!(cluster.members[0].timeline, Some(2));
            assert_eq!(
                cluster.members[0].api_url.as_deref(),
                Some("http://127.0.0.1:8008")
            );
            assert_eq!(cluster.members[1].timeline, None);
        }
        assert_eq!(read_cluster(&json!({"scope": "demo"})), None);
    }

    #[test]
    fn the_history_lists_timelines_that_ended() {
        let answer = json!([
            [
                1,
                50_616_136,
                "no recovery target specified",
                "2026-11-23T03:15:24+00:00",
                "n2"
            ],
            [2, 7],
            ["x"]
        ]);
        let history = read_history(&answer).unwrap();
        assert_eq!(history.len(), 2);
        assert_eq!((history[0].timeline, history[0].lsn), (1, Lsn(50_616_136)));
        assert_eq!(history[0].new_leader.as_deref(), Some("n2"));
        assert_eq!(history[0].at, Some(Duration::from_secs(1_795_403_724)));
        assert_eq!(history[1].at, None);
    }
}
