//! The comparison for programs.

use serde::{Serialize, Serializer};

use super::{Change, ChangedCell, Class, Diff, Field, Lost, Setting, Told, Unseen};
use crate::evaluate::{Step, UnresolvedView};
use crate::matrix::Failing;
use crate::model::{ApiName, Event, Role};
use crate::space::{Cluster, Known};

/// The output of `patroni_barman diff --format json`: every cell in which two rule sets have a different result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffOutput<'a> {
    /// The facts known in every cell; those in capitals are placeholders for facts that only a callback knows.
    facts: &'a Known,
    /// An example of each kind of cluster that either version distinguishes.
    #[cfg_attr(test, schemars(length(min = 1)))]
    clusters: &'a [Cluster],
    /// The totals.
    summary: Summary,
    /// The actions that are no longer taken, for each cell.
    lost: Vec<LostView<'a>>,
    /// The cells that differ, in order.
    cells: &'a [ChangedCell],
    /// The rules that were edited, and that have the same result in every cell with the given facts.
    unseen: &'a [Unseen],
    /// Other differences between the files: the APIs, the variables and so on. If one affects a request in a cell, the cell
    /// shows it.
    settings: &'a [Setting],
}

/// Totals.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Summary {
    /// True if nothing differs: no cell, no rule and no setting.
    same: bool,
    /// The number of cells compared.
    cells: usize,
    /// The number of cells that differ.
    changed_cells: usize,
    /// The number of changes of each class.
    changes: Totals,
}

/// The number of changes of each class.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Totals {
    /// A rule now fails, and nothing at all is sent.
    breaks: usize,
    /// A rule failed before, and no longer does.
    mended: usize,
    /// A step is sent that was not sent before.
    added: usize,
    /// A step is no longer sent.
    removed: usize,
    /// A step goes to another address, or to another target.
    retargeted: usize,
    /// A request or its options have changed.
    changed: usize,
    /// Only the name of a rule has changed.
    renamed: usize,
    /// Only waits, attempts and limits have changed.
    timing_only: usize,
    /// The result depends on facts that are unknown here.
    undecided: usize,
}

/// An action that is no longer taken in a cell.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Lost"))]
struct LostView<'a> {
    /// The event.
    event: Event,
    /// The role.
    role: Role,
    /// Patroni's scope.
    cluster: &'a str,
    /// The endpoint that it used to go to: a key of `apis`, or `default` for `api`.
    api: &'a ApiName,
    /// The lost action. `followed`: Barman no longer follows the leader with this server. `restored`: no node is created
    /// from a backup of this server. `set`: this option is no longer set.
    #[cfg_attr(test, schemars(extend("enum" = ["followed", "restored", "set"])))]
    what: &'static str,
    /// The server's name, or the option in words.
    subject: &'a str,
    /// True if a rule whose result is unknown did it, or may still do it.
    maybe: bool,
}

/// One change in a cell.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Change"))]
pub(super) struct ChangeView<'a> {
    /// The kind of change.
    class: Class,
    /// The rule that it concerns; the new one if both exist.
    rule: &'a str,
    /// The old result; null if there was none.
    old: Option<Side<'a>>,
    /// The new result; null if there is none.
    new: Option<Side<'a>>,
    /// The parts of a step that have changed.
    fields: &'a [Field],
}

/// The result of a rule in one of the two versions.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Result"))]
enum Side<'a> {
    /// A step.
    Step(&'a Step),
    /// The result is unknown.
    Unresolved {
        /// The known part of the result.
        unresolved: UnresolvedView<'a>,
    },
    /// All steps of a rule.
    Steps {
        /// The steps, in order.
        #[cfg_attr(test, schemars(length(min = 1)))]
        steps: &'a [Step],
    },
    /// Nothing at all is sent.
    Fails {
        /// The rule that fails.
        fails: Failing<'a>,
    },
}

impl<'a> DiffOutput<'a> {
    /// The comparison for programs.
    pub fn of(diff: &'a Diff) -> Self {
        Self {
            facts: &diff.known,
            clusters: &diff.clusters,
            summary: Summary {
                same: diff.is_same(),
                cells: diff.compared,
                changed_cells: diff.cells.len(),
                changes: Totals::of(diff),
            },
            lost: diff.lost.iter().map(LostView::of).collect(),
            cells: &diff.cells,
            unseen: &diff.unseen,
            settings: &diff.settings,
        }
    }
}

impl Totals {
    fn of(diff: &Diff) -> Self {
        Self {
            breaks: diff.count(Class::Breaks),
            mended: diff.count(Class::Mended),
            added: diff.count(Class::Added),
            removed: diff.count(Class::Removed),
            retargeted: diff.count(Class::Retargeted),
            changed: diff.count(Class::Changed),
            renamed: diff.count(Class::Renamed),
            timing_only: diff.count(Class::TimingOnly),
            undecided: diff.count(Class::Undecided),
        }
    }
}

impl<'a> LostView<'a> {
    fn of(lost: &'a Lost) -> Self {
        Self {
            event: lost.event,
            role: lost.role,
            cluster: &lost.cluster,
            api: &lost.api,
            what: lost.loss.as_str(),
            subject: lost.loss.subject(),
            maybe: lost.maybe,
        }
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ChangeView::of(self).serialize(serializer)
    }
}

impl<'a> ChangeView<'a> {
    fn of(change: &'a Change) -> Self {
        let (old, new) = match change {
            Change::Added(step) => (None, Some(Side::Step(step))),
            Change::Removed(step) => (Some(Side::Step(step)), None),
            Change::Changed { old, new, .. } => (Some(Side::Step(old)), Some(Side::Step(new))),
            Change::Undecided { old, new, .. } => (Side::told(old), Side::told(new)),
            Change::Fails { old, new } => (Side::fails(old.as_ref()), Side::fails(new.as_ref())),
        };
        Self {
            class: change.class(),
            rule: change.rule(),
            old,
            new,
            fields: match change {
                Change::Changed { fields, .. } => fields,
                _ => &[],
            },
        }
    }
}

impl<'a> Side<'a> {
    fn told(told: &'a Told) -> Option<Self> {
        match &told.unresolved {
            Some(unresolved) => Some(Self::Unresolved {
                unresolved: unresolved.view(),
            }),
            None if told.steps.is_empty() => None,
            None => Some(Self::Steps { steps: &told.steps }),
        }
    }

    fn fails(failure: Option<&'a (String, String)>) -> Option<Self> {
        let (rule, message) = failure?;
        Some(Self::Fails {
            fails: Failing { rule, message },
        })
    }
}
