//! What a change to the rules changes, over every cell of the space that both tell apart.

mod json;
mod pairs;
mod settings;
mod unseen;

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::evaluate::{Step, Survey, survey};
use crate::matrix::Parts;
use crate::model::{Event, Role, RuleSet};
use crate::space::{Cluster, Known, clusters, events};

pub use settings::Setting;
pub use unseen::{Edit, Unseen};

/// Two rule sets, cell by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// What is known in every cell.
    pub known: Known,
    /// The kinds of cluster that one or the other tells apart.
    pub clusters: Vec<Cluster>,
    /// How many cells were compared.
    pub compared: usize,
    /// The cells that are not the same, in order.
    pub cells: Vec<ChangedCell>,
    /// Rules that are not the same, and that no cell shows: what they do may depend on facts that
    /// are not known here.
    pub unseen: Vec<Unseen>,
    /// What else is not the same in the files: the APIs, the variables and so on.
    pub settings: Vec<Setting>,
}

/// A cell in which the rules no longer do the same.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedCell {
    /// The event.
    pub event: Event,
    /// The role.
    pub role: Role,
    /// The cluster's name.
    pub cluster: String,
    /// What changed, in the order of the new steps; what is gone comes last.
    pub changes: Vec<Change>,
}

/// One change in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A step that there was not.
    Added(Box<Step>),
    /// A step that there is no more.
    Removed(Box<Step>),
    /// A step that is another now.
    Changed {
        /// As it was.
        old: Box<Step>,
        /// As it is.
        new: Box<Step>,
        /// What of it changed, at least one thing.
        fields: Vec<Field>,
    },
    /// A rule that can't be told about, before or after.
    Undecided {
        /// The rule.
        rule: String,
        /// What could not be told before; none if all could.
        old: Option<String>,
        /// What can't be told now.
        new: Option<String>,
    },
}

/// A part of a step that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Its name, for example `body.model_name` or `retry.wait`.
    pub field: String,
    /// As it was; null if it was not there.
    pub old: Value,
    /// As it is; null if it is not there.
    pub new: Value,
}

/// The kind of a change, for a reviewer's first look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Something is sent that was not.
    Added,
    /// Something is no longer sent.
    Removed,
    /// It goes to another address, or is about something else altogether.
    Retargeted,
    /// It asks for something else, or is carried out differently.
    Changed,
    /// Only waits, attempts and limits are others.
    TimingOnly,
    /// It can't be told without facts that are not known here.
    Undecided,
}

impl Class {
    /// Every class, in the order of totals.
    pub const ALL: [Self; 6] = [
        Self::Added,
        Self::Removed,
        Self::Retargeted,
        Self::Changed,
        Self::TimingOnly,
        Self::Undecided,
    ];

    /// The class in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Retargeted => "retargeted",
            Self::Changed => "changed",
            Self::TimingOnly => "timing only",
            Self::Undecided => "undecided",
        }
    }
}

impl Change {
    /// Its kind.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Added(_) => Class::Added,
            Self::Removed(_) => Class::Removed,
            Self::Undecided { .. } => Class::Undecided,
            Self::Changed { old, new, fields } => {
                let timing = |field: &Field| {
                    field.field.starts_with("retry.") || field.field.starts_with("poll.")
                };
                if pairs::retargeted(old, new) {
                    Class::Retargeted
                } else if fields.iter().all(timing) {
                    Class::TimingOnly
                } else {
                    Class::Changed
                }
            }
        }
    }

    /// The rules that it is of: one, unless another rule asks for the same now.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &str> {
        let before = match self {
            Self::Changed { old, .. } => Some(old.rule.as_str()),
            _ => None,
        };
        before.into_iter().chain([self.rule()])
    }

    /// The rule it is of; the new one's if both have one.
    #[must_use]
    pub fn rule(&self) -> &str {
        match self {
            Self::Added(step) | Self::Removed(step) | Self::Changed { new: step, .. } => &step.rule,
            Self::Undecided { rule, .. } => rule,
        }
    }
}

/// Compares two rule sets. `wanted` are clusters to look at besides those that they tell apart.
#[must_use]
pub fn diff(old: &RuleSet, new: &RuleSet, known: Known, wanted: &[String]) -> Diff {
    let clusters = clusters(&[old, new], wanted);
    let (before, after) = (Parts::of(old), Parts::of(new));
    let (mut fired, mut cells) = (HashSet::new(), Vec::new());
    for cluster in &clusters {
        let rules @ [was, is] = &[&before, &after].map(|parts| parts.of_cluster(cluster));
        if was == is {
            continue;
        }
        for (event, role) in events() {
            // In most cells nothing happens, before or after.
            let mut named = rules.iter().flat_map(|set| &set.rules);
            if !named.any(|rule| rule.names(event, role)) {
                continue;
            }
            let facts = known.facts(event, role, &cluster.name);
            let (was, is) = (survey(was, &facts), survey(is, &facts));
            unseen::note_fired(&was, &mut fired);
            unseen::note_fired(&is, &mut fired);
            let changes = changes(&was, &is);
            if !changes.is_empty() {
                cells.push(ChangedCell {
                    event,
                    role,
                    cluster: cluster.name.clone(),
                    changes,
                });
            }
        }
    }
    Diff {
        compared: clusters.len() * events().count(),
        unseen: unseen::rules(old, new, &fired, &cells),
        settings: settings::settings(old, new),
        cells,
        known,
        clusters,
    }
}

impl Diff {
    /// Whether the rules do the same in every cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How many changes there are of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> usize {
        let changes = self.cells.iter().flat_map(|cell| &cell.changes);
        changes.filter(|change| change.class() == class).count()
    }
}

fn changes(old: &Survey, new: &Survey) -> Vec<Change> {
    let mut changes = pairs::steps(&old.plan.steps, &new.plan.steps);
    let (before, after) = (unresolved(old), unresolved(new));
    let gone = old.unresolved.iter();
    let gone = gone.filter(|error| !after.contains_key(error.rule.as_str()));
    for error in new.unresolved.iter().chain(gone) {
        let [before, after] = [&before, &after]
            .map(|all| all.get(error.rule.as_str()).map(|told| (*told).to_owned()));
        if before != after {
            changes.push(Change::Undecided {
                rule: error.rule.clone(),
                old: before,
                new: after,
            });
        }
    }
    changes
}

/// By rule, why it can't be told about.
fn unresolved(survey: &Survey) -> HashMap<&str, &str> {
    let errors = survey.unresolved.iter();
    errors
        .map(|error| (error.rule.as_str(), error.source.message.as_str()))
        .collect()
}
