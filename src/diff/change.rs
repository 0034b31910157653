//! One change in a cell.

use serde::Serialize;
use serde_json::Value;

use crate::evaluate::{Step, Unresolved};

/// One change in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A rule fails, so that nothing at all is sent, before or after: the rule and the reason.
    Fails {
        /// As it was; none if nothing failed.
        old: Option<(String, String)>,
        /// As it is.
        new: Option<(String, String)>,
    },
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
        /// The rule, by its new name.
        rule: String,
        /// What could be told before.
        old: Box<Told>,
        /// What can be told now.
        new: Box<Told>,
    },
}

/// What can be told of one rule in a cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// What can't, if anything.
    pub unresolved: Option<Unresolved>,
    /// Otherwise, what it sends.
    pub steps: Vec<Step>,
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
    /// A rule fails now, and nothing at all is sent.
    Breaks,
    /// A rule failed, and no longer does.
    Mended,
    /// Something is sent that was not.
    Added,
    /// Something is no longer sent.
    Removed,
    /// It goes to another address, or is about something else altogether.
    Retargeted,
    /// It asks for something else, or is carried out differently.
    Changed,
    /// The rule has another name, and nothing else is another.
    Renamed,
    /// Only waits, attempts and limits are others.
    TimingOnly,
    /// It can't be told without facts that are not known here.
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

    /// The rules that it is of: one, unless another rule asks for the same now.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &str> {
        let before = match self {
            Self::Changed { old, .. } => Some(old.rule.as_str()),
            Self::Fails { old, .. } => old.as_ref().map(|(rule, _)| rule.as_str()),
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

    /// Tells whether the two say the same, whatever the rule is called.
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

    /// Every step that it may send.
    pub fn possible(&self) -> &[Step] {
        self.unresolved
            .as_ref()
            .map_or(&self.steps, |one| &one.steps)
    }
}

/// Tells whether nothing of what the old step was about is left.
fn retargeted(old: &Step, new: &Step) -> bool {
    let kept = new.operation.targets(&new.api);
    let of_old = old.operation.targets(&old.api);
    old.url != new.url || !of_old.iter().any(|target| kept.contains(target))
}
