//! One change in a cell.

use serde::Serialize;
use serde_json::Value;

use crate::evaluate::{Step, Unresolved};

/// One change in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A rule fails before or after, so that nothing at all is sent: the rule and the reason.
    Fails {
        /// The failure before; `None` if nothing failed.
        old: Option<(String, String)>,
        /// The failure after.
        new: Option<(String, String)>,
    },
    /// A new step.
    Added(Box<Step>),
    /// A step that no longer exists.
    Removed(Box<Step>),
    /// A step that has changed.
    Changed {
        /// The old step.
        old: Box<Step>,
        /// The new step.
        new: Box<Step>,
        /// The changed parts, at least one.
        fields: Vec<Field>,
    },
    /// A rule whose result is unknown, before or after.
    Undecided {
        /// The rule, by its new name.
        rule: String,
        /// The known part before.
        old: Box<Told>,
        /// The known part now.
        new: Box<Told>,
    },
}

/// The known result of one rule in a cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// The unknown part, if any.
    pub unresolved: Option<Unresolved>,
    /// Otherwise, the steps it sends.
    pub steps: Vec<Step>,
}

/// A part of a step that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Field {
    /// Its name, for example `body.model_name` or `retry.wait`.
    pub field: String,
    /// The old value; null if there was none.
    pub old: Value,
    /// The new value; null if there is none.
    pub new: Value,
}

/// The kind of a change, for a first overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Class {
    /// A rule now fails, and nothing at all is sent.
    Breaks,
    /// A rule failed before, and no longer does.
    Mended,
    /// A step is sent that was not sent before.
    Added,
    /// A step is no longer sent.
    Removed,
    /// The step goes to another address, or to another target.
    Retargeted,
    /// The request or its options have changed.
    Changed,
    /// Only the name of the rule has changed.
    Renamed,
    /// Only waits, attempts and limits have changed.
    TimingOnly,
    /// The result depends on facts that are unknown here.
    Undecided,
}

impl Class {
    /// Every class, in the order of totals.
    pub const ALL: [Self; 9] = [
        Self::Breaks,
        Self::Mended,
        Self::Added,
        Self::Removed,
        Self::Retargeted,
        Self::Changed,
        Self::Renamed,
        Self::TimingOnly,
        Self::Undecided,
    ];

    /// The class in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breaks => "breaks",
            Self::Mended => "mended",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Retargeted => "retargeted",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
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
            Self::Fails { old: None, .. } => Class::Breaks,
            Self::Fails { new: None, .. } => Class::Mended,
            Self::Fails { .. } => Class::Changed,
            Self::Added(_) => Class::Added,
            Self::Removed(_) => Class::Removed,
            Self::Undecided { .. } => Class::Undecided,
            Self::Changed { old, new, fields } => {
                let timing = |field: &Field| {
                    field.field.starts_with("retry.") || field.field.starts_with("poll.")
                };
                if retargeted(old, new) {
                    Class::Retargeted
                } else if fields.iter().all(timing) {
                    Class::TimingOnly
                } else if fields.iter().all(|field| field.field == "rule") {
                    Class::Renamed
                } else {
                    Class::Changed
                }
            }
        }
    }

    /// The rules that it concerns: one, unless another rule now sends the same request.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &str> {
        let before = match self {
            Self::Changed { old, .. } => Some(old.rule.as_str()),
            Self::Fails { old, .. } => old.as_ref().map(|(rule, _)| rule.as_str()),
            _ => None,
        };
        before.into_iter().chain([self.rule()])
    }

    /// The rule that it concerns; the new one if both exist.
    #[must_use]
    pub fn rule(&self) -> &str {
        match self {
            Self::Added(step) | Self::Removed(step) | Self::Changed { new: step, .. } => &step.rule,
            Self::Undecided { rule, .. } => rule,
            Self::Fails { old, new } => {
                let known = new.as_ref().or(old.as_ref());
                known.map_or("", |(rule, _)| rule.as_str())
            }
        }
    }
}

impl Told {
    pub(super) fn of(unresolved: Option<&Unresolved>, steps: &[&Step], rule: &str) -> Self {
        let own = steps.iter().filter(|step| step.rule == rule);
        Self {
            unresolved: unresolved.cloned(),
            steps: own.map(|step| (*step).clone()).collect(),
        }
    }

    /// Returns true if both have the same content, whatever the rules are called.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same_steps = |one: &[Step], other: &[Step]| {
            let pairs = one.iter().zip(other);
            let same = |(one, other): (&Step, &Step)| {
                let renamed = Step {
                    rule: other.rule.clone(),
                    ..one.clone()
                };
                renamed == *other
            };
            one.len() == other.len() && pairs.into_iter().all(same)
        };
        let unresolved = match (&self.unresolved, &other.unresolved) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                one.why == other.why
                    && one.when == other.when
                    && one.fails == other.fails
                    && same_steps(&one.steps, &other.steps)
            }
            _ => false,
        };
        unresolved && same_steps(&self.steps, &other.steps)
    }
}

/// Returns true if the address differs, or the two steps have no target in common.
fn retargeted(old: &Step, new: &Step) -> bool {
    let kept = new.operation.targets(&new.api);
    let of_old = old.operation.targets(&old.api);
    old.url != new.url || !of_old.iter().any(|target| kept.contains(target))
}
