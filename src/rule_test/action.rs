//! A process that a scenario starts: a callback, or a pass of `reconcile`.

use std::time::Duration;

use crate::evaluate::{Facts, Survey, Trace, evaluate, survey, wanted};
use crate::execute::{Called, Here, Looks, Outcome, Verdict, World as _, execute, pass};
use crate::http::Clock as _;
use crate::model::{Event, Role, RuleSet};
use crate::simulator::fault::Faults;

use super::case::at;
use super::format::Given;
use super::process::{Kill, Process};
use super::result::Failure;
use super::spec::facts;
use super::world::Outside;

/// The exit code when the rules can't be evaluated.
const INVALID: u8 = 4;

/// The longest time a scenario waits for a recovery.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// The pause before the second look of `reconcile` at another member's server.
const SECOND_LOOK: Duration = Duration::from_secs(10);

/// A process and its expected result.
#[derive(Debug, Clone)]
pub(super) struct Action {
    pub(super) deed: Deed,
    /// The time from the beginning of the step to its start.
    pub(super) after: Duration,
    pub(super) leader: Option<Leader>,
    pub(super) faults: Option<Faults>,
    /// The local Patroni does not answer it.
    pub(super) silent: bool,
    pub(super) kill: Option<Kill>,
    pub(super) exit_code: Option<u8>,
    pub(super) posts: Option<usize>,
    pub(super) message: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Deed {
    Callback(Facts),
    /// Correcting differences, on this node.
    Reconcile {
        node: String,
        cluster: String,
        given: Given,
    },
}

/// The holder of the leader key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leader {
    Node(String),
    Nobody,
}

#[derive(Debug)]
pub(super) struct Ended {
    /// `None` if it was killed.
    result: Option<(u8, Vec<String>)>,
    posts: usize,
    took: Duration,
    survey: Option<Survey>,
}

impl Action {
    pub(super) const fn facts(&self) -> Option<&Facts> {
        match &self.deed {
            Deed::Callback(facts) => Some(facts),
            Deed::Reconcile { .. } => None,
        }
    }

    fn node(&self) -> &str {
        match &self.deed {
            Deed::Callback(facts) => facts.node.as_deref().unwrap_or_default(),
            Deed::Reconcile { node, .. } => node,
        }
    }

    /// The members of the cluster that it names.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        let leader = match &self.leader {
            Some(Leader::Node(node)) => Some(node.as_str()),
            Some(Leader::Nobody) | None => None,
        };
        std::iter::once(self.node()).chain(leader)
    }

    pub(super) fn at(&self) -> String {
        match &self.deed {
            Deed::Callback(facts) => at(facts),
            Deed::Reconcile { node, .. } => format!("reconcile on {node}"),
        }
    }

    pub(super) async fn run(&self, rules: &RuleSet, outside: &Outside) -> Ended {
        outside.clock.sleep(self.after).await;
        self.take_role(outside);
        if let Some(faults) = &self.faults {
            outside.set_faults(faults);
        }
        let began = outside.clock.now();
        let process = Process::begin(rules, outside, self.node(), self.silent, self.kill);
        let (result, survey) = match &self.deed {
            Deed::Callback(facts) => {
                let mut survey = survey(rules, facts);
                for step in &mut survey.plan.steps {
                    step.poll.timeout.get_or_insert(LONGEST);
                }
                let result = process.live(callback(&survey, &process)).await;
                (result, Some(survey))
            }
            Deed::Reconcile {
                node,
                cluster,
                given,
            } => {
                let own = |event, role| facts(given, event, role, cluster, node);
                let result = process.live(reconcile(rules, node, own, &process)).await;
                (result, None)
            }
        };
        Ended {
            result,
            posts: process.posts(),
            took: outside.clock.now().saturating_sub(began),
            survey,
        }
    }

    /// Updates the holder of the leader key.
    fn take_role(&self, outside: &Outside) {
        let mut cluster = outside.cluster.borrow_mut();
        let role = self.facts().map(|facts| facts.role);
        if let Some(role) = role.filter(|role| role.leads()) {
            cluster.standby = role == Role::StandbyLeader;
        }
        match (&self.leader, role) {
            (Some(Leader::Node(leader)), _) => cluster.leader = Some(leader.clone()),
            (Some(Leader::Nobody), _) => cluster.leader = None,
            (None, Some(role)) if role.leads() => cluster.leader = Some(self.node().to_owned()),
            (None, Some(_)) if cluster.leader.as_deref() == Some(self.node()) => {
                cluster.leader = None;
            }
            (None, _) => {}
        }
    }

    pub(super) fn differences(&self, ended: &Ended) -> Vec<Failure> {
        let mut found = Vec::new();
        let mut differs = |what, wanted: String, got: String| {
            found.push(Failure::new(what, vec![wanted], vec![got, ended.line()]));
        };
        let result = ended.result.as_ref();
        if self.kill.is_some() && result.is_some() {
            differs("end", "killed".to_owned(), "ended before".to_owned());
        }
        let code = result.map_or(0, |(code, _)| *code);
        if let Some(wanted) = self.exit_code.filter(|wanted| *wanted != code) {
            differs("exit code", wanted.to_string(), code.to_string());
        }
        if let Some(wanted) = self.posts.filter(|wanted| *wanted != ended.posts) {
            differs("posts", wanted.to_string(), ended.posts.to_string());
        }
        let messages = result.map_or(&[][..], |(_, messages)| messages);
        if let Some(wanted) = &self.message
            && !messages.iter().any(|message| message.contains(wanted))
        {
            differs("message", wanted.clone(), messages.join("; "));
        }
        found
    }
}

/// The exit code of a callback, and its messages.
async fn callback(survey: &Survey, process: &Process<'_>) -> (u8, Vec<String>) {
    if let Some(error) = survey.unresolved.first() {
        return (INVALID, vec![error.to_string()]);
    }
    let called = Called::at(process.clock().now());
    let outcome = execute(&survey.plan, called, process).await;
    (outcome.verdict.exit_code(), messages(&outcome))
}

/// The exit code of a pass, and its messages.
async fn reconcile(
    rules: &RuleSet,
    node: &str,
    own: impl Fn(Event, Role) -> Facts,
    process: &Process<'_>,
) -> (u8, Vec<String>) {
    let open = |why: String| (Verdict::Unfinished.exit_code(), vec![why]);
    let here = match Here::ask(process, Some(node)).await {
        Some(Ok(here)) => here,
        Some(Err(error)) => return open(error.to_string()),
        None => {
            let why = "the rules do not name the local Patroni";
            return (INVALID, vec![why.to_owned()]);
        }
    };
    if here.leader.is_none() {
        return open("no member holds the leader key; nothing is sent".to_owned());
    }
    let wants = |here: &Here| {
        let decide = |event, role| evaluate(rules, &own(event, role));
        wanted(rules, &here.view(), decide)
    };
    let wanted = match wants(&here) {
        Ok(wanted) => wanted,
        Err(error) => return (INVALID, vec![error.to_string()]),
    };
    let parts = here.parts(&wanted, &[]);
    let again = async || {
        let now = Here::ask(process, Some(node)).await.and_then(Result::ok);
        let now = now.and_then(|now| Some(now.parts(&wants(&now).ok()?, &[])));
        now.unwrap_or_default()
    };
    let passed = pass(&parts, &again, SECOND_LOOK, &Looks::default(), process).await;
    let verdict = passed.verdict(&Outcome::of(Vec::new()), &wanted, &parts);
    (verdict.exit_code(), messages(&passed.outcome))
}

fn messages(outcome: &Outcome) -> Vec<String> {
    let steps = outcome.steps.iter();
    steps.filter_map(|step| step.message.clone()).collect()
}

impl Ended {
    pub(super) fn line(&self) -> String {
        let Self { posts, took, .. } = self;
        let seconds = took.as_secs_f64();
        let Some((code, messages)) = &self.result else {
            return format!("killed, {posts} posted, after {seconds:.1} s");
        };
        let messages: Vec<_> = messages.iter().map(|it| format!(": {it}")).collect();
        let messages = messages.concat();
        format!("exit code {code}, {posts} posted, took {seconds:.1} s{messages}")
    }

    /// The reason why each rule fired or did not.
    pub(super) fn trace(&self) -> Vec<Trace> {
        let survey = self.survey.as_ref();
        survey.map_or_else(Vec::new, |survey| survey.plan.trace.clone())
    }
}
