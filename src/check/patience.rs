//! How long one event may take.
//!
//! Patroni kills a callback that is still running when the next one fires. What was left is finished later by
//! `reconcile`, but nobody waits for it then.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Event, Rule, RuleSet, Verify, duration};
use crate::template::{Premises, premises};

use super::cells::{self, Cells};
use super::table::{Firing, Table};

/// The longest that one event may take. Five requests with the default settings fit into it.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// How many of the rules that take the time are named.
const MOST_RELATED: usize = 4;

/// The events that take too long, each under the rule that takes most of it.
pub(super) struct Patience<'r> {
    /// For each rule its longest time.
    times: Vec<Duration>,
    /// The fact that most conditions fix, and what each rule's condition fixes it to.
    fixed: Vec<Option<String>>,
    found: BTreeMap<usize, Long>,
    rules: &'r RuleSet,
}

/// An event that takes too long.
struct Long {
    time: Duration,
    cell: usize,
    /// The rules that take part.
    rules: Vec<usize>,
}

impl<'r> Patience<'r> {
    pub(super) fn new(rules: &'r RuleSet) -> Self {
        Self {
            times: rules
                .rules
                .iter()
                .map(|rule| longest(rule, rules))
                .collect(),
            fixed: fixed(rules),
            found: BTreeMap::new(),
            rules,
        }
    }

    fn time(&self, rule: usize) -> Duration {
        self.times.get(rule).copied().unwrap_or_default()
    }

    fn fixed(&self, rule: usize) -> Option<&String> {
        self.fixed.get(rule).and_then(Option::as_ref)
    }

    /// Notes what is wrong in one kind of cluster.
    pub(super) fn look(&mut self, firings: &[Firing]) {
        // Patroni waits for these two, and nothing kills them.
        let waits = |event| matches!(event, Event::Bootstrap | Event::CreateReplica);
        for index in Cells::those(|event, _| !waits(event)).indices() {
            self.look_at(index, firings);
        }
    }

    /// Rules whose conditions fix one fact to different values do not fire together.
    fn look_at(&mut self, index: usize, firings: &[Firing]) {
        let here = || {
            let in_cell = |firing: &&Firing| !firing.may.and(Cells::one(index)).is_empty();
            firings.iter().filter(in_cell).map(|firing| firing.rule)
        };
        let mut always = Duration::ZERO;
        let mut by_value: HashMap<&String, Duration> = HashMap::new();
        for rule in here() {
            let time = self.time(rule);
            match self.fixed(rule) {
                None => always = always.saturating_add(time),
                Some(value) => {
                    let sum = by_value.entry(value).or_default();
                    *sum = sum.saturating_add(time);
                }
            }
        }
        let worst = by_value
            .iter()
            .max_by_key(|(value, time)| (**time, **value));
        let time = always.saturating_add(worst.map(|(_, time)| *time).unwrap_or_default());
        if time <= LONGEST {
            return;
        }
        let value = worst.map(|(value, _)| *value);
        let takes_part = |rule: &usize| {
            let fixed = self.fixed(*rule);
            fixed.is_none() || fixed == value
        };
        let mut rules: Vec<_> = here().filter(takes_part).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(self.time(*rule)));
        let Some(lead) = rules.first().copied() else {
            return;
        };
        rules.truncate(MOST_RELATED);
        if self.found.get(&lead).is_none_or(|long| long.time < time) {
            let cell = index;
            self.found.insert(lead, Long { time, cell, rules });
        }
    }

    pub(super) fn problems(&self, table: &Table<'_>) -> Vec<Problem> {
        let problem = |(lead, long): (&usize, &Long)| {
            let rule = table.rule(*lead)?;
            let message = format!(
                "{} may take {}, and the next callback kills one that still runs: this rule alone may take {}",
                cells::name(long.cell),
                duration::format(long.time),
                duration::format(self.time(*lead)),
            );
            let spot = Spot::value(&rule.origin.child("name"));
            let help = format!(
                "shorten `poll.timeout` and `retry.deadline` until it is at most {}, or spread the requests over several events",
                duration::format(LONGEST)
            );
            let mut problem = Problem::new(Code::TooLong, spot, message).help(help);
            for other in long.rules.iter().filter(|other| *other != lead) {
                let rule = self.rules.rules.get(*other)?;
                let note = format!("this one may take {}", duration::format(self.time(*other)));
                problem = problem.related(Spot::value(&rule.origin.child("name")), note);
            }
            Some(problem)
        };
        self.found.iter().filter_map(problem).collect()
    }
}

/// The longest that a rule's requests may take together: sending with every try and wait, the operation, and the
/// look at what became of it.
fn longest(rule: &Rule, rules: &RuleSet) -> Duration {
    let retry = rule.retry;
    let mut waits = Duration::ZERO;
    let mut wait = retry.wait;
    for _ in 1..retry.attempts.min(64) {
        waits = waits.saturating_add(wait);
        wait = wait.saturating_mul(2).min(retry.max_wait);
    }
    let more = retry.attempts.saturating_sub(64);
    waits = waits.saturating_add(wait.saturating_mul(more));
    let looks = if rule.verify == Verify::None { 1 } else { 2 };
    let request = |request: &crate::model::RequestTemplate| {
        let exchange = rules.apis.get(&request.api);
        let exchange = exchange.map(|api| api.timeout).unwrap_or_default();
        let tries = exchange
            .saturating_mul(retry.attempts)
            .saturating_add(waits);
        tries
            .min(retry.deadline)
            .saturating_add(rule.poll.timeout.saturating_mul(looks))
    };
    rule.requests
        .iter()
        .map(request)
        .fold(Duration::ZERO, Duration::saturating_add)
}

/// What each rule's condition fixes the fact to that most conditions fix.
fn fixed(rules: &RuleSet) -> Vec<Option<String>> {
    let all: Vec<_> = rules
        .rules
        .iter()
        .map(|rule| rule.when.as_ref().map(|when| premises(&when.text)))
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (fact, _) in all.iter().flatten().flat_map(Premises::fixed) {
        *counts.entry(fact).or_default() += 1;
    }
    let commonest = counts.into_iter().max_by_key(|(_, count)| *count);
    let commonest = commonest.map(|(fact, _)| fact);
    all.iter()
        .map(|premises| {
            let mut fixed = premises.as_ref()?.fixed();
            let (_, value) = fixed.find(|(fact, _)| Some(*fact) == commonest)?;
            Some(value.to_owned())
        })
        .collect()
}
