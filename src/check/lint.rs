//! The interface of a lint: a kind of mistake that shows only when rules are considered together.

use crate::load::Problem;
use crate::model::RuleSet;
use crate::space::Cluster;

use super::judge::Judge;
use super::setting::Setting;
use super::table::{Firing, Seen, Table};

/// A lint. It sees each kind of cluster once, in their order, and reports at the end.
pub(super) trait Lint<'r> {
    /// Looks at the rules that may fire in one kind of cluster.
    fn cluster(&mut self, _kind: &mut Kind<'_, 'r>) {}

    /// Returns the problems, once every kind of cluster has been seen.
    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem>;
}

/// One kind of cluster.
pub(super) struct Kind<'a, 'r> {
    pub(super) table: &'a Table<'r>,
    pub(super) name: &'a str,
    /// Its name, if it is the only cluster of this kind.
    pub(super) exact: Option<&'a str>,
    pub(super) cluster: &'a Cluster,
    /// The rules that may fire in it, in their order.
    pub(super) firings: &'a [Firing],
    /// The targets that the requests of these rules set.
    pub(super) settings: &'a [Setting],
    pub(super) judge: &'a mut Judge<'r>,
}

/// The rules in all kinds of cluster.
pub(super) struct All<'a, 'r> {
    pub(super) rules: &'r RuleSet,
    pub(super) table: &'a Table<'r>,
    /// For each rule, its cells.
    pub(super) seen: &'a [Seen],
    pub(super) judge: &'a Judge<'r>,
}

/// A lint that needs only the rules.
pub(super) struct OfRules(pub(super) fn(&RuleSet) -> Vec<Problem>);

impl<'r> Lint<'r> for OfRules {
    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        (self.0)(all.rules)
    }
}
