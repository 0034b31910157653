//! The REST API of a member.

use serde_json::{Map, Value, json};

use crate::model::Lsn;

use super::super::fault::{Effect, Target};
use super::super::message::{Request, Response};
use super::super::moment::Moment;
use super::super::receiver::Stream;
use super::super::service::Delivery;
use super::super::version::Version;
use super::{Cluster, Member, State};

/// The first Patroni with the name `primary`.
const WITH_PRIMARY: Version = Version(4, 0, 0);
/// The first one whose answers contain the member's name and, in `/cluster`, the scope.
const WITH_NAMES: Version = Version(3, 2, 0);
/// The first one that reports the positions that replicas have received and replayed.
const WITH_POSITIONS: Version = Version(4, 1, 0);

impl Cluster {
    /// Serves a request to a member's REST API. `streams` are the connections of Barman's receivers to its PostgreSQL.
    pub fn serve(
        &mut self,
        now: Moment,
        name: &str,
        request: &Request,
        streams: &[Stream],
    ) -> Delivery {
        let path = request.path.split('?').next().unwrap_or_default();
        let Some(member) = self.find_mut(name) else {
            return Delivery::Close;
        };
        if member.state == State::Stopped {
            return Delivery::Close;
        }
        let fault = member.faults.take(None::<Target>, path);
        if member.is_silent {
            return Delivery::Never;
        }
        let Some(answer) = self.answer(now, name, path, streams) else {
            return Delivery::Close;
        };
        match fault.map(|fault| fault.effect) {
            None | Some(Effect::Ok) => Delivery::Send(answer),
            Some(Effect::Refuse) => Delivery::Close,
            Some(Effect::Hang) => Delivery::Never,
            Some(Effect::HangFor(time)) => Delivery::ResetAfter(time),
            Some(Effect::Slow(time) | Effect::Late(time)) => Delivery::SendAfter(time, answer),
            Some(Effect::Truncate) => Delivery::Truncate(answer),
            Some(Effect::Answer(with)) => Delivery::Send(Response::proxy_page(with.status)),
            Some(Effect::Redirect) => Delivery::Send(
                Response::proxy_page(302)
                    .with_header("Location", format!("/moved{}", request.path)),
            ),
            Some(Effect::Garbage) => Delivery::Send(Response::proxy_page(200)),
            Some(Effect::Empty) => Delivery::Send(Response::json(200, &json!({}))),
            Some(_) => Delivery::Reset,
        }
    }

    fn answer(&self, now: Moment, name: &str, path: &str, streams: &[Stream]) -> Option<Response> {
        let member = self.find(name)?;
        let status = |is_so: bool| if is_so { 200 } else { 503 };
        let leads = self.leads(member);
        let is_replica = member.state == State::Replica;
        let code = match path {
            "/cluster" => return Some(Response::json(200, &self.cluster(now, member))),
            "/config" => return Some(Response::json(200, &configuration())),
            "/history" => return Some(Response::json(200, &self.history_list())),
            "/leader" => status(leads),
            "/" | "/primary" | "/master" | "/read-write" => status(leads && !self.is_standby),
            "/standby-leader" | "/standby_leader" => status(leads && self.is_standby),
            "/replica" => status(is_replica),
            "/patroni" | "/read-only" | "/health" | "/liveness" | "/readiness" => 200,
            _ => 503,
        };
        Some(Response::json(code, &self.status(now, member, streams)))
    }

    /// The role and state of one member: the answer of `/patroni` and every check.
    fn status(&self, now: Moment, member: &Member, streams: &[Stream]) -> Value {
        let is_primary = self.is_primary(member, now);
        let role = match member.state {
            State::Primary if self.is_standby && self.leads(member) => "standby_leader",
            State::Primary if is_primary && self.version < WITH_PRIMARY => "master",
            State::Primary if is_primary => "primary",
            _ => "replica",
        };
        let position = self.position(now);
        let mut answer = Map::new();
        let mut set = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        set("state", "running".into());
        let started = "2026-11-23 03:13:17.063344+00:00";
        set("postmaster_start_time", started.into());
        set("role", role.into());
        set("server_version", 150_018.into());
        set(
            "xlog",
            if is_primary {
                json!({"location": position})
            } else {
                let received = position.saturating_sub(member.lag);
                json!({
                    "received_location": received, "replayed_location": received,
                    "replayed_timestamp": null, "paused": false,
                })
            },
        );
        set("timeline", self.timeline_at(now).into());
        let walsenders = self.walsenders(member, streams);
        if !walsenders.is_empty() {
            set("replication", walsenders.into());
        }
        if !is_primary {
            set("replication_state", "streaming".into());
        }
        if self.is_paused {
            set("pause", true.into());
        }
        set("dcs_last_seen", now.wall.as_secs().into());
        set("database_system_identifier", self.system_id.clone().into());
        let scope = member.scope.as_ref().unwrap_or(&self.scope);
        let mut patroni = json!({"version": self.version.to_string(), "scope": scope});
        if self.version >= WITH_NAMES
            && let Some(patroni) = patroni.as_object_mut()
        {
            patroni.insert("name".to_owned(), member.name.clone().into());
        }
        set("patroni", patroni);
        answer.into()
    }

    /// The walsenders of a member: to the other members if it leads, and to Barman in any case.
    fn walsenders(&self, member: &Member, streams: &[Stream]) -> Vec<Value> {
        let entry = |name: &str| {
            json!({
                "usename": "repl", "application_name": name, "client_addr": "127.0.0.1", "state": "streaming",
                "sync_state": "async", "sync_priority": 0,
            })
        };
        let is_followed = member.state == State::Primary;
        let replicas = self.members.iter().filter(|other| {
            is_followed && other.state == State::Replica && other.name != member.name
        });
        let barman = streams.iter().map(|stream| entry(&stream.application_name));
        replicas
            .map(|other| entry(&other.name))
            .chain(barman)
            .collect()
    }

    fn cluster(&self, now: Moment, asked: &Member) -> Value {
        let position = self.position(now);
        let member = |member: &Member| {
            let leads = self.leads(member);
            let role = match (leads, self.is_standby) {
                (true, true) => "standby_leader",
                (true, false) => "leader",
                (false, _) => "replica",
            };
            let state = match member.state {
                State::Stopped => "stopped",
                State::Primary => "running",
                State::Replica if leads => "running",
                State::Replica => "streaming",
            };
            let mut entry = Map::new();
            let mut set = |key: &str, value: Value| entry.insert(key.to_owned(), value);
            set("name", member.name.clone().into());
            set("role", role.into());
            set("state", state.into());
            set("api_url", format!("{}/patroni", member.api).into());
            set("host", member.host.clone().into());
            set("port", member.port.into());
            if member.state == State::Stopped {
                set("lag", "unknown".into());
                return Value::from(entry);
            }
            set("timeline", self.timeline_at(now).into());
            if !leads && member.state == State::Replica {
                let lsn = json!(Lsn(position.saturating_sub(member.lag)));
                if self.version >= WITH_POSITIONS {
                    set("receive_lag", member.lag.into());
                    set("receive_lsn", lsn.clone());
                    set("replay_lag", member.lag.into());
                    set("replay_lsn", lsn.clone());
                }
                set("lag", member.lag.into());
                if self.version >= WITH_POSITIONS {
                    set("lsn", lsn);
                }
            }
            entry.into()
        };
        let members: Vec<Value> = self.members.iter().map(member).collect();
        let mut answer = json!({"members": members});
        if let Some(answer) = answer.as_object_mut() {
            if self.is_paused {
                answer.insert("pause".to_owned(), true.into());
            }
            if self.version >= WITH_NAMES {
                let scope = asked.scope.as_ref().unwrap_or(&self.scope);
                answer.insert("scope".to_owned(), scope.clone().into());
            }
        }
        answer
    }

    fn history_list(&self) -> Value {
        let entry = |switch: &super::Switch| {
            json!([
                switch.timeline,
                switch.lsn,
                "no recovery target specified",
                switch.time,
                switch.leader
            ])
        };
        self.history.iter().map(entry).collect()
    }

    /// Its state, for the user.
    pub fn state(&self) -> Value {
        let state = |member: &Member| match member.state {
            State::Primary => "primary",
            State::Replica => "replica",
            State::Stopped => "stopped",
        };
        let members = self.members.iter();
        let members = members.map(|member| (member.name.clone(), state(member).into()));
        let members: Map<String, Value> = members.collect();
        json!({
            "scope": self.scope, "leader": self.leader, "timeline": self.timeline, "paused": self.is_paused,
            "standby_cluster": self.is_standby, "members": members,
        })
    }
}

/// The dynamic configuration, with Barman's slot as a permanent one.
fn configuration() -> Value {
    json!({"ttl": 30, "loop_wait": 10, "slots": {"barman": {"type": "physical"}}})
}
