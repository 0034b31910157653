//! Sets of cells: the events with the roles that Patroni passes with them, one bit each.

use crate::model::{Event, Role, Rule};
use crate::space::events;

/// A set of cells in one kind of cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Cells(u32);

impl Cells {
    pub(super) const NONE: Self = Self(0);

    /// The cells that a rule's events and roles name.
    pub(super) fn of(rule: &Rule) -> Self {
        Self::those(|event, role| rule.names(event, role))
    }

    /// The cells of these events and roles.
    pub(super) fn those(wanted: impl Fn(Event, Role) -> bool) -> Self {
        let bits = events()
            .enumerate()
            .filter(|(_, (event, role))| wanted(*event, *role))
            .map(|(index, _)| 1 << index);
        Self(bits.sum())
    }

    pub(super) const fn one(index: usize) -> Self {
        Self(1 << index)
    }

    /// The numbers of its cells.
    pub(super) fn indices(self) -> impl Iterator<Item = usize> {
        (0..32).filter(move |index| self.0 & (1 << index) != 0)
    }

    /// The number of its first cell.
    pub(super) fn first(self) -> Option<usize> {
        self.indices().next()
    }

    /// Nothing but its first cell.
    pub(super) fn only_first(self) -> Self {
        self.first().map_or(Self::NONE, Self::one)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// The cell with this number as messages name it, with the cluster if that matters.
pub(super) fn place(index: usize, cluster: Option<&str>) -> String {
    let cell = name(index);
    match cluster {
        Some(cluster) => format!("{cell} in the cluster `{cluster}`"),
        None => cell,
    }
}

/// The cell with this number as messages name it.
pub(super) fn name(index: usize) -> String {
    let cell = events().nth(index);
    cell.map_or_else(String::new, |(event, role)| match event {
        Event::Bootstrap | Event::CreateReplica => format!("`{event}`"),
        _ => format!("`{event} {role}`"),
    })
}
