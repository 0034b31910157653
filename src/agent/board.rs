//! What is known of each cluster, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::evaluate::Conflict;
use crate::execute::{Comparison, Here, StepOutcome};
use crate::store::{Intent, Receipt};

/// How a cluster fares: the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Barman is not as the rules want it, and that could not be mended.
    Wrong,
    /// Something else keeps setting what is corrected, or members want different things.
    Disputed,
    /// No Patroni of it answers.
    Unreachable,
    /// No member holds the leader key.
    NoLeader,
    /// Barman could not be asked.
    Unknown,
    /// A correction is under way.
    Acting,
    /// It was not looked at yet.
    New,
    /// No rule wants anything of it.
    NoRule,
    /// Everything is as wanted.
    Fine,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Wrong,
        Self::Disputed,
        Self::Unreachable,
        Self::NoLeader,
        Self::Unknown,
        Self::Acting,
        Self::New,
        Self::NoRule,
        Self::Fine,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Disputed => "disputed",
            Self::Unreachable => "unreachable",
            Self::NoLeader => "no_leader",
            Self::Unknown => "unknown",
            Self::Acting => "correcting",
            Self::New => "new",
            Self::NoRule => "no_rule",
            Self::Fine => "ok",
        }
    }
}

/// The last request that was sent for a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// When it ended, by the wall clock.
    pub at: Duration,
    /// The rule that wanted it.
    pub rule: String,
    /// What became of it.
    pub outcome: StepOutcome,
    /// Why, if it is not done.
    pub message: Option<String>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// How it fares.
    pub condition: Condition,
    /// What is wrong, in a sentence.
    pub trouble: Option<String>,
    /// The cluster as Patroni or its DCS shows it.
    pub here: Here,
    /// It is followed by a watch of the DCS, not by polling.
    pub by_watch: bool,
    /// What the rules want, beside what Barman has.
    pub compared: Vec<Comparison>,
    /// What members want differently.
    pub conflicts: Vec<Conflict>,
    /// The verdicts on the last changes of timeline, the oldest first.
    pub receipts: Vec<Receipt>,
    /// The last requests, the newest first.
    pub history: Vec<Intent>,
    /// The last one that this agent sent.
    pub correction: Option<Correction>,
    /// How many it has sent since it was started.
    pub corrections: u64,
    /// When it was seen last, by the wall clock.
    pub seen: Option<Duration>,
    /// When it was compared last, by the wall clock.
    pub compared_at: Option<Duration>,
}

impl Row {
    fn new(cluster: &str) -> Self {
        Self {
            condition: Condition::New,
            trouble: None,
            here: Here {
                cluster: cluster.to_owned(),
                node: None,
                role: None,
                leader: None,
                timeline: None,
                members: Vec::new(),
                patroni: None,
            },
            by_watch: false,
            compared: Vec::new(),
            conflicts: Vec::new(),
            receipts: Vec::new(),
            history: Vec::new(),
            correction: None,
            corrections: 0,
            seen: None,
            compared_at: None,
        }
    }
}

/// The rules of the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesState {
    /// The file or directory.
    pub path: String,
    /// Why the last version that was good is used, if it is.
    pub broken: Option<String>,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub struct Board {
    rows: Mutex<BTreeMap<String, Arc<Row>>>,
    rules: Mutex<RulesState>,
    /// What is wrong with the DCS, if one is used.
    dcs: Mutex<Option<Result<(), String>>>,
    /// When the loop ran last, by the wall clock.
    alive: Mutex<Duration>,
}

impl Board {
    /// The clusters, those with the worst trouble first.
    pub fn rows(&self) -> Vec<Arc<Row>> {
        let mut rows: Vec<_> = lock(&self.rows).values().cloned().collect();
        rows.sort_by(|one, other| {
            let key = |row: &Row| (row.condition, row.here.cluster.clone());
            key(one).cmp(&key(other))
        });
        rows
    }

    /// A cluster.
    pub fn row(&self, cluster: &str) -> Option<Arc<Row>> {
        lock(&self.rows).get(cluster).cloned()
    }

    /// Changes what is known of a cluster.
    pub fn change(&self, cluster: &str, change: impl FnOnce(&mut Row)) {
        let mut rows = lock(&self.rows);
        let row = rows
            .entry(cluster.to_owned())
            .or_insert_with(|| Arc::new(Row::new(cluster)));
        change(Arc::make_mut(row));
    }

    /// Forgets the clusters that are not these.
    pub fn keep(&self, is_followed: impl Fn(&str) -> bool) {
        lock(&self.rows).retain(|name, _| is_followed(name));
    }

    /// The rules.
    pub fn rules(&self) -> RulesState {
        lock(&self.rules).clone()
    }

    /// Says which rules are used.
    pub fn set_rules(&self, rules: RulesState) {
        *lock(&self.rules) = rules;
    }

    /// The state of the DCS, if one is used.
    pub fn dcs(&self) -> Option<Result<(), String>> {
        lock(&self.dcs).clone()
    }

    /// Says how the DCS is.
    pub fn set_dcs(&self, state: Option<Result<(), String>>) {
        *lock(&self.dcs) = state;
    }

    /// When the loop ran last.
    pub fn alive(&self) -> Duration {
        *lock(&self.alive)
    }

    /// Says that the loop runs.
    pub fn tick(&self, now: Duration) {
        *lock(&self.alive) = now;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
