//! The tests of single events, and of many of them.

use serde_json::{Map, Value};

use crate::diagnostic::Code;
use crate::load;
use crate::model::{ApiName, Event, Role};
use crate::space::events;

use super::super::case::{Case, Expect};
use super::super::format::{self, File, Given, Place, Words};
use super::super::spec::facts;
use super::{Reader, origin};

impl Reader<'_> {
    pub(super) fn cases(&mut self, file: &File) -> Vec<Case> {
        if file.tests.is_empty() && file.scenarios.is_empty() {
            self.problem(
                Code::NoTests,
                "",
                "there is no test in this file",
                "write what the rules are to do under `tests` or `scenarios`",
            );
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
        Some(Case {
            name: test.name.clone(),
            place: load::locate(std::slice::from_ref(self.source), &origin(here)),
            cells,
            vars: given.vars,
            expect: expect?,
        })
    }

    /// What is about one event has no place beside `forall`: it would be read and mean nothing.
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
                self.problem(
                    Code::TestCannotFail,
                    here,
                    "this test expects nothing, so it can't fail",
                    help,
                );
                return None;
            }
            1 => {}
            _ => {
                let help = "`nothing` and `fails` stand alone";
                self.problem(
                    Code::BadValue,
                    here,
                    "these expectations can't all hold",
                    help,
                );
                return None;
            }
        }
        for (index, name) in test.fires.iter().flatten().enumerate() {
            if !self.rules.rules.iter().any(|rule| rule.name == *name) {
                let names: Vec<_> = self
                    .rules
                    .rules
                    .iter()
                    .map(|rule| format!("`{}`", rule.name))
                    .collect();
                let help = format!("the rules are {}", names.join(", "));
                let pointer = format!("{here}/fires/{index}");
                self.problem(
                    Code::TestUnknownRule,
                    &pointer,
                    format!("there is no rule `{name}`"),
                    &help,
                );
            }
        }
        Some(match &test.fails {
            Some(message) => Expect::Fails(message.clone()),
            None if test.nothing => Expect::Nothing,
            None => Expect::Plan {
                fires: test.fires.clone(),
                requests: test
                    .requests
                    .as_ref()
                    .map(|all| all.iter().map(request).collect()),
            },
        })
    }

    fn one(
        &mut self,
        test: &format::Test,
        event: &str,
        given: &Given,
        here: &str,
    ) -> Vec<crate::evaluate::Facts> {
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

    /// Patroni has its words for each role and passes no other.
    fn word(&mut self, word: &str, role: Role, here: &str) {
        let message = match Role::from_patroni(word) {
            Some(read) if read == role => return,
            Some(read) => format!("Patroni's `{word}` is read as `{read}`, and never as `{role}`"),
            None => format!("Patroni passes no role `{word}`"),
        };
        let words: Vec<_> = role
            .words()
            .iter()
            .map(|word| format!("`raw_role: {word}`"))
            .collect();
        let help = format!("for `role: {role}`, write {}", words.join(" or "));
        let pointer = format!("{here}/raw_role");
        self.problem(Code::TestNeverHappens, &pointer, message, &help);
    }

    fn many(
        &mut self,
        forall: &format::Forall,
        given: &Given,
        here: &str,
    ) -> Vec<crate::evaluate::Facts> {
        let own = |words: &Option<Words>, other: &Option<String>, placeholder: &str| match words {
            Some(words) => words.as_slice().to_vec(),
            None => vec![other.clone().unwrap_or_else(|| placeholder.to_owned())],
        };
        let clusters = own(&forall.place.cluster, &given.cluster, "CLUSTER");
        let nodes = own(&forall.place.node, &given.node, "NODE");
        let mut cells = Vec::new();
        for cluster in &clusters {
            for node in &nodes {
                for (event, role) in events() {
                    let fits = |place: &Place| fits(place, event, role, cluster, node);
                    if fits(&forall.place) && !forall.except.iter().any(fits) {
                        cells.push(facts(given, event, role, cluster, node));
                    }
                }
            }
        }
        if cells.is_empty() {
            let message = "Patroni passes none of these, so this test can't fail";
            let help = "each event has its own roles: `patroni_barman explain PB201` lists them";
            self.problem(
                Code::TestNeverHappens,
                &format!("{here}/forall"),
                message,
                help,
            );
        }
        cells
    }
}

/// An expected request with the API that it goes to.
fn request(expected: &Map<String, Value>) -> Value {
    let mut request = expected.clone();
    request
        .entry("api")
        .or_insert_with(|| ApiName::default().0.into());
    Value::Object(request)
}

fn fits(place: &Place, event: Event, role: Role, cluster: &str, node: &str) -> bool {
    let has = |words: &Option<Words>, word: &str| {
        words
            .as_ref()
            .is_none_or(|words| words.as_slice().iter().any(|known| known == word))
    };
    has(&place.event, event.as_str())
        && has(&place.role, role.as_str())
        && has(&place.cluster, cluster)
        && has(&place.node, node)
}
