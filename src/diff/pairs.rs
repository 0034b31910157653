//! The pairing of old and new steps.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::iter;

use serde_json::{Value, json};

use crate::evaluate::Step;
use crate::model::{RequestKind, Target};

use super::{Change, Field};

/// The changes from the old steps to the new ones; empty exactly if they are equal.
pub(super) fn steps(old: &[&Step], new: &[&Step]) -> Vec<Change> {
    if old == new {
        return Vec::new();
    }
    let partners = partners(old, new);
    let moved = moved(&partners);
    let mut became = vec![None; new.len()];
    for (before, partner) in partners.iter().enumerate() {
        if let Some(slot) = partner.and_then(|index| became.get_mut(index)) {
            *slot = Some(before);
        }
    }
    let mut changes = Vec::new();
    for (index, (step, before)) in new.iter().zip(became).enumerate() {
        let Some((before, was)) = before.and_then(|before| Some((before, old.get(before)?))) else {
            changes.push(Change::Added(Box::new((*step).clone())));
            continue;
        };
        let mut fields = fields(was, step);
        if moved.contains(&before) {
            fields.push(Field {
                field: "position".to_owned(),
                old: (before + 1).into(),
                new: (index + 1).into(),
            });
        }
        if !fields.is_empty() {
            changes.push(Change::Changed {
                old: Box::new((*was).clone()),
                new: Box::new((*step).clone()),
                fields,
            });
        }
    }
    let gone = old.iter().zip(&partners);
    let gone = gone.filter(|(_, partner)| partner.is_none());
    changes.extend(gone.map(|(step, _)| Change::Removed(Box::new((*step).clone()))));
    changes
}

/// For every old step, its new counterpart: first equal steps, then the most similar, and the nearest among those.
/// Similar steps are found in a map, not by search, because a cell may have thousands.
fn partners(old: &[&Step], new: &[&Step]) -> Vec<Option<usize>> {
    let of_old: Vec<_> = old.iter().map(|step| Likeness::of(step)).collect();
    let of_new: Vec<_> = new.iter().map(|step| Likeness::of(step)).collect();
    let mut partners = vec![None; old.len()];
    let mut taken = vec![false; new.len()];
    for parts in Likeness::FROM_MOST {
        let mut free: HashMap<_, BTreeSet<usize>> = HashMap::new();
        let all = of_new.iter().zip(&taken).enumerate();
        for (index, (step, _)) in all.filter(|(_, (_, taken))| !**taken) {
            free.entry(step.key(parts)).or_default().insert(index);
        }
        let steps = partners.iter_mut().zip(&of_old).enumerate();
        for (before, (partner, step)) in steps.filter(|(_, (partner, _))| partner.is_none()) {
            let Some(free) = free.get_mut(&step.key(parts)) else {
                continue;
            };
            let behind = free.range(before..).next().copied();
            let ahead = free.range(..before).next_back().copied();
            let nearest = ahead
                .into_iter()
                .chain(behind)
                .min_by_key(|index| index.abs_diff(before));
            if let Some(index) = nearest {
                free.remove(&index);
                *partner = Some(index);
                if let Some(taken) = taken.get_mut(index) {
                    *taken = true;
                }
            }
        }
    }
    partners
}

/// The features that two steps can share.
struct Likeness<'s> {
    kind: RequestKind,
    rule: &'s str,
    target: String,
    body: String,
    all: String,
}

/// One feature.
#[derive(Clone, Copy)]
enum Part {
    Rule,
    Target,
    Body,
    All,
}

impl<'s> Likeness<'s> {
    /// From the strongest: the rule counts more than the target, and the target more than the rest of the request.
    const FROM_MOST: [&'static [Part]; 8] = [
        &[Part::All],
        &[Part::Rule, Part::Target, Part::Body],
        &[Part::Rule, Part::Target],
        &[Part::Rule, Part::Body],
        &[Part::Rule],
        &[Part::Target, Part::Body],
        &[Part::Target],
        &[Part::Body],
    ];

    fn of(step: &'s Step) -> Self {
        Self {
            kind: step.operation.kind(),
            rule: &step.rule,
            target: target(step),
            body: step.operation.body().to_string(),
            all: json!(step).to_string(),
        }
    }

    /// The key that two steps with these parts in common share; steps of different kinds never share one.
    fn key(&self, parts: &[Part]) -> (RequestKind, Vec<&str>) {
        let part = |part: &Part| match part {
            Part::Rule => self.rule,
            Part::Target => &self.target,
            Part::Body => &self.body,
            Part::All => &self.all,
        };
        (self.kind, parts.iter().map(part).collect())
    }
}

/// The old steps whose order relative to another one has changed.
fn moved(partners: &[Option<usize>]) -> HashSet<usize> {
    let pairs = partners.iter().enumerate();
    let pairs = pairs.filter_map(|(was, is)| Some((was, (*is)?)));
    let mut moved = HashSet::new();
    let mut last = None;
    for (was, is) in pairs.clone() {
        if last > Some(is) {
            moved.insert(was);
        }
        last = last.max(Some(is));
    }
    let mut first = usize::MAX;
    for (was, is) in pairs.rev() {
        if first < is {
            moved.insert(was);
        }
        first = first.min(is);
    }
    moved
}

/// The address and the targets, as one text.
fn target(step: &Step) -> String {
    let targets = step.operation.targets(&step.api);
    let keys = targets.iter().map(Target::key);
    iter::once(step.url.clone())
        .chain(keys)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The parts of a step that have changed.
fn fields(old: &Step, new: &Step) -> Vec<Field> {
    let mut found = Vec::new();
    compare("", &json!(old), &json!(new), &mut found);
    found
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<Field>) {
    if old == new {
        return;
    }
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let other = new.get(key).unwrap_or(&Value::Null);
                compare(&below(key), value, other, found);
            }
            let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
            for (key, value) in added {
                compare(&below(key), &Value::Null, value, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), old, new, found);
            }
        }
        _ => found.push(Field {
            field: path.to_owned(),
            old: old.clone(),
            new: new.clone(),
        }),
    }
}
