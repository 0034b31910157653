//! The state of every cluster, for the pages and the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::evaluate::Conflict;
use crate::execute::{Comparison, Here, StepOutcome};
use crate::store::{Intent, Receipt};

/// The condition of a cluster, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Condition {
    /// Barman differs from the rules, and the correction failed.
    Wrong,
    /// Another program keeps reverting a correction, or members want different things.
    Disputed,
    /// None of its Patronis answers.
    Unreachable,
    /// No member holds the leader key.
    NoLeader,
    /// Barman could not be reached.
    Unknown,
    /// A correction is under way.
    #[serde(rename = "correcting")]
    Acting,
    /// Not yet looked at.
    New,
    /// No rule applies to it.
    NoRule,
    /// Everything is as the rules want it.
    #[serde(rename = "ok")]
    Fine,
}

impl Condition {
    /// All conditions.
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

    /// The condition's name.
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

/// The last request sent for a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Correction {
    /// The time it ended.
    #[serde(rename = "ended", serialize_with = "crate::model::time::serialize")]
    #[cfg_attr(test, schemars(with = "crate::model::Utc"))]
    pub at: Duration,
    /// The rule that asked for it.
    pub rule: String,
    /// Its outcome.
    pub outcome: StepOutcome,
    /// The reason, if it is not done.
    pub message: Option<String>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its condition.
    pub condition: Condition,
    /// The problem, in a sentence.
    pub trouble: Option<String>,
    /// The cluster as Patroni or its DCS shows it.
    pub here: Here,
    /// Updates come from a watch of the DCS, not from polling.
    pub by_watch: bool,
    /// The wanted values, compared with Barman's.
    pub compared: Vec<Comparison>,
    /// The targets that members want to set differently.
    pub conflicts: Vec<Conflict>,
    /// The verdicts on the last changes of timeline, the oldest first.
    pub receipts: Vec<Receipt>,
    /// The last requests, the newest first.
    pub history: Vec<Intent>,
    /// The last request that this agent sent.
    pub correction: Option<Correction>,
    /// The number of requests sent since this agent started.
    pub corrections: u64,
    /// The wall-clock time when it was last seen.
    pub seen: Option<Duration>,
    /// The wall-clock time of the last comparison.
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

/// The rules that the agent uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RulesState {
    /// The file or directory.
    pub path: String,
    /// The reason why the last good version is used, if it is.
    pub broken: Option<String>,
}

/// The state of all clusters.
#[derive(Debug, Default)]
pub struct Board {
    rows: Mutex<BTreeMap<String, Arc<Row>>>,
    rules: Mutex<RulesState>,
    /// The state of the DCS connection, if one is used.
    dcs: Mutex<Option<Result<(), String>>>,
    /// The wall-clock time of the loop's last run.
    alive: Mutex<Duration>,
}

impl Board {
    /// The clusters, the worst condition first.
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

    /// Changes the state of a cluster.
    pub fn change(&self, cluster: &str, change: impl FnOnce(&mut Row)) {
        let mut rows = lock(&self.rows);
        let row = rows
            .entry(cluster.to_owned())
            .or_insert_with(|| Arc::new(Row::new(cluster)));
        change(Arc::make_mut(row));
    }

    /// Drops the clusters that are no longer followed.
    pub fn keep(&self, is_followed: impl Fn(&str) -> bool) {
        lock(&self.rows).retain(|name, _| is_followed(name));
    }

    /// The rules.
    pub fn rules(&self) -> RulesState {
        lock(&self.rules).clone()
    }

    /// Records the rules in use.
    pub fn set_rules(&self, rules: RulesState) {
        *lock(&self.rules) = rules;
    }

    /// The state of the DCS, if one is used.
    pub fn dcs(&self) -> Option<Result<(), String>> {
        lock(&self.dcs).clone()
    }

    /// Records the state of the DCS.
    pub fn set_dcs(&self, state: Option<Result<(), String>>) {
        *lock(&self.dcs) = state;
    }

    /// The time of the loop's last run.
    pub fn alive(&self) -> Duration {
        *lock(&self.alive)
    }

    /// Records that the loop is running.
    pub fn tick(&self, now: Duration) {
        *lock(&self.alive) = now;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
