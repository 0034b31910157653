//! Patroni on every node, and the DCS: the holder of the leader key, the callbacks that are fired, and those that are killed.

use std::rc::Rc;
use std::time::Duration;

use patroni_barman::model::{Event, Role};
use serde_json::{Value, json};

use super::process;
use super::scheduler::Pid;
use super::universe::{Universe, name};
use super::wire::patroni_url;

/// The time that the leader key outlives its holder's last sign of life.
const TTL: Duration = Duration::from_secs(15);

/// A machine with Patroni and PostgreSQL on it.
#[allow(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
#[derive(Debug, Clone)]
pub struct Node {
    pub machine_up: bool,
    pub patroni_up: bool,
    /// True if PostgreSQL accepts writes. A promoted node does so some time after it has taken the leader key.
    pub primary: bool,
    /// The callback that the next one kills; `on_reload` has its own executor.
    callback: Option<Pid>,
    reload: Option<Pid>,
    /// The process that a reconcile timer started.
    pub reconcile: Option<Pid>,
    /// The number of restarts: events planned before one do not happen after it.
    life: u32,
    /// Cut off from the DCS and from other members.
    partitioned: bool,
    /// The time until which its Patroni still lists the cluster from a cache.
    cached_until: Duration,
    /// The leader known to its Patroni, and the time since it has known whether that is itself.
    pub knows: Option<usize>,
    key_since: Duration,
    /// The leader in its Patroni's list of members, and the time since.
    pub lists: Option<usize>,
    lists_since: Duration,
    /// The processes that a crash of the machine ends.
    pub processes: Vec<Pid>,
}

impl Node {
    /// Patroni on this node reads the leader.
    fn read(&mut self, own: usize, leader: Option<usize>, now: Duration) {
        if self.lists != leader {
            self.lists_since = now;
        }
        self.lists = leader;
        self.learn(own, leader, now);
    }

    fn learn(&mut self, own: usize, leader: Option<usize>, now: Duration) {
        if (self.knows == Some(own)) != (leader == Some(own)) {
            self.key_since = now;
        }
        self.knows = leader;
    }
}

#[derive(Debug)]
pub struct Cluster {
    pub nodes: Vec<Node>,
    pub leader: Option<usize>,
    pub timeline: u64,
    pub dcs_up: bool,
}

impl Cluster {
    pub fn new(nodes: usize) -> Self {
        let node = Node {
            machine_up: true,
            patroni_up: true,
            primary: false,
            callback: None,
            reload: None,
            reconcile: None,
            life: 0,
            partitioned: false,
            cached_until: Duration::ZERO,
            knows: None,
            key_since: Duration::ZERO,
            lists: None,
            lists_since: Duration::ZERO,
            processes: Vec::new(),
        };
        Self {
            nodes: vec![node; nodes],
            leader: None,
            timeline: 1,
            dcs_up: true,
        }
    }

    /// The time for which a node has lacked, to its Patroni's knowledge, the condition for a role: the leader key for a primary,
    /// none for others.
    pub fn out_of_role(&self, node: usize, role: Role, now: Duration) -> Option<Duration> {
        let leads = role.leads();
        let holds = self.nodes[node].knows == Some(node);
        (leads != holds && role != Role::Uninitialized)
            .then(|| now.saturating_sub(self.nodes[node].key_since))
    }

    /// The time for which the Patroni of a node has listed another leader.
    pub fn lists_another(&self, node: usize, leader: usize, now: Duration) -> Option<Duration> {
        let state = &self.nodes[node];
        (state.lists != Some(leader)).then(|| now.saturating_sub(state.lists_since))
    }

    /// Returns true if one node can reach another one's Patroni.
    pub fn reaches(&self, from: usize, to: usize) -> bool {
        let cut = self.nodes[from].partitioned || self.nodes[to].partitioned;
        from == to || self.nodes[to].machine_up && !cut
    }

    /// The role that Patroni passes for a running node.
    fn role(&self, node: usize) -> Role {
        if self.nodes[node].knows == Some(node) {
            Role::Primary
        } else {
            Role::Replica
        }
    }

    /// The answer of a node's REST API; `None` if it can't answer.
    pub fn answer(
        &self,
        node: usize,
        path: &str,
        leader: Option<usize>,
        now: Duration,
    ) -> Option<Value> {
        if !path.ends_with("/cluster") {
            let role = if self.nodes[node].primary {
                "primary"
            } else {
                "replica"
            };
            return Some(json!({
                "state": "running", "role": role, "timeline": self.timeline,
                "patroni": {"version": "4.1.5", "scope": "demo", "name": name(node)},
            }));
        }
        let member = |(other, state): (usize, &Node)| {
            let role = if leader == Some(other) {
                "leader"
            } else {
                "replica"
            };
            state.patroni_up.then(|| {
                json!({
                    "name": name(other), "role": role, "state": "running", "timeline": self.timeline,
                    "api_url": format!("{}/patroni", patroni_url(other)),
                })
            })
        };
        let members: Vec<Value> = self.nodes.iter().enumerate().filter_map(member).collect();
        let own = &self.nodes[node];
        (self.dcs_up && !own.partitioned || own.partitioned && now < own.cached_until)
            .then(|| json!({"scope": "demo", "members": members}))
    }
}

impl Universe {
    /// Writes the holder of the leader key.
    fn set_leader(&self, leader: Option<usize>) {
        let now = self.now();
        let mut cluster = self.cluster.borrow_mut();
        cluster.leader = leader;
        for node in 0..cluster.nodes.len() {
            if !cluster.nodes[node].partitioned {
                cluster.nodes[node].read(node, leader, now);
            }
        }
        self.note(|| format!("the leader is {}", leader.map_or("nobody".to_owned(), name)));
        self.truth.borrow_mut().led(now, leader);
    }

    /// Runs a callback, and kills the previous one if it is still running.
    fn fire(self: &Rc<Self>, node: usize, event: Event, role: Role) {
        let before = {
            let mut cluster = self.cluster.borrow_mut();
            let state = &mut cluster.nodes[node];
            if !state.patroni_up {
                return;
            }
            if event == Event::OnReload {
                state.reload.take()
            } else {
                state.callback.take()
            }
        };
        if let Some(pid) = before.filter(|pid| self.scheduler.is_alive(*pid)) {
            self.note(|| format!("{} kills process {pid}", name(node)));
            self.scheduler.kill(pid);
        }
        let pid = process::callback(self, node, event, role);
        let mut cluster = self.cluster.borrow_mut();
        let state = &mut cluster.nodes[node];
        if event == Event::OnReload {
            state.reload = Some(pid);
        } else {
            state.callback = Some(pid);
        }
    }

    /// Does something later, unless the node was restarted or stopped before.
    fn later(
        self: &Rc<Self>,
        node: usize,
        pause: Duration,
        what: impl FnOnce(&Rc<Self>) + 'static,
    ) {
        let life = self.cluster.borrow().nodes[node].life;
        let universe = Rc::clone(self);
        self.scheduler.after(pause, move || {
            if universe.cluster.borrow().nodes[node].life == life {
                what(&universe);
            }
        });
    }

    fn leader(&self) -> Option<usize> {
        self.cluster.borrow().leader
    }

    fn patroni_up(&self, node: usize) -> bool {
        self.cluster.borrow().nodes[node].patroni_up
    }

    /// Returns true if a node can take the leader key.
    fn is_able(&self, node: usize) -> bool {
        let state = &self.cluster.borrow().nodes[node];
        state.patroni_up && !state.partitioned
    }

    /// A new cluster: its first node leads.
    pub fn create_cluster(self: &Rc<Self>) {
        self.set_leader(Some(0));
        self.cluster.borrow_mut().nodes[0].primary = true;
        self.fire(0, Event::OnStart, Role::Primary);
        for node in 1..self.nodes() {
            self.fire(node, Event::OnStart, Role::Replica);
        }
    }

    /// Performs an orderly switchover.
    pub fn switch_over(self: &Rc<Self>, to: usize) {
        let Some(from) = self.leader() else { return };
        if from == to || !self.is_able(from) || !self.is_able(to) || !self.cluster.borrow().dcs_up {
            return;
        }
        self.note(|| format!("switchover from {} to {}", name(from), name(to)));
        self.cluster.borrow_mut().nodes[from].primary = false;
        let stop = self.between(0, 60);
        self.later(from, stop, move |u| {
            u.fire(from, Event::OnStop, Role::Demoted);
        });
        let release = self.between(0, 80);
        self.later(from, release, move |u| {
            if u.leader() == Some(from) && u.is_able(from) {
                u.set_leader(None);
                let take = u.between(20, 150);
                u.later(to, take, move |u| u.take_key(to));
                // if that fails, another node takes over
                u.elect_later(Duration::from_secs(3));
            }
        });
        self.later(from, Duration::from_secs(2), move |u| {
            if u.leader() != Some(from) {
                u.fire(from, Event::OnRoleChange, Role::Replica);
            }
        });
    }

    /// The leader key is free: a node takes it and is promoted.
    fn take_key(self: &Rc<Self>, node: usize) {
        let free = self.leader().is_none() && self.cluster.borrow().dcs_up;
        if free && self.is_able(node) {
            self.set_leader(Some(node));
            self.promote(node);
        }
    }

    fn promote(self: &Rc<Self>, node: usize) {
        self.fire(node, Event::OnRoleChange, Role::Primary);
        let takes = self.between(300, 2_000);
        self.later(node, takes, move |u| {
            if u.leader() == Some(node) {
                u.now_primary(node);
            }
        });
    }

    /// A promotion is complete: a new timeline begins.
    fn now_primary(&self, node: usize) {
        let timeline = {
            let mut cluster = self.cluster.borrow_mut();
            cluster.nodes[node].primary = true;
            cluster.timeline += 1;
            cluster.timeline
        };
        for site in &self.apis {
            let mut service = site.service.borrow_mut();
            for node in 0..self.nodes() {
                let model = format!("demo:{}", name(node));
                if let Some(postgres) = service.api().backend().postgres_mut(&model) {
                    postgres.timeline = timeline;
                }
            }
        }
    }

    fn elect_later(self: &Rc<Self>, pause: Duration) {
        let universe = Rc::clone(self);
        self.scheduler.after(pause, move || universe.elect());
    }

    /// Elects a leader if there is none.
    fn elect(self: &Rc<Self>) {
        let able: Vec<usize> = (0..self.nodes())
            .filter(|node| self.is_able(*node))
            .collect();
        if self.leader().is_none() && !able.is_empty() {
            let node = self.scheduler.draw(|random| random.pick(&able));
            self.take_key(node);
        }
    }

    /// The leader key expires unless its holder comes back.
    fn expire_later(self: &Rc<Self>, node: usize) {
        self.later(node, TTL, move |u| {
            if u.leader() == Some(node) {
                u.cluster.borrow_mut().nodes[node].primary = false;
                u.set_leader(None);
                let pause = u.between(100, 1_000);
                u.elect_later(pause);
            }
        });
    }

    /// Kills only Patroni; callbacks keep running as orphans.
    pub fn kill_patroni(self: &Rc<Self>, node: usize, back: Duration) {
        if !self.patroni_up(node) {
            return;
        }
        self.note(|| format!("Patroni on {} is killed", name(node)));
        {
            let mut cluster = self.cluster.borrow_mut();
            let state = &mut cluster.nodes[node];
            state.patroni_up = false;
            state.callback = None;
            state.reload = None;
            state.life += 1;
        }
        self.expire_later(node);
        self.later(node, back, move |u| u.start_patroni(node));
    }

    /// A machine loses power.
    pub fn crash(self: &Rc<Self>, node: usize, back: Duration) {
        self.kill_patroni(node, back);
        self.note(|| format!("{} crashes", name(node)));
        let processes = {
            let mut cluster = self.cluster.borrow_mut();
            let state = &mut cluster.nodes[node];
            state.machine_up = false;
            state.primary = false;
            std::mem::take(&mut state.processes)
        };
        for pid in processes {
            self.scheduler.kill(pid);
        }
    }

    /// Patroni starts, with its machine if necessary.
    pub fn start_patroni(self: &Rc<Self>, node: usize) {
        if self.patroni_up(node) {
            return;
        }
        self.note(|| format!("Patroni on {} starts", name(node)));
        {
            let mut cluster = self.cluster.borrow_mut();
            let state = &mut cluster.nodes[node];
            state.machine_up = true;
            state.patroni_up = true;
            state.life += 1;
            if state.partitioned {
                // it has no cache, and learns nothing
                state.cached_until = Duration::ZERO;
                state.learn(node, None, self.now());
            }
        }
        let holder = self.leader().unwrap_or(node);
        if holder == node && self.is_able(node) && self.cluster.borrow().dcs_up {
            self.set_leader(Some(node));
        }
        let role = self.cluster.borrow().role(node);
        self.cluster.borrow_mut().nodes[node].primary = role == Role::Primary;
        self.fire(node, Event::OnStart, role);
    }

    /// The DCS is unreachable for all nodes for a while.
    pub fn dcs_outage(self: &Rc<Self>, length: Duration) {
        if !self.cluster.borrow().dcs_up {
            return;
        }
        self.note(|| "the DCS is gone".to_owned());
        self.cluster.borrow_mut().dcs_up = false;
        if let Some(node) = self.leader() {
            let demote = self.between(5_000, 9_000);
            self.later(node, demote, move |u| {
                if !u.cluster.borrow().dcs_up {
                    u.demote_itself(node);
                }
            });
            self.later(node, TTL, move |u| {
                if !u.cluster.borrow().dcs_up && u.leader() == Some(node) {
                    u.set_leader(None);
                }
            });
        }
        let universe = Rc::clone(self);
        self.scheduler.after(length, move || universe.dcs_back());
    }

    /// A leader that can't reach the DCS gives up its lease, and then fires its callback.
    fn demote_itself(self: &Rc<Self>, node: usize) {
        {
            let mut cluster = self.cluster.borrow_mut();
            cluster.nodes[node].primary = false;
            cluster.nodes[node].learn(node, None, self.now());
        }
        self.fire(node, Event::OnRoleChange, Role::Demoted);
    }

    pub fn dcs_back(self: &Rc<Self>) {
        if std::mem::replace(&mut self.cluster.borrow_mut().dcs_up, true) {
            return;
        }
        self.note(|| "the DCS is back".to_owned());
        match self.leader() {
            Some(node) if self.is_able(node) => {
                if !self.cluster.borrow().nodes[node].primary {
                    self.set_leader(Some(node));
                    self.promote(node);
                }
            }
            // it is cut off, and its key expires
            Some(node) if self.patroni_up(node) => {}
            // its holder is down; nothing renewed its key
            Some(node) => {
                self.expire_later(node);
            }
            None => {
                let pause = self.between(100, 3_000);
                self.elect_later(pause);
            }
        }
    }

    /// A node is cut off from the DCS: it continues until it demotes itself and its key expires.
    pub fn partition(self: &Rc<Self>, node: usize, length: Duration) {
        if !self.is_able(node) {
            return;
        }
        self.note(|| format!("{} is cut off", name(node)));
        let cached_until = self.now() + self.between(0, 12_000);
        {
            let mut cluster = self.cluster.borrow_mut();
            cluster.nodes[node].partitioned = true;
            cluster.nodes[node].cached_until = cached_until;
        }
        if self.leader() == Some(node) {
            let demote = self.between(5_000, 9_000);
            self.later(node, demote, move |u| {
                if u.is_able(node) {
                    return;
                }
                u.demote_itself(node);
            });
            let universe = Rc::clone(self);
            self.scheduler.after(TTL, move || {
                if universe.leader() == Some(node) && !universe.is_able(node) {
                    universe.set_leader(None);
                    let pause = universe.between(100, 1_000);
                    universe.elect_later(pause);
                }
            });
        }
        let universe = Rc::clone(self);
        self.scheduler.after(length, move || universe.heal(node));
    }

    /// A node that was cut off reads the leader again.
    pub fn heal(self: &Rc<Self>, node: usize) {
        let leader = {
            let mut cluster = self.cluster.borrow_mut();
            if !std::mem::take(&mut cluster.nodes[node].partitioned) {
                return;
            }
            let (leader, now) = (cluster.leader, self.now());
            cluster.nodes[node].read(node, leader, now);
            leader
        };
        self.note(|| format!("{} is connected again", name(node)));
        let is_primary = self.cluster.borrow().nodes[node].primary;
        let dcs_up = self.cluster.borrow().dcs_up;
        match leader {
            Some(leader) if leader == node && !is_primary && dcs_up => self.promote(node),
            Some(leader) if leader == node => {}
            Some(_) => {
                self.cluster.borrow_mut().nodes[node].primary = false;
                self.fire(node, Event::OnRoleChange, Role::Replica);
            }
            None => self.elect_later(Duration::from_millis(500)),
        }
    }

    /// `patronictl reload` and `restart`.
    pub fn reload_or_restart(self: &Rc<Self>, node: usize, event: Event) {
        let role = self.cluster.borrow().role(node);
        self.fire(node, event, role);
    }

    /// Patroni rebuilds a replica, in the foreground.
    pub fn create_replica(self: &Rc<Self>, node: usize) {
        if self.leader() != Some(node) && self.patroni_up(node) {
            process::callback(self, node, Event::CreateReplica, Role::Replica);
        }
    }
}
