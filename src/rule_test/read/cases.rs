//! The tests of single events and of many events.

use serde_json::{Map, Value};

use crate::diagnostic::{Code, ticked};
use crate::evaluate::Facts;
use crate::model::{Event, Role};
use crate::space::events;
use crate::template::RenderError;

use super::super::case::{Case, Cell, Expect};
use super::super::expected::{Expected, with_api};
use super::super::format::{self, File, Given, Place, Words};
use super::super::spec::facts;
use super::Reader;

impl Reader<'_> {
    pub(super) fn cases(&mut self, file: &File) -> Vec<Case> {
        if file.tests.is_empty() && file.invariants.is_empty() && file.scenarios.is_empty() {
            let help = "write what the rules are to do under `tests`, `invariants` or `scenarios`";
            self.problem(Code::NoTests, "", "there is no test in this file", help);
        }
        let mut cases = Vec::new();
        for (index, test) in file.tests.iter().enumerate() {
            let here = format!("/tests/{index}");
            self.name(&test.name, &here);
            self.vars(&test.given.vars, &here);
            cases.extend(self.case(test, &here));
        }
        self.vars(&file.given.vars, "/given");
        cases
    }

    fn case(&mut self, test: &format::Test, here: &str) -> Option<Case> {
        let expect = self.expect(test, here);
        let given = test.given.over(self.given);
        let cells = match (&test.forall, &test.event) {
            (Some(forall), _) => {
                self.alone(test, here);
                self.many(forall, &given, here)
            }
            (None, Some(event)) => self.one(test, event, &given, here),
            (None, None) => {
                let help = "write `event` and `role`, or `forall`";
                self.problem(Code::MissingKey, here, "this test has no event", help);
                return None;
            }
        };
        let requests = test.requests.as_deref();
        Some(Case {
            name: test.name.clone(),
            place: self.place(here),
            cells: self.cells(cells, requests, here),
            vars: given.vars,
            expect: expect?,
        })
    }

    /// Reports keys about one event next to `forall`, where they would be read but have no meaning.
    fn alone(&mut self, test: &format::Test, here: &str) {
        for (given, key, message, help) in [
            (
                test.event.is_some(),
                "event",
                "a test has either `event` or `forall`",
                "put the event under `forall`",
            ),
            (
                test.role.is_some(),
                "role",
                "a test has either `role` or `forall`",
                "put the role under `forall`",
            ),
            (
                test.raw_role.is_some(),
                "raw_role",
                "`raw_role` is about one event, and `forall` about many",
                "write a test of its own with `event`, `role` and `raw_role`",
            ),
        ] {
            if given {
                self.problem(Code::BadValue, &format!("{here}/{key}"), message, help);
            }
        }
    }

    fn expect(&mut self, test: &format::Test, here: &str) -> Option<Expect> {
        let plan = test.fires.is_some() || test.requests.is_some();
        let kinds = [plan, test.nothing, test.fails.is_some()];
        match kinds.iter().filter(|kind| **kind).count() {
            0 => {
                let help = "say what is expected: `requests`, `fires`, `nothing: true` or `fails`";
                let message = "this test expects nothing, so it can't fail";
                self.problem(Code::TestCannotFail, here, message, help);
                return None;
            }
            1 => {}
            _ => {
                let help = "`nothing` and `fails` exclude other expectations";
                let message = "these expectations can't all hold";
                self.problem(Code::BadValue, here, message, help);
                return None;
            }
        }
        for (index, name) in test.fires.iter().flatten().enumerate() {
            if !self.rules.rules.iter().any(|rule| rule.name == *name) {
                let names = ticked(self.rules.rules.iter().map(|rule| &rule.name));
                let help = format!("the rules are {names}");
                let pointer = format!("{here}/fires/{index}");
                let message = format!("there is no rule `{name}`");
                self.problem(Code::TestUnknownRule, &pointer, message, &help);
            }
        }
        Some(match &test.fails {
            Some(message) => Expect::Fails(message.clone()),
            None if test.nothing => Expect::Nothing,
            None => Expect::Plan {
                fires: test.fires.clone(),
            },
        })
    }

    /// The events, each with its expected requests. Only the first error is reported.
    fn cells(
        &mut self,
        cells: Vec<Facts>,
        requests: Option<&[Map<String, Value>]>,
        here: &str,
    ) -> Vec<Cell> {
        let expected: Option<Vec<Expected>> = requests.map(|all| {
            let all = all.iter().enumerate();
            all.map(|(index, one)| Expected::read(one, &format!("{here}/requests/{index}")))
                .collect()
        });
        let mut found = Vec::with_capacity(cells.len());
        for facts in cells {
            let render = |all: &Vec<Expected>| {
                let each = all.iter().map(|one| one.render(&facts).map(with_api));
                each.collect::<Result<Vec<Value>, _>>()
            };
            match expected.as_ref().map(render).transpose() {
                Ok(requests) => found.push(Cell { facts, requests }),
                Err(error) => {
                    self.unrendered(&error);
                    break;
                }
            }
        }
        found
    }

    pub(super) fn unrendered(&mut self, error: &RenderError) {
        let help = "a template here sees the event's facts, such as `node` and `cluster`, and no variable of the rules";
        let pointer = &error.origin.pointer;
        self.problem(Code::TestTemplate, pointer, error.message.clone(), help);
    }

    fn one(&mut self, test: &format::Test, event: &str, given: &Given, here: &str) -> Vec<Facts> {
        let event = Event::parse(event);
        let only = event.map_or(&[][..], Event::roles);
        let role = match (&test.role, only) {
            (Some(role), _) => Role::parse(role),
            (None, [only]) => Some(*only),
            (None, _) => {
                let help = "write `role`, or `forall` for all of them";
                self.problem(Code::MissingKey, here, "this test has no role", help);
                return Vec::new();
            }
        };
        let (Some(event), Some(role)) = (event, role) else {
            return Vec::new();
        };
        self.passed(event, role, here);
        let cluster = given.cluster.as_deref().unwrap_or("CLUSTER");
        let node = given.node.as_deref().unwrap_or("NODE");
        let mut facts = facts(given, event, role, cluster, node);
        if let Some(raw) = &test.raw_role {
            self.word(raw, role, here);
            facts.raw_role.clone_from(raw);
        }
        vec![facts]
    }

    /// Reports words that Patroni never passes for a role.
    fn word(&mut self, word: &str, role: Role, here: &str) {
        let message = match Role::from_patroni(word) {
            Some(read) if read == role => return,
            Some(read) => format!("Patroni's `{word}` is read as `{read}`, and never as `{role}`"),
            None => format!("Patroni passes no role `{word}`"),
        };
        let words = role.words().iter();
        let words: Vec<_> = words.map(|word| format!("`raw_role: {word}`")).collect();
        let help = format!("for `role: {role}`, write {}", words.join(" or "));
        let pointer = format!("{here}/raw_role");
        self.problem(Code::TestNeverHappens, &pointer, message, &help);
    }

    fn many(&mut self, forall: &format::Forall, given: &Given, here: &str) -> Vec<Facts> {
        let own = |words: &Option<Words>, other: &Option<String>, placeholder: &str| match words {
            Some(words) => words.as_slice().to_vec(),
            None => vec![other.clone().unwrap_or_else(|| placeholder.to_owned())],
        };
        let clusters = own(&forall.place.cluster, &given.cluster, "CLUSTER");
        let nodes = own(&forall.place.node, &given.node, "NODE");
        let mut cells = Vec::new();
        for cluster in &clusters {
            for node in &nodes {
                let all = events().map(|(event, role)| facts(given, event, role, cluster, node));
                cells.extend(all.filter(|facts| forall.place.has(facts)));
            }
        }
        let here = format!("{here}/forall");
        if !self.each_word_counts(&forall.place, &cells, &here) {
            return Vec::new();
        }
        for (index, place) in forall.except.iter().enumerate() {
            let here = format!("{here}/except/{index}");
            let excluded: Vec<Facts> = cells.iter().filter(|it| place.has(it)).cloned().collect();
            if excluded.is_empty() {
                let message = "this excludes nothing: the test is about no such event";
                self.problem(Code::TestAddsNothing, &here, message, ROLES);
            } else {
                self.each_word_counts(place, &excluded, &here);
            }
        }
        cells.retain(|facts| !forall.except.iter().any(|place| place.has(facts)));
        if cells.is_empty() {
            let message = "this excludes every event, so this test can't fail";
            let help = "leave something that the test is about";
            self.problem(Code::TestNeverHappens, &here, message, help);
        }
        cells
    }

    /// Reports words of a place that none of its events has: a test would cover less than it seems to. Returns false if there
    /// is no event at all.
    pub(super) fn each_word_counts(&mut self, place: &Place, events: &[Facts], here: &str) -> bool {
        if events.is_empty() {
            let message = "Patroni passes none of these, so this test can't fail";
            self.problem(Code::TestNeverHappens, here, message, ROLES);
            return false;
        }
        for (key, words) in place.parts() {
            for (index, word) in words.as_slice().iter().enumerate() {
                if events.iter().any(|facts| word_of(facts, key) == word) {
                    continue;
                }
                let pointer = match words {
                    Words::Many(_) => format!("{here}/{key}/{index}"),
                    Words::One(_) => format!("{here}/{key}"),
                };
                let message = format!("`{word}` adds nothing: it goes with nothing else here");
                self.problem(Code::TestAddsNothing, &pointer, message, ROLES);
            }
        }
        true
    }
}

const ROLES: &str = "each event has its own roles: `patroni_barman explain PB201` lists them";

/// The value of a key of a [`Place`] for an event.
fn word_of<'a>(facts: &'a Facts, key: &str) -> &'a str {
    match key {
        "event" => facts.event.as_str(),
        "role" => facts.role.as_str(),
        "cluster" => &facts.cluster,
        _ => facts.node.as_deref().unwrap_or_default(),
    }
}

impl Place {
    /// The restricted keys, with their allowed words.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Words)> {
        let parts = [
            ("event", &self.event),
            ("role", &self.role),
            ("cluster", &self.cluster),
            ("node", &self.node),
        ];
        let given = parts.into_iter();
        given.filter_map(|(key, words)| Some((key, words.as_ref()?)))
    }

    /// Returns true if it includes an event.
    pub(super) fn has(&self, facts: &Facts) -> bool {
        let own = |key| word_of(facts, key);
        self.parts()
            .all(|(key, words)| words.as_slice().iter().any(|word| word == own(key)))
    }
}
