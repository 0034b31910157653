//! The world of one run: the cluster, Barman, the machines, and the truth about them.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use patroni_barman::simulator::api::Api;
use patroni_barman::simulator::barman::Barman;
use patroni_barman::simulator::service::Service;
use patroni_barman::simulator::{Config, Moment, SameSecond};

use super::cluster::Cluster;
use super::disk::Disk;
use super::mutation::Mutation;
use super::scheduler::Scheduler;
use super::truth::Truth;

/// The wall-clock time at the start of a run, in milliseconds.
const EPOCH: i64 = 1_795_405_531_000;

/// The probabilities of faults in one run. Runs differ in their faults, so that each also occurs without others
/// that would hide it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Profile {
    /// A process is killed while it waits.
    pub deadly: f64,
    /// A request is lost.
    pub lost: f64,
    /// A connection is refused.
    pub refused: f64,
    /// A request or its answer is delayed.
    pub delayed: f64,
    /// A request arrives twice.
    pub doubled: f64,
    /// The API sends an unexpected answer, or its answer is lost, or the operation fails.
    pub failing: f64,
    /// Patroni does not answer.
    pub silent: f64,
    /// Writing to the disk is slow.
    pub slow_disk: f64,
}

/// The largest number of agents.
const AGENTS: usize = 2;

/// The names of the APIs in the rules; their addresses are `http://NAME.test:7480`.
pub const APIS: [&str; 2] = ["paris", "london"];

/// A Barman host.
pub struct Site {
    pub service: RefCell<Service<Barman>>,
    pub up: Cell<bool>,
    /// True if it accepts connections but never answers.
    pub hangs: Cell<bool>,
}

/// One run's world.
pub struct Universe {
    pub scheduler: Rc<Scheduler>,
    pub profile: Profile,
    pub mutation: Mutation,
    pub cluster: RefCell<Cluster>,
    pub apis: Vec<Site>,
    /// Those of the nodes, followed by those of the agents.
    pub disks: Vec<Disk>,
    pub truth: RefCell<Truth>,
    /// True while there are new faults.
    pub trouble: Cell<bool>,
    /// The time since which no effect of a fault is left.
    pub calm: Cell<Option<Duration>>,
    /// The error of each node's clock, followed by the API's, in milliseconds.
    pub clocks: RefCell<Vec<i64>>,
    /// The index of the nodes' rules file.
    pub rules: usize,
    /// True if callbacks also write a note.
    pub notes: bool,
    /// True if the APIs refuse a second operation in one second.
    pub same_second_refused: bool,
    /// The nodes with a timer for `reconcile`: all, one, or none.
    pub reconciles: Range<usize>,
    trace: Option<RefCell<Vec<String>>>,
}

/// The recording of events in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracing {
    Off,
    On,
}

impl Universe {
    pub fn new(seed: u64, mutation: Mutation, tracing: Tracing) -> Rc<Self> {
        let scheduler = Rc::new(Scheduler::new(seed));
        let count = scheduler.draw(|random| 2 + random.below(3));
        let profile = scheduler.draw(|random| {
            let mut up_to = |most: f64| {
                if random.chance(0.5) {
                    random.fraction() * most
                } else {
                    0.0
                }
            };
            Profile {
                deadly: up_to(0.05),
                lost: up_to(0.3),
                refused: up_to(0.3),
                delayed: up_to(0.3),
                doubled: up_to(0.2),
                failing: up_to(0.3),
                silent: up_to(0.4),
                slow_disk: up_to(0.2),
            }
        });
        let same_second = scheduler.draw(|random| {
            random.pick(&[
                SameSecond::Refuse,
                SameSecond::Refuse,
                SameSecond::KeepFirst,
                SameSecond::KeepLast,
            ])
        });
        let operation_time = scheduler.draw(|random| random.between(0, 4_000));
        let mut config = Config::default()
            .server("demo")
            .backup("demo", "20260101T000000")
            .operation_time(operation_time);
        for node in 0..count {
            config = config.model(&format!("demo:{}", name(node)));
        }
        let site = |_| {
            let api = Api::new(Barman::new(&config).unwrap(), "", same_second);
            Site {
                service: RefCell::new(Service::new(api, "any:ok*1".parse().unwrap())),
                up: Cell::new(true),
                hangs: Cell::new(false),
            }
        };
        let apis = APIS.into_iter().map(site).collect();
        let zone = scheduler.draw(|random| random.pick(&[0, 3_600, -5 * 3_600]));
        // some machines do not set their clocks by the network
        let skew = |_| scheduler.draw(|random| random.pick(&[0, 0, 0, -320_000, 95_000]));
        let mut clocks: Vec<i64> = (0..count).map(skew).collect();
        clocks.push(zone * 1_000);
        let rules = scheduler.draw(|random| random.below(super::process::RULES.len()));
        let writes_notes = scheduler.draw(|random| random.chance(0.5));
        let only = scheduler.draw(|random| random.below(count));
        let reconciles = scheduler.draw(|random| random.below(4));
        let reconciles = [0..0, 0..0, only..only + 1, 0..count][reconciles].clone();
        Rc::new(Self {
            scheduler,
            profile,
            mutation,
            cluster: RefCell::new(Cluster::new(count)),
            apis,
            disks: (0..count + AGENTS).map(|_| Disk::new()).collect(),
            truth: RefCell::default(),
            trouble: Cell::new(true),
            calm: Cell::new(None),
            clocks: RefCell::new(clocks),
            rules,
            notes: writes_notes,
            same_second_refused: same_second == SameSecond::Refuse,
            reconciles,
            trace: (tracing == Tracing::On).then(RefCell::default),
        })
    }

    pub fn nodes(&self) -> usize {
        self.disks.len() - AGENTS
    }

    pub fn now(&self) -> Duration {
        self.scheduler.now()
    }

    /// Returns true if a fault with this probability occurs.
    pub fn unlucky(&self, probability: f64) -> bool {
        self.trouble.get()
            && probability > 0.0
            && self.scheduler.draw(|random| random.chance(probability))
    }

    pub fn between(&self, from: u64, to: u64) -> Duration {
        self.scheduler.draw(|random| random.between(from, to))
    }

    /// The time of a node's clock.
    pub fn wall(&self, node: usize) -> Duration {
        let now = i64::try_from(self.now().as_millis()).unwrap();
        let wall = EPOCH + now + self.clocks.borrow()[node];
        Duration::from_millis(u64::try_from(wall).unwrap())
    }

    /// The current moment on the API's host.
    pub fn moment(&self) -> Moment {
        Moment {
            elapsed: self.now(),
            wall: self.wall(self.nodes()),
        }
    }

    pub fn active_model(&self, api: usize) -> Option<String> {
        let moment = self.moment();
        self.apis[api]
            .service
            .borrow_mut()
            .api()
            .backend()
            .active_model(moment, "demo")
    }

    /// Records a line for people who examine a run.
    pub fn note(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let line = format!("{:>9.3} {}", self.now().as_secs_f64(), line());
            trace.borrow_mut().push(line);
        }
    }

    pub fn trace(&self) -> Vec<String> {
        self.trace
            .as_ref()
            .map(|trace| trace.borrow().clone())
            .unwrap_or_default()
    }
}

pub fn name(node: usize) -> String {
    format!("n{}", node + 1)
}
