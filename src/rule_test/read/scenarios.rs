//! Sequences of events, and the Barman for them.

use std::collections::BTreeMap;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{ApiName, Event, Role};
use crate::simulator::fault::Faults;
use crate::simulator::{self, Config};

use super::super::action::{Action, Deed, Leader};
use super::super::format::{self, File, Given};
use super::super::process::Kill;
use super::super::scenario::{Active, Scenario};
use super::super::spec::facts;
use super::{Reader, origin};

impl Reader<'_> {
    pub(super) fn scenarios(&mut self, file: &File) -> Vec<Scenario> {
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
        let cluster = given.cluster.as_deref().unwrap_or("CLUSTER").to_owned();
        let mut steps = Vec::new();
        for (index, call) in scenario.steps.iter().enumerate() {
            let here = format!("{here}/steps/{index}");
            let mut step = Vec::new();
            match &call.together {
                None => step.extend(self.action(call, &given, &cluster, &here)),
                Some(calls) => {
                    for (index, call) in calls.iter().enumerate() {
                        let here = format!("{here}/together/{index}");
                        step.extend(self.action(call, &given, &cluster, &here));
                    }
                }
            }
            steps.push(step);
        }
        let expects = |action: &Action| {
            action.exit_code.is_some() || action.posts.is_some() || action.message.is_some()
        };
        if scenario.end.is_none() && !steps.iter().flatten().any(expects) {
            let help = "say under `end` what holds then, or `exit_code` in a step";
            let message = "this scenario expects nothing, so it can't fail";
            self.problem(Code::TestCannotFail, here, message, help);
        }
        let mut apis = BTreeMap::new();
        for name in self.rules.apis.keys() {
            let (barman, place) = match scenario.apis.get(&name.0) {
                Some(barman) => (barman, format!("{here}/apis/{}", name.0)),
                None => (&scenario.barman, format!("{here}/barman")),
            };
            apis.insert(name.clone(), self.barman(barman, &place));
        }
        for name in scenario.apis.keys() {
            if !self.rules.apis.contains_key(&ApiName(name.clone())) {
                let pointer = format!("{here}/apis/{name}");
                let message = format!("the rules have no API `{name}`");
                let help = "name one of the rules' `apis`";
                self.problem(Code::UnknownApi, &pointer, message, help);
            }
        }
        let end = scenario.end.iter().flat_map(|end| &end.active_model);
        let end = end
            .map(|(label, model)| self.active(label, model.as_ref(), &apis, here))
            .collect();
        Scenario {
            name: scenario.name.clone(),
            place: self.place(here),
            cluster,
            vars: given.vars,
            apis,
            steps,
            end,
        }
    }

    /// One process; `None` if the schema has rejected it.
    fn action(
        &mut self,
        call: &format::Call,
        given: &Given,
        cluster: &str,
        here: &str,
    ) -> Option<Action> {
        let mut given = given.clone();
        given.env.extend(call.env.clone());
        given.args.extend(call.args.clone());
        let deed = if let Some(node) = &call.reconcile {
            Deed::Reconcile {
                node: node.clone(),
                cluster: cluster.to_owned(),
                given,
            }
        } else {
            let event = Event::parse(call.event.as_ref()?)?;
            let role = Role::parse(call.role.as_ref()?)?;
            self.passed(event, role, here);
            let node = call.node.as_ref()?;
            Deed::Callback(facts(&given, event, role, cluster, node))
        };
        if call.patroni.is_some() && self.rules.patroni.is_none() {
            let message = "the rules name no Patroni, so it makes no difference that it is silent";
            let help = "leave `patroni` out, or name the local Patroni in the rules";
            let here = format!("{here}/patroni");
            self.problem(Code::TestAddsNothing, &here, message, help);
        }
        let kill = call.kill.as_ref().map(|kill| match kill.as_str() {
            "before_post" => Kill::BeforePost,
            "after_post" => Kill::AfterPost,
            _ => Kill::After(self.time(Some(kill), &format!("{here}/kill"))),
        });
        for (key, given) in [
            ("exit_code", call.exit_code.is_some()),
            ("message", call.message.is_some()),
        ] {
            if kill.is_some() && given {
                let message = format!("a process that is killed has no `{key}`");
                let help = "expect something of `posts`, of a later step, or of the `end`";
                self.problem(Code::BadValue, &format!("{here}/{key}"), message, help);
            }
        }
        let leader = call.leader.as_ref().map(|leader| match leader.as_str() {
            "none" => Leader::Nobody,
            node => Leader::Node(node.to_owned()),
        });
        Some(Action {
            deed,
            after: self.time(call.after.as_ref(), &format!("{here}/after")),
            leader,
            faults: self.faults(call.answers.as_deref(), &format!("{here}/answers")),
            silent: call.patroni.is_some(),
            kill,
            exit_code: call.exit_code,
            posts: call.posts,
            message: call.message.clone(),
        })
    }

    fn active(
        &mut self,
        label: &str,
        model: Option<&String>,
        apis: &BTreeMap<ApiName, Config>,
        here: &str,
    ) -> Active {
        let (api, server) = match label.split_once('/') {
            Some((api, server)) => (ApiName(api.to_owned()), server),
            None => (ApiName::default(), label),
        };
        let config = apis.get(&api);
        if !config.is_some_and(|config| config.servers.iter().any(|known| known.name == server)) {
            let key = label.replace('~', "~0").replace('/', "~1");
            let pointer = format!("{here}/end/active_model/{key}");
            let message = format!("this scenario's Barman has no server `{label}`");
            let help = "write `SERVER` or `API/SERVER`, and the server under `servers`";
            let spot = Spot::key(&origin(&pointer));
            let problem = Problem::new(Code::TestBarman, spot, message);
            self.problems.push(problem.help(help));
        }
        Active {
            label: label.to_owned(),
            server: server.to_owned(),
            model: model.cloned(),
            api,
        }
    }

    fn barman(&mut self, barman: &format::Barman, here: &str) -> Config {
        let here_time = format!("{here}/operation_time");
        let time = self.time(barman.operation_time.as_ref(), &here_time);
        let mut config = Config::default().operation_time(time);
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
            if let Some((server, id)) = backup.split_once(':') {
                config = config.backup(server, id);
            } else {
                let pointer = format!("{here}/backups/{index}");
                let message = format!("`{backup}` is no backup");
                self.problem(Code::TestBarman, &pointer, message, "write `SERVER:ID`");
            }
        }
        if let Some(faults) = self.faults(barman.answers.as_deref(), &format!("{here}/answers")) {
            config = config.faults(faults);
        }
        if let Err(error) = simulator::barman::Barman::new(&config) {
            let help = "`servers`, `models`, `backups` and `active` must fit each other";
            self.problem(Code::TestBarman, here, error.to_string(), help);
        }
        config
    }

    fn faults(&mut self, answers: Option<&str>, here: &str) -> Option<Faults> {
        match answers?.parse::<Faults>() {
            Ok(faults) => Some(faults),
            Err(error) => {
                let text = error.to_string();
                let (message, help) = text.split_once('\n').unwrap_or((&text, ""));
                let help: Vec<_> = help.split('\n').map(str::trim).collect();
                self.problem(Code::TestBarman, here, message, &help.join("; "));
                None
            }
        }
    }
}
