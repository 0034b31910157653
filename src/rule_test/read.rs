//! From a test file to a suite, or to everything that is wrong with it.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::diagnostic::{Code, Finding};
use crate::load::document::{findings, read_rule_tests};
use crate::load::{self, Problem, Spot};
use crate::model::{ApiName, Event, Origin, Role, RuleSet, duration};
use crate::simulator::fault::Faults;
use crate::simulator::{self, Config};
use crate::source::Source;
use crate::space::events;

use super::Suite;
use super::case::{Case, Expect};
use super::format::{self, File, Given, Place, Words};
use super::scenario::{Active, Call, Scenario};
use super::spec::facts;

/// What was made of a test file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The suite, if nothing is wrong.
    pub suite: Option<Suite>,
    /// What is wrong, in the order of the lines.
    pub findings: Vec<Finding>,
}

/// Makes a suite of a test file. `rules` are other rules than those that the file names.
#[must_use]
pub fn load(source: &Source, rules: Option<&Path>) -> Loaded {
    let document = read_rule_tests(source);
    let broken = |findings| Loaded {
        suite: None,
        findings,
    };
    let Some(value) = document.value else {
        return broken(document.findings);
    };
    let file = match File::deserialize(&value) {
        Ok(file) => file,
        // The schema has let it pass, so this is about a value that only the decoder can refuse.
        Err(error) => {
            let problem = Problem::new(Code::BadValue, spot(""), error.to_string());
            return broken(findings(source, vec![problem]));
        }
    };
    let folder = Path::new(&*source.name).parent().unwrap_or(Path::new(""));
    let path = rules.map_or_else(|| folder.join(&file.rules), Path::to_owned);
    let set = match rules_at(&path) {
        Ok(set) => set,
        Err(why) => {
            let problem = Problem::new(Code::TestRules, spot("/rules"), why);
            return broken(findings(source, vec![problem]));
        }
    };
    let mut reader = Reader {
        source,
        rules: &set,
        given: &file.given,
        problems: Vec::new(),
        names: HashMap::new(),
    };
    let cases = reader.cases(&file);
    let scenarios = reader.scenarios(&file);
    let problems = reader.problems;
    if !problems.is_empty() {
        return broken(findings(source, problems));
    }
    Loaded {
        findings: Vec::new(),
        suite: Some(Suite {
            source: source.clone(),
            rules_path: tidy(&path),
            rules: set,
            cases,
            scenarios,
        }),
    }
}

/// A path as people write it: `tests/../rules.yml` is `rules.yml`.
fn tidy(path: &Path) -> String {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        let above = tidy.components().next_back();
        if part == Component::ParentDir && matches!(above, Some(Component::Normal(_))) {
            tidy.pop();
        } else {
            tidy.push(part);
        }
    }
    tidy.display().to_string()
}

fn rules_at(path: &Path) -> Result<RuleSet, String> {
    let sources = load::read(path).map_err(|error| error.to_string())?;
    let loaded = load::load(&sources);
    loaded.rules.ok_or_else(|| {
        let path = path.display();
        let count = loaded.findings.len();
        format!("the rules in `{path}` are not valid: `patroni_barman check {path}` finds {count}")
    })
}

fn spot(pointer: &str) -> Spot {
    Spot::value(&origin(pointer))
}

fn origin(pointer: &str) -> Origin {
    Origin {
        file: 0,
        pointer: pointer.to_owned(),
    }
}

struct Reader<'a> {
    source: &'a Source,
    rules: &'a RuleSet,
    given: &'a Given,
    problems: Vec<Problem>,
    names: HashMap<String, String>,
}

impl Reader<'_> {
    fn problem(&mut self, code: Code, pointer: &str, message: impl Into<String>, help: &str) {
        let problem = Problem::new(code, spot(pointer), message);
        self.problems.push(problem.help(help));
    }

    fn cases(&mut self, file: &File) -> Vec<Case> {
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
            (Some(forall), None) => self.many(forall, &given, here),
            (None, Some(event)) => self.one(test, event, &given, here),
            (Some(_), Some(_)) => {
                let help = "put the event under `forall`";
                self.problem(
                    Code::BadValue,
                    &format!("{here}/event"),
                    "a test has either `event` or `forall`",
                    help,
                );
                return None;
            }
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
            facts.raw_role.clone_from(raw);
        }
        vec![facts]
    }

    fn passed(&mut self, event: Event, role: Role, here: &str) {
        if event.roles().contains(&role) {
            return;
        }
        let roles: Vec<_> = event
            .roles()
            .iter()
            .map(|role| format!("`{role}`"))
            .collect();
        let message = format!("Patroni never passes `{role}` with `{event}`");
        let help = format!("with `{event}` it passes {}", roles.join(", "));
        self.problem(
            Code::TestNeverHappens,
            &format!("{here}/role"),
            message,
            &help,
        );
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

    fn name(&mut self, name: &str, here: &str) {
        let pointer = format!("{here}/name");
        if let Some(before) = self.names.get(name) {
            let problem = Problem::new(
                Code::DuplicateTest,
                spot(&pointer),
                format!("there are two tests with the name `{name}`"),
            );
            let before = spot(before);
            self.problems.push(
                problem
                    .help("give one of them another name")
                    .related(before, "the first one is here"),
            );
        } else {
            self.names.insert(name.to_owned(), pointer);
        }
    }

    fn vars(&mut self, vars: &Map<String, Value>, here: &str) {
        for name in vars.keys() {
            if !self.rules.vars.iter().any(|var| var.name == *name) {
                let names: Vec<_> = self
                    .rules
                    .vars
                    .iter()
                    .map(|var| format!("`{}`", var.name))
                    .collect();
                let help = match names.as_slice() {
                    [] => "the rules declare none".to_owned(),
                    names => format!("the rules declare {}", names.join(", ")),
                };
                let pointer = format!("{here}/vars/{name}");
                let problem = Problem::new(
                    Code::UnknownVariable,
                    Spot::key(&origin(&pointer)),
                    format!("the rules declare no variable `{name}`"),
                );
                self.problems.push(problem.help(help));
            }
        }
    }

    fn scenarios(&mut self, file: &File) -> Vec<Scenario> {
        let mut scenarios = Vec::new();
        for (index, scenario) in file.scenarios.iter().enumerate() {
            let here = format!("/scenarios/{index}");
            self.name(&scenario.name, &here);
            self.vars(&scenario.given.vars, &here);
            scenarios.push(self.scenario(scenario, &here));
        }
        scenarios
    }

    fn scenario(&mut self, scenario: &format::Scenario, here: &str) -> Scenario {
        let given = scenario.given.over(self.given);
        let cluster = given
            .cluster
            .clone()
            .unwrap_or_else(|| "CLUSTER".to_owned());
        let steps = scenario.steps.iter();
        let expects = |call: &format::Call| {
            call.exit_code.is_some() || call.posts.is_some() || call.message.is_some()
        };
        if scenario.end.is_none() && !steps.clone().any(expects) {
            let help = "say under `end` what holds then, or `exit_code` in a step";
            self.problem(
                Code::TestCannotFail,
                here,
                "this scenario expects nothing, so it can't fail",
                help,
            );
        }
        let mut calls = Vec::new();
        for (index, call) in steps.enumerate() {
            let place = format!("{here}/steps/{index}");
            let (Some(event), Some(role)) = (Event::parse(&call.event), Role::parse(&call.role))
            else {
                continue;
            };
            self.passed(event, role, &place);
            let mut own = given.clone();
            own.env.extend(call.env.clone());
            own.args.extend(call.args.clone());
            calls.push(Call {
                facts: facts(&own, event, role, &cluster, &call.node),
                after: self.time(call.after.as_ref(), &format!("{place}/after")),
                leader: call.leader.clone(),
                exit_code: call.exit_code,
                posts: call.posts,
                message: call.message.clone(),
            });
        }
        let mut apis = std::collections::BTreeMap::new();
        for name in self.rules.apis.keys().cloned().collect::<Vec<_>>() {
            let (barman, place) = match scenario.apis.get(&name.0) {
                Some(barman) => (barman, format!("{here}/apis/{}", name.0)),
                None => (&scenario.barman, format!("{here}/barman")),
            };
            let config = self.barman(barman, &place);
            apis.insert(name, config);
        }
        for name in scenario.apis.keys() {
            if !self.rules.apis.contains_key(&ApiName(name.clone())) {
                let pointer = format!("{here}/apis/{name}");
                let message = format!("the rules have no API `{name}`");
                self.problem(
                    Code::UnknownApi,
                    &pointer,
                    message,
                    "name one of the rules' `apis`",
                );
            }
        }
        let end = scenario.end.iter().flat_map(|end| &end.active_model);
        let end = end
            .map(|(label, model)| self.active(label, model.as_ref(), &apis, here))
            .collect();
        Scenario {
            name: scenario.name.clone(),
            place: load::locate(std::slice::from_ref(self.source), &origin(here)),
            cluster,
            vars: given.vars,
            apis,
            calls,
            end,
        }
    }

    fn active(
        &mut self,
        label: &str,
        model: Option<&String>,
        apis: &std::collections::BTreeMap<ApiName, Config>,
        here: &str,
    ) -> Active {
        let (api, server) = match label.split_once('/') {
            Some((api, server)) => (ApiName(api.to_owned()), server),
            None => (ApiName::default(), label),
        };
        let config = apis.get(&api);
        if !config.is_some_and(|config| config.servers.iter().any(|known| known.name == server)) {
            let pointer = format!("{here}/end/active_model");
            let message = format!("this scenario's Barman has no server `{label}`");
            let help = "write `SERVER` or `API/SERVER`, and the server under `servers`";
            self.problem(Code::TestBarman, &pointer, message, help);
        }
        Active {
            label: label.to_owned(),
            server: server.to_owned(),
            model: model.cloned(),
            api,
        }
    }

    fn barman(&mut self, barman: &format::Barman, here: &str) -> Config {
        let mut config = Config::default().operation_time(self.time(
            barman.operation_time.as_ref(),
            &format!("{here}/operation_time"),
        ));
        for server in &barman.servers {
            config = match server.split_once('=') {
                Some((name, cluster)) => config.server_of_cluster(name, cluster),
                None => config.server(server),
            };
        }
        for model in &barman.models {
            config = match model.split_once('=') {
                Some((name, cluster)) => config.model_of_cluster(name, cluster),
                None => config.model(model),
            };
        }
        for (server, model) in &barman.active {
            config = config.active(server, model);
        }
        for (index, backup) in barman.backups.iter().enumerate() {
            match backup.split_once(':') {
                Some((server, id)) => config = config.backup(server, id),
                None => self.problem(
                    Code::TestBarman,
                    &format!("{here}/backups/{index}"),
                    format!("`{backup}` is no backup"),
                    "write `SERVER:ID`",
                ),
            }
        }
        match barman.answers.as_deref().map(str::parse::<Faults>) {
            Some(Ok(faults)) => config = config.faults(faults),
            Some(Err(error)) => {
                let text = error.to_string();
                let (message, help) = text.split_once('\n').unwrap_or((&text, ""));
                let help = help
                    .split('\n')
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join("; ");
                self.problem(Code::TestBarman, &format!("{here}/answers"), message, &help);
            }
            None => {}
        }
        if let Err(error) = simulator::barman::Barman::new(&config) {
            let help = "`servers`, `models`, `backups` and `active` must fit each other";
            self.problem(Code::TestBarman, here, error.to_string(), help);
        }
        config
    }

    fn time(&mut self, text: Option<&String>, here: &str) -> Duration {
        let Some(text) = text else {
            return Duration::ZERO;
        };
        duration::parse(text).unwrap_or_else(|| {
            let message = format!("`{text}` is too long");
            self.problem(
                Code::BadValue,
                here,
                message,
                "the longest is a hundred years",
            );
            Duration::ZERO
        })
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
