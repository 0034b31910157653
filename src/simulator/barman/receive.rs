//! The WAL receivers over time.

use std::time::Duration;

use serde_json::Value;

use super::super::diagnose::{peer, wal_name};
use super::super::fault::{Effect, Target};
use super::super::moment::Moment;
use super::super::receiver::{Receiving, State, Stream};
use super::super::sections::{Model, Node, Postgres, Server};
use super::Barman;

impl Barman {
    /// The state of a server's WAL receiver; `None` if there is no such server.
    pub fn receiving(&mut self, now: Moment, server: &str) -> Option<Receiving> {
        self.advance(now);
        let section = self.servers.get(server)?;
        let receiver = &section.receiver;
        let from = (receiver.state == State::Running).then(|| {
            let (host, _) = peer(self.conninfo(section));
            host.to_owned()
        });
        Some(Receiving {
            restarts: receiver.restarts,
            starts: receiver.starts,
            from,
        })
    }

    /// Kills a server's WAL receiver; returns false if none is running.
    pub fn kill_receiver(&mut self, now: Moment, server: &str) -> bool {
        self.advance(now);
        match self.servers.get_mut(server) {
            Some(section) if section.receiver.state == State::Running => {
                section.receiver.state = State::Down;
                self.quiet_until = None;
                true
            }
            _ => false,
        }
    }

    /// The streams of WAL that come from one node of a cluster.
    pub(super) fn streams(&mut self, now: Moment, cluster: &str, node: (&str, u16)) -> Vec<Stream> {
        self.advance(now);
        let is_from = |server: &&Server| {
            server.receiver.state == State::Running
                && server.cluster() == Some(cluster)
                && peer(self.conninfo(server)) == node
        };
        let stream = |server: &Server| {
            let option = self.option(server, "streaming_archiver_name");
            Stream {
                application_name: option
                    .and_then(Value::as_str)
                    .unwrap_or("barman_receive_wal")
                    .to_owned(),
            }
        };
        self.servers.values().filter(is_from).map(stream).collect()
    }

    /// Passes the state of a cluster's nodes to Barman.
    pub(super) fn see_nodes(&mut self, now: Moment, cluster: &str, nodes: &[Node]) {
        self.advance(now);
        let models = self.models.values_mut();
        let models = models.map(|model| (&model.options, &mut model.postgres));
        let servers = self.servers.values_mut();
        let servers =
            servers.filter_map(|server| Some((&server.options, server.postgres.as_mut()?)));
        for (options, postgres) in models.chain(servers) {
            let text = |name: &str| options.get(name).and_then(Value::as_str);
            if text("cluster") != Some(cluster) {
                continue;
            }
            let place = peer(text("conninfo").unwrap_or_default());
            let is_there = |node: &&Node| (node.host.as_str(), node.port) == place;
            let Some(node) = nodes.iter().find(is_there) else {
                continue;
            };
            // The existence and use of the slot are not the cluster's business.
            let seen = Postgres {
                streaming: postgres.streaming,
                slot: postgres.slot,
                ..node.postgres.clone()
            };
            let matters =
                |postgres: &Postgres| (postgres.reachable, postgres.timeline, postgres.promotes_at);
            if matters(&seen) != matters(postgres) || seen.wal != postgres.wal {
                self.quiet_until = None;
            }
            *postgres = seen;
        }
    }

    pub(super) fn restart_receiver(&mut self, server: &str) {
        self.quiet_until = None;
        let at = self.settled.saturating_add(self.times.delay);
        let Some(section) = self.servers.get_mut(server) else {
            return;
        };
        if section.receives() {
            section.receiver.restarts += 1;
            section.receiver.state = State::Starting(at);
        } else {
            section.receiver.state = State::Off;
        }
    }

    /// Starts and ends receivers, and lets `barman cron` restart them.
    pub(super) fn receive_until(&mut self, until: Duration) {
        if self.quiet_until.is_some_and(|quiet| until < quiet) {
            self.settled = self.settled.max(until);
            return;
        }
        let mut quiet = Duration::MAX;
        loop {
            self.end_receivers();
            let starting = |server: &Server| match server.receiver.state {
                State::Starting(at) => Some(at),
                _ => None,
            };
            let start = self.servers.values().filter_map(starting).min();
            let is_down = |server: &Server| server.receiver.state == State::Down;
            let any_down = self.servers.values().any(is_down);
            let cron = any_down.then(|| self.times.next_cron(self.settled));
            let all = self.postgres_of_all();
            let promotion = all.filter_map(|postgres| postgres.promotes_at).min();
            let Some(next) = [start, cron, promotion].into_iter().flatten().min() else {
                break;
            };
            if next > until {
                quiet = next;
                break;
            }
            self.settled = self.settled.max(next);
            let is_due = |server: &Server| {
                starting(server).is_some_and(|at| at <= next)
                    || (is_down(server) && cron == Some(next))
            };
            let due = self.servers.iter().filter(|(_, server)| is_due(server));
            let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
            // WAL streamed before a promotion belongs to the old timeline.
            self.archive();
            for postgres in self.postgres_of_all() {
                postgres.settle(next);
            }
            for server in due {
                self.try_to_receive(&server);
            }
        }
        self.settled = self.settled.max(until);
        self.quiet_until = Some(quiet);
        self.archive();
    }

    fn postgres_of_all(&mut self) -> impl Iterator<Item = &mut Postgres> {
        let models = self.models.values_mut().map(|model| &mut model.postgres);
        let servers = self.servers.values_mut();
        models.chain(servers.filter_map(|server| server.postgres.as_mut()))
    }

    /// Ends receivers whose PostgreSQL is gone.
    fn end_receivers(&mut self) {
        for server in self.servers.values_mut() {
            let model = server.model(&self.models);
            if server.receiver.state == State::Running && !can_stream(server, model) {
                server.receiver.state = State::Down;
            }
        }
    }

    fn try_to_receive(&mut self, name: &str) {
        let fault = self.receiver_faults.take(Some(Target::Receiver), "");
        let Some(server) = self.servers.get_mut(name) else {
            return;
        };
        let is_well = can_stream(server, server.model(&self.models));
        server.receiver.state = match fault.map(|fault| fault.effect) {
            Some(Effect::Slow(time)) if !time.is_zero() => {
                State::Starting(self.settled.saturating_add(time))
            }
            Some(Effect::Fail) => State::Down,
            _ if is_well => {
                server.receiver.starts += 1;
                State::Running
            }
            _ => State::Down,
        };
    }

    /// Counts streamed WAL as archived, on its timeline.
    pub(super) fn archive(&mut self) {
        for server in self.servers.values_mut() {
            if server.receiver.state != State::Running || server.has_given_wals {
                continue;
            }
            let model = server.model(&self.models);
            if let Some(postgres) = server.postgres_with(model) {
                let timeline = postgres.timeline;
                if let Some(wal) = postgres.wal.clone() {
                    server.receive(timeline, &wal);
                    continue;
                }
                let archived = server.wals.entry(timeline);
                archived.or_insert_with(|| wal_name(timeline));
            }
        }
    }

    fn option<'a>(&'a self, server: &'a Server, option: &str) -> Option<&'a Value> {
        server.option(server.model(&self.models), option)
    }

    /// The connection information of a server's WAL receiver.
    fn conninfo<'a>(&'a self, server: &'a Server) -> &'a str {
        ["wal_streaming_conninfo", "streaming_conninfo", "conninfo"]
            .iter()
            .find_map(|option| self.option(server, option).and_then(Value::as_str))
            .unwrap_or_default()
    }
}

fn can_stream(server: &Server, model: Option<&Model>) -> bool {
    let postgres = server.postgres_with(model);
    server.receives() && postgres.is_some_and(|postgres| postgres.reachable && postgres.streaming)
}
