//! The statements about every event.

use crate::diagnostic::Code;
use crate::evaluate::Facts;
use crate::model::Pattern;
use crate::space::{Cluster, clusters, events};
use crate::template::{Asked, premises};

use super::super::expected::Expected;
use super::super::format::{self, File, Place, Words};
use super::super::invariant::{Cell, Invariant, Number};
use super::super::spec::facts;
use super::Reader;

impl Reader<'_> {
    pub(super) fn invariants(&mut self, file: &File) -> Vec<Invariant> {
        let mut found = Vec::new();
        for (index, invariant) in file.invariants.iter().enumerate() {
            let here = format!("/invariants/{index}");
            self.name(&invariant.name, &here);
            self.vars(&invariant.given.vars, &here);
            found.extend(self.invariant(invariant, &here));
        }
        found
    }

    fn invariant(&mut self, invariant: &format::Invariant, here: &str) -> Option<Invariant> {
        let number = self.number(invariant, here)?;
        let given = invariant.given.over(self.given);
        let place = &invariant.place;
        let nodes = match &place.node {
            Some(words) => words.as_slice().to_vec(),
            None => self.members(given.node.as_deref()),
        };
        let inner = Place {
            cluster: None,
            ..place.clone()
        };
        let expected = Expected::read(&invariant.request, &format!("{here}/request"));
        let mut all: Vec<Facts> = Vec::new();
        let mut found = Vec::new();
        for cluster in self.clusters(place) {
            let mut cells = Vec::new();
            for node in &nodes {
                let name = &cluster.name;
                let events = events().map(|(event, role)| facts(&given, event, role, name, node));
                for facts in events.filter(|facts| inner.has(facts)) {
                    match expected.render(&facts) {
                        Ok(request) => cells.push(Cell { facts, request }),
                        Err(error) => {
                            self.unrendered(&error);
                            return None;
                        }
                    }
                }
            }
            if all.is_empty() {
                all.extend(cells.iter().map(|cell| cell.facts.clone()));
            }
            found.push((cluster, cells));
        }
        if found.is_empty() {
            let message = "the rules do not distinguish such a cluster, so this states nothing";
            let help = "write the name of a cluster, or leave `cluster` out";
            let pointer = format!("{here}/for/cluster");
            self.problem(Code::TestAddsNothing, &pointer, message, help);
            return None;
        }
        self.each_word_counts(&inner, &all, &format!("{here}/for"));
        Some(Invariant {
            name: invariant.name.clone(),
            place: self.place(here),
            vars: given.vars,
            number,
            clusters: found,
        })
    }

    fn number(&mut self, invariant: &format::Invariant, here: &str) -> Option<Number> {
        let bounds = (invariant.at_least, invariant.at_most);
        let (least, most) = match (invariant.exactly, bounds, invariant.never) {
            (Some(number), (None, None), false) => (number, number),
            (None, (None, None), true) => (0, 0),
            (None, (None, None), false) => {
                let message = "this invariant says nothing of the requests, so it can't fail";
                let help =
                    "say how many there are: `exactly`, `at_least`, `at_most` or `never: true`";
                self.problem(Code::TestCannotFail, here, message, help);
                return None;
            }
            (None, (least, most), false) => (least.unwrap_or(0), most.unwrap_or(usize::MAX)),
            _ => {
                let message = "these numbers can't all hold";
                let help = "`exactly` and `never` exclude other counts";
                self.problem(Code::BadValue, here, message, help);
                return None;
            }
        };
        if least > most {
            let message = "`at_least` is more than `at_most`";
            self.problem(Code::BadValue, here, message, "exchange them");
            return None;
        }
        Some(Number { least, most })
    }

    /// The kinds of cluster for a statement: those that its names and patterns match, or all.
    fn clusters(&self, place: &Place) -> Vec<Cluster> {
        let words = place.cluster.as_ref().map(Words::as_slice);
        let words = words.unwrap_or_default();
        let is_name = |word: &&String| !word.contains(['*', '?']);
        let names: Vec<String> = words.iter().filter(is_name).cloned().collect();
        let patterns = words.iter().map(|word| Pattern::new(word.as_str()));
        let patterns: Vec<Pattern> = patterns.collect();
        let mut found = clusters(&[self.rules], &names);
        found.retain(|cluster| {
            let mut patterns = patterns.iter();
            place.cluster.is_none() || patterns.any(|pattern| pattern.matches(&cluster.name))
        });
        found
    }

    /// A member without known facts, and those that conditions name.
    fn members(&self, given: Option<&str>) -> Vec<String> {
        let mut members = vec![given.unwrap_or("NODE").to_owned()];
        let rules = self.rules.rules.iter();
        for when in rules.filter_map(|rule| rule.when.as_ref()) {
            for (subject, asked) in premises(&when.text, &self.rules.vars).each() {
                let (Asked::OneOf(names) | Asked::NoneOf(names)) = asked;
                if subject == "node" {
                    members.extend(names.iter().cloned());
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        members.retain(|name| seen.insert(name.clone()));
        members
    }
}
