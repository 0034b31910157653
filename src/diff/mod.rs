//! The effect of a change to the rules, over every cell of the space that both versions distinguish.

mod change;
mod json;
mod lost;
mod pairs;
mod settings;
mod unseen;

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::evaluate::{Preview, Step, Unresolved};
use crate::matrix::Parts;
use crate::model::{Event, Role, Rule, RuleSet};
use crate::space::{Cluster, Known, clusters, events};

pub use change::{Change, Class, Field, Told};
pub use json::DiffOutput;
pub use lost::{Loss, Lost};
pub use settings::Setting;
pub use unseen::{Edit, Unseen};

/// Two rule sets, cell by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// The facts known in every cell.
    pub known: Known,
    /// The kinds of cluster that either version distinguishes.
    pub clusters: Vec<Cluster>,
    /// The number of cells compared.
    pub compared: usize,
    /// True if one of the two has more than one API.
    pub several_apis: bool,
    /// The cells that differ, in order.
    pub cells: Vec<ChangedCell>,
    /// Actions that are no longer taken for a cluster.
    pub lost: Vec<Lost>,
    /// Rules that differ without an effect on any cell: their result may depend on facts that
    /// are unknown here.
    pub unseen: Vec<Unseen>,
    /// Other differences between the files: the APIs, the variables and so on.
    pub settings: Vec<Setting>,
}

/// A cell in which the rules have a different result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangedCell {
    /// The event.
    pub event: Event,
    /// The role.
    pub role: Role,
    /// Patroni's scope.
    pub cluster: String,
    /// The changes, in the order of the new steps; removed ones come last.
    #[cfg_attr(
        test,
        schemars(with = "Vec<json::ChangeView<'static>>", length(min = 1))
    )]
    pub changes: Vec<Change>,
}

/// Compares two rule sets. `wanted` are clusters to include in addition to those that they distinguish.
#[must_use]
pub fn diff(old: &RuleSet, new: &RuleSet, known: Known, wanted: &[String]) -> Diff {
    let clusters = clusters(&[old, new], wanted);
    let (before, after) = (Parts::of(old), Parts::of(new));
    let settings = settings::settings(old, new);
    // A rule may depend on any other difference.
    let same_around = settings.is_empty();
    let renamed = unseen::renamed(old, new);
    let (mut fired, mut cells, mut lost) = (HashSet::new(), Vec::new(), Vec::new());
    for cluster in &clusters {
        let (was, is) = (before.of_cluster(cluster), after.of_cluster(cluster));
        if same_around && was == is {
            continue;
        }
        for (event, role) in events() {
            // In most cells nothing happens, before or after.
            let names = |rules: &[&Rule]| rules.iter().any(|rule| rule.names(event, role));
            if !names(&was) && !names(&is) {
                continue;
            }
            let was = before.preview(&was, &known, event, role, cluster);
            let is = after.preview(&is, &known, event, role, cluster);
            unseen::note_fired(&was, &mut fired);
            unseen::note_fired(&is, &mut fired);
            let changes = changes(&was, &is, &renamed);
            if !changes.is_empty() {
                lost.extend(lost::losses(event, role, &cluster.name, &was, &is));
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
        several_apis: old.apis.len() > 1 || new.apis.len() > 1,
        unseen: unseen::rules(old, new, &fired, &cells, &renamed),
        settings,
        cells,
        lost,
        known,
        clusters,
    }
}

impl Diff {
    /// Returns true if no cell differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Returns true if nothing differs, in cells or elsewhere.
    pub fn is_same(&self) -> bool {
        self.is_empty() && self.unseen.is_empty() && self.settings.is_empty()
    }

    /// The number of changes of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> usize {
        let changes = self.cells.iter().flat_map(|cell| &cell.changes);
        changes.filter(|change| change.class() == class).count()
    }
}

/// The changes in a cell. `renamed` has the old names of rules by their new ones.
fn changes(old: &Preview, new: &Preview, renamed: &HashMap<&str, &str>) -> Vec<Change> {
    let mut changes = Vec::new();
    let [before, after] = [old, new].map(failure);
    if before != after {
        changes.push(Change::Fails {
            old: before,
            new: after,
        });
    }
    // An unknown result on one side is compared with everything its rule does on the other.
    let open_after: HashMap<&str, &Unresolved> = by_rule(new);
    let mut open_before: HashMap<&str, &Unresolved> = HashMap::new();
    let new_names: HashMap<&str, &str> = renamed.iter().map(|(new, old)| (*old, *new)).collect();
    let name_now = |name: &'_ str| new_names.get(name).copied();
    for one in &old.unresolved {
        open_before.insert(name_now(&one.rule).unwrap_or(&one.rule), one);
    }
    let is_open = |step: &Step| {
        let name = step.rule.as_str();
        let now = name_now(name).unwrap_or(name);
        open_before.contains_key(now) || open_after.contains_key(now)
    };
    let (old_open, old_steps): (Vec<&Step>, Vec<&Step>) =
        old.plan.steps.iter().partition(|step| is_open(step));
    let (new_open, new_steps): (Vec<&Step>, Vec<&Step>) =
        new.plan.steps.iter().partition(|step| is_open(step));
    changes.extend(pairs::steps(&old_steps, &new_steps));
    let names = new.unresolved.iter().map(|one| one.rule.as_str());
    let gone = old
        .unresolved
        .iter()
        .map(|one| name_now(&one.rule).unwrap_or(&one.rule));
    let gone = gone.filter(|name| !open_after.contains_key(name));
    for name in names.chain(gone) {
        let old_name = renamed.get(name).copied().unwrap_or(name);
        let before = Told::of(open_before.get(name).copied(), &old_open, old_name);
        let after = Told::of(open_after.get(name).copied(), &new_open, name);
        if !before.is_same(&after) {
            changes.push(Change::Undecided {
                rule: name.to_owned(),
                old: Box::new(before),
                new: Box::new(after),
            });
        }
    }
    changes
}

/// The reason why nothing at all is sent.
fn failure(preview: &Preview) -> Option<(String, String)> {
    let first = preview.failures.first()?;
    Some((first.rule.clone(), first.source.message.clone()))
}

fn by_rule(preview: &Preview) -> HashMap<&str, &Unresolved> {
    let all = preview.unresolved.iter();
    all.map(|one| (one.rule.as_str(), one)).collect()
}
