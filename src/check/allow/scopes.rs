//! The parts of the rules that a comment can apply to, by their first lines.

use std::collections::HashMap;

use crate::load::{Locator, Spot};
use crate::model::{Origin, RuleSet};
use crate::source::Source;

/// Rules, requests, variables and files by file and first line.
pub(super) struct Scopes(HashMap<(usize, usize), Vec<Origin>>);

impl Scopes {
    pub(super) fn of(rules: &RuleSet, sources: &[Source], locator: &mut Locator<'_>) -> Self {
        let mut scopes: HashMap<_, Vec<Origin>> = HashMap::new();
        let mut put = |spot: &Spot, origin: &Origin| {
            if let Some(place) = locator.place(spot) {
                let line = (origin.file, place.position.line);
                let there = scopes.entry(line).or_default();
                if there.last() != Some(origin) {
                    there.push(origin.clone());
                }
            }
        };
        for file in 0..sources.len() {
            let whole = Origin {
                file,
                pointer: String::new(),
            };
            put(&Spot::key(&whole.child("version")), &whole);
        }
        for rule in &rules.rules {
            put(&Spot::value(&rule.origin), &rule.origin);
            for request in &rule.requests {
                put(&Spot::key(&request.origin), &request.origin);
                put(&Spot::value(&request.origin), &request.origin);
            }
        }
        for var in &rules.vars {
            put(&Spot::key(&var.origin), &var.origin);
        }
        for endpoint in rules.places.apis.values().chain(&rules.places.patroni) {
            put(&Spot::key(endpoint), endpoint);
        }
        Self(scopes)
    }

    /// The items that begin on this line.
    pub(super) fn at(&self, file: usize, line: usize) -> &[Origin] {
        self.0
            .get(&(file, line))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The size of that item: a whole file is larger than a rule, and a rule larger than a request.
    pub(super) fn breadth(&self, file: usize, line: usize) -> std::cmp::Reverse<usize> {
        let levels = |origin: &Origin| origin.pointer.matches('/').count();
        let least = self.at(file, line).iter().map(levels).min();
        std::cmp::Reverse(least.unwrap_or(usize::MAX))
    }
}
